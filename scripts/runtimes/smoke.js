// What has to come out the same wherever JavaScript runs. It takes the packages as a project does, and imports nothing
// of any platform. Plain JavaScript, since some of the platforms do not take types.
import { Actor, ActorError, ActorPool, AsyncHandle, Driver, ObjectRef, Task } from "@troupe/core"
import { Cause, Deferred, Effect, Exit, Fiber, Layer, Stream } from "effect"

class Counter extends Actor.Service()("smoke/Counter", {
  maxConcurrency: 1,
  make: Effect.sync(() => {
    let count = 0
    return {
      add: (by) => Effect.sync(() => (count += by)),
      slowly: (by) =>
        Effect.delay(
          Effect.sync(() => (count += by)),
          "1 millis"
        ),
      forever: () => Effect.never,
      fail: () => Effect.fail("refused"),
      upTo: (n) => Stream.range(1, n)
    }
  })
}) {}

class Room extends Actor.Keyed()("smoke/Room", {
  make: (name) => Effect.succeed({ name: () => Effect.succeed(name) })
}) {}

/** Two actors that each wait for the other, with one permit each. */
class Ping extends Actor.Service()("smoke/Ping", {
  maxConcurrency: 1,
  make: Effect.succeed({ call: (other, back) => other.call(back, undefined), end: () => Effect.void })
}) {}
class Pong extends Actor.Service()("smoke/Pong", {
  maxConcurrency: 1,
  make: Effect.succeed({ call: (other) => other.end() })
}) {}

const reasonOf = (exit) => {
  if (exit._tag === "Success") return "succeeded"
  const error = Cause.squash(exit.cause)
  return ActorError.isActorError(error) ? error.reason._tag : String(error)
}

/** What is tried, each with the name under which its result is printed. */
const steps = {
  ask: Effect.gen(function* () {
    const counter = yield* Counter
    return yield* counter.add(1)
  }),
  "a ref as an argument": Effect.gen(function* () {
    const counter = yield* Counter
    const one = yield* counter.slowly.remote(1)
    return yield* counter.add(one)
  }),
  "many at once": Effect.gen(function* () {
    const counter = yield* Counter
    const refs = yield* Effect.forEach(Array.from({ length: 100 }), () => counter.slowly.remote(1))
    const values = yield* ObjectRef.all(refs)
    return [values[0], values[99]]
  }),
  "a typed failure": Effect.gen(function* () {
    const counter = yield* Counter
    return reasonOf(yield* Effect.exit(counter.fail()))
  }),
  "a cancellation": Effect.gen(function* () {
    const counter = yield* Counter
    const running = yield* counter.forever.remote()
    const waiting = yield* counter.add.remote(1000)
    return [yield* ObjectRef.cancelAll([waiting, running]), reasonOf(yield* Effect.exit(waiting))]
  }),
  "an asker that is interrupted": Effect.gen(function* () {
    const counter = yield* Counter
    const fiber = yield* Effect.forkChild(counter.forever())
    yield* Effect.yieldNow
    yield* Fiber.interrupt(fiber)
    return yield* counter.add(0)
  }),
  "a stream": Effect.gen(function* () {
    const counter = yield* Counter
    return yield* Stream.runCollect(counter.upTo(3))
  }),
  "a key": Effect.gen(function* () {
    const rooms = yield* Room
    return yield* rooms.get("hall").name()
  }),
  "a deadlock": Effect.gen(function* () {
    const ping = yield* Ping
    const pong = yield* Pong
    return reasonOf(yield* Effect.exit(ping.call(pong, ping)))
  }),
  "async code": Effect.gen(function* () {
    const counter = AsyncHandle.make(yield* Counter)
    return yield* Effect.promise(async () => {
      const first = await counter.add(0)
      const refs = [counter.slowly(1), counter.slowly(1)]
      return [first, await Promise.all(refs)]
    })
  }),
  "a task": Effect.gen(function* () {
    const square = Task.make("smoke/square", (n) => Effect.succeed(n * n))
    return yield* square(7)
  }),
  "a pool": Effect.gen(function* () {
    const pool = yield* ActorPool.make({ size: 1, spawn: Counter.spawn() })
    return yield* Stream.runCollect(pool.map([1, 2], (counter) => counter.add(5)))
  }),
  "blocking outside of actors": Effect.gen(function* () {
    const counter = yield* Counter
    return yield* ObjectRef.get(yield* counter.add.remote(0))
  }),
  "a death": Effect.gen(function* () {
    const counter = yield* Counter.spawn()
    const running = yield* counter.forever.remote()
    const gate = yield* Deferred.make()
    yield* Effect.forkChild(Effect.andThen(Actor.watch(counter), Deferred.succeed(gate, undefined)))
    yield* Actor.kill(counter)
    yield* Deferred.await(gate)
    return reasonOf(yield* Effect.exit(running))
  })
}

const live = Layer.mergeAll(Counter.layer, Room.layer, Ping.layer, Pong.layer, Driver.layer)

/** All results in one text, a line each. */
export const smoke = async () => {
  const lines = Object.entries(steps).map(([name, step]) =>
    Effect.map(Effect.exit(Effect.scoped(step)), (exit) =>
      Exit.isSuccess(exit) ? `${name}: ${JSON.stringify(exit.value)}` : `${name}: ${Cause.pretty(exit.cause)}`
    )
  )
  const all = Effect.forEach(lines, (line) => line)
  return (await Effect.runPromise(Effect.provide(all, live))).join("\n")
}

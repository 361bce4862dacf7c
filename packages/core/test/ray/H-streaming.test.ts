import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorContext, ObjectRef } from "@troupe/core"
import { Effect, Exit, Fiber, Latch, Schedule, Stream } from "effect"
import { defectOf, errorOf, Probe, range, reasonOf, reasonOfExit, settle, Worker } from "../support.ts"

class Broken {
  readonly _tag = "Broken"
}

class Streams extends Actor.Service<Streams>()("ray/Streams", {
  shutdownTimeout: 0,
  make: (probe: Probe = new Probe()) =>
    Effect.succeed({
      count: (n: number) => Stream.range(0, n - 1),
      /** One item per pull, each noted as it is produced. */
      one: (n: number) =>
        Stream.fromIterable(range(n), { chunkSize: 1 }).pipe(
          Stream.tap((i) => probe.note(`${i}`)),
          Stream.ensuring(probe.note("end"))
        ),
      forever: () => Stream.tick("1 second"),
      failing: (after: number) => Stream.concat(Stream.fromIterable(range(after)), Stream.fail(new Broken())),
      dying: (after: number) => Stream.concat(Stream.fromIterable(range(after)), Stream.die("defect")),
      gated: (id: string) => Stream.concat(Stream.make(0), Stream.fromEffect(Effect.as(probe.work(id), 1))),
      echo: (stream: Stream.Stream<any, any>) => stream,
      ping: () => Effect.succeed("pong")
    })
}) {}

describe("H: streaming methods", () => {
  it.effect("test_generator_basic: five items arrive in order, then the end", () =>
    Effect.gen(function* () {
      const streams = yield* Streams.spawn()
      assert.deepStrictEqual(yield* Stream.runCollect(streams.count(5)), range(5))
    })
  )

  it.effect("test_generator_basic: a failure after two items comes after them, typed", () =>
    Effect.gen(function* () {
      const streams = yield* Streams.spawn()
      const seen: Array<number> = []
      const run = Stream.runForEach(streams.failing(2), (i) => Effect.sync(() => seen.push(i)))
      assert.instanceOf(yield* errorOf(run), Broken)
      assert.deepStrictEqual(seen, [0, 1])
      assert.strictEqual(yield* streams.ping(), "pong")
    })
  )

  it.effect("test_generator_basic: a kill after some items: those arrive, then ActorDied", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const streams = yield* Streams.spawn(probe)
      const seen: Array<number> = []
      const run = Stream.runForEach(streams.gated("held"), (i) => Effect.sync(() => seen.push(i)))
      const consumer = yield* Effect.forkChild(Effect.exit(run))
      yield* probe.started("held")
      yield* Actor.kill(streams)
      const reason = reasonOfExit(yield* Fiber.join(consumer))
      assert.strictEqual(reason._tag, "ActorDied")
      assert.include(reason.message, "it was killed")
      assert.deepStrictEqual(seen, [0])
    })
  )

  it.effect("test_generator_basic: retries resume the stream, no item comes twice", () =>
    Effect.gen(function* () {
      let attempts = 0
      class Retried extends Actor.Service<Retried>()("ray/Retried", {
        maxTaskRetries: 3,
        retry: true,
        make: Effect.succeed({
          items: () =>
            Stream.suspend(() => {
              const fail = Stream.fail(new Broken())
              const upTo = ++attempts * 2
              return upTo < 6 ? Stream.concat(Stream.fromIterable(range(upTo)), fail) : Stream.fromIterable(range(6))
            })
        })
      }) {}
      const retried = yield* Retried.spawn()
      assert.deepStrictEqual(yield* Stream.runCollect(retried.items()), range(6))
      assert.strictEqual(attempts, 3)
    })
  )

  it.effect("test_actor_streaming_generator: items of asynchronous and synchronous streams, one by one: 0, 1, 2", () =>
    Effect.gen(function* () {
      const streams = yield* Streams.spawn()
      const slow = Stream.mapEffect(Stream.range(0, 2), (i) => Effect.as(Effect.yieldNow, i))
      assert.deepStrictEqual(yield* Stream.runCollect(streams.echo(slow)), [0, 1, 2])
      assert.deepStrictEqual(yield* Stream.runCollect(streams.one(3)), [0, 1, 2])
    })
  )

  it.effect("test_actor_streaming_generator: for await in plain code", () =>
    Effect.gen(function* () {
      const streams = yield* Streams.spawn()
      const iterable = yield* Stream.toAsyncIterableEffect(streams.count(3))
      const seen = yield* Effect.promise(async () => {
        const items: Array<number> = []
        for await (const item of iterable) items.push(item)
        return items
      })
      assert.deepStrictEqual(seen, [0, 1, 2])
    })
  )

  it.effect("test_streaming_generator_exception: a failure before the first item; running it again asks again", () =>
    Effect.gen(function* () {
      const streams = yield* Streams.spawn()
      const stream = streams.failing(0)
      for (const _ of range(2)) assert.instanceOf(yield* errorOf(Stream.runDrain(stream)), Broken)
      assert.strictEqual(yield* defectOf(Stream.runDrain(streams.dying(1))), "defect")
      assert.strictEqual(yield* streams.ping(), "pong")
    })
  )

  it.effect("a method that throws instead of making a stream: a defect of that stream, the actor goes on", () =>
    Effect.gen(function* () {
      const streams = yield* Streams.spawn()
      assert.instanceOf(yield* defectOf(Stream.runDrain(streams.echo(1 as any))), TypeError)
      assert.strictEqual(yield* streams.ping(), "pong")
    })
  )

  it.effect("test_generator_max_returns: the consumer says how many: an endless stream ends after three", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const streams = yield* Streams.options({ maxConcurrency: 1 }).spawn(probe)
      const items = yield* Stream.runCollect(Stream.take(streams.echo(Stream.forever(Stream.make(7))), 3))
      assert.deepStrictEqual(items, [7, 7, 7])
      assert.strictEqual(yield* streams.ping(), "pong")
    })
  )

  it.effect("test_caller_death: the consumer is interrupted: the stream is finalized, its permit is back", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const streams = yield* Streams.options({ maxConcurrency: 1 }).spawn(probe)
      const consumer = yield* Effect.forkChild(Stream.runDrain(streams.gated("held")))
      yield* probe.started("held")
      yield* Fiber.interrupt(consumer)
      assert.deepStrictEqual(probe.log, ["held start", "held cut"])
      assert.strictEqual(yield* streams.ping(), "pong")
    })
  )

  it.effect("test_caller_death: the caller is a method of an actor that is killed", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const streams = yield* Streams.options({ maxConcurrency: 1 }).spawn(probe)
      const caller = yield* Worker.spawn()
      yield* caller.run.remote(Stream.runDrain(streams.gated("held")))
      yield* probe.started("held")
      yield* Actor.kill(caller)
      yield* settle
      assert.strictEqual(yield* streams.ping(), "pong")
    })
  )

  it.effect("test_cancel: an interrupted consumer keeps the items it had, in order, and does not hang", () =>
    Effect.gen(function* () {
      const streams = yield* Streams.spawn()
      const seen: Array<number> = []
      const consumer = yield* Effect.forkChild(
        Stream.runForEach(streams.echo(Stream.concat(Stream.range(0, 4), Stream.never)), (i) =>
          Effect.sync(() => seen.push(i))
        )
      )
      yield* settle
      yield* Fiber.interrupt(consumer)
      assert.deepStrictEqual(seen, range(5))
    })
  )

  it.effect(
    "test_backpressure_invalid: (stronger) no option, but always: nothing is produced before it is asked for",
    () =>
      Effect.gen(function* () {
        const probe = new Probe()
        const streams = yield* Streams.spawn(probe)
        const gate = yield* Latch.make()
        const consumer = yield* Effect.forkChild(Stream.runForEach(streams.one(10), () => gate.await))
        yield* settle
        assert.deepStrictEqual(probe.log, ["0"])
        yield* gate.open
        yield* Fiber.join(consumer)
        assert.deepStrictEqual(probe.log, [...range(10).map(String), "end"])
      })
  )

  it.effect("a stream holds one permit from its first pull to its end", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const streams = yield* Streams.options({ maxConcurrency: 1 }).spawn(probe)
      const consumer = yield* Effect.forkChild(Stream.runDrain(streams.gated("held")))
      yield* probe.started("held")
      const ping = yield* streams.ping.remote()
      yield* settle
      assert.include(String(ping), "waiting")
      yield* probe.open("held")
      yield* Fiber.join(consumer)
      assert.strictEqual(yield* ping, "pong")
    })
  )

  it.effect("a stream of a dead actor fails with ActorDied; over maxPendingCalls it is refused", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const streams = yield* Streams.options({ maxPendingCalls: 1 }).spawn(probe)
      const consumer = yield* Effect.forkChild(Effect.exit(Stream.runDrain(streams.gated("held"))))
      yield* probe.started("held")
      const refused = yield* reasonOf(Stream.runDrain(streams.count(1)))
      assert.strictEqual(refused._tag, "PendingCallsLimitExceeded")
      yield* Actor.kill(streams)
      assert.isTrue(Exit.isFailure(yield* Fiber.join(consumer)))
      assert.strictEqual((yield* reasonOf(Stream.runDrain(streams.count(1))))._tag, "ActorDied")
    })
  )

  it.effect("refs are arguments of streams: they wait for them, and fail as they do", () =>
    Effect.gen(function* () {
      const streams = yield* Streams.spawn()
      assert.deepStrictEqual(yield* Stream.runCollect(streams.count(ObjectRef.succeed(3))), [0, 1, 2])
      assert.strictEqual(yield* errorOf(Stream.runCollect(streams.count(ObjectRef.fail("no number")))), "no number")
    })
  )

  it.effect("Actor.stop waits for streams under way, as for all accepted calls", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const streams = yield* Streams.spawn(probe)
      const consumer = yield* Effect.forkChild(Stream.runCollect(streams.gated("held")))
      yield* probe.started("held")
      const stopping = yield* Effect.forkChild(Actor.stop(streams))
      yield* settle
      assert.isUndefined(stopping.pollUnsafe())
      yield* probe.open("held")
      assert.deepStrictEqual(yield* Fiber.join(consumer), [0, 1])
      yield* Fiber.join(stopping)
    })
  )

  it.effect(
    "a stream whose actor restarts fails with ActorUnavailable, or goes on where it was if it may be retried",
    () =>
      Effect.gen(function* () {
        class Restarted extends Actor.Service<Restarted>()("ray/Restarted", {
          shutdownTimeout: 0,
          restart: Schedule.forever,
          make: Effect.gen(function* () {
            const { restarts } = yield* ActorContext.ActorContext
            return {
              items: () => (restarts === 0 ? Stream.concat(Stream.make(0, 1), Stream.never) : Stream.make(0, 1, 2)),
              retried: () => (restarts === 1 ? Stream.concat(Stream.make(0, 1), Stream.never) : Stream.make(0, 1, 2)),
              crash: () => Effect.die("crash")
            }
          }),
          methodOptions: { retried: { maxTaskRetries: 1 } }
        }) {}
        const restarted = yield* Restarted.spawn()
        const failing = yield* Effect.forkChild(Effect.exit(Stream.runCollect(restarted.items())))
        yield* settle
        yield* Effect.exit(restarted.crash())
        assert.strictEqual(reasonOfExit(yield* Fiber.join(failing))._tag, "ActorUnavailable")

        const resumed = yield* Effect.forkChild(Stream.runCollect(restarted.retried()))
        yield* settle
        yield* Effect.exit(restarted.crash())
        assert.deepStrictEqual(yield* Fiber.join(resumed), [0, 1, 2])
      })
  )

  it.effect("exit and defects in a stream are those of the actor, after the items before them", () =>
    Effect.gen(function* () {
      class Ending extends Actor.Service<Ending>()("ray/Ending", {
        onDefect: "stop",
        make: Effect.succeed({
          exiting: () => Stream.concat(Stream.make(1), Stream.fromEffect(Actor.exit)),
          dying: () => Stream.concat(Stream.make(1), Stream.die("defect")),
          hold: () => Effect.never as Effect.Effect<void>
        })
      }) {}
      const exited = yield* Ending.spawn()
      const seen: Array<number> = []
      const run = (stream: Stream.Stream<number, unknown>) =>
        Effect.exit(Stream.runForEach(stream, (i) => Effect.sync(() => seen.push(i))))
      assert.strictEqual(reasonOfExit(yield* run(exited.exiting()))._tag, "ActorDied")
      assert.strictEqual((yield* Actor.watch(exited)).why, "it called Actor.exit")

      const died = yield* Ending.spawn()
      const held = yield* died.hold.remote()
      yield* settle
      assert.strictEqual(String(yield* run(died.dying())), 'Failure(Cause([Die("defect")]))')
      assert.strictEqual((yield* reasonOf(held))._tag, "ActorDied")
      assert.deepStrictEqual(seen, [1, 1])
    })
  )

  it.effect("large items and many items: 10,000 arrive in order", () =>
    Effect.gen(function* () {
      const streams = yield* Streams.spawn()
      assert.deepStrictEqual(yield* Stream.runCollect(streams.count(10_000)), range(10_000))
      const large = new Uint8Array(1_000_000)
      const [same] = yield* Stream.runCollect(streams.echo(Stream.make(large)))
      assert.strictEqual(same, large)
    })
  )
})

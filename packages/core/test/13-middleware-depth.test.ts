/**
 * Middleware that does what it should not, or what is rarely done.
 */
import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorMiddleware, ActorSystem, ObjectRef } from "@troupe/core"
import { Deferred, Effect, Exit, Fiber, Latch, Layer } from "effect"
import { TestClock } from "effect/testing"
import { defectOf, fork, reasonOf, settle } from "./support.ts"

class Odd extends ActorMiddleware.Service<Odd>()("test/Odd") {}
type Work = (next: Effect.Effect<any, any>, call: ActorMiddleware.Call) => unknown

/** Has one permit. All but `plain` is done as `work` has it. */
class Shop extends Actor.Service<Shop>()("test/Shop", {
  middleware: [Odd],
  maxConcurrency: 1,
  make: (log: Array<string>) =>
    Effect.succeed({
      plain: (n: number) => Effect.succeed(n),
      slow: (millis: number) =>
        Effect.suspend(() => {
          log.push("start")
          return Effect.onExit(Effect.as(Effect.sleep(millis), millis), (exit) =>
            Effect.sync(() => log.push(Exit.isSuccess(exit) ? "end" : "cut"))
          )
        }),
      stubborn: (held: Latch.Latch) => Effect.uninterruptible(Effect.as(held.await, "done"))
    })
}) {}

const shop = (work: Work, log: Array<string> = []) =>
  Effect.provide(
    Shop.spawn(log),
    Layer.succeed(Odd)(((next: any, call: any) => (call.method === "plain" ? next : work(next, call))) as any)
  )

describe("13.4 odd middleware", () => {
  it.effect("13.4 next is refused while it was running: no call waits in line for nobody", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const hedged = yield* shop((next) => Effect.all([next, next], { concurrency: 2 }), log)
      const call = yield* fork(defectOf(hedged.slow(10)))
      yield* TestClock.adjust(10)
      assert.match(
        String(yield* Fiber.join(call)),
        /TypeError: test\/Shop\.slow #\d+: next was run while it was running/
      )
      assert.deepStrictEqual(log, ["start", "cut"])
      assert.strictEqual(yield* hedged.plain(1), 1)
      const racing = yield* shop((next) => Effect.race(next, Effect.delay(next, 5)), log)
      const raced = yield* fork(racing.slow(10))
      yield* TestClock.adjust(10)
      assert.strictEqual(yield* Fiber.join(raced), 10)
      assert.strictEqual(yield* racing.plain(2), 2)
    })
  )

  it.effect("13.4 next is refused once its middleware has ended", () =>
    Effect.gen(function* () {
      const kept: { next?: Effect.Effect<any, any> } = {}
      const lazy = yield* shop((next) => {
        kept.next = next
        return Effect.succeed(1)
      })
      assert.strictEqual(yield* lazy.slow(10), 1)
      assert.match(String(yield* defectOf(kept.next!)), /slow #\d+: next was run after its middleware had ended/)
    })
  )

  it.effect("13.4 attempts with a timeout each run one after the other, and leave nothing in line", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const impatient = yield* shop(
        (next) =>
          Effect.retry(Effect.timeout(next, 20), { times: 2, while: ({ _tag }: any) => _tag === "TimeoutError" }),
        log
      )
      const calls = yield* Effect.forEach([15, 15], (millis) => fork(impatient.slow(millis)))
      yield* Effect.forEach([1, 2, 3, 4, 5], () => TestClock.adjust(10))
      assert.deepStrictEqual(yield* Effect.forEach(calls, Fiber.join), [15, 15])
      const late = yield* fork(Effect.flip(impatient.slow(50)))
      yield* Effect.forEach([1, 2, 3], () => TestClock.adjust(20))
      assert.deepInclude(yield* Fiber.join(late), { _tag: "TimeoutError" } as any)
      assert.deepStrictEqual(log.slice(-6), ["start", "cut", "start", "cut", "start", "cut"])
      assert.strictEqual(yield* impatient.plain(1), 1)
    })
  )

  it.effect("13.4 an attempt that is given up behind calls in their middleware keeps its place there", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const held = yield* Latch.make(false)
      const order = yield* shop((next, { args: [millis] }) =>
        millis === 1 ? held.whenOpen(next) : Effect.retry(Effect.timeout(next, 20), { times: 5 })
      )
      const note = (name: string) => Effect.sync(() => void log.push(name))
      const first = yield* fork(Effect.andThen(order.slow(1), note("first")))
      yield* settle
      const second = yield* fork(Effect.andThen(order.slow(2), note("second")))
      yield* TestClock.adjust(30)
      assert.deepStrictEqual(log, [])
      yield* held.open
      yield* TestClock.adjust(1)
      yield* TestClock.adjust(2)
      yield* Effect.all([Fiber.join(first), Fiber.join(second)])
      assert.deepStrictEqual(log, ["first", "second"])
      assert.strictEqual(yield* order.plain(1), 1)
    })
  )

  it.effect("13.4 a call that is ended runs no handlers of its middleware, and all of its finalizers", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const note = (name: string) => Effect.sync(() => void log.push(name))
      const handling = yield* shop((next) =>
        Effect.catchCause(next, () => Effect.andThen(note("handler"), Effect.never)).pipe(Effect.ensuring(note("over")))
      )
      const cancelled = yield* handling.slow.remote(1000)
      yield* settle
      assert.strictEqual(yield* ObjectRef.cancel(cancelled), "Interrupted")
      assert.deepInclude(yield* reasonOf(cancelled), { _tag: "TaskCancelled", mayHaveRun: true })
      const expired = yield* handling.slow.options({ timeout: 10 }).remote(1000)
      yield* settle
      yield* TestClock.adjust(10)
      assert.deepInclude(yield* reasonOf(expired), { _tag: "TimedOut" })
      const killed = yield* handling.slow.remote(1000)
      yield* settle
      yield* Actor.kill(handling)
      assert.deepInclude(yield* reasonOf(killed), { _tag: "ActorDied" })
      assert.deepStrictEqual(log, ["over", "over", "over"])
    })
  )

  it.effect("13.4 a method that ends all the same does not have its middleware go on without end", () =>
    Effect.gen(function* () {
      const held = yield* Latch.make(false)
      const waiting = yield* shop((next) => Effect.andThen(next, Effect.never))
      const call = yield* waiting.stubborn.remote(held)
      yield* settle
      const cancelling = yield* fork(ObjectRef.cancel(call))
      yield* settle
      yield* held.open
      assert.strictEqual(yield* Fiber.join(cancelling), "Interrupted")
      assert.deepInclude(yield* reasonOf(call), { _tag: "TaskCancelled", mayHaveRun: true })
    })
  )

  it.effect("13.4 middleware that returns no Effect is told so, and its rejection does not end the process", () =>
    Effect.gen(function* () {
      const told = (work: Work) =>
        Effect.map(
          Effect.flatMap(shop(work), (odd) => defectOf(odd.slow(1))),
          String
        )
      const start = "TypeError: test/Shop: its middleware test/Odd must return an Effect, but returned "
      assert.include(yield* told(() => undefined), `${start}undefined. Is a return missing?`)
      assert.include(yield* told(() => Promise.reject(new Error("no"))), `${start}a Promise. Wrap it`)
      assert.include(yield* told(function* () {}), `${start}a generator. Wrap it`)
      const noFunction = Effect.provide(Shop.spawn([]), Layer.succeed(Odd)({} as any))
      const defect = yield* Effect.flatMap(noFunction, (odd) => defectOf(odd.plain(1)))
      assert.include(String(defect), "test/Shop: its middleware test/Odd must be a function of next, but is an object")
    })
  )

  it.effect(
    "13.4 a middleware that is named twice runs once: where it was first, and as the Layer further in has it",
    () =>
      Effect.gen(function* () {
        const log: Array<string> = []
        const noting = (name: string) =>
          Layer.succeed(Odd)((next) =>
            Effect.suspend(() => {
              log.push(name)
              return next
            })
          )
        const spawned = Effect.flatMap(Shop.spawn([]), (one) => one.plain(1))
        const system = (name: string) => Layer.provide(Layer.fresh(ActorSystem.layerMiddleware(Odd)), noting(name))
        yield* spawned.pipe(Effect.provide(noting("own")), Effect.provide(system("system")))
        assert.deepStrictEqual(log.splice(0), ["system"])
        yield* spawned.pipe(
          Effect.provide(noting("own")),
          Effect.provide(system("inner")),
          Effect.provide(system("outer"))
        )
        assert.deepStrictEqual(log, ["inner"])
        assert.throws(
          () => Actor.Service<any>()("test/Twice", { middleware: [Odd, Odd], make: Effect.succeed({}) }),
          /middleware must be an array of classes made with ActorMiddleware\.Service, each of them once/
        )
      })
  )
})

describe("8.1 deadlocks in middleware", () => {
  it.effect("8.1 a call in its middleware that waits for one behind it is a deadlock", () =>
    Effect.gen(function* () {
      const behind = yield* Deferred.make<ObjectRef.ObjectRef<number, unknown>>()
      const waiting = yield* shop((next, { args: [millis] }) =>
        millis === 1 ? Effect.andThen(Effect.flatten(Deferred.await(behind)), next) : next
      )
      const first = yield* waiting.slow.remote(1)
      const second = yield* waiting.slow.remote(2)
      yield* Deferred.succeed(behind, second)
      const { cycle } = (yield* reasonOf(first)) as any
      assert.deepStrictEqual(cycle, [
        "test/Shop.slow (behind calls in their middleware)",
        "test/Shop.slow (in its middleware)",
        "test/Shop.slow (behind calls in their middleware)"
      ])
      yield* TestClock.adjust(2)
      assert.strictEqual(yield* second, 2)
    })
  )

  it.effect("8.1 it is found when the call before them has passed, too", () =>
    Effect.gen(function* () {
      const held = yield* Latch.make(false)
      const behind = yield* Deferred.make<ObjectRef.ObjectRef<number, unknown>>()
      const waiting = yield* shop((next, { args: [millis] }) => {
        if (millis === 0) return held.whenOpen(next)
        return millis === 1 ? Effect.andThen(Effect.flatten(Deferred.await(behind)), next) : next
      })
      const [zeroth, first, second] = yield* Effect.forEach([0, 1, 2], (millis) => waiting.slow.remote(millis))
      yield* Deferred.succeed(behind, second!)
      yield* settle
      assert.include(yield* ObjectRef.explain(first!), "in its middleware for 0 ms, waiting on `test/Shop.slow`")
      assert.include(yield* ObjectRef.explain(second!), "are in their middleware: behind `test/Shop.slow`")
      yield* held.open
      assert.deepInclude(yield* reasonOf(first!), { _tag: "Deadlock" })
      yield* TestClock.adjust(2)
      assert.deepStrictEqual(yield* ObjectRef.all([zeroth!, second!]), [0, 2])
    })
  )

  it.effect("8.1 middleware that asks an actor which waits for the call is a deadlock", () =>
    Effect.gen(function* () {
      const other: { back?: Effect.Effect<any, any>; plain?: Effect.Effect<any, any> } = {}
      const asking = yield* shop((next, { args: [millis] }) =>
        millis === 1 ? Effect.andThen(other.plain!, next) : next
      )
      class Other extends Actor.Service<Other>()("test/Other", {
        maxConcurrency: 1,
        make: Effect.succeed({ back: () => other.back!, plain: () => Effect.void })
      }) {}
      const handle = yield* Other.spawn()
      other.back = asking.slow(1)
      other.plain = handle.plain()
      const { cycle } = (yield* reasonOf(handle.back())) as any
      assert.deepStrictEqual(cycle, [
        "test/Other.back",
        "test/Shop.slow (in its middleware)",
        "test/Other.plain (maxConcurrency 1)",
        "test/Other.back"
      ])
    })
  )

  it.effect("8.1 a call whose middleware goes on after its method holds no permit, also not in explanations", () =>
    Effect.gen(function* () {
      const held = yield* Latch.make(false)
      const lingering = yield* shop((next, { args: [millis] }) => (millis === 0 ? Effect.tap(next, held.await) : next))
      const first = yield* lingering.slow.remote(0)
      yield* TestClock.adjust(0)
      const second = yield* lingering.slow.remote(5)
      const third = yield* lingering.slow.remote(5)
      yield* settle
      assert.match(yield* ObjectRef.explain(first), /its method has ended, and its middleware has not: running/)
      const explained = yield* ObjectRef.explain(third)
      assert.include(explained, `first in line behind \`test/Shop.slow\` #${second.id}`)
      assert.notInclude(explained, `#${first.id}`)
      yield* held.open
      yield* TestClock.adjust(5)
      yield* TestClock.adjust(5)
      assert.deepStrictEqual(yield* ObjectRef.all([first, second, third]), [0, 5, 5])
    })
  )
})

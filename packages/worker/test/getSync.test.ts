import { Actor, ActorError, Driver, ObjectRef } from "@troupe/core"
import { WorkerHome } from "@troupe/worker"
import { Cause, Effect, Layer, ManagedRuntime } from "effect"
import { afterAll, assert, describe, it } from "vitest"
import { Counter, Overflow, Refused } from "./fixtures/Counter.ts"
import { bundle } from "./support.ts"

const url = await bundle("counter.worker")
const home = WorkerHome.layer(Counter, { url, unresponsiveAfter: "2 seconds" })
const runtime = ManagedRuntime.make(Layer.mergeAll(home, Driver.layer))
const counter = await runtime.runPromise(Counter)
const driver = await runtime.runPromise(Driver.Driver)
afterAll(() => runtime.dispose())

const thrown = (work: () => unknown): any => {
  try {
    work()
  } catch (error) {
    return error
  }
  return assert.fail("it should have thrown")
}

class Local extends Actor.Service<Local>()("test/Local", {
  make: Effect.succeed({ later: () => Effect.never, echo: (n: number) => Effect.succeed(n) })
}) {}

describe("ObjectRef.getSync", () => {
  it("blocks synchronous code until a call in another thread has settled", () => {
    const before = ObjectRef.getSync(runtime.runSync(counter.increment.remote(0)), { driver })
    assert.strictEqual(ObjectRef.getSync(runtime.runSync(counter.increment.remote(2)), { driver }), before + 2)
    const refs = [1, 2, 3].map((by) => runtime.runSync(counter.increment.remote(by)))
    assert.deepStrictEqual(
      refs.reverse().map((ref) => ObjectRef.getSync(ref, { driver })),
      [before + 8, before + 5, before + 3]
    )
  })

  it("throws the typed error itself, and the defect itself", () => {
    const failed = runtime.runSync(counter.increment.remote(5000))
    assert.instanceOf(
      thrown(() => ObjectRef.getSync(failed, { driver })),
      Overflow
    )
    const refused = thrown(() => ObjectRef.getSync(runtime.runSync(counter.refuse.remote()), { driver }))
    assert.instanceOf(refused, Refused)
    assert.deepStrictEqual([refused.reason, refused.message], ["no", "refused: no"])
    const died = runtime.runSync(counter.die.remote())
    assert.match(thrown(() => ObjectRef.getSync(died, { driver })).message, /boom/)
  })

  it("gives up when its timeout is over, and the call goes on", async () => {
    const ref = runtime.runSync(counter.never.remote())
    const error = thrown(() => ObjectRef.getSync(ref, { driver, timeout: 20 }))
    assert.isTrue(Cause.isTimeoutError(error))
    assert.include(error.message, "test/Counter.never")
    assert.strictEqual(await runtime.runPromise(ObjectRef.cancel(ref)), "Interrupted")
  })

  it("follows refs among the arguments of the call", () => {
    const one = runtime.runSync(counter.increment.remote(1))
    const sum = runtime.runSync(counter.increment.remote(one))
    assert.isAbove(ObjectRef.getSync(sum, { driver }), ObjectRef.getSync(one, { driver }))
  })

  it("gives what is settled already, wherever it was settled", () => {
    assert.strictEqual(ObjectRef.getSync(ObjectRef.succeed(7), { driver }), 7)
  })

  it("refuses a ref that only the blocked thread could settle", async () => {
    const error = await Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const local = yield* Local.spawn()
          const ref = yield* local.later.remote()
          const error = thrown(() => ObjectRef.getSync(ref, { driver }))
          yield* Actor.kill(local)
          return error
        })
      )
    )
    assert.instanceOf(error, TypeError)
    assert.match(error.message, /test\/Local\.later.*only be settled by the thread that would block/s)
  })

  it("refuses a call that waits for a ref which only the blocked thread could settle", async () => {
    const [error, outcome] = await runtime.runPromise(
      Effect.gen(function* () {
        const never = yield* ObjectRef.fromEffect(Effect.never as Effect.Effect<number>)
        const ref = yield* counter.increment.remote(never)
        return [thrown(() => ObjectRef.getSync(ref, { driver })), yield* ObjectRef.cancel(ref)] as const
      })
    )
    assert.match(error.message, /waits for .*only be settled by the thread that would block/s)
    assert.strictEqual(outcome, "NotStarted")
  })

  it("refuses to block without the Driver", () => {
    const ref = runtime.runSync(counter.increment.remote(0))
    assert.match(thrown(() => ObjectRef.getSync(ref, { driver: {} as any })).message, /needs the Driver/)
    ObjectRef.getSync(ref, { driver })
  })

  it("refuses to block inside an actor, naming it", async () => {
    type Box = { readonly ref: ObjectRef.ObjectRef<number, unknown> }
    const get = ({ ref }: Box) => ObjectRef.getSync(ref, { driver })
    class Nosy extends Actor.Service<Nosy>()("test/Nosy", {
      make: Effect.succeed({
        inItsBody: (box: Box) => Effect.succeed(get(box)),
        inSync: (box: Box) => Effect.sync(() => get(box)),
        onItsFiber: (box: Box) => Effect.map(Effect.yieldNow, () => get(box))
      })
    }) {}
    const defects = Effect.gen(function* () {
      const nosy = yield* Nosy.spawn()
      const ref = yield* counter.increment.remote(0)
      const found: Array<unknown> = []
      for (const method of ["inItsBody", "inSync", "onItsFiber"] as const) {
        found.push(Cause.squash(yield* Effect.flip(Effect.sandbox(nosy[method]({ ref })))))
        found.push(Cause.squash(yield* Effect.flip(Effect.sandbox(yield* nosy[method].remote({ ref })))))
        const message = String(found.at(-1))
        assert.include(message, `test/Nosy.${method}`)
      }
      yield* ref
      return found
    })
    for (const defect of await runtime.runPromise(Effect.scoped(defects))) {
      assert.instanceOf(defect, ActorError.BlockingGetError)
    }
    // Outside it goes on as ever.
    assert.isNumber(get({ ref: runtime.runSync(counter.increment.remote(0)) }))
  })

  it("does not hang on a thread that dies, nor on one that hangs", async () => {
    const crashing = runtime.runSync(counter.crash.remote())
    const error = thrown(() => ObjectRef.getSync(crashing, { driver, timeout: "20 seconds" }))
    assert.instanceOf(error, ActorError.ActorError)
    assert.strictEqual(error.reason._tag, "ActorUnavailable")
    await runtime.runPromiseExit(crashing)
    await runtime.runPromise(counter.increment(0))
    const spinning = runtime.runSync(counter.spin.remote())
    const hung = thrown(() => ObjectRef.getSync(spinning, { driver, timeout: "20 seconds" }))
    assert.strictEqual(hung.reason._tag, "ActorUnavailable")
    await runtime.runPromiseExit(spinning)
    assert.isNumber(await runtime.runPromise(counter.increment(0)))
  })
})

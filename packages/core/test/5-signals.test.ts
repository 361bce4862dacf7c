/**
 * Calls that end with an `AbortSignal`, from Effect programs and from plain async code.
 */
import { getEventListeners } from "node:events"
import { assert, describe, it } from "@effect/vitest"
import { Actor, AsyncHandle, ObjectRef, Task } from "@troupe/core"
import { Effect, Fiber, References } from "effect"
import { fork, Probe, range, reasonOf, settle, Worker } from "./support.ts"

const listenersOf = (signal: AbortSignal): number => getEventListeners(signal, "abort").length

class Room extends Actor.Keyed<Room>()("test/Room", {
  make: (_key: string) => Effect.succeed({ say: () => Effect.never })
}) {}

describe("5.8 a call ends when its signal fires", () => {
  it.effect("5.8 while it runs, while it waits, and before it starts; its error says which", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      const abort = new AbortController()
      const work = worker.work.options({ signal: abort.signal })
      const running = yield* work.remote("a")
      const waiting = yield* work.remote("b")
      const asker = yield* fork(Effect.flip(work("c")))
      yield* probe.started("a")
      abort.abort()
      const late = yield* work.remote("d")
      assert.deepInclude(yield* reasonOf(running), { _tag: "TaskCancelled", mayHaveRun: true })
      for (const ref of [waiting, late]) {
        assert.deepInclude(yield* reasonOf(ref), { _tag: "TaskCancelled", mayHaveRun: false })
      }
      assert.include(String(yield* Fiber.join(asker)), "Worker.work #")
      assert.deepStrictEqual(probe.log, ["a start", "a cut"])
      // Others do not mind, and the permit is theirs.
      assert.strictEqual(yield* worker.echo(1), 1)
      assert.strictEqual(listenersOf(abort.signal), 0)
    })
  )

  it.effect("5.8 with it end the calls that it submitted", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const [outer, inner] = [yield* Worker.spawn(probe), yield* Worker.spawn(probe)]
      const abort = new AbortController()
      const ref = yield* outer.run.options({ signal: abort.signal }).remote(inner.work("a"))
      yield* probe.started("a")
      abort.abort()
      assert.strictEqual((yield* reasonOf(ref))._tag, "TaskCancelled")
      yield* settle
      assert.deepStrictEqual(probe.log, ["a start", "a cut"])
    })
  )

  it.effect("5.8 a signal that fires in the body of a method ends the call at its next wait", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const abort = new AbortController()
      const body = Effect.andThen(
        Effect.sync(() => abort.abort()),
        Effect.never
      )
      const reason = yield* reasonOf(worker.run.options({ signal: abort.signal })(body))
      assert.strictEqual(reason._tag, "TaskCancelled")
      assert.strictEqual(listenersOf(abort.signal), 0)
    })
  )

  it.effect("5.8 a call that waits for room, or for a ref among its arguments, waits no longer", () =>
    Effect.gen(function* () {
      const tight = yield* Worker.options({ maxPendingCalls: 1, overflow: "suspend" }).spawn()
      const free = yield* Worker.spawn()
      const abort = new AbortController()
      const { signal } = abort
      const held = yield* tight.run.remote(Effect.never)
      const suspended = yield* fork(Effect.flip(tight.echo.options({ signal })(1)))
      const submitted = yield* fork(Effect.flatMap(tight.echo.options({ signal }).remote(2), reasonOf))
      const preparing = yield* free.echo.options({ signal }).remote(held)
      yield* settle
      abort.abort()
      assert.include(String(yield* Fiber.join(suspended)), "cancelled")
      assert.strictEqual((yield* Fiber.join(submitted))._tag, "TaskCancelled")
      assert.strictEqual((yield* reasonOf(preparing))._tag, "TaskCancelled")
      // One whose signal has fired waits for no room.
      assert.strictEqual((yield* reasonOf(tight.echo.options({ signal })(3)))._tag, "TaskCancelled")
      yield* ObjectRef.cancel(held)
      assert.strictEqual(yield* tight.echo(4), 4)
      assert.strictEqual(listenersOf(signal), 0)
    })
  )

  it.effect("5.8 a task, and the call of a key", () =>
    Effect.gen(function* () {
      const wait = Task.make("test/wait", () => Effect.never)
      const abort = new AbortController()
      const { signal } = abort
      const { say } = yield* Room.get("a")
      const refs = [yield* wait.options({ signal }).remote(), yield* say.options({ signal }).remote()]
      yield* settle
      abort.abort()
      for (const ref of refs) assert.strictEqual((yield* reasonOf(ref))._tag, "TaskCancelled")
      assert.strictEqual(listenersOf(signal), 0)
    }).pipe(Effect.provide(Room.layer))
  )

  it.effect("5.8 ten thousand calls of one signal: one listener while they last, and none afterwards", () =>
    Effect.gen(function* () {
      let bodies = 0
      const worker = yield* Worker.options({ maxConcurrency: 1000 }).spawn()
      const abort = new AbortController()
      const run = worker.run.options({ signal: abort.signal })
      const body = Effect.andThen(
        Effect.sync(() => bodies++),
        Effect.never
      )
      const refs = yield* Effect.forEach(range(10_000), () => run.remote(body))
      yield* settle
      assert.strictEqual(listenersOf(abort.signal), 1)
      abort.abort()
      const reasons = yield* Effect.forEach(refs, reasonOf)
      assert.deepStrictEqual([...new Set(reasons.map(({ _tag }) => _tag))], ["TaskCancelled"])
      yield* settle
      assert.strictEqual(bodies, 1000)
      assert.strictEqual(listenersOf(abort.signal), 0)
    })
  )

  it.effect("5.8 a signal that never fires keeps nothing of the calls that have settled", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const { signal } = new AbortController()
      const echo = worker.echo.options({ signal })
      for (const n of range(100)) {
        assert.strictEqual(yield* echo(n), n)
        assert.strictEqual(yield* yield* echo.remote(n), n)
      }
      yield* Effect.exit(worker.fail.options({ signal })("no"))
      yield* Actor.kill(worker)
      yield* Effect.exit(echo(1))
      assert.strictEqual(listenersOf(signal), 0)
    })
  )

  it.effect("5.8 in plain code: AsyncHandle.make(handle, { signal }) is for all calls of the handle", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      const abort = new AbortController()
      const { signal } = abort
      const plain = AsyncHandle.make(worker, { signal })
      assert.strictEqual(yield* Effect.promise(() => plain.add(1, 2)), 3)
      const refs = [plain.work("a"), plain.work("b")]
      yield* probe.started("a")
      abort.abort()
      const results = yield* Effect.promise(() => Promise.allSettled([...refs, plain.work("c")]))
      assert.deepStrictEqual(
        results.map((result) => result.status === "rejected" && result.reason.reason._tag),
        ["TaskCancelled", "TaskCancelled", "TaskCancelled"]
      )
      assert.deepStrictEqual(probe.log, ["a start", "a cut"])
      assert.strictEqual(yield* Effect.promise(() => AsyncHandle.make(worker).add(1, 2)), 3)
      assert.strictEqual(listenersOf(signal), 0)
    })
  )

  it.effect("5.8 at whatever operation it fires of a call that finds no room", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.options({ maxConcurrency: 1, maxPendingCalls: 1, overflow: "suspend" }).spawn()
      yield* worker.run.remote(Effect.never)
      yield* settle
      for (const operations of range(40)) {
        const abort = new AbortController()
        const add = worker.add.options({ signal: abort.signal })
        // The fiber is held up after so many operations, and the signal fires just then.
        const asker = yield* Effect.flip(add(1, 2)).pipe(
          Effect.provideService(References.MaxOpsBeforeYield, operations + 4),
          Effect.forkChild
        )
        yield* Effect.yieldNow
        abort.abort()
        assert.strictEqual((yield* Fiber.join(asker)).reason._tag, "TaskCancelled")
        assert.strictEqual(listenersOf(abort.signal), 0)
      }
    })
  )

  it.effect("5.8 what is no AbortSignal is refused, and so is one for all calls of a definition", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const controller: any = new AbortController()
      assert.throws(
        () => worker.add.options({ signal: controller }),
        /test\/Worker\.add: signal must be an AbortSignal/
      )
      assert.throws(() => AsyncHandle.make(worker, { signal: controller }), /AsyncHandle\.make: signal must be/)
      assert.throws(() => AsyncHandle.make(worker, { timeout: 1 } as any), /no option "timeout"/)
      assert.throws(
        () => AsyncHandle.make(AsyncHandle.make(worker) as any, { signal: controller.signal }).add(1, 2),
        /set them on the handle/
      )
      assert.throws(
        () => Worker.options({ methodOptions: { add: { signal: controller.signal } } } as any),
        /there is no option "signal"/
      )
    })
  )
})

describe("5.9 await using", () => {
  it.effect("5.9 cancels the call when its block is left before it has settled, and waits for it", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      const plain = AsyncHandle.make(worker)
      const [running, waiting] = yield* Effect.promise(async () => {
        await using running = plain.work("running")
        await using waiting = plain.work("waiting")
        await Effect.runPromise(probe.started("running"))
        return [running, waiting]
      })
      assert.deepStrictEqual(probe.log, ["running start", "running cut"])
      assert.deepInclude(yield* reasonOf(running!), { _tag: "TaskCancelled", mayHaveRun: true })
      assert.deepInclude(yield* reasonOf(waiting!), { _tag: "TaskCancelled", mayHaveRun: false })
    })
  )

  it.effect("5.9 leaves a call alone that has settled, and an error of the block as it is", () =>
    Effect.gen(function* () {
      const plain = AsyncHandle.make(yield* Worker.spawn())
      const block = async () => {
        await using sum = plain.add(1, 2)
        assert.strictEqual(await sum, 3)
        await using forever = plain.run(Effect.never)
        throw new Error(`left ${forever}`)
      }
      const error = yield* Effect.flip(Effect.tryPromise({ try: block, catch: (error) => error as Error }))
      assert.match(error.message, /^left ObjectRef/)
    })
  )
})

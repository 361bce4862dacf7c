import { threadId } from "node:worker_threads"
import { ActorError, ObjectRef } from "@troupe/core"
import { TaskPool, WorkerHome } from "@troupe/worker"
import { Cause, Effect } from "effect"
import { assert, describe, it } from "vitest"
import { crash, crashOnce, die, Factor, forever, local, meet, scaled, sizeOf, square, where } from "./fixtures/tasks.ts"
import { bundle } from "./support.ts"

const url = await bundle("tasks.worker")
const memory = () => new Int32Array(new SharedArrayBuffer(4))

const run = <A, E>(effect: Effect.Effect<A, E, Factor>, options: Partial<TaskPool.TaskPoolOptions> = {}) =>
  effect.pipe(
    Effect.provideService(Factor, 1),
    Effect.provide(TaskPool.layer({ url, size: 2, ...options })),
    Effect.runPromise
  )

describe("TaskPool", () => {
  it("runs tasks in its threads, with the same calls as before", async () => {
    const [value, viaRef, thread] = await run(
      Effect.gen(function* () {
        const four = yield* square.remote(2)
        return [yield* square(3), yield* square(four), yield* where()]
      })
    )
    assert.deepStrictEqual([value, viaRef], [9, 16])
    assert.notStrictEqual(thread, threadId)
  })

  it("uses all its threads at the same time", async () => {
    const shared = memory()
    // Each holds its thread until the other runs.
    const where = await run(Effect.all([meet(shared, 2), meet(shared, 2)], { concurrency: 2 }))
    assert.strictEqual(new Set(where).size, 2)
  })

  it("runs a task that it does not serve with its caller", async () => {
    assert.strictEqual(await run(local()), threadId)
  })

  it("gives tasks the services of the thread", async () => {
    assert.strictEqual(await run(scaled(4)), 40)
  })

  it("carries failures by their fields, so that catchTag works", async () => {
    const caught = run(Effect.catchTag(square(5000), "TooBig", ({ size }) => Effect.succeed(`too big: ${size}`)))
    assert.strictEqual(await caught, "too big: 5000")
  })

  it("carries defects with their name and stack", async () => {
    const cause = await run(Effect.flip(Effect.sandbox(die())))
    const defect: any = Cause.squash(cause)
    assert.deepStrictEqual([defect.name, defect.message], ["RangeError", "out of range"])
    assert.include(defect.stack, "tasks.worker")
  })

  it("interrupts the task in its thread when its call is cancelled", async () => {
    const shared = memory()
    const outcome = await run(
      Effect.gen(function* () {
        const ref = yield* forever.remote(shared)
        yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve))).pipe(
          Effect.repeat({ until: () => Atomics.load(shared, 0) === 1 })
        )
        return yield* ObjectRef.cancel(ref)
      })
    )
    assert.strictEqual(outcome, "Interrupted")
    assert.strictEqual(Atomics.load(shared, 0), 2)
  })

  it("moves arguments that are to be moved", async () => {
    const bytes = new Uint8Array(1000)
    assert.strictEqual(await run(sizeOf(WorkerHome.transfer(bytes))), 1000)
    assert.strictEqual(bytes.byteLength, 0)
  })

  it("fails the call of a task that ends its thread, and replaces the thread", async () => {
    const [error, after] = await run(
      Effect.gen(function* () {
        const error = yield* Effect.flip(crash())
        return [error, yield* Effect.all([square(2), square(3)], { concurrency: 2 })] as const
      })
    )
    assert.instanceOf(error, ActorError.ActorError)
    assert.match(error.message, /exited with code 4 while it ran crash/)
    assert.deepStrictEqual(after, [4, 9])
  })

  it("runs a call again after its thread was lost, as far as maxTaskRetries goes", async () => {
    assert.strictEqual(await run(crashOnce(memory()), { maxTaskRetries: 1 }), "survived")
  })

  it("refuses to serve what is no task", () => {
    assert.throws(() => TaskPool.serve([(() => Effect.void) as any]), /Task\.make/)
  })

  it("fails to build when its threads do not come up", async () => {
    const exit = await Effect.runPromiseExit(
      Effect.provide(square(1), TaskPool.layer({ url: new URL("./none.ts", import.meta.url) }))
    )
    assert.include(String(exit), "WorkerFailed")
  })
})

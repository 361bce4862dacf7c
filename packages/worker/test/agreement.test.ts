/**
 * Both sides of a thread have the same contract, or the thread is refused (docs/homes.md): wrong values never come through.
 */
import { Worker } from "node:worker_threads"
import { assert, describe, it } from "@effect/vitest"
import { Actor, Task } from "@troupe/core"
import { TaskPool, WorkerHome } from "@troupe/worker"
import { Effect, type Layer, Schedule, Schema } from "effect"
import { errorOf, reasonOf } from "../../core/test/support.ts"
import { keyed, single, tasks } from "./fixtures/versions.ts"
import { bundle } from "./support.ts"

const url = await bundle("versions.worker")
const at = (workerData: object) => ({ url, workerOptions: { workerData } })

const Shop: any = single("same")

const refuses = (name: string, layer: Layer.Layer<any, any>, actor: any, why: RegExp) =>
  it.live(name, () =>
    Effect.gen(function* () {
      const error: any = yield* errorOf(Effect.provide(actor as Effect.Effect<any>, layer))
      assert.strictEqual(error._tag, "WorkerFailed")
      assert.match(error.message, /^test\/Shop: its thread did not come up because the contract is not the same/)
      assert.match(error.message, why)
    })
  )

describe("10.3 a thread whose contract differs is refused, with both versions", () => {
  const versions = {
    args: /look is \(string\): number & isInt ! \{ .* \} here, and \(number & isInt\): .* in the thread/,
    success: /look is \(string\): number & isInt ! .* here, and \(string\): string ! .* in the thread/,
    error: /look is .* here, and .*until\?: number & isInt.* in the thread/,
    stream: /list is \(\): Array<string> here, and \(\): Stream of Array<string> in the thread/,
    method: /list is only on this side, as \(\): Array<string>/
  } as const
  for (const [version, why] of Object.entries(versions)) {
    refuses(`its ${version} differs`, WorkerHome.layer(Shop, at({ version })), Shop, why)
  }

  const Keyed = keyed(Schema.String)
  refuses(
    "its key differs",
    WorkerHome.layer(Keyed, at({ key: "number" })),
    Keyed,
    /its key is string here, and number in the thread/
  )
  refuses("it has no keys", WorkerHome.layer(Keyed, at({ version: "same" })), Keyed, /its key is only on this side/)

  it.live("and one whose contract is the same is not, wherever it was built", () =>
    Effect.gen(function* () {
      const shop: any = yield* Shop as Effect.Effect<any>
      assert.strictEqual(yield* shop.look("x"), 1)
    }).pipe(Effect.provide(WorkerHome.layer(Shop, at({ version: "same" })) as Layer.Layer<any>))
  )

  it.live("also when it replaces one that was lost, while a new version is rolled out", () =>
    Effect.gen(function* () {
      const threads: Array<Worker> = []
      const spawn = () => {
        const worker = new Worker(url, { workerData: { version: threads.length === 0 ? "same" : "success" } })
        threads.push(worker)
        return worker
      }
      const layer: Layer.Layer<any, any> = WorkerHome.layer(Shop, { spawn, restart: Schedule.recurs(1) })
      const death = yield* Effect.gen(function* () {
        const shop: any = yield* Shop as Effect.Effect<any>
        assert.strictEqual(yield* shop.look("x"), 1)
        yield* Effect.promise(() => threads[0]!.terminate())
        return yield* Actor.watch(shop)
      }).pipe(Effect.provide(layer))
      assert.match(String(death.cause), /the contract is not the same on both sides: look is/)
    })
  )
})

describe("10.3 tasks are known by their names", () => {
  const run = <A, E>(effect: Effect.Effect<A, E>, task: keyof typeof tasks) =>
    Effect.provide(effect, TaskPool.layer({ ...at({ task }), size: 1 }))

  it.live("two of one name are refused where they are served", () =>
    Effect.gen(function* () {
      const error: any = yield* errorOf(run(Effect.void, "two"))
      assert.strictEqual(error._tag, "WorkerFailed")
      assert.match(error.message, /TaskPool\.serve: two tasks with different functions are called "label"/)
    })
  )

  it.live("two of one name are refused where they are called, unless they run the same function", () =>
    run(
      Effect.gen(function* () {
        const [task] = tasks.twice
        assert.strictEqual(yield* task!(1), "1")
        assert.strictEqual(yield* tasks.twice[1]!(2), "2")
        const other = Task.make("label", (n: number) => Effect.succeed(`another ${n}`))
        const reason = yield* reasonOf(other(1))
        assert.deepStrictEqual([reason._tag, reason.mayHaveRun], ["DecodeError", false])
        assert.match(
          reason.message,
          /^label\.run: two tasks with different functions are called "label".*Give each its own/
        )
        assert.strictEqual(yield* task!(3), "3")
      }),
      "twice"
    )
  )

  it.live("one with other schemas than the thread's is refused, with both versions", () =>
    run(
      Effect.gen(function* () {
        const reason = yield* reasonOf(tasks.same[0]!(1))
        assert.deepStrictEqual([reason._tag, reason.mayHaveRun], ["DecodeError", false])
        assert.match(
          reason.message,
          /^label\.run: the task is not the same on both sides: label is \(number\): string ! \? here, and \(string\): string ! \? in the threads/
        )
      }),
      "other"
    )
  )

  it.live("a thread that serves other tasks than those before it is refused", () =>
    Effect.gen(function* () {
      let threads = 0
      const spawn = () => new Worker(url, { workerData: { task: threads++ === 0 ? "same" : "other" } })
      const error: any = yield* errorOf(Effect.scoped(Effect.provide(Effect.void, TaskPool.layer({ spawn, size: 2 }))))
      assert.match(error.message, /it does not serve the tasks that the threads before it do: label is/)
    })
  )
})

/**
 * `spawn`: threads that the program makes itself, in the form that bundlers know.
 */
import { EventEmitter } from "node:events"
import { Worker } from "node:worker_threads"
import { assert, describe, it } from "@effect/vitest"
import { TaskPool, type WorkerFailed, WorkerHome } from "@troupe/worker"
import { Effect, Schedule } from "effect"
import { errorOf } from "../../core/test/support.ts"
import { Counter } from "./fixtures/Counter.ts"
import { bundle } from "./support.ts"

const url = await bundle("counter.worker")

/** Why a home with these threads does not come up. */
const failure = (spawn: any, options: Partial<WorkerHome.HomeOptions> = {}) =>
  Effect.map(
    errorOf(Effect.provide(Counter, WorkerHome.layer(Counter, { spawn, ...options }))),
    (error): WorkerFailed.WorkerFailed => {
      assert.strictEqual((error as any)._tag, "WorkerFailed")
      return error as any
    }
  )

describe("spawn", () => {
  it.live("makes the thread of an actor, and each replacement", () =>
    Effect.gen(function* () {
      let made = 0
      const home = WorkerHome.layer(Counter, {
        spawn: () => {
          made++
          return new Worker(new URL(url, import.meta.url))
        },
        restart: Schedule.recurs(1)
      })
      yield* Effect.provide(
        Effect.gen(function* () {
          const counter = yield* Counter
          assert.strictEqual(yield* counter.increment(2), 2)
          yield* Effect.exit(counter.crash())
          assert.strictEqual(yield* counter.increment(3), 3)
        }),
        home
      )
      assert.strictEqual(made, 2)
    })
  )

  it.live("that throws is why the home does not come up", () =>
    Effect.gen(function* () {
      const error = yield* failure(() => {
        throw new RangeError("no threads left")
      })
      assert.strictEqual(
        error.message,
        "test/Counter: its thread did not come up because it could not be started: no threads left"
      )
      assert.instanceOf(error.cause, RangeError)
    })
  )

  it.live("that gives no Worker is told what it gave", () =>
    Effect.gen(function* () {
      const given: ReadonlyArray<readonly [unknown, string]> = [
        [undefined, "undefined"],
        ["./counter.worker.ts", "a string"],
        [new EventEmitter(), "an object"],
        [Promise.resolve(), "a promise"],
        [{ postMessage() {}, addEventListener() {}, terminate() {} }, "a Worker of another kind, as browsers have it"]
      ]
      for (const [value, name] of given) {
        const { message } = yield* failure(() => value)
        assert.include(message, `spawn must give a Worker of node:worker_threads, but gave ${name}`)
      }
    })
  )

  it.live("that gives the same Worker again is refused, since nothing would greet", () =>
    Effect.gen(function* () {
      const worker = new Worker(url)
      const tasks = TaskPool.layer({ spawn: () => worker, size: 2 })
      const error: any = yield* errorOf(Effect.scoped(Effect.provide(Effect.void, tasks)))
      assert.include(error.message, "spawn must make a new Worker each time, but gave one that is in use")
    })
  )

  it.live("whose Worker never greets is given up after startTimeout, and told of the last line of its file", () =>
    Effect.gen(function* () {
      const silent = () => new Worker("setInterval(() => {}, 1000)", { eval: true })
      const { message } = yield* failure(silent, { startTimeout: 200 })
      assert.include(message, "it was not ready within 0.2 s (startTimeout)")
      assert.include(message, "does its file end with WorkerHome.serve(...)?")
    })
  )

  it("that is no function is refused when the Layer is made", () => {
    const spawn: any = new URL("./counter.worker.ts", import.meta.url)
    assert.throws(
      () => WorkerHome.layer(Counter, { spawn }),
      /test\/Counter: spawn must be a function that makes a Worker, but is an object/
    )
  })
})

/** What only a browser has: `own.test.ts` runs this in a page. */
import { assert, describe, it } from "@effect/vitest"
import { Driver, ObjectRef } from "@troupe/core"
import { WorkerHome } from "@troupe/worker"
import { Effect, Layer, Schedule } from "effect"
import { errorOf } from "../../../core/test/support.ts"
import { Counter } from "../fixtures/Counter.ts"
import { Tracked } from "../fixtures/Tracked.ts"
import { bundle } from "./page/support.ts"

const url = await bundle("counter.worker")
const trackedUrl = await bundle("tracked.worker")

/** Keeps the page from hearing of anything. */
const block = (milliseconds: number): void => {
  const end = performance.now() + milliseconds
  while (performance.now() < end);
}

describe("in a page", () => {
  it.live("getSync is refused, and says why, unless the value is there", () =>
    Effect.gen(function* () {
      const counter = yield* Counter
      const driver = yield* Driver.Driver
      const ref = yield* counter.increment.remote(2)
      assert.throws(
        () => ObjectRef.getSync(ref, { driver }),
        /ObjectRef\.getSync: in a browser, .* Use await or yield\*/
      )
      assert.strictEqual(yield* ref, 2)
      assert.strictEqual(ObjectRef.getSync(ref, { driver }), 2)
    }).pipe(Effect.provide(Layer.merge(WorkerHome.layer(Counter, { url }), Driver.layer)))
  )

  it.live("a page that was busy itself does not take its thread for hung", () =>
    Effect.gen(function* () {
      const tracked = yield* Tracked
      // A ping waits for its answer from before the page is busy, and has it long before the page is not.
      const ref = yield* tracked.block.remote(250)
      yield* Effect.sleep(150)
      block(1000)
      yield* ref
      yield* Effect.sleep(300)
      assert.strictEqual(yield* tracked.work("on"), "on")
    }).pipe(
      Effect.provide(
        WorkerHome.layer(Tracked, { url: trackedUrl, unresponsiveAfter: 300, restart: Schedule.recurs(0) })
      )
    )
  )

  it.live("spawn may give no Worker of another kind", () =>
    Effect.gen(function* () {
      const spawn: any = () => ({ postMessage() {}, terminate() {} })
      const error: any = yield* errorOf(Effect.provide(Counter, WorkerHome.layer(Counter, { spawn })))
      assert.include(error.message, "spawn must give a Worker, but gave")
    })
  )

  it.live("a classic worker serves as a module does", () =>
    Effect.gen(function* () {
      const scope = globalThis as any
      const script = new scope.Blob([`import("${url}")`], { type: "text/javascript" })
      const spawn = () => new scope.Worker(scope.URL.createObjectURL(script), { type: "classic" })
      const three = Effect.flatMap(Counter, (counter) => counter.increment(3))
      assert.strictEqual(yield* Effect.provide(three, WorkerHome.layer(Counter, { spawn })), 3)
    })
  )

  it("a page serves nothing", () => {
    assert.throws(() => WorkerHome.serve(Counter, Layer.empty as any), /belongs in the file of a worker thread/)
  })
})

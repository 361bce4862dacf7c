import { assert, describe, it } from "@effect/vitest"
import { Inspector } from "@troupe/inspector"
import { Effect, Fiber, Latch } from "effect"
import type { Frame } from "../src/internal/live/frame.ts"
import { ask, Updates } from "./http.ts"
import { inspect, ownSystem, promise, Worker } from "./inspectorSupport.ts"

/** What a page learns of three calls: one in flight, one that succeeded, one that failed. */
const told = (allowed: Inspector.Options["inspect"]) =>
  Effect.gen(function* () {
    const { port } = yield* inspect({ inspect: allowed })
    const updates = yield* Effect.acquireRelease(
      promise(() => Updates.open(port)),
      (updates) => Effect.sync(() => updates.close())
    )
    yield* promise(() => updates.next())
    const worker = yield* Worker.spawn()
    const gate = Latch.makeUnsafe()
    yield* worker.echo("secret")
    yield* Effect.exit(worker.fail("why"))
    const waiting = yield* Effect.forkChild(worker.wait(gate), { startImmediately: true })
    const succeeded: Array<unknown> = []
    const frame = yield* promise(() =>
      updates.until(({ errors, results }: Frame) => {
        succeeded.push(...results.map(({ args, result }) => [args, result]))
        return errors.length > 0
      })
    )
    const { body } = yield* promise(() => ask(port, "/api/calls"))
    yield* gate.open
    yield* Fiber.join(waiting)
    return {
      inFlight: body.calls[0].args,
      failed: frame.errors[0]!.args,
      succeeded
    }
  }).pipe(ownSystem)

describe("arguments and results", () => {
  it.live("are not shown unless the program says so", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* told(undefined), { inFlight: undefined, failed: undefined, succeeded: [] })
      assert.deepStrictEqual(yield* told(false), { inFlight: undefined, failed: undefined, succeeded: [] })
    })
  )

  it.live("are shown with calls in flight, and with those that ended", () =>
    Effect.gen(function* () {
      const { failed, inFlight, succeeded } = yield* told(true)
      assert.match(inFlight, /Latch|open/)
      assert.strictEqual(failed, '"why"')
      assert.deepStrictEqual(succeeded, [['"secret"', '"secret"']])
    })
  )

  it.live("are what a redactor leaves of them, which is asked for each", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      const redact: Inspector.Options["inspect"] = (value, { actor, method, what }) => {
        asked.push(`${actor}.${method} ${what}`)
        if (method === "wait") throw new Error("no idea")
        return what === "args" ? ["***"] : method === "echo" ? undefined : value
      }
      const { failed, inFlight, succeeded } = yield* told(redact)
      assert.deepStrictEqual([failed, succeeded], ['"***"', [['"***"', undefined]]])
      assert.strictEqual(inFlight, "(the redactor failed: Error: no idea)")
      assert.sameMembers(
        [...new Set(asked)],
        ["test/Worker.echo args", "test/Worker.echo result", "test/Worker.fail args", "test/Worker.wait args"]
      )
    })
  )

  it("are shown by a function or a boolean", () => {
    assert.throws(
      () => Inspector.layer({ inspect: "yes" as any }),
      'Inspector.layer: inspect must be true, false or a function, but is "yes"'
    )
  })
})

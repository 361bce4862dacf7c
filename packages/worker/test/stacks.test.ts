import { assert, describe, it } from "@effect/vitest"
import { WorkerHome } from "@troupe/worker"
import { Cause, Effect, Exit, Stream } from "effect"
import { Failing } from "./fixtures/Failing.ts"
import { bundle } from "./support.ts"

const url = await bundle("failing.worker")

const frames = (text: string | undefined): ReadonlyArray<string> =>
  (text ?? "").split("\n").filter((line) => /^\s+at /.test(line))

const failureOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.exit(effect), (exit) => {
    assert.isTrue(Exit.isFailure(exit))
    const { cause } = exit as Exit.Failure<A, E>
    return { error: Cause.squash(cause) as Error & { readonly reason?: any }, printed: frames(Cause.pretty(cause)) }
  })

describe("9.3 the stack of an error that comes from a thread", () => {
  it.live("is that of the other side, up to where the inside of the library begins", () =>
    Effect.gen(function* () {
      const failing = yield* Failing
      const calls = [failing.fail(), failing.die(), Stream.runDrain(failing.items())] as const
      for (const call of calls) {
        const { error, printed } = yield* failureOf<void, unknown, never>(call)
        const [inner, outer, inside, ...calls] = frames(error.stack)
        // The function, and the method that called it.
        for (const frame of [inner, outer]) assert.include(frame, url.href)
        assert.match(inside!, /at ~effect\/Effect\/invoke$/)
        assert.lengthOf(calls, 1, error.stack)
        assert.match(calls[0]!, /at test\/Failing\.\w+ #\d+/)
        assert.match(printed.at(-1)!, /at test\/Failing\.\w+ #\d+/)
        assert.lengthOf(printed, 3, printed.join("\n"))
      }
    }).pipe(Effect.provide(WorkerHome.layer(Failing, { url })))
  )

  it.live("is empty where the library made the error, but for the call", () =>
    Effect.gen(function* () {
      const failing = yield* Failing
      for (const call of [failing.give(), failing.exit()]) {
        const { error, printed } = yield* failureOf<unknown, unknown, never>(call)
        assert.match(frames(error.stack).join("\n"), /^ +at ~effect\/Effect\/invoke\n +at test\/Failing\.\w+ #\d+$/)
        assert.deepStrictEqual(frames(error.reason.cause?.stack), [])
        assert.lengthOf(printed, 1)
      }
    }).pipe(Effect.provide(WorkerHome.layer(Failing, { url })))
  )

  it.live("is in the cause of WorkerFailed, which keeps the error that the thread did not come up for", () =>
    Effect.gen(function* () {
      const layer = WorkerHome.layer(Failing, { url, workerOptions: { workerData: "constructor" } })
      const { error } = yield* failureOf(Effect.provide(Effect.asVoid(Failing), layer))
      const cause = error.cause as Error
      assert.instanceOf(cause, RangeError)
      assert.strictEqual(cause.message, "no config")
      assert.isAtLeast(frames(cause.stack).length, 1)
      assert.isAtMost(frames(cause.stack).length, 2)
      assert.deepStrictEqual(frames(error.stack), [])
    })
  )
})

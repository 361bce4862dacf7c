import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { vi } from "vitest"
import * as first from "../src/index.ts"
it("x", async () => {
  vi.resetModules()
  const second: typeof first = await import("../src/index.ts")
  assert.notStrictEqual(first.Actor.Service, second.Actor.Service)
  const ref = first.ObjectRef.succeed(1)
  assert.strictEqual(await Effect.runPromise(second.ObjectRef.all([ref])).then(([a]) => a), 1)
  assert.isTrue(second.ObjectRef.isObjectRef(ref))
})

import { assert, describe, it } from "@effect/vitest"
import { diagnostics, tsc } from "./hover.ts"

const actor = (deadlock: string) => `import { Actor, ObjectRef } from "@troupe/core"
import { Effect } from "effect"

export class Counter extends Actor.Service<Counter>()("app/Counter", {
  make: Effect.succeed({
    increment: (by: number) => Effect.succeed(by),
    deadlock: (ref: ObjectRef.ObjectRef<number>) => ${deadlock}
  })
}) {}
`

const blocking = actor("ObjectRef.get(ref)")
const yielding = actor("Effect.gen(function* () { return yield* ref })")

const assertNamesRuleAndMethod = (message: string) => {
  const rule = "an actor method may not block on get or wait - yield* the ObjectRef instead"
  assert.include(message, `Property '"${rule}"' is missing in type`)
  assert.include(message, `but required in type 'BlockingGet<"deadlock">'`)
}

describe("a method that requires Driver does not compile where the actor is defined (4.4)", () => {
  it("in TypeScript 7", async () => {
    const output = await tsc(blocking)
    assertNamesRuleAndMethod(output)
    assert.match(output, /^fixture\.ts\(4,/)
    assert.lengthOf(output.match(/^fixture\.ts/gm) ?? [], 1, "one error is enough")
  })

  it("in TypeScript 6, as editors show it", () => {
    const errors = diagnostics(blocking)
    assert.deepStrictEqual(
      errors.map((error) => error.line),
      [4]
    )
    assertNamesRuleAndMethod(errors[0]?.message ?? "")
  })

  it("and compiles once it yields the ref", async () => {
    assert.strictEqual(await tsc(yielding), "")
    assert.deepStrictEqual(diagnostics(yielding), [])
  })
})

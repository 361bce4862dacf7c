/** What threads rely on of Effect's schemas that is not promised, each in a sentence. Else values take a slower way. */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { isCloneable, linkOf } from "../src/internal/values/schemaFacts.ts"

describe("schemas of Effect have the insides that we know", () => {
  const builtIn = {
    Date: Schema.Date,
    RegExp: Schema.RegExp,
    Uint8Array: Schema.Uint8Array,
    ReadonlyMap: Schema.ReadonlyMap(Schema.String, Schema.Finite),
    ReadonlySet: Schema.ReadonlySet(Schema.String)
  }

  for (const [name, schema] of Object.entries(builtIn)) {
    it(`the declaration of ${name} has a representation whose id is "effect/schema/${name}"`, () => {
      const { ast } = Schema.toType(schema as Schema.Top)
      assert.strictEqual((ast.annotations?.representation as any)?.id, `effect/schema/${name}`)
      assert.isTrue(isCloneable(ast))
    })
  }

  it("a declaration that is encoded says how in toCodecJson or toCodec", () => {
    class Point extends Schema.Class<Point>("Point")({ x: Schema.Finite }) {}
    for (const schema of [Point, Schema.Duration, Schema.Option(Schema.Date)])
      assert.isFunction(linkOf(Schema.toType(schema as Schema.Top).ast.annotations))
  })
})

import { Actor, Task } from "@troupe/core"
import * as Home from "@troupe/core/Home"
import { Effect, Schema } from "effect"
import { assert, describe, it } from "vitest"
import { contractText, difference, taskText } from "../src/internal/values/signature.ts"

class Point extends Schema.Class<Point>("test/Point")({ x: Schema.Number }) {}
class NoRoom extends Schema.TaggedError<NoRoom>()("NoRoom", { left: Schema.Int }) {}

interface Tree {
  readonly value: number
  readonly next: Tree | null
}
const Tree: Schema.Codec<Tree> = Schema.Struct({
  value: Schema.Number,
  next: Schema.NullOr(Schema.suspend(() => Tree))
})

const textOf = (methods: Actor.AnyContract) => contractText({ key: "test/A", methods: methods as any }).methods
const argText = (schema: Schema.Top) => textOf({ f: Actor.method({ args: [schema as Schema.Codec<unknown>] }) }).f

describe("a contract as text", () => {
  it("says what methods take, give, stream and fail with", () => {
    const methods = {
      f: Actor.method({ args: [Schema.String, Schema.Int], success: Schema.Boolean, error: NoRoom }),
      g: Actor.method(),
      h: Actor.method({ success: Point, stream: true }),
      i: Actor.subscription({ item: Point })
    }
    assert.deepStrictEqual(textOf(methods), {
      f: '(string, number & isInt): boolean ! { _tag: "NoRoom", left: number & isInt }',
      g: "(): void",
      h: "(): Stream of { x: number }",
      i: "Subscription of { x: number }"
    })
  })

  const shapes: ReadonlyArray<readonly [Schema.Top, string]> = [
    [
      Schema.Struct({ a: Schema.optionalKey(Schema.String), b: Schema.Array(Schema.Date) }),
      "{ a?: string, b: Array<Date> }"
    ],
    [Schema.Record(Schema.String, Schema.BigInt), "{ [string]: bigint }"],
    [Schema.Tuple([Schema.String, Schema.optionalKey(Schema.Null)]), "[string, null?]"],
    [Schema.Literals(["a", 1]), '"a" | 1'],
    [Schema.Option(Schema.Uint8Array), "Option<Uint8Array>"],
    [Schema.NumberFromString, "number <- string"],
    [Schema.String.check(Schema.isMinLength(3)), 'string & isMinLength({"minLength":3})'],
    [Schema.Enum({ A: 1, B: "b" }), '1 | "b"'],
    [Tree, "{ next: ^2 | null, value: number }"]
  ]
  for (const [schema, text] of shapes) {
    it(`looks into schemas: ${text}`, () => assert.strictEqual(argText(schema), `(${text}): void`))
  }

  it("has a bound, also for schemas that make others without end", () => {
    const endless = (): Schema.Codec<unknown> => Schema.Struct({ next: Schema.suspend(endless) }) as any
    assert.isBelow(argText(endless())!.length, 10_000)
    const wide: Schema.Top = Array.from({ length: 20 }).reduce<Schema.Top>(
      (part) => Schema.Struct({ a: part, b: part }),
      Schema.String
    )
    assert.isBelow(argText(wide)!.length, 200_000)
  })

  it("is that of a task as far as it has schemas", () => {
    const text = (options: object) => taskText(Home.taskOf(Task.make("t", (_: any) => Effect.void, options))!)
    assert.strictEqual(text({}), "(?): ? ! ?")
    assert.strictEqual(text({ args: [Schema.Int], success: Point }), "(number & isInt): { x: number } ! ?")
  })
})

describe("the difference of two contracts", () => {
  const side = (methods: Actor.AnyContract, key?: string) => ({ key, methods: textOf(methods) })
  const f = Actor.method({ args: [Schema.String], success: Schema.Int })

  it("is none where they say the same", () => {
    assert.isUndefined(difference(side({ f }, "string"), side({ f: { ...f } }, "string"), "there"))
  })

  it("names the method, and has both versions", () => {
    const other = Actor.method({ args: [Schema.Int], success: Schema.String })
    assert.strictEqual(
      difference(side({ f }), side({ f: other }), "there"),
      "f is (string): number & isInt here, and (number & isInt): string there"
    )
  })

  it("names what only one side has, and keys", () => {
    assert.strictEqual(
      difference(side({ f }, "string"), side({ g: f }), "there"),
      "its key is only on this side, as string; f is only on this side, as (string): number & isInt; g is only there, as (string): number & isInt"
    )
  })

  it("shows of long ones where they differ, and not all of many", () => {
    const long = (last: Schema.Top) =>
      Actor.method({
        args: [
          Schema.Struct({
            ...Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`field${n}`, Schema.String])),
            last
          }) as any
        ]
      })
    const text = difference(side({ f: long(Schema.String) }), side({ f: long(Schema.Number) }), "there")!
    assert.match(text, /last: string/)
    assert.match(text, /last: number/)
    assert.isBelow(text.length, 500)
    const many = (method: Actor.AnyContractMethod) =>
      Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`f${n}`, method]))
    assert.match(difference(side(many(f)), side({}), "there")!, /; and 45 more$/)
  })
})

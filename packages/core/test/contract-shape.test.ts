import { Actor, Contract, ContractShape } from "@troupe/core"
import { Option, Schema } from "effect"
import { SchemaBinary } from "effect/encoding"
import * as fc from "fast-check"
import { assert, describe, it } from "vitest"

class Point extends Schema.Class<Point>("test/Point")({ x: Schema.Number }) {}
class NotFound extends Schema.TaggedError<NotFound>()("NotFound", { id: Schema.Int }) {}
class Gone extends Schema.TaggedError<Gone>()("Gone", {}) {}
class NotFoundByName extends Schema.TaggedError<NotFound>()("NotFound", { id: Schema.String }) {}

interface Tree {
  readonly value: number
  readonly next: Tree | null
}
const Tree: Schema.Codec<Tree> = Schema.Struct({
  value: Schema.Number,
  next: Schema.NullOr(Schema.suspend(() => Tree))
})

type Methods = Actor.AnyContract

const shape = (methods: Methods, key = "test/A") => ContractShape.of({ key, methods })
const durable = (method: Actor.AnyContractMethod): Actor.AnyContractMethod =>
  ({ ...method, "~troupe/delivery": { kind: "durable" } }) as Actor.AnyContractMethod

describe("the shape of a contract", () => {
  it("is plain data: the methods, with what they take, give and fail with, and since when", () => {
    const methods = {
      f: Actor.method({ args: [Schema.String], success: Point, error: NotFound, since: "1.2.0" }),
      g: durable(Actor.method())
    }
    const shaped = shape(methods)
    assert.deepStrictEqual(shaped, {
      actor: "test/A",
      methods: {
        f: {
          args: [{ part: { kind: "string" } }],
          success: { kind: "struct", fields: { x: { part: { kind: "number" } } }, rest: [] },
          error: {
            kind: "struct",
            fields: {
              _tag: { part: { kind: "literal", value: "NotFound" } },
              id: { part: { kind: "number", checks: [{ name: "isInt" }] } }
            },
            rest: []
          },
          stream: false,
          durable: false,
          since: "1.2.0"
        },
        g: { args: [], success: { kind: "void" }, error: { kind: "never" }, stream: false, durable: true }
      }
    })
    assert.deepStrictEqual(JSON.parse(JSON.stringify(shaped)), shaped)
  })

  it("has the schema of keys, and is the same for a contract that was made without the runtime", () => {
    const methods = { f: Actor.method({ args: [Schema.Int] }) }
    class Live extends Actor.Keyed<Live>()("test/K", { key: Schema.Int, methods }) {}
    class Apart extends Contract.Keyed<Apart>()("test/K", { key: Schema.Int, methods }) {}
    assert.deepStrictEqual(ContractShape.of(Live), ContractShape.of(Apart))
    assert.deepStrictEqual(ContractShape.of(Live).key, { kind: "number", checks: [{ name: "isInt" }] })
  })

  it("has a hash that depends neither on the order of fields nor of methods, and on everything else", () => {
    const [a, b] = [Schema.Struct({ a: Schema.Int, b: Schema.Int }), Schema.Struct({ b: Schema.Int, a: Schema.Int })]
    const [f, g] = [Actor.method({ args: [a] }), Actor.method({ args: [b] })]
    assert.strictEqual(ContractShape.hash(shape({ f, g })), ContractShape.hash(shape({ g: f, f: g })))
    assert.match(ContractShape.hash(shape({ f })), /^[0-9a-f]{16}$/)
    const others = [shape({ f, g }), shape({ g }), shape({ f: durable(f) }), shape({ f }, "test/B")]
    assert.strictEqual(new Set([shape({ f }), ...others].map(ContractShape.hash)).size, 5)
  })

  it("has a bound, also for schemas that make others without end", () => {
    const endless = (): Schema.Codec<unknown> => Schema.Struct({ next: Schema.suspend(endless) }) as any
    const size = JSON.stringify(shape({ f: Actor.method({ args: [endless()] }) })).length
    assert.isBelow(size, 20_000)
  })
})

// --- changes -----------------------------------------------------------------------------------------------------------

const arg = (schema: Schema.Top) => ({ f: Actor.method({ args: [schema as Schema.Codec<unknown>] }) })
const payload = (fields: Schema.Struct.Fields) => ({ f: Actor.method({ payload: fields }) })
const success = (schema: Schema.Top) => ({ f: Actor.method({ success: schema }) })
const reading = (item: Schema.Top) => ({ f: Actor.subscription({ item }) })
const streamOf = (schema: Schema.Top) => ({ f: Actor.method({ success: schema, stream: true }) })
const error = (schema: Schema.Top) => ({ f: Actor.method({ error: schema }) })
const stored = (methods: Methods): Methods => ({ f: durable(methods.f!) })

const text = Schema.String
const Whole = Schema.Number.check(
  Schema.makeFilterGroup([Schema.isInt(), Schema.isGreaterThan(0)]).annotate({ identifier: "Whole" })
)
const price = { price: Schema.Number }
const gift = { ...price, gift: Schema.optionalKey(Schema.Boolean) }
const name = { ...price, name: text }

/** What changes, from what to what, in which order that rolls, and the field that errors name. */
const table: ReadonlyArray<
  readonly [what: string, older: Methods, newer: Methods, order: ContractShape.Order, field?: string]
> = [
  ["nothing", payload(name), payload(name), "any"],
  ["the order of fields", payload({ a: text, b: text }), payload({ b: text, a: text }), "any"],
  ["the class of the same fields", success(Point), success(Schema.Struct({ x: Schema.Number })), "any"],
  ["a new method", {}, arg(text), "nodesFirst", ""],
  ["a method that is gone", arg(text), {}, "callersFirst", ""],
  ["a new optional field of an argument", payload(price), payload(gift), "any"],
  ["the same, and its calls are stored", stored(payload(price)), stored(payload(gift)), "any"],
  ["an optional field that is gone", payload(gift), payload(price), "any"],
  ["a new required field of an argument", payload(price), payload(name), "callersFirst", "args[0].name"],
  ["the same, and its calls are stored", stored(payload(price)), stored(payload(name)), "never", "args[0].name"],
  ["a required field of an argument that is gone", payload(name), payload(price), "nodesFirst", "args[0].name"],
  [
    "a field of an argument that becomes optional",
    payload(name),
    payload({ ...price, name: Schema.optionalKey(text) }),
    "nodesFirst",
    "args[0].name"
  ],
  ["another type of a field", payload({ a: text }), payload({ a: Schema.Number }), "never", "args[0].a"],
  ["a field that may be null", payload({ a: text }), payload({ a: Schema.NullOr(text) }), "never", "args[0].a"],
  ["a new argument", arg(text), { f: Actor.method({ args: [text, text] }) }, "never", "args[1]"],
  [
    "a new optional argument",
    arg(text),
    { f: Actor.method({ args: [text, Schema.optionalKey(text) as any] }) },
    "never",
    "args[1]"
  ],
  [
    "a number of a field that may be more",
    payload({ a: Schema.Int }),
    payload({ a: Schema.Number }),
    "nodesFirst",
    "args[0].a"
  ],
  ["an integer argument that becomes any number", arg(Schema.Int), arg(Schema.Number), "never", "args[0]"],
  [
    "so do the items of an array",
    payload({ a: Schema.Array(Schema.Int) }),
    payload({ a: Schema.Array(Schema.Number) }),
    "never",
    "args[0].a[]"
  ],
  [
    "so do the literals of an array",
    payload({ a: Schema.Array(Schema.Literals([1, 2])) }),
    payload({ a: Schema.Array(Schema.Number) }),
    "never",
    "args[0].a[]"
  ],
  ["so do integers by a name of the user's own", arg(Whole), arg(Schema.Number), "never", "args[0]"],
  ["so do the items of a stream", streamOf(Schema.Int), streamOf(Schema.Number), "never", "success"],
  ["a number that a method gives may be more", success(Schema.Int), success(Schema.Number), "callersFirst", "success"],
  [
    "one more literal of an argument",
    arg(Schema.Literals(["a"])),
    arg(Schema.Literals(["a", "b"])),
    "nodesFirst",
    "args[0]"
  ],
  [
    "one literal less of an argument",
    arg(Schema.Literals(["a", "b"])),
    arg(Schema.Literals(["a"])),
    "callersFirst",
    "args[0]"
  ],
  ["literals that become text", arg(Schema.Literals(["a", "b"])), arg(text), "nodesFirst", "args[0]"],
  [
    "a looser check",
    arg(text.check(Schema.isMinLength(3))),
    arg(text.check(Schema.isMinLength(2))),
    "nodesFirst",
    "args[0]"
  ],
  [
    "a new required field of a result",
    success(Schema.Struct(price)),
    success(Schema.Struct(name)),
    "nodesFirst",
    "success.name"
  ],
  [
    "the same, and its results are stored",
    stored(success(Schema.Struct(price))),
    stored(success(Schema.Struct(name))),
    "never",
    "success.name"
  ],
  [
    "a required field of a result that is gone",
    success(Schema.Struct(name)),
    success(Schema.Struct(price)),
    "callersFirst",
    "success.name"
  ],
  ["a new optional field of a result", success(Schema.Struct(price)), success(Schema.Struct(gift)), "any"],
  ["a result that may be more", success(Schema.Int), success(Schema.Number), "callersFirst", "success"],
  ["items of a result", success(Schema.Array(text)), success(Schema.Array(Schema.Int)), "never", "success[]"],
  ["what a schema that refers to itself holds", success(Tree), success(Schema.NullOr(Tree)), "never", "success"],
  ["an error where there was none", error(Schema.Never), error(NotFound), "any", "error(NotFound)"],
  ["one more error", error(NotFound), error(Schema.Union([Gone, NotFound])), "any", "error(Gone)"],
  ["one error less", error(Schema.Union([Gone, NotFound])), error(NotFound), "any", "error(Gone)"],
  ["another field of an error", error(NotFound), error(NotFoundByName), "never", "error(NotFound).id"],
  ["a transformation of what is written alike", arg(Schema.FiniteFromString), arg(text), "nodesFirst", "args[0]"],
  ["a method that streams", success(text), { f: Actor.method({ success: text, stream: true }) }, "never", ""],
  ["a method that is durable", arg(text), stored(arg(text)), "never", ""],
  ["a subscription that is new", {}, reading(text), "nodesFirst", ""],
  [
    "one more field of its items",
    reading(Schema.Struct(price)),
    reading(Schema.Struct(name)),
    "nodesFirst",
    "success.name"
  ],
  ["integers among its items", reading(Schema.Int), reading(Schema.Number), "never", "success"],
  ["a stream that becomes a subscription", streamOf(text), reading(text), "never", ""]
]

describe("a change", () => {
  for (const [what, older, newer, order, field] of table) {
    it(`${what}: ${order}`, () => {
      const changes = ContractShape.compare([shape(older)], [shape(newer)])
      assert.strictEqual(ContractShape.orderOf(changes), order, changes.map(ContractShape.describe).join("\n"))
      assert.deepStrictEqual(
        changes.map((change) => change.field),
        field === undefined ? [] : [field]
      )
      for (const change of changes) assert.include(ContractShape.describe(change), "test/A")
    })
  }

  it("of keys does not roll", () => {
    const keyed = (keySchema: Schema.Top) => ContractShape.of({ key: "test/A", methods: arg(text), keySchema } as any)
    const [change] = ContractShape.compare([keyed(text)], [keyed(Schema.Int)])
    assert.deepInclude(change, { field: "key", order: "never", older: "string", newer: "number & isInt" })
    assert.lengthOf(ContractShape.compare([keyed(Schema.Int)], [keyed(Schema.Int)]), 0)
  })

  it("of groups of nodes does not roll, and a caller is not understood by a node of another group", () => {
    const of = (nodeGroup?: string) => ContractShape.of({ key: "test/A", methods: arg(text), nodeGroup } as any)
    const [change] = ContractShape.compare([of()], [of("gpu")])
    assert.deepInclude(change, { field: "nodeGroup", order: "never", older: "default", newer: "gpu" })
    assert.deepStrictEqual(of("default"), of())
    const [method] = Object.keys(of().methods)
    const mismatch = { field: "nodeGroup", here: "gpu", there: "default" }
    assert.deepStrictEqual(ContractShape.mismatch(of("gpu"), of(), method!), mismatch)
    assert.isUndefined(ContractShape.mismatch(of("gpu"), of("gpu"), method!))
  })

  it("of whole actors is told, and two that need different orders belong into two releases", () => {
    const [a, b] = [shape(arg(text), "test/A"), shape(arg(text), "test/B")]
    const changes = ContractShape.compare([a], [b])
    assert.deepStrictEqual(
      changes.map(({ actor, order }) => [actor, order]),
      [
        ["test/A", "callersFirst"],
        ["test/B", "nodesFirst"]
      ]
    )
    assert.strictEqual(ContractShape.orderOf(changes), "never")
    assert.strictEqual(ContractShape.orderOf(ContractShape.compare([a], [a, b])), "nodesFirst")
  })

  it("is told with actor, method, field and both versions, and with what becomes of calls", () => {
    const [change] = ContractShape.compare([shape(payload({ a: text }))], [shape(payload({ a: Schema.Int }))])
    assert.strictEqual(
      ContractShape.describe(change!),
      "test/A.f, args[0].a was string and is number & isInt. Neither version can read what the other writes."
    )
    const [other] = ContractShape.compare([shape(stored(payload(price)))], [shape(stored(payload(name)))])
    assert.strictEqual(
      ContractShape.describe(other!),
      "test/A.f, args[0].name is new: string. Durable calls of older callers are stored, and a newer node cannot read them."
    )
  })
})

describe("a caller and a node of different versions", () => {
  const meet = (caller: Methods, node: Methods) => ContractShape.mismatch(shape(caller), shape(node), "f")

  it("understand each other in the direction in which each value crosses", () => {
    const [int, number] = [payload({ n: Schema.Int }), payload({ n: Schema.Number })]
    assert.isUndefined(meet(int, number))
    assert.deepStrictEqual(meet(number, int), {
      field: "args[0].n",
      here: "number",
      there: "number & isInt"
    })
    assert.isUndefined(meet(success(Schema.Number), success(Schema.Int)))
    assert.deepStrictEqual(meet(success(Schema.Int), success(Schema.Number)), {
      field: "success",
      here: "number & isInt",
      there: "number"
    })
  })

  it("do so in spite of errors that only one of them knows", () => {
    const both = error(Schema.Union([Gone, NotFound]))
    assert.isUndefined(meet(error(NotFound), both))
    assert.isUndefined(meet(both, error(NotFound)))
    assert.isUndefined(meet(error(Schema.Never), both))
    assert.deepInclude(meet(error(NotFound), error(NotFoundByName)), { field: "error(NotFound).id" })
  })

  it("do not where the node lacks the method", () => {
    assert.deepStrictEqual(meet(arg(text), {}), { field: "", here: "(string): void", there: undefined })
  })
})

// --- what is said to roll can be read ----------------------------------------------------------------------------------

/** A schema as a model: what can be changed in it is known. */
type Model =
  | { readonly is: "string" | "int" | "number" | "boolean" | "date" | "numberFromString" }
  | { readonly is: "literals"; readonly of: ReadonlyArray<string> }
  | { readonly is: "nullOr" | "array" | "option"; readonly of: Model }
  | { readonly is: "struct"; readonly fields: Fields }
  | { readonly is: "tagged"; readonly of: Readonly<Record<string, Fields>> }

type Fields = Readonly<Record<string, { readonly model: Model; readonly optional: boolean }>>

const plain: fc.Arbitrary<Model> = fc.oneof(
  fc
    .constantFrom("string", "int", "number", "boolean", "date", "numberFromString")
    .map((is): Model => ({ is }) as Model),
  fc.subarray(["red", "green", "blue"], { minLength: 1 }).map((of): Model => ({ is: "literals", of }))
)

const fieldsOf = (model: fc.Arbitrary<Model>): fc.Arbitrary<Fields> =>
  fc.dictionary(fc.constantFrom("a", "b", "c"), fc.record({ model, optional: fc.boolean() }), { maxKeys: 3 })

const { model: models } = fc.letrec<{ model: Model }>((tie) => {
  const model = tie("model")
  return {
    model: fc.oneof(
      { maxDepth: 3, depthSize: "small" },
      plain,
      fc.record({ is: fc.constantFrom("array", "option"), of: model }) as fc.Arbitrary<Model>,
      plain.map((of): Model => ({ is: "nullOr", of })),
      fieldsOf(model).map((fields): Model => ({ is: "struct", fields })),
      fc
        .dictionary(fc.constantFrom("A", "B", "C"), fieldsOf(model), { minKeys: 2, maxKeys: 3 })
        .map((of): Model => ({ is: "tagged", of }))
    )
  }
})

const structOf = (fields: Fields) =>
  Object.fromEntries(
    Object.entries(fields).map(([name, { model, optional }]) => {
      const schema = schemaOf(model)
      return [name, optional ? Schema.optionalKey(schema) : schema]
    })
  )

const schemaOf = (model: Model): Schema.Codec<any, any> => {
  switch (model.is) {
    case "literals":
      return Schema.Literals(model.of) as any
    case "nullOr":
      return Schema.NullOr(schemaOf(model.of)) as any
    case "array":
      return Schema.Array(schemaOf(model.of)) as any
    case "option":
      return Schema.Option(schemaOf(model.of)) as any
    case "struct":
      // A struct without fields takes anything, and gives it back.
      return Schema.Struct({ ...structOf(model.fields), one: Schema.optionalKey(text) }) as any
    case "tagged":
      return Schema.Union(
        Object.entries(model.of).map(([tag, fields]) => Schema.TaggedStruct(tag, structOf(fields)))
      ) as any
    default:
      return {
        string: Schema.String,
        int: Schema.Int,
        number: Schema.Finite,
        boolean: Schema.Boolean,
        date: Schema.Date,
        numberFromString: Schema.FiniteFromString
      }[model.is] as any
  }
}

/** What may become of a model in another version: another one, at random places. */
const changed = (model: Model): fc.Arbitrary<Model> => {
  const others: Array<fc.Arbitrary<Model>> = [fc.constant(model), fc.constant(model), models]
  if (model.is === "string") others.push(fc.constant({ is: "literals", of: ["red"] }))
  if (model.is === "int" || model.is === "number") others.push(fc.constantFrom<Model>({ is: "int" }, { is: "number" }))
  if (model.is === "literals") {
    others.push(
      fc.constant({ is: "string" }),
      fc.subarray(["red", "green", "blue"], { minLength: 1 }).map((of) => ({ is: "literals", of }))
    )
  }
  if (model.is === "nullOr")
    others.push(
      changed(model.of).map((of) => ({ is: "nullOr", of })),
      fc.constant(model.of)
    )
  if (model.is === "array" || model.is === "option") others.push(changed(model.of).map((of) => ({ is: model.is, of })))
  if (model.is === "struct") others.push(changedFields(model.fields).map((fields) => ({ is: "struct", fields })))
  if (model.is === "tagged") {
    const members = fc.record(
      Object.fromEntries(Object.entries(model.of).map(([tag, fields]) => [tag, changedFields(fields)]))
    )
    others.push(
      fc
        .tuple(members, fc.dictionary(fc.constantFrom("A", "B", "C"), fieldsOf(plain), { maxKeys: 1 }))
        .map(([kept, added]) => ({ is: "tagged", of: { ...added, ...kept } as Record<string, Fields> }))
    )
  }
  return fc.oneof(...others)
}

const changedFields = (fields: Fields): fc.Arbitrary<Fields> =>
  fc
    .tuple(
      fc.record(
        Object.fromEntries(
          Object.entries(fields).map(([name, { model, optional }]) => [
            name,
            fc.record({ model: changed(model), optional: fc.constantFrom(optional, optional, true) })
          ])
        ),
        { requiredKeys: [] }
      ),
      fieldsOf(plain)
    )
    .map(([kept, added]) => ({ ...added, ...(kept as Fields) }))

const valueOf = (model: Model): fc.Arbitrary<unknown> => {
  switch (model.is) {
    case "string":
      return fc.string()
    case "int":
      return fc.integer()
    case "number":
    case "numberFromString":
      return fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => (n === 0 ? 0 : n))
    case "boolean":
      return fc.boolean()
    case "date":
      return fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) })
    case "literals":
      return fc.constantFrom(...model.of)
    case "nullOr":
      return fc.option(valueOf(model.of))
    case "array":
      return fc.array(valueOf(model.of), { maxLength: 3 })
    case "option":
      return fc.option(valueOf(model.of).map(Option.some), { nil: Option.none() })
    case "struct":
      return recordOf(model.fields)
    case "tagged":
      return fc.oneof(
        ...Object.entries(model.of).map(([_tag, fields]) => recordOf(fields).map((value) => ({ _tag, ...value })))
      )
  }
}

const recordOf = (fields: Fields): fc.Arbitrary<object> =>
  fc.record(Object.fromEntries(Object.entries(fields).map(([name, { model }]) => [name, valueOf(model)])), {
    requiredKeys: Object.entries(fields)
      .filter(([, { optional }]) => !optional)
      .map(([name]) => name) as any
  })

const crossed = (from: Schema.Codec<any, any>, to: Schema.Codec<any, any>, value: unknown) => {
  const json: any = JSON.parse(JSON.stringify(Schema.encodeUnknownSync(Schema.toCodecJson(from) as any)(value)))
  // As an argument crosses.
  const bytes = Schema.encodeUnknownSync(SchemaBinary.toCodec(Schema.Tuple([from])) as any)([value])
  const [sent] = Schema.decodeUnknownSync(SchemaBinary.toCodec(Schema.Tuple([to])) as any)(bytes) as [unknown]
  return { stored: Schema.decodeUnknownSync(Schema.toCodecJson(to) as any)(json), sent }
}

describe("10.12 what is said to roll", () => {
  const pairs = models.chain((older) =>
    fc.record({ older: fc.constant(older), newer: changed(older), value: valueOf(older) })
  )

  it("can be read by the other version: as it is sent, and as it is stored, with the same result", () => {
    let readable = 0
    fc.assert(
      fc.property(pairs, ({ newer, older, value }) => {
        const [from, to] = [schemaOf(older), schemaOf(newer)]
        if (ContractShape.mismatch(shape(arg(from)), shape(arg(to)), "f") !== undefined) return
        readable++
        const { sent, stored } = crossed(from, to, value)
        assert.deepEqual(sent, stored)
      }),
      { numRuns: 1000 }
    )
    assert.isAbove(readable, 200)
  })

  it("includes everything that has not changed, wherever it was described", () => {
    fc.assert(
      fc.property(models, (model) => {
        const [one, other] = [shape(arg(schemaOf(model))), shape(arg(schemaOf(model)))]
        assert.strictEqual(ContractShape.hash(one), ContractShape.hash(other))
        const written = JSON.parse(JSON.stringify(other)) as ContractShape.ContractShape
        assert.deepStrictEqual(ContractShape.compare([one], [written]), [])
      })
    )
  })

  it("is the same in both directions of a change: what one needs first, its reverse needs last", () => {
    const reversed = { any: "any", never: "never", nodesFirst: "callersFirst", callersFirst: "nodesFirst" } as const
    fc.assert(
      fc.property(pairs, ({ newer, older }) => {
        const [one, other] = [shape(arg(schemaOf(older))), shape(arg(schemaOf(newer)))]
        const forth = ContractShape.orderOf(ContractShape.compare([one], [other]))
        assert.strictEqual(ContractShape.orderOf(ContractShape.compare([other], [one])), reversed[forth])
      })
    )
  })
})

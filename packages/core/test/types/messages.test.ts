import { assert, describe, it } from "@effect/vitest"
import { diagnostics, tsc } from "./hover.ts"

const imports = `import { Actor, AsyncHandle } from "@troupe/core"
import { Effect, Layer, ManagedRuntime, Schema } from "effect"
const symbol = Symbol("mine")
class Public {
  count = 0
  increment() {
    return Effect.sync(() => ++this.count)
  }
}
class Files extends Actor.Service<Files>()("app/Files", {
  make: (root: string) => Effect.succeed({ root: () => Effect.succeed(root) })
}) {}
class Counter extends Actor.Service<Counter>()("app/Counter", {
  methods: { add: Actor.method({ args: [Schema.Int], success: Schema.Int }) }
}) {}
class Seats extends Actor.Keyed<Seats>()("app/Seats", {
  key: Schema.String,
  methods: { add: Actor.method({ args: [Schema.Int], success: Schema.Int }), clear: Actor.method() }
}) {}
class Row extends Actor.Service<Row>()("app/Row", { methods: Seats.methods }) {}
class Room extends Actor.Keyed<Room>()("app/Room", {
  make: (name: string) => Effect.succeed({ name: () => Effect.succeed(name) })
}) {}
declare const rooms: Room["Service"]
const more = { add: (n: number) => Effect.succeed(n), reset: () => Effect.void }
const program = Effect.flatMap(Files, (files) => files.root())
`

const make = (implementation: string) => `Actor.Service<any>()("app/X", { make: ${implementation} })`

/** Mistakes, each in one line, and what the compiler has to say about them. */
const mistakes: ReadonlyArray<readonly [mistake: string, messages: ReadonlyArray<RegExp>]> = [
  [make("Effect.succeed({ then: () => Effect.void })"), [/choose another name/, /ReservedName<"then"/]],
  [make("Effect.succeed({ constructor: () => Effect.void })"), [/ReservedName<"constructor"/]],
  [make("Effect.succeed({ [symbol]: () => Effect.void })"), [/ReservedName<unique symbol/]],
  [
    'class Then extends Actor.Service<Then>()("app/X", { methods: { then: Actor.method() } }) {}',
    [/ReservedName<"then", "choose another name">/]
  ],
  [make("Effect.succeed({ count: 1, go: () => Effect.void })"), [/must give methods only/, /NotAMethod<"count">/]],
  [make("Effect.sync(() => new Public())"), [/or in private fields/, /NotAMethod<"count">/]],
  [make("Effect.succeed({ a: () => 1, b: async () => 1 })"), [/wrap a Promise/, /NotAnEffect<"a" \| "b">/]],
  ["Counter.toLayer(Effect.succeed(more))", [/the contract has no such method/, /NotInContract<"reset">/]],
  ["Counter.toFactory(() => Effect.succeed(more))", [/NotInContract<"reset">/]],
  ["Counter.of(more)", [/the contract has no such method/, /NotInContract<"reset">/]],
  ["Seats.of({ ...more, clear: () => Effect.void })", [/the contract has no such method/, /NotInContract<"reset">/]],
  ...["Seats", "Row"].flatMap((name): typeof mistakes => [
    [
      `${name}.of({ add: (n) => Effect.succeed(n) })`,
      [
        /Argument of type '{ add: \(n: number\) => Effect<number, never, never>; }' is not/,
        /Property 'clear' is missing/
      ]
    ],
    [
      `${name}.of({ add: (n) => Effect.succeed(n), claer: () => Effect.void })`,
      [/'claer' does not exist in type 'Methods/]
    ],
    [
      `${name}.of({ add: () => Effect.succeed("s"), clear: () => Effect.void })`,
      [/^(?!.*overload)(.|\n)*Type 'string' is not assignable to type 'number'/]
    ]
  ]),
  ["Effect.provide(program, Files.layer)", [/use layerArgs\(...\) instead of layer/]],
  ["program.pipe(Effect.provide(Files.layer))", [/use layerArgs\(...\) instead of layer/]],
  ["ManagedRuntime.make(Files.layer)", [/use layerArgs\(...\) instead of layer/]],
  ["Layer.mergeAll(Files.layer, Files.layerArgs(''))", [/use layerArgs\(...\) instead of layer/]],
  ['Files.options({ getIfExists: true }).spawn("/")', [/Property 'name' is missing/]],
  ["AsyncHandle.make(Counter)", [/not the handle of an actor|NotAHandle/, /await runtime\.runPromise\(Counter\)/]],
  ["AsyncHandle.make(Room)", [/NotAHandle/, /await runtime\.runPromise\(Account\.get\(key\)\)/]],
  ["AsyncHandle.make(rooms)", [/NotAHandle/, /accounts\.get\(key\)/]],
  ["AsyncHandle.make(Files.spawn('/'))", [/NotAHandle/, /run the Effect, and use its result/]],
  ["AsyncHandle.make(Effect.runPromise(Effect.never as Effect.Effect<Counter['Service']>))", [/await the Promise/]],
  ["Effect.runPromise(program)", [/Type 'Files' is not assignable to type 'never'/]]
]

describe("what the compiler says about mistakes tells what to do", () => {
  it("in TypeScript 7", async () => {
    const output = await tsc(imports + mistakes.map(([mistake]) => mistake).join("\n"))
    const said = output.split(/^fixture\.ts/m).slice(1)
    assert.lengthOf(said, mistakes.length, output)
    for (const [index, [mistake, messages]] of mistakes.entries()) {
      for (const message of messages) assert.match(said[index]!, message, mistake)
    }
  })

  it("in TypeScript 6, as editors show it", () => {
    const errors = diagnostics(imports + mistakes.map(([mistake]) => mistake).join("\n"))
    assert.lengthOf(errors, mistakes.length)
    for (const [index, [mistake, messages]] of mistakes.entries()) {
      for (const message of messages) assert.match(errors[index]!.message, message, mistake)
    }
  })
})

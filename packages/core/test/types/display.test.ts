import { assert, describe, it } from "@effect/vitest"
import { hover } from "./hover.ts"

const source = `import { Effect, Ref } from "effect"
import { Actor } from "@troupe/core"
class Counter extends Actor.Service<Counter>()("app/Counter", {
  make: Effect.map(Ref.make(0), (count) => ({
    increment: (by: number) => Ref.updateAndGet(count, (n) => n + by),
    load: (id: string) => (id === "" ? Effect.fail("empty" as const) : Effect.succeed(id.length))
  }))
}) {}
const layer = Counter.layer
const program = Effect.gen(function*() {
  const counter = yield* Counter
  const increment = counter.increment
  const load = counter.load
  const now = counter.increment(1)
  const ref = yield* counter.increment.remote(1)
  const chained = counter.load
  return [increment, load, now, ref, chained] as const
})
`

describe("what an editor shows", () => {
  it("a method is a Method with its arguments by name, its result and its error", () => {
    assert.strictEqual(hover(source, "const increment"), "const increment: Actor.Method<[by: number], number, never>")
    assert.strictEqual(hover(source, "const load"), 'const load: Actor.Method<[id: string], number, "empty">')
  })

  it("an ask is an Effect", () => {
    assert.strictEqual(hover(source, "const now"), "const now: Effect.Effect<number, ActorError, never>")
  })

  it("a ref is an ObjectRef", () => {
    assert.strictEqual(hover(source, "const ref"), "const ref: ObjectRef<number, ActorError>")
  })

  it("a layer is a Layer of the actor", () => {
    assert.strictEqual(hover(source, "const layer"), "const layer: Layer<Counter, never, never>")
  })
})

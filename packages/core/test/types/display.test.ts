import { assert, describe, it } from "@effect/vitest"
import { hover } from "./hover.ts"

const source = `import { Effect, Ref } from "effect"
import { Actor, AsyncHandle, ObjectRef, Task } from "@troupe/core"
const double = Task.make("double", (it: number) => Effect.succeed(it * 2))
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
  const chained = counter.load.options({ timeout: "1 second" })
  const asked = counter.load("id")
  yield* counter.load.remote(ObjectRef.succeed("other"))
  yield* chained("chained")
  const plain = AsyncHandle.make(counter)
  yield* plain.load("plain")
  yield* double(2)
  return [increment, load, now, ref, asked] as const
})
`

describe("what an editor shows", () => {
  it("a method is a Method with its arguments by name, its result and its error", () => {
    assert.strictEqual(hover(source, "const increment"), "const increment: Actor.Method<[by: number], number, never>")
    assert.strictEqual(hover(source, "const load"), 'const load: Actor.Method<[id: string], number, "empty">')
  })

  it("a call has the names that its method has for the arguments, whatever they are", () => {
    const id = "(id: string | ObjectRef.ObjectRef<string, any>)"
    assert.include(hover(source, "asked = counter.load"), id)
    assert.include(hover(source, "counter.load.remote"), id)
    assert.include(hover(source, "yield* chained"), id)
    assert.include(hover(source, "plain.load"), id)
    assert.include(hover(source, "yield* double"), "(it: number | ObjectRef.ObjectRef<number, any>)")
  })

  it("an ask is an Effect", () => {
    assert.strictEqual(hover(source, "const now"), "const now: Effect.Effect<number, ActorError, never>")
  })

  it("a ref is an ObjectRef", () => {
    assert.strictEqual(hover(source, "const ref"), "const ref: ObjectRef.ObjectRef<number, ActorError>")
  })

  it("a layer is a Layer of the actor", () => {
    assert.strictEqual(hover(source, "const layer"), "const layer: Layer<Counter, never, never>")
  })
})

import { Actor, type ActorError, ObjectRef } from "@troupe/core"
import { Effect, Ref } from "effect"
import { describe, expect, it } from "tstyche"

const methods = (count: Ref.Ref<number>) => ({
  increment: (by: number) => Ref.updateAndGet(count, (n) => n + by)
})

type Increment = Actor.Method<[by: number], number>

// However the constructor is written, the methods are inferred from it.

class Gen extends Actor.Service<Gen>()("Gen", {
  make: Effect.gen(function* () {
    return methods(yield* Ref.make(0))
  })
}) {}

class Mapped extends Actor.Service<Mapped>()("Mapped", {
  make: Effect.map(Ref.make(0), (count) => methods(count))
}) {}

class Piped extends Actor.Service<Piped>()("Piped", {
  make: Ref.make(0).pipe(Effect.map((count) => methods(count)))
}) {}

class Function extends Actor.Service<Function>()("Function", {
  make: (start: number) => Effect.map(Ref.make(start), (count) => methods(count))
}) {}

class FnUntraced extends Actor.Service<FnUntraced>()("FnUntraced", {
  make: Effect.fnUntraced(function* (start: number) {
    return methods(yield* Ref.make(start))
  })
}) {}

class Counting {
  private count: number
  constructor(start: number) {
    this.count = start
  }
  increment(by: number) {
    return Effect.sync(() => (this.count += by))
  }
}

class OfClass extends Actor.Service<OfClass>()("OfClass", {
  make: (start: number) => Effect.sync(() => new Counting(start))
}) {}

interface Counts {
  increment(by: number): Effect.Effect<number>
}

class OfInterface extends Actor.Service<OfInterface>()("OfInterface", {
  make: Effect.sync((): Counts => new Counting(0))
}) {}

class Keyed extends Actor.Keyed<Keyed>()("Keyed", {
  make: (start: number) => Effect.sync((): Counts => new Counting(start))
}) {}

describe("the constructor of an actor", () => {
  it("gives the handle its methods", () => {
    const handles = Effect.all([Gen, Mapped, Piped, Function, FnUntraced, OfClass, OfInterface, Keyed.get(1)])
    expect<Effect.Success<typeof handles>[number]>().type.toBe<{ readonly increment: Increment }>()
  })

  it("gives spawn its arguments", () => {
    expect(Gen.spawn).type.toBeCallableWith()
    expect(Gen.spawn).type.not.toBeCallableWith(1)
    expect(Function.spawn).type.toBeCallableWith(1)
    expect(FnUntraced.spawn).type.toBeCallableWith(1)
    expect(FnUntraced.spawn).type.not.toBeCallableWith("1")
    expect(FnUntraced.spawn).type.not.toBeCallableWith()
  })
})

describe("a method of a handle", () => {
  const counter: Actor.Handle<ReturnType<typeof methods>> = null as never

  it("takes a ref for any argument, and fails as the ref does", () => {
    const half = ObjectRef.fail("half")
    expect(counter.increment(1)).type.toBe<Effect.Effect<number, ActorError.ActorError>>()
    expect(counter.increment(half)).type.toBe<Effect.Effect<number, ActorError.ActorError | string>>()
    expect(counter.increment).type.not.toBeCallableWith(ObjectRef.succeed("1"))
  })

  it("fails as each of its refs does, whatever the types of its other arguments", () => {
    const handle: Actor.Handle<{ put: (key: string, n: number, more: any) => Effect.Effect<void> }> = null as never
    const half = ObjectRef.fail(0.5 as const)
    const none = ObjectRef.fail("none" as const)
    type Fails<E> = Effect.Effect<void, ActorError.ActorError | E>
    expect(handle.put(none, half, 1)).type.toBe<Fails<"none" | 0.5>>()
    expect(handle.put(none, 1, null as any)).type.toBe<Fails<"none">>()
  })

  it("is there whatever it requires", () => {
    type Requires<R> = Actor.Handle<{ get: () => Effect.Effect<number, never, R> }>["get"]
    expect<Requires<any>>().type.toBe<Actor.Method<[], number>>()
    expect<Requires<"db">>().type.toBe<Actor.Method<[], number>>()
  })
})

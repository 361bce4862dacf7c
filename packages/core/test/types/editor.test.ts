// What an editor does with an actor besides showing types: documentation, going to a definition, renaming.
import { describe, expect, it } from "@effect/vitest"
import { definitions, documentation, hover, renamed } from "./hover.ts"

const source = `
import { Effect, Schema, Stream } from "effect"
import { Actor, AsyncHandle } from "@troupe/core"

class Counter extends Actor.Service<Counter>()("app/Counter", {
  make: Effect.sync(() => {
    let count = 0
    return {
      /** Adds to the count. */
      add: (by: number, why: string) => Effect.sync(() => [(count += by), why] as const),
      /** Counts up. */
      upTo: (last: number) => Stream.range(1, last)
    }
  })
}) {}

class Clock extends Actor.Service<Clock>()("app/Clock", {
  methods: {
    /** Reads the time. */
    read: Actor.method({ args: [Schema.Number], success: Schema.Number })
  }
}) {}
const fixed = Clock.of({ read: (zone) => Effect.succeed(zone) })

class Clocks extends Actor.Keyed<Clocks>()("app/Clocks", {
  key: Schema.String,
  methods: { tell: Actor.method({ success: Schema.Number }) }
}) {}
const every = Clocks.of({ tell: () => Effect.succeed(1) })

export const program = Effect.gen(function* () {
  const counter = yield* Counter
  yield* counter.add(1, "asked")
  const stream = counter.upTo(3)
  AsyncHandle.make(counter).add(3, "async")
  const clock = yield* Clock
  yield* clock.read(1)
  const clocks = yield* Clocks
  yield* clocks.get("noon").tell()
  return [fixed, every, stream]
})
`

describe("an editor", () => {
  it("shows the documentation that the author of a method wrote, where it is called", () => {
    expect(documentation(source, "counter.add")).toBe("Adds to the count.")
    expect(documentation(source, "counter.upTo")).toBe("Counts up.")
    expect(documentation(source, "AsyncHandle.make(counter).add")).toBe("Adds to the count.")
    expect(documentation(source, "clock.read")).toBe("Reads the time.")
  })

  it("shows the parameters under their own names", () => {
    expect(hover(source, "counter.add")).toContain("(by: number | ObjectRef<number, any>, why: string | ObjectRef")
  })

  it("goes to the method as it was written, and to nothing else", () => {
    expect(definitions(source, "counter.add")).toEqual([
      "add: (by: number, why: string) => Effect.sync(() => [(count += by), why] as const),"
    ])
    expect(definitions(source, "counter.upTo")).toEqual(["upTo: (last: number) => Stream.range(1, last)"])
    expect(definitions(source, "clock.read")).toEqual([
      "read: Actor.method({ args: [Schema.Number], success: Schema.Number })"
    ])
  })

  it("renames a method together with its calls", () => {
    expect(renamed(source, "counter.add")).toEqual([
      "add: (by: number, why: string) => Effect.sync(() => [(count += by), why] as const),",
      'yield* counter.add(1, "asked")',
      'AsyncHandle.make(counter).add(3, "async")'
    ])
  })

  it("renames a method of a contract together with its implementation and its calls", () => {
    expect(renamed(source, "clock.read")).toEqual([
      "read: Actor.method({ args: [Schema.Number], success: Schema.Number })",
      "const fixed = Clock.of({ read: (zone) => Effect.succeed(zone) })",
      "yield* clock.read(1)"
    ])
    expect(renamed(source, 'clocks.get("noon").tell')).toEqual([
      "methods: { tell: Actor.method({ success: Schema.Number }) }",
      "const every = Clocks.of({ tell: () => Effect.succeed(1) })",
      'yield* clocks.get("noon").tell()'
    ])
  })
})

import type { TestContext } from "@effect/vitest"
import { Actor } from "@troupe/core"
import { type ActorProbe, Explore, type History } from "@troupe/testing"
import { type ExploreTest, it } from "@troupe/testing/vitest"
import { Effect, Schema, Stream } from "effect"
import { describe, expect, test } from "tstyche"

class Declined extends Schema.TaggedError<Declined>()("Declined", {}) {}

class Bank extends Actor.Service<Bank>()("types/Bank", {
  make: Effect.succeed({
    charge: (cents: number): Effect.Effect<string, Declined> =>
      cents > 0 ? Effect.succeed("ok") : Effect.fail(new Declined()),
    ticks: (from: number) => Stream.make(from)
  })
}) {}

describe("a program to explore", () => {
  test("may need a Scope and nothing else", () => {
    expect(Explore.check).type.toBeCallableWith(Bank.spawn())
    expect(Explore.check).type.not.toBeCallableWith(Effect.asVoid(Bank))
  })

  test("fails with an ExploreError", () => {
    expect(Explore.check(Effect.void)).type.toBe<Effect.Effect<Explore.Report, Explore.ExploreError>>()
    expect(Explore.replay(Effect.void, "1.a")).type.toBe<Effect.Effect<Explore.Report, Explore.ExploreError>>()
  })
})

describe("it.explore", () => {
  const count = Effect.succeed(1)

  test("takes what it.effect takes, and a program by itself", () => {
    expect(it.explore).type.toBeCallableWith("name", () => count, 1000)
    expect(it.explore).type.toBeCallableWith("name", (context: TestContext) => Effect.as(count, context.task.name), {
      retry: 2
    })
    expect(it.explore).type.toBeCallableWith("name", Bank.spawn(), {
      schedules: 10,
      timeout: "1 second",
      tags: ["slow"]
    })
    expect(it.explore.each([1])).type.toBeCallableWith("name", (n: number) => Effect.succeed(n))
    expect(it.explore.skipIf(true)).type.toBe<ExploreTest>()
    expect(it.explore.fails).type.toBe<ExploreTest>()
  })

  test("refuses a program that needs more than a Scope, a value that is none of the cases, and unknown options", () => {
    expect(it.explore).type.not.toBeCallableWith("name", Effect.asVoid(Bank))
    expect(it.explore).type.not.toBeCallableWith("name", () => Effect.asVoid(Bank))
    expect(it.explore.each([1])).type.not.toBeCallableWith("name", (text: string) => Effect.succeed(text))
    expect(it.explore).type.not.toBeCallableWith("name", count, { scheduls: 10 })
  })
})

describe("a probe", () => {
  type Shape = Bank["Service"]
  type Charge = ActorProbe.Call<Shape, "charge">

  test("knows the methods of its actor, their arguments, results and errors", () => {
    expect<Charge["args"]>().type.toBe<[cents: number]>()
    expect<Parameters<Charge["succeed"]>>().type.toBe<[value: string]>()
    expect<Parameters<Charge["fail"]>>().type.toBe<[error: Declined]>()
  })

  test("has the type of the actor's handle", () => {
    expect<ActorProbe.ActorProbe<Bank, Shape>["handle"]>().type.toBe<Shape>()
  })

  test("refuses methods that the actor does not have, and answers of another type", () => {
    expect<ActorProbe.ActorProbe<Bank, Shape>["next"]>().type.not.toBeCallableWith("refund")
    expect<ActorProbe.ActorProbe<Bank, Shape>["on"]>().type.not.toBeCallableWith("charge", () => Effect.succeed(1))
    expect<ActorProbe.ActorProbe<Bank, Shape>["on"]>().type.toBeCallableWith("ticks", () => Stream.make(1))
  })
})

describe("a model", () => {
  test("has methods of the actor, with its arguments and results", () => {
    type Model = History.Model<number, Bank["Service"]>
    expect<Model["methods"]["charge"]>().type.toBeAssignableFrom(
      (n: number, cents: number) => [n + cents, "ok"] as const
    )
    expect<Model["methods"]["charge"]>().type.not.toBeAssignableFrom((n: number) => [n, 7] as const)
  })
})

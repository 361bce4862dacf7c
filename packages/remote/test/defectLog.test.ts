import { assert, it } from "@effect/vitest"
import { Actor } from "@troupe/core"
import { RemoteHome } from "@troupe/remote"
import { Cause, Effect, Layer, Logger, Schema } from "effect"
import { RpcTest } from "effect/rpc"
import { TestClock } from "effect/testing"

class Desk extends Actor.Keyed<Desk>()("test/Desk", {
  key: Schema.Int,
  methods: { ask: Actor.method(), tell: Actor.method() }
}) {}

const DeskLive = Desk.toLayer(() =>
  Effect.succeed(Desk.of({ ask: () => Effect.die(new Error("no")), tell: () => Effect.die(new Error("no")) }))
)

const group = RemoteHome.group(Desk, { expose: ["ask", "tell"] })

/** A client of a desk, and the log of its server. */
const served = (logged: Array<string>) => {
  const logger = Logger.layer([Logger.make(({ message }) => void logged.push(String([message].flat()[0])))])
  const server = Layer.provideMerge(Layer.provide(RemoteHome.handlers(group), DeskLive), logger)
  return Effect.flatMap(Layer.build(server), (context) => Effect.provideContext(RpcTest.makeClient(group), context))
}

/** The number that a caller is told in place of a defect. */
const numberOf = (cause: Cause.Cause<unknown>) => /[0-9a-f-]{36}/.exec(Cause.pretty(cause))?.[0]

it.effect("of a method that dies again and again the log has so many entries a minute, and how many it has not", () => {
  const logged: Array<string> = []
  return Effect.gen(function* () {
    const client = yield* served(logged)
    const asked = (key: number) => Effect.map(Effect.flip(Effect.sandbox(client["test/Desk.ask"]({ key }))), numberOf)
    const numbers = yield* Effect.forEach(Array.from({ length: 50 }), (_, key) => asked(key))
    assert.strictEqual(new Set(numbers).size, 50)
    assert.notInclude(numbers, undefined)
    assert.strictEqual(logged.length, 20)
    // Each method has a minute of its own.
    yield* Effect.exit(client["test/Desk.tell"]({ key: 1 }))
    assert.strictEqual(logged.length, 21)
    yield* TestClock.adjust("1 minute")
    assert.deepStrictEqual(logged.slice(21), [
      "test/Desk.ask: failed for callers elsewhere 30 more times within a minute"
    ])
    assert.include(numbers, /[0-9a-f-]{36}/.exec(logged[0]!)?.[0])
    yield* asked(1)
    assert.strictEqual(logged.length, 23)
    yield* TestClock.adjust("2 minutes")
    assert.strictEqual(logged.length, 23)
  }).pipe(Effect.scoped)
})

it.effect("what was left out is told when the server ends, too", () => {
  const logged: Array<string> = []
  return Effect.gen(function* () {
    yield* Effect.scoped(
      Effect.gen(function* () {
        const client = yield* served(logged)
        for (let key = 0; key < 21; key++) yield* Effect.exit(client["test/Desk.ask"]({ key }))
      })
    )
    assert.match(logged.at(-1)!, /1 more times within a minute/)
  })
})

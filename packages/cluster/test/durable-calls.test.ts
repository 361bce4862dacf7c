import { assert, describe, it, vi } from "@effect/vitest"
import { ClusterHome, Delivery, DurableCalls } from "@troupe/cluster"
import { Actor, ObjectRef } from "@troupe/core"
import { Cause, DateTime, Effect, Exit, Latch, Layer, Metric, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { freePort } from "./fixtures/node-processes.ts"
import { databases, open } from "./stateSupport.ts"

// Databases take their time on a busy machine.
vi.setConfig({ testTimeout: 60_000 })

class Denied extends Schema.TaggedError<Denied>()("Denied", { who: Schema.String, code: Schema.Int }) {}

/** An actor whose methods fail until they are mended. */
const make = (id: string) => {
  class Desk extends Actor.Keyed<Desk>()(id, {
    key: Schema.String,
    methods: {
      deny: Delivery.durable(Actor.method({ args: [Schema.String], success: Schema.String, error: Denied })),
      burn: Delivery.durable(Actor.method({ success: Schema.String })),
      hang: Delivery.durable(Actor.method()),
      hangOnce: Delivery.durable(Actor.method())
    }
  }) {}
  const world = { mended: false, runs: 0, begun: Latch.makeUnsafe() }
  const answer = <E>(failure: Effect.Effect<never, E>) =>
    Effect.suspend(() => {
      world.runs++
      return world.mended ? Effect.succeed("done") : failure
    })
  const live = Desk.toLayer(() =>
    Effect.succeed(
      Desk.of({
        deny: (who: string) => answer(Effect.fail(new Denied({ who, code: 7 }))),
        burn: () => answer(Effect.die(new Error("a bug"))),
        hang: () => Effect.andThen(world.begun.open, Effect.never),
        hangOnce: () =>
          Effect.suspend(() =>
            ++world.runs === 1 ? Effect.andThen(world.begun.open, Effect.never) : Effect.die(new Error("a bug"))
          )
      })
    )
  )
  return { Desk, world, live }
}

let last = 0

describe.each(databases)("durable calls that failed, in %s", (name) => {
  type Body = (desk: ReturnType<typeof make>, id: string) => Effect.Effect<void, unknown, any>

  /** Nodes with an actor of their own, one after the other: each has its part of the test. */
  const test = (sentence: string, ...bodies: ReadonlyArray<Body>) =>
    it.live(sentence, () =>
      Effect.gen(function* () {
        const { database } = yield* open(name)
        const id = `test/Desk-${process.pid}-${++last}`
        const desk = make(id)
        // One that ends without waiting has its port for a moment longer.
        const node = Effect.map(freePort, (port) =>
          ClusterHome.layer(desk.Desk, desk.live).pipe(
            Layer.provideMerge(ClusterHome.layerNode({ port, storage: database, drainTimeout: "100 millis" }))
          )
        )
        // Other tests have the same database, and their nodes would look for this actor.
        const forget = Effect.flatMap(SqlClient.SqlClient, (sql) =>
          Effect.ignore(sql`DELETE FROM cluster_messages WHERE entity_type = ${id}`)
        )
        for (const [index, part] of bodies.entries()) {
          const body = index === bodies.length - 1 ? Effect.ensuring(part(desk, id), forget) : part(desk, id)
          yield* Effect.provide(body, yield* node) as Effect.Effect<void, unknown>
        }
      })
    )

  test("10.10 they are listed with their arguments, their cause and their attempts, the last one first", ({
    Desk
  }, actor) =>
    Effect.gen(function* () {
      const desk = yield* Desk.get("a")
      yield* Effect.exit(ClusterHome.withId(desk.deny("bob"), "first"))
      yield* Effect.exit(ClusterHome.withId(desk.burn(), "second"))
      const all = yield* DurableCalls.failed({ actor })
      assert.deepStrictEqual(
        all.map(({ actor: _, at: __, id: ___, ...call }) => call),
        [
          { key: "a", method: "burn", callId: "second", args: [], cause: "Error: a bug", isDefect: true, attempts: 1 },
          {
            key: "a",
            method: "deny",
            callId: "first",
            args: ["bob"],
            cause: 'Denied {"who":"bob","code":7}',
            isDefect: false,
            attempts: 1
          }
        ]
      )
      assert.lengthOf(yield* DurableCalls.failed({ actor, limit: 1 }), 1)
      assert.lengthOf(yield* DurableCalls.failed({ actor: "test/Other" }), 0)
    }))

  test("10.10 those that succeeded, that run and that were cancelled are not listed", ({ Desk, world }, actor) =>
    Effect.gen(function* () {
      world.mended = true
      const desk = yield* Desk.get("a")
      yield* desk.deny("bob")
      const ref = yield* desk.hang.remote()
      yield* world.begun.await
      assert.deepStrictEqual(yield* DurableCalls.failed({ actor }), [])
      yield* ObjectRef.cancel(ref)
      yield* Effect.exit(ref)
      assert.deepStrictEqual(yield* DurableCalls.failed({ actor }), [])
    }))

  test("10.10 a call that is retried runs again, and its new result is the result of its id", ({
    Desk,
    world
  }, actor) =>
    Effect.gen(function* () {
      const desk = yield* Desk.get("a")
      const burn = ClusterHome.withId(desk.burn(), "once")
      assert.isTrue(Exit.isFailure(yield* Effect.exit(burn)))
      const [call] = yield* DurableCalls.failed({ actor })
      assert.isTrue(yield* DurableCalls.retry(call!.id))
      const again = yield* Effect.exit(yield* ClusterHome.attach(Desk, "a", "once"))
      assert.isTrue(Exit.isFailure(again) && Cause.hasDies(again.cause))
      assert.deepStrictEqual(
        (yield* DurableCalls.failed({ actor })).map(({ attempts, callId }) => [callId, attempts]),
        [["once", 2]]
      )
      world.mended = true
      assert.isTrue(yield* DurableCalls.retry(call!.id))
      assert.isFalse(yield* DurableCalls.retry(call!.id), "it does not fail any more")
      assert.strictEqual(yield* yield* ClusterHome.attach(Desk, "a", "once"), "done")
      assert.strictEqual(yield* burn, "done")
      assert.strictEqual(world.runs, 3)
      assert.deepStrictEqual(yield* DurableCalls.failed({ actor }), [])
    }))

  test("10.10 a call that is dropped is gone, and a call with its id is a new one", ({ Desk, world }, actor) =>
    Effect.gen(function* () {
      const desk = yield* Desk.get("a")
      const deny = ClusterHome.withId(desk.deny("bob"), "once")
      assert.deepStrictEqual(yield* Effect.flip(deny), new Denied({ who: "bob", code: 7 }))
      world.mended = true
      assert.deepStrictEqual(yield* Effect.flip(deny), new Denied({ who: "bob", code: 7 }))
      const [call] = yield* DurableCalls.failed({ actor })
      assert.isTrue(yield* DurableCalls.drop(call!.id))
      assert.isFalse(yield* DurableCalls.drop(call!.id))
      assert.isFalse(yield* DurableCalls.retry(call!.id))
      assert.isFalse(yield* DurableCalls.retry("1; DROP TABLE cluster_messages"))
      assert.strictEqual(yield* deny, "done")
      assert.strictEqual(world.runs, 2)
    }))

  test("failures are counted by actor and method, cancellations are not", ({ Desk, world }, actor) =>
    Effect.gen(function* () {
      const desk = yield* Desk.get("a")
      yield* Effect.exit(desk.burn())
      yield* Effect.exit(desk.burn())
      const ref = yield* desk.hang.remote()
      yield* world.begun.await
      yield* ObjectRef.cancel(ref)
      yield* Effect.exit(ref)
      const counts = (yield* Metric.snapshot).flatMap((metric) =>
        metric.id === "troupe_durable_calls_failed_total" && metric.attributes?.actor === actor
          ? [[metric.attributes.method, (metric.state as { readonly count: number }).count]]
          : []
      )
      assert.deepStrictEqual(counts, [["burn", 2]])
    }))

  test(
    "10.10 attempts are counted that ended with their node",
    ({ Desk, world }) =>
      Effect.gen(function* () {
        const desk = yield* Desk.get("a")
        yield* ClusterHome.withId(desk.hangOnce.remote(), "once")
        yield* world.begun.await
      }),
    ({ Desk }, actor) =>
      Effect.gen(function* () {
        const exit = yield* Effect.exit(yield* ClusterHome.attach(Desk, "a", "once"))
        assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
        const [call] = yield* DurableCalls.failed({ actor })
        assert.strictEqual(call!.attempts, 2)
      })
  )

  test("calls without a result are counted by actor, with those that no node has read", ({ Desk, world }, actor) =>
    Effect.gen(function* () {
      const desk = yield* Desk.get("a")
      const of = Effect.map(DurableCalls.unfinished, (all) => all.filter((one) => one.actor === actor))
      assert.deepStrictEqual(yield* of, [])
      const before = Date.now()
      const ref = yield* desk.hang.remote()
      yield* world.begun.await
      const [counts] = yield* of
      assert.deepInclude(counts, { calls: 1, waiting: 0 })
      assert.isAtLeast(DateTime.toEpochMillis(counts!.oldest), before - 1000)
      yield* ObjectRef.cancel(ref)
      // The caller hears of it before it is stored.
      yield* Effect.repeat(Effect.andThen(Effect.sleep("20 millis"), of), { until: (all) => all.length === 0 })
    }))

  test(
    "those that are stored as failed are a gauge, on one node",
    ({ Desk }) => Effect.flatMap(Desk.get("a"), (desk) => Effect.asVoid(Effect.exit(desk.burn()))),
    (_, actor) => Effect.repeat(deadOf(actor), { until: (dead) => dead === 1 }).pipe(Effect.asVoid)
  )
})

/** What the gauge says. A node counts once it has its keys. */
const deadOf = (actor: string) =>
  Effect.map(Effect.andThen(Effect.sleep("20 millis"), Metric.snapshot), (metrics) => {
    const found = metrics.find(
      ({ attributes, id }) => id === "troupe_durable_calls_dead" && attributes?.actor === actor
    )
    return (found?.state as { readonly value: number } | undefined)?.value
  })

/**
 * What travels with requests, also with those that are stored. What it is in every home, the conformance suite has.
 */
import { assert, describe, layer } from "@effect/vitest"
import { ClusterHome, Delivery, DurableCalls } from "@troupe/cluster"
import { Actor, ActorContext, type ActorError, Carried } from "@troupe/core"
import { Cause, Duration, Effect, Layer, Option, References, Schema, Tracer } from "effect"
import { reasonOf } from "./homeSupport.ts"

const Tenant = Carried.Reference<string>("test/Tenant", {
  schema: Schema.NonEmptyString,
  defaultValue: () => "nobody"
})

const Seen = Schema.Struct({
  tenant: Schema.String,
  request: Schema.Unknown,
  left: Schema.NullOr(Schema.Number)
})

const seen = Effect.gen(function* () {
  const left = yield* ActorContext.timeLeft
  return {
    tenant: yield* Tenant,
    request: (yield* References.CurrentLogAnnotations).request ?? null,
    left: Option.getOrNull(Option.map(left, Duration.toMillis))
  }
})

class Reader extends Actor.Keyed<Reader>()("test/Reader", {
  key: Schema.String,
  methods: {
    read: Actor.method({ success: Seen }),
    durable: Delivery.durable(Actor.method({ success: Seen })),
    /** Has a durable call of another key made, and one that is not. */
    front: Delivery.durable(Actor.method({ success: Schema.Array(Seen) })),
    refuse: Delivery.durable(Actor.method({ error: Schema.String })),
    slow: Actor.method()
  }
}) {}

const refusals: Array<unknown> = []

const ReaderLive = Reader.toLayer((key) =>
  Effect.map(Reader, (readers) =>
    Reader.of({
      read: () => seen,
      durable: () => seen,
      front: () => {
        const other = readers.get(`${key}, and behind it`)
        return Effect.orDie(Effect.all([other.durable(), other.read()]))
      },
      refuse: () =>
        Effect.andThen(
          Effect.map(seen, (seen) => void refusals.push(seen)),
          Effect.fail("no")
        ),
      slow: () => Effect.never
    })
  )
).pipe(Layer.provide(ClusterHome.client(Reader)))

const tracer = Tracer.make({ span: (options) => new Tracer.NativeSpan(options) })

const cluster = ClusterHome.layer(Reader, ReaderLive).pipe(
  Layer.provideMerge(ClusterHome.layerLocal({ file: ":memory:" }))
)

const homes = { untraced: cluster, traced: Layer.provide(cluster, Layer.succeed(Tracer.Tracer)(tracer)) }

const asAcme = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.provideService(Effect.annotateLogs(effect, "request", "r1"), Tenant, "acme")

for (const [name, home] of Object.entries(homes)) {
  describe(`where calls are ${name}`, () => {
    layer(home, { excludeTestServices: true })((it) => {
      it.effect("13.1 what a caller sets is stored with a durable call, and with what that calls in turn", () =>
        Effect.gen(function* () {
          const reader = yield* Reader.get("a")
          const expected = { tenant: "acme", request: "r1", left: null }
          const durable = reader.durable.options({ timeout: "1 minute" })
          assert.deepStrictEqual(yield* asAcme(durable()), expected)
          assert.deepStrictEqual(yield* asAcme(reader.front()), [expected, expected])
          const none = { tenant: "nobody", request: null, left: null }
          assert.deepStrictEqual(yield* durable(), none)
          assert.deepStrictEqual(yield* reader.front(), [none, none])
        })
      )

      it.effect("13.1 a durable call that is retried has it as the first time", () =>
        Effect.gen(function* () {
          refusals.length = 0
          const reader = yield* Reader.get("retried")
          yield* Effect.flip(asAcme(ClusterHome.withId(reader.refuse(), "r")))
          const [failed] = yield* DurableCalls.failed({ actor: Reader.key })
          yield* DurableCalls.retry(failed!.id)
          yield* Effect.flip(ClusterHome.withId(reader.refuse(), "r"))
          const expected = { tenant: "acme", request: "r1", left: null }
          assert.deepStrictEqual(refusals, [expected, expected])
        })
      )

      it.effect("13.1 a value that cannot be written fails its call, which is not sent", () =>
        Effect.gen(function* () {
          const reader = yield* Reader.get("b")
          for (const call of [reader.read(), reader.durable()]) {
            const reason = yield* reasonOf(Effect.provideService(call, Tenant, ""))
            assert.deepInclude(reason, { _tag: "DecodeError", mayHaveRun: false })
            assert.match(reason.issue, /the carried reference test\/Tenant cannot be written with its schema/)
          }
        })
      )

      it.effect("13.3 a call ends when the time of its caller is over, in the words of its caller", () =>
        Effect.gen(function* () {
          const reader = yield* Reader.get("c")
          const ask = reader.slow.options({ timeout: "20 millis" })()
          const cause = yield* Effect.flip(Effect.sandbox(ask))
          const { reason } = Cause.squash(cause) as ActorError.ActorError
          assert.deepInclude(reason, { _tag: "TimedOut", timeout: 20, mayHaveRun: true })
          assert.include(Cause.pretty(cause), `test/Reader(c).slow #${(reason as ActorError.TimedOut).id}`)
        })
      )
    })
  })
}

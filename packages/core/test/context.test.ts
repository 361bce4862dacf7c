import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorContext, type ActorError } from "@troupe/core"
import * as Everything from "effect"
import {
  Clock,
  Context,
  Effect,
  Fiber,
  Layer,
  ManagedRuntime,
  Option,
  Random,
  References,
  Schedule,
  Scope,
  Stream,
  Tracer
} from "effect"
import { TestClock } from "effect/testing"
import { ambient } from "../src/internal/instance/context.ts"
import { fork, Probe, settle } from "./support.ts"

const Tenant = Context.Reference<string>("test/Tenant", { defaultValue: () => "nobody" })
class Db extends Context.Service<Db, string>()("test/Db") {}
class Mail extends Context.Service<Mail, string>()("test/Mail") {}

/** Runs what a test wants to run in the context of a method. */
class Inside extends Actor.Service<Inside>()("test/Inside", {
  make: Effect.succeed({
    run: (effect: Effect.Effect<any>) => effect,
    stream: (effect: Effect.Effect<any>) => Stream.fromEffect(effect)
  })
}) {}

describe("the caller's context", () => {
  it.effect("its span is the parent of what the method does", () =>
    Effect.gen(function* () {
      const inside = yield* Inside.spawn()
      const ancestors = Effect.map(Effect.currentSpan, (span) => {
        const names = [span.name]
        for (let parent = span.parent; Option.isSome(parent); ) {
          if (parent.value._tag === "ExternalSpan") break
          names.push(parent.value.name)
          parent = parent.value.parent
        }
        return names
      })
      const names: Array<string> = yield* Effect.withSpan(inside.run(Effect.orDie(ancestors)), "request")
      assert.include(names, "request")
    })
  )

  it.effect("its tracer, log annotations, log level, clock and random numbers reach the method", () =>
    Effect.gen(function* () {
      const inside = yield* Effect.provideService(Inside.spawn(), Clock.Clock, yield* liveClock)
      const tracer = Tracer.make({ span: (options) => new Tracer.NativeSpan(options) })
      const seen = yield* inside
        .run(
          Effect.gen(function* () {
            return {
              tracer: yield* Tracer.Tracer,
              annotations: yield* References.CurrentLogAnnotations,
              level: yield* References.MinimumLogLevel,
              clock: yield* Clock.Clock,
              random: yield* Random.next
            }
          })
        )
        .pipe(
          Effect.annotateLogs("request", "1"),
          Effect.provideService(References.MinimumLogLevel, "Error"),
          Effect.provideService(Tracer.Tracer, tracer),
          Random.withSeed("seed")
        )
      assert.strictEqual(seen.tracer, tracer)
      assert.deepStrictEqual(seen.annotations, { request: "1" })
      assert.strictEqual(seen.level, "Error")
      assert.strictEqual(seen.clock, yield* Clock.Clock, "the test clock of the caller, not that of the actor")
      assert.strictEqual(seen.random, yield* Random.withSeed(Random.next, "seed"))
    })
  )

  it.effect("time in a method is the caller's", () =>
    Effect.gen(function* () {
      const inside = yield* Effect.provideService(Inside.spawn(), Clock.Clock, yield* liveClock)
      const sleeper = yield* fork(inside.run(Effect.sleep("1 hour")))
      yield* TestClock.adjust("1 hour")
      yield* Fiber.join(sleeper)
    })
  )

  it.effect("references and services of the caller reach the method where the actor has none", () =>
    Effect.gen(function* () {
      const inside = yield* Inside.spawn()
      const see = Effect.all([Tenant, Effect.serviceOption(Mail)])
      const [tenant, mail] = yield* inside
        .run(see)
        .pipe(Effect.provideService(Tenant, "caller"), Effect.provideService(Mail, "caller's"))
      assert.strictEqual(tenant, "caller")
      assert.deepStrictEqual(mail, Option.some("caller's"))
      assert.deepStrictEqual(yield* inside.run(see), ["nobody", Option.none()], "and no longer")
    })
  )

  it.effect("each call has that of its own caller, in any order, asked or submitted, also as a stream", () =>
    Effect.gen(function* () {
      const inside = yield* Inside.options({ maxConcurrency: 1 }).spawn()
      const as = (tenant: string) => Effect.provideService(Tenant, tenant)
      const refs = [yield* as("a")(inside.run.remote(Tenant)), yield* as("b")(inside.run.remote(Tenant))]
      assert.strictEqual(yield* as("c")(inside.run(Tenant)), "c")
      assert.strictEqual(yield* as("d")(refs[0]!), "a", "that of the submitter, not of who waits")
      assert.strictEqual(yield* refs[1]!, "b")
      assert.deepStrictEqual(yield* as("e")(Stream.runCollect(inside.stream(Tenant))), ["e"])
      assert.strictEqual(yield* inside.run(Tenant), "nobody")
    })
  )

  it.effect("it goes through actors that call actors", () =>
    Effect.gen(function* () {
      const one = yield* Inside.spawn()
      const two = yield* Inside.spawn()
      const nested = one.run(Effect.orDie(two.run(Effect.all([Tenant, References.CurrentLogAnnotations]))))
      const seen = yield* nested.pipe(Effect.provideService(Tenant, "caller"), Effect.annotateLogs("request", "1"))
      assert.deepStrictEqual(seen, ["caller", { request: "1" }])
    })
  )
})

describe("the actor's own context", () => {
  it.effect("its services win over those of the caller, in make, methods and streams", () =>
    Effect.gen(function* () {
      class Store extends Actor.Service<Store>()("test/Store", {
        make: Effect.map(Db, (made) => ({
          both: () => Effect.map(Db, (db) => [made, db]),
          items: () => Stream.fromEffect(Db),
          tenant: () => Tenant
        }))
      }) {}
      const layer = Store.layer.pipe(
        Layer.provide(Layer.mergeAll(Layer.succeed(Db)("actor's"), Layer.succeed(Tenant)("actor")))
      )
      const program = Effect.gen(function* () {
        const store = yield* Store
        assert.deepStrictEqual(yield* store.both(), ["actor's", "actor's"])
        assert.deepStrictEqual(yield* Stream.runCollect(store.items()), ["actor's"])
        assert.strictEqual(yield* store.tenant(), "actor", "a reference that was provided to it is one of its services")
      })
      const asCaller = Effect.provide(program, layer).pipe(
        Effect.provideService(Db, "caller's"),
        Effect.provideService(Tenant, "caller")
      )
      yield* asCaller
    })
  )

  it.effect("Effect's own references are the actor's where the caller has set none", () =>
    Effect.gen(function* () {
      const inside = yield* Effect.provideService(Inside.spawn(), References.MinimumLogLevel, "Fatal")
      assert.strictEqual(yield* inside.run(References.MinimumLogLevel), "Fatal")
      const call = Effect.provideService(inside.run(References.MinimumLogLevel), References.MinimumLogLevel, "Debug")
      assert.strictEqual(yield* call, "Debug")
    })
  )

  it.effect("the span in which it was built is not the parent of calls that come from no span", () =>
    Effect.gen(function* () {
      const inside = yield* Effect.withSpan(Inside.spawn(), "startup")
      const ancestors = Effect.gen(function* () {
        const names: Array<string> = []
        let span = Option.getOrUndefined(yield* Effect.option(Effect.currentParentSpan))
        while (span?._tag === "Span") {
          names.push(span.name)
          span = Option.getOrUndefined(span.parent)
        }
        return names
      })
      assert.notInclude(yield* inside.run(ancestors), "startup")
      assert.include(yield* Effect.withSpan(inside.run(ancestors), "request"), "request")
    })
  )

  it.effect(
    "the Scope of make and methods is the instance's: it closes when the instance ends, not with the call",
    () =>
      Effect.gen(function* () {
        const probe = new Probe()
        const acquire = (name: string) =>
          Effect.acquireRelease(probe.note(`open ${name}`), () => probe.note(`close ${name}`))
        class Scoped extends Actor.Service<Scoped>()("test/Scoped", {
          restart: Schedule.recurs(1),
          make: Effect.gen(function* () {
            yield* acquire("make")
            const own = yield* Scope.Scope
            return {
              open: (name: string) => acquire(name),
              same: () => Effect.map(Scope.Scope, (scope) => scope === own),
              items: () => Stream.fromEffect(acquire("stream")),
              die: () => Effect.die("bug")
            }
          })
        }) {}
        const layer: Layer.Layer<Scoped> = Scoped.layer
        const program = Effect.gen(function* () {
          const scoped = yield* Scoped
          yield* scoped.open("a")
          yield* Effect.scoped(scoped.open("b"))
          assert.isTrue(yield* scoped.same())
          assert.deepStrictEqual(probe.log, ["open make", "open a", "open b"])
          yield* Effect.exit(scoped.die())
          yield* TestClock.adjust("1 second")
          assert.deepStrictEqual(probe.log.splice(0), [
            "open make",
            "open a",
            "open b",
            "close b",
            "close a",
            "close make",
            "open make"
          ])
          assert.isTrue(yield* scoped.same(), "after a restart it is the new one")
          yield* scoped.open("c")
        })
        yield* Effect.provide(program, layer)
        assert.deepStrictEqual(probe.log, ["open c", "close c", "close make"])
      })
  )

  it.effect("ActorContext tells make and methods where they are", () =>
    Effect.gen(function* () {
      class Facts extends Actor.Service<Facts>()("test/Facts", {
        make: Effect.map(ActorContext.ActorContext, (made) => ({
          facts: () =>
            Effect.map(ActorContext.ActorContext, (now) => {
              assert.strictEqual(made.instance, now.instance)
              return [now.actor, now.name, now.restarts] as const
            })
        }))
      }) {}
      const facts = yield* Facts.options({ name: "facts" }).spawn()
      const seen: readonly [string, string | undefined, number] = yield* facts.facts()
      assert.deepStrictEqual(seen, ["test/Facts", "facts", 0])
    })
  )

  it.effect("an actor that a method starts does not belong to the call that started it", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const outer = yield* Inside.spawn()
      const spawn = Scope.provide(Inside.spawn(), scope)
      const inner: Inside["Service"] = yield* outer.run(spawn)
      const context: Context.Service.Shape<typeof ActorContext.ActorContext> = yield* inner.run(
        ActorContext.ActorContext as never
      )
      assert.strictEqual(context.actor, "test/Inside")
      assert.notStrictEqual(
        context.instance,
        yield* Effect.map(outer.run(ActorContext.ActorContext as never), (c) => c.instance)
      )
      yield* Scope.close(scope, yield* Effect.exit(Effect.void))
    })
  )

  it.effect("an actor made in a ManagedRuntime has its services wherever it is called from", () =>
    Effect.gen(function* () {
      class Store extends Actor.Service<Store>()("test/Store", { make: Effect.succeed({ db: () => Db }) }) {}
      const runtime = ManagedRuntime.make(Layer.provide(Store.layer, Layer.succeed(Db)("actor's")))
      const store = yield* Effect.promise(() => runtime.runPromise(Store))
      const ask: Effect.Effect<string, ActorError.ActorError> = store.db()
      assert.strictEqual(yield* ask, "actor's")
      assert.strictEqual(yield* Effect.promise(() => Effect.runPromise(ask)), "actor's")
      yield* Effect.promise(() => runtime.dispose())
      yield* settle
    })
  )
})

describe("ambient references", () => {
  /** They tell of one run of a loop or of an attempt, and mean nothing to an actor. */
  const local = ["effect/Schedule/CurrentMetadata", "effect/ExecutionPlan/CurrentMetadata"]

  it("are all those that Effect exports from its root modules, and the parent span", () => {
    const keys = new Set<string>([Tracer.ParentSpan.key])
    for (const module of Object.values(Everything)) {
      for (const value of Object.values(module as object)) if (Context.isReference(value)) keys.add(value.key)
    }
    for (const key of local) assert.isTrue(keys.delete(key), `${key} is still there`)
    assert.deepStrictEqual([...ambient].sort(), [...keys].sort())
  })
})

/** The clock outside the test's own. */
const liveClock = TestClock.withLive(Clock.Clock)

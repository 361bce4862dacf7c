import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorSystem, Home } from "@troupe/core"
import { Effect, Layer, Metric, Schedule } from "effect"
import { TestClock } from "effect/testing"
import { errorOf, Probe, range, settle, Worker } from "./support.ts"

/** A system and a registry of metrics that no other test writes to. */
const isolated = Layer.mergeAll(
  ActorSystem.layer,
  Layer.sync(Metric.MetricRegistry)(() => new Map())
)

const metered = <A, E>(name: string, options: ActorSystem.MetricsOptions, test: Effect.Effect<A, E, any>) =>
  it.effect(
    name,
    () =>
      Effect.scoped(
        Effect.provide(test, Layer.provideMerge(ActorSystem.layerMetrics(options), isolated), { local: true })
      ) as Effect.Effect<A, E>
  )

/** The values of a metric, by its attributes in the order in which they are given. */
const read = (id: string, ...attributes: ReadonlyArray<string>) =>
  Effect.map(Metric.snapshot, (all) =>
    Object.fromEntries(
      all
        .filter((metric) => metric.id === id)
        .map(({ attributes: given, state }) => [
          attributes.map((name) => (given as any)?.[name]).join(" "),
          valueOf(state)
        ])
    )
  )

const valueOf = (state: any): unknown =>
  "buckets" in state ? { count: state.count, max: state.max } : (state.count ?? state.value)

describe("11.3 metrics", () => {
  metered(
    "calls by actor, method and outcome",
    {},
    Effect.gen(function* () {
      const worker = yield* Worker.options({ maxPendingCalls: 1 }).spawn()
      for (const id of ["a", "b"]) yield* worker.note(id)
      yield* Effect.exit(worker.fail("no"))
      yield* worker.run.remote(Effect.never)
      yield* errorOf(worker.note("no room"))
      yield* Actor.kill(worker)
      assert.deepStrictEqual(yield* read("troupe_calls_total", "actor", "method", "outcome"), {
        "test/Worker note succeeded": 2,
        "test/Worker fail failed": 1,
        "test/Worker run actorDied": 1,
        "test/Worker note refused": 1
      })
    })
  )

  metered(
    "what is counted only goes up, and says so to those who export it",
    {},
    Effect.gen(function* () {
      const worker = yield* Worker.options({ restart: Schedule.recurs(1), onDefect: "restart" }).spawn()
      yield* Effect.exit(worker.die("bug"))
      yield* worker.note("a")
      const counters = (yield* Metric.snapshot).filter(({ type }) => type === "Counter")
      assert.sameMembers([...new Set(counters.map(({ id }) => id))], ["troupe_calls_total", "troupe_restarts_total"])
      for (const { id, state } of counters) assert.isTrue((state as any).incremental, id)
    })
  )

  metered(
    "waiting time and running time apart, in seconds",
    {},
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      yield* worker.work.remote("a")
      yield* worker.work.remote("b")
      yield* settle
      yield* TestClock.adjust("2 seconds")
      yield* probe.open("a")
      yield* settle
      yield* TestClock.adjust("3 seconds")
      yield* probe.open("b")
      yield* settle
      assert.deepStrictEqual(yield* read("troupe_call_waiting_seconds", "actor", "method", "unit"), {
        "test/Worker work s": { count: 2, max: 2 }
      })
      assert.deepStrictEqual(yield* read("troupe_call_running_seconds", "actor", "method", "unit"), {
        "test/Worker work s": { count: 2, max: 3 }
      })
    })
  )

  metered(
    "queue depth, running calls and instances, which fall back to nothing",
    {},
    Effect.gen(function* () {
      const probe = new Probe()
      const depth = Effect.all([
        read("troupe_calls_waiting", "actor"),
        read("troupe_calls_running", "actor"),
        read("troupe_instances", "actor")
      ]).pipe(Effect.map((all) => all.map((values) => values["test/Worker"])))
      const worker = yield* Worker.options({ maxConcurrency: 2 }).spawn(probe)
      for (const id of range(5)) yield* worker.work.remote(String(id))
      yield* settle
      assert.deepStrictEqual(yield* depth, [3, 2, 1])
      yield* Actor.kill(worker)
      assert.deepStrictEqual(yield* depth, [0, 0, 0])
    })
  )

  metered(
    "restarts, and a call that runs again is waiting again",
    {},
    Effect.gen(function* () {
      const worker = yield* Worker.options({ restart: Schedule.spaced("1 second"), maxTaskRetries: 1 }).spawn()
      let left = 1
      yield* worker.run.remote(Effect.suspend(() => (left-- > 0 ? Effect.die("bug") : Effect.never)))
      yield* settle
      assert.deepStrictEqual(yield* read("troupe_calls_waiting", "actor"), { "test/Worker": 1 })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* read("troupe_calls_waiting", "actor"), { "test/Worker": 0 })
      assert.deepStrictEqual(yield* read("troupe_restarts_total", "actor"), { "test/Worker": 1 })
    })
  )

  metered(
    "the residents of all keys count as one actor",
    {},
    Effect.gen(function* () {
      class Account extends Actor.Keyed<Account>()("Account", {
        make: (_: string) => Effect.succeed({ name: () => Effect.succeed(1) })
      }) {}
      const program = Effect.forEach(range(50), (n) => Effect.flatMap(Account.get(`key ${n}`), (a) => a.name()))
      yield* Effect.provide(program, Account.layer)
      assert.deepStrictEqual(yield* read("troupe_calls_total", "actor", "method", "outcome"), {
        "Account name succeeded": 50
      })
    })
  )

  metered(
    "the number of series is bounded",
    { maxMethods: 2 },
    Effect.gen(function* () {
      const names = range(10).map((n) => `m${n}`)
      class Wide extends Actor.Service<Wide>()("Wide", {
        make: Effect.succeed(Object.fromEntries(names.map((name) => [name, () => Effect.void])))
      }) {}
      const wide: any = yield* Wide.spawn()
      for (const name of names) yield* wide[name]()
      assert.deepStrictEqual(yield* read("troupe_calls_total", "actor", "method", "outcome"), {
        "Wide m0 succeeded": 1,
        "Wide m1 succeeded": 1,
        "(other) (other) succeeded": 8
      })
    })
  )

  it.effect("what was there before counts, too", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      for (const id of range(3)) yield* worker.work.remote(String(id))
      yield* settle
      const depth = Effect.all([read("troupe_calls_waiting", "actor"), read("troupe_calls_running", "actor")])
      const late = Effect.gen(function* () {
        assert.deepStrictEqual(yield* depth, [{ "test/Worker": 2 }, { "test/Worker": 1 }])
        yield* probe.open("0", "1", "2")
        yield* settle
        assert.deepStrictEqual(yield* depth, [{ "test/Worker": 0 }, { "test/Worker": 0 }])
      })
      yield* Effect.provide(late, ActorSystem.layerMetrics(), { local: true })
    }).pipe(Effect.scoped, Effect.provide(isolated, { local: true }))
  )

  metered(
    "clients of instances that live elsewhere are counted under names of their own",
    {},
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      yield* worker.note("served")
      const client = yield* Effect.provideService(Worker.spawn(), Home.Residence, {
        client: true,
        describe: () => undefined
      })
      for (const id of ["a", "b"]) yield* client.note(id)
      const counted = (prefix: string) =>
        Effect.all([read(`${prefix}_calls_total`, "actor", "outcome"), read(`${prefix}_instances`, "actor")])
      assert.deepStrictEqual(yield* counted("troupe"), [{ "test/Worker succeeded": 1 }, { "test/Worker": 1 }])
      assert.deepStrictEqual(yield* counted("troupe_client"), [{ "test/Worker succeeded": 2 }, { "test/Worker": 1 }])
      const late = Effect.map(read("troupe_client_instances", "actor"), (instances) =>
        assert.deepStrictEqual(instances, { "test/Worker": 2 })
      )
      yield* Effect.provide(late, ActorSystem.layerMetrics(), { local: true })
      yield* Actor.kill(client)
      assert.deepStrictEqual(yield* read("troupe_client_instances", "actor"), { "test/Worker": 1 })
    })
  )

  it.effect("nothing is measured without the layer", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      yield* worker.note("a")
      assert.deepStrictEqual(yield* read("troupe_calls_total", "actor"), {})
    }).pipe(Effect.scoped, Effect.provide(isolated, { local: true }))
  )
})

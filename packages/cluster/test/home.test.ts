import { assert, describe, it, layer } from "@effect/vitest"
import { ClusterHome } from "@troupe/cluster"
import { Actor, ActorError, ActorSystem, Contract, ObjectRef } from "@troupe/core"
import { Cause, Context, Effect, Exit, Fiber, Layer, Metric, Option, Schema, Stream, Tracer } from "effect"
import {
  EntityId,
  MessageStorage,
  RunnerHealth,
  RunnerStorage,
  Runners,
  Sharding,
  ShardingConfig,
  TestRunner
} from "effect/cluster"
import { TestClock } from "effect/testing"
import {
  defectOf,
  errorOf,
  freshKey,
  makeWorker,
  Probe,
  probeOf,
  Refused,
  reasonOf,
  Worker,
  WorkerLive
} from "./homeSupport.ts"

/** One for the whole cluster. Its contract, and the next one, are apart from the runtime. */
class Leader extends Contract.Service<Leader>()("test/Leader", {
  methods: { count: Contract.method({ success: Schema.Int }), exit: Contract.method() }
}) {}

let leaders = 0
const LeaderLive = Actor.toLayer(
  Leader,
  Effect.sync(() => {
    leaders++
    let count = 0
    return Leader.of({ count: () => Effect.sync(() => ++count), exit: () => Actor.exit })
  })
)

class ByPoint extends Contract.Keyed<ByPoint>()("test/ByPoint", {
  key: Schema.Struct({ x: Schema.Int, at: Schema.Date }),
  methods: { key: Contract.method({ success: Schema.Unknown }) }
}) {}

const ByPointLive = Actor.toLayer(ByPoint, (key) =>
  Effect.succeed(ByPoint.of({ key: () => Effect.succeed([key.x, key.at]) }))
)

class Local extends Actor.Service<Local>()("test/Local", { make: Effect.succeed({ ping: () => Effect.void }) }) {}

/** Calls its own kind, and has an actor of its own. */
class Chain extends Actor.Keyed<Chain>()("test/Chain", {
  key: Schema.Number,
  methods: { sum: Actor.method({ success: Schema.Number }), leave: Actor.method() }
}) {}

const ChainLive = Chain.toLayer((key) =>
  Effect.map(Effect.andThen(Local.spawn(), Chain), (chain) =>
    Chain.of({
      sum: () =>
        key === 0 ? Effect.succeed(0) : Effect.map(Effect.orDie(chain.get(key - 1).sum()), (sum) => sum + key),
      leave: () => chain.stop(key)
    })
  )
).pipe(Layer.provide(ClusterHome.client(Chain)))

const Actors = Layer.mergeAll(
  ClusterHome.layer(Worker, WorkerLive),
  ClusterHome.layer(Leader, LeaderLive),
  ClusterHome.layer(ByPoint, ByPointLive),
  ClusterHome.layer(Chain, ChainLive)
)

const homes: Record<string, Layer.Layer<ClusterHome.Cluster, unknown>> = {
  "a test runner": TestRunner.layer,
  "a node on its own": ClusterHome.layerLocal({ file: ":memory:" })
}

/** An actor of this process that calls a worker. */
class Foreman extends Actor.Service<Foreman>()("test/Foreman", {
  make: (worker: Effect.Success<ReturnType<typeof Worker.get>>) =>
    Effect.succeed({ lead: (why: string) => worker.die(why) })
}) {}

const fork = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.forkChild(effect, { startImmediately: true })

for (const [home, engine] of Object.entries(homes)) {
  layer(Layer.provideMerge(Actors, engine), { excludeTestServices: true })(`on ${home}`, (it) => {
    it.effect("an ask runs its call where the instance is, and gives its result", () =>
      Effect.gen(function* () {
        const worker = yield* Worker.get(freshKey())
        assert.strictEqual(yield* worker.note("x"), "x")
      })
    )

    it.effect("a remote call gives a ref, and a ref is an argument", () =>
      Effect.gen(function* () {
        const key = freshKey()
        const worker = yield* Worker.get(key)
        const ref = yield* worker.work.remote("a")
        assert.isTrue(ObjectRef.isObjectRef(ref))
        const next = yield* worker.note.remote(ref)
        yield* probeOf(key).open("a")
        assert.strictEqual(yield* next, "a")
      })
    )

    it.effect("first calls that come together make one instance, and calls start in the order of submission", () =>
      Effect.gen(function* () {
        const key = freshKey()
        const worker = yield* Worker.get(key)
        const ids = Array.from({ length: 200 }, (_, index) => String(index))
        const refs = yield* Effect.forEach(ids, (id) => worker.note.remote(id))
        assert.deepStrictEqual(yield* ObjectRef.all(refs), ids)
        assert.deepStrictEqual(probeOf(key).log, ["up", ...ids])
      })
    )

    it.effect("limits are those of the instance, whoever calls", () =>
      Effect.gen(function* () {
        const key = freshKey()
        const worker = yield* Worker.get(key)
        const probe = probeOf(key)
        const refs = yield* Effect.forEach(["a", "b", "c"], (id) => worker.work.remote(id))
        yield* probe.noted("b start")
        // A full actor does not delay a group.
        const apart = yield* worker.grouped.remote("g")
        yield* probe.noted("g start")
        assert.strictEqual(probe.count("c start"), 0)
        yield* probe.open("a")
        yield* probe.noted("c start")
        yield* probe.open("b", "c", "g")
        yield* ObjectRef.all([...refs, apart])
        assert.strictEqual(probe.peak, 3)
      })
    )

    it.effect("a typed error arrives as the class that it is", () =>
      Effect.gen(function* () {
        const worker = yield* Worker.get(freshKey())
        const error = yield* errorOf(worker.refuse("too late"))
        assert.instanceOf(error, Refused)
        assert.deepStrictEqual([error.why, error.at.getTime()], ["too late", 0])
      })
    )

    it.effect("values that are no JSON cross in both directions", () =>
      Effect.gen(function* () {
        const worker = yield* Worker.get(freshKey())
        assert.deepStrictEqual(yield* worker.when(new Date(5)), new Date(5))
      })
    )

    it.effect("a defect fails its call, and the instance keeps its state", () =>
      Effect.gen(function* () {
        const key = freshKey()
        const worker = yield* Worker.get(key)
        const defect = yield* defectOf(worker.die("a bug"))
        assert.strictEqual(defect.message, "a bug")
        assert.strictEqual(defect.name, "TypeError")
        yield* worker.note("after")
        assert.deepStrictEqual(probeOf(key).log, ["up", "after"])
      })
    )

    it.effect("interrupting an ask ends the call where it runs", () =>
      Effect.gen(function* () {
        const key = freshKey()
        const worker = yield* Worker.get(key)
        const asking = yield* fork(worker.work("a"))
        yield* probeOf(key).noted("a start")
        yield* Fiber.interrupt(asking)
        yield* probeOf(key).noted("a cut")
        assert.strictEqual(yield* worker.note("next"), "next")
      })
    )

    it.effect("cancelling a ref ends the call, and leaves its neighbours alone", () =>
      Effect.gen(function* () {
        const key = freshKey()
        const worker = yield* Worker.get(key)
        const [a, b] = yield* Effect.all([worker.work.remote("a"), worker.work.remote("b")])
        yield* probeOf(key).noted("b start")
        assert.strictEqual(yield* ObjectRef.cancel(a), "Interrupted")
        yield* probeOf(key).noted("a cut")
        assert.strictEqual((yield* reasonOf(a))._tag, "TaskCancelled")
        yield* probeOf(key).open("b")
        assert.strictEqual(yield* b, "b")
        assert.strictEqual(yield* ObjectRef.cancel(b), "AlreadyDone")
      })
    )

    it.effect("a call that waits in line elsewhere never runs when it is cancelled", () =>
      Effect.gen(function* () {
        const key = freshKey()
        const worker = yield* Worker.get(key)
        const refs = yield* Effect.forEach(["a", "b"], (id) => worker.work.remote(id))
        yield* probeOf(key).noted("b start")
        const third = yield* worker.work.remote("c")
        yield* ObjectRef.cancel(third)
        yield* probeOf(key).open("a", "b", "c")
        yield* ObjectRef.all(refs)
        yield* worker.note("later")
        assert.strictEqual(probeOf(key).count("c start"), 0)
      })
    )

    it.effect("a deadline of the caller ends the call where it runs", () =>
      Effect.gen(function* () {
        const key = freshKey()
        const worker = yield* Worker.get(key)
        const reason = yield* reasonOf(worker.work.options({ timeout: "30 millis" })("a"))
        assert.strictEqual(reason._tag, "TimedOut")
        yield* probeOf(key).noted("a cut")
      })
    )

    it.effect("a deadline of the implementation arrives as what it is", () =>
      Effect.gen(function* () {
        const worker = yield* Worker.get(freshKey())
        assert.strictEqual((yield* reasonOf(worker.hasty()))._tag, "TimedOut")
      })
    )

    it.effect("retries are those of the implementation", () =>
      Effect.gen(function* () {
        const worker = yield* Worker.get(freshKey())
        assert.strictEqual(yield* worker.flaky(), 3)
      })
    )

    it.effect("a stream gives its items in order, then its typed error", () =>
      Effect.gen(function* () {
        const worker = yield* Worker.get(freshKey())
        const seen: Array<number> = []
        const all = Stream.runForEach(worker.items(40), (item) => Effect.sync(() => seen.push(item)))
        assert.strictEqual((yield* errorOf(all)).why, "no more")
        assert.deepStrictEqual(
          seen,
          Array.from({ length: 40 }, (_, index) => index + 1)
        )
      })
    )

    it.effect("a stream ends where it is made when its consumer stops", () =>
      Effect.gen(function* () {
        const key = freshKey()
        const worker = yield* Worker.get(key)
        assert.deepStrictEqual(yield* Stream.runCollect(Stream.take(worker.endless(), 3)), [1, 2, 3])
        yield* probeOf(key).noted("endless over")
      })
    )

    it.effect("a consumer that is interrupted ends the stream where it is made", () =>
      Effect.gen(function* () {
        const key = freshKey()
        const worker = yield* Worker.get(key)
        const probe = new Probe()
        const consuming = yield* fork(Stream.runForEach(worker.endless(), () => probe.work("item")))
        yield* probe.noted("item start")
        yield* Fiber.interrupt(consuming)
        yield* probeOf(key).noted("endless over")
      })
    )

    it.effect("arguments that do not fit the contract fail with DecodeError, and nothing is sent", () =>
      Effect.gen(function* () {
        const key = freshKey()
        const worker = yield* Worker.get(key)
        const reason = yield* reasonOf(worker.note(1 as any))
        assert.deepInclude(reason, { _tag: "DecodeError", method: "note", mayHaveRun: false })
        assert.match(reason.actor, /test\/Worker/)
        assert.deepStrictEqual(probeOf(key).log, [])
        assert.strictEqual(
          (yield* reasonOf((worker as any).note("a", "b") as Effect.Effect<string>))._tag,
          "DecodeError"
        )
      })
    )

    it.effect("a result that does not fit the contract fails with DecodeError, which says that it ran", () =>
      Effect.gen(function* () {
        const worker = yield* Worker.get(freshKey())
        assert.deepInclude(yield* reasonOf(worker.misfit()), { _tag: "DecodeError", mayHaveRun: true })
      })
    )

    it.effect("a result that throws when it is looked at fails with DecodeError, and costs no other call", () =>
      Effect.gen(function* () {
        const worker = yield* Worker.get(freshKey())
        assert.deepInclude(yield* reasonOf(worker.revoked()), { _tag: "DecodeError", mayHaveRun: true })
        assert.strictEqual(yield* worker.note("a"), "a")
      })
    )

    it.effect("stop ends the instance of a key with its finalizers, and the next call makes it again", () =>
      Effect.gen(function* () {
        const key = freshKey()
        const workers = yield* Worker
        const worker = workers.get(key)
        yield* worker.note("a")
        yield* workers.stop(key)
        assert.deepStrictEqual(probeOf(key).log, ["up", "a", "down"])
        yield* worker.note("b")
        assert.deepStrictEqual(probeOf(key).log, ["up", "a", "down", "up", "b"])
      })
    )

    it.effect("an instance that exits fails the call with ActorDied, and the next call makes it again", () =>
      Effect.gen(function* () {
        const key = freshKey()
        const worker = yield* Worker.get(key)
        assert.strictEqual((yield* reasonOf(worker.exit()))._tag, "ActorDied")
        assert.strictEqual(yield* worker.note("b"), "b")
        assert.strictEqual(probeOf(key).count("up"), 2)
      })
    )

    it.effect(
      "a constructor that fails fails the calls that wait for it, with its cause, and the next call tries again",
      () =>
        Effect.gen(function* () {
          const worker = yield* Worker.get(`broken-${home}`)
          const reason = yield* reasonOf(worker.note("a"))
          assert.strictEqual(reason._tag, "ActorDied")
          assert.match(String(reason.cause), /no such thing/)
          assert.strictEqual(yield* worker.note("b"), "b")
        })
    )

    it.effect("keys may be anything that the key schema can write", () =>
      Effect.gen(function* () {
        const at = new Date(7)
        const byPoint = yield* ByPoint.get({ x: 3, at })
        assert.deepStrictEqual(yield* byPoint.key(), [3, at])
      })
    )

    it.effect("a key that does not fit the key schema fails its calls, and names the actor", () =>
      Effect.gen(function* () {
        const byPoint = yield* ByPoint.get({ x: "3" } as any)
        const reason = yield* reasonOf(byPoint.key())
        assert.deepInclude(reason, { _tag: "DecodeError", actor: 'test/ByPoint({"x":"3"})', mayHaveRun: false })
        assert.match(reason.issue, /^its key does not fit the key schema: /)
      })
    )

    it.effect("a key that is empty or too long is refused by each call, by name, and nothing is sent", () =>
      Effect.gen(function* () {
        const issueAt = (key: string) =>
          Effect.gen(function* () {
            const worker = yield* Worker.get(key)
            const calls = [
              worker.note("a"),
              worker.durable("a"),
              Effect.flatten(worker.note.remote("a")),
              Stream.runDrain(worker.items(1))
            ]
            const reasons = yield* Effect.forEach(calls, (call) => reasonOf<unknown, unknown, never>(call))
            for (const { _tag, mayHaveRun } of reasons) {
              assert.deepStrictEqual({ _tag, mayHaveRun }, { _tag: "DecodeError", mayHaveRun: false })
            }
            const attached = yield* reasonOf(ClusterHome.attach(Worker, key, "1"))
            assert.deepStrictEqual(new Set(reasons.map(({ issue }) => issue)), new Set([attached.issue]))
            return attached.issue
          })
        assert.strictEqual(yield* issueAt(""), "its key is empty: in a cluster a key has at least one character")
        assert.strictEqual(
          yield* issueAt("x".repeat(256)),
          "its key is too long: in a cluster a key is written with at most 255 characters, and this one with 256"
        )
        const worker = yield* Worker.get("y".repeat(255))
        assert.strictEqual(yield* worker.note("a"), "a")
        assert.isNotEmpty((yield* ActorSystem.snapshot()).instances)
      })
    )

    it.effect("2.5 a call cannot choose its concurrency group, and the error says who does", () =>
      Effect.gen(function* () {
        const worker = yield* Worker.get(freshKey())
        const choose = (method: any) => () => method.options({ concurrencyGroup: "apart" })
        const why =
          /a call cannot choose the concurrency group "apart", since its instance lives elsewhere.*concurrencyGroups/
        assert.throws(choose(worker.note), why)
        assert.throws(choose((yield* Leader).exit), why)
      })
    )

    it.effect("9.3 a cause names the callers of a method, and a printed one shows them once", () =>
      Effect.gen(function* () {
        const key = freshKey()
        const foreman = yield* Foreman.spawn(yield* Worker.get(key))
        const exit = yield* Effect.exit(foreman.lead("oops"))
        if (!Exit.isFailure(exit)) return assert.fail("succeeded")
        const failed = Option.getOrThrow(Context.getOption(Cause.annotations(exit.cause), ActorError.FailedCall))
        assert.strictEqual(failed.call, `test/Worker(${key}).die`)
        assert.deepStrictEqual(failed.callers, ["test/Foreman.lead"])
        const frames = Cause.pretty(exit.cause)
          .split("\n")
          .filter((line) => line.includes("test/Worker("))
        assert.deepStrictEqual(frames, [`    at test/Worker(${key}).die #${failed.id} <- test/Foreman.lead`])
      })
    )

    it.effect("an actor calls its own kind through the client", () =>
      Effect.gen(function* () {
        const chain = yield* Chain.get(5)
        assert.strictEqual(yield* chain.sum(), 15)
      })
    )

    it.effect("a method may stop its own key: it finishes, and the next call makes the instance again", () =>
      Effect.gen(function* () {
        const chain = yield* Chain.get(3)
        yield* chain.leave()
        assert.strictEqual(yield* chain.sum(), 6)
      })
    )

    it.effect("an actor without keys has one instance, which comes up by itself and comes back when it has died", () =>
      Effect.gen(function* () {
        const before = leaders
        const leader = yield* Leader
        assert.strictEqual(yield* leader.count(), 1)
        assert.strictEqual(yield* leader.count(), 2)
        assert.strictEqual(leaders, before === 0 ? 1 : before)
        assert.strictEqual((yield* reasonOf(leader.exit()))._tag, "ActorDied")
        const again = Effect.retry(leader.count(), { while: (error) => error.reason._tag === "ActorDied" })
        assert.strictEqual(yield* again, 1)
      })
    )

    it.effect("a snapshot tells node and shard of an instance, and what in this process only stands for it", () =>
      Effect.gen(function* () {
        const key = freshKey()
        const worker = yield* Worker.get(key)
        yield* worker.note("x")
        const entity = (yield* Sharding.Sharding).getShardId(EntityId.make(key), "default")
        const shard = `${entity.group}:${entity.id}`
        const homesOf = (actor: string, key?: string) =>
          Effect.map(ActorSystem.snapshot({ actor, state: "running" }), ({ instances }) =>
            instances.filter((one) => one.key === key).map(({ home }) => home)
          )
        const here = { kind: "cluster", node: "localhost:34431", shard }
        const caller = { kind: "cluster", role: "caller", shard }
        assert.sameDeepMembers(yield* homesOf("test/Worker", key), [here, caller])
        yield* Effect.exit(worker.exit())
        yield* worker.note("it is up again")
        assert.sameDeepMembers(yield* homesOf("test/Worker", key), [here, caller])

        yield* (yield* Leader).count()
        const leaders = yield* homesOf("test/Leader")
        assert.sameDeepMembers(
          leaders.map((home) => [home!.kind, home!.node ?? "", home!.role ?? ""]),
          [
            ["cluster", "localhost:34431", ""],
            ["cluster", "", "caller"]
          ]
        )
        assert.strictEqual(leaders[0]!.shard, leaders[1]!.shard)

        // What an actor of the cluster has made for itself lives in this process, and so does its caller of its own kind.
        const chain = yield* Chain.get(1)
        yield* chain.sum()
        const chains = (yield* Effect.all([homesOf("test/Chain", "0"), homesOf("test/Chain", "1")])).flat()
        assert.strictEqual(chains.filter((home) => home!.node !== undefined).length, 2)
        assert.strictEqual(chains.filter((home) => home!.role === "caller").length, chains.length - 2)
        assert.deepStrictEqual(new Set(yield* homesOf("test/Local")), new Set([undefined]))
      })
    )
  })
}

describe("11.2 tracing", () => {
  const spansOf = (keysInSpans: boolean) =>
    Effect.gen(function* () {
      const spans: Array<Tracer.Span> = []
      const tracer = Tracer.make({
        span: (options) => {
          const span = new Tracer.NativeSpan(options)
          spans.push(span)
          return span
        }
      })
      const home = ClusterHome.layer(Worker, WorkerLive).pipe(
        Layer.provide(TestRunner.layer),
        Layer.provideMerge(ActorSystem.layer),
        Layer.provideMerge(Layer.succeed(Tracer.Tracer)(tracer)),
        Layer.provideMerge(Layer.succeed(ActorSystem.KeysInSpans)(keysInSpans))
      )
      const key = freshKey()
      yield* Effect.provide(
        Effect.flatMap(Worker.get(key), (worker) =>
          Effect.andThen(worker.note("a"), Effect.flatten(worker.note.remote("b")))
        ),
        home
      )
      const ours = spans.filter(({ attributes }) => attributes.get("otel.scope.name") === "@troupe/core")
      return { key, spans, ours }
    })

  it.live(
    "a call has a span of kind client and server where it is made and where it runs, a remote one of kind producer and consumer",
    () =>
      Effect.gen(function* () {
        const { key, ours, spans } = yield* spansOf(true)
        assert.deepStrictEqual(
          ours.map(({ kind, name }) => [kind, name]),
          ["client", "server", "producer", "consumer"].map((kind) => [kind, "test/Worker.note"])
        )
        for (const span of ours) assert.strictEqual(span.attributes.get("troupe.key"), key)
        for (const { name } of spans) assert.notInclude(name, key)
      })
  )

  it.live("no span of a cluster has a key where KeysInSpans is false", () =>
    Effect.gen(function* () {
      const { key, ours, spans } = yield* spansOf(false)
      assert.strictEqual(ours.length, 4)
      for (const { attributes, name } of spans) assert.notInclude(JSON.stringify([name, ...attributes]), key)
    })
  )
})

describe("11.3 metrics", () => {
  it.live("of a node are the calls that it serves, and apart from them those that it makes", () =>
    Effect.gen(function* () {
      const key = freshKey()
      const worker = yield* Worker.get(key)
      yield* worker.note("a")
      yield* worker.note("b")
      const held = yield* worker.work.remote("c")
      yield* probeOf(key).noted("c start")
      const all = yield* Metric.snapshot
      const total = (id: string) =>
        all
          .filter((metric) => metric.id === id && (metric.attributes as any).actor === "test/Worker")
          .reduce((sum, { state }: any) => sum + (state.count ?? state.value), 0)
      assert.deepStrictEqual(["troupe_calls_total", "troupe_client_calls_total"].map(total), [2, 2])
      assert.deepStrictEqual(["troupe_calls_running", "troupe_client_calls_running"].map(total), [1, 1])
      assert.deepStrictEqual(["troupe_instances", "troupe_client_instances"].map(total), [1, 1])
      yield* probeOf(key).open("c")
      yield* held
    }).pipe(
      Effect.provide(
        ClusterHome.layer(Worker, WorkerLive).pipe(
          Layer.provide(TestRunner.layer),
          Layer.provideMerge(ActorSystem.layerMetrics()),
          Layer.provideMerge(ActorSystem.layer),
          Layer.provideMerge(Layer.sync(Metric.MetricRegistry)(() => new Map()))
        )
      )
    )
  )
})

describe("a client", () => {
  it.live("bounds the calls of this process with maxPendingCalls", () =>
    Effect.gen(function* () {
      const key = freshKey()
      const worker = yield* Worker.get(key)
      const ref = yield* worker.work.remote("a")
      assert.strictEqual((yield* reasonOf(worker.note("b")))._tag, "PendingCallsLimitExceeded")
      yield* probeOf(key).open("a")
      assert.strictEqual(yield* ref, "a")
    }).pipe(
      Effect.provide(
        ClusterHome.layer(Worker, WorkerLive, { maxPendingCalls: 1 }).pipe(Layer.provideMerge(TestRunner.layer))
      )
    )
  )

  it.live("settles all its refs when its Scope closes", () =>
    Effect.gen(function* () {
      const key = freshKey()
      const ref = yield* Effect.gen(function* () {
        const worker = yield* Worker.get(key)
        const ref = yield* worker.work.remote("a")
        yield* probeOf(key).noted("a start")
        return ref
      }).pipe(
        Effect.provide(
          ClusterHome.layer(Worker, Worker.toLayer(makeWorker, { shutdownTimeout: 0 })).pipe(
            Layer.provideMerge(ClusterHome.layerLocal({ file: ":memory:", drainTimeout: "50 millis" }))
          )
        )
      )
      const error = yield* errorOf(ref)
      assert.isTrue(ActorError.isActorError(error))
      assert.isTrue(error.mayHaveRun)
      assert.strictEqual(probeOf(key).count("a cut"), 1)
    })
  )

  it.live("fails calls for an actor that the node does not host", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.get(freshKey())
      const reason = yield* reasonOf(worker.note("a"))
      assert.deepInclude(reason, { _tag: "ActorUnavailable", mayHaveRun: false })
      assert.match(reason.why, /ClusterHome.layer/)
    }).pipe(
      Effect.provide(
        ClusterHome.client(Worker).pipe(
          // As TestRunner is made, but for the time.
          Layer.provide(
            Sharding.layer.pipe(
              Layer.provideMerge(Runners.layerNoop),
              Layer.provideMerge(MessageStorage.layerMemory),
              Layer.provide([RunnerStorage.layerMemory, RunnerHealth.layerNoop]),
              Layer.provide(ShardingConfig.layer({ entityRegistrationTimeout: 10 }))
            )
          )
        )
      )
    )
  )

  it.live("fails calls for more keys than a node has room for", () =>
    Effect.gen(function* () {
      const [first, second] = [freshKey(), freshKey()]
      const workers = yield* Worker
      yield* workers.get(first).note("a")
      const reason = yield* reasonOf(workers.get(second).note("b"))
      assert.deepInclude(reason, { _tag: "ActorUnavailable", mayHaveRun: false })
      assert.match(reason.why, /maxInstances/)
      assert.deepStrictEqual(probeOf(second).log, [])
    }).pipe(
      Effect.provide(
        ClusterHome.layer(Worker, WorkerLive).pipe(
          Layer.provideMerge(ClusterHome.layerLocal({ file: ":memory:", maxInstances: 1 }))
        )
      )
    )
  )

  it.effect("lets an instance without calls end after its idleTimeToLive, and makes it again on demand", () =>
    Effect.gen(function* () {
      const key = freshKey()
      const worker = yield* Worker.get(key)
      // The engine begins with a turn of its clock.
      const first = yield* fork(worker.note("a"))
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(first)
      yield* TestClock.adjust("8 seconds")
      assert.deepStrictEqual(probeOf(key).log, ["up", "a"])
      // The engine looks every five seconds.
      yield* TestClock.adjust("10 seconds")
      yield* probeOf(key).noted("down")
      yield* worker.note("b")
      assert.deepStrictEqual(probeOf(key).log, ["up", "a", "down", "up", "b"])
    }).pipe(
      Effect.provide(
        ClusterHome.layer(Worker, Worker.toLayer(makeWorker, { idleTimeToLive: "10 seconds" })).pipe(
          Layer.provideMerge(TestRunner.layer)
        )
      )
    )
  )

  it("refuses what has no contract", () => {
    class Plain extends Actor.Service<Plain>()("test/Plain", { make: Effect.succeed({}) }) {}
    assert.throws(() => ClusterHome.client(Plain as any), /test\/Plain.*"methods" instead of "make"/)
  })
})

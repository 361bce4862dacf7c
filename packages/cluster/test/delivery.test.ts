import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it, layer } from "@effect/vitest"
import { ClusterHome, Delivery } from "@troupe/cluster"
import * as SimulatedCluster from "@troupe/cluster/SimulatedCluster"
import { Actor, ObjectRef } from "@troupe/core"
import { Explore } from "@troupe/testing"
import { Cause, Duration, Effect, Fiber, Layer, Schema, Stream } from "effect"
import {
  ClusterError,
  MessageStorage,
  Reply,
  RunnerHealth,
  RunnerStorage,
  Runners,
  Sharding,
  ShardingConfig,
  Snowflake
} from "effect/cluster"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import { purge } from "../src/internal/node/retention.ts"
import {
  defectOf,
  errorOf,
  freshKey,
  makeWorker,
  probeOf,
  Refused,
  reasonOf,
  Worker,
  WorkerLive
} from "./homeSupport.ts"

const Live = ClusterHome.layer(Worker, WorkerLive).pipe(
  Layer.provideMerge(ClusterHome.layerLocal({ file: ":memory:" }))
)

const fork = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.forkChild(effect, { startImmediately: true })

/** The worker of a key that nobody else uses, and what is known of it. */
const fresh = Effect.gen(function* () {
  const key = freshKey()
  return { key, worker: yield* Worker.get(key), probe: probeOf(key) }
})

/** An actor of this process that calls a worker. */
class Clerk extends Actor.Service<Clerk>()("test/Clerk", {
  make: (worker: Effect.Success<ReturnType<typeof Worker.get>>) =>
    Effect.succeed({
      note: (id: string) => worker.note(id),
      callId: () => worker.callId(),
      callIdWith: (id: string) => ClusterHome.withId(worker.callId(), id)
    })
}) {}

layer(Live, { excludeTestServices: true })("a durable call", (it) => {
  it.effect("runs, and gives its result", () =>
    Effect.gen(function* () {
      const { probe, worker } = yield* fresh
      yield* probe.open("a")
      assert.strictEqual(yield* worker.durable("a"), "a")
    })
  )

  it.effect("with an id runs once, however often it is made", () =>
    Effect.gen(function* () {
      const { probe, worker } = yield* fresh
      yield* probe.open("a")
      assert.strictEqual(yield* worker.durable("a").pipe(ClusterHome.withId("1")), "a")
      assert.strictEqual(yield* worker.durable("a").pipe(ClusterHome.withId("1")), "a")
      assert.strictEqual(probe.count("a start"), 1)
    })
  )

  it.effect("10.8 with the id of a call that had other arguments fails, before and after that has settled", () =>
    Effect.gen(function* () {
      const { probe, worker } = yield* fresh
      const first = yield* ClusterHome.withId(worker.durable.remote("a"), "1")
      yield* probe.noted("a start")
      const other = reasonOf(worker.durable("b").pipe(ClusterHome.withId("1")))
      const reason = yield* other
      assert.deepInclude(reason, { _tag: "DecodeError", mayHaveRun: false })
      assert.include(reason.message, "test/Worker(")
      assert.include(reason.message, "a call with the same id had another argument 1")
      yield* probe.open("a")
      assert.strictEqual(yield* first, "a")
      assert.strictEqual((yield* other)._tag, "DecodeError")
      assert.strictEqual(probe.count("b start"), 0)
    })
  )

  it.effect("10.8 with the same id and arguments whose fields have another order is the same call", () =>
    Effect.gen(function* () {
      const { worker } = yield* fresh
      assert.strictEqual(yield* worker.sum({ a: 1, b: 2 }).pipe(ClusterHome.withId("1")), 3)
      assert.strictEqual(yield* worker.sum({ b: 2, a: 1 }).pipe(ClusterHome.withId("1")), 3)
      assert.strictEqual((yield* reasonOf(worker.sum({ a: 1 }).pipe(ClusterHome.withId("1"))))._tag, "DecodeError")
    })
  )

  it.effect("10.8 withId around a call that is not durable dies, and says what to do", () =>
    Effect.gen(function* () {
      const { probe, worker } = yield* fresh
      const defect = yield* defectOf(worker.note("a").pipe(ClusterHome.withId("1")))
      assert.instanceOf(defect, TypeError)
      assert.match(
        defect.message,
        /^test\/Worker\(.*\)\.note: ClusterHome\.withId is for durable calls.*Delivery\.durable/
      )
      assert.instanceOf(yield* defectOf(Stream.runDrain(worker.endless()).pipe(ClusterHome.withId("1"))), TypeError)
      assert.deepStrictEqual(probe.log, [])
    })
  )

  it.effect("10.8 an id is for the calls of its effect, not for those of the methods that it calls", () =>
    Effect.gen(function* () {
      const { worker } = yield* fresh
      const clerk = yield* Clerk.spawn(worker)
      assert.notStrictEqual(yield* clerk.callId().pipe(ClusterHome.withId("1")), "1")
      assert.strictEqual(yield* clerk.note("a").pipe(ClusterHome.withId("1")), "a")
      assert.strictEqual(yield* clerk.callIdWith("2").pipe(ClusterHome.withId("1")), "2")
    })
  )

  it.effect("that is running is joined by another with the same id", () =>
    Effect.gen(function* () {
      const { probe, worker } = yield* fresh
      const first = yield* ClusterHome.withId(worker.durable.remote("a"), "1")
      yield* probe.noted("a start")
      const second = yield* ClusterHome.withId(worker.durable.remote("a"), "1")
      yield* probe.open("a")
      assert.deepStrictEqual(yield* ObjectRef.all([first, second]), ["a", "a"])
      assert.strictEqual(probe.count("a start"), 1)
    })
  )

  it.effect("is another one for another id, another method and another key", () =>
    Effect.gen(function* () {
      const { probe, worker } = yield* fresh
      const { probe: otherProbe, worker: otherWorker } = yield* fresh
      yield* probe.open("a", "b", "c")
      yield* otherProbe.open("a")
      assert.strictEqual(yield* worker.durable("a").pipe(ClusterHome.withId("1")), "a")
      assert.strictEqual(yield* worker.durable("b").pipe(ClusterHome.withId("2")), "b")
      assert.strictEqual(yield* worker.other("c").pipe(ClusterHome.withId("1")), "c")
      assert.strictEqual(yield* otherWorker.durable("a").pipe(ClusterHome.withId("1")), "a")
    })
  )

  it.effect("without an id is a call of its own each time", () =>
    Effect.gen(function* () {
      const { probe, worker } = yield* fresh
      yield* probe.open("a")
      yield* worker.durable("a")
      yield* worker.durable("a")
      assert.strictEqual(probe.count("a start"), 2)
    })
  )

  it.effect("takes its id from its arguments when the contract says so", () =>
    Effect.gen(function* () {
      const { probe, worker } = yield* fresh
      assert.strictEqual(yield* worker.byArgument("1", "first"), "first")
      assert.strictEqual(yield* worker.byArgument("1", "second"), "first")
      assert.deepStrictEqual(probe.log, ["up", "1 first"])
    })
  )

  it.effect("with an id that is empty fails before it is stored", () =>
    Effect.gen(function* () {
      const { probe, worker } = yield* fresh
      const reason = yield* reasonOf(worker.byArgument("", "what"))
      assert.deepInclude(reason, { _tag: "DecodeError", mayHaveRun: false })
      assert.deepStrictEqual(probe.log, [])
    })
  )

  it.effect("tells the method its id", () =>
    Effect.gen(function* () {
      const { worker } = yield* fresh
      assert.strictEqual(yield* worker.callId().pipe(ClusterHome.withId("order-7")), "order-7")
      assert.isString(yield* worker.callId())
    })
  )

  it.effect("keeps a typed failure as it keeps a result", () =>
    Effect.gen(function* () {
      const { probe, worker } = yield* fresh
      const refuse = worker.refuseDurably("no").pipe(ClusterHome.withId("1"))
      assert.instanceOf(yield* errorOf(refuse), Refused)
      assert.instanceOf(yield* errorOf(refuse), Refused)
      assert.strictEqual(probe.count("no"), 1)
    })
  )

  it.effect("calls of one instance start in the order of submission", () =>
    Effect.gen(function* () {
      const { probe, worker } = yield* fresh
      const ids = Array.from({ length: 30 }, (_, index) => String(index))
      const refs = yield* Effect.forEach(ids, (id) => worker.byArgument.remote(id, "x"))
      yield* ObjectRef.all(refs)
      assert.deepStrictEqual(probe.log, ["up", ...ids.map((id) => `${id} x`)])
    })
  )

  it.effect("is picked up by its id while it runs, and when it is over", () =>
    Effect.gen(function* () {
      const { key, probe, worker } = yield* fresh
      yield* ClusterHome.withId(worker.durable.remote("a"), "1")
      yield* probe.noted("a start")
      const ref = yield* ClusterHome.attach(Worker, key, "1")
      yield* probe.open("a")
      assert.strictEqual(yield* ref, "a")
      const later = yield* ClusterHome.attach(Worker, key, "1", { method: "durable" })
      assert.strictEqual(yield* later, "a")
    })
  )

  it.effect("is not found where there is none, and the error says where it looked", () =>
    Effect.gen(function* () {
      const { key, probe, worker } = yield* fresh
      yield* probe.open("a")
      yield* worker.durable("a").pipe(ClusterHome.withId("1"))
      for (const missing of [
        ClusterHome.attach(Worker, key, "2"),
        ClusterHome.attach(Worker, key, "1", { method: "other" }),
        ClusterHome.attach(Worker, freshKey(), "1")
      ]) {
        const error = yield* errorOf(missing)
        assert.isTrue(Cause.isNoSuchElementError(error))
        assert.match(error.message, /test\/Worker/)
      }
    })
  )

  it.effect("that is cancelled ends where it runs, and whoever picks it up hears of it", () =>
    Effect.gen(function* () {
      const { key, probe, worker } = yield* fresh
      const ref = yield* ClusterHome.withId(worker.durable.remote("a"), "1")
      yield* probe.noted("a start")
      const attached = yield* ClusterHome.attach(Worker, key, "1")
      assert.strictEqual(yield* ObjectRef.cancel(ref), "Interrupted")
      yield* probe.noted("a cut")
      assert.strictEqual((yield* reasonOf(attached))._tag, "TaskCancelled")
    })
  )

  it.effect("ends when a ref that picked it up is cancelled", () =>
    Effect.gen(function* () {
      const { key, probe, worker } = yield* fresh
      const ref = yield* ClusterHome.withId(worker.durable.remote("a"), "1")
      yield* probe.noted("a start")
      const attached = yield* ClusterHome.attach(Worker, key, "1")
      assert.strictEqual(yield* ObjectRef.cancel(attached), "Interrupted")
      yield* probe.noted("a cut")
      assert.strictEqual((yield* reasonOf(ref))._tag, "TaskCancelled")
    })
  )

  it.effect("that waits in line when its instance dies runs on the next one", () =>
    Effect.gen(function* () {
      const { probe, worker } = yield* fresh
      const [a, b] = yield* Effect.all([worker.durable.remote("a"), worker.durable.remote("b")])
      yield* Effect.all([probe.noted("a start"), probe.noted("b start")])
      const waiting = yield* worker.durable.remote("c")
      const volatile = yield* worker.note.remote("d")
      assert.strictEqual((yield* reasonOf(worker.exitApart()))._tag, "ActorDied")
      assert.strictEqual((yield* reasonOf(volatile))._tag, "ActorDied")
      yield* probe.open("a", "b", "c")
      assert.deepStrictEqual(yield* ObjectRef.all([a, b, waiting]), ["a", "b", "c"])
      assert.strictEqual(probe.count("up"), 2)
    })
  )

  it.effect("ends when its asker is interrupted", () =>
    Effect.gen(function* () {
      const { probe, worker } = yield* fresh
      const asking = yield* fork(worker.durable("a"))
      yield* probe.noted("a start")
      yield* Fiber.interrupt(asking)
      yield* probe.noted("a cut")
    })
  )
})

/** Makes a durable call of its own. */
class Outer extends Actor.Keyed<Outer>()("test/Outer", {
  key: Schema.String,
  methods: { run: Delivery.durable(Actor.method({ success: Schema.String })) }
}) {}

const OuterLive = Outer.toLayer((key) =>
  Effect.map(Worker.get(`${key}-inner`), (inner) =>
    Outer.of({
      run: () =>
        Effect.map(Effect.orDie(inner.durable("a")), (result) => `outer ${result}`).pipe(ClusterHome.withId(`${key}-1`))
    })
  )
).pipe(Layer.provide(ClusterHome.client(Worker)))

describe("durable calls across processes", () => {
  const inFile = <A>(use: (node: (work: Effect.Effect<any, any, any>) => Promise<any>) => Promise<A>): Promise<A> => {
    const directory = mkdtempSync(join(tmpdir(), "troupe-"))
    const node = (work: Effect.Effect<any, any, any>) => {
      const live = Layer.mergeAll(
        ClusterHome.layer(Worker, Worker.toLayer(makeWorker, { shutdownTimeout: 0 })),
        ClusterHome.layer(Outer, OuterLive)
      ).pipe(
        Layer.provideMerge(ClusterHome.layerLocal({ file: join(directory, "cluster.db"), drainTimeout: "10 millis" }))
      )
      return Effect.runPromise(Effect.provide(work, live) as Effect.Effect<any, any>)
    }
    return use(node).finally(() => rmSync(directory, { recursive: true, force: true }))
  }

  it("a call that was not finished when its node left runs again on the next one, and can be picked up there", () =>
    inFile(async (node) => {
      const key = freshKey()
      const probe = probeOf(key)
      await node(
        Effect.gen(function* () {
          const worker = yield* Worker.get(key)
          yield* ClusterHome.withId(worker.durable.remote("a"), "1")
          yield* probe.noted("a start")
        })
      )
      assert.strictEqual(probe.count("a cut"), 1)
      await Effect.runPromise(probe.open("a"))
      const result = await node(Effect.flatMap(ClusterHome.attach(Worker, key, "1"), (ref) => ref))
      assert.strictEqual(result, "a")
      assert.strictEqual(probe.count("a start"), 2)
    }))

  it("calls that are submitted and not waited for are stored, though their caller ends at once", () =>
    inFile(async (node) => {
      const key = freshKey()
      const ids = Array.from({ length: 200 }, (_, index) => `${index}`)
      await node(
        Effect.gen(function* () {
          const worker = yield* Worker.get(key)
          for (const id of ids) yield* worker.callId.remote().pipe(ClusterHome.withId(id))
        })
      )
      const found = await node(Effect.forEach(ids, (id) => Effect.flatten(ClusterHome.attach(Worker, key, id))))
      assert.deepStrictEqual(found, ids)
    }))

  it("a result outlives its node, and the call does not run again", () =>
    inFile(async (node) => {
      const key = freshKey()
      const call = Effect.flatMap(Worker.get(key), (worker) => worker.byArgument("1", "first"))
      assert.strictEqual(await node(call), "first")
      assert.strictEqual(await node(call), "first")
      assert.strictEqual(probeOf(key).count("1 first"), 1)
    }))

  it("a durable call made by an actor whose node leaves is not cancelled with it", () =>
    inFile(async (node) => {
      const key = freshKey()
      const probe = probeOf(`${key}-inner`)
      await node(
        Effect.gen(function* () {
          const outer = yield* Outer.get(key)
          yield* ClusterHome.withId(outer.run.remote(), "1")
          yield* probe.noted("a start")
        })
      )
      await Effect.runPromise(probe.open("a"))
      const result = await node(Effect.flatMap(ClusterHome.attach(Outer, key, "1"), (ref) => ref))
      assert.strictEqual(result, "outer a")
    }))

  it("a file belongs to one process at a time, and the error says what to do", () =>
    inFile((node) =>
      node(
        Effect.gen(function* () {
          const sql = yield* SqlClient.SqlClient
          const [{ file }] = (yield* sql`PRAGMA database_list`) as any
          const second = Effect.scoped(Layer.build(ClusterHome.layerLocal({ file })))
          const error = yield* errorOf(second)
          assert.instanceOf(error, ClusterHome.ClusterStartError)
          assert.match(error.message, /another process.*layerNode/)
        })
      )
    ))
})

describe("a storage that does not answer", () => {
  /** A test runner whose storage fails so many times to store a call. */
  const failing = (times: number) => {
    let left = times
    const storage = Layer.effect(MessageStorage.MessageStorage)(
      Effect.map(MessageStorage.MessageStorage, (storage) => ({
        ...storage,
        saveRequest: (request: any) =>
          Effect.suspend(() =>
            left-- > 0
              ? Effect.fail(new ClusterError.PersistenceError({ cause: new Error("no connection") }))
              : storage.saveRequest(request)
          ) as any
      }))
    ).pipe(Layer.provideMerge(MessageStorage.layerMemory))
    return Sharding.layer.pipe(
      Layer.provideMerge(Runners.layerNoop),
      Layer.provideMerge(storage),
      Layer.provide([RunnerStorage.layerMemory, RunnerHealth.layerNoop]),
      Layer.provide(ShardingConfig.layer())
    )
  }
  const on = (times: number) => ClusterHome.layer(Worker, WorkerLive).pipe(Layer.provideMerge(failing(times)))

  it.live("is asked again, and the call runs once", () =>
    Effect.gen(function* () {
      const { probe, worker } = yield* fresh
      assert.strictEqual(yield* worker.byArgument("1", "what"), "what")
      assert.strictEqual(probe.count("1 what"), 1)
    }).pipe(Effect.provide(on(3)))
  )

  it.effect("for too long fails the call, which may have been stored", () =>
    Effect.gen(function* () {
      const { worker } = yield* fresh
      const calling = yield* fork(reasonOf(worker.byArgument("1", "what")))
      yield* TestClock.adjust("31 seconds")
      assert.deepInclude(yield* Fiber.join(calling), { _tag: "ActorUnavailable", mayHaveRun: true })
    }).pipe(Effect.provide(on(Infinity)))
  )
})

layer(Live, { excludeTestServices: true })("a result", (it) => {
  it.effect("that is stored already may be stored again, and another one may not", () =>
    Effect.gen(function* () {
      const storage = yield* MessageStorage.MessageStorage
      const result = (id: string, defect: string) =>
        Reply.ReplyWithContext.fromDefect({ id: Snowflake.Snowflake(id), requestId: Snowflake.Snowflake("1"), defect })
      yield* storage.saveReply(result("2", "one"))
      yield* storage.saveReply(result("3", "one"))
      assert.instanceOf(yield* Effect.flip(storage.saveReply(result("4", "other"))), ClusterError.PersistenceError)
    })
  )
})

describe("10.9 a storage that refuses", () => {
  /** As a database does whose limits are reached by long texts alone. */
  const limited = Effect.gen(function* () {
    const { worker, ...rest } = yield* fresh
    yield* worker.callId()
    const sql = yield* SqlClient.SqlClient
    for (const table of ["cluster_messages", "cluster_replies"]) {
      yield* sql.unsafe(`
        CREATE TRIGGER limit_${table} BEFORE INSERT ON ${table} WHEN length(NEW.payload) > 1000
        BEGIN SELECT RAISE(ABORT, 'too long'); END`)
    }
    return { worker, ...rest }
  })
  const long = "x".repeat(2000)

  it.live("a call fails that call at once, and none of those that are stored with it", () =>
    Effect.gen(function* () {
      const { probe, worker } = yield* limited
      yield* probe.open("a", "b")
      const [a, refused, b] = yield* Effect.all(
        [worker.durable("a"), reasonOf(worker.durable(long)), worker.durable("b")],
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual([a, b], ["a", "b"])
      assert.deepInclude(refused, { _tag: "DecodeError", mayHaveRun: false })
      assert.include(refused.message, "the storage refuses its arguments: too long")
    }).pipe(Effect.provide(Live))
  )

  it.live("a result fails that call at once, and none of those that are stored with it", () =>
    Effect.gen(function* () {
      const { key, worker } = yield* limited
      const [short, refused] = yield* Effect.all(
        [worker.repeat("x", 3), reasonOf(worker.repeat("x", 2000).pipe(ClusterHome.withId("1")))],
        { concurrency: "unbounded" }
      )
      assert.strictEqual(short, "xxx")
      assert.deepInclude(refused, { _tag: "DecodeError", mayHaveRun: true })
      assert.include(refused.message, "the storage refuses its result: too long")
      assert.deepInclude(yield* reasonOf(Effect.flatten(ClusterHome.attach(Worker, key, "1"))), { _tag: "DecodeError" })
    }).pipe(Effect.provide(Live))
  )
})

describe("a backlog", () => {
  it.live("of other keys does not hold up a durable call that is made after it", () =>
    Effect.gen(function* () {
      const { probe, worker } = yield* fresh
      yield* probe.open("a")
      yield* worker.durable("a")
      const sql = yield* SqlClient.SqlClient
      yield* sql`
        INSERT INTO cluster_messages
          (id, message_id, shard_id, entity_type, entity_id, kind, tag, payload, headers, request_id)
        WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 10000)
        SELECT n, message_id || n, shard_id, entity_type, entity_id, kind, tag,
          json_set(payload, '$.id', 'backlog ' || n), headers, n
        FROM n, cluster_messages WHERE processed`
      const other = yield* fresh
      yield* other.probe.open("b")
      assert.strictEqual(yield* other.worker.durable("b"), "b")
      const open = yield* sql`SELECT id FROM cluster_messages WHERE NOT processed`
      assert.isAbove(open.length, 0)
    }).pipe(Effect.provide(Live))
  )
})

describe("a key with many calls", () => {
  it.live("does not hold up that of another key until its own have run", () =>
    Effect.gen(function* () {
      const { worker } = yield* fresh
      const other = yield* fresh
      yield* Effect.all([worker.callId(), other.worker.callId()])
      const refs = yield* Effect.forEach(Array.from({ length: 2000 }), () => worker.callId.remote())
      yield* other.worker.callId()
      const sql = yield* SqlClient.SqlClient
      const open = yield* sql`SELECT 1 AS open FROM cluster_messages WHERE NOT processed`
      assert.isAbove(open.length, 800)
      yield* ObjectRef.all(refs)
    }).pipe(Effect.provide(Live))
  )
})

describe("retention", () => {
  it.live("deletes what was answered long enough ago, and nothing else", () =>
    Effect.gen(function* () {
      const { key, probe, worker } = yield* fresh
      yield* worker.byArgument("1", "first")
      yield* ClusterHome.withId(worker.durable.remote("running"), "2")
      yield* probe.noted("running start")
      assert.strictEqual(yield* purge(Duration.hours(1), ["test/Worker"]), 0)
      assert.strictEqual(yield* purge(Duration.millis(-1000), ["test/Other"]), 0)
      // As if a second had passed.
      assert.strictEqual(yield* purge(Duration.seconds(-1), ["test/Worker"]), 1)
      assert.isTrue(Cause.isNoSuchElementError(yield* errorOf(ClusterHome.attach(Worker, key, "1"))))
      yield* probe.open("running")
      const ref = yield* ClusterHome.attach(Worker, key, "2")
      assert.strictEqual(yield* ref, "running")
      const sql = yield* SqlClient.SqlClient
      const left =
        yield* sql`SELECT 'a reply' AS what FROM cluster_replies UNION ALL SELECT 'a call' FROM cluster_messages`
      assert.strictEqual(left.length, 2)
    }).pipe(Effect.provide(Live))
  )

  it.live("may end within a millisecond, as a seventh of a day does", () =>
    Effect.gen(function* () {
      const { worker } = yield* fresh
      yield* worker.byArgument("1", "first")
      assert.strictEqual(yield* purge(Duration.days(1 / 7), ["test/Worker"]), 0)
      assert.strictEqual(yield* purge(Duration.days(-1 / 7), ["test/Worker"]), 1)
    }).pipe(Effect.provide(Live))
  )
})

describe("a contract", () => {
  it("says how a method is delivered, and says at most once when it says nothing", () => {
    assert.strictEqual(Delivery.of(Actor.method()), "atMostOnce")
    assert.strictEqual(Delivery.of(Delivery.atMostOnce(Actor.method())), "atMostOnce")
    assert.strictEqual(Delivery.of(Delivery.atLeastOnce(Actor.method())), "atLeastOnce")
    assert.strictEqual(Delivery.of(Delivery.durable(Actor.method())), "durable")
  })

  it("refuses to send a stream twice", () => {
    const stream: any = Actor.method({ success: Schema.Int, stream: true })
    assert.throws(() => Delivery.durable(stream), /Stream/)
    assert.throws(() => Delivery.atLeastOnce(stream), /Stream/)
    assert.throws(() => Delivery.durable({} as any), /Actor.method/)
  })

  it.effect("is kept by the actor in one process, where calls run once anyway", () =>
    Effect.gen(function* () {
      const key = freshKey()
      const worker = yield* Worker.get(key)
      yield* probeOf(key).open("a")
      assert.strictEqual(yield* worker.durable("a"), "a")
    }).pipe(Effect.provide(WorkerLive))
  )
})

class Bell extends Actor.Keyed<Bell>()("test/Bell", {
  key: Schema.String,
  methods: { ring: Actor.method({ success: Schema.Int }) }
}) {}

const BellLive = Bell.toLayer(() => {
  let rung = 0
  return Effect.succeed(Bell.of({ ring: () => Effect.sync(() => ++rung) }))
})

const ring = Effect.flatMap(Bell.get("a"), (bell) => bell.ring())

describe("a call whose node dies before it is sent", () => {
  it.live(
    "runs on the next node, also if the connection was there when it was asked what the node hosts",
    () =>
      Explore.check(
        Effect.gen(function* () {
          const cluster = yield* SimulatedCluster.make({
            nodes: 2,
            actors: ClusterHome.layer(Bell, BellLive),
            client: ClusterHome.client(Bell)
          })
          assert.strictEqual(yield* cluster.run(ring), 1)
          const node = cluster.history.find(({ what }) => what === "test/Bell(a).ring starts")!.who
          yield* cluster.slowStorage("300 millis", "100 millis")
          const ringing = yield* fork(cluster.run(ring))
          yield* Effect.sleep("50 millis")
          yield* cluster.kill(Number(node.slice("node ".length)))
          assert.strictEqual(yield* Fiber.join(ringing), 1)
        }),
        { schedules: 1 }
      ),
    60_000
  )
})

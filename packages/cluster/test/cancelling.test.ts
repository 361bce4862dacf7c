/**
 * What ends the caller of a durable call, and whether that cancels the call.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it, layer } from "@effect/vitest"
import { ClusterHome, Reminders } from "@troupe/cluster"
import { Actor, ObjectRef } from "@troupe/core"
import { Context, Effect, Exit, Fiber, Latch, Layer, Schedule, Scope } from "effect"
import { SqlClient } from "effect/sql"
import { errorOf, freshKey, makeWorker, probeOf, reasonOf, Worker } from "./homeSupport.ts"

/** Has a worker of its own do something durably, in this process. */
class Boss extends Actor.Keyed<Boss>()("test/Boss", {
  make: Effect.fnUntraced(function* (key: string) {
    const worker = yield* Worker.get(key)
    const ask = (id: string) => worker.durable(id).pipe(ClusterHome.withId(id))
    if (key.startsWith("eager")) yield* Effect.forkScoped(ask("a"))
    return {
      ask,
      askTimed: (id: string) => Effect.timeout(ask(id), "10 millis"),
      hasty: ask,
      submit: (id: string) => Effect.map(ClusterHome.withId(worker.durable.remote(id), id), (ref) => ({ ref })),
      die: () => Effect.die("broken"),
      ready: () => Effect.void
    }
  }),
  restart: Schedule.recurs(3),
  maxTaskRetries: 1,
  shutdownTimeout: 0,
  methodOptions: { hasty: { timeout: "10 millis" }, die: { maxTaskRetries: 0 } }
}) {}

/** Asks a boss. */
class Chief extends Actor.Keyed<Chief>()("test/Chief", {
  make: (key: string) =>
    Effect.map(Boss.get(key), (boss) => ({
      ask: (id: string) => boss.ask(id)
    }))
}) {}

const Live = Chief.layer.pipe(
  Layer.provideMerge(Boss.layer),
  Layer.provideMerge(ClusterHome.layer(Worker, Worker.toLayer(makeWorker))),
  Layer.provideMerge(ClusterHome.layerLocal({ file: ":memory:" }))
)

const setUp = (prefix = "") =>
  Effect.gen(function* () {
    const key = prefix + freshKey()
    const bosses = yield* Boss
    return { key, bosses, boss: bosses.get(key), probe: probeOf(key) }
  })

/** Nothing in storage says that the call of a key is to end. */
const isWanted = (key: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    assert.deepStrictEqual(yield* sql`SELECT id FROM cluster_messages WHERE entity_id = ${key} AND kind = 2`, [])
  })

/** The call goes on, and whoever picks it up gets its result. */
const goesOn = (key: string) =>
  Effect.gen(function* () {
    const probe = probeOf(key)
    yield* isWanted(key)
    const ref = yield* ClusterHome.attach(Worker, key, "a")
    yield* probe.open("a")
    assert.strictEqual(yield* ref, "a")
    assert.deepStrictEqual(probe.log, ["up", "a start", "a end"])
  })

const isCancelled = (key: string) =>
  Effect.gen(function* () {
    yield* probeOf(key).noted("a cut")
    const ref = yield* ClusterHome.attach(Worker, key, "a")
    assert.strictEqual((yield* reasonOf(ref))._tag, "TaskCancelled")
  })

layer(Live, { excludeTestServices: true })("10.5 a durable call goes on", (it) => {
  it.effect("when the instance that asked for it is killed", () =>
    Effect.gen(function* () {
      const { boss, key, probe } = yield* setUp()
      const asking = yield* boss.ask.remote("a")
      yield* probe.noted("a start")
      yield* Actor.kill(boss)
      assert.strictEqual((yield* reasonOf(asking))._tag, "ActorDied")
      yield* goesOn(key)
    })
  )

  it.effect("when an instance is killed whose call asked another, which asked for it", () =>
    Effect.gen(function* () {
      const { key, probe } = yield* setUp()
      const chief = yield* Chief.get(key)
      const asking = yield* chief.ask.remote("a")
      yield* probe.noted("a start")
      yield* Actor.kill(chief)
      assert.strictEqual((yield* reasonOf(asking))._tag, "ActorDied")
      yield* goesOn(key)
    })
  )

  it.effect("when the instance restarts, and the call that asked for it finds it again", () =>
    Effect.gen(function* () {
      const { boss, key, probe } = yield* setUp()
      const asking = yield* boss.ask.remote("a")
      yield* probe.noted("a start")
      yield* Effect.exit(boss.die())
      yield* goesOn(key)
      assert.strictEqual(yield* asking, "a")
    })
  )

  it.effect("when the instance ends whose background asked for it", () =>
    Effect.gen(function* () {
      const { boss, bosses, key, probe } = yield* setUp("eager-")
      yield* boss.ready()
      yield* probe.noted("a start")
      yield* bosses.stop(key)
      yield* goesOn(key)
    })
  )
})

layer(Live, { excludeTestServices: true })("10.5 a durable call is cancelled", (it) => {
  it.effect("with the call that asked for it", () =>
    Effect.gen(function* () {
      const { boss, key, probe } = yield* setUp()
      const asking = yield* boss.ask.remote("a")
      yield* probe.noted("a start")
      assert.strictEqual(yield* ObjectRef.cancel(asking), "Interrupted")
      yield* isCancelled(key)
    })
  )

  it.effect("with a call that asked another, which asked for it", () =>
    Effect.gen(function* () {
      const { key, probe } = yield* setUp()
      const asking = yield* (yield* Chief.get(key)).ask.remote("a")
      yield* probe.noted("a start")
      yield* ObjectRef.cancel(asking)
      yield* isCancelled(key)
    })
  )

  it.effect("when the time of the call that asked for it is over", () =>
    Effect.gen(function* () {
      const { boss, key } = yield* setUp()
      assert.strictEqual((yield* reasonOf(boss.hasty("a")))._tag, "TimedOut")
      yield* isCancelled(key)
    })
  )

  it.effect("when the method that asked for it gives up waiting", () =>
    Effect.gen(function* () {
      const { boss, key } = yield* setUp()
      assert.strictEqual((yield* errorOf(boss.askTimed("a")))._tag, "TimeoutError")
      yield* isCancelled(key)
    })
  )

  it.effect("when a fiber outside of actors is interrupted that asked for it", () =>
    Effect.gen(function* () {
      const { boss, key, probe } = yield* setUp()
      const asking = yield* Effect.forkChild(boss.ask("a"), { startImmediately: true })
      yield* probe.noted("a start")
      yield* Fiber.interrupt(asking)
      yield* isCancelled(key)
    })
  )

  it.effect("by its ref, also when the instance that submitted it is gone", () =>
    Effect.gen(function* () {
      const { bosses, boss, key, probe } = yield* setUp()
      const { ref } = yield* boss.submit("a")
      yield* probe.noted("a start")
      yield* bosses.stop(key)
      assert.strictEqual(yield* ObjectRef.cancel(ref), "Interrupted")
      yield* isCancelled(key)
    })
  )
})

describe("10.5 a durable call of a process that is told to end", () => {
  it.live("goes on when the fiber is interrupted that asked for it, since the program ends on SIGTERM", () =>
    Effect.gen(function* () {
      const key = freshKey()
      const probe = probeOf(key)
      const ending = Latch.makeUnsafe()
      const listener = () => void ending.openUnsafe()
      yield* Effect.acquireRelease(
        Effect.sync(() => process.on("SIGTERM", listener)),
        () => Effect.sync(() => process.off("SIGTERM", listener))
      )
      yield* Effect.gen(function* () {
        const worker = yield* Worker.get(key)
        const asking = yield* Effect.forkChild(worker.durable("a").pipe(ClusterHome.withId("a")))
        yield* probe.noted("a start")
        process.emit("SIGTERM")
        yield* ending.await
        yield* Fiber.interrupt(asking)
        yield* goesOn(key)
      }).pipe(Effect.provide(Layer.fresh(Live)))
    })
  )

  it.live("leaves no listener behind, and adds none where the program has none", () =>
    Effect.gen(function* () {
      assert.strictEqual(process.listenerCount("SIGTERM"), 0)
      yield* Effect.provide(
        Effect.sync(() => assert.strictEqual(process.listenerCount("SIGTERM"), 0)),
        Layer.fresh(Live)
      )
      const listener = () => {}
      process.on("SIGTERM", listener)
      yield* Effect.provide(
        Effect.sync(() => assert.strictEqual(process.listenerCount("SIGTERM"), 2)),
        Layer.fresh(Live)
      )
      process.off("SIGTERM", listener)
      assert.strictEqual(process.listenerCount("SIGTERM"), 0)
    })
  )
})

describe("10.5 a durable call of a node that leaves", () => {
  const inFile = <A, E>(test: (file: string) => Effect.Effect<A, E, Scope.Scope>) =>
    Effect.flatMap(
      Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "troupe-endings-"))),
        (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
      ),
      (folder) => test(join(folder, "cluster.db"))
    )

  const nodeOn = (file: string) =>
    Layer.mergeAll(Boss.layer, Reminders.deliver(Worker, { pollInterval: "20 millis" })).pipe(
      Layer.provideMerge(ClusterHome.layer(Worker, Worker.toLayer(makeWorker, { shutdownTimeout: 0 }))),
      Layer.provideMerge(Reminders.layer),
      Layer.provideMerge(ClusterHome.layerLocal({ file, drainTimeout: "10 millis" }))
    )

  /** Two nodes on one file, one after the other. */
  const first = Effect.fnUntraced(function* (file: string) {
    const scope = yield* Scope.make()
    const node = yield* Layer.buildWithScope(nodeOn(file), scope)
    return { node, close: Scope.close(scope, Exit.void) }
  })

  it.live("while a reminder fires with it runs again on the next one, and the reminder is done", () =>
    inFile((file) =>
      Effect.gen(function* () {
        const key = freshKey()
        const probe = probeOf(key)
        const { close, node } = yield* first(file)
        const reminders = Reminders.to(Worker, key)
        yield* Effect.provide(reminders.at("r", 0, "durable", ["a"] as never), node)
        yield* probe.noted("a start")
        yield* close
        const next = yield* Layer.build(Layer.fresh(nodeOn(file)))
        yield* Effect.provide(isWanted(key), next)
        yield* probe.open("a")
        yield* probe.noted("a end")
        const left = Effect.provide(reminders.list, next)
        yield* Effect.repeat(left, { schedule: Schedule.spaced("10 millis"), until: (left) => left.length === 0 })
        assert.strictEqual(probe.count("a start"), 2)
      })
    )
  )

  it.live("which an actor above it asked for runs again on the next one", () =>
    inFile((file) =>
      Effect.gen(function* () {
        const key = freshKey()
        const probe = probeOf(key)
        const { close, node } = yield* first(file)
        yield* Context.get(node, Boss).get(key).ask.remote("a")
        yield* probe.noted("a start")
        yield* close
        const next = yield* Layer.build(Layer.fresh(nodeOn(file)))
        yield* Effect.provide(isWanted(key), next)
        yield* probe.open("a")
        const ref = yield* Effect.provide(ClusterHome.attach(Worker, key, "a"), next)
        assert.strictEqual(yield* ref, "a")
      })
    )
  )
})

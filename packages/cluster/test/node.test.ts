import { assert, describe, it } from "@effect/vitest"
import { ClusterHome } from "@troupe/cluster"
import { ObjectRef } from "@troupe/core"
import { Effect, Exit, Fiber, Layer, Schedule, Scope, Stream } from "effect"
import { Actors, Journal, Leader, Refused } from "./fixtures/node-actors.ts"
import { clientOf, freePort, type Nodes, nodes } from "./fixtures/node-processes.ts"
import { defectOf, errorOf, reasonOf } from "./homeSupport.ts"

const LONG = 60_000

/** Waits until something is in the journal. */
const noted = (nodes: Nodes, line: string) =>
  Effect.sync(() => nodes.journal().includes(line)).pipe(
    Effect.repeat({ until: (there) => there, schedule: Schedule.spaced("20 millis") })
  )

const count = (nodes: Nodes, line: string): number => nodes.journal().filter((each) => each === line).length

/** A key whose instance is on the node with this pid. */
const keyOn = (pid: number) =>
  Effect.gen(function* () {
    for (let index = 0; ; index++) {
      const key = `key-${index}`
      const journal = yield* Journal.get(key)
      if ((yield* journal.where()) === pid) return { key, journal }
    }
  })

describe("nodes", () => {
  it.live(
    "share the keys among themselves, and serve any client",
    () =>
      Effect.gen(function* () {
        const cluster = yield* nodes
        const [a, b] = yield* Effect.all([cluster.start, cluster.start], { concurrency: 2 })
        yield* Effect.gen(function* () {
          const { journal: onA } = yield* keyOn(a.pid)
          const { journal: onB } = yield* keyOn(b.pid)
          // The other node asks, too, and gets the same answer: the state is in one place.
          assert.deepStrictEqual([yield* onA.note("1"), yield* onA.note("2"), yield* onB.note("3")], [1, 2, 1])
          const error = yield* errorOf(onA.refuse("no"))
          assert.instanceOf(error, Refused)
          assert.strictEqual((yield* defectOf(onB.die())).message, "a bug")
          assert.strictEqual((yield* Stream.runCollect(onB.items(50))).length, 50)
          assert.strictEqual((yield* reasonOf(onA.note(5 as any)))._tag, "DecodeError")
          const ref = yield* onA.slow.remote("long", LONG)
          yield* noted(cluster, "start long")
          assert.strictEqual(yield* ObjectRef.cancel(ref), "Interrupted")
          yield* noted(cluster, "interrupt long")
          const leader = yield* Leader
          assert.include([a.pid, b.pid], yield* leader.pid())
        }).pipe(Effect.provide(clientOf(cluster.storage)))
      }),
    LONG
  )

  it.live(
    "take a call of many megabytes, and the calls after it",
    () =>
      Effect.gen(function* () {
        const cluster = yield* nodes
        yield* cluster.start
        yield* Effect.gen(function* () {
          const journal = yield* Journal.get("long")
          const error: any = yield* errorOf(journal.refuse("x".repeat(20_000_000)))
          assert.instanceOf(error, Refused)
          assert.isNumber(yield* journal.where())
        }).pipe(Effect.provide(clientOf(cluster.storage)))
      }),
    LONG
  )

  it.live(
    "that are killed lose nothing durable, and nothing runs twice that may not",
    () =>
      Effect.gen(function* () {
        const cluster = yield* nodes
        const [a, b] = yield* Effect.all([cluster.start, cluster.start], { concurrency: 2 })
        yield* Effect.gen(function* () {
          const { journal, key } = yield* keyOn(a.pid)
          const once = yield* journal.slow.remote("once", LONG)
          const again = yield* journal.slowAgain.remote("again", 300)
          const durable = yield* ClusterHome.withId(journal.slowDurable.remote("durable", 300), "it")
          yield* Effect.forEach(["once", "again", "durable"], (id) => noted(cluster, `start ${id}`))
          yield* a.signal("SIGKILL")
          const reason = yield* reasonOf(once)
          assert.deepInclude(reason, { _tag: "ActorUnavailable", mayHaveRun: true, method: "slow" })
          assert.strictEqual(yield* again, "again done")
          assert.strictEqual(yield* durable, "durable done")
          assert.strictEqual(yield* journal.where(), b.pid)
          assert.strictEqual(count(cluster, "start once"), 1)
          // Once on each node: the first one did not live to end it.
          assert.strictEqual(count(cluster, "end durable"), 1)
          // What has no answer yet and was not sent finds the new node.
          assert.strictEqual(yield* journal.note("later"), 1)
          const leader = yield* Leader
          assert.strictEqual(yield* leader.pid(), b.pid)
          const ref = yield* ClusterHome.attach(Journal, key, "it", { method: "slowDurable" })
          assert.strictEqual(yield* ref, "durable done")
        }).pipe(Effect.provide(clientOf(cluster.storage)))
      }),
    LONG
  )

  it.live(
    "that are told to leave finish what they run, others take over, and no call fails",
    () =>
      Effect.gen(function* () {
        const cluster = yield* nodes
        const [a, b] = yield* Effect.all([cluster.start, cluster.start], { concurrency: 2 })
        yield* Effect.gen(function* () {
          const { journal, key } = yield* keyOn(a.pid)
          const ref = yield* journal.slow.remote("running", 500)
          yield* noted(cluster, "start running")
          let over = false
          const busy = yield* Effect.forkChild(Effect.repeat(journal.note("busy"), { until: () => over }))
          yield* a.signal("SIGTERM")
          assert.strictEqual(yield* ref, "running done")
          yield* a.ended
          assert.strictEqual(yield* journal.where(), b.pid)
          over = true
          yield* Fiber.join(busy)
          // The instance has ended in order.
          const lines = cluster.journal()
          assert.isBelow(lines.indexOf("end running"), lines.indexOf(`down ${key}`))
        }).pipe(Effect.provide(clientOf(cluster.storage)))
      }),
    LONG
  )

  it.live(
    "that are frozen are replaced, and cannot answer when they thaw",
    () =>
      Effect.gen(function* () {
        const cluster = yield* nodes
        const [a, b] = yield* Effect.all([cluster.start, cluster.start], { concurrency: 2 })
        yield* Effect.gen(function* () {
          const { journal, key } = yield* keyOn(a.pid)
          yield* a.freeze
          assert.strictEqual(yield* journal.where(), b.pid)
          yield* a.signal("SIGCONT")
          // The instance that was frozen ends, since another node has its key.
          yield* noted(cluster, `down ${key}`)
        }).pipe(Effect.provide(clientOf(cluster.storage)))
      }),
    LONG
  )

  it.live(
    "go on with durable calls when the client that made them is gone",
    () =>
      Effect.gen(function* () {
        const cluster = yield* nodes
        yield* cluster.start
        yield* Effect.gen(function* () {
          const journal = yield* Journal.get("a")
          yield* ClusterHome.withId(journal.slowDurable.remote("it", 300), "1")
          yield* noted(cluster, "start it")
        }).pipe(Effect.provide(clientOf(cluster.storage)))
        const result = Effect.flatMap(ClusterHome.attach(Journal, "a", "1"), (ref) => ref)
        assert.strictEqual(yield* Effect.provide(result, clientOf(cluster.storage)), "it done")
        assert.strictEqual(count(cluster, "start it"), 1)
      }),
    LONG
  )
})

describe("a secret that is not that of the others", () => {
  const SECRET = "a secret of the tests"
  const OTHER = "another secret, as long"

  /** A node in this process. */
  const nodeWith = (storage: { readonly file: string }, secret: string, actors: Layer.Layer<any, any, any>) =>
    Effect.gen(function* () {
      const port = yield* freePort
      const node = ClusterHome.layerNode({ storage, port, secret, failover: "1500 millis", drainTimeout: "1 second" })
      const scope = yield* Scope.fork(yield* Effect.scope)
      return yield* Layer.buildWithScope(Layer.provideMerge(actors, node), scope).pipe(
        Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
      )
    })

  it.live(
    "keeps a node from starting, and it says so; the others go on",
    () =>
      Effect.gen(function* () {
        const { storage } = yield* nodes
        yield* nodeWith(storage, SECRET, Actors)
        const error = yield* errorOf(nodeWith(storage, OTHER, Actors))
        assert.instanceOf(error, ClusterHome.ClusterStartError)
        assert.match(error.message, /do not let it in.*127\.0\.0\.1:\d+.*has another secret.*TROUPE_SECRET/)
        const journal = Journal.get("a").pipe(Effect.flatMap((journal) => journal.note("x")))
        assert.strictEqual(yield* Effect.provide(journal, clientOf(storage, { secret: SECRET })), 1)
      }),
    LONG
  )

  it.live(
    "lets one of two nodes stay that start at the same time",
    () =>
      Effect.gen(function* () {
        const { storage } = yield* nodes
        const exits = yield* Effect.forEach(
          [SECRET, OTHER],
          (secret) => Effect.exit(nodeWith(storage, secret, Actors)),
          { concurrency: 2 }
        )
        assert.strictEqual(exits.filter(Exit.isSuccess).length, 1)
      }),
    LONG
  )

  it.live(
    "is the reason that the calls of a client fail with",
    () =>
      Effect.gen(function* () {
        const { storage } = yield* nodes
        yield* nodeWith(storage, SECRET, Actors)
        yield* Effect.gen(function* () {
          const journal = yield* Journal.get("a")
          for (const reason of [
            yield* reasonOf(journal.note("x")),
            yield* reasonOf(Stream.runDrain(journal.items(3)))
          ]) {
            assert.deepInclude(reason, { _tag: "ActorUnavailable", mayHaveRun: false })
            assert.match(reason.why, /unavailableAfter.*127\.0\.0\.1:\d+.*another secret/)
          }
        }).pipe(Effect.provide(clientOf(storage, { secret: OTHER, unavailableAfter: "500 millis" })))
      }),
    LONG
  )
})

describe("a client", () => {
  it.live("that finds no node fails its calls after a while, which have not run", () =>
    Effect.gen(function* () {
      const cluster = yield* nodes
      yield* Effect.gen(function* () {
        const journal = yield* Journal.get("a")
        for (const reason of [
          yield* reasonOf(journal.note("x")),
          yield* reasonOf(journal.where()),
          yield* reasonOf(Stream.runDrain(journal.items(3)))
        ]) {
          assert.deepInclude(reason, { _tag: "ActorUnavailable", mayHaveRun: false })
          assert.match(reason.why, /unavailableAfter/)
        }
      }).pipe(Effect.provide(clientOf(cluster.storage, { unavailableAfter: "200 millis" })))
    })
  )

  it.live("whose storage cannot be opened does not start, and says which", () =>
    Effect.gen(function* () {
      const file = yield* errorOf(
        Layer.build(ClusterHome.layerClient({ storage: { file: "/no/such/directory/x.db" } }))
      )
      assert.instanceOf(file, ClusterHome.ClusterStartError)
      assert.match(file.message, /\/no\/such\/directory\/x\.db/)
      const url = `postgres://nobody@127.0.0.1:${yield* freePort}/none`
      const postgres = yield* errorOf(Layer.build(ClusterHome.layerClient({ storage: { url } })))
      assert.instanceOf(postgres, ClusterHome.ClusterStartError)
      assert.match(postgres.message, /its storage cannot be opened/)
    })
  )
})

/**
 * Simulated clusters: that the same schedule does the same, and that each fault does what its name says. What the cluster
 * promises under them is in `simulated-promises.test.ts` and `simulated-keys.test.ts`.
 */
import { assert, describe, it } from "@effect/vitest"
import { ClusterHome, Delivery } from "@troupe/cluster"
import * as SimulatedCluster from "@troupe/cluster/SimulatedCluster"
import { Actor } from "@troupe/core"
import { Explore } from "@troupe/testing"
import { Clock, Effect, Exit, Fiber, Layer, Schema, type Scope } from "effect"
import { Entity } from "effect/cluster"
import { Rpc } from "effect/rpc"
import { SqlClient } from "effect/sql/SqlClient"

class Ledger extends Actor.Keyed<Ledger>()("test/Ledger", {
  key: Schema.String,
  methods: {
    /** Counts in memory. */
    count: Actor.method({ success: Schema.Int }),
    add: Delivery.durable(Actor.method({ args: [Schema.String] })),
    time: Actor.method({ success: Schema.Finite }),
    hang: Actor.method(),
    linger: Delivery.durable(Actor.method())
  }
}) {}

type Handle = Effect.Success<ReturnType<typeof Ledger.get>>
type Options = Omit<SimulatedCluster.Options<any, any>, "actors" | "client">

/** A cluster with ledgers, and what these have written. */
const ledgers = (options: Options = {}) =>
  Effect.gen(function* () {
    const written: Array<string> = []
    const live = Ledger.toLayer((key) =>
      Effect.sync(() => {
        let count = 0
        return Ledger.of({
          count: () => Effect.sync(() => ++count),
          add: (id: string) => Effect.sync(() => void written.push(`${key} ${id}`)),
          time: () => Clock.currentTimeMillis,
          hang: () => Effect.never,
          linger: () => Effect.sleep("4 seconds")
        })
      })
    )
    const cluster = yield* SimulatedCluster.make({
      actors: ClusterHome.layer(Ledger, live),
      client: ClusterHome.client(Ledger),
      ...options
    })
    const call = <A, E>(key: string, use: (ledger: Handle) => Effect.Effect<A, E>) =>
      cluster.run(Effect.flatMap(Ledger.get(key), use))
    return { cluster, written, call }
  })

/** Which node a key is on, by the last call that it has had. */
const nodeOf = (history: ReadonlyArray<SimulatedCluster.Event>, key: string): number => {
  const event = history.findLast(({ what }) => what.startsWith(`test/Ledger(${key}).`) && what.endsWith("starts"))!
  return Number(/node (\d+)/.exec(event.who)![1])
}

/** Runs a program once. */
const once = <E>(program: Effect.Effect<unknown, E, Scope.Scope>) => Explore.check(program, { schedules: 1 })

const SLOW = 60_000

/** An entity of the engine, without an actor. */
const Plain = Entity.make("test/Plain", [Rpc.make("double", { payload: { n: Schema.Int }, success: Schema.Int })])

describe("a simulated cluster", () => {
  it.live(
    "of three nodes serves ten calls, and the same seed twice gives the same history",
    () =>
      Effect.gen(function* () {
        const histories: Array<ReadonlyArray<SimulatedCluster.Event>> = []
        const program = Effect.gen(function* () {
          const { call, cluster } = yield* ledgers({ faults: { kills: 1, errors: 1 } })
          histories.push(cluster.history)
          for (let i = 0; i < 5; i++) yield* call("a", (ledger) => ledger.add(String(i)))
          for (let i = 0; i < 5; i++) yield* call("b", (ledger) => ledger.add(String(i)))
        })
        yield* Explore.check(program, { schedules: 4 })
        yield* Explore.check(program, { schedules: 4 })
        assert.isTrue(histories[0]!.some(({ who, what }) => who === "client" && what === "test/Ledger(a).add succeeds"))
        assert.deepStrictEqual(histories.slice(0, 4), histories.slice(4))
        assert.notDeepEqual(histories[0], histories[3])
      }),
    SLOW
  )

  it.live(
    "10.11 has plain entities beside actors, which other nodes call as before when all has been told",
    () =>
      once(
        Effect.gen(function* () {
          const live = Plain.toLayer({ double: ({ payload: { n } }) => Effect.succeed(n * 2) })
          const cluster = yield* SimulatedCluster.make({ nodes: 2, actors: live, client: Layer.empty })
          const doubled = Effect.gen(function* () {
            const plain = yield* Plain.client
            return yield* Effect.forEach(["a", "b", "c", "d", "e", "f"], (key) => plain(key).double({ n: 2 }))
          })
          yield* Effect.sleep("20 seconds")
          assert.deepStrictEqual(yield* cluster.run(doubled as Effect.Effect<Array<number>>), [4, 4, 4, 4, 4, 4])
        })
      ),
    SLOW
  )

  it.live(
    "has its keys on all nodes, and reaches each from any of them",
    () =>
      once(
        Effect.gen(function* () {
          const { call, cluster } = yield* ledgers()
          // By then the nodes have shared the keys.
          yield* Effect.sleep("5 seconds")
          const nodes = new Set<number>()
          for (let i = 0; i < 24; i++) {
            assert.strictEqual(yield* call(`k${i}`, (ledger) => ledger.count()), 1)
            nodes.add(nodeOf(cluster.history, `k${i}`))
          }
          assert.deepStrictEqual([...nodes].sort(), [0, 1, 2])
          for (const node of [0, 1, 2]) {
            const count = Effect.flatMap(Ledger.get("k0"), (ledger) => ledger.count())
            assert.strictEqual(yield* cluster.on(node, count), node + 2)
          }
        })
      ),
    SLOW
  )

  it.live(
    "has a client that knows its nodes: the first durable call waits for none of them to look into the storage",
    () =>
      once(
        Effect.gen(function* () {
          const { call, cluster } = yield* ledgers()
          yield* call("a", (ledger) => ledger.add("first"))
          const [called, done] = cluster.history.filter(({ who, what }) => who === "client" && what.includes("add"))
          assert.isBelow(done!.at - called!.at, 100)
        })
      ),
    SLOW
  )

  it.live(
    "starts in each schedule, wherever the program that waits for it is preempted",
    () => Explore.check(ledgers(), { schedules: 30 }),
    SLOW
  )
})

describe("a node of a simulated cluster", () => {
  it.live(
    "that is killed is followed by another one: what was in memory is lost, durable calls are not",
    () =>
      once(
        Effect.gen(function* () {
          const { call, cluster, written } = yield* ledgers()
          assert.strictEqual(yield* call("a", (ledger) => ledger.count()), 1)
          const node = nodeOf(cluster.history, "a")
          const hanging = yield* Effect.forkChild(Effect.flip(call("a", (ledger) => ledger.hang())))
          yield* Effect.sleep(50)
          yield* cluster.kill(node)
          assert.deepInclude((yield* Fiber.join(hanging)).reason, { _tag: "ActorUnavailable", mayHaveRun: true })
          yield* call("a", (ledger) => ledger.add("later"))
          assert.deepStrictEqual(written, ["a later"])
          assert.notStrictEqual(nodeOf(cluster.history, "a"), node)
          assert.strictEqual(yield* call("a", (ledger) => ledger.count()), 1)
          yield* cluster.restart(node)
          assert.strictEqual(cluster.history.at(-1)!.what, "is up")
        })
      ),
    SLOW
  )

  it.live(
    "logs into the report of a failure, where it happened",
    () =>
      Effect.gen(function* () {
        const program = Effect.gen(function* () {
          const { cluster } = yield* ledgers()
          yield* cluster.on(1, Effect.logWarning("low on tea", { cups: 2 }))
          yield* Effect.die(new Error("enough"))
        })
        const { message } = yield* Effect.flip(once(program))
        assert.match(message, /node 1 +logs WARN low on tea \{"cups":2\}/)
      }),
    SLOW
  )

  it.live(
    "fails what runs in it when it is killed, and what is to run in it afterwards",
    () =>
      once(
        Effect.gen(function* () {
          const { cluster } = yield* ledgers()
          const running = yield* Effect.forkChild(Effect.flip(cluster.on(1, Effect.never)))
          yield* Effect.sleep(10)
          yield* cluster.kill(1)
          assert.deepStrictEqual(yield* Fiber.join(running), new SimulatedCluster.NodeGone({ node: 1 }))
          assert.instanceOf(yield* Effect.flip(cluster.on(1, Effect.void)), SimulatedCluster.NodeGone)
          yield* cluster.restart(1)
          yield* cluster.on(1, Effect.void)
        })
      ),
    SLOW
  )

  it.live(
    "that is frozen does nothing until it goes on, and by then others have its keys",
    () =>
      once(
        Effect.gen(function* () {
          const { call, cluster } = yield* ledgers()
          yield* call("a", (ledger) => ledger.count())
          const node = nodeOf(cluster.history, "a")
          // A node that is frozen in a transaction keeps all others from writing.
          yield* Effect.sleep("100 millis")
          yield* cluster.freeze(node)
          const ticking = yield* Effect.forkChild(cluster.on(node, Effect.delay(Clock.currentTimeMillis, 1000)))
          yield* call("a", (ledger) => ledger.add("elsewhere"))
          assert.notStrictEqual(nodeOf(cluster.history, "a"), node)
          assert.isUndefined(ticking.pollUnsafe())
          yield* cluster.thaw(node)
          yield* Fiber.join(ticking)
        })
      ),
    SLOW
  )

  it.live(
    "that leaves hands its keys over, and one that joins gets some",
    () =>
      once(
        Effect.gen(function* () {
          const { call, cluster } = yield* ledgers({ nodes: 2 })
          assert.strictEqual(yield* cluster.join, 2)
          yield* cluster.leave(0)
          yield* cluster.leave(1)
          yield* call("a", (ledger) => ledger.count())
          assert.strictEqual(nodeOf(cluster.history, "a"), 2)
          yield* cluster.restart(0)
          yield* call("a", (ledger) => ledger.count())
        })
      ),
    SLOW
  )

  it.live(
    "that is about to leave when all faults end starts again once it has left",
    () =>
      once(
        Effect.gen(function* () {
          const { cluster } = yield* ledgers()
          yield* Effect.forkChild(cluster.leave(1))
          yield* Effect.sleep("1 millis")
          assert.strictEqual(cluster.history.at(-1)!.what, "leaves")
          yield* cluster.calm
          yield* Effect.sleep("5 seconds")
          yield* cluster.on(1, Effect.void)
        })
      ),
    SLOW
  )

  it.live(
    "that does not come up, since its storage fails, is started again",
    () =>
      once(
        Effect.gen(function* () {
          const { cluster } = yield* ledgers()
          yield* cluster.kill(1)
          yield* cluster.loseStorage
          yield* cluster.restart(1)
          assert.match(cluster.history.at(-1)!.what, /^does not start/)
          yield* cluster.restoreStorage
          yield* Effect.sleep("5 seconds")
          yield* cluster.on(1, Effect.void)
        })
      ),
    SLOW
  )

  it.live(
    "has a clock of its own",
    () =>
      once(
        Effect.gen(function* () {
          const { call, cluster } = yield* ledgers()
          const before = yield* call("a", (ledger) => ledger.time())
          yield* cluster.skewClock(nodeOf(cluster.history, "a"), 60_000)
          const after = yield* call("a", (ledger) => ledger.time())
          assert.isAtLeast(after - before, 60_000)
          assert.isAtMost(after - before, 61_000)
          // So have the functions of JavaScript.
          const [date, random] = yield* cluster.on(
            0,
            Effect.sync(() => [Date.now(), Math.random()] as const)
          )
          assert.isBelow(Math.abs(date - before), 61_000)
          assert.isBelow(random, 1)
        })
      ),
    SLOW
  )
})

describe("the network of a simulated cluster", () => {
  it.live(
    "that is cut lets nobody through, until it is whole again",
    () =>
      once(
        Effect.gen(function* () {
          const { call, cluster } = yield* ledgers()
          yield* call("a", (ledger) => ledger.count())
          const node = nodeOf(cluster.history, "a")
          yield* cluster.partition([node])
          const error = yield* Effect.flip(call("a", (ledger) => ledger.count()))
          assert.strictEqual(error.reason._tag, "ActorUnavailable")
          yield* cluster.heal
          yield* call("a", (ledger) => ledger.count())
        })
      ),
    SLOW
  )
})

describe("the storage of a simulated cluster", () => {
  it.live(
    "that is away keeps durable calls waiting, until it is back",
    () =>
      once(
        Effect.gen(function* () {
          const { call, cluster, written } = yield* ledgers()
          yield* cluster.loseStorage
          const adding = yield* Effect.forkChild(call("a", (ledger) => ledger.add("1")))
          yield* Effect.sleep("2 seconds")
          assert.isUndefined(adding.pollUnsafe())
          yield* cluster.restoreStorage
          yield* Fiber.join(adding)
          assert.deepStrictEqual(written, ["a 1"])
        })
      ),
    SLOW
  )

  it.live(
    "that lost a transaction does nothing more of it",
    () =>
      once(
        Effect.gen(function* () {
          const { cluster } = yield* ledgers()
          const insert = (id: number) => Effect.flatMap(SqlClient, (sql) => sql`INSERT INTO things (id) VALUES (${id})`)
          yield* cluster.run(Effect.flatMap(SqlClient, (sql) => sql`CREATE TABLE things (id INTEGER)`))
          const work = Effect.andThen(insert(1), Effect.andThen(Effect.ignore(Effect.delay(insert(2), 100)), insert(3)))
          const working = yield* Effect.forkChild(
            cluster.run(Effect.flatMap(SqlClient, (sql) => Effect.exit(sql.withTransaction(work))))
          )
          yield* Effect.sleep(50)
          yield* cluster.loseStorage
          yield* Effect.sleep("8 seconds")
          yield* cluster.restoreStorage
          assert.isTrue(Exit.isFailure(yield* Fiber.join(working)))
          assert.deepStrictEqual(yield* cluster.run(Effect.flatMap(SqlClient, (sql) => sql`SELECT id FROM things`)), [])
        })
      ),
    SLOW
  )

  it.live(
    "10.14 that takes less than a third of failover to renew locks costs no call, and more ends those that run",
    () =>
      once(
        Effect.gen(function* () {
          const { call, cluster } = yield* ledgers({ options: { failover: "3 seconds" } })
          const hanging = yield* Effect.forkChild(Effect.flip(call("a", (ledger) => ledger.hang())))
          const lingering = yield* Effect.forkChild(call("a", (ledger) => ledger.linger()))
          const starts = () => cluster.history.filter(({ what }) => what === "test/Ledger(a).linger starts").length
          yield* Effect.sleep("100 millis")
          yield* cluster.loseStorage
          yield* Effect.sleep("900 millis")
          yield* cluster.restoreStorage
          yield* Effect.sleep("1 second")
          assert.isUndefined(hanging.pollUnsafe())
          assert.strictEqual(starts(), 1)
          yield* cluster.loseStorage
          // Locks are renewed each second, and so they are not within one at least once.
          yield* Effect.sleep("2 seconds")
          assert.deepInclude((yield* Fiber.join(hanging)).reason, { _tag: "ActorUnavailable", mayHaveRun: true })
          yield* cluster.restoreStorage
          yield* Fiber.join(lingering)
          assert.strictEqual(starts(), 2)
        })
      ),
    SLOW
  )

  it.live(
    "10.14 that takes longer to confirm that a node has a key has it run a durable call again, and stores one result",
    () =>
      once(
        Effect.gen(function* () {
          const { call, cluster } = yield* ledgers()
          const starts = () => cluster.history.filter(({ what }) => what === "test/Ledger(a).linger starts")
          // Locks are renewed three times in a failover. A method of four seconds ends as it starts: when they just were.
          const renewal = 2000 / 3
          const now = yield* Clock.currentTimeMillis
          yield* Effect.sleep(Math.ceil(now / renewal) * renewal + 20 - now)
          const lingering = yield* Effect.forkChild(call("a", (ledger) => ledger.linger()))
          yield* Effect.sleep("3990 millis")
          const node = nodeOf(cluster.history, "a")
          // The connection of the node is busy for less than a renewal takes, and for longer than a confirmation may take.
          const busy = Effect.flatMap(SqlClient, ({ reserve }) =>
            Effect.scoped(Effect.andThen(reserve, Effect.sleep(685)))
          )
          yield* cluster.on(node, busy)
          yield* Fiber.join(lingering)
          assert.deepStrictEqual(
            starts().map(({ who }) => who),
            [`node ${node}`, `node ${node}`]
          )
          assert.isFalse(cluster.history.some(({ what }) => what.startsWith("logs ERROR")))
          yield* cluster.settled()
          yield* Effect.sleep("10 seconds")
          assert.strictEqual(starts().length, 2)
        })
      ),
    SLOW
  )

  it.live(
    "can be slow for a while",
    () =>
      once(
        Effect.gen(function* () {
          const { call, cluster } = yield* ledgers()
          yield* call("a", (ledger) => ledger.add("1"))
          const before = yield* Clock.currentTimeMillis
          yield* cluster.slowStorage("100 millis", "10 seconds")
          yield* call("a", (ledger) => ledger.add("3"))
          assert.isAtLeast((yield* Clock.currentTimeMillis) - before, 400)
        })
      ),
    SLOW
  )
})

/** A mail that may be sent twice: the node may end between sending it and storing that it has. */
const mailing = (faults: SimulatedCluster.Faults) =>
  Effect.gen(function* () {
    const { call, cluster, written } = yield* ledgers({ faults })
    for (let i = 0; i < 3; i++) yield* call("a", (ledger) => ledger.add(String(i)))
    yield* cluster.settled()
    const twice = written.find((line, index) => written.indexOf(line) !== index)
    if (twice !== undefined) yield* Effect.die(new Error(`${twice} was written twice`))
  })

describe("faults that the explorer places", () => {
  it.live(
    "are found, shortened to those that matter, told node by node, and replayed",
    () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(Explore.check(mailing({ kills: 2, partitions: 1 }), { schedules: 300 }))
        assert.strictEqual(error.kind, "Failure")
        assert.match((error.cause as Error).message, /^a \d was written twice$/)
        assert.match(error.schedule, /^1\.\w+\..*kills_node_\d~\w+=\d/)
        assert.include(error.message, "Shortened from")
        assert.match(error.message, /client +calls test\/Ledger\(a\)\.add/)
        assert.match(error.message, /node \d +test\/Ledger\(a\)\.add starts: "\d"/)
        assert.match(error.message, /node \d +is killed|succeeds\n +is killed/)
        const again = yield* Effect.flip(Explore.replay(mailing({ kills: 2, partitions: 1 }), error.schedule))
        assert.strictEqual((again.cause as Error).message, (error.cause as Error).message)
        // Without the fault, it is the plain schedule.
        yield* Explore.replay(mailing({}), error.schedule)
      }),
    SLOW
  )

  it.live(
    "are told, too, when it is only a message or a statement that takes long",
    () =>
      Effect.gen(function* () {
        const hasty = Effect.gen(function* () {
          const { call, cluster } = yield* ledgers({ faults: {} })
          for (let i = 0; i < 3; i++) {
            const before = yield* Clock.currentTimeMillis
            yield* call("a", (ledger) => ledger.add(String(i)))
            if (i > 0 && (yield* Clock.currentTimeMillis) - before > 200) yield* Effect.die(new Error("too late"))
          }
          yield* cluster.settled()
        })
        const { message } = yield* Effect.flip(Explore.check(hasty, { schedules: 100 }))
        assert.match(message, /storage +".*" of (client|node \d) takes 300 ms|network +takes 400 ms from/)
      }),
    SLOW
  )

  it.live.each([
    ["freezes", "freezes", "goes on"],
    ["partitions", "is cut between", "is whole again"],
    ["outages", "does not answer", "answers again"],
    ["slowdowns", "ms longer, for 2000 ms", "add succeeds"],
    ["leaves", "leaves", "has left"],
    ["skews", "has a clock that jumps by", "add succeeds"],
    ["errors", "is not done", "is done, and its answer is lost"]
  ] as const)(
    "may be %s",
    ([kind, ...words]) =>
      Effect.gen(function* () {
        const said: Array<string> = []
        const program = Effect.gen(function* () {
          const { call, cluster } = yield* ledgers({ faults: { [kind]: kind === "errors" ? 4 : 1 } })
          for (let i = 0; i < 3; i++) yield* call("a", (ledger) => ledger.add(String(i)))
          yield* cluster.settled()
          // A node that leaves takes its time.
          yield* Effect.sleep("5 seconds")
          said.push(...cluster.history.map(({ what }) => what))
        })
        yield* Explore.check(program, { schedules: 20, maxSteps: 1_000_000 })
        for (const word of words)
          assert.isTrue(
            said.some((what) => what.includes(word)),
            word
          )
      }),
    SLOW
  )
})

describe("SimulatedCluster.settled", () => {
  it.live(
    "ends all faults, and waits until all calls have ended that were made or stored",
    () =>
      once(
        Effect.gen(function* () {
          const { call, cluster, written } = yield* ledgers()
          yield* cluster.kill(0)
          yield* cluster.freeze(1)
          yield* cluster.partition([2])
          yield* cluster.loseStorage
          yield* Effect.forkScoped(call("a", (ledger) => ledger.add("1")))
          yield* cluster.settled()
          assert.deepStrictEqual(written, ["a 1"])
        })
      ),
    SLOW
  )

  it.live(
    "names the calls that do not end",
    () =>
      Effect.gen(function* () {
        const program = Effect.gen(function* () {
          const { call, cluster } = yield* ledgers()
          yield* Effect.forkScoped(call("a", (ledger) => ledger.hang()))
          yield* Effect.sleep(1)
          yield* cluster.settled("10 seconds")
        })
        const { cause } = yield* Effect.flip(once(program))
        assert.strictEqual(
          (cause as Error).message,
          "SimulatedCluster: 10000 ms after all faults have ended (settled), test/Ledger(a).hang of the client has not settled"
        )
      }),
    SLOW
  )
})

describe("SimulatedCluster.make", () => {
  const options = { actors: Layer.empty, client: Layer.empty }

  it.live("needs a schedule", () =>
    Effect.gen(function* () {
      const defect = yield* Effect.flip(Effect.catchDefect(SimulatedCluster.make(options), Effect.fail))
      assert.include((defect as Error).message, "run the program with Explore.check or it.explore")
    })
  )

  it.live(
    "ends a program that does not end by itself, and says what has not ended",
    () =>
      Effect.gen(function* () {
        const program = Effect.gen(function* () {
          const { call } = yield* ledgers({ limit: "5 seconds" })
          yield* call("a", (ledger) => ledger.hang())
        })
        const { cause } = yield* Effect.flip(once(program))
        assert.strictEqual(
          (cause as Error).message,
          "SimulatedCluster: the program has not ended after 5000 ms of virtual time (limit). test/Ledger(a).hang of the client has not settled"
        )
      }),
    SLOW
  )

  it.live.each([
    [{ nodes: 0 }, "SimulatedCluster.make: nodes must be an integer of at least 1, but is 0"],
    [{ faults: { kills: -1 } }, "SimulatedCluster.make: faults.kills must be an integer of at least 0, but is -1"],
    [{ faults: { kill: 1 } }, "kill"],
    [{ limit: 0 }, "SimulatedCluster.make: limit must be a finite duration of at least 1 ms, but is 0"],
    [{ node: 3 }, "node"]
  ] as const)("refuses %o", ([wrong, words]) =>
    Effect.gen(function* () {
      const { cause } = yield* Effect.flip(once(SimulatedCluster.make({ ...options, ...(wrong as object) })))
      assert.include((cause as Error).message, words)
    })
  )

  it.live("says why a node does not start", () =>
    Effect.gen(function* () {
      const actors = Layer.effectDiscard(Effect.fail(new Error("there is no such file")))
      const { cause } = yield* Effect.flip(once(SimulatedCluster.make({ ...options, actors })))
      assert.strictEqual((cause as Error).message, "SimulatedCluster: node 0 does not start: there is no such file")
    })
  )

  it.live("knows its nodes", () =>
    Effect.gen(function* () {
      const program = Effect.flatMap(SimulatedCluster.make(options), (cluster) => cluster.kill(3))
      const { cause } = yield* Effect.flip(once(program))
      assert.strictEqual((cause as Error).message, "SimulatedCluster: there is no node 3. There are 3, from 0")
    })
  )
})

/**
 * A node that is frozen while it takes over the state of a key, and goes on when another node has the key: it leaves the
 * state to that one.
 */
import { fork } from "node:child_process"
import { on } from "node:events"
import { assert, describe, it } from "@effect/vitest"
import { ClusterHome, DurableState } from "@troupe/cluster"
import * as SimulatedCluster from "@troupe/cluster/SimulatedCluster"
import { Actor } from "@troupe/core"
import { Explore } from "@troupe/testing"
import { type Context, Effect, Layer, Schema } from "effect"
import { open } from "./chaos/database.ts"
import { freePorts } from "./chaos/processes.ts"
import * as fixture from "./fixtures/PurseNode.ts"

class Purse extends Actor.Keyed<Purse>()("test/ThawedPurse", {
  key: Schema.String,
  methods: { add: Actor.method({ args: [Schema.Int], success: Schema.Int }) }
}) {}

const PurseLive = Purse.toLayer(() =>
  Effect.map(Effect.orDie(DurableState.make(Schema.Int, { initial: 0 })), (money) =>
    Purse.of({ add: (n) => Effect.orDie(money.updateAndGet((m) => m + n)) })
  )
)

describe.each(["read", "claim"] as const)("a node that is frozen before it has done the %s of a state", (step) => {
  it.live(
    "10.15 leaves the state to the node that has the key when it goes on",
    () => {
      const program = Effect.gen(function* () {
        let waits = false
        let waiting = 0
        const late = <A, E>(effect: Effect.Effect<A, E>) =>
          Effect.suspend(() => {
            if (!waits) return effect
            waiting++
            return Effect.delay(effect, "20 millis")
          })
        const storage = Layer.effect(DurableState.DurableStateStorage)(
          Effect.map(DurableState.DurableStateStorage, (store) => ({
            ...store,
            [step]: (...args: [any]) => late(store[step](...args))
          }))
        ).pipe(Layer.provide(DurableState.layer))
        const cluster = yield* SimulatedCluster.make({
          actors: ClusterHome.layer(Purse, PurseLive).pipe(Layer.provide(storage)),
          client: ClusterHome.client(Purse)
        })
        const add = (n: number) => cluster.run(Effect.flatMap(Purse.get("a"), (purse) => purse.add(n)))
        // By then the nodes have shared the keys.
        yield* Effect.sleep("5 seconds")
        yield* add(1)
        const { who } = cluster.history.findLast(({ what }) => what === "test/ThawedPurse(a).add starts")!
        const node = Number(/node (\d+)/.exec(who)![1])
        yield* cluster.run(Effect.flatMap(Purse, (purses) => purses.stop("a")))
        waits = true
        const lost = yield* Effect.forkChild(Effect.exit(add(10)))
        while (waiting === 0) yield* Effect.sleep("1 millis")
        yield* cluster.freeze(node)
        waits = false
        yield* Effect.sleep("5 seconds")
        assert.strictEqual(yield* add(100), 101)
        yield* cluster.thaw(node)
        yield* Effect.sleep("200 millis")
        assert.strictEqual(yield* add(1000), 1101)
        yield* cluster.settled()
        assert.strictEqual(yield* add(10_000), 11_101)
        assert.strictEqual(lost.pollUnsafe()?._tag, "Success")
      })
      return Explore.check(program, { schedules: 1 })
    },
    60_000
  )
})

const url = process.env.DATABASE_URL

/** A node in a process of its own, and what it says. */
const spawn = (options: ClusterHome.NodeOptions) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const child = fork(new URL("./fixtures/purseNodeProcess.ts", import.meta.url), [JSON.stringify(options)], {
        execArgv: ["--conditions=@troupe/source"]
      })
      const messages = on(child, "message")
      const said = Effect.map(
        Effect.promise(() => messages.next()),
        ({ value }) => value![0]
      )
      return { said, goOn: Effect.sync(() => child.kill("SIGCONT")), end: () => child.kill("SIGKILL") }
    }),
    ({ end }) => Effect.sync(end)
  )

describe.skipIf(url === undefined)("a node that is frozen before it has claimed a state in Postgres", () => {
  it.live(
    "10.15 leaves the state to the node that has the key when it goes on",
    () =>
      Effect.gen(function* () {
        const [one, two] = yield* Effect.promise(() => freePorts(2))
        const { storage } = yield* Effect.acquireRelease(
          Effect.promise(() => open(url)),
          ({ drop }) => Effect.promise(drop)
        )
        const options = { storage, failover: 1500 }
        const stopped = yield* spawn({ ...options, port: one! })
        assert.strictEqual(yield* stopped.said, "up")
        const own = fixture.layer().pipe(Layer.provide(ClusterHome.layerNode({ ...options, port: two! })))
        const client = ClusterHome.client(fixture.Purse).pipe(Layer.provide(ClusterHome.layerClient(options)))
        const lost = yield* Layer.build(client)
        const addFrom = (context: Context.Context<fixture.Purse>, n: number) =>
          Effect.provideContext(
            Effect.flatMap(fixture.Purse.get("alice"), (purse) => purse.add(n)),
            context
          )
        yield* Effect.forkChild(Effect.exit(addFrom(lost, 1)))
        assert.strictEqual(yield* stopped.said, "stops")
        const node = yield* Layer.build(own)
        assert.strictEqual(yield* addFrom(node, 10), 10)
        yield* stopped.goOn
        assert.strictEqual(yield* stopped.said, "refused")
        assert.strictEqual(yield* addFrom(node, 100), 110)
      }),
    60_000
  )
})

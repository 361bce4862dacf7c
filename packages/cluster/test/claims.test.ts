/**
 * A node claims the durable calls that it reads: for ten minutes no read finds them again. That a call is read again soon
 * where its node does not have it after all, though the storage failed when the claim was to be given up.
 */
import { assert, describe, it } from "@effect/vitest"
import { ClusterHome, Delivery } from "@troupe/cluster"
import * as SimulatedCluster from "@troupe/cluster/SimulatedCluster"
import { Actor } from "@troupe/core"
import { Explore } from "@troupe/testing"
import { Effect, Exit, Fiber, Latch, Schema, type Scope } from "effect"
import { ClusterError, MessageStorage, ShardId } from "effect/cluster"
import { SqlClient } from "effect/sql/SqlClient"
import * as claims from "../src/internal/node/claims.ts"

const shards = [ShardId.make("default", 1), ShardId.make("default", 2)]

type Statement = "unprocessedMessages" | "resetShards" | "resetAddresses" | "resetRequests" | "saveReply"

/** A node that has acquired its shards, and the storage of which one statement ends as told. */
const reading = (name: Statement) =>
  Effect.gen(function* () {
    let end: Exit.Exit<ReadonlyArray<never>, ClusterError.PersistenceError> = Exit.succeed([])
    const given: Array<string> = []
    const noop = yield* MessageStorage.MessageStorage
    const storage = claims.recovered({ ...noop, [name]: () => Effect.suspend(() => end) }, (shards) =>
      Effect.sync(() => given.push(...Array.from(shards, String)))
    )
    yield* storage.resetShards(shards)
    const statement = storage[name] as (about: ReadonlyArray<never>) => Effect.Effect<unknown, unknown>
    return {
      /** What is given up before the next read. */
      read: Effect.map(storage.unprocessedMessages(shards), () => given.splice(0)),
      fail: Effect.fnUntraced(function* (exit: Exit.Exit<never, ClusterError.PersistenceError>) {
        end = exit
        yield* Effect.exit(statement([]))
        end = Exit.succeed([])
      })
    }
  }).pipe(Effect.provide(MessageStorage.layerNoop))

const lost = Exit.fail(new ClusterError.PersistenceError({ cause: new Error("the connection was lost") }))

describe("the claims of a node", () => {
  it.effect.each<Statement>(["unprocessedMessages", "resetShards", "resetAddresses", "resetRequests", "saveReply"])(
    "are given up before its next read after %s has failed, and once",
    (name) =>
      Effect.gen(function* () {
        const { fail, read } = yield* reading(name)
        assert.deepStrictEqual(yield* read, [])
        yield* fail(lost)
        assert.deepStrictEqual(yield* read, shards.map(String))
        assert.deepStrictEqual(yield* read, [])
      })
  )

  it.effect("are given up after a statement was interrupted, of which nobody knows whether it was done", () =>
    Effect.gen(function* () {
      const { fail, read } = yield* reading("resetAddresses")
      yield* fail(Exit.interrupt())
      assert.deepStrictEqual(yield* read, shards.map(String))
    })
  )

  it.effect("are given up in each of its shards, whichever of them it reads first", () =>
    Effect.gen(function* () {
      const given: Array<string> = []
      const noop = yield* MessageStorage.MessageStorage
      const storage = claims.recovered({ ...noop, resetShards: () => lost }, (shards) =>
        Effect.sync(() => given.push(...Array.from(shards, String)))
      )
      yield* Effect.exit(storage.resetShards(shards))
      yield* storage.unprocessedMessages([shards[0]!])
      yield* storage.unprocessedMessages(shards)
      assert.deepStrictEqual(given, shards.map(String))
    }).pipe(Effect.provide(MessageStorage.layerNoop))
  )

  it.effect("are given up again of a call that is read as it ends, since its result must not be stored", () =>
    Effect.gen(function* () {
      const call = { envelope: { _tag: "Request", requestId: 1n } }
      const other = { envelope: { _tag: "Request", requestId: 2n } }
      const cancelling = { envelope: { _tag: "Interrupt", id: 3n, requestId: 1n } }
      const unclaimed = new Map<unknown, unknown>()
      const stored = [call, other, cancelling]
      const give = (ids: ReadonlyArray<unknown>) => {
        for (const id of ids) unclaimed.set(id, stored[Number(id) - 1])
      }
      const ended = yield* Latch.make(false)
      let asked = 0
      const storage = claims.recovered(
        {
          ...MessageStorage.noop,
          unprocessedMessages: () =>
            Effect.sync(() => {
              const found = [...unclaimed.values()]
              unclaimed.clear()
              return found as any
            }),
          // The first time its answer is late.
          resetRequests: (ids) =>
            Effect.andThen(
              Effect.sync(() => give(ids)),
              asked++ === 0 ? ended.await : Effect.void
            )
        },
        () => Effect.void
      )
      const ending = yield* Effect.forkChild(storage.resetRequests([1n as any]), { startImmediately: true })
      give([2n, 3n])
      assert.deepStrictEqual(yield* storage.unprocessedMessages(shards), [other] as any)
      yield* ended.open
      yield* Fiber.join(ending)
      assert.deepStrictEqual(yield* storage.unprocessedMessages(shards), [call, cancelling] as any)
    })
  )
})

class Desk extends Actor.Keyed<Desk>()("test/Desk", {
  key: Schema.String,
  methods: { serve: Delivery.durable(Actor.method()) }
}) {}

const DeskLive = Desk.toLayer(() => Effect.succeed(Desk.of({ serve: () => Effect.sleep("500 millis") })))

const serve = Effect.flatMap(Desk.get("a"), (desk) => desk.serve())

const desks = (nodes: number) =>
  SimulatedCluster.make({ nodes, actors: ClusterHome.layer(Desk, DeskLive), client: ClusterHome.client(Desk) })

const refuse = Effect.flatMap(
  SqlClient,
  (sql) => sql`CREATE TRIGGER refuse BEFORE UPDATE OF last_read ON cluster_messages
    WHEN NEW.last_read IS NULL AND OLD.last_read IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'claims are not given up'); END`
)
const allow = Effect.flatMap(SqlClient, (sql) => sql`DROP TRIGGER refuse`)

const once = <E>(program: Effect.Effect<unknown, E, Scope.Scope>) => Explore.check(program, { schedules: 1 })

const SLOW = 60_000

describe("a durable call is read soon once the storage works, if it failed meanwhile to give a claim up", () => {
  it.live(
    "that a node had which was killed while the method ran",
    () =>
      once(
        Effect.gen(function* () {
          const cluster = yield* desks(2)
          const serving = yield* Effect.forkChild(cluster.run(serve))
          yield* Effect.sleep("100 millis")
          const node = cluster.history.find(({ what }) => what === "test/Desk(a).serve starts")!.who
          yield* cluster.run(refuse)
          yield* cluster.kill(Number(node.slice("node ".length)))
          yield* Effect.sleep("10 seconds")
          assert.isUndefined(serving.pollUnsafe())
          yield* cluster.run(allow)
          yield* Effect.timeout(Fiber.join(serving), "10 seconds")
        })
      ),
    SLOW
  )

  it.live(
    "that a node has read before it hosts the actor",
    () =>
      once(
        Effect.gen(function* () {
          const cluster = yield* desks(1)
          yield* cluster.kill(0)
          const serving = yield* Effect.forkChild(cluster.run(serve))
          yield* Effect.sleep("5 seconds")
          yield* cluster.run(refuse)
          yield* cluster.restart(0)
          yield* Effect.sleep("5 seconds")
          assert.isUndefined(serving.pollUnsafe())
          yield* cluster.run(allow)
          yield* Effect.timeout(Fiber.join(serving), "10 seconds")
        })
      ),
    SLOW
  )
})

/**
 * What we rely on of Effect's engine that it does not promise, each in a sentence, and what is done where it has changed.
 */
import * as NodeCrypto from "@effect/platform-node-shared/NodeCrypto"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Context, Effect, Exit, Fiber, Layer, Schema } from "effect"
import { ClusterError, Entity, TestRunner } from "effect/cluster"
import { Rpc } from "effect/rpc"
import { Socket } from "effect/socket"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import { ShardingConfig, Snowflake, SqlMessageStorage } from "../src/internal/engine.ts"
import {
  answeredBefore,
  insertRequests,
  insertResults,
  isOf,
  notHosted,
  remove
} from "../src/internal/engineInternals.ts"
import { translate } from "../src/internal/wire/failure.ts"
import * as Sqlite from "../src/Sqlite.ts"
import { databases, open } from "./stateSupport.ts"

const subject = { actor: "test/Desk(a)", method: "write" }

/** How an error arrives that another process died of. */
const arrived = (error: unknown): unknown => {
  const codec = Schema.toCodecJson(Schema.Defect())
  return Schema.decodeUnknownSync(codec)(JSON.parse(JSON.stringify(Schema.encodeUnknownSync(codec)(error))))
}

const malformed = new ClusterError.MalformedMessage({ cause: new Error("not a number") })

describe("the engine has the insides that we know", () => {
  it("an error that arrives from another process has the identifier of its class as its name, and no tag", () => {
    const socket = new Socket.SocketError({ reason: new Socket.SocketOpenError({ kind: "Unknown", cause: "" }) })
    for (const [Class, error] of [
      [ClusterError.MalformedMessage, malformed],
      [Socket.SocketError, socket]
    ] as const) {
      const copy: any = arrived(error)
      assert.strictEqual(copy.name, Class.identifier)
      assert.isUndefined(copy._tag)
      assert.isTrue(isOf(Class, error))
      assert.isTrue(isOf(Class, copy))
    }
  })

  it.effect("a call of an entity that no node hosts dies of an Error \"Entity type '...' not registered\"", () =>
    Effect.gen(function* () {
      const Nowhere = Entity.make("test/Nowhere", [Rpc.make("call")])
      const client = (yield* Nowhere.client)("a")
      const fiber = yield* Effect.forkChild(Effect.exit(client.call()))
      yield* TestClock.adjust("10 minutes")
      const exit = yield* Fiber.join(fiber)
      assert.isTrue(Exit.isFailure(exit))
      if (Exit.isFailure(exit)) assert.strictEqual(notHosted(Cause.squash(exit.cause)), "test/Nowhere")
    }).pipe(Effect.provide(TestRunner.layer))
  )

  it.effect(
    "the tables cluster_messages and cluster_replies have the columns id, request_id, kind and entity_type, where kind 0 is a request and its result",
    () =>
      Effect.gen(function* () {
        const sql = (yield* SqlClient.SqlClient).withoutTransforms()
        yield* sql`INSERT INTO cluster_messages (id, request_id, shard_id, entity_type, entity_id, kind) VALUES (1, 1, 's', 'test/Desk', 'a', 0)`
        yield* sql`INSERT INTO cluster_replies (id, request_id, kind, payload) VALUES (2, 1, 0, '{}')`
        assert.deepStrictEqual(yield* answeredBefore(sql, ["test/Desk"], "3", 10), ["1"])
        assert.deepStrictEqual(yield* answeredBefore(sql, ["test/Desk"], "2", 10), [])
        assert.deepStrictEqual(yield* answeredBefore(sql, ["test/Other"], "3", 10), [])
        yield* remove(sql, ["1"])
        assert.deepStrictEqual(yield* answeredBefore(sql, ["test/Desk"], "3", 10), [])
      }).pipe(Effect.provide(storage))
  )
})

const storage = SqlMessageStorage.layer.pipe(
  Layer.provide([Snowflake.layerGenerator, ShardingConfig.layer(), NodeCrypto.layerDigest]),
  Layer.provideMerge(Sqlite.layer(":memory:"))
)

describe.runIf(databases.includes("Postgres"))("what is stored together in Postgres", () => {
  const entityType = `test/Together${process.pid}`
  const address = { shardId: { group: "default", id: 1 }, entityType, entityId: "a" }
  let last = BigInt(Date.now()) * 1000n
  const nextId = () => String(++last)

  const request = (text: string) => {
    const requestId = nextId()
    const envelope = {
      _tag: "Request" as const,
      requestId,
      address,
      tag: "write",
      payload: { text, nested: [1, null, { "a'b": "\u0000" }] },
      headers: { "x-test": "1" },
      ...(text === "traced" ? { traceId: "t".repeat(32), spanId: "s".repeat(16), sampled: true } : {})
    }
    return {
      envelope,
      payload: JSON.stringify(envelope.payload),
      messageId: `${entityType}/a/write/${text}-${requestId}`,
      deliverAt: text === "late" ? 12 : null
    }
  }
  const result = (requestId: string) => {
    const exit = { _tag: "Success", value: "\ud83d\ude00 \u0000 'x'" } as const
    return { _tag: "WithExit", id: nextId(), requestId, exit, payload: JSON.stringify(exit) } as const
  }

  const opened = Effect.gen(function* () {
    const database = yield* open("Postgres")
    const context = yield* Layer.build(Layer.merge(Layer.orDie(database.layer), NodeCrypto.layerDigest))
    const sql = Context.get(context, SqlClient.SqlClient).withoutTransforms()
    const engine = yield* Effect.provide(SqlMessageStorage.makeEncoded(), context)
    yield* Effect.addFinalizer(() => Effect.orDie(engine.clearAddress(address as any)))
    /** What there is of a request, but for its ids. */
    const row = (id: string) =>
      Effect.map(
        sql<any>`SELECT * FROM cluster_messages WHERE id = ${sql.literal(id)}`,
        ([{ id: _, last_reply_id, message_id, request_id, rowid, ...row }]) => row
      )
    const reply = (id: string) =>
      Effect.map(
        sql<any>`SELECT * FROM cluster_replies WHERE request_id = ${sql.literal(id)}`,
        ([{ id: _, request_id, rowid, ...row }]) => row
      )
    return { engine, reply, row, sql }
  })

  it.live("is what the engine stores one by one", () =>
    Effect.gen(function* () {
      const { engine, reply, row, sql } = yield* opened
      for (const text of ["plain", "traced", "late"]) {
        const [one, other] = [request(text), request(text)]
        yield* engine.saveEnvelope({ ...one, primaryKey: one.messageId })
        assert.deepStrictEqual([...(yield* insertRequests(sql, [other]))], [other.envelope.requestId])
        assert.deepStrictEqual(yield* row(other.envelope.requestId), yield* row(one.envelope.requestId))
        yield* engine.saveReply(result(one.envelope.requestId))
        yield* insertResults(sql, [result(other.envelope.requestId)])
        assert.deepStrictEqual(yield* row(other.envelope.requestId), yield* row(one.envelope.requestId))
        assert.deepStrictEqual(yield* reply(other.envelope.requestId), yield* reply(one.envelope.requestId))
      }
    }).pipe(Effect.scoped)
  )

  it.live("is stored in its order, but for the calls that are there already", () =>
    Effect.gen(function* () {
      const { sql } = yield* opened
      const calls = Array.from({ length: 50 }, (_, index) => request(`call ${index}`)).toReversed()
      const again = { ...request("again"), messageId: calls[3]!.messageId }
      const added = yield* insertRequests(sql, [...calls.slice(0, 10), again, ...calls.slice(10)])
      assert.isFalse(added.has(again.envelope.requestId))
      assert.strictEqual(added.size, calls.length)
      const rows = yield* sql<any>`SELECT CAST(id AS TEXT) AS id FROM cluster_messages
        WHERE entity_type = ${entityType} AND tag = 'write' AND payload LIKE '%call %' ORDER BY rowid`
      assert.deepStrictEqual(
        rows.map(({ id }) => id),
        calls.map(({ envelope }) => envelope.requestId)
      )
    }).pipe(Effect.scoped)
  )

  it.live("has no second result, and nothing is stored with one", () =>
    Effect.gen(function* () {
      const { row, sql } = yield* opened
      const [one, other] = [request("one"), request("other")]
      yield* insertRequests(sql, [one, other])
      yield* insertResults(sql, [result(one.envelope.requestId)])
      const both = [result(one.envelope.requestId), result(other.envelope.requestId)]
      assert.isTrue(Exit.isFailure(yield* Effect.exit(insertResults(sql, both))))
      assert.isFalse((yield* row(other.envelope.requestId)).processed)
    }).pipe(Effect.scoped)
  )
})

describe("failures of the engine", () => {
  const errorOf = (defect: unknown) => Effect.exit(translate(subject, Cause.die(defect)))

  it.effect("are known when they arrive from another process, too", () =>
    Effect.gen(function* () {
      const { RunnerUnavailable } = ClusterError
      const lost = Object.assign(new Error(""), { name: RunnerUnavailable.identifier })
      const exits = yield* Effect.forEach([arrived(malformed), lost], errorOf)
      assert.deepStrictEqual(
        exits.map((exit) => (Exit.isFailure(exit) ? (Cause.squash(exit.cause) as any).reason?._tag : "")),
        ["DecodeError", "ActorUnavailable"]
      )
    })
  )

  it.effect("are not those of a method that have the same tag or the same words", () =>
    Effect.gen(function* () {
      const own = [
        { _tag: "MalformedMessage" },
        { _tag: "SocketError" },
        Object.assign(new Error("no"), { name: "MalformedMessage" }),
        new Error("Entity type 'app/Invoice' not registered")
      ]
      for (const defect of own) {
        const exit = yield* errorOf(defect)
        assert.strictEqual(Exit.isFailure(exit) && Cause.squash(exit.cause), defect)
      }
    })
  )
})

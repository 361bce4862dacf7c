/**
 * What strangers send to the ports of a node: nothing of it may end the node, or keep it from its work.
 */
import { once } from "node:events"
import * as Net from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { ClusterNode } from "@troupe/cluster"
import { Effect, Fiber, type Layer, Schedule, Schema } from "effect"
import * as Headers from "effect/http/Headers"
import {
  EntityAddress,
  EntityId,
  EntityType,
  RpcSerialization,
  Runners,
  ShardId,
  Snowflake
} from "../src/internal/engine.ts"
import * as handshake from "../src/internal/net/handshake.ts"
import { type Random, random } from "./chaos/random.ts"
import { Actors, Journal } from "./fixtures/node-actors.ts"
import { clientOf, freePort, nodes } from "./fixtures/node-processes.ts"

const SECRET = "a secret of the tests"
const REQUESTS = 10_000
const AT_A_TIME = 40
/** A port that says nothing to nonsense is left after so many milliseconds. */
const PATIENCE = 20

const seed = Number(process.env.TROUPE_SEED ?? Math.floor(Math.random() * 2 ** 31))

const bytes = ({ below }: Random, length: number): Buffer => Buffer.from(Array.from({ length }, () => below(256)))

/** Something of everything that a request of HTTP can have wrong. */
const http = (dice: Random): Buffer => {
  const method = dice.pick(["GET", "get", "POST", "CONNECT", "OPTIONS", "BREW", "", "G\u0000T", "PRI", "x".repeat(300)])
  const target = dice.pick([
    ..."//|http://|/ready|*|/%|/%ff%00|///ready|/\\|http://[|//:0|/?|?|#|ftp:|node:80|/live?a=%|[::1|a b".split("|"),
    `/${"a".repeat(20_000)}`,
    `/${bytes(dice, 8).toString("latin1")}`
  ])
  const version = dice.pick(["HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/9", "", "HTTP/1.1 HTTP/1.1", "ICY"])
  const header = dice.pick([
    ..."host: a|host|: b|content-length: -1|content-length: 5|transfer-encoding: chunked|expect: 100-continue|expect: x".split(
      "|"
    ),
    "host: a\r\nhost: b",
    "connection: upgrade\r\nupgrade: websocket",
    `x: ${"y".repeat(20_000)}`,
    `x: ${bytes(dice, 10).toString("latin1")}`,
    "content-length: 3\r\ntransfer-encoding: chunked"
  ])
  return Buffer.from(
    `${method} ${target} ${version}\r\n${header}\r\n\r\n${dice.pick(["", "abc", "zz\r\n", "0\r\n\r\n"])}`
  )
}

/** Messages between nodes that are right in form, and say odd things. */
const rpc = (dice: Random): Buffer => {
  const payload = dice.below(3) === 0 ? bytes(dice, dice.below(40)) : payloadOf(dice)
  const id = dice.pick(["0", "1", "", "x", "9".repeat(40)])
  const tag = dice.pick(["Ping", "Notify", "Effect", "Stream", "Envelope", "none", "__proto__", ""])
  const frame = frameOf(
    dice.pick<object>([
      { _tag: "Request", id, tag, payload, headers: dice.pick([[], [["__proto__", "x"]]]) },
      { _tag: "Request", id, tag, payload, headers: [], traceId: "x", spanId: "", sampled: true },
      { _tag: "Ack", requestId: id },
      { _tag: "Interrupt", requestId: id },
      { _tag: "Ping" },
      { _tag: "Eof" },
      { _tag: "Exit", requestId: id, exit: payload }
    ])
  )
  if (dice.below(4) === 0) frame[dice.below(frame.length)] = dice.below(256)
  return frame
}

const serialization = Effect.runSync(
  Effect.scoped(Effect.provide(RpcSerialization.RpcSerialization, RpcSerialization.layerSchemaBinary()))
)

const { encode } = serialization.makeUnsafe()
const frameOf = (message: object): Buffer => Buffer.from(encode(message) as Uint8Array)

const encodePayload = Schema.encodeSync(
  serialization.codecFor(Runners.Rpcs.requests.get("Effect")!.payloadSchema) as any
)

const payloadOf = (dice: Random): Uint8Array =>
  encodePayload({
    request: {
      _tag: "Request",
      requestId: Snowflake.Snowflake(BigInt(dice.below(9))),
      address: EntityAddress.make({
        shardId: ShardId.make(dice.pick(["default", "", "x"]), dice.below(200)),
        entityType: EntityType.make(dice.pick(["test/Journal", "test/Leader", "none", ""])),
        entityId: EntityId.make(dice.pick(["a", "", "\u0000", "k".repeat(5000)]))
      }),
      tag: dice.pick(["note", "items", "durable", "die", "~stop", "~wake", "__proto__", "constructor", ""]),
      payload: Buffer.from(dice.pick(["null", "[]", '["x"]', "[1]", '{"id":"x"}', "", "{"])),
      headers: Headers.empty
    },
    persisted: dice.below(2) === 0
  }) as Uint8Array

type Write = (dice: Random) => Buffer

/** Sends a few requests on one connection, whole or in part, and leaves in one way or another. Gives their number. */
const send = async (dice: Random, port: number, write: Write, proven: boolean): Promise<number> => {
  const connection = Net.connect({ host: "127.0.0.1", port })
  connection.on("error", () => {})
  if (proven) await Effect.runPromise(Effect.ignore(handshake.connect(connection, "", "messages")))
  const count = 1 + dice.below(20)
  for (let i = 0; i < count; i++) {
    const all = dice.below(8) === 0 ? bytes(dice, dice.below(200)) : write(dice)
    connection.write(dice.below(8) === 0 ? all.subarray(0, dice.below(all.length + 1)) : all)
  }
  if (dice.below(10) === 0) connection.resetAndDestroy()
  else if (dice.below(3) === 0) connection.end()
  connection.resume()
  await new Promise<void>((resolve) => {
    setTimeout(resolve, PATIENCE)
    connection.once("close", resolve)
  })
  connection.destroy()
  return count
}

const flood = (port: number, write: Write, proven = false) =>
  Effect.promise(async () => {
    let sent = 0
    const work = async (_: unknown, index: number) => {
      const dice = random(seed + index)
      while (sent < REQUESTS) {
        const count = await send(dice, port, write, proven)
        sent += count
      }
    }
    await Promise.all(Array.from({ length: AT_A_TIME }, work))
  })

/** A node in this process, where an error that is thrown in a callback fails the test run. */
const node = (options: { readonly secret?: string }) =>
  Effect.gen(function* () {
    const { storage } = yield* nodes
    const [port, health] = [yield* freePort, yield* freePort]
    yield* Effect.forkScoped(
      ClusterNode.launch(Actors, { storage, port, drainTimeout: "1 second", health: { port: health }, ...options })
    )
    yield* Effect.repeat(ready(health), { until: (is) => is, schedule: Schedule.spaced("20 millis") })
    return { port, health, client: clientOf(storage, options) }
  })

const ready = (port: number) =>
  Effect.promise(() =>
    fetch(`http://127.0.0.1:${port}/ready`).then(
      ({ status }) => status === 200,
      () => false
    )
  )

/** Real calls go on while strangers do something, and the node answers when they are done. */
const unimpressed = (
  { client, health }: { readonly health: number; readonly client: Layer.Layer<Journal, any> },
  strangers: Effect.Effect<unknown>
) =>
  Effect.gen(function* () {
    const journal = yield* Journal.get("traffic")
    let over = false
    const traffic = yield* Effect.forkChild(Effect.repeat(journal.note("x"), { until: () => over }))
    yield* strangers
    over = true
    yield* Fiber.join(traffic)
    assert.isTrue(yield* ready(health))
  }).pipe(Effect.provide(client))

describe(`10,000 odd requests (TROUPE_SEED=${seed})`, () => {
  it.live("to the port that says how a node is do not end it, and calls go on", () =>
    Effect.gen(function* () {
      const one = yield* node({})
      // The two that have ended one.
      for (const target of ["//", "http://"]) {
        const connection = Net.connect({ host: "127.0.0.1", port: one.health })
        connection.write(`GET ${target} HTTP/1.1\r\nhost: a\r\n\r\n`)
        const [answer] = yield* Effect.promise(() => once(connection, "data"))
        assert.match(String(answer), /404/)
        connection.destroy()
      }
      yield* unimpressed(one, flood(one.health, http))
    })
  )

  it.live("to the port of a node with a secret do not end it, and calls go on", () =>
    Effect.gen(function* () {
      const one = yield* node({ secret: SECRET })
      yield* unimpressed(one, flood(one.port, rpc))
    })
  )

  it.live("to the port of a node without a secret, which lets strangers in, do not end it, and calls go on", () =>
    Effect.gen(function* () {
      const one = yield* node({})
      yield* unimpressed(one, flood(one.port, rpc, true))
    })
  )
})

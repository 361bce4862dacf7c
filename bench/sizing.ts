/**
 * What docs/production.md says a key, a call and a connection cost: `npm run bench:sizing`.
 *
 * A node and its callers are processes of their own, as they are in production. Storage is Postgres where a local server lets
 * us in, or where DATABASE_URL says, else a SQLite file.
 */
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import * as PgClient from "@effect/sql-pg/PgClient"
import { ClusterHome, Delivery, DurableState } from "@troupe/cluster"
import { Actor, type ObjectRef } from "@troupe/core"
import { Effect, Layer, ManagedRuntime, Redacted, Schema } from "effect"
import type { SqlClient } from "effect/sql"
import { testDatabase } from "../scripts/testDatabase.ts"
import { collectGarbage } from "./harness.ts"
import { printTable } from "./report.ts"

const PORT = 34_900 + (process.pid % 90)
const KEYS = 5000
const CALLS = 20_000
const CLIENTS = 20

// --- the actors ------------------------------------------------------------------------------------------------------

class Room extends Actor.Keyed<Room>()("sizing/Room", {
  make: (_: string) => Effect.succeed({ say: (text: string) => Effect.succeed(text.length) }),
  maxInstances: Number.POSITIVE_INFINITY
}) {}

class Account extends Actor.Keyed<Account>()("sizing/Account", {
  key: Schema.String,
  methods: {
    get: Actor.method({ success: Schema.Int }),
    hold: Actor.method(),
    add: Delivery.durable(Actor.method({ args: [Schema.Int], success: Schema.Int })),
    save: Actor.method({ args: [Schema.Int], success: Schema.Int })
  }
}) {}

const AccountLive = Account.toLayer(
  Effect.fnUntraced(function* () {
    const state = yield* DurableState.make(Schema.Int, { initial: 0 })
    return Account.of({
      get: () => Effect.orDie(state.get),
      hold: () => Effect.never,
      add: (by: number) => Effect.succeed(by),
      save: (by: number) => Effect.orDie(state.updateAndGet((n) => n + by))
    })
  }),
  // All keys stay until the end: what they free would be counted as the cost of something else.
  { maxConcurrency: 1, idleTimeToLive: "1 hour", concurrencyGroups: { held: { maxConcurrency: 1, methods: ["hold"] } } }
)

// --- processes -------------------------------------------------------------------------------------------------------

type Storage = { readonly file: string } | { readonly url: string }

const heap = async (): Promise<number> => {
  for (let i = 0; i < 3; i++) {
    collectGarbage()
    await setTimeout(50)
  }
  return process.memoryUsage().heapUsed
}

/** A node, which tells its heap when it is asked. */
const serve = async (storage: Storage): Promise<void> => {
  const node = ClusterHome.layer(Account, AccountLive).pipe(
    Layer.provide(DurableState.layer),
    Layer.provide(ClusterHome.layerNode({ storage, port: PORT, maxInstances: Number.POSITIVE_INFINITY }))
  )
  const runtime = ManagedRuntime.make(node)
  await runtime.context()
  process.on("message", async () => process.send!({ heap: await heap() }))
  process.once("SIGTERM", () => void runtime.dispose().then(() => process.exit()))
  process.send!({ up: true })
}

const started = async (storage: Storage): Promise<ChildProcess> => {
  const child = fork(import.meta.filename, ["node", JSON.stringify(storage)])
  await once(child, "message")
  return child
}

const heapOf = async (node: ChildProcess): Promise<number> => {
  node.send("heap")
  const [answer] = await once(node, "message")
  return answer.heap
}

const clientOf = (storage: Storage) =>
  ManagedRuntime.make(Layer.provideMerge(ClusterHome.client(Account), ClusterHome.layerClient({ storage })))

// --- figures ---------------------------------------------------------------------------------------------------------

const lines: Array<{ readonly name: string; readonly cells: ReadonlyArray<string> }> = []
const report = (name: string, figure: string) => lines.push({ name, cells: [figure] })
const kB = (bytes: number) => `${(bytes / 1000).toFixed(1)} kB`

const each = <A, R>(n: number, concurrency: number, call: (i: number) => Effect.Effect<A, unknown, R>) =>
  Effect.forEach(
    Array.from({ length: n }, (_, i) => i),
    call,
    { concurrency, discard: true }
  )

const keyed = Effect.gen(function* () {
  const rooms = yield* Room
  const ask = (i: number) => rooms.get(`room-${i}`).say("hello")
  yield* each(100, 1, ask)
  const before = yield* Effect.promise(heap)
  yield* each(KEYS, 1, (i) => ask(100 + i))
  report("a key of Actor.Keyed, idle", kB(((yield* Effect.promise(heap)) - before) / KEYS))
})

/** Calls of a client that wait on the node, until the client ends. */
const waitingCalls = (node: ChildProcess) =>
  Effect.gen(function* () {
    const account = (yield* Account).get("held")
    const pending: Array<ObjectRef.ObjectRef<void, unknown>> = [yield* account.hold.remote()]
    yield* Effect.sleep("1 second")
    const before = yield* Effect.promise(() => Promise.all([heap(), heapOf(node)]))
    for (let i = 0; i < KEYS; i++) pending.push(yield* account.hold.remote())
    yield* Effect.sleep("5 seconds")
    const after = yield* Effect.promise(() => Promise.all([heap(), heapOf(node)]))
    report("a call that waits: its caller's process", kB((after[0] - before[0]) / KEYS))
    report("a call that waits: the node", kB((after[1] - before[1]) / KEYS))
  })

const perSecond = <A, R>(
  what: string,
  n: number,
  concurrency: number,
  call: (i: number) => Effect.Effect<A, unknown, R>
) =>
  Effect.gen(function* () {
    yield* each(n / 10, concurrency, call)
    const start = performance.now()
    yield* each(n, concurrency, call)
    report(what, `${Math.round((n * 1000) / (performance.now() - start))} a second`)
  })

const cluster = async (storage: Storage, sizes: (table: string) => Promise<number>) => {
  const node = await started(storage)
  const client = clientOf(storage)
  const run = <A>(effect: Effect.Effect<A, unknown, Account>) => client.runPromise(effect)
  const ask = (i: number) => Effect.flatMap(Account, (accounts) => accounts.get(`key-${i}`).get())
  await run(each(100, 10, ask))
  const before = await heapOf(node)
  await run(each(KEYS, 100, (i) => ask(100 + i)))
  report("a key on a node, idle, with a durable state", kB(((await heapOf(node)) - before) / KEYS))

  await run(perSecond("calls over a socket, 1,000 in flight, 100 keys", CALLS, 1000, (i) => ask(i % 100)))
  const save = (i: number) => Effect.flatMap(Account, (accounts) => accounts.get(`key-${i % 100}`).save(1))
  await run(perSecond("changes of durable states, 100 in flight, 100 keys", CALLS / 10, 100, save))
  const durable = (i: number) => Effect.flatMap(Account, (accounts) => accounts.get(`key-${i % 100}`).add(1))
  await run(perSecond("durable calls, 100 in flight, 100 keys", CALLS / 10, 100, durable))
  report("connections to the storage of a node and a caller, both busy", `${await sizes("connections")}`)
  const stored = (await sizes("cluster_messages")) + (await sizes("cluster_replies"))
  report("a durable call with its result, in storage", kB(stored / ((CALLS / 10) * 1.1)))
  report("a durable state, in storage", kB((await sizes("troupe_state")) / (KEYS + 100)))
  await client.dispose()

  const holder = clientOf(storage)
  await holder.runPromise(waitingCalls(node))
  await holder.dispose()

  const [alone, connections] = [await heapOf(node), await sizes("connections")]
  const clients = Array.from({ length: CLIENTS }, () => clientOf(storage))
  for (const [i, one] of clients.entries()) await one.runPromise(ask(i))
  report("a process that is connected: the node", kB(((await heapOf(node)) - alone) / CLIENTS))
  const more = (await sizes("connections")) - connections
  report("connections to the storage of a caller that is idle", `${more / CLIENTS}`)
  for (const one of clients) await one.dispose()
  node.kill("SIGTERM")
  await once(node, "exit")
}

// --- storages --------------------------------------------------------------------------------------------------------

const main = async () => {
  const room = ManagedRuntime.make(Room.layer)
  await room.runPromise(keyed)
  await room.dispose()
  const database = await testDatabase()
  if (database.url === undefined) {
    const folder = mkdtempSync(join(tmpdir(), "troupe-sizing-"))
    const file = join(folder, "cluster.db")
    await cluster({ file }, async () => statSync(file).size)
    rmSync(folder, { recursive: true })
  } else {
    const sql = ManagedRuntime.make(PgClient.layer({ url: Redacted.make(database.url) }))
    const sizeOf = (table: string) =>
      Effect.flatMap(PgClient.PgClient, (sql: SqlClient.SqlClient) =>
        table === "connections"
          ? sql<{
              n: string
            }>`SELECT count(*) AS n FROM pg_stat_activity WHERE application_name = 'troupe' AND datname = current_database()`
          : sql<{ n: string }>`SELECT pg_total_relation_size(${table}) AS n`
      )
    await cluster({ url: database.url }, async (table) => Number((await sql.runPromise(sizeOf(table)))[0]!.n))
    await sql.dispose()
  }
  await database.drop()
  console.log(printTable({ title: "sizing", columns: ["what", "figure"], lines }))
}

if (process.argv[2] === "node") await serve(JSON.parse(process.argv[3]!))
else await main()

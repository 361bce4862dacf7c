/**
 * What the cluster home costs, next to an `Entity` of effect/cluster written by hand on the very same node.
 *
 * `node --conditions=@troupe/source bench/cluster.ts` prints a table; rows on Postgres need a local server that lets us in,
 * or DATABASE_URL. There the Entity runs on Effect's own node, since ours stores the calls of any entity. Contenders take turns, round by round, so that a
 * noisy moment of the machine hits both; a figure is the median of its rounds, and a ratio is between two medians.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import * as Net from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as ClusterHome from "@troupe/cluster/ClusterHome"
import * as Delivery from "@troupe/cluster/Delivery"
import * as Actor from "@troupe/core/Actor"
import { Effect, Layer, ManagedRuntime, Redacted, Schema, Stream } from "effect"
import {
  ClusterSchema,
  Entity,
  RunnerHealth,
  Runners,
  Sharding,
  ShardingConfig,
  SqlMessageStorage,
  SqlRunnerStorage
} from "effect/cluster"
import { Rpc } from "effect/rpc"
import { testDatabase } from "../scripts/testDatabase.ts"

const quick = process.argv.includes("--quick")
const ROUNDS = quick ? 3 : 9
const PORT = 34_500 + (process.pid % 400)

// --- the same counter twice ------------------------------------------------------------------------------------------

class Counter extends Actor.Keyed<Counter>()("bench/Counter", {
  key: Schema.String,
  methods: {
    add: Actor.method({ args: [Schema.Int], success: Schema.Int }),
    addDurable: Delivery.durable(Actor.method({ args: [Schema.Int], success: Schema.Int })),
    wait: Actor.method(),
    items: Actor.method({ args: [Schema.Int], success: Schema.Int, stream: true })
  }
}) {}

/** As a method that asks somebody else. */
const wait = () => Effect.sleep("1 millis")

const items = (count: number) => Stream.range(1, count).pipe(Stream.rechunk(1))

const CounterLive = Counter.toLayer(
  () =>
    Effect.sync(() => {
      let count = 0
      const add = (by: number) => Effect.sync(() => (count += by))
      return Counter.of({ add, addDurable: add, wait, items })
    }),
  { maxConcurrency: 1, concurrencyGroups: { waits: { maxConcurrency: 1000, methods: ["wait"] } } }
)

const ByHand = Entity.make("bench/ByHand", [
  Rpc.make("add", { payload: { by: Schema.Int }, success: Schema.Int }),
  Rpc.make("addDurable", {
    payload: { id: Schema.String, by: Schema.Int },
    success: Schema.Int,
    primaryKey: ({ id }) => id
  }).annotate(ClusterSchema.Persisted, true),
  Rpc.make("wait"),
  Rpc.make("items", { payload: { count: Schema.Int }, success: Schema.Int, stream: true })
])

const ByHandLive = ByHand.toLayer(
  Effect.sync(() => {
    let count = 0
    const add = ({ payload }: { readonly payload: { readonly by: number } }) => Effect.sync(() => (count += payload.by))
    return ByHand.of({ add, addDurable: add, wait, items: ({ payload }) => items(payload.count) })
  })
)

const Actors = Layer.merge(ClusterHome.layer(Counter, CounterLive), ByHandLive)

// --- measuring -------------------------------------------------------------------------------------------------------

type Work = Effect.Effect<unknown, unknown>

/** Microseconds for each call. */
const time = async (run: (work: Work) => Promise<unknown>, work: Work, calls: number): Promise<number> => {
  const start = performance.now()
  await run(work)
  return ((performance.now() - start) * 1000) / calls
}

const median = (values: ReadonlyArray<number>): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!

const compare = async (run: (work: Work) => Promise<unknown>, works: ReadonlyArray<Work>, calls: number) => {
  const samples: Array<Array<number>> = works.map(() => [])
  for (const work of works) await run(work)
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, work] of works.entries()) samples[index]!.push(await time(run, work, calls))
  }
  return samples.map(median)
}

const oneByOne = (calls: number, call: () => Work): Work => Effect.repeat(Effect.suspend(call), { times: calls - 1 })

const together = (calls: number, call: (index: number) => Work, concurrency = 1000): Work =>
  Effect.forEach(Array.from({ length: calls }), (_, index) => call(index), { concurrency, discard: true })

const number = (value: number): string => value.toLocaleString("en", { maximumFractionDigits: value < 100 ? 1 : 0 })
const rate = (micros: number): string => `${number(1_000_000 / micros)}/s`

const rows: Array<readonly [what: string, byHand: string, ours: string, ratio: string, wanted: string]> = []

const latencyRow = (what: string, [byHand, ours]: ReadonlyArray<number>, wanted: string) =>
  rows.push([what, `${number(byHand!)} µs`, `${number(ours!)} µs`, (ours! / byHand!).toFixed(2), wanted])

const rateRow = (what: string, [byHand, ours]: ReadonlyArray<number>, wanted: string) =>
  rows.push([what, rate(byHand!), rate(ours!), (byHand! / ours!).toFixed(2), wanted])

type Runtime = Pick<ManagedRuntime.ManagedRuntime<never, unknown>, "runPromise">
type Calls = ReadonlyArray<() => Work>

/** Of calls one after the other. */
const latency = async (what: string, { runPromise }: Runtime, works: Calls, calls: number, wanted: string) => {
  const all = works.map((call) => oneByOne(calls, call))
  latencyRow(what, await compare(runPromise, all, calls), wanted)
}

/** Of calls that are in flight together. */
const throughput = async (what: string, { runPromise }: Runtime, works: Calls, calls: number, wanted: string) => {
  const all = works.map((call) => together(calls, call))
  rateRow(what, await compare(runPromise, all, calls), wanted)
}

const callers = Effect.gen(function* () {
  const actor = yield* Counter.get("hot")
  const entity = (yield* ByHand.client)("hot")
  let id = 0
  // Ids of an earlier run are in the file still.
  const run = `${process.pid}-${Date.now()}`
  return {
    add: [() => entity.add({ by: 1 }), () => actor.add(1)],
    addDurable: [() => entity.addDurable({ id: `${run}-${++id}`, by: 1 }), () => actor.addDurable(1)],
    wait: [() => entity.wait(undefined), () => actor.wait()],
    items: [
      (count: number) => Stream.runDrain(entity.items({ count })),
      (count: number) => Stream.runDrain(actor.items(count))
    ]
  } as const
})

// --- in one process --------------------------------------------------------------------------------------------------

const inProcess = async (file: string) => {
  const begun = performance.now()
  const runtime = ManagedRuntime.make(Actors.pipe(Layer.provideMerge(ClusterHome.layerLocal({ file }))))
  const { add, addDurable, wait } = await runtime.runPromise(callers)
  await runtime.runPromise(add[1]())
  rows.push(["layerLocal: start to first answer", "", `${number(performance.now() - begun)} ms`, "", "< 500 ms"])

  const asks = quick ? 2000 : 10_000
  await latency("ask, one after the other", runtime, add, asks, "<= 1.1")
  await throughput("hot actor, one call at a time, 1000 in flight", runtime, add, asks, ">= 2.5")
  // An entity takes one call at a time unless it is told otherwise, an actor a thousand.
  const waiting = 200
  await throughput("hot actor, calls that wait 1 ms, 200 in flight", runtime, wait, waiting, ">= 2.5")
  const durable = quick ? 100 : 500
  await latency("durable ask, SQLite file", runtime, addDurable, durable, "<= 1.15")
  await runtime.dispose()
}

// --- over sockets ----------------------------------------------------------------------------------------------------

const startNode = (file: string): Promise<ChildProcess> =>
  new Promise((resolve, reject) => {
    const node = spawn(
      process.execPath,
      [...process.execArgv, fileURLToPath(import.meta.url), "--node", file, String(PORT)],
      {
        stdio: ["ignore", "inherit", "inherit", "ipc"]
      }
    )
    node.once("message", () => resolve(node))
    node.once("exit", (code) => reject(new Error(`The node ended with ${code}`)))
  })

const serve = (file: string, port: number) => {
  const up = Layer.effectDiscard(Effect.sync(() => process.send?.("up")))
  const node = up.pipe(Layer.provide(Actors), Layer.provide(ClusterHome.layerNode({ storage: { file }, port })))
  NodeRuntime.runMain(Layer.launch(node))
}

const overSockets = async (file: string) => {
  const node = await startNode(file)
  const client = Layer.provideMerge(ClusterHome.client(Counter), ClusterHome.layerClient({ storage: { file } }))
  const runtime = ManagedRuntime.make(client)
  const { add, addDurable, items } = await runtime.runPromise(callers)
  const asks = quick ? 200 : 1000
  await latency("ask over a socket", runtime, add, asks, "<= 1.1")
  const durable = quick ? 50 : 200
  await latency("durable ask over a socket, SQLite file", runtime, addDurable, durable, "<= 1.15")
  const frame = await echo()
  await throughput("ask over a socket, 1000 in flight", runtime, add, 5 * asks, ">= 1")
  const [one] = await compare(runtime.runPromise, [oneByOne(asks, () => frame.there)], asks)
  const [many] = await compare(runtime.runPromise, [together(5 * asks, add[1])], 5 * asks)
  latencyRow("of 1000 in flight, to one frame on a plain socket", [one!, many!], "<= 1.3")
  frame.close()
  const chunks = 200
  rateRow(
    "stream over a socket, chunks",
    await compare(
      runtime.runPromise,
      items.map((call) => call(chunks)),
      chunks
    ),
    ">= 200/s"
  )
  await runtime.dispose()
  node.kill("SIGTERM")
}

// --- many in flight over a socket, next to a frame on a plain one ----------------------------------------------------

const FRAME = Buffer.alloc(100)

/** Sends a frame and waits until as much has come back. */
const echo = async () => {
  const server = Net.createServer({ noDelay: true }, (connection) => connection.pipe(connection))
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as Net.AddressInfo
  const connection = Net.connect({ host: "127.0.0.1", port, noDelay: true })
  await new Promise((resolve) => connection.once("connect", resolve))
  const there = Effect.callback<void>((resume) => {
    let left = FRAME.length
    const take = (bytes: Buffer) => {
      left -= bytes.length
      if (left > 0) return
      connection.off("data", take)
      resume(Effect.void)
    }
    connection.on("data", take)
    connection.write(FRAME)
  })
  return { there, close: () => server.close(() => {}) && connection.destroy() }
}

// --- durable calls on Postgres ---------------------------------------------------------------------------------------

/** A node of Effect's own, with tables of its own. */
const plainNode = (url: string, prefix: string) =>
  ByHandLive.pipe(
    Layer.provideMerge(Sharding.layer),
    Layer.provideMerge(Runners.layerNoop),
    Layer.provideMerge(SqlMessageStorage.layerWith({ prefix })),
    Layer.provide([SqlRunnerStorage.layerWith({ prefix }), RunnerHealth.layerNoop]),
    Layer.provide([ShardingConfig.layer(), NodeCrypto.layer]),
    Layer.provide(PgClient.layer({ url: Redacted.make(url) }))
  )

const onPostgres = async (url: string) => {
  const plain = ManagedRuntime.make(plainNode(url, "plain"))
  const ours = ManagedRuntime.make(
    ClusterHome.layer(Counter, CounterLive).pipe(
      Layer.provideMerge(ClusterHome.layerNode({ storage: { url }, port: PORT + 1 }))
    )
  )
  const entity = await plain.runPromise(ByHand.client)
  const run = `${process.pid}-${Date.now()}`
  let id = 0
  const works = (calls: number, keys: number, inFlight: number): ReadonlyArray<Work> => [
    Effect.promise(() =>
      plain.runPromise(
        together(calls, (n) => entity(`key ${n % keys}`).addDurable({ id: `${run}-${++id}`, by: 1 }), inFlight)
      )
    ),
    Effect.promise(() =>
      ours.runPromise(
        Effect.flatMap(Counter, (counter) =>
          together(calls, (n) => counter.get(`key ${n % keys}`).addDurable(1), inFlight)
        )
      )
    )
  ]
  const calls = quick ? 200 : 500
  for (const keys of [1, 100]) {
    const what = `durable, 100 in flight, ${keys === 1 ? "one key" : `${keys} keys`}, Postgres`
    rateRow(what, await compare(Effect.runPromise, works(calls, keys, 100), calls), ">= 3")
  }
  await Promise.all([plain.dispose(), ours.dispose()])
}

const print = () => {
  const table = [["", "Entity by hand", "Troupe", "ratio", "wanted"], ...rows]
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)))
  for (const row of table)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join("  ")
        .trimEnd()
    )
}

if (process.argv[2] === "--node") serve(process.argv[3]!, Number(process.argv[4]))
else {
  const directory = mkdtempSync(join(tmpdir(), "troupe-bench-"))
  try {
    await inProcess(join(directory, "local.db"))
    await overSockets(join(directory, "shared.db"))
    const database = await testDatabase()
    if (database.url !== undefined) await onPostgres(database.url)
    await database.drop()
    print()
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/**
 * What a call over a WebSocket on loopback costs, next to Effect's rpc by hand with the same codec and the same method.
 *
 * `npm run bench:remote` prints a table. Both are served by one process and called from another. They take turns, round by
 * round; a figure is the median of its rounds, and a ratio is between two medians. `--cpu` takes the CPU time of both
 * processes in place of the wall, for a machine that does other work as well.
 */
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { RemoteHome } from "@troupe/remote"
import { Effect, Layer, ManagedRuntime } from "effect"
import { RpcClient, RpcSerialization } from "effect/rpc"
import { Socket } from "effect/socket"
import { Adder, ByHand, paths } from "./adder.ts"

const byCpu = process.argv.includes("--cpu")
const ROUNDS = process.argv.includes("--quick") ? 3 : 9
const IN_A_ROW = 2000
const IN_FLIGHT = 1000
const WAVES = 10

type Add = (by: number) => Effect.Effect<number, unknown>

const rpcClient = (url: string) =>
  RpcClient.layerProtocolSocket().pipe(
    Layer.provide([Socket.layerWebSocket(url), RpcSerialization.layerNdjson]),
    Layer.provide(Socket.layerWebSocketConstructorGlobal)
  )

/** Adds one, so many times; the counter then says how often it was called, if each call ran once. */
const inARow = (add: Add): Effect.Effect<number, unknown> =>
  Effect.gen(function* () {
    let last = 0
    for (let i = 0; i < IN_A_ROW; i++) last = yield* add(1)
    return last
  })

const inFlight = (add: Add): Effect.Effect<number, unknown> =>
  Effect.gen(function* () {
    let last = 0
    for (let wave = 0; wave < WAVES; wave++) {
      const all = Array.from({ length: IN_FLIGHT }, () => add(1))
      last = Math.max(...(yield* Effect.all(all, { concurrency: "unbounded" })))
    }
    return last
  })

const rows = [
  { what: "one after the other", work: inARow, calls: IN_A_ROW, wanted: "at most 1.2" },
  { what: `${IN_FLIGHT} in flight`, work: inFlight, calls: IN_FLIGHT * WAVES, wanted: "below 1" }
]

const cpuOf = async (server: ChildProcess): Promise<number> => {
  server.send("cpu")
  const [{ cpu }] = await once(server, "message")
  const { system, user } = process.cpuUsage()
  return cpu + user + system
}

const timeOf = async (server: ChildProcess): Promise<number> => (byCpu ? cpuOf(server) : performance.now() * 1000)

const median = (values: ReadonlyArray<number>): number => values.toSorted((a, b) => a - b)[values.length >> 1]!

const contenders = Effect.gen(function* () {
  const rpc = yield* RpcClient.make(ByHand, { disableTracing: true })
  const actor = yield* Adder
  const add: Add = (by) => rpc.add({ by })
  return [
    { name: "Effect's rpc, by hand", add, count: 0 },
    { name: "RemoteHome", add: ((by) => actor.add(by)) as Add, count: 0 }
  ]
})

const compare = (server: ChildProcess, { calls, wanted, what, work }: (typeof rows)[number]) =>
  Effect.gen(function* () {
    const lanes = yield* contenders
    const samples = lanes.map((): Array<number> => [])
    // The counters go on from row to row.
    for (const lane of lanes) lane.count = (yield* lane.add(1)) as number
    for (let round = -1; round < ROUNDS; round++) {
      for (const [index, lane] of lanes.entries()) {
        const start = yield* Effect.promise(() => timeOf(server))
        const last = yield* work(lane.add)
        const spent = ((yield* Effect.promise(() => timeOf(server))) - start) / calls
        lane.count += calls
        if (last !== lane.count) throw new Error(`${lane.name} gave ${last} instead of ${lane.count}`)
        if (round >= 0) samples[index]!.push(spent)
      }
    }
    const [rpc, actor] = samples.map(median) as [number, number]
    return {
      [`${byCpu ? "CPU" : "wall"}, µs per call`]: what,
      "Effect's rpc": rpc.toFixed(1),
      RemoteHome: actor.toFixed(1),
      ratio: (actor / rpc).toFixed(2),
      wanted
    }
  })

const server = fork(new URL("./server.ts", import.meta.url), { execArgv: process.execArgv })
const [{ port }] = await once(server, "message")
const runtime = ManagedRuntime.make(
  Layer.merge(
    rpcClient(`ws://127.0.0.1:${port}${paths.rpc}`),
    RemoteHome.client(Adder, { url: `ws://127.0.0.1:${port}${paths.actor}` })
  )
)
console.table(await runtime.runPromise(Effect.scoped(Effect.forEach(rows, (row) => compare(server, row)))))
await runtime.dispose()
server.disconnect()

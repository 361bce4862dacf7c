/**
 * What an idle connection costs the server, and how long one publication takes to reach all of them:
 *
 *     npx node --conditions=@troupe/source packages/remote/bench/idle.ts [connections]
 *
 * Each connection is a WebSocket with one subscription. The server and its clients are processes of their own; the server
 * measures its own heap after a collection. Beside it stand the same sockets without us: those of Effect that read nothing,
 * and Effect's rpc with one stream each.
 */
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { createServer } from "node:http"
import { fileURLToPath } from "node:url"
import { NodeHttpServer } from "@effect/platform-node"
import { Actor, Broadcast } from "@troupe/core"
import { RemoteHome } from "@troupe/remote"
import { Effect, Layer, Queue, Schema, Stream } from "effect"
import { HttpRouter, HttpServer, HttpServerRequest, HttpServerResponse } from "effect/http"
import { Rpc, RpcGroup, RpcSerialization, RpcServer } from "effect/rpc"
import { WebSocket } from "ws"

// --- the servers -----------------------------------------------------------------------------------------------------

class Room extends Actor.Service<Room>()("bench/Room", {
  methods: { changes: Actor.subscription({ item: Schema.Number }) }
}) {}

/** What publishes an item to all who read. */
type Publish = (item: number) => Effect.Effect<void>

let publish: Publish = () => Effect.void

const RoomLive = Room.toLayer(
  Effect.map(Broadcast.make<number>(), (changes) => {
    publish = changes.publish
    return { changes }
  })
)

const troupe = RemoteHome.serve(Room, { expose: ["changes"], limits: { connectionsPerPeer: Infinity } }).pipe(
  Layer.provide(RoomLive)
)

const queues = new Set<Queue.Enqueue<number>>()

class Changes extends RpcGroup.make(
  Rpc.make("bench/Room.changes", { payload: {}, success: Schema.Number, stream: true })
) {}

const rpc = RpcServer.layerHttp({ group: Changes, path: "/actors", protocol: "websocket", disableTracing: true }).pipe(
  Layer.provide(
    Changes.toLayer({
      "bench/Room.changes": () =>
        Stream.callback<number>((queue) => {
          queues.add(queue)
          publish = (item) =>
            Effect.sync(() => {
              for (const queue of queues) Queue.offerUnsafe(queue, item)
            })
          return Effect.onExit(Effect.never, () => Effect.sync(() => queues.delete(queue)))
        })
    })
  ),
  Layer.provide(RpcSerialization.layerJson)
)

const bare = HttpRouter.use((router) =>
  router.add(
    "GET",
    "/actors",
    Effect.gen(function* () {
      const request = yield* HttpServerRequest.HttpServerRequest
      const { pull } = yield* (yield* request.upgrade).reader
      yield* Effect.ignore(Effect.forever(pull))
      return HttpServerResponse.empty()
    })
  )
)

const servers = { bare, rpc, troupe }
type Kind = keyof typeof servers

const heap = (): number => {
  for (let i = 0; i < 4; i++) globalThis.gc!()
  return process.memoryUsage().heapUsed
}

const server = (kind: Kind): Promise<void> => {
  const listening = NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1", backlog: 4096 })
  const served = HttpRouter.serve(servers[kind] as Layer.Layer<never, never, HttpRouter.HttpRouter>, {
    disableLogger: true,
    disableListenLog: true
  })
  // The benchmark is over, or has failed.
  process.on("disconnect", () => process.exit())
  const program = Effect.gen(function* () {
    const { address } = yield* HttpServer.HttpServer
    process.on("message", (message) => {
      if (message === "heap") process.send!(heap())
      if (message === "publish") {
        const at = performance.timeOrigin + performance.now()
        void Effect.runPromise(publish(1)).then(() => process.send!(at))
      }
    })
    process.send!((address as unknown as { readonly port: number }).port)
    return yield* Effect.never
  })
  return Effect.runPromise(Effect.provide(program, Layer.provideMerge(served, listening)))
}

// --- the clients -----------------------------------------------------------------------------------------------------

const SUBSCRIBE = JSON.stringify({ _tag: "Request", id: "1", tag: "bench/Room.changes", payload: {}, headers: [] })
const ACK = JSON.stringify({ _tag: "Ack", requestId: "1" })
/** How many connect at a time. */
const CONNECTING = 100

const clients = async (port: number, connections: number): Promise<void> => {
  let received = 0
  const connect = async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/actors`, { perMessageDeflate: false })
    await once(socket, "open")
    socket.send(SUBSCRIBE)
    socket.on("message", (data: Buffer) => {
      if (!data.includes("Chunk")) return
      socket.send(ACK)
      if (++received % connections === 0) process.send!(performance.timeOrigin + performance.now())
    })
    // A request that is answered at once shows that the one before was taken up.
    socket.ping()
    await once(socket, "pong")
  }
  for (let left = connections; left > 0; left -= CONNECTING)
    await Promise.all(Array.from({ length: Math.min(CONNECTING, left) }, connect))
  process.send!("connected")
}

// --- the measurement -------------------------------------------------------------------------------------------------

export interface Idle {
  /** Bytes of heap for each connection. */
  readonly heap: number
  /** Milliseconds from the publication until the last client has it. The first includes what is compiled on the way. */
  readonly publish: ReadonlyArray<number>
}

const told = async (child: ChildProcess, message?: string): Promise<any> => {
  const answer = once(child, "message")
  if (message !== undefined) child.send(message)
  return (await answer)[0]
}

const start = (...args: ReadonlyArray<string | number>): ChildProcess =>
  fork(fileURLToPath(import.meta.url), args.map(String), {
    execArgv: ["--conditions=@troupe/source", "--expose-gc", "--disable-warning=ExperimentalWarning"]
  })

export const measure = async (kind: Kind, connections: number): Promise<Idle> => {
  const serving = start("server", kind)
  try {
    const port = await told(serving)
    // What the first connections make, all later ones share.
    const first = start("clients", port, 10)
    await told(first)
    first.kill()
    await once(first, "exit")
    const before = await told(serving, "heap")
    const calling = start("clients", port, connections)
    try {
      await told(calling)
      const after = await told(serving, "heap")
      const times: Array<number> = []
      for (let i = 0; kind !== "bare" && i < 3; i++) {
        const arrived = told(calling)
        const published = await told(serving, "publish")
        times.push((await arrived) - published)
      }
      return { heap: (after - before) / connections, publish: times }
    } finally {
      calling.kill("SIGKILL")
    }
  } finally {
    serving.kill("SIGKILL")
  }
}

const main = async (connections: number, kinds: ReadonlyArray<string>) => {
  for (const kind of kinds) {
    const { heap, publish } = await measure(kind as Kind, connections)
    const times = publish.map((ms) => `${ms.toFixed(0)} ms`).join(", ")
    console.log(
      `${kind.padEnd(7)} ${connections} connections: ${(heap / 1000).toFixed(1)} kB each; published in ${times || "-"}`
    )
  }
}

const [role, ...rest] = process.argv.slice(2)
if (role === "server") await server(rest[0] as Kind)
else if (role === "clients") await clients(Number(rest[0]), Number(rest[1]))
else if (import.meta.main) await main(Number(role ?? 10_000), rest.length > 0 ? rest : Object.keys(servers))

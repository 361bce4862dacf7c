/**
 * A server as a stranger on the internet sees it, and what a stranger has: sockets, and time.
 */
import { once } from "node:events"
import { createServer } from "node:http"
import * as Net from "node:net"
import { NodeHttpServer } from "@effect/platform-node"
import { Actor, Broadcast, Carried } from "@troupe/core"
import { RemoteHome } from "@troupe/remote"
import { Context, Effect, Exit, Layer, Logger, Schema, Scope, Stream } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { type ClientOptions, WebSocket } from "ws"

/** What no stranger may see. */
export const SECRET = "postgres://admin:hunter2@db.internal"

export const Tenant = Carried.Reference<string | undefined>("test/Tenant", {
  schema: Schema.UndefinedOr(Schema.String),
  defaultValue: () => undefined
})

export class Vault extends Actor.Keyed<Vault>()("test/Vault", {
  key: Schema.String,
  methods: {
    echo: Actor.method({ args: [Schema.Json], success: Schema.Json }),
    tenant: Actor.method({ success: Schema.UndefinedOr(Schema.String) }),
    never: Actor.method(),
    log: Actor.method(),
    big: Actor.method({ args: [Schema.Int], success: Schema.String }),
    boom: Actor.method({ args: [Schema.Literals(["error", "string", "object", "cause"])] }),
    unfit: Actor.method({ success: Schema.Int }),
    count: Actor.method({ args: [Schema.Int], success: Schema.Int, stream: true }),
    stuck: Actor.method({ success: Schema.Int, stream: true }),
    boomStream: Actor.method({ success: Schema.Int, stream: true }),
    unfitStream: Actor.method({ success: Schema.Int, stream: true }),
    news: Actor.subscription({ item: Schema.String }),
    hidden: Actor.method({ success: Schema.String })
  }
}) {}

const defects = {
  error: new Error(SECRET, { cause: new Error(SECRET) }),
  string: SECRET,
  object: { password: SECRET },
  cause: new AggregateError([new Error(SECRET)], SECRET)
}

/** What a server has done, which strangers cannot see. */
export interface Site {
  readonly port: number
  readonly made: Array<string>
  /** Calls that are under way in methods that never end. */
  readonly underWay: Set<object>
  readonly logs: Array<string>
  /** How many long answers it has made. */
  big: number
}

export type Options = Parameters<typeof RemoteHome.serve<typeof Vault, "echo">>[1]

export const EXPOSED = [
  "echo",
  "tenant",
  "never",
  "log",
  "big",
  "boom",
  "unfit",
  "count",
  "stuck",
  "boomStream",
  "unfitStream",
  "news"
] as const

const vaultLive = (site: Site) => {
  const { made, underWay } = site
  const never = Effect.suspend(() => {
    const self = {}
    underWay.add(self)
    return Effect.onExit(Effect.never, () => Effect.sync(() => underWay.delete(self)))
  })
  return Vault.toLayer((key) =>
    Effect.gen(function* () {
      made.push(key)
      if (key === "unmakeable") return yield* Effect.die(defects.error)
      const news = yield* Broadcast.make<string>({ replay: 1 })
      yield* news.publish("hello")
      return Vault.of({
        echo: (value) => Effect.succeed(value),
        tenant: () => Effect.map(Tenant, (tenant) => tenant),
        never: () => never,
        log: () => Effect.logInfo("said"),
        big: (length) =>
          Effect.sync(() => {
            site.big++
            return "x".repeat(length)
          }),
        boom: (how) => Effect.die(defects[how]),
        unfit: () => Effect.succeed(SECRET as any),
        count: (n) => Stream.range(1, n),
        stuck: () => Stream.fromEffect(Effect.as(never, 1)),
        boomStream: () => Stream.concat(Stream.make(1), Stream.die(defects.error)),
        unfitStream: () => Stream.make(1, SECRET as any),
        news,
        hidden: () => Effect.succeed(SECRET)
      })
    })
  )
}

/** Serves the vault while `visit` goes on. */
export const visited = async (
  visit: (site: Site) => Promise<void>,
  options: Record<string, unknown> = {},
  websocket: Record<string, unknown> = {}
): Promise<void> => {
  const site = { port: 0, made: [], underWay: new Set<object>(), logs: [], big: 0 } as Site & { port: number }
  const logger = Logger.map(Logger.formatSimple, (line) => void site.logs.push(line))
  const routes = RemoteHome.serve(Vault, { expose: [...EXPOSED], ...options } as any).pipe(
    Layer.provide(vaultLive(site))
  )
  const listening = NodeHttpServer.layer(createServer, {
    port: 0,
    host: "127.0.0.1",
    gracefulShutdownTimeout: 0,
    websocket
  })
  const server = HttpRouter.serve(routes as any, { disableLogger: true, disableListenLog: true }).pipe(
    Layer.provideMerge(listening),
    Layer.provideMerge(Logger.layer([logger]))
  ) as Layer.Layer<HttpServer.HttpServer>
  const scope = await Effect.runPromise(Scope.make())
  const context = await Effect.runPromise(Layer.buildWithScope(server, scope))
  site.port = (Context.get(context, HttpServer.HttpServer).address as unknown as { readonly port: number }).port
  try {
    await visit(site)
  } finally {
    await Effect.runPromise(Scope.close(scope, Exit.void))
  }
}

// --- a stranger with a WebSocket ---------------------------------------------------------------------------------------

/** A message of Effect's rpc, as it is on the wire. */
export type Message = Record<string, any>

export class Stranger {
  readonly received: Array<Message> = []
  readonly closed: Promise<{ readonly code: number; readonly why: string }>
  private readonly seen: Array<() => void> = []
  readonly socket: WebSocket

  constructor(socket: WebSocket) {
    this.socket = socket
    socket.on("error", () => {})
    socket.on("message", (data) => {
      for (const line of String(data).split("\n")) if (line !== "") this.received.push(JSON.parse(line))
      for (const look of this.seen) look()
    })
    this.closed = new Promise((resolve) =>
      socket.on("close", (code, why) => {
        resolve({ code, why: String(why) })
        for (const look of this.seen) look()
      })
    )
  }

  /** Sends messages as one frame, or what is none. */
  send(...messages: ReadonlyArray<Message | string | Buffer>): void {
    for (const message of messages)
      this.socket.send(typeof message === "string" || Buffer.isBuffer(message) ? message : JSON.stringify(message))
  }

  /** The first message that is so, once it has come. */
  until(is: (message: Message) => boolean): Promise<Message> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = this.received.find(is)
        if (found !== undefined) return resolve(found)
        if (this.socket.readyState === WebSocket.CLOSED) reject(new Error("the connection was closed"))
      }
      this.seen.push(look)
      look()
    })
  }

  /** How a request ends. */
  async exit(id: string | number): Promise<any> {
    return (await this.until(({ _tag, requestId }) => _tag === "Exit" && requestId === id)).exit
  }

  call(id: string | number, method: string, payload: unknown = {}, more: Message = {}): Promise<any> {
    this.send(call(id, method, payload, more))
    return this.exit(id)
  }
}

export const call = (id: unknown, method: string, payload: unknown = {}, more: Message = {}): Message => ({
  _tag: "Request",
  id,
  tag: `test/Vault.${method}`,
  payload: { key: "tea", ...(payload as object) },
  headers: [],
  ...more
})

export const connect = async ({ port }: Site, options: ClientOptions = {}): Promise<Stranger> => {
  const stranger = new Stranger(
    new WebSocket(`ws://127.0.0.1:${port}/actors`, { perMessageDeflate: false, ...options })
  )
  await stranger.until(({ tag }) => tag === "troupe/hello")
  return stranger
}

/** How the server answers the request for a WebSocket. */
export const upgrade = async ({ port }: Site, lines: ReadonlyArray<string>): Promise<number> => {
  const head = [
    "GET /actors HTTP/1.1",
    `host: 127.0.0.1:${port}`,
    "connection: upgrade",
    "upgrade: websocket",
    "sec-websocket-version: 13",
    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
    ...lines
  ]
  return statusOf(await exchanged(port, `${head.join("\r\n")}\r\n\r\n`))
}

export const statusOf = (answer: string): number => Number(answer.split(" ")[1])

/** What comes back first for some bytes. */
export const exchanged = async (port: number, ...parts: ReadonlyArray<string | Buffer>): Promise<string> => {
  const socket = Net.connect(port, "127.0.0.1")
  socket.on("error", () => {})
  for (const part of parts) socket.write(part)
  const [data] = (await Promise.race([once(socket, "data"), once(socket, "close")])) as [Buffer | boolean]
  socket.destroy()
  return String(data)
}

export const post = (
  site: Site,
  body: Exclude<RequestInit["body"], undefined>,
  init: RequestInit = {}
): Promise<Response> => fetch(`http://127.0.0.1:${site.port}/actors`, { method: "POST", body, ...init })

/** A server that still serves a good client. */
export const stillServes = async (site: Site): Promise<void> => {
  const good = await connect(site)
  const exit = await good.call("good", "echo", { key: "good", args: ["still here"] })
  if (exit.value !== "still here") throw new Error(`a good client got ${JSON.stringify(exit)}`)
  good.socket.close()
  await good.closed
}

/** Turns of the event loop, until something is so. */
export const eventually = async (is: () => boolean): Promise<void> => {
  while (!is()) await new Promise((resolve) => setImmediate(resolve))
}

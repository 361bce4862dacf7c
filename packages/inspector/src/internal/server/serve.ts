/**
 * Starting the server of an inspector, and ending it.
 */
import { randomBytes } from "node:crypto"
import { createServer } from "node:http"
import path from "node:path"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { checkOptions } from "@troupe/core/Home"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpMiddleware from "effect/http/HttpMiddleware"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { type Inspector, ListenError, type Options } from "../../Inspector.ts"
import * as feed from "../live/feed.ts"
import type { Info } from "../live/frame.ts"
import { type Access, isLoopback } from "./access.ts"
import { arriving, Gate, PATIENCE } from "./limits.ts"
import * as server from "./routes.ts"

const DEFAULT_PORT = 4680
const LEAST_INTERVAL = 50

interface Settings {
  readonly port: number
  readonly onPortTaken: "another" | "fail"
  readonly access: Access
  readonly control: boolean
  /** Whether to print the token: not one that somebody chose, who knows it. */
  readonly shown: boolean
  readonly interval: number
  readonly bounds: server.Bounds
  readonly title: string
  /** How long a client may be silent, in milliseconds. */
  readonly patience: number
}

/** Checks options where they are written. */
export const settings = (options: Options): Settings => {
  checkOptions<Options>("Inspector.layer", options, {
    port: true,
    onPortTaken: true,
    host: true,
    allowedHosts: true,
    control: true,
    token: true,
    interval: true,
    maxInstances: true,
    maxPages: true,
    maxRecordings: true,
    maxRecordingBytes: true,
    title: true
  })
  const { allowedHosts = [], control = false, host = "127.0.0.1", port = DEFAULT_PORT } = options
  const interval = Duration.toMillis(options.interval ?? 500)
  if (!(Number.isInteger(port) && port >= 0 && port <= 65_535)) throw wrong("port", "an integer from 0 to 65535", port)
  if (!(interval >= LEAST_INTERVAL)) throw wrong("interval", `at least ${LEAST_INTERVAL} milliseconds`, interval)
  const given = Redacted.isRedacted(options.token) ? Redacted.value(options.token) : options.token
  if (given !== undefined && !/^[\x21-\x7e]{8,}$/.test(given)) {
    throw new TypeError("Inspector.layer: token must be at least 8 characters, all of them printable ASCII, no spaces")
  }
  const onPortTaken = options.onPortTaken ?? "another"
  if (onPortTaken !== "another" && onPortTaken !== "fail") {
    throw new TypeError(
      `Inspector.layer: onPortTaken must be "another" or "fail", but is ${JSON.stringify(onPortTaken)}`
    )
  }
  const token = given ?? (control || !isLoopback(host) ? randomBytes(18).toString("base64url") : undefined)
  return {
    port,
    onPortTaken,
    access: { host, allowedHosts, token },
    control,
    shown: given === undefined,
    interval,
    bounds: boundsOf(options),
    title: options.title ?? scriptName(),
    patience: PATIENCE
  }
}

const boundsOf = (options: Options): server.Bounds => {
  const atLeastOne = (option: keyof server.Bounds, value: number): number => {
    if (Number.isInteger(value) && value >= 1) return value
    throw wrong(option, "an integer of at least 1", value)
  }
  return {
    maxInstances: atLeastOne("maxInstances", options.maxInstances ?? 10_000),
    maxPages: atLeastOne("maxPages", options.maxPages ?? 32),
    maxRecordings: atLeastOne("maxRecordings", options.maxRecordings ?? 2),
    maxRecordingBytes: atLeastOne("maxRecordingBytes", options.maxRecordingBytes ?? 16 * 1024 * 1024)
  }
}

const wrong = (option: string, expected: string, given: unknown): RangeError =>
  new RangeError(`Inspector.layer: ${option} must be ${expected}, but is ${String(given)}`)

const scriptName = (): string => (process.argv[1] === undefined ? "node" : path.basename(process.argv[1]))

const infoOf = ({ bounds, control, title }: Settings, startedAt: number): Info => ({
  protocol: 1,
  title,
  pid: process.pid,
  node: process.version,
  startedAt,
  control,
  limit: bounds.maxInstances
})

/** Serves until the Scope closes. Updates under way end with it: nothing waits for a page that is open. */
export const serve = (settings: Settings): Effect.Effect<Inspector["Service"], ListenError, Scope.Scope> =>
  Effect.gen(function* () {
    const { access, bounds, interval, onPortTaken } = settings
    const first = listen(access.host, settings.port)
    const { http, node } = yield* onPortTaken === "fail"
      ? first
      : Effect.catchIf(first, isTaken, () => listen(access.host, 0))
    const info = infoOf(settings, yield* Clock.currentTimeMillis)
    const gate = new Gate(bounds.maxPages)
    gate.guard(node, settings.patience)
    const updates = yield* feed.make({ interval, maxInstances: bounds.maxInstances })
    const handler = yield* server.make({ access, bounds, gate, info, feed: updates })
    // Keep-alive connections.
    yield* Effect.addFinalizer(() => Effect.sync(() => node.closeAllConnections()))
    yield* http.serve(handler).pipe(
      // What the inspector does is not what its user wants to trace.
      Effect.provideService(HttpMiddleware.TracerDisabledWhen, () => true)
    )
    // Nothing here is another protocol: without a listener, Node takes a wish for one as the request that it also is.
    node.removeAllListeners("upgrade")
    const address = node.address()
    const port = typeof address === "object" && address !== null ? address.port : settings.port
    return yield* announce(settings, port)
  })

const listen = (host: string, port: number) =>
  Effect.suspend(() => {
    const node = createServer(arriving)
    return NodeHttpServer.make(() => node, {
      port,
      host,
      // It would wait for pages to close.
      disablePreemptiveShutdown: true
    }).pipe(
      Effect.map((http) => ({ http, node })),
      Effect.mapError(({ cause }) => listenError(host, port, cause))
    )
  })

const listenError = (host: string, port: number, cause: unknown): ListenError => {
  const { code } = Object(cause)
  const error = new ListenError({ host, port, code: typeof code === "string" ? code : String(cause) })
  // Where it was made is of no use to anybody: what has to be changed is outside, and the message says what.
  error.stack = `ListenError: ${error.message}`
  return error
}

const isTaken = ({ code }: ListenError): boolean => code === "EADDRINUSE"

const announce = (settings: Settings, port: number): Effect.Effect<Inspector["Service"]> => {
  const { access, shown } = settings
  const { host, token } = access
  // Nobody can open the address that stands for all addresses.
  const reachable = host === "0.0.0.0" || host === "::" ? "localhost" : host.includes(":") ? `[${host}]` : host
  const base = `http://${reachable}:${port}/`
  const url = token === undefined ? base : `${base}#token=${token}`
  const hint = token !== undefined && !shown ? " (with #token=... at the end)" : ""
  const where = `open ${shown ? url : base}${hint}`
  const moved = settings.port !== 0 && settings.port !== port
  return Effect.as(
    moved
      ? Effect.logWarning(`Inspector: port ${settings.port} is taken by another program, so ${where}`)
      : Effect.logInfo(`Inspector: ${where}`),
    { url, host, port, token: token === undefined ? undefined : Redacted.make(token) }
  )
}

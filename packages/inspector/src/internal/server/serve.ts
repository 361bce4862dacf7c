/**
 * Starts the server of an inspector, and stops it.
 */
import { type Cluster, CurrentCluster } from "@troupe/core/ClusterView"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpMiddleware from "effect/http/HttpMiddleware"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type { ListenError } from "../../ListenError.ts"
import * as feed from "../live/feed.ts"
import type { Info } from "../live/frame.ts"
import type { Access } from "./access.ts"
import { make as makeWhole } from "./cluster.ts"
import * as found from "./found.ts"
import { Gate } from "./limits.ts"
import { isTaken, listen } from "./listen.ts"
import { type Peers, summary, views } from "./nodes.ts"
import type { Settings } from "./options.ts"
import * as routes from "./routes.ts"

/** Where the page is served. */
export interface Served {
  readonly url: string
  readonly host: string
  readonly port: number
  readonly token: Redacted.Redacted<string> | undefined
}

/** Other nodes of the cluster may use the name under which they know this one. */
const accessOf = ({ access }: Settings, cluster: Cluster | undefined): Access =>
  cluster?.node === undefined
    ? access
    : { ...access, allowedHosts: [...access.allowedHosts, found.hostOf(cluster.node)] }

/** Those that it was told of, or else those of its cluster. */
const peersOf = ({ access, peers }: Settings, cluster: Cluster | undefined): Peers =>
  peers ?? (cluster === undefined ? Effect.succeed([]) : found.others(cluster, access.token))

const infoOf = (
  { bounds, control, peers, title }: Settings,
  cluster: Cluster | undefined,
  startedAt: number
): Info => ({
  protocol: 1,
  title,
  pid: process.pid,
  node: process.version,
  startedAt,
  control,
  limit: bounds.maxInstances,
  peers: peers !== undefined || cluster !== undefined,
  cluster: cluster !== undefined
})

/** Serves until the Scope closes. Streams of updates end with it: it does not wait for open pages. */
export const serve = (settings: Settings): Effect.Effect<Served, ListenError, Scope.Scope> =>
  Effect.gen(function* () {
    const cluster = yield* CurrentCluster
    const { bounds, inspect, interval, onPortTaken } = settings
    const access = accessOf(settings, cluster)
    const first = listen(access.host, settings.port)
    const { http, node } = yield* onPortTaken === "fail"
      ? first
      : Effect.catchIf(first, isTaken, () => listen(access.host, 0))
    const info = infoOf(settings, cluster, yield* Clock.currentTimeMillis)
    const gate = new Gate(bounds.maxPages)
    gate.guard(node, settings.patience)
    const updates = yield* feed.make({ interval, maxInstances: bounds.maxInstances, inspect })
    const own = summary(info, bounds.maxInstances)
    const peers = peersOf(settings, cluster)
    const whole = yield* makeWhole(cluster, views(peers, own))
    const handler = yield* routes.make({ access, bounds, gate, info, inspect, feed: updates, node: own, peers, whole })
    // Otherwise keep-alive connections would keep the server open.
    yield* Effect.addFinalizer(() => Effect.sync(() => node.closeAllConnections()))
    yield* http.serve(handler).pipe(
      // Users trace their own requests, not those of the inspector.
      Effect.provideService(HttpMiddleware.TracerDisabledWhen, () => true)
    )
    // We speak no other protocol: without a listener, Node handles an upgrade as the plain request that it also is.
    node.removeAllListeners("upgrade")
    const address = node.address()
    const port = typeof address === "object" && address !== null ? address.port : settings.port
    if (cluster?.node !== undefined) yield* cluster.tell(found.addressFor(access.host, port, cluster.node))
    return yield* announce(settings, port)
  })

const announce = (settings: Settings, port: number): Effect.Effect<Served> => {
  const { access, printToken } = settings
  const { host, token } = access
  // A browser cannot open the address that stands for all addresses.
  const reachable = host === "0.0.0.0" || host === "::" ? "localhost" : host.includes(":") ? `[${host}]` : host
  const base = `http://${reachable}:${port}/`
  const url = token === undefined ? base : `${base}#token=${token}`
  const hint = token !== undefined && !printToken ? " (with #token=... at the end)" : ""
  const where = `open ${printToken ? url : base}${hint}`
  const moved = settings.port !== 0 && settings.port !== port
  return Effect.as(
    moved
      ? Effect.logWarning(`Inspector: port ${settings.port} is taken by another program, so ${where}`)
      : Effect.logInfo(`Inspector: ${where}`),
    { url, host, port, token: token === undefined ? undefined : Redacted.make(token) }
  )
}

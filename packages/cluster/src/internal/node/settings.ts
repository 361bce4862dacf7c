/**
 * The settings of a node, checked before anything is opened.
 */

import { checkOptions, show } from "@troupe/core/Home"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { ClusterOptions, LocalOptions, NodeOptions } from "../../ClusterHome.ts"
import { ClusterStartError } from "../../ClusterStartError.ts"
import { millis } from "../base/durations.ts"
import { type Address, isLoopback, isWildcard } from "../net/address.ts"
import type { TlsOptions } from "../net/connection.ts"
import { groupsOf, type NodeGroups } from "./nodeGroups.ts"

export interface Shared {
  readonly storage: ClusterOptions["storage"]
  readonly secret: string
  readonly tls: TlsOptions | undefined
  readonly unavailableAfter: number
  readonly failover: Failover
  readonly shards: number
}

export interface NodeSettings extends Shared {
  readonly listen: Address
  readonly advertise: Address
  readonly drainTimeout: number
  readonly retention: number
  readonly maxInstances: number
  readonly groups: NodeGroups
}

/** The times that make up the failover time, in milliseconds. See `docs/cluster.md`. */
export interface Failover {
  readonly lockExpiration: number
  readonly lockRefresh: number
  readonly assignmentRefresh: number
  readonly healthCheck: number
}

export const DEFAULT_PORT = 34431
const DEFAULT_HOST = "127.0.0.1"
const DEFAULT_FAILOVER = "6 seconds"
const MIN_FAILOVER = 1500
/** Longer than a failover, so that calls survive one. In milliseconds. */
export const UNAVAILABLE_AFTER = 30_000
/** Kubernetes kills after 30 seconds unless told otherwise. Half of it leaves time for the rest. */
const DEFAULT_DRAIN_TIMEOUT = "15 seconds"
const DEFAULT_RETENTION = "1 day"
/** Divides well among two to six nodes, and twelve. A node that leaves gives its locks back one by one. */
export const DEFAULT_SHARDS = 120
/** An idle instance takes some 20 KB. */
const DEFAULT_MAX_INSTANCES = 10_000
/** Shorter ones can be guessed from what is seen on the wire. */
const MIN_SECRET = 16

const ofShared = {
  storage: true,
  secret: true,
  tls: true,
  unavailableAfter: true,
  failover: true,
  shards: true
} as const
const ofLocal = { drainTimeout: true, retention: true, maxInstances: true, groups: true } as const

export const node = (options: NodeOptions): Effect.Effect<NodeSettings, ClusterStartError> =>
  checked(() => {
    checkOptions("ClusterHome.layerNode", options, {
      ...ofShared,
      ...ofLocal,
      ownGroups: true,
      host: true,
      port: true,
      advertise: true
    })
    const listen = { host: options.host ?? DEFAULT_HOST, port: portOf("port", options.port ?? DEFAULT_PORT) }
    const advertise = {
      host: options.advertise?.host ?? listen.host,
      port: portOf("advertise.port", options.advertise?.port ?? listen.port)
    }
    if (isWildcard(advertise.host)) {
      throw new RangeError(
        `it listens on ${listen.host}, which means all addresses of this machine, and other processes need one to connect to. Set the one that they reach: advertise: { host } or TROUPE_ADVERTISE_HOST`
      )
    }
    const shared = sharedOf(options)
    if (!isLoopback(listen.host) && shared.secret === "" && shared.tls === undefined) {
      throw new RangeError(
        `it would listen on ${listen.host}, where other machines can connect, and accept any process. Give all nodes the same secret (secret or TROUPE_SECRET) or certificates (tls), or listen on 127.0.0.1`
      )
    }
    return { ...shared, ...localOf(options, options.ownGroups), listen, advertise }
  })

export const client = (options: ClusterOptions): Effect.Effect<Shared, ClusterStartError> =>
  checked(() => {
    checkOptions("ClusterHome.layerClient", options, ofShared)
    return sharedOf(options)
  })

export const local = (options: LocalOptions) =>
  checked(() => {
    checkOptions("ClusterHome.layerLocal", options, { ...ofLocal, file: true })
    return localOf(options)
  })

const localOf = (options: Omit<LocalOptions, "file">, ownGroups?: ReadonlyArray<string>) => ({
  groups: groupsOf(options.groups, ownGroups),
  drainTimeout: millis("node", "drainTimeout", options.drainTimeout ?? DEFAULT_DRAIN_TIMEOUT),
  retention: millis("node", "retention", options.retention ?? DEFAULT_RETENTION),
  maxInstances: limit("maxInstances", options.maxInstances ?? DEFAULT_MAX_INSTANCES)
})

const sharedOf = (options: ClusterOptions): Shared => {
  const secret = options.secret === undefined ? "" : text(options.secret)
  if (secret !== "" && secret.length < MIN_SECRET) {
    throw new RangeError(`its secret has ${secret.length} characters, and needs at least ${MIN_SECRET}`)
  }
  return {
    storage: options.storage,
    secret,
    tls: options.tls && { ...options.tls, key: text(options.tls.key) },
    unavailableAfter: millis("node", "unavailableAfter", options.unavailableAfter ?? UNAVAILABLE_AFTER),
    shards: count("shards", options.shards ?? DEFAULT_SHARDS),
    failover: failoverOf(millis("node", "failover", options.failover ?? DEFAULT_FAILOVER))
  }
}

/**
 * The keys of a lost node are unavailable until its locks expire, since no other node may have them before. All other
 * times are a fraction of that: a lock is refreshed several times before it expires, and the storage has as long for
 * each answer as there is between two of them. When it takes longer, the node gives up its keys.
 */
const failoverOf = (lockExpiration: number): Failover => {
  if (lockExpiration < MIN_FAILOVER) {
    throw new RangeError(
      `failover is ${lockExpiration} ms, and needs at least ${MIN_FAILOVER}: a busy node that is slow for a moment would lose its keys`
    )
  }
  return {
    lockExpiration,
    lockRefresh: lockExpiration / 3,
    assignmentRefresh: Math.min(500, lockExpiration / 6),
    healthCheck: Math.min(1000, lockExpiration / 6)
  }
}

const checked = <A>(make: () => A): Effect.Effect<A, ClusterStartError> =>
  Effect.try({ try: make, catch: (cause) => new ClusterStartError({ why: (cause as Error).message }) })

const portOf = (option: string, port: number): number => {
  if (Number.isInteger(port) && port > 0 && port < 65536) return port
  throw new RangeError(`${option} must be a port, an integer from 1 to 65535, but is ${show(port)}`)
}

const count = (option: string, value: number): number => {
  if (Number.isInteger(value) && value >= 1) return value
  throw new RangeError(`${option} must be an integer of at least 1, but is ${show(value)}`)
}

const limit = (option: string, value: number): number => (value === Infinity ? value : count(option, value))

const text = (value: string | Redacted.Redacted<string>): string =>
  Redacted.isRedacted(value) ? Redacted.value(value) : value

/**
 * The options of a node from configuration: environment variables, unless another `ConfigProvider` is in context.
 */
import { readFileSync } from "node:fs"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { NodeOptions } from "../../ClusterHome.ts"
import { ClusterStartError } from "../../ClusterStartError.ts"

interface Read {
  readonly storage: Option.Option<Redacted.Redacted<string>>
  readonly host: Option.Option<string>
  readonly port: Option.Option<number>
  readonly advertiseHost: Option.Option<string>
  readonly advertisePort: Option.Option<number>
  readonly secret: Option.Option<Redacted.Redacted<string>>
  readonly tlsKey: Option.Option<string>
  readonly tlsCert: Option.Option<string>
  readonly tlsCa: Option.Option<string>
  readonly unavailableAfter: Option.Option<any>
  readonly failover: Option.Option<any>
  readonly drainTimeout: Option.Option<any>
  readonly retention: Option.Option<any>
  readonly maxInstances: Option.Option<number>
  readonly shards: Option.Option<number>
  readonly groups: Option.Option<string>
  readonly ownGroups: Option.Option<string>
}

const variables: Config.Config<Read> = Config.all({
  storage: Config.option(Config.Redacted("TROUPE_STORAGE")),
  host: Config.option(Config.String("TROUPE_HOST")),
  port: Config.option(Config.Port("TROUPE_PORT")),
  advertiseHost: Config.option(Config.String("TROUPE_ADVERTISE_HOST")),
  advertisePort: Config.option(Config.Port("TROUPE_ADVERTISE_PORT")),
  secret: Config.option(Config.Redacted("TROUPE_SECRET")),
  tlsKey: Config.option(Config.String("TROUPE_TLS_KEY_FILE")),
  tlsCert: Config.option(Config.String("TROUPE_TLS_CERT_FILE")),
  tlsCa: Config.option(Config.String("TROUPE_TLS_CA_FILE")),
  unavailableAfter: Config.option(Config.Duration("TROUPE_UNAVAILABLE_AFTER")),
  failover: Config.option(Config.Duration("TROUPE_FAILOVER")),
  drainTimeout: Config.option(Config.Duration("TROUPE_DRAIN_TIMEOUT")),
  retention: Config.option(Config.Duration("TROUPE_RETENTION")),
  maxInstances: Config.option(Config.Int("TROUPE_MAX_INSTANCES")),
  shards: Config.option(Config.Int("TROUPE_SHARDS")),
  groups: Config.option(Config.String("TROUPE_GROUPS")),
  ownGroups: Config.option(Config.String("TROUPE_OWN_GROUPS"))
})

/** What has no flag: secrets do not belong into a list of processes, and the rest is changed once for all nodes. */
export const withoutFlag: ReadonlyArray<readonly [variable: string, what: string]> = [
  ["TROUPE_ADVERTISE_HOST", "the address under which other nodes reach this one (as --host)"],
  ["TROUPE_ADVERTISE_PORT", "the port under which they do (as --port)"],
  ["TROUPE_SECRET", "the same for all nodes; this or TLS is needed to listen beyond loopback"],
  ["TROUPE_TLS_KEY_FILE", "for TLS: the key of this node, in PEM"],
  ["TROUPE_TLS_CERT_FILE", "its certificate"],
  ["TROUPE_TLS_CA_FILE", "the certificate of the authority that signs those of all nodes"],
  ["TROUPE_FAILOVER", "how long a lost node is waited for (6 seconds)"],
  ["TROUPE_UNAVAILABLE_AFTER", "how long a call looks for a node (30 seconds)"],
  ["TROUPE_DRAIN_TIMEOUT", "how long calls may finish when the node leaves (15 seconds)"],
  ["TROUPE_RETENTION", "how long results of durable calls are kept (1 day)"],
  ["TROUPE_MAX_INSTANCES", "how many instances the node may host (10000)"],
  ["TROUPE_SHARDS", "into how many parts keys are divided, the same for all nodes (120)"],
  ["TROUPE_GROUPS", "the groups of nodes that the cluster has, besides default: gpu,web"],
  ["TROUPE_OWN_GROUPS", "those that this node is in (all of them, and default)"]
]

/** What is configured, under what is given. */
export const options = (given: Partial<NodeOptions>): Effect.Effect<NodeOptions, ClusterStartError> =>
  Effect.gen(function* () {
    const read = yield* variables.pipe(
      Effect.mapError((error) => new ClusterStartError({ why: `its configuration is wrong: ${error.cause.message}` }))
    )
    const tls = yield* Effect.try({ try: () => tlsOf(read), catch: (error) => error as ClusterStartError })
    const configured = {
      storage: Option.getOrUndefined(Option.map(read.storage, storageOf)),
      host: Option.getOrUndefined(read.host),
      port: Option.getOrUndefined(read.port),
      advertise: {
        host: Option.getOrUndefined(read.advertiseHost),
        port: Option.getOrUndefined(read.advertisePort)
      },
      secret: Option.getOrUndefined(read.secret),
      tls,
      unavailableAfter: Option.getOrUndefined(read.unavailableAfter),
      failover: Option.getOrUndefined(read.failover),
      drainTimeout: Option.getOrUndefined(read.drainTimeout),
      retention: Option.getOrUndefined(read.retention),
      maxInstances: Option.getOrUndefined(read.maxInstances),
      shards: Option.getOrUndefined(read.shards),
      groups: Option.getOrUndefined(Option.map(read.groups, namesIn)),
      ownGroups: Option.getOrUndefined(Option.map(read.ownGroups, namesIn))
    }
    const said = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
    const merged = { ...configured, ...said }
    if (merged.storage === undefined) {
      return yield* new ClusterStartError({
        why: "it has no storage. Set TROUPE_STORAGE, or the option storage, to a file or a postgres:// address that all nodes share"
      })
    }
    return merged as NodeOptions
  })

const namesIn = (list: string): ReadonlyArray<string> =>
  list
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "")

/** An address of a database, or the path of a file. */
export const storageOf = (value: string | Redacted.Redacted<string>): NodeOptions["storage"] => {
  const text = Redacted.isRedacted(value) ? Redacted.value(value) : value
  return /^[a-z]+:\/\//i.test(text) ? { url: Redacted.make(text) } : { file: text }
}

const tlsOf = ({ tlsCa, tlsCert, tlsKey }: Read): NodeOptions["tls"] => {
  const files = [tlsKey, tlsCert, tlsCa].map(Option.getOrUndefined)
  const [key, cert, ca] = files
  if (key === undefined && cert === undefined && ca === undefined) return undefined
  if (key === undefined || cert === undefined || ca === undefined) {
    throw new ClusterStartError({
      why: "for TLS it needs TROUPE_TLS_KEY_FILE, TROUPE_TLS_CERT_FILE and TROUPE_TLS_CA_FILE, and has only some of them"
    })
  }
  return { key: Redacted.make(read(key)), cert: read(cert), ca: read(ca) }
}

const read = (file: string): string => {
  try {
    return readFileSync(file, "utf8")
  } catch (cause) {
    throw new ClusterStartError({ why: `the file ${file} cannot be read: ${(cause as Error).message}`, cause })
  }
}

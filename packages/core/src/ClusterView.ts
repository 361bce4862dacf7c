/**
 * For authors of tools that show a cluster, and of homes that have one: what a process knows of all nodes, and of the work
 * that is stored for them.
 *
 * The inspector asks for {@link CurrentCluster}, which nodes and clients of `@troupe/cluster` provide. Actors do not need
 * it: they call each other by their services, wherever they live.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/**
 * What a process of a cluster knows of the whole cluster. Dates are in milliseconds since the epoch.
 *
 * @category models
 * @since 0.1.0
 */
export interface Cluster {
  /** What the cluster calls this process. Clients have no name. */
  readonly node: string | undefined
  /** The shards that this node has just now. */
  readonly shards: () => ReadonlyArray<string>
  /** The nodes, each with the address of its inspector, if it has told one. */
  readonly nodes: Effect.Effect<
    ReadonlyArray<{ readonly node: string; readonly inspector: string | undefined }>,
    unknown
  >
  /** Tells the others where the inspector of this node is, until the Scope closes. */
  readonly tell: (inspector: string) => Effect.Effect<void, never, Scope.Scope>
  readonly stored: Effect.Effect<StoredWork, unknown>
  /** The durable calls that failed, and the reminders whose last attempt failed: so many of each at most. */
  readonly failed: (limit: number) => Effect.Effect<ReadonlyArray<FailedWork>, unknown>
  /** Has one of them run again. Succeeds with whether there was such a one. */
  readonly retry: (id: string) => Effect.Effect<boolean, unknown>
  /** Deletes one of them. Succeeds with whether there was such a one. */
  readonly drop: (id: string) => Effect.Effect<boolean, unknown>
}

/**
 * Work that is stored and not done.
 *
 * @category models
 * @since 0.1.0
 */
export interface StoredWork {
  /** The durable calls without a result, by actor. `waiting` are those that no node has read. */
  readonly calls: ReadonlyArray<{
    readonly actor: string
    readonly calls: number
    readonly waiting: number
    readonly oldest: number
  }>
  readonly reminders: {
    readonly set: number
    readonly due: number
    readonly failing: number
    readonly abandoned: number
  }
}

/**
 * A durable call that failed, or a reminder whose last attempt failed.
 *
 * @category models
 * @since 0.1.0
 */
export interface FailedWork {
  readonly id: string
  readonly kind: "call" | "reminder"
  readonly actor: string
  /** The key, for people. An actor without keys has none. */
  readonly key: string | undefined
  readonly method: string
  readonly attempts: number
  readonly cause: string
  /** When a call failed last; when a reminder is due. */
  readonly at: number
  /** Whether it does not run again by itself. */
  readonly isDead: boolean
}

/**
 * The cluster that this process belongs to, if it does. Homes that have one provide it.
 *
 * @category references
 * @since 0.1.0
 */
export const CurrentCluster: Context.Reference<Cluster | undefined> = /* @__PURE__ */ Context.Reference<
  Cluster | undefined
>("troupe/Cluster", { defaultValue: () => undefined })

/**
 * Running nodes: the command `troupe node`, options from the environment, and HTTP endpoints for health checks and metrics.
 *
 * A module to be hosted exports a Layer of actors:
 *
 * ```ts no-run
 * import { Effect, Layer, Schema } from "effect"
 * import { Actor } from "@troupe/core"
 * import { ClusterHome } from "@troupe/cluster"
 *
 * class Greeter extends Actor.Keyed<Greeter>()("app/Greeter", {
 *   key: Schema.String,
 *   methods: { greet: Actor.method({ success: Schema.String }) }
 * }) {}
 *
 * const GreeterLive = Greeter.toLayer((name) =>
 *   Effect.succeed(Greeter.of({ greet: () => Effect.succeed(`Hello, ${name}`) }))
 * )
 *
 * export default ClusterHome.layer(Greeter, GreeterLive)
 * ```
 *
 * `npx troupe node ./greeter.ts --storage cluster.db` starts a node with it. On SIGTERM and SIGINT the node leaves:
 * running calls may finish, and other nodes take over.
 *
 * @since 0.1.0
 */
import type * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as SqlClient from "effect/sql/SqlClient"
import { type Cluster, layerNode, type NodeOptions } from "./ClusterHome.ts"
import type { ClusterStartError, NodeCommandError } from "./ClusterStartError.ts"
import * as nodeCommand from "./internal/command/command.ts"
import * as nodeConfig from "./internal/command/config.ts"
import * as failedCommand from "./internal/command/failed.ts"
import type { Address } from "./internal/net/address.ts"

export { NodeCommandError } from "./ClusterStartError.ts"

/**
 * `troupe node <module>`. It ends only when it is interrupted.
 *
 * @category commands
 * @since 0.1.0
 */
export const command: Command.Command<"node", any, {}, NodeCommandError, never> = nodeCommand.command as any

/**
 * `troupe failed`: lists durable calls and reminders that failed, and with `retry` and `drop` runs them again or deletes
 * them. It reads the storage of a cluster, and is no node.
 *
 * @category commands
 * @since 0.1.0
 */
export const failed: Command.Command<"failed", any, {}, NodeCommandError, never> = failedCommand.command as any

/**
 * The options of a node from configuration, by default from environment variables. Options in `given` take precedence.
 *
 * - `TROUPE_STORAGE`: a SQLite file, or a `postgres://` address
 * - `TROUPE_HOST`, `TROUPE_PORT`: where to listen
 * - `TROUPE_ADVERTISE_HOST`, `TROUPE_ADVERTISE_PORT`: where others find the node
 * - `TROUPE_SECRET`; `TROUPE_TLS_KEY_FILE`, `TROUPE_TLS_CERT_FILE`, `TROUPE_TLS_CA_FILE`: which processes it lets in
 * - `TROUPE_FAILOVER`, `TROUPE_UNAVAILABLE_AFTER`, `TROUPE_DRAIN_TIMEOUT`, `TROUPE_RETENTION`: durations like `6 seconds`
 * - `TROUPE_MAX_INSTANCES`, `TROUPE_SHARDS`
 * - `TROUPE_GROUPS`, `TROUPE_OWN_GROUPS`: names with commas between them
 *
 * @category configuration
 * @since 0.1.0
 */
export const options: (given?: Partial<NodeOptions>) => Effect.Effect<NodeOptions, ClusterStartError> = (given = {}) =>
  nodeConfig.options(given)

/**
 * `ClusterHome.layerNode` with options from configuration.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Cluster | SqlClient.SqlClient, ClusterStartError> = Layer.unwrap(
  Effect.map(nodeConfig.options({}), layerNode)
)

/**
 * The same, with options that take precedence over the configuration.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerWith = (given: Partial<NodeOptions>): Layer.Layer<Cluster | SqlClient.SqlClient, ClusterStartError> =>
  Layer.unwrap(Effect.map(nodeConfig.options(given), layerNode))

/**
 * A node with its actors, as a program that runs until it is interrupted: what `troupe node` runs. With `health` it
 * answers `GET /live`, 200 as long as the event loop turns; `/ready`, 200 while the actors are up, the node is not
 * leaving and the storage answers, otherwise 503 and the reason; and `/metrics`, in the Prometheus format.
 *
 * @category running
 * @since 0.1.0
 */
export const launch = <E>(
  actors: Layer.Layer<any, E, Cluster | SqlClient.SqlClient>,
  {
    health: at,
    ...options
  }: NodeOptions & {
    readonly health?: { readonly host?: string | undefined; readonly port: number } | undefined
  }
): Effect.Effect<never, E | ClusterStartError> => {
  const address: Address | undefined = at && { host: at.host ?? "127.0.0.1", port: at.port }
  return Layer.launch(nodeCommand.nodeOf(actors, options, address)) as Effect.Effect<never, E | ClusterStartError>
}

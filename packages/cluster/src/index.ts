// Made by scripts/barrels.ts: change the modules, then `npm run format`.

/**
 * Actors that live in a cluster: the same contract and the same implementation, another Layer.
 */
export * as ClusterHome from "./ClusterHome.ts"

/**
 * Running nodes: the command `troupe node`, options from the environment, and HTTP endpoints for health checks and metrics.
 */
export * as ClusterNode from "./ClusterNode.ts"

/**
 * A node or a client of a cluster does not start.
 */
export * as ClusterStartError from "./ClusterStartError.ts"

/**
 * How calls are delivered when nodes and connections fail, method by method.
 */
export * as Delivery from "./Delivery.ts"

/**
 * Durable calls that have failed: what they failed with, and how to run them again or forget them.
 */
export * as DurableCalls from "./DurableCalls.ts"

/**
 * State of a keyed actor that survives the instance, the process and the machine.
 */
export * as DurableState from "./DurableState.ts"

/**
 * What can go wrong with a durable state.
 */
export * as DurableStateError from "./DurableStateError.ts"

/**
 * Reminders call a keyed actor at a later time, even if every process has been restarted in between.
 */
export * as Reminders from "./Reminders.ts"

/**
 * Effect's `SqlClient` over Node's built-in SQLite: a database in a file, without a driver to install.
 */
export * as Sqlite from "./Sqlite.ts"

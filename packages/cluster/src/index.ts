// Made by scripts/barrels.ts: change the modules, then `npm run format`.

/**
 * Actors that live in a cluster: the same contract and the same implementation, another Layer.
 */
export * as ClusterHome from "./ClusterHome.ts"

/**
 * What a call may become when nodes and connections fail, said method by method.
 */
export * as Delivery from "./Delivery.ts"

/**
 * State of a keyed actor that survives the instance, the process and the machine.
 */
export * as DurableState from "./DurableState.ts"

/**
 * Reminders call a keyed actor at a time to come, also when every process has been restarted since.
 */
export * as Reminders from "./Reminders.ts"

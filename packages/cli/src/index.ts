// Made by scripts/barrels.ts: change the modules, then `npm run format`.

/**
 * `troupe node` or `troupe failed` was asked for, and the package that it is part of is not there.
 */
export * as ClusterMissing from "./ClusterMissing.ts"

/**
 * `troupe contracts` has found a change that does not roll out, or could not read what it was given.
 */
export * as ContractsError from "./ContractsError.ts"

/**
 * The command `troupe`: `troupe inspect` shows the actors of a running program, `troupe node` starts a cluster node,
 * `troupe failed` lists what failed in a cluster, and `troupe contracts` tells whether the changes of contracts roll out.
 */
export * as Troupe from "./Troupe.ts"

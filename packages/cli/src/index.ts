// Made by scripts/barrels.ts: change the modules, then `npm run format`.

/**
 * `troupe node` or `troupe failed` was asked for, and the package that it is part of is not there.
 */
export * as ClusterMissing from "./ClusterMissing.ts"

/**
 * The command `troupe`: `troupe inspect` shows the actors of a running program, `troupe node` starts a cluster node,
 * and `troupe failed` lists what failed in a cluster.
 */
export * as Troupe from "./Troupe.ts"

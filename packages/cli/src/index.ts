// Made by scripts/barrels.ts: change the modules, then `npm run format`.

/**
 * `troupe node` was asked for, and the package that it is part of is not there.
 */
export * as ClusterMissing from "./ClusterMissing.ts"

/**
 * The command `troupe`, as a program: `troupe inspect` looks into the actors of a running program, `troupe node` starts
 * a node of a cluster.
 */
export * as Troupe from "./Troupe.ts"

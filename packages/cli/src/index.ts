// Made by scripts/barrels.ts: change the modules, then `npm run format`.

/**
 * The command `troupe`, as a program: `troupe inspect` looks into the actors of a running program, `troupe node` starts
 * a node of a cluster.
 */
export * as Troupe from "./Troupe.ts"

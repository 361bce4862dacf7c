// Made by scripts/barrels.ts: change the modules, then `npm run format`.

/**
 * The command `troupe`: `troupe inspect` shows the actors of a running program, `troupe node` starts a cluster node.
 */
export * as Troupe from "./Troupe.ts"

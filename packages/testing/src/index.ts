// Made by scripts/barrels.ts: change the modules, then `npm run format`.

/**
 * A stand-in for an actor: it records its calls, and the test answers them.
 */
export * as ActorProbe from "./ActorProbe.ts"

/**
 * For authors of simulations: the part of the world outside that a program talks to, such as a network, a database or a
 * payment service, played by the explorer.
 */
export * as Exploration from "./Exploration.ts"

/**
 * Finds races: runs a program under many schedules, each chosen by a seed, and shows the shortest one that fails.
 */
export * as Explore from "./Explore.ts"

/**
 * Checks that what callers of an actor saw could have come from one call after the other.
 */
export * as History from "./History.ts"

/**
 * Helpers for tests of actors: an `ActorSystem` per test, and latches that wait for what instances do, without sleeps.
 */
export * as TestActors from "./TestActors.ts"

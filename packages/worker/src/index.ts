// Made by scripts/barrels.ts: change the modules, then `npm run format`.

/**
 * Tasks on worker threads: `Task.make` functions that use the other cores, with the same calls as before.
 */
export * as TaskPool from "./TaskPool.ts"

/**
 * A thread did not come up: its file does not load, its implementation cannot be built, or it takes too long.
 */
export * as WorkerFailed from "./WorkerFailed.ts"

/**
 * Actors on worker threads: the same actor and the same calls, with work that uses the other cores, and can neither stall
 * the process nor end it by an uncaught error.
 */
export * as WorkerHome from "./WorkerHome.ts"

// Made by scripts/barrels.ts: change the modules, then `npm run format`.

/**
 * A thread did not come up: its file does not load, its implementation cannot be built, or it takes too long.
 */
export * as WorkerFailed from "./WorkerFailed.ts"

/**
 * Actors on worker threads: the same actor and the same calls, with work that uses the other cores and cannot stall or
 * take down the process.
 */
export * as WorkerHome from "./WorkerHome.ts"

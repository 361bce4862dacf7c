// Made by scripts/barrels.ts: change the modules, then `npm run format`.

/**
 * Actors that are called from elsewhere: pages, phones, other services.
 */
export * as RemoteHome from "./RemoteHome.ts"

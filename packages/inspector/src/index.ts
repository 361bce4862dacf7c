// Made by scripts/barrels.ts: change the modules, then `npm run format`.

/**
 * What actors did and when, as a picture: records calls and writes them as a Chrome trace, which Perfetto opens.
 */
export * as Timeline from "./Timeline.ts"

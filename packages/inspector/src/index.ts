// Made by scripts/barrels.ts: change the modules, then `npm run format`.

/**
 * The command `inspect`, which shows in a terminal what the actors of a running program are doing.
 */
export * as Cli from "./Cli.ts"

/**
 * There is nothing to show: the error of the command `inspect`.
 */
export * as InspectError from "./InspectError.ts"

/**
 * A live view of the actors of a process, in the browser.
 */
export * as Inspector from "./Inspector.ts"

/**
 * The inspector cannot listen: the error of `Inspector.layer`.
 */
export * as ListenError from "./ListenError.ts"

/**
 * A picture of what actors did and when: records calls and writes them as a Chrome trace, which Perfetto opens.
 */
export * as Timeline from "./Timeline.ts"

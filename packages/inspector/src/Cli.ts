/**
 * The command `inspect`, which shows in a terminal what the actors of a running program are doing.
 *
 * The program needs `Inspector.layer`, which serves the data. `troupe inspect <address>` of `@troupe/cli` is this
 * command; a command line of your own can add {@link inspect} as a subcommand.
 *
 * @since 0.1.0
 */
import type * as Command from "effect/cli/Command"
import type * as FileSystem from "effect/FileSystem"
import type * as HttpClient from "effect/http/HttpClient"
import type * as Stdio from "effect/Stdio"
import type * as Terminal from "effect/Terminal"
import type { InspectError } from "./InspectError.ts"
import * as internal from "./internal/terminal/command.ts"

export { InspectError } from "./InspectError.ts"

/**
 * `inspect`, a table that is kept up to date, with the subcommands `list`, `explain` and `timeline`. If the output is not
 * a terminal, it prints the table once and exits; `--json` prints the same for scripts.
 *
 * The address comes from the flag `--url` or the environment variable `TROUPE_INSPECTOR_URL`; {@link arrange} also
 * accepts it without the flag.
 *
 * @category commands
 * @since 0.1.0
 */
export const inspect: Command.Command<
  "inspect",
  any,
  any,
  InspectError,
  HttpClient.HttpClient | FileSystem.FileSystem | Terminal.Terminal | Stdio.Stdio
> = internal.inspect

/**
 * Puts arguments into the order that `effect/cli` expects: the address may be anywhere after `inspect`, before or after
 * the name of a subcommand.
 *
 * @category commands
 * @since 0.1.0
 */
export const arrange: (args: ReadonlyArray<string>) => ReadonlyArray<string> = internal.arrange

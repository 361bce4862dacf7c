/**
 * The command `inspect`, which shows in a terminal what the actors of a running program are doing.
 *
 * The program serves what there is to see with `Inspector.layer`. The command `troupe inspect <address>`, of
 * `@troupe/cli`, is made of what is here; whoever has a command line of their own can add {@link inspect} to it.
 *
 * @since 0.1.0
 */
import type * as Command from "effect/cli/Command"
import type * as FileSystem from "effect/FileSystem"
import type * as HttpClient from "effect/http/HttpClient"
import type * as Stdio from "effect/Stdio"
import type * as Terminal from "effect/Terminal"
import * as client from "./internal/terminal/client.ts"
import * as internal from "./internal/terminal/command.ts"

/**
 * Why there is nothing to show, in words for people: a bad address, nothing that listens there, a token that is
 * missing, a call that has settled.
 *
 * @category errors
 * @since 0.1.0
 */
export const InspectError = client.InspectError
/**
 * The type of {@link InspectError}.
 *
 * @category errors
 * @since 0.1.0
 */
export type InspectError = client.InspectError

/**
 * `inspect`, a table that is kept up to date, with the subcommands `list`, `explain` and `timeline`. Where the output
 * is no terminal it prints the table once and ends; `--json` gives the same for scripts.
 *
 * The address is the flag `--url`, or the environment variable `TROUPE_INSPECTOR_URL`; {@link arrange} allows for
 * addresses without the flag.
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
 * Arguments in the order in which `effect/cli` wants them: an address may stand anywhere after `inspect`, before or
 * behind the name of a subcommand.
 *
 * @category commands
 * @since 0.1.0
 */
export const arrange: (args: ReadonlyArray<string>) => ReadonlyArray<string> = internal.arrange

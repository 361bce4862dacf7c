/**
 * The command `troupe`, as a program: `troupe inspect` looks into the actors of a running program, `troupe node` starts
 * a node of a cluster.
 *
 * Most people run it in a shell, with `npx troupe`. What is here is for those who build a command line of their own.
 *
 * @since 0.1.0
 */
import type * as NodeServices from "@effect/platform-node/NodeServices"
import type { Cli } from "@troupe/inspector"
import type * as CliError from "effect/cli/CliError"
import type * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as internal from "./internal/command.ts"

/**
 * Runs `troupe` with these arguments. Help and errors have been printed when it ends.
 *
 * `troupe node` is part of `@troupe/cluster`, which is loaded when it is asked for. Without it, the command fails with
 * {@link ClusterMissing}, which says how to get it; with it, also with errors of its own.
 *
 * @category running
 * @since 0.1.0
 */
export const run: (
  args: ReadonlyArray<string>
) => Effect.Effect<
  void,
  CliError.CliError | Cli.InspectError | ClusterMissing | Error,
  NodeServices.NodeServices | HttpClient.HttpClient
> = internal.run

/**
 * `troupe node` was asked for, and `@troupe/cluster` is not installed, or is of a version that has no such command.
 *
 * @category errors
 * @since 0.1.0
 */
export const ClusterMissing = internal.ClusterMissing
/**
 * The type of {@link ClusterMissing}.
 *
 * @category errors
 * @since 0.1.0
 */
export type ClusterMissing = internal.ClusterMissing

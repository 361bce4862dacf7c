/**
 * The command `troupe`: `troupe inspect` shows the actors of a running program, `troupe node` starts a cluster node,
 * `troupe failed` lists what failed in a cluster, and `troupe contracts` tells whether the changes of contracts roll out.
 *
 * In a shell, run `npx troupe`. This module is for building a command line of your own.
 *
 * @since 0.1.0
 */
import type * as NodeServices from "@effect/platform-node/NodeServices"
import type { Cli } from "@troupe/inspector"
import type * as CliError from "effect/cli/CliError"
import type * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import type { ClusterMissing } from "./ClusterMissing.ts"
import type { ContractsError } from "./ContractsError.ts"
import * as internal from "./internal/command.ts"

export { ClusterMissing } from "./ClusterMissing.ts"
export { ContractsError } from "./ContractsError.ts"

/**
 * Runs `troupe` with these arguments, and prints help and errors itself.
 *
 * `troupe node` and `troupe failed` are part of `@troupe/cluster`, which is loaded on demand. If it is not installed, they
 * fail with {@link ClusterMissing}, which says how to install it; otherwise they can also fail with their own errors.
 * `troupe contracts` fails with {@link ContractsError} if a change does not roll out.
 *
 * @category running
 * @since 0.1.0
 */
export const run: (
  args: ReadonlyArray<string>
) => Effect.Effect<
  void,
  CliError.CliError | Cli.InspectError | ClusterMissing | ContractsError | Error,
  NodeServices.NodeServices | HttpClient.HttpClient
> = internal.run

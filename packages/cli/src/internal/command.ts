/**
 * `troupe` and its subcommands.
 */
import { readFileSync } from "node:fs"
import type * as NodeServices from "@effect/platform-node/NodeServices"
import * as Cli from "@troupe/inspector/Cli"
import * as CliConfig from "effect/cli/CliConfig"
import type * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import { ClusterMissing } from "../ClusterMissing.ts"

const { version }: { readonly version: string } = JSON.parse(
  readFileSync(new URL("../../package.json", import.meta.url), "utf8")
)

/** Only `@troupe/cluster` knows the errors that it fails with. */
type NodeCommand = Command.Command<"node", any, any, Error, NodeServices.NodeServices | HttpClient.HttpClient>

/** A variable, since the compiler would resolve a literal in `import()`, and the package may not be installed. */
const CLUSTER_NODE: string = "@troupe/cluster/ClusterNode"

const missing = (cause: unknown): ClusterMissing => {
  const why = cause instanceof Error ? cause.message : String(cause)
  const message = why.startsWith("Cannot find package '@troupe/cluster'")
    ? "troupe node is part of @troupe/cluster, which is not installed here: npm install @troupe/cluster"
    : `troupe node could not be loaded from @troupe/cluster. Does its version match that of @troupe/cli, ${version}? ${why}`
  return new ClusterMissing({ message, cause })
}

/** Loading the cluster takes longer than anything else that `troupe` does, so only `troupe node` loads it. */
const loadNode: Effect.Effect<NodeCommand, ClusterMissing> = Effect.tryPromise({
  try: () => import(CLUSTER_NODE),
  catch: missing
}).pipe(
  Effect.flatMap(({ command }) =>
    Command.isCommand(command)
      ? Effect.succeed(command as unknown as NodeCommand)
      : Effect.fail(missing(new Error("It has no such command.")))
  )
)

/** Stands in for the command while it is not loaded: in the help, and to fail in its place. */
const standIn = (fate: Effect.Effect<void, ClusterMissing>) =>
  Command.make("node", {}, () => fate).pipe(
    Command.withDescription("Start a node of a cluster (part of @troupe/cluster)")
  )

const troupe = Command.make("troupe").pipe(Command.withDescription("Actors for Effect: look into them, and host them"))

// With its type written out, so that the declarations only name public types.
export const run = (
  args: ReadonlyArray<string>
): Effect.Effect<
  void,
  ClusterMissing | Cli.InspectError | CliError.CliError | Error,
  NodeServices.NodeServices | HttpClient.HttpClient
> =>
  Effect.gen(function* () {
    if (args[0] !== "node") return yield* runWith(standIn(Effect.void), Cli.arrange(args))
    return yield* Effect.matchEffect(loadNode, {
      onSuccess: (node) => runWith(node, args),
      // Without its arguments: the answer is the same for all of them.
      onFailure: (error) => runWith(standIn(Effect.fail(error)), ["node"])
    })
  }).pipe(Effect.provide(CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.Completions] })))

const runWith = <E>(
  node: Command.Command<"node", any, any, E, NodeServices.NodeServices | HttpClient.HttpClient>,
  args: ReadonlyArray<string>
) => Command.runWith(Command.withSubcommands(troupe, [Cli.inspect, node]), { version })(args)

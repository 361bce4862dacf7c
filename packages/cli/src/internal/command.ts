/**
 * `troupe` and its subcommands.
 */
import { readFileSync } from "node:fs"
import type * as NodeServices from "@effect/platform-node/NodeServices"
import * as Cli from "@troupe/inspector/Cli"
import * as CliConfig from "effect/cli/CliConfig"
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Schema from "effect/Schema"

export class ClusterMissing extends Schema.TaggedError<ClusterMissing>()("ClusterMissing", {
  message: Schema.String,
  cause: Schema.Defect()
}) {
  override get [CliError.userMessage]() {
    return this.message
  }
}

const { version }: { readonly version: string } = JSON.parse(
  readFileSync(new URL("../../package.json", import.meta.url), "utf8")
)

/** What it fails with is known to `@troupe/cluster` only. */
type NodeCommand = Command.Command<"node", any, any, Error, NodeServices.NodeServices | HttpClient.HttpClient>

/** Not written out in the `import`: the compiler shall not need what may not be installed. */
const CLUSTER_NODE: string = "@troupe/cluster/ClusterNode"

const missing = (cause: unknown): ClusterMissing => {
  const why = cause instanceof Error ? cause.message : String(cause)
  const message = why.startsWith("Cannot find package '@troupe/cluster'")
    ? "troupe node is part of @troupe/cluster, which is not installed here: npm install @troupe/cluster"
    : `troupe node could not be loaded from @troupe/cluster. Is its version that of @troupe/cli, ${version}? ${why}`
  return new ClusterMissing({ message, cause })
}

/** Loading a cluster takes longer than everything else that `troupe` does: only `troupe node` does it. */
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

/** Stands for the command while it is not loaded: in the help, and to fail in its place. */
const standIn = (fate: Effect.Effect<void, ClusterMissing>) =>
  Command.make("node", {}, () => fate).pipe(
    Command.withDescription("Start a node of a cluster (part of @troupe/cluster)")
  )

const troupe = Command.make("troupe").pipe(Command.withDescription("Actors for Effect: look into them, and host them"))

// Written out, so that the declarations name what is public.
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
      // Whatever was to be said to it, the answer is the same.
      onFailure: (error) => runWith(standIn(Effect.fail(error)), ["node"])
    })
  }).pipe(Effect.provide(CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.Completions] })))

const runWith = <E>(
  node: Command.Command<"node", any, any, E, NodeServices.NodeServices | HttpClient.HttpClient>,
  args: ReadonlyArray<string>
) => Command.runWith(Command.withSubcommands(troupe, [Cli.inspect, node]), { version })(args)

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
import type { ContractsError } from "../ContractsError.ts"
import * as contracts from "./contracts.ts"

const { version }: { readonly version: string } = JSON.parse(
  readFileSync(new URL("../../package.json", import.meta.url), "utf8")
)

/** What `@troupe/cluster` adds, with a word on each. */
const ofCluster = {
  node: { description: "Start a node of a cluster (part of @troupe/cluster)" },
  failed: { description: "List what failed in a cluster, and retry or drop it (part of @troupe/cluster)" }
}

type Name = keyof typeof ofCluster

/** Only `@troupe/cluster` knows the errors that it fails with. */
type ClusterCommand<E = Error> = Command.Command<Name, any, any, E, NodeServices.NodeServices | HttpClient.HttpClient>

/** A variable, since the compiler would resolve a literal in `import()`, and the package may not be installed. */
const CLUSTER_NODE: string = "@troupe/cluster/ClusterNode"

const missing = (name: Name, cause: unknown): ClusterMissing => {
  const why = cause instanceof Error ? cause.message : String(cause)
  const message = why.startsWith("Cannot find package '@troupe/cluster'")
    ? `troupe ${name} is part of @troupe/cluster, which is not installed here: npm install @troupe/cluster`
    : `troupe ${name} could not be loaded from @troupe/cluster. Does its version match that of @troupe/cli, ${version}? ${why}`
  return new ClusterMissing({ message, cause })
}

/** Loading the cluster takes longer than anything else that `troupe` does, so only its commands load it. */
const load = (name: Name): Effect.Effect<ClusterCommand, ClusterMissing> =>
  Effect.tryPromise({ try: () => import(CLUSTER_NODE), catch: (cause) => missing(name, cause) }).pipe(
    Effect.flatMap(({ command: node, failed }) => {
      const command = { node, failed }[name]
      return Command.isCommand(command)
        ? Effect.succeed(command as unknown as ClusterCommand)
        : Effect.fail(missing(name, new Error("It has no such command.")))
    })
  )

/** Stands in for a command while it is not loaded: in the help, and to fail in its place. */
const standIn = (name: Name, fate: Effect.Effect<void, ClusterMissing> = Effect.void) =>
  Command.make(name, {}, () => fate).pipe(Command.withDescription(ofCluster[name].description))

const troupe = Command.make("troupe").pipe(Command.withDescription("Actors for Effect: look into them, and host them"))

// With its type written out, so that the declarations only name public types.
export const run = (
  args: ReadonlyArray<string>
): Effect.Effect<
  void,
  ClusterMissing | ContractsError | Cli.InspectError | CliError.CliError | Error,
  NodeServices.NodeServices | HttpClient.HttpClient
> =>
  Effect.gen(function* () {
    const name = args[0] as Name
    if (!Object.hasOwn(ofCluster, name)) return yield* runWith<never>(undefined, Cli.arrange(args))
    return yield* Effect.matchEffect(load(name), {
      onSuccess: (command) => runWith(command, args),
      // Without its arguments: the answer is the same for all of them.
      onFailure: (error) => runWith(standIn(name, Effect.fail(error)), [name])
    })
  }).pipe(Effect.provide(CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.Completions] })))

const runWith = <E>(loaded: ClusterCommand<E> | undefined, args: ReadonlyArray<string>) => {
  const others = (Object.keys(ofCluster) as Array<Name>).map((name) => (loaded?.name === name ? loaded : standIn(name)))
  return Command.runWith(Command.withSubcommands(troupe, [Cli.inspect, ...others, contracts.command]), { version })(
    args
  )
}

/**
 * `troupe node <module>`: a node that hosts what a module exports.
 */
import { resolve } from "node:path"
import { pathToFileURL } from "node:url"
import * as Config from "effect/Config"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { NodeOptions } from "../../ClusterHome.ts"
import { ClusterStartError, NodeCommandError } from "../../ClusterStartError.ts"
import { type Address, nameOf } from "../net/address.ts"
import { layerOf } from "../node/node.ts"
import * as settings from "../node/settings.ts"
import { GRACE, Shutdown } from "../node/shutdown.ts"
import * as storages from "../sql/storage.ts"
import * as view from "../view/view.ts"
import * as nodeConfig from "./config.ts"
import * as health from "./health.ts"

const flags = {
  module: Argument.String("module").pipe(
    Argument.withDescription("A file or package whose default export is a Layer of actors, made by ClusterHome.layer")
  ),
  storage: Flag.String("storage").pipe(
    Flag.withDescription("What all nodes share: a SQLite file, or postgres://... (TROUPE_STORAGE)"),
    Flag.optional
  ),
  host: Flag.String("host").pipe(
    Flag.withDescription("The address to listen on (TROUPE_HOST; default: 127.0.0.1)"),
    Flag.optional
  ),
  port: Flag.Int("port").pipe(Flag.withDescription("The port (TROUPE_PORT; default: 34431)"), Flag.optional),
  healthHost: Flag.String("health-host").pipe(
    Flag.withDescription("The address for /live, /ready and /metrics (TROUPE_HEALTH_HOST; default: 127.0.0.1)"),
    Flag.withFallbackConfig(Config.String("TROUPE_HEALTH_HOST")),
    Flag.withDefault("127.0.0.1")
  ),
  healthPort: Flag.Int("health-port").pipe(
    Flag.withDescription("Their port (TROUPE_HEALTH_PORT; default: none)"),
    Flag.withFallbackConfig(Config.Int("TROUPE_HEALTH_PORT")),
    Flag.optional
  )
}

interface Input {
  readonly module: string
  readonly storage: Option.Option<string>
  readonly host: Option.Option<string>
  readonly port: Option.Option<number>
  readonly healthHost: string
  readonly healthPort: Option.Option<number>
}

const purpose = "Start a node of a cluster, which hosts the actors of a module, until it is told to end"

const column = Math.max(...nodeConfig.withoutFlag.map(([variable]) => variable.length))
/** The help has no section for them, and indents only the first line of a description. */
const environment = nodeConfig.withoutFlag.map(([variable, what]) => `    ${variable.padEnd(column)}  ${what}`)

export const command = Command.make("node", flags).pipe(
  Command.withDescription([purpose, "", "  The environment says what has no flag:", ...environment].join("\n")),
  Command.withShortDescription(purpose),
  Command.withHandler((input: Input) => Effect.mapError(start(input), asUserError))
)

const start = (input: Input) =>
  Effect.gen(function* () {
    const actors = yield* load(input.module)
    const options = yield* nodeConfig.options(given(input))
    const address = Option.map(input.healthPort, (port) => ({ host: input.healthHost, port }))
    return yield* Layer.launch(nodeOf(actors, options, Option.getOrUndefined(address)))
  })

const given = ({ host, port, storage }: Input): Partial<NodeOptions> => ({
  ...(Option.isSome(storage) ? { storage: nodeConfig.storageOf(storage.value) } : undefined),
  ...(Option.isSome(host) ? { host: host.value } : undefined),
  ...(Option.isSome(port) ? { port: port.value } : undefined)
})

/** A node with its actors. It is ready once they are up, and no more from the moment that it begins to leave. */
export const nodeOf = (
  actors: Layer.Layer<any, any, any>,
  options: NodeOptions,
  address: Address | undefined
): Layer.Layer<never, unknown> =>
  Layer.unwrap(
    Effect.map(settings.node(options), (node) => {
      const shutdown = new Shutdown(node.drainTimeout)
      return shutdown.bounded(
        withActors(actors, node, address, shutdown),
        GRACE.node,
        () => "what its actors have brought along"
      )
    })
  )

const withActors = (
  actors: Layer.Layer<any, any, any>,
  node: settings.NodeSettings,
  address: Address | undefined,
  shutdown: Shutdown
): Layer.Layer<never, unknown> => {
  const readiness = new health.Readiness()
  const ready = Layer.effectDiscard(
    Effect.acquireRelease(
      Effect.sync(() => {
        readiness.state = "ready"
      }),
      () =>
        Effect.sync(() => {
          readiness.state = "leaving"
        })
    )
  )
  const said = Layer.effectDiscard(
    Effect.acquireRelease(Effect.logInfo(introduction(node, address)), () => Effect.logInfo("The node is leaving"))
  )
  const looks = address === undefined ? Layer.empty : health.layer(address, readiness)
  return Layer.merge(ready, said).pipe(
    Layer.provide(actors),
    Layer.provide(looks),
    Layer.provide(view.counted(layerOf(node, shutdown)))
  ) as Layer.Layer<never, unknown>
}

/** Who the node is, where it is found and what it shares with others: what two nodes that do not meet disagree on. */
const introduction = ({ advertise, listen, storage }: settings.NodeSettings, health: Address | undefined): string => {
  const [at, listening] = [advertise, listen].map(nameOf)
  return [
    `The node is ready at ${at}`,
    ...(at === listening ? [] : [`listens on ${listening}`]),
    `storage is ${storages.nameOf(storage)}`,
    ...(health === undefined ? [] : [`health is at http://${nameOf(health)}/ready`])
  ].join(", ")
}

/** Imports the module of the user: a path if it looks like one or if there is such a file, else a package. */
const load = (module: string): Effect.Effect<Layer.Layer<any, any, any>, NodeCommandError> =>
  Effect.gen(function* () {
    const isPath = /^[./]|\.[cm]?[jt]s$|^[a-z]:\\/i.test(module)
    const url = isPath ? pathToFileURL(resolve(module)).href : module
    const exports = yield* Effect.tryPromise({
      try: () => import(url) as Promise<{ readonly default?: unknown }>,
      catch: (cause) =>
        new NodeCommandError({ why: `${module} cannot be imported: ${(cause as Error)?.message ?? cause}` })
    })
    const actors = exports.default
    if (Layer.isLayer(actors)) return actors as Layer.Layer<any, any, any>
    return yield* new NodeCommandError({
      why: `${module} needs a default export that is a Layer of actors: export default ClusterHome.layer(Account, AccountLive). It exports ${actors === undefined ? `only ${Object.keys(exports).join(", ") || "nothing"}` : `a ${typeof actors}`}`
    })
  })

const asUserError = (error: unknown): NodeCommandError => {
  if (error instanceof NodeCommandError) return error
  if (error instanceof ClusterStartError) return new NodeCommandError({ why: error.message })
  return new NodeCommandError({
    why: `The actors could not be started: ${(error as any)?.message ?? String(error)}`
  })
}

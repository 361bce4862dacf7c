/** Shared by the examples that are servers: settings, start and end. A failure prints one sentence. */
import type { Server } from "node:http"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Config, Data, Effect, Layer, Runtime, Schema } from "effect"
import { ExitWith, giveUp } from "./ExitWith.ts"

/** Why a server could not start, for the person who started it. */
export class CannotStart extends Data.TaggedError("CannotStart")<{ readonly message: string }> {}

interface Setting<A> {
  readonly name: string
  readonly schema: Schema.ConstraintCodec<A, unknown>
  /** What `schema` takes, in words. */
  readonly expected: string
  readonly otherwise: A
}

/** An environment variable. */
export const setting = <A>({ expected, name, otherwise, schema }: Setting<A>): Effect.Effect<A, CannotStart> =>
  Config.schema(schema, name).pipe(
    Config.withDefault(otherwise),
    Effect.catch(() =>
      Effect.flatMap(
        Effect.orElseSucceed(Config.String(name), () => ""),
        (given) => new CannotStart({ message: `${name} must be ${expected}, but is "${given}".` })
      )
    )
  )

export const portSetting = (name: string, otherwise: number): Effect.Effect<number, CannotStart> =>
  setting({ name, schema: Schema.Port, expected: "a port, a whole number from 0 to 65535", otherwise })

type Services = Layer.Success<ReturnType<typeof NodeHttpServer.layer>>

/** An HTTP server on the loopback address. `PORT` is the variable that its port comes from. */
export const layerServer = (server: () => Server, options: Omit<NodeHttpServer.Options, "host">) =>
  Layer.suspend(() => {
    const node = server()
    // Browsers open connections ahead of need. They carry no request yet, and Node would wait for one.
    const hangUp = Layer.effectDiscard(Effect.addFinalizer(() => Effect.sync(() => node.closeAllConnections())))
    return Layer.provideMerge(
      hangUp,
      NodeHttpServer.layer(() => node, { ...options, host: "127.0.0.1" })
    )
  }).pipe(
    Layer.catchTag("ServeError", ({ cause }) => {
      const { code } = Object(cause)
      const why = code === "EADDRINUSE" ? "something else listens there" : (code ?? String(cause))
      const message = `Cannot listen at port ${options.port}: ${why}. Set PORT to another one, or to 0 for any free one.`
      return Layer.effectContext<Services, CannotStart, never>(new CannotStart({ message }))
    })
  )

/** Runs a server until SIGINT or SIGTERM. Those end it in order, which is no failure. */
export const runServer = <A, E extends { readonly message: string }>(server: Effect.Effect<A, E>): void =>
  server.pipe(
    Effect.catch((error) => (error instanceof ExitWith ? Effect.fail(error) : giveUp(error.message))),
    NodeRuntime.runMain({
      teardown: (exit, onExit) => Runtime.defaultTeardown(exit, (code) => onExit(code === 130 ? 0 : code))
    })
  )

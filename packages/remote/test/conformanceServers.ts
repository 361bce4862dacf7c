/**
 * The actors of the conformance suite, each behind a server of its own.
 */
import { RemoteHome } from "@troupe/remote"
import { Clock, Context, Effect, Layer } from "effect"
import { Box, Desk, methods, Tenant } from "../../core/test/conformance/actors.ts"
import { Guarded, GuardedServed, Token } from "../../core/test/conformance/guarded.ts"
import { type BoxName, type DeskName, fixtures } from "../../core/test/conformance/live.ts"
import { client, listening } from "./support.ts"

/** Connections have a clock of their own: callers have a test clock. */
const liveClock = Layer.succeed(Clock.Clock)(Context.get(Context.empty(), Clock.Clock))

/** For an actor that is to have the clock of its callers, too. */
const withClock = <A, E>(make: (clock: Layer.Layer<never>) => Layer.Layer<A, E>): Layer.Layer<A, E> =>
  Layer.unwrap(Effect.map(Clock.Clock, (clock) => make(Layer.succeed(Clock.Clock)(clock))))

/** A server that trusts its clients as the processes of one system do. */
const trusting = { carried: [Tenant, Token], logAnnotations: true, defects: "shown" } as const

const names = Object.keys(methods)

/** Clients over a protocol, with their servers. */
export const over = (protocol: "websocket" | "http") => {
  const served = <A>(actor: any, expose: ReadonlyArray<string>, live: Layer.Layer<A, any, any>) =>
    client(actor, { protocol }).pipe(
      Layer.provide(listening(Layer.provide(RemoteHome.serve(actor, { expose, ...trusting }), live))),
      Layer.provide(liveClock)
    ) as Layer.Layer<A, unknown>
  return {
    desk: (fixture: DeskName) => served(Desk, names, fixtures[fixture].layer),
    box: (fixture: BoxName) =>
      fixture === "passivating"
        ? withClock((clock) => served(Box, names, Layer.provide(fixtures[fixture].layer, clock)))
        : served(Box, names, fixtures[fixture].layer),
    guarded: served(Guarded, ["who", "names", "wait", "news", "post", "readers", "log"], GuardedServed)
  }
}

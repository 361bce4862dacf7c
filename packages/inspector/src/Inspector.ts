/**
 * A live view of the actors of a process, in the browser.
 *
 * {@link layer} serves one page on the loopback address: the actors and what they are doing, calls in flight and what
 * they wait for, cycles of waits, restarts, dead letters, and a timeline. It is read-only unless `control` is set, and
 * works offline. It costs nothing while no page is open, and little while one is.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import type { ListenError } from "./internal/server/listen.ts"
import { type Options, settings } from "./internal/server/options.ts"
import { serve } from "./internal/server/serve.ts"

export { ListenError } from "./internal/server/listen.ts"
export type { Options } from "./internal/server/options.ts"

/**
 * A running inspector: where its page is, and the token that requests need.
 *
 * @category services
 * @since 0.1.0
 */
export class Inspector extends Context.Service<
  Inspector,
  {
    /** The URL to open, with the token if there is one. */
    readonly url: string
    readonly host: string
    /** The port that it listens at, which the system may have chosen. */
    readonly port: number
    readonly token: Redacted.Redacted<string> | undefined
  }
>()("troupe/Inspector") {}

/**
 * Serves the page for the `ActorSystem` in context until the Layer's Scope closes, and logs its URL when it starts.
 *
 * It refuses requests from pages of other origins, requests for unknown host names (DNS rebinding), and requests without
 * the token, if there is one. The token is in the fragment of the URL, behind `#`, which browsers do not send and servers
 * do not log.
 *
 * Wrong options throw at once: a `port` out of range is a `RangeError`. The Layer fails if another port would not help:
 * the `host` is not an address of this machine, or the user may not listen at `port`.
 *
 * **Example** (A request to a running inspector)
 *
 * ```ts
 * import { Actor, ActorSystem } from "@troupe/core"
 * import { Inspector } from "@troupe/inspector"
 * import { Effect, Layer, References, Schema } from "effect"
 *
 * class Greeter extends Actor.Service<Greeter>()("app/Greeter", {
 *   make: Effect.succeed({ greet: (name: string) => Effect.succeed(`Hello, ${name}`) })
 * }) {}
 *
 * const program = Effect.gen(function*() {
 *   const greeter = yield* Greeter
 *   yield* greeter.greet("Ada")
 *   const { url } = yield* Inspector.Inspector
 *   const response = yield* Effect.promise(() => fetch(new URL("/api/snapshot", url)))
 *   const body = yield* Effect.promise(() => response.json())
 *   const { instances } = yield* Schema.decodeUnknownEffect(ActorSystem.Snapshot)(body)
 *   return instances.map(({ actor, settled }) => `${actor}: ${settled.succeeded} call`)
 * })
 *
 * const live = Layer.merge(Greeter.layer, Inspector.layer({ port: 0 }))
 * const quietly = Effect.provideService(References.MinimumLogLevel, "Warn")
 * console.log(await Effect.runPromise(program.pipe(Effect.provide(live), quietly)))
 * // => [ 'app/Greeter: 1 call' ]
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options = {}): Layer.Layer<Inspector, ListenError> => {
  const checked = settings(options)
  return Layer.effect(Inspector)(serve(checked))
}

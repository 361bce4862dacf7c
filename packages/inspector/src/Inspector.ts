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
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import { settings } from "./internal/server/options.ts"
import { serve } from "./internal/server/serve.ts"
import type { ListenError } from "./ListenError.ts"

export { ListenError } from "./ListenError.ts"

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
 * What a redactor is asked about: the arguments of a call, as an array, or its result.
 *
 * @category models
 * @since 0.1.0
 */
export interface Inspected {
  /** The id of the actor. */
  readonly actor: string
  readonly method: string
  readonly what: "args" | "result"
}

/**
 * Options of `Inspector.layer`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** Default 4680. With 0 the system chooses a free port, which the service `Inspector` knows. */
  readonly port?: number | undefined
  /**
   * What happens if another program already listens at `port`. `"another"`, the default: the page is served at a free
   * port that the system chooses, and a warning says which. Whatever else runs on the machine must not keep your program
   * from starting, and two copies of it can have a page each. `"fail"`: the Layer fails with a `ListenError`, for
   * setups that rely on the port.
   */
  readonly onPortTaken?: "another" | "fail" | undefined
  /**
   * The address to listen at. Default `127.0.0.1`, which only this machine can reach. An address that is not a loopback
   * address needs a token, and one is generated if none is given.
   */
  readonly host?: string | undefined
  /**
   * Host names that requests may use, besides `host`, `localhost` and plain addresses. Requests for other names are
   * refused, since a foreign site could make its own name point here.
   */
  readonly allowedHosts?: ReadonlyArray<string> | undefined
  /** Whether the page may cancel calls, and stop, kill and resize instances. This needs a token. Default `false`. */
  readonly control?: boolean | undefined
  /**
   * The secret that requests must carry. Where a token is needed (with `control`, or away from loopback) and none is
   * given, one is generated and printed with the address. A token that you give is always needed, and never printed.
   */
  readonly token?: string | Redacted.Redacted<string> | undefined
  /**
   * Whether the page shows arguments and results of calls. Default `false`: they may be secrets. `true` shows all of them. A
   * function is a redactor: it gets the arguments, as an array, or the result, and returns what to show in their place,
   * `undefined` for nothing. It is called only for calls that a page shows.
   */
  readonly inspect?: boolean | ((value: unknown, about: Inspected) => unknown) | undefined
  /** How often the page is updated. Default 500 milliseconds; less often with very many instances. */
  readonly interval?: Duration.Input | undefined
  /** How many instances the page shows, and an answer contains, at most. Default 10,000. */
  readonly maxInstances?: number | undefined
  /**
   * How many pages may be open at a time. Further ones get status 429. Default 32: enough for a team that looks at one
   * program.
   */
  readonly maxPages?: number | undefined
  /**
   * How many recordings may be in progress at a time. Further ones get status 429. Default 2: a recording takes up to
   * 100 MB while its trace is made.
   */
  readonly maxRecordings?: number | undefined
  /** About how many bytes the events of one recording may take; the oldest are dropped first. Default 16 MiB. */
  readonly maxRecordingBytes?: number | undefined
  /**
   * The inspectors of other nodes, by the addresses that they print, with their tokens: the page has a view of all nodes
   * then. An Effect is run whenever a page looks, for nodes that come and go. They are asked only while a page shows that
   * view. Default: where a cluster of `@troupe/cluster` is in context, the inspectors of its nodes, which are asked with
   * the token of this one.
   */
  readonly peers?: ReadonlyArray<string> | Effect.Effect<ReadonlyArray<string>> | undefined
  /** The title of the page. Default: the name of the script that runs. */
  readonly title?: string | undefined
}

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

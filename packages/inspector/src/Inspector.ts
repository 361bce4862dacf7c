/**
 * A live view of the actors of a process, in the browser.
 *
 * {@link layer} serves one page on the loopback address: which actors there are and what they are doing, calls under way
 * and what they wait for, waits that form a cycle, restarts, dead letters, and a timeline. It reads only, unless
 * `control` allows more, and it works offline. While the page is not open, it costs nothing; while it is, little.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import { NodeInspectSymbol } from "effect/Inspectable"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { serve, settings } from "./internal/server/serve.ts"

/**
 * Where an inspector serves its page.
 *
 * @category services
 * @since 0.1.0
 */
export class Inspector extends Context.Service<
  Inspector,
  {
    /** The address to open, with the token if there is one. */
    readonly url: string
    readonly host: string
    /** The port that it listens at, also if the system chose it. */
    readonly port: number
    readonly token: Redacted.Redacted<string> | undefined
  }
>()("troupe/Inspector") {}

/**
 * The server of an inspector could not be started.
 *
 * @category errors
 * @since 0.1.0
 */
export class ListenError extends Schema.TaggedError<ListenError>()("ListenError", {
  host: Schema.String,
  port: Schema.Int,
  /** What the system says, such as `EADDRINUSE`. It says no more than this, the host and the port. */
  code: Schema.String
}) {
  override get message(): string {
    const { code, host, port } = this
    switch (code) {
      case "EADDRINUSE":
        return `Inspector: port ${port} of ${host} is taken by another program; give another port, or 0 for any`
      case "EACCES":
        return `Inspector: port ${port} of ${host} is not for this user to listen at; give one above 1023`
      case "EADDRNOTAVAIL":
      case "ENOTFOUND":
        return `Inspector: ${host} is no address of this machine, so nothing can listen at it; give another host`
      default:
        return `Inspector: cannot listen at port ${port} of ${host} (${code}); give another port or host`
    }
  }
  override [NodeInspectSymbol](): string {
    return `ListenError: ${this.message}`
  }
}

/**
 * Options of {@link layer}.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** Default 4680. With 0 the system chooses a free one, which the service {@link Inspector} knows. */
  readonly port?: number | undefined
  /**
   * What happens if another program listens at the `port` already. `"another"`, the default: the page is served at a
   * free port that the system chooses, and a warning says at which. The page is a guest of the program, and what else
   * runs on the machine is an accident: neither should keep the program from starting, nor two copies of it from having
   * a page each. `"fail"`: the Layer fails with a {@link ListenError}, for where others count on the port.
   */
  readonly onPortTaken?: "another" | "fail" | undefined
  /**
   * The address to listen at. Default `127.0.0.1`, which only this machine can reach. With any other that is not a
   * loopback address, a token is needed, and made if none is given.
   */
  readonly host?: string | undefined
  /**
   * Names by which the server may be called, besides its `host`, `localhost` and plain addresses. Requests for other
   * names are refused, since a page elsewhere could make its own name point here.
   */
  readonly allowedHosts?: ReadonlyArray<string> | undefined
  /** Whether the page may cancel calls, and stop, kill and resize instances. It needs a token then. Default `false`. */
  readonly control?: boolean | undefined
  /**
   * What requests have to know. One is made, and printed with the address, where one is needed and none is given: with
   * `control`, or away from loopback. If one is given it is always needed, and not printed.
   */
  readonly token?: string | Redacted.Redacted<string> | undefined
  /** How often the page is brought up to date. Default 500 milliseconds; less often with very many instances. */
  readonly interval?: Duration.Input | undefined
  /** How many instances the page shows, and an answer tells of, at most. Default 10,000. */
  readonly maxInstances?: number | undefined
  /**
   * How many pages may be open at a time. Those beyond are told so, with status 429. Default 32, which is a team that
   * looks at one program.
   */
  readonly maxPages?: number | undefined
  /**
   * How many recordings may go on at a time. Those beyond are told so, with status 429. Default 2: a recording takes up
   * to 100 MB for the moment in which its trace is made.
   */
  readonly maxRecordings?: number | undefined
  /** About how many bytes the events of one recording may take; the oldest ones go first. Default 16 MiB. */
  readonly maxRecordingBytes?: number | undefined
  /** What the page is called. Default the name of the script that runs. */
  readonly title?: string | undefined
}

/**
 * Serves the page for the `ActorSystem` in context, until the Layer's Scope closes, and logs its address at the start.
 *
 * Requests of pages of other origins are refused, and so are requests for names that are not known (DNS rebinding), and
 * those without the token, if there is one. The token is in the part of the address behind `#`, which browsers do not
 * send and servers do not log.
 *
 * Options are checked where they are written: a `port` that is none throws a `RangeError`. The Layer fails where no port
 * would help: at a `host` that is not of this machine, or a `port` that is not for this user.
 *
 * **Example** (A question to a running inspector)
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

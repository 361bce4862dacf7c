/**
 * The options of an inspector, checked and with their defaults. `Options` is public through `Inspector`.
 */
import { randomBytes } from "node:crypto"
import path from "node:path"
import { checkOptions } from "@troupe/core/Home"
import * as Duration from "effect/Duration"
import * as Redacted from "effect/Redacted"
import { type Access, isLoopback } from "./access.ts"
import { PATIENCE } from "./limits.ts"

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
  /** The title of the page. Default: the name of the script that runs. */
  readonly title?: string | undefined
}

const DEFAULT_PORT = 4680
const MIN_INTERVAL = 50

/** The limits that users can set. */
export interface Bounds {
  readonly maxInstances: number
  readonly maxPages: number
  readonly maxRecordings: number
  readonly maxRecordingBytes: number
}

export interface Settings {
  readonly port: number
  readonly onPortTaken: "another" | "fail"
  readonly access: Access
  readonly control: boolean
  /** A generated token is printed. One that the user gave is known to them, and stays out of the log. */
  readonly printToken: boolean
  readonly interval: number
  readonly bounds: Bounds
  readonly title: string
  /** How long a client may be silent, in milliseconds. */
  readonly patience: number
}

/** Throws right where wrong options were written, not when the Layer is built. */
export const settings = (options: Options): Settings => {
  checkOptions<Options>("Inspector.layer", options, {
    port: true,
    onPortTaken: true,
    host: true,
    allowedHosts: true,
    control: true,
    token: true,
    interval: true,
    maxInstances: true,
    maxPages: true,
    maxRecordings: true,
    maxRecordingBytes: true,
    title: true
  })
  const { allowedHosts = [], control = false, host = "127.0.0.1", port = DEFAULT_PORT } = options
  const interval = Duration.toMillis(options.interval ?? 500)
  if (!(Number.isInteger(port) && port >= 0 && port <= 65_535)) throw wrong("port", "an integer from 0 to 65535", port)
  if (!(interval >= MIN_INTERVAL)) throw wrong("interval", `at least ${MIN_INTERVAL} milliseconds`, interval)
  const given = Redacted.isRedacted(options.token) ? Redacted.value(options.token) : options.token
  if (given !== undefined && !/^[\x21-\x7e]{8,}$/.test(given)) {
    throw new TypeError("Inspector.layer: token must be at least 8 characters, all of them printable ASCII, no spaces")
  }
  const onPortTaken = options.onPortTaken ?? "another"
  if (onPortTaken !== "another" && onPortTaken !== "fail") {
    throw new TypeError(
      `Inspector.layer: onPortTaken must be "another" or "fail", but is ${JSON.stringify(onPortTaken)}`
    )
  }
  const token = given ?? (control || !isLoopback(host) ? randomBytes(18).toString("base64url") : undefined)
  return {
    port,
    onPortTaken,
    access: { host, allowedHosts, token },
    control,
    printToken: given === undefined,
    interval,
    bounds: boundsOf(options),
    title: options.title ?? scriptName(),
    patience: PATIENCE
  }
}

const boundsOf = (options: Options): Bounds => {
  const atLeastOne = (option: keyof Bounds, value: number): number => {
    if (Number.isInteger(value) && value >= 1) return value
    throw wrong(option, "an integer of at least 1", value)
  }
  return {
    maxInstances: atLeastOne("maxInstances", options.maxInstances ?? 10_000),
    maxPages: atLeastOne("maxPages", options.maxPages ?? 32),
    maxRecordings: atLeastOne("maxRecordings", options.maxRecordings ?? 2),
    maxRecordingBytes: atLeastOne("maxRecordingBytes", options.maxRecordingBytes ?? 16 * 1024 * 1024)
  }
}

const wrong = (option: string, expected: string, given: unknown): RangeError =>
  new RangeError(`Inspector.layer: ${option} must be ${expected}, but is ${String(given)}`)

const scriptName = (): string => (process.argv[1] === undefined ? "node" : path.basename(process.argv[1]))

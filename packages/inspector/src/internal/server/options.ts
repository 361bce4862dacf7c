/**
 * The options of an inspector, checked and with their defaults.
 */
import { randomBytes } from "node:crypto"
import path from "node:path"
import { checkOptions, show } from "@troupe/core/Home"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { Options } from "../../Inspector.ts"
import { type Inspect, inspectOf } from "../base/inspect.ts"
import { type Access, isLoopback } from "./access.ts"
import { PATIENCE } from "./limits.ts"
import type { Peer, Peers } from "./nodes.ts"

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
  readonly inspect: Inspect | undefined
  readonly interval: number
  readonly bounds: Bounds
  readonly title: string
  /** The inspectors of other nodes, if it was told of any. */
  readonly peers: Peers | undefined
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
    inspect: true,
    interval: true,
    maxInstances: true,
    maxPages: true,
    maxRecordings: true,
    maxRecordingBytes: true,
    peers: true,
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
    inspect: inspectOf(checkInspect(options.inspect)),
    interval,
    bounds: boundsOf(options),
    title: options.title ?? scriptName(),
    peers: peersOf(options.peers),
    patience: PATIENCE
  }
}

const checkInspect = (inspect: Options["inspect"]): Options["inspect"] => {
  if (inspect === undefined || typeof inspect === "boolean" || typeof inspect === "function") return inspect
  throw new TypeError(`Inspector.layer: inspect must be true, false or a function, but is ${show(inspect)}`)
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

const peersOf = (peers: Options["peers"]): Peers | undefined => {
  if (peers === undefined) return undefined
  if (Array.isArray(peers)) return Effect.succeed(peers.map(peerOf))
  return Effect.map(peers as Effect.Effect<ReadonlyArray<string>>, (some) => some.map(peerOf))
}

/** An address as an inspector prints it: the token is behind `#`. */
const peerOf = (text: string): Peer => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new TypeError(`Inspector.layer: peers must be addresses like http://10.0.0.2:4680/, but one is ${text}`)
  }
  const token = new URLSearchParams(url.hash.slice(1)).get("token")
  url.hash = url.search = ""
  if (!url.pathname.endsWith("/")) url.pathname += "/"
  return { address: url.href, token: token === null ? undefined : Redacted.make(token) }
}

const wrong = (option: string, expected: string, given: unknown): RangeError =>
  new RangeError(`Inspector.layer: ${option} must be ${expected}, but is ${String(given)}`)

const scriptName = (): string => (process.argv[1] === undefined ? "node" : path.basename(process.argv[1]))

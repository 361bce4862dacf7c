/**
 * The options of a client, as they apply.
 */
import * as Home from "@troupe/core/Home"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { ClientOptions } from "../../RemoteHome.ts"
import { type Status, statusOf } from "./status.ts"

export interface Settings {
  readonly url: string
  readonly protocol: "websocket" | "http"
  readonly reconnect: Schedule.Schedule<any, any>
  readonly headers: Effect.Effect<ReadonlyArray<[string, string]>, unknown>
  readonly renewHeaders: Duration.Duration
  /** In milliseconds. */
  readonly unavailableAfter: number
  readonly heartbeat: Duration.Duration
  readonly status: Status
}

/** Half a second at first, so that a server which starts again is not flooded, and never longer than the user has patience. */
const RECONNECT = Schedule.jittered(
  Schedule.min([Schedule.exponential("500 millis", 1.5), Schedule.spaced("10 seconds")])
)

export const settingsOf = (actor: string, options: ClientOptions): Settings => {
  Home.checkOptions<ClientOptions>(actor, options, {
    url: true,
    protocol: true,
    reconnect: true,
    headers: true,
    renewHeaders: true,
    unavailableAfter: true,
    heartbeat: true
  })
  const duration = (name: "unavailableAfter" | "heartbeat" | "renewHeaders", ifMissing: Duration.Duration) => {
    const given = options[name]
    if (given === undefined) return ifMissing
    const read = Home.durationOf(given)
    if (read !== undefined && Duration.toMillis(read) > 0) return read
    throw new RangeError(`${actor}: ${name} must be a duration, but is ${Home.show(given)}`)
  }
  const { headers = {}, protocol = "websocket", reconnect = RECONNECT } = options
  const read = Effect.isEffect(headers) ? headers : Effect.succeed(headers)
  if (protocol !== "websocket" && protocol !== "http")
    throw new RangeError(`${actor}: protocol must be "websocket" or "http", but is ${Home.show(protocol)}`)
  return {
    url: urlOf(actor, options.url, protocol),
    protocol,
    reconnect,
    headers: Effect.map(read, (all) => Object.entries(all)),
    renewHeaders: duration("renewHeaders", Duration.infinity),
    unavailableAfter: Duration.toMillis(duration("unavailableAfter", Duration.seconds(10))),
    heartbeat: duration("heartbeat", Duration.seconds(15)),
    status: statusOf(options)
  }
}

/** In a page, a path is one of the page's own server. `http` and `ws` name the same server. */
const urlOf = (actor: string, url: unknown, protocol: "websocket" | "http"): string => {
  const base = (globalThis as { readonly location?: { readonly href?: string } }).location?.href
  const made = Home.attempt(() => new URL(String(url), base))
  if (made === undefined || !/^(http|ws)s?:$/.test(made.protocol))
    throw new TypeError(`${actor}: url must be one like "wss://example.com/actors", but is ${Home.show(url)}`)
  made.protocol = made.protocol.replace(/^(http|ws)/, protocol === "websocket" ? "ws" : "http")
  return made.href
}

/** A URL as it may be told: what follows the path may be a secret. */
export const addressOf = (url: string): string => url.replace(/\?.*/, "")

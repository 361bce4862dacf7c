/**
 * Which pages may call. A browser says which page a request is from, and lets any page open a WebSocket to any server.
 */
import * as Home from "@troupe/core/Home"
import type { ServeOptions } from "../../RemoteHome.ts"

type Headers = Readonly<Record<string, string | undefined>>

/** Why a request is refused that a page has sent, or `undefined`. What is no page sends no origin. */
export type Refusal = (headers: Headers) => string | undefined

export const refusalOf = (subject: string, origins: ServeOptions["origins"] = "same"): Refusal => {
  const allows = test(subject, origins)
  return (headers) => {
    const { origin } = headers
    if (origin === undefined || allows(origin, headers)) return undefined
    return "This origin may not call here: name it in origins of RemoteHome.serve."
  }
}

const test = (
  subject: string,
  origins: NonNullable<ServeOptions["origins"]>
): ((origin: string, headers: Headers) => boolean) => {
  if (origins === "any") return () => true
  if (origins === "same") return (origin, { host }) => host !== undefined && hostOf(origin) === host.toLowerCase()
  if (typeof origins === "function") return (origin) => Home.attempt(() => origins(origin)) === true
  if (Array.isArray(origins) && origins.every((origin) => hostOf(origin) !== undefined)) {
    const all = new Set(origins.map((origin) => new URL(origin).origin))
    return (origin) => all.has(origin.toLowerCase())
  }
  throw new TypeError(
    `${subject}: origins must be "same", "any", a function, or an array of origins like "https://example.com", but is ${Home.show(origins)}`
  )
}

/** The host of a page. Other things than pages that are served have origins, too. */
const hostOf = (origin: string): string | undefined => {
  const url = Home.attempt(() => new URL(origin))
  return url !== undefined && /^https?:$/.test(url.protocol) ? url.host : undefined
}

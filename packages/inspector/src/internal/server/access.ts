/**
 * Which requests the inspector answers.
 *
 * Listening on loopback is not enough: a page of another site, open in a browser on this machine, can send requests
 * there. Its `Origin` gives it away, or what the browser says of it (`Sec-Fetch-Site`). A site that makes its own name
 * point here (DNS rebinding) has the same origin for the browser, but its name is in `Host`: only addresses, `localhost`
 * and allowed names pass, since an address cannot be made to point elsewhere. That leaves other users of this machine,
 * and the token is for those.
 */
import { createHash, timingSafeEqual } from "node:crypto"
import { isIP } from "node:net"

export interface Access {
  /** The address or name that the server was told to listen at. */
  readonly host: string
  readonly allowedHosts: ReadonlyArray<string>
  readonly token: string | undefined
}

export interface Refusal {
  readonly status: 401 | 403
  readonly error: string
}

type Headers = Readonly<Record<string, string | undefined>>

/** `host:port` without the port, and without the brackets of an IPv6 address. `undefined` if it is not a host at all. */
export const hostname = (host: string): string | undefined => {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i.exec(host)
  // A trailing dot means the same name.
  return (match?.[1] ?? match?.[2])?.toLowerCase().replace(/\.$/, "")
}

const isKnownHost = ({ allowedHosts, host }: Access, name: string): boolean =>
  isIP(name) !== 0 ||
  name === "localhost" ||
  name === host.toLowerCase() ||
  allowedHosts.some((allowed) => allowed.toLowerCase() === name)

/** Refuses requests from pages of other sites, and for names that only pretend to be this server. */
export const refuseStrangers = (access: Access, headers: Headers): Refusal | undefined => {
  const { host, origin } = headers
  const name = host === undefined ? undefined : hostname(host)
  if (name === undefined || !isKnownHost(access, name)) {
    const shown = JSON.stringify(String(host).slice(0, 100))
    return refused(`the host ${shown} is not known here; use the address itself, or add the name to allowedHosts`)
  }
  if (origin !== undefined && !isOriginOf(origin, host!)) {
    return refused("requests from pages of other origins are refused")
  }
  const site = headers["sec-fetch-site"]
  if (site !== undefined && site !== "same-origin" && site !== "none") {
    return refused("requests from pages of other sites are refused")
  }
  return undefined
}

const refused = (error: string): Refusal => ({ status: 403, error })

const isOriginOf = (origin: string, host: string): boolean => {
  try {
    const url = new URL(origin)
    return (
      (url.protocol === "http:" || url.protocol === "https:") && url.host === new URL(`${url.protocol}//${host}`).host
    )
  } catch {
    return false
  }
}

/** Refuses requests without the token, if there is one. */
export const refuseWithoutToken = ({ token }: Access, headers: Headers): Refusal | undefined => {
  if (token === undefined) return undefined
  const given = /^Bearer (.+)$/i.exec(headers.authorization ?? "")?.[1]
  if (given !== undefined && equal(given, token)) return undefined
  const problem = given === undefined ? "the token is missing" : "this is not the token"
  const remedy = "open the address that the program printed, or send `Authorization: Bearer <token>`"
  return { status: 401, error: `${problem}: ${remedy}` }
}

/** Takes the same time however many characters are right: it compares digests, which also have the same length. */
const equal = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b))
const digest = (text: string): Buffer => createHash("sha256").update(text).digest()

/** Whether only this machine can reach a server that listens at this host. */
export const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."))

/**
 * What a browser has to hear before a page of another origin may read the answers to its requests (CORS).
 */
import type { ServeOptions } from "../../RemoteHome.ts"
import { HttpServerResponse } from "./engine.ts"
import type { Refusal } from "./origins.ts"

type Response = HttpServerResponse.HttpServerResponse
type Headers = Readonly<Record<string, string | undefined>>

/** How long a browser may remember what it was told, in seconds. */
const REMEMBERED = "600"

/** Lets the page that has sent a request read its answer. Only pages that are named may send credentials. */
export const readable = (response: Response, { origin }: Headers, origins: ServeOptions["origins"]): Response =>
  origin === undefined
    ? response
    : HttpServerResponse.setHeaders(response, {
        vary: "origin",
        "access-control-allow-origin": origin,
        ...(origins === "any" ? undefined : { "access-control-allow-credentials": "true" })
      })

/** The answer to a browser that asks first. */
export const preflight = (headers: Headers, refusal: Refusal, origins: ServeOptions["origins"]): Response =>
  headers.origin === undefined || refusal(headers) !== undefined
    ? HttpServerResponse.empty({ status: 403, headers: { vary: "origin" } })
    : HttpServerResponse.setHeaders(readable(HttpServerResponse.empty({ status: 204 }), headers, origins), {
        "access-control-allow-methods": "POST",
        "access-control-allow-headers": "content-type",
        "access-control-max-age": REMEMBERED
      })

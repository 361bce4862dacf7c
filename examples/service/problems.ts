/**
 * Requests that never reach an endpoint: no such route, the wrong method, a body that is not JSON or too large. They
 * get problem details, too, so that clients only have to understand one kind of error.
 */
import { STATUS_CODES } from "node:http"
import { ByteSize, Effect } from "effect"
import { HttpEffect, HttpIncomingMessage, HttpRouter, type HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApi } from "effect/http-api"
import { Api } from "./Api.ts"

const MAX_KILOBYTES = 64

const details: { readonly [status: number]: string } = {
  404: "There is no such route. GET /openapi.json describes those that there are.",
  405: "The header `allow` says which methods this route takes.",
  413: `A body may have up to ${MAX_KILOBYTES} kB.`,
  415: "A body has to be JSON, with the header content-type: application/json."
}

/** The methods that each path accepts. */
const routes: Array<{ readonly path: RegExp; readonly method: string }> = []
HttpApi.reflect(Api, {
  onGroup: () => {},
  onEndpoint: ({ endpoint }) => {
    routes.push({ path: new RegExp(`^${endpoint.path.replaceAll(/:\w+/g, "[^/]+")}$`), method: endpoint.method })
  }
})

const methodsOf = (url: string): ReadonlyArray<string> => {
  const [path = ""] = url.split("?")
  return routes.filter((route) => route.path.test(path)).map(({ method }) => method)
}

const isProblem = ({ body }: HttpServerResponse.HttpServerResponse): boolean =>
  "contentType" in body && body.contentType === "application/problem+json"

/** The schemas have already turned the errors of endpoints into problems, which stay as they are. */
const toProblem = (request: HttpServerRequest.HttpServerRequest, response: HttpServerResponse.HttpServerResponse) => {
  if (response.status < 400 || isProblem(response)) return response
  const methods = response.status === 404 ? methodsOf(request.url) : []
  const status = methods.length > 0 ? 405 : response.status
  const title = STATUS_CODES[status] ?? "Error"
  const problem = { type: "about:blank", status, title, ...(details[status] && { detail: details[status] }) }
  return HttpServerResponse.jsonUnsafe(problem, {
    status,
    contentType: "application/problem+json",
    ...(methods.length > 0 && { headers: { allow: methods.join(", ") } })
  })
}

/** For all routes: bounds the size of bodies, and turns error responses into problems. */
export const problems = HttpRouter.middleware(
  (handled) =>
    handled.pipe(
      Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(MAX_KILOBYTES * 1000)),
      HttpEffect.withPreResponseHandler((request, response) => Effect.succeed(toProblem(request, response)))
    ),
  { global: true }
)

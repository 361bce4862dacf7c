/** Pages on the web, by `http:` or `https:` URL. */
import { STATUS_CODES } from "node:http"
import { type Duration, Effect, Layer, Stream } from "effect"
import {
  FetchHttpClient,
  HttpClient,
  type HttpClientError,
  HttpClientRequest,
  type HttpClientResponse
} from "effect/http"
import { Broken, decodeText, type Format, formatOfName, maxPageBytes, type Text } from "./Page.ts"

/** Fetches a page, and reads it if it is Markdown or HTML. */
export const read = Effect.fnUntraced(function* (url: URL, timeout: Duration.Input) {
  const client = yield* scopedClient
  return yield* Effect.gen(function* () {
    const response = yield* refuseErrors(client.execute(request("GET", url)))
    const found = new URL(response.url || url.href)
    const format = formatOf(response, found)
    const text = format === "other" ? "" : yield* Effect.flatMap(bytesOf(response), decodeText)
    return { url: found, format, text } satisfies Text
  }).pipe(withTimeout(timeout))
})

/** Checks whether there is anything at this address, with HEAD or, for servers that do not support it, with GET. */
export const exists = Effect.fnUntraced(function* (url: URL, timeout: Duration.Input) {
  const client = yield* scopedClient
  yield* client.execute(request("HEAD", url)).pipe(
    refuseErrors,
    Effect.catch(() => refuseErrors(client.execute(request("GET", url)))),
    withTimeout(timeout)
  )
})

/** A client that does not send trace headers to strangers. */
export const layer = Layer.provide(
  FetchHttpClient.layer,
  Layer.succeed(HttpClient.TracerDisabledWhen)(() => true)
)

/** Bodies that are never read are released when the scope closes. */
const scopedClient = Effect.map(HttpClient.HttpClient, HttpClient.withScope)

const request = (method: "GET" | "HEAD", url: URL) =>
  HttpClientRequest.make(method)(url, {
    headers: { accept: "text/html, text/markdown;q=0.9, */*;q=0.8", "user-agent": "troupe-links" }
  })

const refuseErrors = <R>(
  response: Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError, R>
) =>
  response.pipe(
    Effect.mapError((error) => new Broken({ reason: describe(error) })),
    Effect.filterOrFail(
      ({ status }) => status < 400,
      ({ status }) => new Broken({ reason: `answered ${status} ${STATUS_CODES[status] ?? ""}`.trim() })
    )
  )

const withTimeout =
  (timeout: Duration.Input) =>
  <A, E, R>(self: Effect.Effect<A, E, R>) =>
    Effect.scoped(self).pipe(
      Effect.timeoutOrElse({
        duration: timeout,
        orElse: () => Effect.fail(new Broken({ reason: "no answer in time" }))
      })
    )

const formatOf = (response: HttpClientResponse.HttpClientResponse, url: URL): Format => {
  const type = response.headers["content-type"] ?? ""
  if (/^(text\/html|application\/xhtml\+xml)\b/i.test(type)) return "html"
  if (/^text\/markdown\b/i.test(type)) return "markdown"
  return /^text\/plain\b/i.test(type) || type === "" ? formatOfName(url.pathname) : "other"
}

const bytesOf = (response: HttpClientResponse.HttpClientResponse) =>
  response.stream.pipe(
    Stream.mapError((error) => new Broken({ reason: describe(error) })),
    Stream.runFoldEffect(
      () => ({ chunks: [] as Uint8Array[], length: 0 }),
      (body, chunk) => {
        body.chunks.push(chunk)
        body.length += chunk.length
        return body.length <= maxPageBytes
          ? Effect.succeed(body)
          : Effect.fail(new Broken({ reason: `larger than ${maxPageBytes} bytes` }))
      }
    ),
    Effect.map(({ chunks }) => Buffer.concat(chunks))
  )

/** Network errors, in plain words. */
const networkErrors: Record<string, string> = {
  ENOTFOUND: "no such host",
  EAI_AGAIN: "no such host, or no name server to ask",
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset",
  UND_ERR_SOCKET: "connection closed",
  UND_ERR_CONNECT_TIMEOUT: "no answer in time",
  CERT_HAS_EXPIRED: "the certificate has expired"
}

/** `fetch` fails with "fetch failed" and keeps the reason in causes of causes. */
const describe = (error: HttpClientError.HttpClientError): string => {
  let deepest: unknown = error
  while (deepest instanceof Error && deepest.cause instanceof Error) deepest = deepest.cause
  const { code, message } = deepest as Error & { readonly code?: string }
  return networkErrors[code ?? ""] ?? message
}

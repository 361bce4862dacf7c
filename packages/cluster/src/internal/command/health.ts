/**
 * Health checks and metrics of a node over HTTP: `/live`, `/ready` and `/metrics`.
 */
import { createServer } from "node:http"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Effect from "effect/Effect"
import * as HttpMiddleware from "effect/http/HttpMiddleware"
import * as HttpRouter from "effect/http/HttpRouter"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import type * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import { ClusterStartError } from "../../ClusterStartError.ts"
import { Sharding } from "../engine.ts"
import { type Address, nameOf } from "../net/address.ts"
import * as listening from "../net/listening.ts"

/** Where a node is in its life. */
export class Readiness {
  state: "starting" | "ready" | "leaving" = "starting"
}

/** A storage that takes longer is one that calls would wait for. */
const STORAGE_TIMEOUT = "1 second"

/** A probe is sent at once and has no body: what takes longer only holds a connection. In milliseconds. */
const LIMITS = { headersTimeout: 5000, requestTimeout: 10_000, connectionsCheckingInterval: 1000 }

type Needs = Sharding.Sharding | SqlClient.SqlClient
type Response = HttpServerResponse.HttpServerResponse

export const layer = (options: Address, readiness: Readiness): Layer.Layer<never, ClusterStartError, Needs> =>
  Layer.effectDiscard(serve(options, readiness))

/** Serves until the Scope closes. It does not wait for connections that are kept alive. */
const serve = (address: Address, readiness: Readiness): Effect.Effect<void, ClusterStartError, Needs | Scope.Scope> =>
  Effect.gen(function* () {
    const node = createServer(LIMITS)
    const http = yield* NodeHttpServer.make(() => node, { ...address, disablePreemptiveShutdown: true }).pipe(
      Effect.mapError(({ cause }) => startError(address, cause)),
      // Interrupted, it would go on to listen, and nobody would close it.
      Effect.uninterruptible
    )
    // Running out of file descriptors for connections must not end the node.
    node.on("error", () => {})
    yield* Effect.addFinalizer(() => Effect.sync(() => node.closeAllConnections()))
    // A probe every few seconds is nothing to trace.
    yield* Effect.provideService(http.serve(yield* answers(readiness)), HttpMiddleware.TracerDisabledWhen, () => true)
    // We speak no other protocol: without a listener, Node handles an upgrade as the plain request that it also is.
    node.removeAllListeners("upgrade")
  })

const startError = (address: Address, cause: unknown): ClusterStartError => {
  const why = listening.why(cause, address, listening.HEALTH) ?? (cause as Error).message
  return new ClusterStartError({ why: `its health port ${nameOf(address)} cannot be opened: ${why}`, cause })
}

const text = (body: string, status = 200): Response =>
  HttpServerResponse.text(body, { status, contentType: "text/plain; charset=utf-8" })

/** Answers every request, also those that fail. */
const answers = (
  readiness: Readiness
): Effect.Effect<Effect.Effect<Response, never, HttpServerRequest | Scope.Scope>, never, Needs> =>
  Effect.gen(function* () {
    const needs = yield* Effect.context<Needs>()
    const router = yield* HttpRouter.make
    const routes = [
      // The response itself shows that the process is alive.
      HttpRouter.route("*", "/live", text("live\n")),
      HttpRouter.route("*", "/ready", Effect.provideContext(ready(readiness), needs)),
      HttpRouter.route(
        "*",
        "/metrics",
        Effect.map(PrometheusMetrics.format(), (metrics) => text(metrics))
      )
    ]
    yield* router.addAll(routes)
    return router.asHttpEffect().pipe(
      // The router fails if there is no route.
      Effect.catch(() => Effect.succeed(text("There are /live, /ready and /metrics\n", 404))),
      Effect.catchDefect((defect) =>
        Effect.as(Effect.logWarning("A request to the health port failed", defect), text("this request failed\n", 500))
      )
    )
  })

const ready = (readiness: Readiness): Effect.Effect<Response, never, Needs> =>
  Effect.map(whyNotReady(readiness), (why) => (why === undefined ? text("ready\n") : text(`${why}\n`, 503)))

const whyNotReady = (readiness: Readiness): Effect.Effect<string | undefined, never, Needs> =>
  Effect.gen(function* () {
    const { state } = readiness
    if (state !== "ready") return state
    const sharding = yield* Sharding.Sharding
    if (yield* sharding.isShutdown) return "leaving"
    const sql = yield* SqlClient.SqlClient
    const answers = yield* Effect.isSuccess(Effect.timeout(sql`SELECT 1`, STORAGE_TIMEOUT))
    return answers ? undefined : "the storage does not answer"
  })

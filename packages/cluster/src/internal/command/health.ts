/**
 * Health checks and metrics of a node over HTTP: `/live`, `/ready` and `/metrics`.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
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

interface Answer {
  readonly status: number
  readonly body: string
}

/** A storage that takes longer is one that calls would wait for. */
const STORAGE_TIMEOUT = "1 second"

/** A probe is sent at once and has no body: what takes longer only holds a connection. In milliseconds. */
const LIMITS = { headersTimeout: 5000, requestTimeout: 10_000, connectionsCheckingInterval: 1000 }
const BASE = "http://node"

type Needs = Sharding.Sharding | SqlClient.SqlClient

export const layer = (options: Address, readiness: Readiness): Layer.Layer<never, ClusterStartError, Needs> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const context = yield* Effect.context<Needs | Scope.Scope>()
      yield* Effect.acquireRelease(listen(options, context as Context.Context<any>, readiness), close)
    })
  )

const listen = (
  address: Address,
  context: Context.Context<Needs>,
  readiness: Readiness
): Effect.Effect<Server, ClusterStartError> =>
  Effect.callback((resume) => {
    const run = Effect.runForkWith(context)
    // The callback only starts a fiber: an error that it throws would end the process.
    const server = createServer(LIMITS, (request, response) => void run(respond(request, response, readiness)))
    // For as long as the server lives, since it may also fail to accept a connection.
    server.on("error", (cause) => {
      const why = listening.why(cause, address, listening.HEALTH) ?? cause.message
      resume(
        Effect.fail(
          new ClusterStartError({ why: `its health port ${nameOf(address)} cannot be opened: ${why}`, cause })
        )
      )
    })
    server.listen(address.port, address.host, () => resume(Effect.succeed(server)))
  })

const close = (server: Server): Effect.Effect<void> =>
  Effect.callback((resume) => {
    server.close(() => resume(Effect.void))
    server.closeAllConnections()
  })

const respond = (request: IncomingMessage, response: ServerResponse, readiness: Readiness) =>
  Effect.suspend(() => answer(pathOf(request.url ?? ""), readiness)).pipe(
    Effect.catchCause((cause) =>
      Effect.as(Effect.logWarning("A request to the health port failed", cause), {
        status: 500,
        body: "this request failed\n"
      })
    ),
    Effect.flatMap(({ body, status }) =>
      Effect.sync(() => response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(body))
    ),
    Effect.ignoreCause({ log: "Debug" })
  )

/** The path of a request target, which may be anything that has no blanks in it. */
const pathOf = (target: string): string => (URL.canParse(target, BASE) ? new URL(target, BASE).pathname : target)

const answer = (path: string, readiness: Readiness): Effect.Effect<Answer, never, Needs> => {
  switch (path) {
    case "/live":
      // The response itself shows that the process is alive.
      return Effect.succeed({ status: 200, body: "live\n" })
    case "/ready":
      return Effect.map(whyNotReady(readiness), (why) =>
        why === undefined ? { status: 200, body: "ready\n" } : { status: 503, body: `${why}\n` }
      )
    case "/metrics":
      return Effect.map(PrometheusMetrics.format(), (body) => ({ status: 200, body }))
    default:
      return Effect.succeed({ status: 404, body: "There are /live, /ready and /metrics\n" })
  }
}

const whyNotReady = ({ state }: Readiness): Effect.Effect<string | undefined, never, Needs> =>
  Effect.gen(function* () {
    if (state !== "ready") return state
    const sharding = yield* Sharding.Sharding
    if (yield* sharding.isShutdown) return "leaving"
    const sql = yield* SqlClient.SqlClient
    const answers = yield* Effect.isSuccess(Effect.timeout(sql`SELECT 1`, STORAGE_TIMEOUT))
    return answers ? undefined : "the storage does not answer"
  })

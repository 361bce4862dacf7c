/**
 * An HTTP service with an actor per tenant. See the README.md next to it.
 *
 *     npx node --conditions=@troupe/source examples/service/main.ts
 */
import { createServer } from "node:http"
import { ActorSystem } from "@troupe/core"
import { Inspector } from "@troupe/inspector"
import { Effect, Layer } from "effect"
import { FetchHttpClient, HttpEffect, HttpRouter, HttpServerResponse } from "effect/http"
import { Otlp } from "effect/observability"
import { layerServer, runServer } from "../server.ts"
import { Courier } from "./Courier.ts"
import { routes } from "./http.ts"
import { problems } from "./problems.ts"
import { Settings } from "./Settings.ts"
import { Warehouse } from "./Warehouse.ts"

const actors = Layer.provideMerge(Warehouse.layer, Courier.layer)

const node = createServer()

const server = Layer.unwrap(
  Effect.map(Settings, ({ port }) => layerServer(() => node, { port, gracefulShutdownTimeout: "10 seconds" }))
)

/** Once the server accepts no more connections, open ones close after their response, so that ending need not wait. */
const lastAnswers = HttpRouter.middleware(
  HttpEffect.withPreResponseHandler((_, response) =>
    Effect.succeed(node.listening ? response : HttpServerResponse.setHeader(response, "connection", "close"))
  ),
  { global: true }
)

const inspector = Layer.unwrap(
  Effect.map(Settings, ({ inspectorPort }) => Inspector.layer({ port: inspectorPort, title: "Warehouses" }))
)

const telemetry = Layer.unwrap(
  Effect.map(Settings, ({ otlp }) =>
    otlp === ""
      ? Layer.empty
      : Layer.merge(
          Otlp.layerJson({ baseUrl: otlp, resource: { serviceName: "warehouses" } }).pipe(
            Layer.provide(FetchHttpClient.layer)
          ),
          ActorSystem.layerMetrics()
        )
  )
)

// Layers end in reverse order: first the server, which accepts no more requests and waits for those in progress, then
// the actors, then the exporter, which sends what it has.
const service = HttpRouter.serve(Layer.mergeAll(routes, problems, lastAnswers)).pipe(
  Layer.provide(server),
  Layer.merge(inspector),
  Layer.provide(actors),
  Layer.provide(telemetry),
  Layer.provide(Settings.layer)
)

runServer(Layer.launch(service))

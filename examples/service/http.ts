/** Turns requests into calls of actors. */
import { ActorError } from "@troupe/core"
import { Effect, Layer } from "effect"
import { HttpMiddleware } from "effect/http"
import { HttpApiBuilder, HttpApiMiddleware } from "effect/http-api"
import { Api, TooMany, Unavailable } from "./Api.ts"
import { Warehouse } from "./Warehouse.ts"

/** The errors of calls, other than those of the methods, as responses. */
const answer = (error: ActorError.ActorError): Effect.Effect<never, TooMany | Unavailable> =>
  error.reason._tag === "PendingCallsLimitExceeded"
    ? Effect.fail(new TooMany({ retryAfterMillis: 1000 }))
    : // The details go to the log, not to the client.
      Effect.andThen(Effect.logWarning(error.message), new Unavailable())

type Handle = ReturnType<Warehouse["Service"]["get"]>

const WarehousesLive = HttpApiBuilder.group(
  Api,
  "warehouses",
  Effect.fnUntraced(function* (handlers) {
    const warehouses = yield* Warehouse

    /** Calls a tenant's warehouse, unless that tenant is over its rate. */
    const ask = <A, E>(tenant: string, call: (warehouse: Handle) => Effect.Effect<A, E>) => {
      const warehouse = warehouses.get(tenant)
      return warehouse.enter().pipe(Effect.andThen(call(warehouse)), Effect.catchIf(ActorError.isActorError, answer))
    }

    return handlers.handleAll({
      items: ({ params }) => ask(params.tenant, (warehouse) => warehouse.items()),
      item: ({ params }) => ask(params.tenant, (warehouse) => warehouse.item(params.item)),
      deliver: ({ params, payload }) =>
        ask(params.tenant, (warehouse) => warehouse.deliver(payload.item, payload.quantity)),
      order: ({ params, payload }) => ask(params.tenant, (warehouse) => warehouse.order(payload.item, payload.quantity))
    })
  })
)

const HealthLive = HttpApiBuilder.group(Api, "health", (handlers) => handlers.handleAll({ health: () => Effect.void }))

export const routes = HttpApiBuilder.layer(Api, { openapiPath: "/openapi.json" }).pipe(
  Layer.provide([WarehousesLive, HealthLive]),
  Layer.provide(HttpApiMiddleware.layerProblemDetails({ includeDetails: true })),
  // Probes come every few seconds: no spans for those.
  Layer.provide(HttpMiddleware.layerTracerDisabledForUrls(["/health"]))
)

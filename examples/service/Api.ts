/**
 * The interface of the service: its routes, their requests and their responses. A client may import this file, since it
 * contains nothing of the implementation.
 */
import { Schema } from "effect"
import {
  HttpApi,
  HttpApiEndpoint,
  HttpApiError,
  HttpApiGroup,
  HttpApiMiddleware,
  HttpApiSchema,
  OpenApi
} from "effect/http-api"

// --- what goes over the wire -----------------------------------------------------------------------------------------

const Name = Schema.String.check(
  Schema.isPattern(/^[a-z0-9-]{1,40}$/, { expected: "up to 40 small letters, digits and hyphens" })
)
const Quantity = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1000 }))

export const Item = Schema.Struct({ item: Name, quantity: Schema.Natural })
export const Delivery = Schema.Struct({ item: Name, quantity: Quantity })
export const Order = Schema.Struct({ item: Name, quantity: Quantity })
export const Shipment = Schema.Struct({ order: Schema.Int, item: Name, quantity: Quantity, parcel: Schema.String })

// --- errors, each with its status, as problem details of RFC 9457
// -----------------------------------------------------

export class UnknownItem extends HttpApiError.Problem<UnknownItem>()(
  "UnknownItem",
  { type: "/problems/unknown-item", status: 404, title: "This warehouse has never had such an item." },
  { item: Schema.String }
) {}

export class OutOfStock extends HttpApiError.Problem<OutOfStock>()(
  "OutOfStock",
  { type: "/problems/out-of-stock", status: 409, title: "There is not enough of this item." },
  { item: Schema.String, left: Schema.Natural }
) {}

/** Too many requests per second, or too many waiting orders. */
export class TooMany extends HttpApiError.Problem<TooMany>()(
  "TooMany",
  { type: "/problems/too-many", status: 429, title: "Too many requests of this tenant." },
  { retryAfterMillis: Schema.Natural }
) {}

/** The actor cannot answer: its process is shutting down, or it broke. */
export class Unavailable extends HttpApiError.Problem<Unavailable>()("Unavailable", {
  type: "/problems/unavailable",
  status: 503,
  title: "The warehouse cannot answer now."
}) {}

/** A 429 has the header `retry-after`, in seconds, for clients that do not read the body. */
const TooManyWithHeader = TooMany.pipe(
  HttpApiSchema.encodeToWithHeaders(
    { body: TooMany, headers: { "retry-after": Schema.Int } },
    {
      decode: ({ body }) => body,
      encode: (body) => ({ body, headers: { "retry-after": Math.ceil(body.retryAfterMillis / 1000) } })
    }
  )
)

// --- routes ----------------------------------------------------------------------------------------------------------

const common = [TooManyWithHeader, Unavailable] as const

/** What `openapi.json` says about an endpoint. */
const says = (description: string) => OpenApi.annotations({ description })

export class Warehouses extends HttpApiGroup.make("warehouses")
  .add(
    HttpApiEndpoint.get("items", "/items", {
      params: { tenant: Name },
      success: Schema.Array(Item),
      error: common
    }).annotateMerge(says("All items that the warehouse of a tenant has had, with what is left of them.")),
    HttpApiEndpoint.get("item", "/items/:item", {
      params: { tenant: Name, item: Name },
      success: Item,
      error: [UnknownItem, ...common]
    }).annotateMerge(says("One item, with what is left of it.")),
    HttpApiEndpoint.post("deliver", "/deliveries", {
      params: { tenant: Name },
      payload: Delivery,
      success: Item,
      error: common
    }).annotateMerge(says("Adds to the stock. Answers with what there is then.")),
    HttpApiEndpoint.post("order", "/orders", {
      params: { tenant: Name },
      payload: Order,
      success: Shipment.pipe(HttpApiSchema.status(201)),
      error: [UnknownItem, OutOfStock, ...common]
    }).annotateMerge(
      says("Hands a parcel to the courier, and takes it from the stock. If the client goes away, nothing is taken.")
    )
  )
  .prefix("/tenants/:tenant")
  .annotateMerge(says("The warehouse of each tenant. It is there from the first request on.")) {}

export class Health extends HttpApiGroup.make("health", { topLevel: true })
  .add(
    HttpApiEndpoint.get("health", "/health", { success: HttpApiSchema.NoContent }).annotateMerge(
      says("Answers while the service is up.")
    )
  )
  .annotateMerge(says("For load balancers and supervisors.")) {}

// The middleware answers requests that do not match with 400, and says what is wrong and where.
export class Api extends HttpApi.make("warehouses")
  .add(Warehouses)
  .add(Health)
  .middleware(HttpApiMiddleware.ProblemDetails)
  .annotateMerge(
    OpenApi.annotations({
      title: "Warehouses",
      version: "1.0.0",
      description:
        "Each tenant has a stock of its own, and a limit on how often it may ask. Errors are problem details (RFC 9457): " +
        "besides those below, 404 for a route that does not exist, 405, 413 and 415."
    })
  ) {}

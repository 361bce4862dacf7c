/**
 * The interface of the service: its routes, what they take, and what they answer. A client may import this file, since
 * nothing of the implementation is in it.
 */
import { Schema } from "effect"
import { HttpApi, HttpApiEndpoint, HttpApiError, HttpApiGroup, HttpApiMiddleware, HttpApiSchema } from "effect/http-api"

// --- what goes over the wire -----------------------------------------------------------------------------------------

const Name = Schema.String.check(Schema.isPattern(/^[a-z0-9-]{1,40}$/))
const Quantity = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1000 }))

export const Item = Schema.Struct({ item: Name, quantity: Schema.Natural })
export const Delivery = Schema.Struct({ item: Name, quantity: Quantity })
export const Order = Schema.Struct({ item: Name, quantity: Quantity })
export const Shipment = Schema.Struct({ order: Schema.Int, item: Name, quantity: Quantity, parcel: Schema.String })

// --- errors, each with its status, as problem details of RFC 9457 -----------------------------------------------------

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

/** Too many requests per second, or too many orders that wait. */
export class TooMany extends HttpApiError.Problem<TooMany>()(
  "TooMany",
  { type: "/problems/too-many", status: 429, title: "Too many requests of this tenant." },
  { retryAfterMillis: Schema.Natural }
) {}

/** The actor that should answer cannot: its process shuts down, or it broke. */
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

export class Warehouses extends HttpApiGroup.make("warehouses")
  .add(
    HttpApiEndpoint.get("items", "/items", { params: { tenant: Name }, success: Schema.Array(Item), error: common }),
    HttpApiEndpoint.get("item", "/items/:item", {
      params: { tenant: Name, item: Name },
      success: Item,
      error: [UnknownItem, ...common]
    }),
    HttpApiEndpoint.post("deliver", "/deliveries", {
      params: { tenant: Name },
      payload: Delivery,
      success: Item,
      error: common
    }),
    HttpApiEndpoint.post("order", "/orders", {
      params: { tenant: Name },
      payload: Order,
      success: Shipment.pipe(HttpApiSchema.status(201)),
      error: [UnknownItem, OutOfStock, ...common]
    })
  )
  .prefix("/tenants/:tenant") {}

export class Health extends HttpApiGroup.make("health", { topLevel: true }).add(
  HttpApiEndpoint.get("health", "/health", { success: HttpApiSchema.NoContent })
) {}

// The middleware answers 400, with what is wrong and where, to requests that do not fit.
export class Api extends HttpApi.make("warehouses")
  .add(Warehouses)
  .add(Health)
  .middleware(HttpApiMiddleware.ProblemDetails) {}

/** The courier that all tenants share: slow, with three parcels at a time. */
import { Actor } from "@troupe/core"
import { Effect } from "effect"
import { Settings } from "./Settings.ts"

export class Courier extends Actor.Service<Courier>()("service/Courier", {
  maxConcurrency: 3,
  make: Effect.gen(function* () {
    const { courierMillis } = yield* Settings
    let parcels = 0
    return {
      send: Effect.fnUntraced(function* (_item: string, _quantity: number) {
        yield* Effect.sleep(courierMillis) // stands for a request to an external service
        return `parcel-${++parcels}`
      })
    }
  })
}) {}

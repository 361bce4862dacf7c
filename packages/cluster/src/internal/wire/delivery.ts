/**
 * What a contract says about delivery, on the method itself.
 */
import type { AnyContractMethod } from "@troupe/core/Actor"
import type { Delivery } from "../../Delivery.ts"

export interface Annotation {
  readonly kind: Delivery
  /** Makes the id of a durable call of its arguments. */
  readonly id?: ((...args: any) => string) | undefined
}

const DeliveryKey = "~troupe/delivery"

export const annotate = <M extends AnyContractMethod>(method: M, delivery: Annotation): M => {
  if (method?.["~troupe/ContractMethod"] !== true) {
    throw new TypeError(`Delivery.${delivery.kind} takes a method of a contract, made by Actor.method({ ... })`)
  }
  if ((method as any).stream === true && delivery.kind !== "atMostOnce") {
    throw new TypeError(
      `Delivery.${delivery.kind}: a method that returns a Stream is delivered at most once, since a stream that starts anew would repeat its items`
    )
  }
  return { ...method, [DeliveryKey]: delivery }
}

export const read = (method: AnyContractMethod): Annotation => (method as any)[DeliveryKey] ?? { kind: "atMostOnce" }

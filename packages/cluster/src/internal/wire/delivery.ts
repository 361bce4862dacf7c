/**
 * What a contract says about delivery, on the method itself.
 */
import type { AnyContractMethod } from "@troupe/core/Actor"

export type Delivery = "atMostOnce" | "atLeastOnce" | "durable"

export interface Terms {
  readonly delivery: Delivery
  /** Makes the id of a durable call of its arguments. */
  readonly id?: ((...args: any) => string) | undefined
}

const TermsKey = "~troupe/delivery"

export const annotate = <M extends AnyContractMethod>(method: M, terms: Terms): M => {
  if (method?.["~troupe/ContractMethod"] !== true) {
    throw new TypeError(`Delivery.${terms.delivery} takes a method of a contract, made by Actor.method({ ... })`)
  }
  if ((method as any).stream === true && terms.delivery !== "atMostOnce") {
    throw new TypeError(
      `Delivery.${terms.delivery}: a method that returns a Stream is delivered at most once, since a stream that starts anew would repeat its items`
    )
  }
  return { ...method, [TermsKey]: terms }
}

export const read = (method: AnyContractMethod): Terms => (method as any)[TermsKey] ?? { delivery: "atMostOnce" }

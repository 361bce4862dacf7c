/**
 * What was published once, for readers that make the same of it: a thousand readers elsewhere get one text.
 */
import { shared } from "../base/copies.ts"

export class OwnPublication {
  declare readonly item: unknown
  private readonly made = new Map<object, any>()

  constructor(item: unknown) {
    this.item = item
  }

  /** What `make` makes of the item, which it does once for each `key`. */
  as<A>(key: object, make: (item: unknown) => A): A {
    if (!this.made.has(key)) this.made.set(key, make(this.item))
    return this.made.get(key)
  }
}

export const Publication: typeof OwnPublication = /* @__PURE__ */ shared("Publication", OwnPublication)
export type Publication = OwnPublication

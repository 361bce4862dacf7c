/**
 * Classes that have been defined anew under their ids, which a hot reload does: what the older one has made lives on where
 * a runtime survives the reload, and answers as the older one says.
 */
import { shared } from "../base/copies.ts"

/** How often each id has been defined. */
const last: Map<string, number> = /* @__PURE__ */ shared("editions", /* @__PURE__ */ new Map())

/** Of which of these times a class is. */
const editions = new WeakMap<object, number>()

/** A class is defined under an id. */
export const defines = (id: string, key: object): void => {
  const edition = (last.get(id) ?? 0) + 1
  last.set(id, edition)
  editions.set(key, edition)
}

/** What an error adds that may come of it: something, if there is a newer class of this id. */
export const older = (id: string, key: object | undefined): string =>
  key === undefined || editions.get(key) === last.get(id)
    ? ""
    : `. This instance is of an older version of the class ${id}, which was loaded anew since (a hot reload?): dispose of its runtime, and build the Layer of the new class`

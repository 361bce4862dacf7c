import { shared } from "../base/copies.ts"

/** What `Driver` gives to those who may block: proof for code that runs on no fiber. */
export const permission: object = /* @__PURE__ */ shared("permission", /* @__PURE__ */ Object.freeze({}))

/**
 * Who called, for the methods that are called.
 */
import * as Context from "effect/Context"
import type { RemoteRequest } from "../../RemoteHome.ts"

/** The request that a call was made for, if it came from elsewhere. */
export const CurrentRequest: Context.Reference<RemoteRequest | undefined> = /* @__PURE__ */ Context.Reference<
  RemoteRequest | undefined
>("troupe/remote/Request", { defaultValue: () => undefined })

/**
 * Defects as the server tells them, if it tells them at all: with the frames of its users.
 */
import * as Home from "@troupe/core/Home"
import * as Schema from "effect/Schema"
import { crossing, Defect } from "../wire/defects.ts"

const write = /* @__PURE__ */ Schema.encodeSync(Defect)

const ofUsers = (json: Schema.Json): Schema.Json => {
  const { cause, stack } = (json ?? {}) as { readonly cause?: Schema.Json; readonly stack?: unknown }
  if (typeof stack !== "string") return json
  const own = { ...(json as Schema.JsonObject), stack: Home.framesOfUsers(stack) }
  return cause === undefined ? own : { ...own, cause: ofUsers(cause) }
}

export const SentDefect = /* @__PURE__ */ crossing((defect) => ofUsers(write(defect)))

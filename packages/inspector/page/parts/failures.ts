/** The last calls that failed: a line each, which opens to show all that the error tells. */
import type { FailedCall } from "../../src/internal/live/frame.ts"
import { h } from "./dom.ts"
import * as format from "./format.ts"

export const failureList = (failures: ReadonlyArray<FailedCall>, { where }: { readonly where: boolean }): HTMLElement =>
  h("ol.failures", {}, ...failures.map((failure) => failureItem(failure, where)))

const failureItem = (
  { args, at, call, fields, instance, message, method, seq, stack }: FailedCall,
  where: boolean
): HTMLElement =>
  h(
    "li",
    { "data-key": seq },
    h(
      "details.failure",
      {},
      h(
        "summary",
        {},
        h("time", {}, format.clock(at)),
        h("span.what", {}, h("span.method", {}, method), h("span.id", {}, `#${call}`)),
        args !== undefined && h("code.args", {}, `(${args})`),
        h("span.error", {}, message),
        fields !== undefined && h("span.fields", {}, fields)
      ),
      h("pre", { tabindex: 0 }, stack),
      where && h("button.link", { type: "button", "data-do": "instance", "data-id": instance }, `instance #${instance}`)
    )
  )

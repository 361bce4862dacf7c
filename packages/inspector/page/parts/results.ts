/** The last calls that succeeded, as far as the program allows that they are shown. */
import type { ShownCall } from "../../src/internal/live/frame.ts"
import { h } from "./dom.ts"
import * as format from "./format.ts"

export const resultList = (calls: ReadonlyArray<ShownCall>): HTMLElement =>
  h("ol.results", {}, ...calls.map(resultItem))

const resultItem = ({ args, at, call, method, result, seq }: ShownCall): HTMLElement =>
  h(
    "li",
    { "data-key": seq },
    h("time", {}, format.clock(at)),
    h("span.what", {}, h("span.method", {}, method), h("span.id", {}, `#${call}`)),
    h("code.args", {}, `${args === undefined ? "" : `(${args})`}${result === undefined ? "" : ` → ${result}`}`)
  )

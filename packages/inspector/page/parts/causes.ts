/** What most calls wait for in the end, one line for each. */
import type { RootCause } from "../../src/internal/live/causes.ts"
import { h } from "./dom.ts"
import * as format from "./format.ts"

export const causeList = (causes: ReadonlyArray<RootCause>, now: number): ReadonlyArray<HTMLElement> =>
  causes.length === 0 ? [] : [h("ul.causes", { "data-key": "causes" }, ...causes.map((cause) => causeItem(cause, now)))]

const causeItem = ({ call, holders, instance, method, since, waiting, waitingSince }: RootCause, now: number) => {
  const ago = (at: number) => format.duration(Math.max(0, now - at))
  return h(
    "li",
    { "data-key": call },
    h("strong", {}, `${format.plural(waiting, "call")} wait behind `),
    holders > 1 && `${format.count(holders)} running calls, the oldest of them `,
    h("button.link", { type: "button", "data-do": "instance", "data-id": instance }, h("code", {}, method)),
    h("span.id", {}, `#${call}`),
    `, running for ${ago(since)}. The first of them has waited for ${ago(waitingSince)}.`
  )
}

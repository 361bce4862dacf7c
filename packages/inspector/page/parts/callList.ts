/** A list of unsettled calls. */
import type { CallView } from "../../src/internal/server/views.ts"
import { confirmButton } from "./confirm.ts"
import { h } from "./dom.ts"
import * as format from "./format.ts"

const stages: Record<CallView["stage"], string> = {
  suspended: "waiting for room",
  preparing: "waiting for arguments",
  waiting: "in line",
  running: "running",
  ending: "ending"
}

export interface CallOptions {
  readonly now: number
  readonly control: boolean
  readonly armed: string | undefined
  /** Whether to name the instance, with a link to it. */
  readonly where: boolean
}

export const callList = (calls: ReadonlyArray<CallView>, options: CallOptions): HTMLElement =>
  h("ul.calls", {}, ...calls.map((call) => callItem(call, options)))

const callItem = (call: CallView, { armed, control, now, where }: CallOptions): HTMLElement => {
  const { args, attempts, explained, group, id, instance, method, position, since, stage, trace, waitingOn } = call
  const isBlocked = stage !== "running" && stage !== "ending"
  const place = position === undefined ? "" : ` · ${position === 1 ? "next" : `number ${position}`} in line`
  const text = explained === undefined ? waitsFor(waitingOn) : withoutStage(explained)
  return h(
    `li.call.${isBlocked ? "blocked" : "active"}`,
    { "data-key": id },
    h(
      "div.head",
      {},
      h("span.what", {}, h("span.method", {}, method), h("span.id", {}, `#${id}`)),
      h("span.since", { title: `since ${format.clock(since)}` }, format.duration(Math.max(0, now - since)))
    ),
    h(
      "div.sub",
      {},
      control &&
        stage !== "ending" &&
        confirmButton("Cancel", { action: "cancel", id, target: `${method} #${id}`, classes: ".small", armed }),
      h(`span.phase.${stage}`, {}, stages[stage]),
      group !== undefined && h("span", {}, ` · group ${group}`),
      // An explanation says this already.
      text === "" && place !== "" && h("span", {}, place),
      attempts > 1 && h("span.again", {}, ` · attempt ${attempts}`),
      where &&
        h("button.link", { type: "button", "data-do": "instance", "data-id": instance }, `instance #${instance}`),
      trace !== undefined &&
        h(
          "button.link.trace",
          {
            type: "button",
            "data-do": "trace",
            "data-id": trace,
            title: "The unsettled calls of this trace, on all nodes"
          },
          `trace ${trace}`
        )
    ),
    args !== undefined && h("p.args", {}, h("code", {}, `(${args})`)),
    text !== "" && h("p.why", {}, ...withCode(text))
  )
}

/** The line above has the stage and its duration already. */
const withoutStage = (explained: string): string => explained.replace(/^(running|waiting) [^,:]*[,:]? ?/, "")

/** Text between backticks is code. */
const withCode = (text: string): ReadonlyArray<HTMLElement | string> =>
  text.split("`").map((part, i) => (i % 2 === 0 ? part : h("code", {}, part)))

const waitsFor = (refs: CallView["waitingOn"]): string => {
  if (refs.length === 0) return ""
  const [{ method, ref }, ...more] = refs as [CallView["waitingOn"][number], ...CallView["waitingOn"]]
  const first = `waits for ${method ?? "a ref"} #${ref}`
  return more.length === 0 ? first : `${first} and ${more.length} more`
}

/** The view of durable calls and reminders that failed, and are stored: what with, how often, and what to do. */
import type { FailedWork } from "@troupe/core/ClusterView"
import type { FailedView as Answer } from "../../src/internal/live/frame.ts"
import type { Page, View } from "../page.ts"
import { confirmButton } from "../parts/confirm.ts"
import { byId, h, show } from "../parts/dom.ts"
import * as format from "../parts/format.ts"
import type { State } from "../state.ts"

export class FailedView implements View {
  private readonly page: Page

  constructor(page: Page) {
    this.page = page
  }

  draw(): void {
    const { state } = this.page
    if (state.place.tab === "failed" && state.failed !== undefined)
      show(byId("view-failed"), ...content(state.failed, state))
  }
}

const content = ({ at, failed, why }: Answer, { armed, info }: State): ReadonlyArray<HTMLElement> => {
  const calls = failed.filter(({ kind }) => kind === "call")
  const reminders = failed.filter(({ kind }) => kind === "reminder")
  const list = (some: ReadonlyArray<FailedWork>, none: string) =>
    some.length === 0
      ? h("p.empty", {}, none)
      : h("ul.calls.failed-work", {}, ...some.map((work) => item(work, at, info?.control ?? false, armed)))
  if (why !== undefined) return [h("p.error", {}, `The storage does not answer: ${why}`)]
  return [
    h("h2", {}, calls.length === 0 ? "Durable calls" : format.plural(calls.length, "durable call")),
    h(
      "p.note",
      {},
      "They stay failed, for their callers too, until somebody runs them again or the retention is over."
    ),
    list(calls, "None has failed."),
    h("h2", {}, reminders.length === 0 ? "Reminders" : format.plural(reminders.length, "reminder")),
    list(reminders, "None is failing."),
    ...(info?.control === true || failed.length === 0
      ? []
      : [
          h(
            "p.note",
            {},
            "To run them again or to drop them from here, give `control: true` to Inspector.layer; or use `troupe failed`."
          )
        ])
  ]
}

const item = (work: FailedWork, now: number, control: boolean, armed: string | undefined): HTMLElement => {
  const { actor, attempts, cause, id, isDead, key, kind, method } = work
  const name = `${key === undefined ? actor : `${actor}(${key})`}.${method}`
  // A repeating reminder that waits for its next time has nothing to retry.
  const canRetry = kind === "call" || attempts > 0
  return h(
    `li.call.${isDead ? "dead" : "blocked"}`,
    { "data-key": id },
    h(
      "div.head",
      {},
      h("span.what", {}, h("span.method", {}, name)),
      h("span.since", { title: format.clock(work.at) }, when(work, now))
    ),
    ...causeOf(cause),
    h(
      "div.sub",
      {},
      control &&
        canRetry &&
        confirmButton("Retry", { action: "retry", id, target: name, classes: ".small.mild", armed }),
      control && confirmButton("Drop", { action: "drop", id, target: name, classes: ".small", armed }),
      h("span.phase", {}, stateOf(work)),
      h("span", {}, ` · ${attempts === 0 ? "waits for its next time" : format.plural(attempts, "attempt")}`)
    )
  )
}

const stateOf = ({ isDead, kind }: FailedWork): string =>
  isDead ? (kind === "call" ? "failed for good" : "abandoned") : "is tried again"

/** A cause may come with a stack, which opens. */
const causeOf = (cause: string): ReadonlyArray<HTMLElement> => {
  const [first, ...rest] = cause.split("\n")
  if (rest.length === 0) return [h("p.error", {}, first)]
  return [
    h("details.failure", {}, h("summary", {}, h("span.bad", {}, first)), h("pre", { tabindex: 0 }, rest.join("\n")))
  ]
}

const when = ({ at, kind }: FailedWork, now: number): string =>
  at > now
    ? `due in ${format.duration(at - now)}`
    : `${kind === "call" ? "failed" : "due"} ${format.duration(Math.max(0, now - at))} ago`

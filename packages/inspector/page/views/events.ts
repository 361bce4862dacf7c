/** The view of events: calls that failed, restarts, deaths and moves, and calls that came too late. */
import type { DeadLetter } from "@troupe/core/ActorSystem"
import type { FailedCall, News } from "../../src/internal/live/frame.ts"
import { newestFirst } from "../model/newest.ts"
import type { Page, View } from "../page.ts"
import { byId, h, show } from "../parts/dom.ts"
import { failureList } from "../parts/failures.ts"
import * as format from "../parts/format.ts"

export class EventsView implements View {
  private readonly page: Page

  constructor(page: Page) {
    this.page = page
  }

  draw(): void {
    const { model, place } = this.page.state
    if (place.tab === "events") show(byId("view-events"), ...content(model))
  }
}

const newsItem = ({ at, instance, kind, label, seq, text }: News): HTMLElement =>
  h(
    `li.event.${kind}`,
    { "data-key": seq },
    h("time", {}, at === undefined ? "" : format.clock(at)),
    h("span.kind", {}, kind),
    h(
      "div",
      {},
      h("button.link", { type: "button", "data-do": "instance", "data-id": instance }, label),
      h("p.why", {}, text)
    )
  )

const letterItem = ({ at, id, instance, method, why }: DeadLetter): HTMLElement =>
  h(
    "li.event.letter",
    { "data-key": id },
    h("time", {}, format.clock(at)),
    h("span.kind", {}, "dead letter"),
    h("div", {}, h("span.method", {}, method), h("span.id", {}, `#${id} to instance #${instance}`), h("p.why", {}, why))
  )

interface Told {
  readonly errors: ReadonlyArray<FailedCall>
  readonly news: ReadonlyArray<News>
  readonly deadLetters: ReadonlyArray<DeadLetter>
}

const content = ({ deadLetters: letters, errors, news }: Told): ReadonlyArray<HTMLElement> => [
  h(
    "section.column",
    {},
    h("h2", {}, "Failed calls"),
    errors.length === 0
      ? h("p.empty", {}, "None since this page was opened.")
      : failureList(errors.toReversed(), { where: true })
  ),
  h(
    "section.column",
    {},
    h("h2", {}, "Restarts, deaths and moves"),
    news.length === 0
      ? h("p.empty", {}, "None since this page was opened.")
      : h("ol.events", {}, ...newestFirst(news).slice(0, 150).map(newsItem))
  ),
  h(
    "section.column",
    {},
    h("h2", {}, "Dead letters"),
    h("p.note", {}, "The last hundred calls that never ran because their instance was dead or died."),
    letters.length === 0
      ? h("p.empty", {}, "None.")
      : h("ol.events", {}, ...newestFirst(letters).slice(0, 100).map(letterItem))
  )
]

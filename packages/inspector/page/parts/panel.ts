/** What all contents of the panel have. */
import { actorName } from "./cells.ts"
import { h } from "./dom.ts"

export const section = (title: string, ...children: ReadonlyArray<any>): HTMLElement =>
  h("section", { "data-key": title }, h("h3", {}, title), ...children)

export const heading = (actor: string, sub: string, state: HTMLElement | undefined): HTMLElement =>
  h(
    "header",
    {},
    h("div.title", {}, h("h2", { id: "detail-title", tabindex: -1 }, ...actorName(actor)), state),
    h("p.sub", {}, sub),
    h(
      "button.close",
      { type: "button", "data-do": "close", "aria-label": "Close (Escape)", title: "Close (Escape)" },
      "×"
    )
  )

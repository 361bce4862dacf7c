/** The tabs, their badges, and the view that is open. */
import { type Tab, tabs } from "../address.ts"
import type { Page, View } from "../page.ts"
import { byId } from "../parts/dom.ts"
import * as format from "../parts/format.ts"

/** What scrolls in each view, and takes its keys. */
const scrollers: Record<Tab, string> = {
  actors: "list",
  calls: "view-calls",
  waits: "view-waits",
  timeline: "canvas",
  events: "view-events",
  nodes: "view-nodes",
  failed: "view-failed"
}

export class Tabs implements View {
  private readonly page: Page

  constructor(page: Page) {
    this.page = page
    // An element that cannot have the focus cannot be scrolled by keys.
    for (const id of Object.values(scrollers)) byId(id).tabIndex = 0
    for (const tab of tabs) byId(`tab-${tab}`).addEventListener("click", () => page.go({ tab }))
    byId("tabs").addEventListener("keydown", (event) => this.key(event))
  }

  draw(): void {
    const { info, model, place, seenEvents } = this.page.state
    for (const tab of tabs) {
      const button = byId(`tab-${tab}`)
      button.setAttribute("aria-selected", String(tab === place.tab))
      button.tabIndex = tab === place.tab ? 0 : -1
      byId(`view-${tab}`).hidden = tab !== place.tab
    }
    if (info === undefined) return
    byId("tab-nodes").hidden = !info.peers
    byId("tab-failed").hidden = !info.cluster
    const { cycles, news, totals } = model
    badge("n-actors", format.count(totals.instances))
    badge("n-calls", totals.calls === 0 ? "" : format.count(totals.calls))
    badge("n-waits", cycles === 0 ? "" : format.plural(cycles, "cycle"), "alert")
    const fresh = news.filter(({ seq }) => seq > seenEvents).length
    badge("n-events", fresh === 0 ? "" : format.count(fresh))
  }

  private key({ key }: KeyboardEvent): void {
    const by = key === "ArrowRight" ? 1 : key === "ArrowLeft" ? -1 : 0
    if (by === 0) return
    const open = tabs.filter((tab) => !byId(`tab-${tab}`).hidden)
    const tab = open[(open.indexOf(this.page.state.place.tab) + by + open.length) % open.length]!
    this.page.go({ tab })
    byId(`tab-${tab}`).focus()
  }
}

/** Opens a view for a reader who uses the keyboard: the view gets the focus. */
export const openByKey = (page: Page, tab: Tab): void => {
  page.go({ tab })
  byId(scrollers[tab]).focus()
}

const badge = (id: string, text: string, tone = ""): void => {
  const element = byId(id)
  element.textContent = text
  element.className = `badge ${tone}`
  element.hidden = text === ""
}

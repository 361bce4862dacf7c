/** Keys that work everywhere, and buttons that change the program. */
import { tabs } from "../address.ts"
import * as api from "../api.ts"
import type { Page } from "../page.ts"
import { confirmed } from "../parts/confirm.ts"
import { byId } from "../parts/dom.ts"
import { toast, toastError } from "../parts/toast.ts"
import { cycleTheme, startTheme } from "../theme.ts"
import { openByKey } from "./tabs.ts"

export const listenForControls = (page: Page): void => {
  startTheme()
  byId("theme").addEventListener("click", cycleTheme)
  document.addEventListener("click", ({ target }) => act(page, target))
  document.addEventListener("keydown", (event) => key(page, event))
  document.querySelector(".skip")!.addEventListener("click", (event) => {
    event.preventDefault()
    openByKey(page, "actors")
  })
}

// --- buttons ---------------------------------------------------------------------------------------------------------

/** Elements are made anew with each update, so buttons say in attributes what they do, and one listener does it. */
const act = (page: Page, target: EventTarget | null): void => {
  const button = target instanceof Element ? target.closest<HTMLElement>("[data-do]") : null
  if (button !== null) actions[button.dataset.do!]?.(page, button.dataset.id ?? "", button.dataset)
}

const actions: Record<string, (page: Page, id: string, data: DOMStringMap) => void> = {
  close: (page) => page.go({ selection: undefined }),
  instance: (page, id) => page.select({ instance: Number(id) }),
  trace: (page, id) => page.select({ trace: id }),
  retry: (page, id) =>
    confirmed(page, "retry", id) && command(page, `failed/retry?id=${encodeURIComponent(id)}`, "It runs again."),
  drop: (page, id) =>
    confirmed(page, "drop", id) && command(page, `failed/drop?id=${encodeURIComponent(id)}`, "It is gone."),
  cancel: (page, id) => confirmed(page, "cancel", id) && command(page, `cancel/${id}`, `Call #${id} is cancelled.`),
  stop: (page, id) => confirmed(page, "stop", id) && command(page, `stop/${id}`, `Instance #${id} is stopping.`),
  kill: (page, id) => confirmed(page, "kill", id) && command(page, `kill/${id}`, `Instance #${id} is killed.`),
  resize: (page, id, { group, limit }) => {
    const path = `resize/${id}?limit=${limit}${group ? `&group=${encodeURIComponent(group)}` : ""}`
    void command(page, path, `Now ${limit} ${limit === "1" ? "permit" : "permits"}.`)
  }
}

const command = async (page: Page, path: string, done: string): Promise<void> => {
  try {
    await api.post(path)
    toast(done)
  } catch (error) {
    toastError(error)
  }
  page.ask()
}

// --- keys ------------------------------------------------------------------------------------------------------------

const key = (page: Page, event: KeyboardEvent): void => {
  const target = event.target as Element
  const isTyping = target.matches("input, select, textarea")
  if (event.key === "Escape") return escape(page, isTyping)
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return
  if (event.key === "/") {
    event.preventDefault()
    page.go({ tab: "actors" })
    byId("search").focus()
  } else if (event.key === "p") page.togglePause()
  else if (/^[1-7]$/.test(event.key) && !byId(`tab-${tabs[Number(event.key) - 1]!}`).hidden)
    openByKey(page, tabs[Number(event.key) - 1]!)
  // Nodes of the wait graph are SVG, which has no buttons.
  else if (event.key === "Enter" && target.matches("g[data-do]")) act(page, target)
}

/** Clears the search, or closes the panel, or leaves the field. */
const escape = (page: Page, isTyping: boolean): void => {
  const search = byId<HTMLInputElement>("search")
  if (isTyping && search.value !== "") {
    search.value = ""
    page.change({ _tag: "Searched", search: "" })
  } else if (page.state.place.selection !== undefined) page.go({ selection: undefined })
  else if (isTyping) byId("list").focus()
}

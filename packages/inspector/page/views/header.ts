/** The top of the page: which program this is, how the connection is, and the figures of all actors together. */
import * as api from "../api.ts"
import type { Model } from "../model/model.ts"
import type { Track } from "../model/track.ts"
import type { Page, View } from "../page.ts"
import { byId, h, setText, show } from "../parts/dom.ts"
import * as format from "../parts/format.ts"
import { sparkline } from "../parts/spark.ts"
import type { Connection, State } from "../state.ts"

export class Header implements View {
  private readonly page: Page

  constructor(page: Page) {
    this.page = page
    byId("pause").addEventListener("click", page.togglePause)
    // The form is there only now and then.
    byId("notice").addEventListener("submit", (event) => {
      event.preventDefault()
      api.setToken(byId<HTMLInputElement>("token").value.trim())
      location.reload()
    })
  }

  draw(): void {
    const { connection, info, model } = this.page.state
    drawProgram(this.page.state)
    drawConnection(connection, model)
    drawPause(connection._tag === "paused")
    if (info !== undefined) drawFigures(model)
  }
}

// --- the program and the connection ----------------------------------------------------------------------------------

const titles: Record<Connection["_tag"], string> = {
  connecting: "",
  live: "",
  lost: "Connection lost · ",
  refused: "Refused · ",
  paused: "Paused · "
}

const drawProgram = ({ connection, info }: State): void => {
  const title = `${titles[connection._tag]}${info === undefined ? "" : `${info.title} · `}Troupe`
  if (document.title !== title) document.title = title
  if (info === undefined) return
  setText(byId("title"), info.title)
  setText(byId("process"), `pid ${info.pid} · node ${info.node.replace(/^v/, "")}`)
}

const statuses: Record<Connection["_tag"], string> = {
  connecting: "connecting",
  live: "live",
  lost: "lost, trying again",
  refused: "refused",
  paused: "paused"
}

const drawConnection = (connection: Connection, model: Model): void => {
  const status = byId("status")
  status.className = `connection ${connection._tag}`
  status.title = "why" in connection ? connection.why : ""
  setText(status.lastElementChild!, statuses[connection._tag])
  // Old figures must not look like present ones.
  document.body.classList.toggle("stale", connection._tag !== "live")
  const lost = byId("lost")
  lost.hidden = connection._tag !== "lost"
  if (connection._tag === "lost") setText(lost, lostText(connection, model))
  const notice = byId("notice")
  notice.hidden = connection._tag !== "refused"
  if (connection._tag === "refused") show(notice, ...refusal(connection))
}

const lostText = ({ code, why }: Connection & { readonly _tag: "lost" }, { at }: Model): string => {
  if (code === 429) return `${why}. Trying again.`
  return at === 0
    ? `Nothing answers at ${location.host}. Trying again.`
    : `Connection lost. What you see is from ${format.clock(at)}; trying again.`
}

const refusal = ({ code, why }: Connection & { readonly _tag: "refused" }): ReadonlyArray<HTMLElement> => {
  // A token helps against 401 only.
  if (code !== 401) return [h("p", {}, `This inspector refuses the page: ${why}.`)]
  const problem = api.hasToken()
    ? "This is not the token of this program. It may have been restarted."
    : "This page needs a token."
  return [
    h("p", {}, `${problem} Open the address that the program printed, or paste the token here.`),
    h(
      "form",
      { id: "token-form" },
      h("input", { id: "token", type: "password", "aria-label": "Token", placeholder: "Token", autocomplete: "off" }),
      h("button", { type: "submit" }, "Open")
    )
  ]
}

const drawPause = (paused: boolean): void => {
  const button = byId("pause")
  button.setAttribute("aria-pressed", String(paused))
  setText(button, paused ? "Resume" : "Pause")
}

// --- figures ---------------------------------------------------------------------------------------------------------

const drawFigures = (model: Model): void => {
  const { all, history, tick } = model
  const figure = (name: string, text: string, track: Track, tone: string, least: number, title: string): HTMLElement =>
    h(
      `div.figure${tone === "red" && text !== "0" ? ".trouble" : ""}`,
      { title },
      h("span.name", {}, name),
      h("span.value", {}, text),
      sparkline(track.read(tick), { width: 120, height: 26, tone, least })
    )
  const refused = `Calls rejected because maxPendingCalls was reached: ${format.count(all.refused)} in all`
  show(
    byId("figures"),
    figure("Running", format.count(all.running), history.running, "teal", 4, "Calls that hold a permit"),
    figure("Waiting", format.count(all.waiting), all.depth, "amber", 4, "Accepted calls that do not run yet"),
    figure("Calls per second", format.rate(all.rate), history.rate, "blue", 4, "Settled calls"),
    figure(
      "Errors per second",
      format.rate(all.badRate),
      history.badRate,
      "red",
      1,
      "Calls that failed, died or timed out"
    ),
    // Most programs never reject a call, and have no use for this figure.
    all.refused > 0 &&
      figure("Refused per second", format.rate(all.refusedRate), history.refusedRate, "red", 1, refused)
  )
}

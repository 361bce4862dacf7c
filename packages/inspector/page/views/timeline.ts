/** What ran and waited in the last seconds, drawn on a canvas. */

import { ownerOf } from "../../src/internal/base/names.ts"
import type { Bar } from "../../src/internal/live/frame.ts"
import * as api from "../api.ts"
import type { RecentCalls } from "../model/recentCalls.ts"
import type { Page, View } from "../page.ts"
import { byId, setText } from "../parts/dom.ts"
import * as format from "../parts/format.ts"
import { type Hit, isNarrow, LABEL, paint } from "../parts/painter.ts"
import { isBad, LANE, type Layout, layOut, type StripOf, totalHeight } from "../parts/strips.ts"
import { toast, toastError } from "../parts/toast.ts"

export class TimelineView implements View {
  private readonly page: Page
  private readonly canvas = byId<HTMLCanvasElement>("timeline")
  private hits: ReadonlyArray<Hit> = []
  private pointer: { readonly x: number; readonly y: number } | undefined
  /** What the picture was made of. */
  private painted = ""

  constructor(page: Page) {
    this.page = page
    this.listen()
    new ResizeObserver(() => page.draw()).observe(byId("canvas"))
  }

  private listen(): void {
    const { canvas } = this
    canvas.addEventListener("pointermove", ({ offsetX, offsetY }) => {
      this.pointer = { x: offsetX, y: offsetY }
      this.point()
    })
    canvas.addEventListener("pointerleave", () => {
      this.pointer = undefined
      this.point()
    })
    canvas.addEventListener("click", ({ offsetX, offsetY }) => {
      const hit = this.hitAt(offsetX, offsetY)
      if (hit !== undefined) this.page.select({ instance: hit.bar.instance })
    })
    byId("span").addEventListener("input", () => this.zoom(0))
    byId("canvas").addEventListener("keydown", (event) => this.key(event))
    byId("record").addEventListener("click", record)
  }

  /** Paints when something is new: a picture takes longer than all else that the page does. */
  draw(): void {
    const { place, recent } = this.page.state
    if (place.tab !== "timeline") return
    const { canvas } = this
    const theme = document.documentElement.dataset.theme ?? String(darkness.matches)
    const what = `${recent.version} ${canvas.parentElement!.clientWidth} ${devicePixelRatio} ${theme}`
    if (what === this.painted) return
    this.painted = what
    byId("silent").hidden = !recent.isEmpty
    canvas.setAttribute("aria-label", summaryOf(recent))
    this.paint()
  }

  private paint(): void {
    const { canvas } = this
    const { recent } = this.page.state
    const context = canvas.getContext("2d")
    const width = canvas.parentElement!.clientWidth
    if (context === null || width === 0) return
    const { span } = recent
    const { left, strips } = layOut(recent, span, {
      of: (bar) => this.stripOf(bar),
      above: isNarrow(width) ? LABEL : 0
    })
    const missing = missingText(left, recent.dropped, strips.length)
    byId("left-out").hidden = missing === ""
    setText(byId("left-out"), missing)
    const height = Math.max(160, totalHeight(strips))
    resize(canvas, width, height)
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0)
    this.hits = paint(canvas, context, { width, height }, strips, span)
    this.point()
  }

  private stripOf({ actor, instance, method }: Bar): StripOf {
    const row = this.page.state.model.items.get(instance)?.row
    if (row === undefined) return { label: ownerOf({ actor, method }), limit: Infinity }
    const label = row.key === undefined ? row.actor : `${row.actor}(${row.key})`
    return {
      label: row.name === undefined ? label : `${label} “${row.name}”`,
      limit: row.lanes ?? row.limit ?? Infinity
    }
  }

  private hitAt(x: number, y: number): Hit | undefined {
    return this.hits.findLast((hit) => x >= hit.x - 1 && x <= hit.x + hit.width + 1 && y >= hit.y && y < hit.y + LANE)
  }

  /** Says what is under the pointer. */
  private point(): void {
    const { canvas, pointer } = this
    const tip = byId("tip")
    const hit = pointer && this.hitAt(pointer.x, pointer.y)
    tip.hidden = hit === undefined
    canvas.style.cursor = hit === undefined ? "default" : "pointer"
    if (hit === undefined || pointer === undefined) return
    tip.textContent = described(hit.bar, this.page.state.recent.span.now)
    tip.style.left = `${Math.max(4, Math.min(pointer.x + 12, canvas.clientWidth - tip.offsetWidth - 4))}px`
    tip.style.top = `${pointer.y + 16}px`
  }

  private zoom(by: 1 | 0 | -1): void {
    const select = byId<HTMLSelectElement>("span")
    select.selectedIndex = Math.max(0, Math.min(select.options.length - 1, select.selectedIndex + by))
    this.page.change({ _tag: "Zoomed", length: Number(select.value) })
  }

  private look(by: 1 | -1): void {
    this.page.change({ _tag: "Looked", by })
  }

  private readonly keys: Record<string, () => void> = {
    "+": () => this.zoom(-1),
    "=": () => this.zoom(-1),
    "-": () => this.zoom(1),
    ArrowLeft: () => this.look(1),
    ArrowRight: () => this.look(-1)
  }

  private key(event: KeyboardEvent): void {
    const action = this.keys[event.key]
    if (event.ctrlKey || event.metaKey || event.altKey || action === undefined) return
    event.preventDefault()
    action()
  }
}

const darkness = matchMedia("(prefers-color-scheme: dark)")

/** What the picture does not have. */
const missingText = ({ calls, failed, instances }: Layout["left"], dropped: number, shown: number): string => {
  const others =
    `These are ${shown} of ${format.count(shown + instances)} instances: those that failed most and those with the ` +
    `longest calls. ${format.plural(calls, "call")} of the others ${calls === 1 ? "is" : "are"} not drawn` +
    `${failed === 0 ? "" : `, ${format.count(failed)} of them failed`}.`
  const beyond = `There are too many calls to keep: ${format.count(dropped)} are left out. A recording has them.`
  return [instances > 0 && others, dropped > 0 && beyond].filter(Boolean).join(" ")
}

const resize = (canvas: HTMLCanvasElement, width: number, height: number): void => {
  const [across, down] = [Math.round(width * devicePixelRatio), Math.round(height * devicePixelRatio)]
  if (canvas.width === across && canvas.height === down) return
  canvas.width = across
  canvas.height = down
  canvas.style.width = `${width}px`
  canvas.style.height = `${height}px`
}

/** The picture in words, for readers who cannot see it. */
const summaryOf = ({ bars, isNow, running, span: { from, to } }: RecentCalls): string => {
  const settled = bars.filter(({ ended }) => ended! >= from && ended! <= to)
  const failed = settled.filter(isBad).length
  const length = format.duration(to - from)
  const when = isNow ? `in the last ${length}` : `in the ${length} to ${format.clock(to)}`
  const counts = `${format.plural(settled.length, "settled call")}, ${failed} failed, ${running.length} running`
  return `${counts}, ${when}. The view Calls lists the unsettled ones.`
}

const described = ({ call, ended, method, outcome, started, submitted }: Bar, now: number): string => {
  const waited = (started ?? ended ?? now) - submitted
  const ran = started === undefined ? undefined : (ended ?? now) - started
  const parts = [`${method} #${call}`]
  if (waited >= 0.05) parts.push(`waited ${format.duration(waited)}`)
  if (ran !== undefined) parts.push(`${ended === undefined ? "running for" : "ran"} ${format.duration(ran)}`)
  if (outcome !== undefined && outcome !== "succeeded") parts.push(outcome)
  return parts.join(" · ")
}

const record = async (): Promise<void> => {
  const button = byId<HTMLButtonElement>("record")
  const { textContent } = button
  button.disabled = true
  button.textContent = "Recording …"
  try {
    await api.download("timeline?seconds=5", "troupe-trace.json")
    toast("Saved. Open it at ui.perfetto.dev.")
  } catch (error) {
    toastError(error)
  }
  button.disabled = false
  button.textContent = textContent
}

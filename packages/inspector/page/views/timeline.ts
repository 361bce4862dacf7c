/** What ran and waited in the last seconds, drawn on a canvas: one strip per instance, one lane per call at a time. */
import type { Bar, Recent } from "../../src/internal/live/frame.ts"
import * as format from "../parts/format.ts"

const LANE = 10
const STRIP_GAP = 8
const MOST_LANES = 12
/** The band above the lanes of a strip: the more calls wait, the stronger its colour. */
const BAND = 5
const TOP = 24

interface Strip {
  readonly instance: number
  readonly label: string
  readonly lanes: Array<Array<Bar>>
  readonly waits: Array<Bar>
  hidden: number
  top: number
}

interface Hit {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly bar: Bar
}

/** How far back calls are kept. */
const KEPT = 60_000

export class Timeline {
  private width = 10_000
  /** How far before now the right edge is. */
  private back = 0
  /** The time that is taken for now while there is no news. */
  private heldAt: number | undefined
  private bars: Array<Bar> = []
  private under: ReadonlyArray<Bar> = []
  seq = 0
  dropped = 0
  private serverAt = 0
  private heardAt = 0
  private hits: Array<Hit> = []
  private strips: Array<Strip> = []
  private readonly canvas: HTMLCanvasElement
  private readonly tip: HTMLElement
  private readonly label: (instance: number, actor: string) => string
  private pointer: { x: number; y: number } | undefined

  constructor(
    canvas: HTMLCanvasElement,
    tip: HTMLElement,
    events: {
      readonly label: (instance: number, actor: string) => string
      readonly onSelect: (instance: number) => void
    }
  ) {
    this.canvas = canvas
    this.tip = tip
    this.label = events.label
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
      if (hit !== undefined) events.onSelect(hit.bar.instance)
    })
  }

  take(recent: Recent): void {
    this.seq = recent.seq
    this.dropped = recent.dropped
    this.under = recent.under
    this.serverAt = recent.at
    this.heardAt = performance.now()
    const oldest = recent.at - KEPT - 5000
    this.bars = [...this.bars, ...recent.settled].filter(({ ended }) => ended! > oldest)
  }

  /** Another server, or the same after a while: numbers of bars may have begun anew. */
  clear(): void {
    this.bars = []
    this.seq = 0
  }

  /** Milliseconds from the left edge to the right one. */
  get span(): number {
    return this.width
  }
  set span(span: number) {
    this.width = span
    this.look(0)
  }

  /** Moves to the left, into the past, or back to the right. */
  look(by: 1 | 0 | -1): void {
    this.back = Math.max(0, Math.min(KEPT - this.width, this.back + (by * this.width) / 4))
    this.draw()
  }

  /** Stands still, since nobody says how it goes on, or moves again. */
  hold(held: boolean): void {
    if (held) this.heldAt ??= this.now
    else this.heldAt = undefined
  }

  get isEmpty(): boolean {
    return this.bars.length === 0 && this.under.length === 0
  }

  /** The picture in words, for those who cannot see it. */
  get summary(): string {
    const { span, to } = this
    const settled = this.bars.filter(({ ended }) => ended! >= to - span && ended! <= to)
    const failed = settled.filter(isBad).length
    const counts = `${format.plural(settled.length, "settled call")}, ${failed} failed, ${this.under.length} running`
    const when =
      this.back === 0
        ? `in the last ${format.duration(span)}`
        : `in the ${format.duration(span)} to ${format.clock(to)}`
    return `${counts}, ${when}. The view Calls lists those under way.`
  }

  private get now(): number {
    return this.heldAt ?? this.serverAt + performance.now() - this.heardAt
  }

  /** The time of the right edge. */
  private get to(): number {
    return this.now - this.back
  }

  draw(): void {
    const { canvas } = this
    const context = canvas.getContext("2d")
    const width = canvas.parentElement!.clientWidth
    if (context === null || width === 0) return
    const { now, to } = this
    const from = to - this.span
    this.strips = this.layOut(from, to, now)
    const last = this.strips.at(-1)
    const height = Math.max(160, last === undefined ? 0 : last.top + heightOf(last) + STRIP_GAP + 8)
    const scale = devicePixelRatio
    if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
      canvas.width = Math.round(width * scale)
      canvas.height = Math.round(height * scale)
      canvas.style.width = `${width}px`
      canvas.style.height = `${height}px`
    }
    context.setTransform(scale, 0, 0, scale, 0, 0)
    context.clearRect(0, 0, width, height)
    this.paint(context, width, height, { from, to, now })
    this.point()
  }

  private layOut(from: number, to: number, now: number): Array<Strip> {
    const strips = new Map<number, Strip>()
    const shown = [...this.bars.filter(({ ended }) => ended! >= from), ...this.under].filter(
      ({ submitted }) => submitted <= to
    )
    shown.sort((a, b) => (a.started ?? a.submitted) - (b.started ?? b.submitted))
    for (const bar of shown) {
      let strip = strips.get(bar.instance)
      if (strip === undefined) {
        strip = {
          instance: bar.instance,
          label: this.label(bar.instance, bar.actor),
          lanes: [],
          waits: [],
          hidden: 0,
          top: 0
        }
        strips.set(bar.instance, strip)
      }
      // It only waited: it is in the band.
      if (bar.started === undefined) {
        strip.waits.push(bar)
        continue
      }
      if (bar.started - bar.submitted > this.span / 1000) strip.waits.push(bar)
      const start = bar.started
      const lane = strip.lanes.find((lane) => (lane.at(-1)!.ended ?? now) <= start)
      if (lane !== undefined) lane.push(bar)
      else if (strip.lanes.length < MOST_LANES) strip.lanes.push([bar])
      else strip.hidden++
    }
    const sorted = [...strips.values()].sort((a, b) => (a.label < b.label ? -1 : 1)).slice(0, 80)
    let top = TOP
    for (const strip of sorted) {
      strip.top = top
      top += heightOf(strip) + STRIP_GAP
    }
    return sorted
  }

  private paint(context: CanvasRenderingContext2D, width: number, height: number, { from, now, to }: Span): void {
    const colors = colorsOf(this.canvas)
    const left = width < 560 ? 8 : 190
    const x = (at: number) => left + ((Math.min(to, Math.max(at, from)) - from) / (to - from)) * (width - left - 8)
    context.font = `11px ${getComputedStyle(this.canvas).fontFamily}`
    this.paintAxis(context, colors, x, { width, height }, { from, now, to })
    this.hits = []
    for (const strip of this.strips) {
      this.paintBand(context, colors, x, strip, { from, now, to })
      strip.lanes.forEach((lane, i) => {
        for (const bar of lane) this.paintBar(context, colors, x, strip.top + BAND + i * LANE, bar, { from, now, to })
      })
    }
    // Names last, and on a ground of their own where they lie on top of bars.
    const write = (text: string, top: number, color: string) => {
      const shown = shorten(context, text, width < 560 ? width - 16 : left - 16)
      if (width < 560) {
        context.fillStyle = colors.ground
        context.globalAlpha = 0.72
        context.fillRect(4, top - 1, context.measureText(shown).width + 10, 14)
        context.globalAlpha = 1
      }
      context.fillStyle = color
      context.fillText(shown, 8, top + 9)
    }
    for (const { hidden, label, top } of this.strips) {
      write(label, top, colors.text)
      if (hidden > 0) write(`${format.plural(hidden, "more call")} not drawn`, top + 15, colors.muted)
    }
  }

  private paintAxis(
    context: CanvasRenderingContext2D,
    colors: Colors,
    x: X,
    { height, width }: { readonly height: number; readonly width: number },
    { from, to }: Span
  ): void {
    const step = this.span <= 5000 ? 1000 : this.span <= 15_000 ? 2000 : 10_000
    context.strokeStyle = colors.line
    context.fillStyle = colors.muted
    context.lineWidth = 1
    for (let at = Math.ceil(from / step) * step; at <= to; at += step) {
      const where = Math.round(x(at)) + 0.5
      context.beginPath()
      context.moveTo(where, 18)
      context.lineTo(where, height)
      context.stroke()
      const text = format.clock(at)
      const { width: room } = context.measureText(text)
      context.fillText(text, Math.max(2, Math.min(width - room - 2, where - room / 2)), 12)
    }
  }

  private paintBand(
    context: CanvasRenderingContext2D,
    colors: Colors,
    x: X,
    { top, waits }: Strip,
    { now, to }: Span
  ): void {
    context.fillStyle = colors.waiting
    context.globalAlpha = 0.3
    for (const { ended, started, submitted } of waits) {
      const begin = x(submitted)
      context.fillRect(begin, top, Math.max(1, x(started ?? ended ?? now) - begin), BAND - 2)
    }
    context.globalAlpha = 1
    // Where a call came to its end before it ran.
    for (const bar of waits) {
      if (bar.started !== undefined || bar.ended === undefined || bar.ended > to) continue
      context.fillStyle = isBad(bar) ? colors.bad : colors.muted
      context.fillRect(x(bar.ended) - 1.5, top - 1, 3, BAND)
      this.hits.push({ x: x(bar.ended) - 2, y: top - 2, width: 4, bar })
    }
  }

  private paintBar(
    context: CanvasRenderingContext2D,
    colors: Colors,
    x: X,
    y: number,
    bar: Bar,
    { from, now, to }: Span
  ): void {
    if (bar.started! > to || (bar.ended !== undefined && bar.ended < from)) return
    const begin = x(bar.started!)
    const end = x(bar.ended ?? now)
    context.fillStyle = isBad(bar) ? colors.bad : bar.outcome === "cancelled" ? colors.muted : colors.running
    const width = Math.max(1.5, end - begin)
    context.beginPath()
    context.roundRect(begin, y + 0.5, width, LANE - 2, Math.min(2.5, width / 2))
    context.fill()
    this.hits.push({ x: begin, y, width: Math.max(3, width), bar })
  }

  private hitAt(x: number, y: number): Hit | undefined {
    return this.hits.findLast((hit) => x >= hit.x - 1 && x <= hit.x + hit.width + 1 && y >= hit.y && y < hit.y + LANE)
  }

  /** Says what is under the pointer. */
  private point(): void {
    const { pointer, tip } = this
    const hit = pointer && this.hitAt(pointer.x, pointer.y)
    tip.hidden = hit === undefined
    this.canvas.style.cursor = hit === undefined ? "default" : "pointer"
    if (hit === undefined || pointer === undefined) return
    tip.textContent = told(hit.bar, this.now)
    const width = tip.offsetWidth
    tip.style.left = `${Math.max(4, Math.min(pointer.x + 12, this.canvas.clientWidth - width - 4))}px`
    tip.style.top = `${pointer.y + 16}px`
  }
}

const isBad = ({ outcome }: Bar): boolean => outcome !== undefined && outcome !== "succeeded" && outcome !== "cancelled"

const heightOf = ({ lanes }: Strip): number => Math.max(BAND + lanes.length * LANE, 14)

const told = ({ call, ended, method, outcome, started, submitted }: Bar, now: number): string => {
  const waited = (started ?? ended ?? now) - submitted
  const ran = started === undefined ? undefined : (ended ?? now) - started
  const parts = [`${method} #${call}`]
  if (waited >= 0.05) parts.push(`waited ${format.duration(waited)}`)
  if (ran !== undefined) parts.push(`${ended === undefined ? "running for" : "ran"} ${format.duration(ran)}`)
  if (outcome !== undefined && outcome !== "succeeded") parts.push(outcome)
  return parts.join(" · ")
}

const shorten = (context: CanvasRenderingContext2D, text: string, width: number): string => {
  if (context.measureText(text).width <= width) return text
  let short = text
  while (short.length > 4 && context.measureText(`…${short}`).width > width) short = short.slice(1)
  return `…${short}`
}

/** The times of both edges, and the present one. */
interface Span {
  readonly from: number
  readonly to: number
  readonly now: number
}

/** Where a moment is, from left to right. */
type X = (at: number) => number

type Colors = Readonly<Record<"ground" | "text" | "muted" | "line" | "running" | "waiting" | "bad", string>>

const colorsOf = (element: Element): Colors => {
  const style = getComputedStyle(element)
  const color = (name: string) => style.getPropertyValue(`--${name}`).trim()
  return {
    ground: color("panel"),
    text: color("text"),
    muted: color("muted"),
    line: color("line"),
    running: color("teal"),
    waiting: color("amber"),
    bad: color("red")
  }
}

/** Paints the strips of the timeline on a canvas. */
import type { Bar } from "../../src/internal/live/frame.ts"
import type { Span } from "../model/recentCalls.ts"
import * as format from "./format.ts"
import { BAND, isBad, LANE, type Strip } from "./strips.ts"

/** A place on the canvas that stands for a call. */
export interface Hit {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly bar: Bar
}

interface Size {
  readonly width: number
  readonly height: number
}

/** On a narrow canvas, labels are above the bars instead of to the left of them. */
export const isNarrow = (width: number): boolean => width < 560
/** The height of a label that is above its bars. */
export const LABEL = 14
const LABELS = 190
const EDGE = 8

type Colors = Readonly<Record<"text" | "muted" | "line" | "running" | "waiting" | "bad", string>>

const colorsOf = (element: Element): Colors => {
  const style = getComputedStyle(element)
  const color = (name: string) => style.getPropertyValue(`--${name}`).trim()
  return {
    text: color("text"),
    muted: color("muted"),
    line: color("line"),
    running: color("teal"),
    waiting: color("amber"),
    bad: color("red")
  }
}

/** Paints everything, and returns where the calls are. */
export const paint = (
  canvas: HTMLCanvasElement,
  context: CanvasRenderingContext2D,
  size: Size,
  strips: ReadonlyArray<Strip>,
  span: Span
): ReadonlyArray<Hit> => {
  context.clearRect(0, 0, size.width, size.height)
  context.font = `11px ${getComputedStyle(canvas).fontFamily}`
  const painter = new Painter(context, colorsOf(canvas), size, span)
  painter.axis()
  for (const strip of strips) {
    painter.band(strip)
    strip.lanes.forEach((lane, i) => {
      for (const bar of lane) painter.bar(bar, strip.top + BAND + i * LANE)
    })
  }
  for (const strip of strips) painter.label(strip)
  return painter.hits
}

class Painter {
  readonly hits: Array<Hit> = []
  private readonly context: CanvasRenderingContext2D
  private readonly colors: Colors
  private readonly size: Size
  private readonly span: Span

  constructor(context: CanvasRenderingContext2D, colors: Colors, size: Size, span: Span) {
    this.context = context
    this.colors = colors
    this.size = size
    this.span = span
  }

  private get isNarrow(): boolean {
    return isNarrow(this.size.width)
  }

  /** Where a moment is, from left to right. */
  private x(at: number): number {
    const { from, to } = this.span
    const left = this.isNarrow ? EDGE : LABELS
    return left + ((Math.min(to, Math.max(at, from)) - from) / (to - from)) * (this.size.width - left - EDGE)
  }

  axis(): void {
    const { colors, context, size } = this
    const { from, to } = this.span
    const length = to - from
    const step = length <= 5000 ? 1000 : length <= 15_000 ? 2000 : 10_000
    context.strokeStyle = colors.line
    context.fillStyle = colors.muted
    context.lineWidth = 1
    for (let at = Math.ceil(from / step) * step; at <= to; at += step) {
      const where = Math.round(this.x(at)) + 0.5
      context.beginPath()
      context.moveTo(where, 18)
      context.lineTo(where, size.height)
      context.stroke()
      const text = format.clock(at)
      const { width: room } = context.measureText(text)
      context.fillText(text, Math.max(2, Math.min(size.width - room - 2, where - room / 2)), 12)
    }
  }

  band({ top, waits }: Strip): void {
    const { colors, context } = this
    const { now, to } = this.span
    context.fillStyle = colors.waiting
    context.globalAlpha = 0.3
    for (const { ended, started, submitted } of waits) {
      const begin = this.x(submitted)
      context.fillRect(begin, top, Math.max(1, this.x(started ?? ended ?? now) - begin), BAND - 2)
    }
    context.globalAlpha = 1
    // A mark where a call ended before it ran.
    for (const bar of waits) {
      if (bar.started !== undefined || bar.ended === undefined || bar.ended > to) continue
      const x = this.x(bar.ended)
      context.fillStyle = isBad(bar) ? colors.bad : colors.muted
      context.fillRect(x - 1.5, top - 1, 3, BAND)
      this.hits.push({ x: x - 2, y: top - 2, width: 4, bar })
    }
  }

  bar(bar: Bar, y: number): void {
    const { colors, context } = this
    const { from, now, to } = this.span
    if (bar.started! > to || (bar.ended !== undefined && bar.ended < from)) return
    const begin = this.x(bar.started!)
    const width = Math.max(1.5, this.x(bar.ended ?? now) - begin)
    context.fillStyle = isBad(bar) ? colors.bad : bar.outcome === "cancelled" ? colors.muted : colors.running
    context.beginPath()
    context.roundRect(begin, y + 0.5, width, LANE - 2, Math.min(2.5, width / 2))
    context.fill()
    this.hits.push({ x: begin, y, width: Math.max(3, width), bar })
  }

  /** What there is no lane for is said next to the label, or below it. */
  label({ hidden, label, top }: Strip): void {
    const { context, isNarrow, size } = this
    const more = hidden === 0 ? "" : `${format.plural(hidden, "more call")} not drawn`
    if (!isNarrow) {
      this.text(label, 8, top + 9, LABELS - 16, "text")
      return this.text(more, 8, top + 24, LABELS - 16, "muted")
    }
    const room = more === "" ? 0 : context.measureText(more).width + 12
    this.text(label, 8, top - 4, size.width - 16 - room, "text")
    this.text(more, size.width - 8 - room + 12, top - 4, room, "muted")
  }

  private text(text: string, x: number, y: number, room: number, color: "text" | "muted"): void {
    if (text === "") return
    this.context.fillStyle = this.colors[color]
    this.context.fillText(shorten(this.context, text, room), x, y)
  }
}

const shorten = (context: CanvasRenderingContext2D, text: string, width: number): string => {
  if (context.measureText(text).width <= width) return text
  let short = text
  while (short.length > 4 && context.measureText(`…${short}`).width > width) short = short.slice(1)
  return `…${short}`
}

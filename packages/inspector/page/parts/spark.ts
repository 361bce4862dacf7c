/** Small charts without axes, drawn as SVG. */

import { LENGTH } from "../model/track.ts"
import { h } from "./dom.ts"

/** The newest value is at the right edge; a history that is not full begins further right. */
export const sparkline = (
  values: ReadonlyArray<number>,
  options: { readonly width: number; readonly height: number; readonly tone: string; readonly least?: number }
): HTMLElement => {
  const { height, least = 1, tone, width } = options
  const top = Math.max(least, ...values)
  const step = width / (LENGTH - 1)
  const left = width - (values.length - 1) * step
  const y = (value: number) => round(height - 1.5 - (value / top) * (height - 3))
  let line = ""
  for (let i = 0; i < values.length; i++) line += `${i === 0 ? "M" : "L"}${round(left + i * step)} ${y(values[i]!)}`
  const base = height - 0.5
  const quiet = values.every((value) => value === 0)
  return h(
    `svg.spark.${tone}`,
    { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true", focusable: "false" },
    values.length > 1 && !quiet && h("path.area", { d: `${line}L${width} ${base}L${round(left)} ${base}Z` }),
    values.length > 1 && h(`path.line${quiet ? ".quiet" : ""}`, { d: line })
  )
}

const round = (n: number): number => Math.round(n * 10) / 10

/** Waiting and running time as two shares of a bar. */
export const shares = (waited: number, ran: number): HTMLElement => {
  const whole = waited + ran
  const share = whole === 0 ? 0 : (waited / whole) * 100
  return h(
    "span.shares",
    { "aria-hidden": "true" },
    whole > 0 && h("i.waited", { style: { width: `${share}%` } }),
    whole > 0 && h("i.ran", { style: { width: `${100 - share}%` } })
  )
}

/** Buttons for what cannot be undone: they have to be pressed twice. */
import { h } from "./dom.ts"

/** For how long the second press counts, in milliseconds. */
const PATIENCE = 4000

let armed: string | undefined
let timer: ReturnType<typeof setTimeout> | undefined

const keyOf = (what: string, id: string | number): string => `${what} ${id}`

interface Confirmed {
  /** What is done, as the page's actions call it, and to what. */
  readonly what: string
  readonly id: number
  /** The same in words: there are many such buttons on a page, and some hear them rather than see where they are. */
  readonly of: string
  readonly classes?: string
}

export const confirmButton = (label: string, { classes = "", id, of, what }: Confirmed): HTMLElement => {
  const isArmed = armed === keyOf(what, id)
  return h(
    `button.danger${classes}${isArmed ? ".armed" : ""}`,
    {
      type: "button",
      "data-do": what,
      "data-id": id,
      "data-key": keyOf(what, id),
      "aria-label": isArmed ? `Sure? ${label} ${of}` : `${label} ${of}`
    },
    isArmed ? "Sure?" : label
  )
}

/** Whether this is the second press. After the first one the page has to be drawn anew, and so when it is forgotten. */
export const confirmed = (what: string, id: string, draw: () => void): boolean => {
  const second = armed === keyOf(what, id)
  clearTimeout(timer)
  armed = second ? undefined : keyOf(what, id)
  timer = setTimeout(() => {
    armed = undefined
    draw()
  }, PATIENCE)
  draw()
  return second
}

/** Buttons for what cannot be undone: they have to be pressed twice. */
import { h } from "./dom.ts"

/** For how long the second press counts, in milliseconds. */
const PATIENCE = 4000

let armed: string | undefined
let timer: ReturnType<typeof setTimeout> | undefined

const keyOf = (what: string, id: string | number): string => `${what} ${id}`

export const confirmButton = (label: string, what: string, id: number, classes = ""): HTMLElement => {
  const isArmed = armed === keyOf(what, id)
  return h(
    `button.danger${classes}${isArmed ? ".armed" : ""}`,
    { type: "button", "data-do": what, "data-id": id, "data-key": keyOf(what, id) },
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

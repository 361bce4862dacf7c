/** Buttons for what cannot be undone: they have to be pressed twice. */
import type { Page } from "../page.ts"
import { h } from "./dom.ts"

/** For how long the second press counts, in milliseconds. */
const PATIENCE = 4000

let timer: ReturnType<typeof setTimeout> | undefined

const keyOf = (action: string, id: string | number): string => `${action} ${id}`

interface Confirmed {
  readonly action: string
  readonly id: number | string
  /** What the action is done to: a page has many such buttons, and readers who only hear them need to know. */
  readonly target: string
  readonly classes?: string
  /** The button that has been pressed once, if any. */
  readonly armed: string | undefined
}

export const confirmButton = (label: string, { action, armed, classes = "", id, target }: Confirmed): HTMLElement => {
  const isArmed = armed === keyOf(action, id)
  return h(
    `button.danger${classes}${isArmed ? ".armed" : ""}`,
    {
      type: "button",
      "data-do": action,
      "data-id": id,
      "data-key": keyOf(action, id),
      "aria-label": isArmed ? `Sure? ${label} ${target}` : `${label} ${target}`
    },
    isArmed ? "Sure?" : label
  )
}

/** Whether this is the second press. The first one is forgotten after a while. */
export const confirmed = ({ change, state }: Page, action: string, id: string): boolean => {
  const isSecond = state.armed === keyOf(action, id)
  clearTimeout(timer)
  if (!isSecond) timer = setTimeout(() => change({ _tag: "Armed", button: undefined }), PATIENCE)
  change({ _tag: "Armed", button: isSecond ? undefined : keyOf(action, id) })
  return isSecond
}

/** A message that goes away by itself. */
import { byId } from "./dom.ts"

/** How long it stays, in milliseconds. */
const STAYS = 4000

let timer: ReturnType<typeof setTimeout> | undefined

export const toast = (text: string): void => {
  const element = byId("toast")
  element.textContent = text
  element.hidden = false
  clearTimeout(timer)
  timer = setTimeout(() => {
    element.hidden = true
  }, STAYS)
}

export const toastError = (error: unknown): void => toast(error instanceof Error ? error.message : String(error))

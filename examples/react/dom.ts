/** A DOM for React in a test. Timers remain Node's own: those of the DOM would not let actors take their turns. */
import { Window } from "happy-dom"

const window = new Window()
Object.assign(globalThis, {
  window,
  document: window.document,
  FormData: window.FormData,
  IS_REACT_ACT_ENVIRONMENT: true
})

export const { Event, HTMLInputElement } = window as unknown as typeof globalThis

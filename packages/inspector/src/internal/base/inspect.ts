/**
 * Arguments and results of calls, as far as the program allows that they are shown.
 */
import * as Home from "@troupe/core/Home"
import type { Inspected, Options } from "../../Inspector.ts"
import { shown } from "./shown.ts"

/** The text of what may be shown, if anything may be. */
export type Inspect = (value: unknown, about: Inspected) => string | undefined

/** In characters. */
const MOST = 500

export const inspectOf = (option: Options["inspect"]): Inspect | undefined => {
  if (option === undefined || option === false) return undefined
  const redact = option === true ? (value: unknown) => value : option
  return (value, about) => {
    try {
      const rest = redact(value, about)
      // A result may be `undefined`: without a redactor, that is what it is.
      if (rest === undefined && option !== true) return undefined
      return shown(
        about.what === "args" && Array.isArray(rest) ? rest.map(Home.show).join(", ") : Home.show(rest),
        MOST
      )
    } catch (error) {
      return shown(`(the redactor failed: ${Home.errorText(error)})`, MOST)
    }
  }
}

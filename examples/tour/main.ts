/** The tour: five programs that show what actors do, in the order of the page on async actors in Ray's documentation. */
import { Driver } from "@troupe/core"
import { Effect } from "effect"
import { ExitWith } from "../ExitWith.ts"
import { Screen } from "../Screen.ts"
import { asking } from "./1-asking.ts"
import { refs } from "./2-refs.ts"
import { fifty } from "./3-fifty.ts"
import { wavesOfTen } from "./4-waves.ts"
import { blocking } from "./5-blocking.ts"
import { perform } from "./perform.ts"

const programs = [asking, refs, fifty, wavesOfTen, blocking]

/** Runs all programs, or only the one with this number, and exits with 1 when a check fails. */
export const tour = Effect.fnUntraced(function* (only: number | undefined) {
  const screen = yield* Screen
  const chosen = programs
    .map((program, i) => ({ program, number: i + 1 }))
    .filter((p) => (only ?? p.number) === p.number)
  const checks = yield* Effect.forEach(chosen, ({ program, number }) =>
    perform(program, `${number} of ${programs.length}`)
  )
  const all = checks.flat()
  const failed = all.filter(({ passed }) => !passed).length
  const { bold, dim, red } = screen.style
  yield* screen.print(
    bold(`${count(chosen.length, "program")}, ${count(all.length, "check")}, `) +
      (failed === 0 ? bold("all passed.") : red(`${failed} failed.`)),
    dim("The programs are in examples/tour. Next: npm start -- links")
  )
  if (failed > 0) return yield* new ExitWith({ code: 1 })
}, Effect.provide(Driver.layer))

export const tourLength = programs.length

const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? "" : "s"}`

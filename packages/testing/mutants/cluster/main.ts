/**
 * Explores a program in a simulated cluster with a copy of the cluster's source: one mutant, or none. It prints a line of
 * JSON with what came of it. See `scripts/mutants.ts`.
 *
 *     node --conditions=@troupe/source main.ts <folder of the copy> <program> <faults as JSON> <schedules>
 */
import { registerHooks } from "node:module"
import path from "node:path"
import { pathToFileURL } from "node:url"
import type { Program } from "./mutants.ts"

const [folder, program, faults, schedules] = process.argv.slice(2) as [string, Program, string, string]
const source = pathToFileURL(path.resolve(import.meta.dirname, "../../../cluster/src")).href
const copy = pathToFileURL(folder).href

registerHooks({
  resolve: (specifier, context, next) => {
    const resolved = next(specifier, context)
    return resolved.url.startsWith(`${source}/`)
      ? { ...resolved, url: copy + resolved.url.slice(source.length) }
      : resolved
  }
})

const { Effect } = await import("effect")
const { Explore } = await import("@troupe/testing")
const programs = {
  ledger: async () => (await import("../../../cluster/test/simulated/ledger.ts")).ledger,
  answers: async () => (await import("../../../cluster/test/simulated/answers.ts")).answers,
  places: async () => (await import("../../../cluster/test/simulated/places.ts")).places,
  moves: async () => (await import("../../../cluster/test/simulated/moves.ts")).moves,
  orders: async () => (await import("../../../cluster/test/simulated/orders.ts")).orders,
  reminders: async () => (await import("../../../cluster/test/simulated/reminders.ts")).reminders
}
const make = await programs[program]()
const options = { schedules: Number(schedules), maxSteps: 1_000_000, timeout: "10 minutes" } as const
const checked = Effect.match(Explore.check(make(JSON.parse(faults)), options), {
  onSuccess: () => ({ schedules: undefined, why: "" }),
  onFailure: (error) => ({
    schedules: error.schedules,
    why: error.cause instanceof Error ? error.cause.message : error.message
  })
})
console.log(JSON.stringify(await Effect.runPromise(checked)))

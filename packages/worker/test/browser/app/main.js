/** As docs/bundlers.md has it for browsers. */
import { WorkerHome } from "@troupe/worker"
import { Effect } from "effect"
import { Adder } from "./Adder.js"

const AdderHome = WorkerHome.layer(Adder, {
  spawn: () => new Worker(new URL("./adder.worker.js", import.meta.url), { type: "module" })
})

const program = Effect.flatMap(Adder, (adder) => adder.add(40, 2))

globalThis.answer = Effect.runPromise(Effect.provide(program, AdderHome))

// The program.
import { Worker } from "node:worker_threads"
import { WorkerHome } from "@troupe/worker"
import { Effect } from "effect"
import { Hasher } from "./Hasher.js"

const HasherHome = WorkerHome.layer(Hasher, {
  spawn: () => new Worker(new URL("./hasher.worker.js", import.meta.url))
})

const program = Effect.flatMap(Hasher, (hasher) => hasher.hash("troupe"))
console.log(await Effect.runPromise(Effect.provide(program, HasherHome)))

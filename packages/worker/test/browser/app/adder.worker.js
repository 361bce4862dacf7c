import { WorkerHome } from "@troupe/worker"
import { Effect } from "effect"
import { Adder } from "./Adder.js"

WorkerHome.serve(Adder, Adder.toLayer(Effect.succeed({ add: (a, b) => Effect.succeed(a + b) })))

import { WorkerHome } from "@troupe/worker"
import * as Effect from "effect/Effect"
import { Adder } from "./Adder.ts"
import { add, burn, digest } from "./work.ts"

WorkerHome.serve(
  Adder,
  Adder.toLayer(
    Effect.succeed({
      add: (a, b) => Effect.succeed(add(a, b)),
      burn: (milliseconds) => Effect.sync(() => burn(milliseconds)),
      digest: (file) => Effect.sync(() => digest(file)),
      echo: (bytes) => Effect.succeed(WorkerHome.transfer(bytes))
    })
  )
)

import { WorkerHome } from "@troupe/worker"
import * as Effect from "effect/Effect"
import { Adder } from "./Adder.ts"
import { add, burn, copy, digest } from "./work.ts"

WorkerHome.serve(
  Adder,
  Adder.toLayer(
    Effect.succeed({
      add: (a, b) => Effect.succeed(add(a, b)),
      burn: (milliseconds) => Effect.sync(() => burn(milliseconds)),
      digest: (file) => Effect.sync(() => digest(file)),
      copy: (bytes) => Effect.succeed(copy(bytes)),
      echo: (bytes) => Effect.succeed(WorkerHome.transfer(bytes))
    })
  )
)

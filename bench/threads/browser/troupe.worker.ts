import { WorkerHome } from "@troupe/worker"
import * as Effect from "effect/Effect"
import { Echo } from "./Echo.ts"

WorkerHome.serve(
  Echo,
  Echo.toLayer(
    Effect.succeed({
      add: (a, b) => Effect.succeed(a + b),
      copy: (bytes) => Effect.succeed(bytes),
      echo: (bytes) => Effect.succeed(WorkerHome.transfer(bytes))
    })
  )
)

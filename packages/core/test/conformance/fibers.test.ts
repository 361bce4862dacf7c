import { Context, Effect, Layer } from "effect"
import { Desk } from "./actors.ts"
import { fixtures } from "./live.ts"
import { suite } from "./suite.ts"

suite({
  name: "fibers of this process",
  desk: (fixture) => fixtures[fixture].layer,
  box: (fixture) => fixtures[fixture].layer,
  spawn: (fixture) => Effect.map(Layer.build(fixtures[fixture].layer), (context) => Context.get(context, Desk))
})

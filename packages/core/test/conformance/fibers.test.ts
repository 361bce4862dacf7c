import { Context, Effect, Layer } from "effect"
import { describe } from "vitest"
import { Desk } from "./actors.ts"
import { fixtures } from "./live.ts"
import { suite } from "./suite.ts"

describe("10.1 the conformance suite, in fibers of this process", () => {
  suite({
    name: "fibers of this process",
    desk: (fixture) => fixtures[fixture].layer,
    box: (fixture) => fixtures[fixture].layer,
    spawn: (fixture) => Effect.map(Layer.build(fixtures[fixture].layer), (context) => Context.get(context, Desk))
  })
})

import { ActorMiddleware, ActorSystem } from "@troupe/core"
import { Context, Effect, Layer } from "effect"
import { describe } from "vitest"
import { Desk } from "./actors.ts"
import { GuardedBoxLive, GuardedLive, guardedBoxSuite, guardedSuite } from "./guarded.ts"
import { fixtures } from "./live.ts"
import { suite } from "./suite.ts"

describe("10.1 the conformance suite, in fibers of this process", () => {
  suite({
    name: "fibers of this process",
    desk: (fixture) => fixtures[fixture].layer,
    box: (fixture) => fixtures[fixture].layer,
    spawn: (fixture) => Effect.map(Layer.build(fixtures[fixture].layer), (context) => Context.get(context, Desk))
  })
  guardedSuite(GuardedLive)
  guardedBoxSuite(GuardedBoxLive)
})

class Open extends ActorMiddleware.Service<Open>()("conformance/Open") {}
const OpenLive = Layer.provide(
  ActorSystem.layerMiddleware(Open),
  Layer.succeed(Open)((next) => next)
)

describe("13.4 the conformance suite, behind middleware that lets all calls pass", () => {
  suite({
    name: "fibers of this process",
    desk: (fixture) => Layer.provide(fixtures[fixture].layer, OpenLive),
    box: (fixture) => Layer.provide(fixtures[fixture].layer, OpenLive),
    spawn: (fixture) =>
      Effect.map(Layer.build(Layer.provide(fixtures[fixture].layer, OpenLive)), (context) => Context.get(context, Desk))
  })
})

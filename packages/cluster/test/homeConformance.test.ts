import { ClusterHome } from "@troupe/cluster"
import { Clock, Context, Effect, Layer, Schedule } from "effect"
import { Sharding, ShardId } from "effect/cluster"
import { Box, Desk } from "../../core/test/conformance/actors.ts"
import { fixtures } from "../../core/test/conformance/live.ts"
import { suite } from "../../core/test/conformance/suite.ts"

const liveClock = Layer.succeed(Clock.Clock)(Context.get(Context.empty(), Clock.Clock))

/** A node that has its keys. Callers have a test clock, and would wait for it when they come too early. */
const ready = Layer.effectDiscard(
  Effect.gen(function* () {
    const sharding = yield* Sharding.Sharding
    const has = Effect.sync(() => sharding.hasShardId(ShardId.make("default", 1)))
    yield* Effect.repeat(has, { until: (yes) => yes, schedule: Schedule.spaced("1 millis") })
  })
)

const on = <A>(actor: Layer.Layer<A, unknown, ClusterHome.Cluster>): Layer.Layer<A, unknown> =>
  actor.pipe(
    Layer.provide(ready),
    Layer.provide(ClusterHome.layerLocal({ file: ":memory:", drainTimeout: 0 })),
    Layer.provide(liveClock)
  )

suite({
  name: "a node of a cluster",
  desk: (fixture) => on(ClusterHome.layer(Desk, fixtures[fixture].layer)),
  box: (fixture) => on(ClusterHome.layer(Box, fixtures[fixture].layer)),
  without: []
})

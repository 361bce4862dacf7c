import { ClusterHome } from "@troupe/cluster"
import { Clock, Context, Effect, Layer, Schedule } from "effect"
import { ShardId, Sharding } from "effect/cluster"
import { describe } from "vitest"
import { Box, Desk } from "../../core/test/conformance/actors.ts"
import {
  Guarded,
  GuardedBox,
  GuardedBoxServed,
  GuardedServed,
  guardedBoxSuite,
  guardedSuite
} from "../../core/test/conformance/guarded.ts"
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

const on = <A, R>(actor: Layer.Layer<A, unknown, R>): Layer.Layer<A, unknown, Exclude<R, ClusterHome.Cluster>> =>
  actor.pipe(
    Layer.provide(ready),
    Layer.provide(ClusterHome.layerLocal({ file: ":memory:", drainTimeout: 0 })),
    Layer.provide(liveClock)
  ) as Layer.Layer<A, unknown, Exclude<R, ClusterHome.Cluster>>

describe("10.1 the conformance suite, in a cluster", () => {
  suite({
    name: "a node of a cluster",
    desk: (fixture) => on(ClusterHome.layer(Desk, fixtures[fixture].layer)),
    box: (fixture) => on(ClusterHome.layer(Box, fixtures[fixture].layer)),
    // Each has a line in docs/cluster.md, "What differs from one process". What holds instead is in home.test.ts.
    ahead: 2,
    without: [
      "1.2 interrupting an asker cancels its call, and waits until its finalizers have run",
      "2.4 resize starts waiting calls",
      "5.1 cancel tells what happened",
      "5.1 cancel returns when the finalizers of the call have finished",
      "5.2 a method that finishes in an uninterruptible region keeps its true result",
      "6.2 a constructor that fails is known where the actor is provided",
      "6.3 kill interrupts running calls, and fails those that wait",
      "6.5 exit ends the instance",
      '6.6 onDefect: "stop" ends the instance, and says why',
      "6.7 when the schedule ends, the instance dies with the last cause",
      "6.8 a call runs again after a restart, as far as maxTaskRetries goes",
      "6.8 a call runs again after a failure, if it says so",
      "6.9 watch tells of an end that nobody here has asked for",
      // The node has a clock of its own here. There is a test with a test clock for both in home.test.ts.
      "7.2 an instance without calls ends after idleTimeToLive, and is made again on demand",
      "7.5 a stream is pulled on demand, and ends when its consumer stops"
    ]
  })
  guardedSuite(on(ClusterHome.layer(Guarded, GuardedServed)))
  guardedBoxSuite(on(ClusterHome.layer(GuardedBox, GuardedBoxServed)))
})

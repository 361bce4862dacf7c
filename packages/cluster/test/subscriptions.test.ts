/**
 * Readers of instances in a cluster: what becomes of them when nodes die, leave, or are cut off.
 */
import { assert, describe, it } from "@effect/vitest"
import { ClusterHome } from "@troupe/cluster"
import * as SimulatedCluster from "@troupe/cluster/SimulatedCluster"
import { Actor, ActorSystem, Broadcast } from "@troupe/core"
import { Explore } from "@troupe/testing"
import { Clock, Effect, Fiber, Option, Schema, type Scope, Stream } from "effect"

class Room extends Actor.Keyed<Room>()("test/Room", {
  key: Schema.String,
  methods: {
    post: Actor.method({ args: [Schema.Int] }),
    readers: Actor.method({ success: Schema.Int }),
    posts: Actor.subscription({ item: Schema.Int })
  }
}) {}

/** Whether the room is on the node that this runs on. */
const isHere = Effect.map(ActorSystem.snapshot({ actor: "test/Room" }), ({ instances }) => instances.length > 0)

/** A cluster with rooms, each of which replays what was posted last. */
const rooms = (options: Omit<SimulatedCluster.Options<any, any>, "actors" | "client"> = {}) =>
  Effect.gen(function* () {
    const make = () =>
      Effect.gen(function* () {
        const posts = yield* Broadcast.make<number>({ replay: 1 })
        return Room.of({ posts, post: (n) => posts.publish(n), readers: () => posts.readers })
      })
    const actors = ClusterHome.layer(Room, Room.toLayer(make, { maxConcurrency: 1 }))
    const cluster = yield* SimulatedCluster.make({ actors, client: ClusterHome.client(Room), ...options })
    const room = yield* cluster.run(Room.get("a"))
    const got: Array<number | string> = []
    /** Reads until that has come. */
    const read = (last: number) =>
      Effect.forkChild(
        cluster.run(
          Stream.runForEachWhile(room.posts(), (item) =>
            Effect.sync(() => {
              got.push(Broadcast.isResync(item) ? item.reason : item)
              return item !== last
            })
          )
        )
      )
    const call = <A, E>(effect: Effect.Effect<A, E>) => cluster.run(Effect.retry(effect, { times: 100 }))
    const joined = (count = 1) => cluster.run(Effect.repeat(room.readers(), { until: (n) => n === count }))
    /** The number of the node where the room is. */
    const place = Effect.gen(function* () {
      yield* call(room.readers())
      const here = yield* Effect.forEach([0, 1, 2], (node) => Effect.option(cluster.on(node, isHere)))
      return here.findIndex(Option.contains(true))
    })
    return { cluster, room, got, read, call, joined, place }
  })

/** Runs a program once. */
const once = <E>(program: Effect.Effect<unknown, E, Scope.Scope>) => Explore.check(program, { schedules: 1 })

const LONG = 60_000

describe("7.8 a reader of an instance in a cluster", () => {
  it.live(
    "7.8 goes on where the key is next when its node is killed, and is told so",
    () =>
      once(
        Effect.gen(function* () {
          const { call, cluster, got, joined, place, read, room } = yield* rooms()
          const reader = yield* read(2)
          yield* joined()
          yield* call(room.post(1))
          const node = yield* place
          yield* cluster.kill(node)
          assert.notStrictEqual(yield* place, node)
          yield* joined()
          yield* call(room.post(2))
          yield* Fiber.join(reader)
          assert.deepStrictEqual(got, [1, "Reconnected", 2])
        })
      ),
    LONG
  )

  it.live(
    "7.8 does not keep its node from leaving, and goes on elsewhere",
    () =>
      once(
        Effect.gen(function* () {
          const { call, cluster, got, joined, place, read, room } = yield* rooms()
          const reader = yield* read(2)
          yield* joined()
          yield* call(room.post(1))
          const before = yield* Clock.currentTimeMillis
          yield* cluster.leave(yield* place)
          // Calls that run may take 15 seconds.
          assert.isBelow((yield* Clock.currentTimeMillis) - before, 10_000)
          yield* joined()
          yield* call(room.post(2))
          yield* Fiber.join(reader)
          assert.deepStrictEqual(got, [1, "Reconnected", 2])
        })
      ),
    LONG
  )

  it.live(
    "7.8 fails with ActorUnavailable when no node is there for too long, and does not hang",
    () =>
      once(
        Effect.gen(function* () {
          const { cluster, joined, read, room } = yield* rooms({ nodes: 1, options: { unavailableAfter: "5 seconds" } })
          const reader = yield* read(2)
          yield* joined()
          yield* cluster.kill(0)
          const error: any = yield* Effect.flip(Fiber.join(reader))
          assert.strictEqual(error.reason._tag, "ActorUnavailable")
          assert.strictEqual(error.reason.method, "posts")
          void room
        })
      ),
    LONG
  )

  it.live(
    "7.8 has left its instance once it has left",
    () =>
      once(
        Effect.gen(function* () {
          const { joined, read } = yield* rooms()
          const [one, other] = [yield* read(2), yield* read(2)]
          yield* joined(2)
          yield* Fiber.interrupt(one)
          yield* joined(1)
          yield* Fiber.interrupt(other)
          yield* joined(0)
        })
      ),
    LONG
  )
})

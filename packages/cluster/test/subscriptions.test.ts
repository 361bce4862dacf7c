/**
 * Readers of instances in a cluster: what becomes of them when nodes die, leave, or are cut off.
 */
import { assert, describe, it } from "@effect/vitest"
import { ClusterHome } from "@troupe/cluster"
import * as SimulatedCluster from "@troupe/cluster/SimulatedCluster"
import { Actor, ActorMiddleware, ActorSystem, Broadcast, Carried } from "@troupe/core"
import { Explore } from "@troupe/testing"
import { Clock, Effect, Fiber, Layer, Option, Schema, type Scope, Stream } from "effect"

class Room extends Actor.Keyed<Room>()("test/Room", {
  key: Schema.String,
  methods: {
    post: Actor.method({ args: [Schema.Int] }),
    readers: Actor.method({ success: Schema.Int }),
    posts: Actor.subscription({ item: Schema.Int })
  }
}) {}

/** Whether the room is on the node that this runs on. */
const has = (actor: string) => Effect.map(ActorSystem.snapshot({ actor }), ({ instances }) => instances.length > 0)
const isHere = has("test/Room")

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

const Token = Carried.Reference("test/Token", { schema: Schema.String, defaultValue: () => "" })
class Denied extends Schema.TaggedError<Denied>()("Denied", {}) {}
class Doorman extends ActorMiddleware.Service<Doorman>()("test/Doorman", { error: Denied }) {}
class Porter extends ActorMiddleware.Service<Porter>()("test/Porter", { error: Denied, at: "caller" }) {}

class Club extends Actor.Keyed<Club>()("test/Club", {
  key: Schema.String,
  middleware: [Porter, Doorman],
  methods: { noop: Actor.method(), posts: Actor.subscription({ item: Schema.Int }) }
}) {}

/** Runs a program once. */
const once = <E>(program: Effect.Effect<unknown, E, Scope.Scope>) => Explore.check(program, { schedules: 1 })

const LONG = 60_000

describe("7.8 a reader of an instance in a cluster", () => {
  /** Reads a room whose node goes. */
  const followed = <E>(
    goes: (cluster: SimulatedCluster.SimulatedCluster<any, any>, node: number) => Effect.Effect<void, E>
  ) =>
    once(
      Effect.gen(function* () {
        const { call, cluster, got, joined, place, read, room } = yield* rooms()
        const reader = yield* read(2)
        yield* joined()
        yield* call(room.post(1))
        const node = yield* place
        yield* goes(cluster, node)
        assert.notStrictEqual(yield* place, node)
        yield* joined()
        yield* call(room.post(2))
        yield* Fiber.join(reader)
        assert.deepStrictEqual(got, [1, "Reconnected", 2])
      })
    )

  it.live(
    "7.8 goes on where the key is next when its node is killed, and is told so",
    () => followed((cluster, node) => cluster.kill(node)),
    LONG
  )

  it.live(
    "7.8 does not keep its node from leaving, and goes on elsewhere",
    () =>
      followed((cluster, node) =>
        Effect.gen(function* () {
          const before = yield* Clock.currentTimeMillis
          yield* cluster.leave(node)
          // Calls that run may take 15 seconds.
          assert.isBelow((yield* Clock.currentTimeMillis) - before, 10_000)
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

describe("13.5 a reader of an instance in a cluster", () => {
  it.live(
    "13.5 passes middleware anew on both sides when its node is killed, and is refused by the next one",
    () =>
      once(
        Effect.gen(function* () {
          const log: Array<string> = []
          const members = new Set(["Ada"])
          const make = () =>
            Effect.gen(function* () {
              const posts = yield* Broadcast.make<number>({ replay: 1 })
              yield* posts.publish(1)
              return Club.of({ posts, noop: () => Effect.void })
            })
          const doorman = Layer.succeed(Doorman)((next, { key, method }) =>
            Effect.flatMap(Token, (name) => {
              if (method === "noop") return next
              log.push(`doorman ${method} ${key} ${name}`)
              return members.has(name) ? next : Effect.fail(new Denied())
            })
          )
          const porter = Layer.succeed(Porter)((next, { method }) =>
            Effect.suspend(() => {
              if (method === "posts") log.push("porter")
              return next
            })
          )
          const elsewhere = Layer.succeed(Porter)(() => Effect.die("it runs where readers are"))
          const live = Layer.provide(Club.toLayer(make), Layer.merge(doorman, elsewhere))
          const actors = Layer.provide(ClusterHome.layer(Club, live), porter)
          const client = Layer.provide(ClusterHome.client(Club), porter)
          const cluster = yield* SimulatedCluster.make({ actors, client })
          const club = yield* cluster.run(Club.get("a"))
          assert.instanceOf(yield* Effect.flip(cluster.run(Stream.runDrain(club.posts()))), Denied)
          const got: Array<unknown> = []
          const reading = Stream.runForEach(club.posts(), (item) => Effect.sync(() => got.push(item)))
          const reader = yield* Effect.forkChild(cluster.run(Effect.provideService(reading, Token, "Ada")))
          const noop = cluster.run(Effect.retry(club.noop(), { times: 100 }))
          yield* Effect.repeat(noop, { until: () => got.length === 1 })
          const hosts = yield* Effect.forEach([0, 1, 2], (node) => Effect.option(cluster.on(node, has("test/Club"))))
          members.clear()
          yield* cluster.kill(hosts.findIndex(Option.contains(true)))
          assert.instanceOf(yield* Effect.flip(Fiber.join(reader)), Denied)
          assert.deepStrictEqual(got, [1])
          const asks = log.filter((event) => event !== "porter")
          assert.deepStrictEqual(asks, ["doorman posts a ", "doorman posts a Ada", "doorman posts a Ada"])
          assert.isAtLeast(log.length - asks.length, 3, "at the caller's side, too")
        })
      ),
    LONG
  )
})

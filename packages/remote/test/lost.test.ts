import { assert, describe, it } from "@effect/vitest"
import { ActorError, Broadcast, ObjectRef } from "@troupe/core"
import { RemoteHome } from "@troupe/remote"
import { Effect, Fiber, Layer, Schedule, Stream } from "effect"
import { Network } from "./network.ts"
import { Desk, EXPOSED, Room, roomLive } from "./rooms.ts"
import { client, listening } from "./support.ts"

/** A server, and a client over a network that the test cuts. */
const over = (network: Network, desk: Desk, options: Partial<RemoteHome.ClientOptions> = {}) =>
  client(Room, { reconnect: Schedule.spaced("20 millis"), ...options }).pipe(
    Layer.provide(network.layer),
    Layer.provide(listening(Layer.provide(RemoteHome.serve(Room, { expose: EXPOSED }), roomLive(desk))))
  )

const withRoom = (
  name: string,
  body: (
    room: Effect.Success<ReturnType<typeof Room.get>>,
    network: Network,
    desk: Desk
  ) => Effect.Effect<unknown, unknown>,
  options: Partial<RemoteHome.ClientOptions> = {}
) =>
  it.live(name, () => {
    const [network, desk] = [new Network(), new Desk()]
    return Effect.provide(
      Effect.flatMap(Room.get("tea"), (room) => body(room, network, desk)),
      over(network, desk, options)
    )
  })

const unavailable = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.map(Effect.flip(effect), (error: any) => {
    assert.isTrue(ActorError.isActorError(error), String(error))
    assert.strictEqual(error.reason._tag, "ActorUnavailable", String(error))
    return error.reason as ActorError.ActorUnavailable
  })

describe("a connection that is lost", () => {
  withRoom("while a call runs: it fails, may have run, and is ended at the server", (room, network, desk) =>
    Effect.gen(function* () {
      const held = yield* Effect.forkChild(unavailable(room.hold()))
      yield* desk.has("begun")
      network.cut()
      const reason = yield* Fiber.join(held)
      assert.isTrue(reason.mayHaveRun)
      assert.strictEqual(reason.actor, "test/Room(tea)")
      assert.strictEqual(reason.method, "hold")
      yield* desk.has("cut")
      assert.strictEqual(yield* room.say("back"), 1)
      assert.strictEqual(network.made, 2)
    })
  )

  withRoom("as a call is sent: it fails, and may have run, since nobody knows", (room, network) =>
    Effect.gen(function* () {
      yield* room.say("1")
      network.passes = ({ from, text }) => !(from === "client" && text.includes('"2"'))
      assert.isTrue((yield* unavailable(room.say("2"))).mayHaveRun)
      network.passes = () => true
      assert.deepStrictEqual(yield* room.history(), ["1"])
    })
  )

  withRoom("as it is answered: it fails, and has run once", (room, network) =>
    Effect.gen(function* () {
      yield* room.say("1")
      network.passes = ({ from, text }) => !(from === "server" && text.includes('"value":2'))
      assert.isTrue((yield* unavailable(room.say("2"))).mayHaveRun)
      network.passes = () => true
      assert.deepStrictEqual(yield* room.history(), ["1", "2"])
    })
  )

  withRoom("with maxTaskRetries the call runs again over the next connection", (room, network) =>
    Effect.gen(function* () {
      let isFirst = true
      network.passes = ({ from, text }) => {
        const isCut = isFirst && from === "server" && text.includes('"value":1')
        if (isCut) isFirst = false
        return !isCut
      }
      assert.strictEqual(yield* room.say.options({ maxTaskRetries: 1 })("again"), 2)
      assert.deepStrictEqual(yield* room.history(), ["again", "again"])
    })
  )

  withRoom("before a call is sent: it waits for the next one, and runs once, in order", (room, network) =>
    Effect.gen(function* () {
      yield* room.say("1")
      network.isUp = false
      network.cut()
      const refs = yield* Effect.forEach(["2", "3", "4"], (text) => room.say.remote(text))
      network.isUp = true
      assert.deepStrictEqual(yield* ObjectRef.all(refs), [2, 3, 4])
      assert.deepStrictEqual(yield* room.history(), ["1", "2", "3", "4"])
    })
  )

  withRoom(
    "and does not come back in time: calls fail, and have not run",
    (room, network) =>
      Effect.gen(function* () {
        yield* room.say("1")
        network.isUp = false
        network.cut()
        const reason = yield* unavailable(room.say("2"))
        assert.isFalse(reason.mayHaveRun)
        assert.isTrue(reason.retrySafe)
        network.isUp = true
        assert.deepStrictEqual(yield* room.history(), ["1"])
      }),
    { unavailableAfter: "200 millis" }
  )

  withRoom(
    "for good, since the schedule of reconnecting has ended: all calls fail at once",
    (room, network) =>
      Effect.gen(function* () {
        yield* room.say("1")
        network.isUp = false
        network.cut()
        const reason = yield* unavailable(room.say("2"))
        assert.isFalse(reason.mayHaveRun)
        assert.match(reason.why, /the schedule of reconnecting has ended/)
        assert.match((yield* unavailable(room.say("3"))).why, /the schedule of reconnecting has ended/)
      }),
    { reconnect: Schedule.recurs(0) }
  )

  withRoom("during a stream: it fails after the items that came", (room, network) =>
    Effect.gen(function* () {
      const got: Array<number> = []
      const reason = yield* unavailable(
        Stream.runForEach(room.count(1000), (n) =>
          Effect.sync(() => {
            got.push(n)
            if (n === 3) network.cut()
          })
        )
      )
      assert.isTrue(reason.mayHaveRun)
      assert.deepStrictEqual(got, [1, 2, 3])
    })
  )

  withRoom("while a reader reads: it joins again, and is told of the gap", (room, network) =>
    Effect.gen(function* () {
      yield* room.say("1")
      const got: Array<unknown> = []
      const reader = yield* Effect.forkChild(
        Stream.runForEach(Stream.take(room.changes(), 3), (item) =>
          Effect.sync(() => {
            got.push(Broadcast.isResync(item) ? item.reason : item)
            if (item === "1") network.cut()
          })
        )
      )
      yield* Fiber.join(reader)
      assert.deepStrictEqual(got, ["1", "Reconnected", "1"])
    })
  )

  withRoom("while a call waits that is cancelled: it never runs", (room, network) =>
    Effect.gen(function* () {
      yield* room.say("1")
      network.isUp = false
      network.cut()
      const ref = yield* room.say.remote("2")
      assert.oneOf(yield* ObjectRef.cancel(ref), ["NotStarted", "Interrupted"])
      network.isUp = true
      assert.deepStrictEqual(yield* room.history(), ["1"])
    })
  )
})

describe("a client that ends", () => {
  it.live("has its calls interrupted at the server", () => {
    const [network, desk] = [new Network(), new Desk()]
    const caller = Effect.flatMap(Room.get("tea"), (room) =>
      Effect.gen(function* () {
        yield* room.hold.remote()
        yield* desk.has("begun")
      })
    )
    const served = listening(Layer.provide(RemoteHome.serve(Room, { expose: EXPOSED }), roomLive(desk)))
    return Effect.gen(function* () {
      yield* Effect.provide(caller, Layer.provide(client(Room), network.layer))
      yield* desk.has("cut")
    }).pipe(Effect.provide(served))
  })
})

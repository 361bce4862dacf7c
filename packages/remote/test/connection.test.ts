import { assert, describe, it } from "@effect/vitest"
import { RemoteHome } from "@troupe/remote"
import { Clock, type Duration, Effect, Fiber, Layer, Option, Schedule, Stream } from "effect"
import { Network } from "./network.ts"
import { Desk, EXPOSED, Room, roomLive } from "./rooms.ts"
import { client, listening, Url } from "./support.ts"

const served = (desk = new Desk(), limits: RemoteHome.Limits = {}) =>
  listening(Layer.provide(RemoteHome.serve(Room, { expose: EXPOSED, limits }), roomLive(desk)))

const tea = Room.get("tea")

describe("how the connection is", () => {
  type Tag = RemoteHome.Connection["_tag"]
  type Of<T extends Tag> = Extract<RemoteHome.Connection, { readonly _tag: T }>

  /** Waits until it is so. */
  const until = <T extends Tag>(options: RemoteHome.ClientOptions, tag: T, why = /./): Effect.Effect<Of<T>> =>
    RemoteHome.connection(options).pipe(
      Stream.filter((is): is is Of<T> => is._tag === tag && (!("why" in is) || why.test(is.why))),
      Stream.runHead,
      Effect.map(Option.getOrThrow)
    )

  it.live("is told to who shows it: connecting, connected, lost and why, and closed with the client", () => {
    const network = new Network()
    return Effect.gen(function* () {
      const options = { url: `${yield* Url}/actors`, reconnect: Schedule.spaced("20 millis") }
      const told: Array<string> = []
      const reader = yield* Effect.forkChild(
        Stream.runForEachWhile(RemoteHome.connection(options), ({ _tag }) =>
          Effect.sync(() => {
            if (told.at(-1) !== _tag) told.push(_tag)
            return _tag !== "Closed"
          })
        )
      )
      assert.strictEqual((yield* until(options, "Connecting"))._tag, "Connecting")
      yield* Effect.gen(function* () {
        yield* (yield* tea).say("1")
        yield* until(options, "Connected")
        const before = Date.now()
        network.isUp = false
        network.cut()
        const lost = yield* until(options, "Lost")
        assert.match(lost.why, /the connection to the server was lost/)
        assert.isAtLeast(lost.since, before)
        const again = yield* until(options, "Lost", /could be made to ws:/)
        assert.strictEqual(again.since, lost.since, "it is lost since it was connected last")
        network.isUp = true
        yield* until(options, "Connected")
      }).pipe(Effect.provide(Layer.provide(RemoteHome.client(Room, options), network.layer)))
      assert.strictEqual((yield* until(options, "Closed")).why, "this client has ended")
      yield* Fiber.join(reader)
      assert.deepStrictEqual(told, ["Connecting", "Connected", "Lost", "Connected", "Closed"])
    }).pipe(Effect.provide(served()))
  })

  it.live("is lost before it was there, and says when it is tried again", () =>
    Effect.gen(function* () {
      const options = { url: "ws://127.0.0.1:1/actors?token=secret", reconnect: Schedule.spaced("1 hour") }
      const before = Date.now()
      // Not with the query, which may have secrets.
      const lost = yield* Effect.provide(until(options, "Lost"), RemoteHome.client(Room, options))
      assert.strictEqual(lost.why, "no connection could be made to ws://127.0.0.1:1/actors")
      assert.isAtLeast(lost.retryAt! - before, 3_600_000)
    })
  )

  it.live("that it is lost is told once for each attempt", () =>
    Effect.gen(function* () {
      const options = { url: "ws://127.0.0.1:1/actors", reconnect: Schedule.recurs(3) }
      const told: Array<RemoteHome.Connection> = []
      const reader = yield* Effect.forkChild(
        Stream.runForEachWhile(RemoteHome.connection(options), (connection) =>
          Effect.sync(() => told.push(connection) > 0 && connection._tag !== "Closed")
        ),
        { startImmediately: true }
      )
      yield* Effect.provide(Fiber.join(reader), RemoteHome.client(Room, options))
      assert.isAtMost(told.filter(({ _tag }) => _tag === "Lost").length, 3)
      assert.lengthOf(new Set(told.map((is) => "since" in is && is.since)), 2)
    })
  )

  it.live("over HTTP the same loss is told once, however many requests meet it", () => {
    const options = { url: "http://127.0.0.1:1/actors", protocol: "http", unavailableAfter: "1 second" } as const
    const told: Array<RemoteHome.Connection["_tag"]> = []
    return Effect.gen(function* () {
      yield* Effect.forkChild(
        Stream.runForEach(RemoteHome.connection(options), ({ _tag }) => Effect.sync(() => told.push(_tag))),
        { startImmediately: true }
      )
      yield* Effect.flip((yield* tea).say("1"))
      assert.deepStrictEqual(told, ["Connecting", "Lost"])
    }).pipe(Effect.provide(RemoteHome.client(Room, options)))
  })

  it.live("is closed when the schedule of reconnecting has ended", () =>
    Effect.gen(function* () {
      const options = { url: "ws://127.0.0.1:1/actors", reconnect: Schedule.recurs(0) }
      const { why } = yield* Effect.provide(until(options, "Closed"), RemoteHome.client(Room, options))
      assert.match(why, /the schedule of reconnecting has ended/)
    })
  )

  it.live("over HTTP it is what the last request met", () =>
    Effect.gen(function* () {
      const options = { url: `${yield* Url}/actors`, protocol: "http" } as const
      yield* Effect.gen(function* () {
        yield* until(options, "Connecting")
        yield* (yield* tea).say("1")
        yield* until(options, "Connected")
      }).pipe(Effect.provide(RemoteHome.client(Room, options)))
      const nowhere = { url: "http://127.0.0.1:1/actors", protocol: "http" } as const
      yield* Effect.gen(function* () {
        yield* Effect.forkChild((yield* tea).say("1"))
        assert.strictEqual(
          (yield* until(nowhere, "Lost")).why,
          "no connection could be made to http://127.0.0.1:1/actors"
        )
      }).pipe(Effect.provide(RemoteHome.client(Room, nowhere)))
    }).pipe(Effect.provide(served()))
  )
})

describe.each(["websocket", "http"] as const)("a call that is too large for the server, over %s", (protocol) => {
  it.live("is not sent, and says what to do; the others go on", () => {
    const [network, desk] = [new Network(), new Desk()]
    return Effect.gen(function* () {
      const room = yield* tea
      const held = yield* room.hold.remote()
      yield* desk.has("begun")
      const error: any = yield* Effect.flip(room.say("é".repeat(1000)))
      assert.strictEqual(error.reason._tag, "Denied")
      assert.isFalse(error.mayHaveRun)
      assert.isFalse(error.retrySafe)
      assert.match(
        error.message,
        /^test\/Room\(tea\)\.say: denied, since its message has 2\d\d\d bytes, and the server takes at most 1500: send less at a time, or raise limits\.messageBytes there\. The call did not run\.$/
      )
      desk.gate.openUnsafe()
      assert.strictEqual(yield* held, "held")
      assert.isAtMost(network.made, 1)
    }).pipe(
      Effect.provide(
        client(Room, { protocol }).pipe(
          Layer.provide(network.layer),
          Layer.provide(served(desk, { messageBytes: 1500 }))
        )
      )
    )
  })
})

describe("calls that are too large together", () => {
  it.live("go one after the other", () => {
    const network = new Network()
    return Effect.gen(function* () {
      const room = yield* tea
      const texts = Array.from({ length: 20 }, (_, n) => `${n} ${"x".repeat(500)}`)
      const counts = yield* Effect.all(
        texts.map((text) => room.say(text)),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(
        counts,
        texts.map((_, n) => n + 1)
      )
      assert.deepStrictEqual(yield* room.history(), texts)
      assert.strictEqual(network.made, 1)
    }).pipe(
      Effect.provide(
        client(Room).pipe(Layer.provide(network.layer), Layer.provide(served(new Desk(), { messageBytes: 1500 })))
      )
    )
  })
})

describe("a client that ends", () => {
  it.live("leaves no timer behind, which would keep its process alive", () => {
    let asleep = 0
    return Effect.gen(function* () {
      const url = `${yield* Url}/actors`
      const live = yield* Clock.Clock
      const counting: Clock.Clock = Object.assign(Object.create(live), {
        sleep: (duration: Duration.Duration) =>
          Effect.acquireUseRelease(
            Effect.sync(() => asleep++),
            () => live.sleep(duration),
            () => Effect.sync(() => asleep--)
          )
      })
      yield* Effect.flatMap(tea, (room) => room.say("1")).pipe(
        Effect.provide(RemoteHome.client(Room, { url, unavailableAfter: "1 hour" })),
        Effect.provideService(Clock.Clock, counting)
      )
      assert.strictEqual(asleep, 0)
    }).pipe(Effect.provide(served()))
  })
})

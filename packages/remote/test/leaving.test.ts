/**
 * A server that ends while clients are connected. None of these tests would end if it waited for them: it has an hour.
 */
import { createServer } from "node:http"
import { type AddressInfo, connect } from "node:net"
import { NodeHttpServer } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Actor, Broadcast } from "@troupe/core"
import { RemoteHome } from "@troupe/remote"
import { Effect, Exit, Fiber, Latch, Layer, Schedule, Schema, Scope, Stream } from "effect"
import { HttpRouter } from "effect/http"
import { Desk, EXPOSED, Room, roomLive } from "./rooms.ts"

/** Succeeds once nobody listens any more. */
const notListening = (port: number) =>
  Effect.repeat(isListening(port), { until: (yes) => !yes, schedule: Schedule.spaced("5 millis") })

const isListening = (port: number) =>
  Effect.callback<boolean>((resume) => {
    const socket = connect(port, "127.0.0.1")
    socket.once("connect", () => {
      socket.destroy()
      resume(Effect.succeed(true))
    })
    socket.once("error", () => resume(Effect.succeed(false)))
  })

const freePort = Effect.callback<number>((resume) => {
  const server = createServer()
  server.listen(0, "127.0.0.1", () => {
    const { port } = server.address() as AddressInfo
    server.close(() => resume(Effect.succeed(port)))
  })
})

/** Starts a server. Gives what ends it. */
const started = (port: number, desk: Desk) =>
  serving(port, Layer.provide(RemoteHome.serve(Room, { expose: EXPOSED }), roomLive(desk)))

const serving = (port: number, routes: Layer.Layer<never, never, HttpRouter.HttpRouter>) =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const listening = NodeHttpServer.layer(createServer, { port, host: "127.0.0.1", gracefulShutdownTimeout: "1 hour" })
    const served = HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true })
    yield* Layer.buildWithScope(Layer.provide(served, listening), scope)
    return Scope.close(scope, Exit.void)
  })

class Clocks extends Actor.Service<Clocks>()("test/Clocks", {
  methods: { ticks: Actor.method({ success: Schema.Int, stream: true }), wait: Actor.method() }
}) {}

type Handle = Effect.Success<ReturnType<typeof Room.get>>

const withRoom = (
  name: string,
  protocol: "websocket" | "http",
  body: (room: Handle, port: number, desk: Desk) => Effect.Effect<unknown, unknown>
) =>
  it.live(name, () =>
    Effect.gen(function* () {
      const port = yield* freePort
      const client = RemoteHome.client(Room, {
        url: `http://127.0.0.1:${port}/actors`,
        protocol,
        reconnect: Schedule.spaced("20 millis")
      })
      yield* Effect.provide(
        Effect.flatMap(Room.get("tea"), (room) => body(room, port, new Desk())),
        client
      )
    })
  )

/** A server with a call under way, which has been told to end, and takes no more connections. */
const endingUnderCall = (room: Handle, port: number, desk: Desk) =>
  Effect.gen(function* () {
    const end = yield* started(port, desk)
    const held = yield* Effect.forkChild(room.hold())
    yield* desk.has("begun")
    const ended = yield* Effect.forkChild(end)
    yield* notListening(port)
    return { held, ended }
  })

describe("a server that ends", () => {
  withRoom("does not wait for clients that have nothing under way", "websocket", (room, port, desk) =>
    Effect.gen(function* () {
      const end = yield* started(port, desk)
      assert.strictEqual(yield* room.say("hello"), 1)
      yield* end
    })
  )

  for (const protocol of ["websocket", "http"] as const)
    withRoom(`finishes the calls that it has, over ${protocol}`, protocol, (room, port, desk) =>
      Effect.gen(function* () {
        const { ended, held } = yield* endingUnderCall(room, port, desk)
        desk.gate.openUnsafe()
        assert.strictEqual(yield* Fiber.join(held), "held")
        yield* Fiber.join(ended)
        assert.notInclude(desk.notes, "cut")
      })
    )

  withRoom(
    "has the next one take what comes meanwhile, while it finishes what it has",
    "websocket",
    (room, port, desk) =>
      Effect.gen(function* () {
        const { ended, held } = yield* endingUnderCall(room, port, desk)
        const next = new Desk()
        const endNext = yield* started(port, next)
        // It is told within a moment, and then on its way to the next one.
        yield* Effect.repeat(room.history(), { until: () => next.notes.includes("tea made") })
        desk.gate.openUnsafe()
        assert.strictEqual(yield* Fiber.join(held), "held")
        yield* Fiber.join(ended)
        yield* endNext
      })
  )

  for (const protocol of ["websocket", "http"] as const)
    withRoom(`has its readers join the next one, over ${protocol}`, protocol, (room, port, desk) =>
      Effect.gen(function* () {
        const end = yield* started(port, desk)
        yield* room.say("1")
        const items: Array<unknown> = []
        const first = Latch.makeUnsafe()
        const note = (item: unknown) => Effect.sync(() => items.push(item) === 1 && first.openUnsafe())
        const reader = yield* Effect.forkChild(Stream.runForEach(room.changes(), note))
        yield* first.await
        yield* end
        const endNext = yield* started(port, new Desk())
        yield* Effect.repeat(room.say("2"), { until: () => items.includes("2") })
        assert.strictEqual(items[0], "1")
        // Over HTTP it may have joined the one that ends once more, which shows it its last item again.
        assert.isTrue(Broadcast.isResync(items[1]), String(items[1]))
        yield* Fiber.interrupt(reader)
        yield* endNext
      })
    )

  for (const protocol of ["websocket", "http"] as const)
    it.live(`ends streams after leaveAfter, and not its calls, over ${protocol}`, () =>
      Effect.gen(function* () {
        const port = yield* freePort
        const gate = Latch.makeUnsafe()
        const live = Clocks.toLayer(
          Effect.succeed({ ticks: () => Stream.concat(Stream.succeed(1), Stream.never), wait: () => gate.await })
        )
        const end = yield* serving(
          port,
          RemoteHome.serve(Clocks, { expose: ["ticks", "wait"], limits: { leaveAfter: 1 } }).pipe(Layer.provide(live))
        )
        yield* Effect.gen(function* () {
          const clocks = yield* Clocks
          const ticking = Latch.makeUnsafe()
          const reader = yield* Effect.forkChild(Effect.flip(Stream.runForEach(clocks.ticks(), () => ticking.open)))
          const waiting = yield* clocks.wait.remote()
          yield* ticking.await
          const ended = yield* Effect.forkChild(end)
          const { reason }: any = yield* Fiber.join(reader)
          assert.strictEqual(reason._tag, "ActorUnavailable")
          assert.isTrue(reason.mayHaveRun)
          assert.isUndefined(ended.pollUnsafe())
          yield* gate.open
          yield* waiting
          yield* Fiber.join(ended)
        }).pipe(Effect.provide(RemoteHome.client(Clocks, { url: `http://127.0.0.1:${port}/actors`, protocol })))
      })
    )

  it.live("sends clients of another make away once their calls have ended", () =>
    Effect.gen(function* () {
      const port = yield* freePort
      const end = yield* started(port, new Desk())
      const socket = new WebSocket(`ws://127.0.0.1:${port}/actors`)
      const closed = new Promise<CloseEvent>((resolve) => socket.addEventListener("close", resolve))
      yield* Effect.promise(() => new Promise((resolve) => socket.addEventListener("open", resolve)))
      yield* end
      assert.strictEqual((yield* Effect.promise(() => closed)).code, 1001)
    })
  )
})

/**
 * The requests of a client over HTTP: how many are under way, and what is said of one that is lost.
 */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { assert, it } from "@effect/vitest"
import type { ActorError } from "@troupe/core"
import { RemoteHome } from "@troupe/remote"
import { Effect, Fiber, Layer, Stream } from "effect"
import { Desk, EXPOSED, Room, roomLive } from "./rooms.ts"
import { client, listening } from "./support.ts"

const served = (desk: Desk, connectionsPerPeer: number | undefined) =>
  Layer.provide(
    client(Room, { protocol: "http" }),
    Layer.provide(
      listening(RemoteHome.serve(Room, { expose: EXPOSED, limits: { connectionsPerPeer } })),
      roomLive(desk)
    )
  )

it.live.each([2, 5, undefined])(
  "over HTTP all of a thousand calls at once succeed, though the server takes %s requests of an address",
  (most) =>
    Effect.gen(function* () {
      const room = yield* Room.get("tea")
      const all = Effect.forEach(Array.from({ length: 1000 }), () => room.history(), { concurrency: "unbounded" })
      assert.strictEqual((yield* all).length, 1000)
    }).pipe(Effect.provide(served(new Desk(), most)))
)

it.live("over HTTP streams and readers, however many, leave room for calls", () =>
  Effect.gen(function* () {
    const room = yield* Room.get("tea")
    yield* room.say("first")
    const readers = yield* Effect.forEach(Array.from({ length: 20 }), () =>
      Effect.forkChild(Stream.runHead(Stream.drop(room.changes(), 1)))
    )
    for (let said = 2; said < 50; said++) assert.strictEqual(yield* room.say("more"), said)
    yield* Fiber.interruptAll(readers)
  }).pipe(Effect.provide(served(new Desk(), 5)))
)

it.live("over HTTP a call that is interrupted as it waits for room has not begun, and those behind it go on", () => {
  const desk = new Desk()
  return Effect.gen(function* () {
    const room = yield* Room.get("tea")
    const held = yield* Effect.forkChild(room.hold())
    yield* desk.has("begun")
    const waits = yield* Effect.forkChild(room.say("never"), { startImmediately: true })
    const behind = yield* Effect.forkChild(room.history(), { startImmediately: true })
    yield* Fiber.interrupt(waits)
    desk.gate.openUnsafe()
    assert.strictEqual(yield* Fiber.join(held), "held")
    assert.deepStrictEqual(yield* Fiber.join(behind), [])
  }).pipe(Effect.provide(served(desk, 1)))
})

it.live("over HTTP a call whose connection breaks says that it was lost, and may have run", () =>
  Effect.gen(function* () {
    const nothing = '{"_tag":"Exit","requestId":1,"exit":{"_tag":"Failure","cause":[]}}\n'
    let requests = 0
    const server = createServer((request, response) => {
      if (requests++ === 0) response.end(nothing)
      else request.socket.destroy()
    }).listen(0, "127.0.0.1")
    yield* Effect.addFinalizer(() => Effect.sync(() => void server.close()))
    yield* Effect.promise(() => new Promise((resolve) => server.once("listening", resolve)))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/actors`
    const asked = Effect.flatMap(Room.get("tea"), (room) => room.history())
    const error = yield* Effect.flip(Effect.provide(asked, RemoteHome.client(Room, { url, protocol: "http" })))
    const { reason } = error as ActorError.ActorError
    assert.match(reason.message, /because the connection to the server was lost\. The call may have run/)
    assert.isTrue(reason.mayHaveRun)
  })
)

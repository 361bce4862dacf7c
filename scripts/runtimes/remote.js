// An actor behind the server of the platform, and a client of it in the same process: a call, a stream, a reader, and a call
// that is cancelled.
import { Actor, Broadcast } from "@troupe/core"
import { RemoteHome } from "@troupe/remote"
import { Deferred, Effect, Fiber, Layer, Schema, Stream } from "effect"
import { HttpRouter, HttpServer } from "effect/http"

class Room extends Actor.Keyed()("app/Room", {
  key: Schema.String,
  methods: {
    say: Actor.method({ args: [Schema.String], success: Schema.Int }),
    count: Actor.method({ args: [Schema.Int], success: Schema.Int, stream: true }),
    hold: Actor.method(),
    begun: Actor.method(),
    end: Actor.method({ success: Schema.String }),
    readers: Actor.method({ success: Schema.Int }),
    said: Actor.subscription({ item: Schema.String })
  }
}) {}

const RoomLive = Room.toLayer(() =>
  Effect.gen(function* () {
    const said = yield* Broadcast.make({ replay: 1 })
    const [begun, end] = [yield* Deferred.make(), yield* Deferred.make()]
    let count = 0
    return Room.of({
      say: (text) => Effect.as(said.publish(text), ++count),
      count: (n) => Stream.range(1, n),
      hold: () =>
        Effect.onInterrupt(Effect.andThen(Deferred.succeed(begun, undefined), Effect.never), () =>
          Deferred.succeed(end, "cut")
        ),
      begun: () => Deferred.await(begun),
      end: () => Deferred.await(end),
      readers: () => said.readers,
      said
    })
  })
)

const expose = ["say", "count", "hold", "begun", "end", "readers", "said"]
const routes = Layer.provide(RemoteHome.serve(Room, { expose }), RoomLive)
const { dispose, handler } = HttpRouter.toWebHandler(Layer.provideMerge(routes, HttpServer.layerServices), {
  disableLogger: true
})

/** Gives the port, and what ends the server. */
const listen = () => {
  if (globalThis.Bun) {
    const server = Bun.serve({ port: 0, fetch: (request) => handler(request) })
    return { port: server.port, end: () => server.stop(true) }
  }
  const server = Deno.serve({ port: 0, onListen() {} }, (request) => handler(request))
  return { port: server.addr.port, end: () => server.shutdown() }
}

const program = Effect.gen(function* () {
  const tea = yield* Room.get("tea")
  const first = yield* tea.say("hello")
  const counted = yield* Stream.runCollect(tea.count(3))
  const reader = yield* Effect.forkChild(Stream.runCollect(Stream.take(tea.said(), 2)))
  yield* Effect.repeat(tea.readers(), { until: (there) => there === 1 })
  yield* tea.say("again")
  const said = yield* Fiber.join(reader)
  const held = yield* Effect.forkChild(tea.hold())
  yield* tea.begun()
  yield* Fiber.interrupt(held)
  return [first, counted, said, yield* tea.end()]
})

const { port, end } = listen()
const client = RemoteHome.client(Room, { url: `http://127.0.0.1:${port}/actors`, protocol: "http" })
console.log(JSON.stringify(await Effect.runPromise(Effect.provide(program, client))))
await dispose()
await end()
process.exit()

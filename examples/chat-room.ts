/**
 * Chat rooms: one actor per room. It starts with the first call and ends when the room has been idle for a while.
 * The messages of a room are a stream.
 *
 *     npx node --conditions=@troupe/source examples/chat-room.ts
 */
import { Actor } from "@troupe/core"
import { Console, Effect, Fiber, PubSub, Stream } from "effect"

class Room extends Actor.Keyed<Room>()("chat/Room", {
  idleTimeToLive: "100 millis",
  make: Effect.fnUntraced(function* (name: string) {
    // Latecomers hear the last hundred messages first.
    const messages = yield* PubSub.unbounded<string>({ replay: 100 })
    yield* PubSub.publish(messages, `(the ${name} opens)`)
    return {
      say: (who: string, words: string) => PubSub.publish(messages, `${who}: ${words}`),
      // Each listener has its own call, which lasts as long as it listens and keeps the room open.
      listen: () => Stream.fromPubSub(messages)
    }
  })
}) {}

/** Listens until a visitor says goodbye. The call ends when the stream is no longer consumed. */
const listenIn = Effect.fnUntraced(function* (name: string) {
  const room = yield* Room.get(name)
  return yield* room.listen().pipe(
    Stream.takeUntil((message) => message.endsWith("Goodbye!")),
    Stream.runCollect,
    Effect.map((messages) => messages.join(" | "))
  )
})

const program = Effect.gen(function* () {
  const rooms = yield* Room
  const openRooms = Effect.map(rooms.keys, (names) => names.join(", ") || "none")

  // A room's handle is its address. There is no room yet: the first call starts it.
  const kitchen = rooms.get("kitchen")
  const garden = rooms.get("garden")
  yield* Console.log("open rooms:", yield* openRooms)

  const early = yield* Effect.forkChild(listenIn("kitchen"))
  yield* kitchen.say("Ada", "Tea?")
  yield* garden.say("Bob", "Rain.")
  yield* kitchen.say("Cleo", "Please!")
  const late = yield* Effect.forkChild(listenIn("kitchen"))
  const outside = yield* Effect.forkChild(listenIn("garden"))
  yield* kitchen.say("Ada", "Goodbye!")
  yield* garden.say("Bob", "Goodbye!")
  yield* Console.log("open rooms:", yield* openRooms)

  yield* Console.log("early in the kitchen:", yield* Fiber.join(early))
  yield* Console.log("late in the kitchen: ", yield* Fiber.join(late))
  yield* Console.log("in the garden:       ", yield* Fiber.join(outside))

  yield* Effect.sleep("500 millis")
  yield* Console.log("open rooms after a while:", yield* openRooms)
})

await Effect.runPromise(Effect.provide(program, Room.layer))

/** A room as it is on the server: there is one instance per name, for as long as somebody is in it. */
import { DurableState } from "@troupe/cluster"
import { Actor, Broadcast } from "@troupe/core"
import { Clock, Effect, Schema, Stream } from "effect"
import { type Message, Room, Said } from "./Room.ts"

/** How many messages a room keeps. Each one that is said writes them all. */
const KEPT = 200

const make = Effect.fnUntraced(function* () {
  const history = yield* DurableState.make(Schema.Array(Said), { initial: [] })
  // Who begins to read gets the last item at once: the people of the moment, and the message by whose number it is known
  // whether others are missing.
  const messages = yield* Broadcast.make<Said>({ replay: 1 })
  const people = yield* Broadcast.make<ReadonlyArray<string>>({ replay: 1 })
  for (const last of (yield* history.get).slice(-1)) yield* messages.publish(last)

  const present: Array<string> = []
  const announce = Effect.suspend(() => people.publish([...new Set(present)].sort()))
  const enter = (who: string) =>
    Effect.andThen(
      Effect.sync(() => present.push(who)),
      announce
    )
  const leave = (who: string) =>
    Effect.andThen(
      Effect.sync(() => present.splice(present.indexOf(who), 1)),
      announce
    )

  return Room.of({
    messages,
    people,
    history: () => Effect.orDie(history.get),
    // When the page is closed, or its connection is lost, the stream is interrupted: the visitor has left.
    stay: (who) =>
      Stream.unwrap(
        Effect.as(
          Effect.acquireRelease(enter(who), () => leave(who)),
          Stream.concat(Stream.succeed("here" as const), Stream.never)
        )
      ),
    say: Effect.fnUntraced(function* (message: Message) {
      const at = yield* Clock.currentTimeMillis
      const said = yield* history.modifyOnce({ id: message.id, result: Said, remember: KEPT }, (all) => {
        const said = { ...message, at, number: (all.at(-1)?.number ?? 0) + 1 }
        return [said, [...all, said].slice(-KEPT)]
      })
      yield* messages.publish(said)
      return said
    }, Effect.orDie)
  })
})

export const RoomLive = Actor.toLayer(Room, make, {
  idleTimeToLive: "1 minute",
  concurrencyGroups: {
    // Messages are published in the order of their numbers.
    saying: { maxConcurrency: 1, methods: ["say"] },
    // A visitor holds a permit while being there.
    staying: { maxConcurrency: 1000, methods: ["stay"] }
  }
})

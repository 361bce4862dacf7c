/** A room: its visitors and their messages. There is one per name, for as long as it has visitors. */
import { Actor } from "@troupe/core"
import { Clock, Effect, PubSub, Schema, Stream } from "effect"

/** What the people in a room see. */
export const Event = Schema.Union([
  Schema.Struct({ type: Schema.Literal("said"), who: Schema.String, words: Schema.String, at: Schema.Number }),
  Schema.Struct({ type: Schema.Literal("people"), people: Schema.Array(Schema.String) })
])
export type Event = typeof Event.Type

export class Room extends Actor.Keyed<Room>()("chat/Room", {
  idleTimeToLive: "1 minute",
  make: Effect.fnUntraced(function* (_name: string) {
    // A late visitor sees the last hundred events. A slow reader misses the oldest ones, and delays no other visitor.
    const events = yield* PubSub.sliding<Event>({ capacity: 1000, replay: 100 })
    const people: Array<string> = []
    const announce = Effect.suspend(() => PubSub.publish(events, { type: "people", people: [...people].sort() }))
    return {
      /** The events of the room, for as long as the stream is consumed. The call keeps the room open. */
      join: (who: string) =>
        Stream.unwrap(
          Effect.gen(function* () {
            yield* Effect.acquireRelease(
              Effect.sync(() => people.push(who)),
              () =>
                Effect.suspend(() =>
                  Effect.andThen(
                    Effect.sync(() => people.splice(people.indexOf(who), 1)),
                    announce
                  )
                )
            )
            yield* announce
            return Stream.fromPubSub(events)
          })
        ),
      say: Effect.fnUntraced(function* (who: string, words: string) {
        yield* PubSub.publish(events, { type: "said", who, words, at: yield* Clock.currentTimeMillis })
      })
    }
  })
}) {}

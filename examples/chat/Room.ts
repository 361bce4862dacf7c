/** What a room is to those outside. The server and the pages import it. */
import * as Contract from "@troupe/core/Contract"
import * as Schema from "effect/Schema"

/** Of a room, and of a visitor. */
export const Name = Schema.String.check(Schema.isPattern(/^[\p{L}\p{N} _-]{1,30}$/u))

/** What a visitor says. The page gives it an `id`, so that it can be sent again and is there once. */
export const Message = Schema.Struct({
  id: Schema.String.check(Schema.isBetweenLength(1, 50)),
  who: Name,
  words: Schema.String.check(Schema.isBetweenLength(1, 2000))
})
export type Message = typeof Message.Type

/** A message as the room has it: the messages of a room are numbered from 1, without a gap. */
export const Said = Schema.Struct({ ...Message.fields, number: Schema.Int, at: Schema.Number })
export type Said = typeof Said.Type

export class Room extends Contract.Keyed<Room>()("chat/Room", {
  key: Name,
  methods: {
    /** The caller is in the room for as long as it reads this stream, which says so once. */
    stay: Contract.method({ args: [Name], success: Schema.Literal("here"), stream: true }),
    say: Contract.method({ args: [Message], success: Said }),
    /** The last messages, the oldest first. */
    history: Contract.method({ success: Schema.Array(Said) }),
    messages: Contract.subscription({ item: Said }),
    /** Who is in the room, whenever that changes. */
    people: Contract.subscription({ item: Schema.Array(Name) })
  }
}) {}

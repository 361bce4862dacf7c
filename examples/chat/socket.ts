/** A WebSocket per visitor: it says what the visitor sends, and sends the visitor the events of the room. */
import { Effect, Schema, Stream } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { Socket } from "effect/socket"
import { Event, Room } from "./Room.ts"

const Name = Schema.String.check(Schema.isPattern(/^[\p{L}\p{N} _-]{1,30}$/u))
const Where = Schema.Struct({ room: Name, who: Name })
const Words = Schema.fromJsonString(Schema.Struct({ words: Schema.String.check(Schema.isBetweenLength(1, 2000)) }))

const encode = Schema.encodeEffect(Schema.fromJsonString(Event))
const decode = Schema.decodeEffect(Words)

/** A page of another site must not speak in its visitor's name: browsers say which site a page is from. */
const sameOrigin = ({ headers }: HttpServerRequest.HttpServerRequest): boolean =>
  headers.origin === undefined || headers.origin.replace(/^https?:\/\//, "") === headers.host

export const socket = HttpRouter.add(
  "GET",
  "/socket",
  Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    if (!sameOrigin(request)) return HttpServerResponse.empty({ status: 403 })
    const { room, who } = yield* HttpServerRequest.schemaSearchParams(Where)
    const connection = yield* request.upgrade
    const handle = yield* Room.get(room)
    const pull = yield* Socket.readerString(connection)
    const writer = yield* connection.writer

    const hear = handle.join(who).pipe(
      Stream.mapEffect((event) => encode(event)),
      Stream.runForEach(writer.write)
    )
    const speak = Effect.gen(function* () {
      for (const text of yield* pull) {
        const { words } = yield* decode(text)
        yield* handle.say(who, words)
      }
    }).pipe(Effect.forever)
    // The first one to end ends the other: the page was closed, or it sent an invalid message.
    yield* Effect.ignore(Effect.raceFirst(hear, speak))
    return HttpServerResponse.empty()
  }).pipe(
    Effect.scoped,
    Effect.catchTag("SchemaError", () => Effect.succeed(HttpServerResponse.empty({ status: 400 })))
  )
)

/**
 * A chat with an actor per room, whose pages call the actors themselves. See the README.md next to it.
 *
 *     npx node --conditions=@troupe/source examples/chat/main.ts
 */
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DurableState, Sqlite } from "@troupe/cluster"
import { Inspector } from "@troupe/inspector"
import { Effect, Layer, Schema } from "effect"
import { HttpRouter } from "effect/http"
import { layerServer, portSetting, runServer, setting } from "../server.ts"
import { pages } from "./pages.ts"
import { RoomLive } from "./RoomLive.ts"
import { rooms } from "./rooms.ts"

const server = Layer.unwrap(
  Effect.map(portSetting("PORT", 3000), (port) =>
    layerServer(createServer, {
      port,
      // It would wait for visitors to leave. Their pages connect again by themselves.
      disablePreemptiveShutdown: true
    })
  )
)

const inspector = Layer.unwrap(
  Effect.map(portSetting("INSPECTOR_PORT", 4680), (port) => Inspector.layer({ port, title: "Chat" }))
)

const fileSetting = setting({
  name: "CHAT_FILE",
  schema: Schema.NonEmptyString,
  expected: "the name of a file",
  otherwise: join(tmpdir(), "troupe-chat.db")
})

/** What is said outlives the server. */
const storage = Layer.unwrap(Effect.map(fileSetting, (file) => Layer.provide(DurableState.layer, Sqlite.layer(file))))

const chat = HttpRouter.serve(Layer.merge(rooms, pages), { disableLogger: true }).pipe(
  Layer.provide(server),
  Layer.merge(inspector),
  Layer.provide(RoomLive),
  Layer.provide(storage)
)

runServer(Layer.launch(chat))

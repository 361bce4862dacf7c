/**
 * A chat over WebSocket, with an actor per room. See the README.md next to it.
 *
 *     npx node --conditions=@troupe/source examples/chat/main.ts
 */
import { createServer } from "node:http"
import { fileURLToPath } from "node:url"
import { Inspector } from "@troupe/inspector"
import { Effect, Layer } from "effect"
import { HttpRouter, HttpStaticServer } from "effect/http"
import { layerServer, portSetting, runServer } from "../server.ts"
import { Room } from "./Room.ts"
import { socket } from "./socket.ts"

const server = Layer.unwrap(
  Effect.map(portSetting("PORT", 3000), (port) =>
    layerServer(createServer, {
      port,
      // It would wait for visitors to leave. Their pages reconnect by themselves.
      disablePreemptiveShutdown: true,
      websocket: { maxPayload: 16_384 }
    })
  )
)

const inspector = Layer.unwrap(
  Effect.map(portSetting("INSPECTOR_PORT", 4680), (port) => Inspector.layer({ port, title: "Chat" }))
)

const page = HttpStaticServer.layer({ root: fileURLToPath(new URL("page", import.meta.url)) })

const chat = HttpRouter.serve(Layer.merge(socket, page), { disableLogger: true }).pipe(
  Layer.provide(server),
  Layer.merge(inspector),
  Layer.provide(Room.layer)
)

runServer(Layer.launch(chat))

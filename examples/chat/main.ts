/**
 * A chat over WebSocket, with an actor for each room. See README.md beside it.
 *
 *     npx node --conditions=@troupe/source examples/chat/main.ts
 */
import { createServer } from "node:http"
import { fileURLToPath } from "node:url"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Inspector } from "@troupe/inspector"
import { Config, Effect, Layer, Runtime, Schema } from "effect"
import { HttpRouter, HttpStaticServer } from "effect/http"
import { Room } from "./Room.ts"
import { socket } from "./socket.ts"

const port = (name: string, otherwise: number) => Config.schema(Schema.Port, name).pipe(Config.withDefault(otherwise))

const server = Layer.unwrap(
  Effect.gen(function* () {
    const options = {
      port: yield* port("PORT", 3000),
      host: "127.0.0.1",
      // It would wait for people to leave. Pages join again by themselves.
      disablePreemptiveShutdown: true,
      websocket: { maxPayload: 16_384 }
    }
    return NodeHttpServer.layer(createServer, options)
  })
)

const inspector = Layer.unwrap(
  Effect.gen(function* () {
    return Inspector.layer({ port: yield* port("INSPECTOR_PORT", 4680), title: "Chat" })
  })
)

const page = HttpStaticServer.layer({ root: fileURLToPath(new URL("page", import.meta.url)) })

const chat = HttpRouter.serve(Layer.merge(socket, page), { disableLogger: true }).pipe(
  Layer.provide(server),
  Layer.merge(inspector),
  Layer.provide(Room.layer)
)

// SIGINT and SIGTERM end it in order. That is no failure, whatever watches the process should know.
Layer.launch(chat).pipe(
  NodeRuntime.runMain({
    teardown: (exit, onExit) => Runtime.defaultTeardown(exit, (code) => onExit(code === 130 ? 0 : code))
  })
)

/**
 * Serves the actor and the rpc by hand, in a process of its own. It says its port, and then how much CPU time it has used
 * each time it is asked.
 */
import { createServer } from "node:http"
import { NodeHttpServer } from "@effect/platform-node"
import { RemoteHome } from "@troupe/remote"
import { Effect, Layer } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { RpcSerialization, RpcServer } from "effect/rpc"
import { Adder, ByHand, paths } from "./adder.ts"

const counter = () => {
  let count = 0
  return (by: number) => Effect.sync(() => (count += by))
}

const Actors = RemoteHome.serve(Adder, { expose: ["add"], path: paths.actor }).pipe(
  Layer.provide(Adder.toLayer(Effect.sync(() => Adder.of({ add: counter() }))))
)

const Rpcs = RpcServer.layerHttp({
  group: ByHand,
  path: paths.rpc,
  protocol: "websocket",
  disableTracing: true,
  disableFatalDefects: true
}).pipe(
  Layer.provide(
    ByHand.toLayer(
      Effect.sync(() => {
        const add = counter()
        return ByHand.of({ add: ({ by }) => add(by) })
      })
    )
  ),
  Layer.provide(RpcSerialization.layerNdjson)
)

const ready = Layer.effectDiscard(
  Effect.map(HttpServer.HttpServer, ({ address }) => process.send!({ port: (address as { port: number }).port, paths }))
)

process.on("message", () => {
  const { system, user } = process.cpuUsage()
  process.send!({ cpu: user + system })
})
process.on("disconnect", () => process.exit())

Effect.runFork(
  Layer.launch(
    Layer.merge(
      HttpRouter.serve(Layer.merge(Actors, Rpcs), { disableListenLog: true, disableLogger: true }),
      ready
    ).pipe(Layer.provide(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" })))
  )
)

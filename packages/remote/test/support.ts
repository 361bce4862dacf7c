/**
 * What the tests of this package share: a server on a port of its own, and short ways to look at outcomes.
 */
import { createServer } from "node:http"
import { NodeHttpServer } from "@effect/platform-node"
import { RemoteHome } from "@troupe/remote"
import { Context, Effect, Layer } from "effect"
import { HttpRouter, HttpServer } from "effect/http"

/** Where a server listens. */
export class Url extends Context.Service<Url, string>()("test/Url") {}

/** Serves routes on a port of this machine. */
export const listening = <E, R>(
  routes: Layer.Layer<never, E, R | HttpRouter.HttpRouter>
): Layer.Layer<Url, E, Exclude<R, HttpRouter.HttpRouter>> => {
  const server = NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" })
  const url = Layer.effect(Url)(
    Effect.map(HttpServer.HttpServer, ({ address }) => {
      if (address._tag !== "InetAddressV4" && !("port" in address)) throw new Error("no port")
      return `http://127.0.0.1:${(address as any).port}`
    })
  )
  const served = HttpRouter.serve(routes as any, { disableLogger: true, disableListenLog: true })
  return Layer.provideMerge(served, url).pipe(Layer.provide(server)) as any
}

/** A client of the actor that is served at a path of the server. */
export const client = <A extends RemoteHome.AnyContracted>(
  actor: A,
  options: Partial<RemoteHome.ClientOptions> & { readonly path?: string } = {}
) => {
  const { path = "/actors", ...rest } = options
  return Layer.unwrap(Effect.map(Url, (url) => RemoteHome.client(actor, { url: `${url}${path}`, ...rest })))
}

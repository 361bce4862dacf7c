/**
 * The Layer that provides an actor whose instances live at a server.
 *
 * The instances that it makes are ordinary ones of this process, which carry calls. So refs, cancellation, timeouts and
 * order are those of core, and only the body of each method is ours.
 */
import * as ActorContext from "@troupe/core/ActorContext"
import type { ReaderOptions, Resync } from "@troupe/core/Broadcast"
import * as Home from "@troupe/core/Home"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { ClientOptions } from "../../RemoteHome.ts"
import { crossing } from "../wire/defects.ts"
import { type Contracted, of, type Wire, type WireMethod } from "../wire/wire.ts"
import * as http from "./http.ts"
import type { Link } from "./link.ts"
import { subscription } from "./reading.ts"
import { RemoteCall } from "./remoteCall.ts"
import { remoteStream } from "./remoteStream.ts"
import { settingsOf } from "./settings.ts"
import * as webSocket from "./webSocket.ts"

/** What carries calls to a server. Clients with the same options share it. */
class CurrentLink extends Context.Service<CurrentLink, Link>()("troupe/remote/Link") {}

const links = new WeakMap<ClientOptions, Layer.Layer<CurrentLink>>()

const linkOf = (actor: string, options: ClientOptions): Layer.Layer<CurrentLink> => {
  const known = links.get(options)
  if (known !== undefined) return known
  const settings = settingsOf(actor, options)
  const connect = settings.protocol === "http" ? http.connect : webSocket.connect
  const made = Layer.effect(CurrentLink)(connect(settings))
  links.set(options, made)
  return made
}

/** A client sends no defects. */
export const wireOf = /* @__PURE__ */ of(/* @__PURE__ */ crossing(() => null))

export const client = (actor: Contracted, options: ClientOptions): Layer.Layer<any> => {
  const wire = wireOf(actor)
  return Layer.provide(clientOf(wire, actor), linkOf(wire.actor, options))
}

/** Permits are given where the instance is. A client that ends does not wait for its calls: it has the server end them. */
const OPTIONS = { maxConcurrency: Infinity, shutdownTimeout: 0 }

const clientOf = (wire: Wire, actor: Contracted): Layer.Layer<any, never, CurrentLink> =>
  Layer.unwrap(
    Effect.map(CurrentLink, (link) => {
      const make = wire.keyed ? (key: unknown) => proxy(wire, link, { key }) : proxy(wire, link, undefined)
      const proxies = Home.toClients(actor, make, OPTIONS)
      const residence: Home.Residence = {
        client: true,
        describe: (id) => (id === wire.actor ? link.describe() : undefined)
      }
      const own = Layer.provide(proxies, Layer.succeed(Home.Residence)(residence))
      return wire.keyed ? refusingStop(wire, own) : own
    })
  )

/** The constructor of what stands here for an instance. */
const proxy = (wire: Wire, link: Link, key: { readonly key: unknown } | undefined) =>
  Effect.map(ActorContext.ActorContext, (self) => {
    Home.link(self, link)
    return Object.fromEntries(
      [...wire.methods.values()].map((method) => [method.name, functionOf(wire, method, link, key)])
    )
  })

/** What callers call. */
const functionOf = (wire: Wire, method: WireMethod, link: Link, key: { readonly key: unknown } | undefined) => {
  const place = { wire, method, link, key }
  if (method.isSubscription)
    return Home.subscription((options: ReaderOptions, notice: Resync["reason"] | undefined, reader: Home.Reader) =>
      subscription(place, options, notice, reader)
    )
  return method.stream
    ? (...args: ReadonlyArray<unknown>) => remoteStream(place, { args })
    : (...args: ReadonlyArray<unknown>) => new RemoteCall(place, args)
}

/** What a client holds is an address. Whether an instance ends is the server's to say. */
const refusingStop = ({ actor, of }: Wire, proxies: Layer.Layer<any>): Layer.Layer<any> =>
  Layer.effect(of as any)(
    Effect.map(Layer.build(proxies), (services) => {
      const service: any = Context.getUnsafe(services, of as unknown as Context.Key<any, any>)
      const stop = (key: unknown) =>
        Effect.die(
          new TypeError(
            `${actor}(${Home.keyText(key)}): a client cannot stop an instance of the server. Expose a method that does so, with Actor.exit`
          )
        )
      return { ...service, stop }
    })
  )

/**
 * The route that serves actors: WebSockets, and HTTP with streaming answers, at one path.
 */
import * as ContractShape from "@troupe/core/ContractShape"
import * as Home from "@troupe/core/Home"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import type { GroupOptions, ServeOptions } from "../../RemoteHome.ts"
import type { Told } from "../wire/hello.ts"
import type { Contracted, Wire } from "../wire/wire.ts"
import { Addresses } from "./addresses.ts"
import * as cors from "./cors.ts"
import { DefectLog } from "./defectLog.ts"
import { hidden, shown } from "./defects.ts"
import * as doors from "./door.ts"
import { HttpRouter, type HttpServerRequest, HttpServerResponse, type RpcGroup, RpcServer } from "./engine.ts"
import { Exposure, group } from "./exposure.ts"
import { served } from "./feed.ts"
import { type Handler, handlerOf, type Terms } from "./handlers.ts"
import { posted } from "./http.ts"
import { type Bounds, boundsOf } from "./limits.ts"
import { refusalOf } from "./origins.ts"
import type { Exposed, Kind } from "./peer.ts"
import * as sockets from "./sockets.ts"
import { Traffic } from "./traffic.ts"

const PATH = "/actors"

type Group = RpcGroup.RpcGroup<any>

export const serve = (
  given: Contracted | ReadonlyArray<Group>,
  said: ServeOptions & Partial<GroupOptions<any, any>> = {}
): Layer.Layer<never, never, any> => {
  const { defects, limits, origins, path, ...rest } = said
  const options: ServeOptions = { defects, limits, origins, path }
  const groups = Array.isArray(given) ? given : [group(given as Contracted, rest as GroupOptions<any, any>)]
  if (Array.isArray(given)) Home.checkOptions<object>("RemoteHome.serve", rest, {})
  const exposures = groups.map(exposureOf)
  const subject = [...new Set(exposures.map(({ wire }) => wire.actor))].join(", ")
  check(subject, options)
  const bounds = boundsOf(subject, options.limits)
  const refusal = refusalOf(subject, options.origins)
  const tellsDefects = options.defects === "shown"
  const merged = served(exposures.flatMap(({ methods }) => methods))
  const offer = offerOf(exposures, bounds, tellsDefects)
  const route = Effect.fnUntraced(function* (peers: doors.Peers) {
    const router = yield* HttpRouter.HttpRouter
    const context = yield* Effect.context<never>()
    const traced = isTraced(context)
    const traffic = new Traffic(context)
    const run = (door: doors.Door) =>
      RpcServer.make(merged, { disableFatalDefects: true, disableTracing: !traced }).pipe(
        Effect.provideService(RpcServer.Protocol, door.protocol),
        Effect.forkScoped
      )
    const log = new DefectLog(yield* Effect.scope, context)
    const live = yield* doors.make(offer, log, peers, "websocket")
    const brief = yield* doors.make(offer, log, peers, "http")
    yield* run(live)
    yield* run(brief)
    const path = options.path ?? PATH
    const addresses = new Addresses(bounds.connectionsPerPeer)
    const upgrade = yield* sockets.make(live, offer, bounds, addresses, traffic)
    yield* Effect.forkScoped(sockets.sweeps(peers, bounds))
    yield* Effect.forkScoped(sockets.dismissals(peers, (peer) => (peer.acknowledges ? live : brief)))
    const guarded =
      (serve: (request: HttpServerRequest.HttpServerRequest) => Effect.Effect<any, any, any>) =>
      (request: HttpServerRequest.HttpServerRequest) => {
        const { headers } = request
        const why = refusal(headers)
        if (why !== undefined) {
          traffic.refused("origin")
          return Effect.succeed(HttpServerResponse.text(why, { status: 403 }))
        }
        return Effect.map(serve(request), (response) => cors.readable(response, headers, options.origins))
      }
    yield* router.add("GET", path, guarded(upgrade) as any)
    yield* router.add("POST", path, guarded(posted(brief, bounds, addresses, traffic)) as any)
    yield* router.add("OPTIONS", path, ({ headers }) =>
      Effect.succeed(cors.preflight(headers, refusal, options.origins))
    )
  })
  const made = Effect.sync(() => {
    const peers: doors.Peers = new Map()
    const terms = { tellsDefects, bounds, peerOf: (client: number) => peers.get(client) }
    const all = exposures.map((exposure) => handlers(exposure, terms))
    return Layer.provide(Layer.effectDiscard(route(peers)), all as any)
  })
  return Layer.unwrap(made) as Layer.Layer<never, never, any>
}

const isTraced = (context: Context.Context<never>): boolean =>
  Context.get(context, Tracer.Tracer) !== Tracer.nativeTracer

const exposureOf = (group: Group): Exposure => {
  const exposure = Context.getOrUndefined(group?.annotations ?? Context.empty(), Exposure)
  if (exposure !== undefined) return exposure
  throw new TypeError(
    `RemoteHome.serve: takes an actor with what to expose of it, or what RemoteHome.group has made, but got ${Home.show(group)}`
  )
}

const check = (subject: string, options: ServeOptions): void => {
  const { defects, path } = options
  if (defects !== undefined && defects !== "hidden" && defects !== "shown")
    throw new TypeError(`${subject}: defects must be "hidden" or "shown", but is ${Home.show(defects)}`)
  if (path !== undefined && !path.startsWith("/"))
    throw new TypeError(`${subject}: path must start with "/", but is ${Home.show(path)}`)
}

/** The limits that clients are told. */
const TOLD = ["messageBytes", "calls", "connectionsPerPeer"] as const satisfies ReadonlyArray<Told>

const offerOf = (exposures: ReadonlyArray<Exposure>, bounds: Bounds, tellsDefects: boolean): doors.Offer => {
  const exposed = new Map<string, Exposed>()
  for (const { methods, wire } of exposures) {
    for (const { actor, isSubscription, name, rpc, stream } of methods) {
      const kind: Kind = isSubscription ? "subscriptions" : stream ? "streams" : "calls"
      if (exposed.has(rpc._tag))
        throw new TypeError(`${actor}: two groups expose ${name}: name it in expose of one of them`)
      exposed.set(rpc._tag, { actor, method: name, kind, keyed: wire.keyed })
    }
  }
  const wires = new Map(exposures.map(({ wire }): [string, Wire] => [wire.actor, wire]))
  const namesOf = (id: string) => [...exposed.values()].filter(({ actor }) => actor === id).map(({ method }) => method)
  const greetings = [...wires.values()].map((wire) => [
    wire.actor,
    { contract: ContractShape.hash(wire.shape()), exposed: namesOf(wire.actor) }
  ])
  return {
    hello: {
      actors: Object.fromEntries(greetings),
      // JSON has no Infinity.
      limits: Object.fromEntries(TOLD.map((name) => [name, bounds[name]]).filter(([, most]) => most !== Infinity))
    },
    wires,
    exposed,
    tellsDefects
  }
}

/** What serves the rpcs of a group, for any `RpcServer`. */
export const handlers = (
  { acceptsAnnotations, authorize, carried, group, methods, wire }: Exposure,
  { bounds, peerOf, tellsDefects }: Pick<Terms, "tellsDefects" | "peerOf"> & { readonly bounds: Bounds }
): Layer.Layer<any, never, any> =>
  group.toLayer(
    Effect.map(Effect.context<Scope.Scope>(), (context) => {
      const log = new DefectLog(Context.get(context, Scope.Scope), context)
      const terms: Terms = {
        wire,
        log,
        authorize,
        carried,
        acceptsAnnotations,
        tellsDefects,
        telling: tellsDefects ? shown : hidden(log),
        maxPendingItems: bounds.pendingItems,
        depth: bounds.depth,
        peerOf
      }
      return Object.fromEntries(
        methods.map((method): [string, Handler] => [method.rpc._tag, handlerOf(terms, method, context)])
      ) as any
    }) as any
  ) as any

/** The same, for those who serve a group themselves. */
export const handlersOf = (
  given: Group,
  { defects }: Pick<ServeOptions, "defects"> = {}
): Layer.Layer<any, never, any> => {
  const exposure = exposureOf(given)
  check(exposure.wire.actor, { defects })
  const bounds = boundsOf(exposure.wire.actor)
  return handlers(exposure, { tellsDefects: defects === "shown", bounds, peerOf: undefined })
}

/**
 * The layers that join a contract with the cluster.
 */
import * as Actor from "@troupe/core/Actor"
import * as Home from "@troupe/core/Home"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import type { ClientOptions } from "../../ClusterHome.ts"
import { CurrentHeld } from "../base/held.ts"
import { type Caller, makeCaller } from "../calls/caller.ts"
import { places } from "../calls/leaving.ts"
import { type MessageStorage, Sharding } from "../engine.ts"
import { CurrentContracts } from "../node/contracts.ts"
import { Departure } from "../node/departure.ts"
import { CurrentGroups } from "../node/nodeGroups.ts"
import * as retention from "../node/retention.ts"
import { GRACE } from "../node/shutdown.ts"
import { type Client, type Contracted, of, WAKE, type Wire } from "../wire/wire.ts"
import { keyedSeats, register, singleSeat } from "./host.ts"
import { ofClients, Residence } from "./residence.ts"

type Cluster = Sharding.Sharding | MessageStorage.MessageStorage

/** What core takes when nothing is said, in milliseconds. */
const DEFAULT_IDLE_TIME_TO_LIVE = 60_000

export const layer = (
  actor: Contracted,
  live: Layer.Layer<any, any, any>,
  options: ClientOptions = {}
): Layer.Layer<any, any, any> => {
  const wire = of(actor)
  const residence = new Residence(wire.actor)
  Home.checkOptions(wire.actor, options, { maxPendingCalls: true, overflow: true })
  if (!Layer.isLayer(live))
    throw new TypeError(
      `${wire.actor}: ClusterHome.layer needs the Layer of its implementation, but got ${Home.show(live)}`
    )
  return inTime(
    wire.actor,
    Layer.merge(clientOf(wire, actor, options), inGroup(wire, host(wire, residence, actor as any, live))),
    () => residence.describeAll()
  )
}

/** What closes with the node of an actor, in the time that the node has. */
const inTime = <A, E, R>(actor: string, layer: Layer.Layer<A, E, R>, what: () => string): Layer.Layer<A, E, R> =>
  Layer.unwrap(
    Effect.contextWith((context: Context.Context<never>) => {
      // The engine would only say that a service of its own was not found.
      if (Context.getOrUndefined(context, Sharding.Sharding) === undefined)
        throw new TypeError(
          `${actor}: no cluster is provided here: provide ClusterHome.layerLocal, layerNode or layerClient`
        )
      return Effect.map(Departure, ({ shutdown }) => shutdown.bounded(layer, GRACE.actor, what))
    })
  )

/** A node that is not in the group of an actor hosts none of it. */
const inGroup = <A, E, R>({ actor, group }: Wire, hosted: Layer.Layer<A, E, R>): Layer.Layer<A, E, R> =>
  Layer.unwrap(
    Effect.map(CurrentGroups, ({ all, own }) => {
      if (!all.includes(group))
        throw new TypeError(
          `${actor} belongs to the group of nodes "${group}", and this cluster has ${all.join(", ")}: add it to groups of ClusterHome.layerNode or layerLocal`
        )
      return own.includes(group) ? hosted : (Layer.empty as Layer.Layer<any>)
    })
  )

/** Registers the entity. The implementation is kept to it: the service that others see is the client. */
const host = (
  wire: Wire,
  residence: Residence,
  actor: Context.Key<any, any>,
  live: Layer.Layer<any, any, any>
): Layer.Layer<never, any, any> =>
  Layer.unwrap(
    Effect.gen(function* () {
      const here = yield* places
      yield* retention.include(wire.actor)
      // Before it serves a call: who sends one knows by then what it understands.
      yield* (yield* CurrentContracts)?.publish(wire.shape()) ?? Effect.void
      // What ends last is made first: the instances outlive the entities.
      const entity = wire.keyed
        ? keyed(wire, residence, Context.getUnsafe(yield* residing(residence, Layer.build(live)), actor))
        : register(
            wire,
            residence,
            singleSeat(actor, live, yield* residing(residence, Effect.context<any>())),
            Infinity
          )
      const { handOver } = yield* Departure
      // The last to be made is the first to end: before anything is closed, the others have taken over.
      const leave = Layer.effectDiscard(Effect.addFinalizer(() => Effect.andThen(here.leave(wire.actor), handOver)))
      const hosted = Layer.provideMerge(leave, entity)
      return wire.keyed ? hosted : Layer.provideMerge(awake(wire), hosted)
    })
  )

/** What is made in here, or in this context, can be asked where it is, and asks whether it is here still. */
const residing = <A, E, R>(residence: Residence, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  effect.pipe(
    Effect.provideService(Home.Residence, residence),
    Effect.provideService(CurrentHeld, residence.held)
  ) as Effect.Effect<A, E, R>

/** The entity of a key stays as long as the instance may: it is the options of the actor that say how long. */
const keyed = (wire: Wire, residence: Residence, service: any) => {
  const { idleTimeToLive = DEFAULT_IDLE_TIME_TO_LIVE, shutdownTimeout } = Home.terms(service)
  return register(wire, residence, keyedSeats(service, shutdownTimeout), idleTimeToLive)
}

/** Keeps the instance of an actor that has one up, on the node that it falls to. */
const awake = (wire: Wire): Layer.Layer<never, never, Sharding.Sharding> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const sharding = yield* Sharding.Sharding
      const client = (yield* wire.entity.client) as unknown as Client
      const id = wire.encodeKey(undefined)
      const wake = Effect.suspend(() => client(id)[WAKE]!(undefined))
      // Its name is the id of the entity, so that both are always on the same node.
      yield* sharding.registerSingleton(
        id,
        Effect.ignore(wake).pipe(Effect.repeat(Schedule.spaced("10 seconds")), Effect.asVoid),
        { shardGroup: wire.group }
      )
    })
  )

export const client = (actor: Contracted, options: ClientOptions = {}): Layer.Layer<any, never, Cluster> => {
  const wire = of(actor)
  Home.checkOptions(wire.actor, options, { maxPendingCalls: true, overflow: true })
  return inTime(wire.actor, clientOf(wire, actor, options), () => `the calls of this process to ${wire.actor}`)
}

const clientOf = (wire: Wire, actor: Contracted, options: ClientOptions): Layer.Layer<any, never, Cluster> => {
  const proxyOptions = {
    // Permits are given where the instance is. Here they would only be a second line to wait in.
    maxConcurrency: Infinity,
    ...(options.maxPendingCalls === undefined ? undefined : { maxPendingCalls: options.maxPendingCalls }),
    ...(options.overflow === undefined ? undefined : { overflow: options.overflow })
  }
  return Layer.unwrap(
    Effect.gen(function* () {
      const caller = yield* makeCaller(wire)
      const make = wire.keyed ? caller.make : caller.make(undefined)
      const residence = Layer.succeed(Home.Residence)(yield* ofClients(wire))
      const proxies: Layer.Layer<any> = Layer.provide(Actor.toLayer(actor as any, make as any, proxyOptions), residence)
      const leave = Layer.effectDiscard(Effect.addFinalizer(() => caller.leave))
      return Layer.provideMerge(leave, wire.keyed ? withStop(actor as any, proxies, caller) : proxies)
    })
  )
}

/**
 * `stop(key)` ends the instance itself, wherever it is. What is left here is only an address. A method of the instance does
 * not wait for that, since the instance waits for the method.
 */
const withStop = (
  actor: Context.Key<any, any>,
  proxies: Layer.Layer<any>,
  { isInside, stop }: Caller
): Layer.Layer<any> =>
  Layer.effect(actor as any)(
    Effect.map(Layer.build(proxies), (services) => {
      const service: any = Context.getUnsafe(services, actor)
      const end = (key: unknown) => Effect.andThen(stop(key), service.stop(key))
      const endFrom = (key: unknown) =>
        Effect.withFiber(({ context }) =>
          isInside(context, key) ? Effect.asVoid(Effect.forkDetach(end(key))) : end(key)
        )
      return { ...service, stop: endFrom }
    })
  )

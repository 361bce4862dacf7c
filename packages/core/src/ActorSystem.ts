/**
 * The register of living instances.
 *
 * Every instance belongs to the `ActorSystem` that is in context when it starts. There is one by default, so nothing
 * has to be set up; provide {@link layer} for a separate one, in tests or as a namespace for names.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { ServiceClass } from "./ActorMiddleware.ts"
import * as tracing from "./internal/call/tracing.ts"
import type { Cell } from "./internal/instance/cell.ts"
import * as middleware from "./internal/instance/middleware.ts"
import { makeRegistry, registryIn, SystemKey } from "./internal/instance/registry.ts"
import * as watching from "./internal/system/events.ts"
import * as metrics from "./internal/system/metrics.ts"
import * as snapshots from "./internal/system/snapshot.ts"

/**
 * A set of living instances, some of them with names.
 *
 * @category models
 * @since 0.1.0
 */
export interface ActorSystem {
  readonly [TypeId]: unknown
}

/**
 * The mark of actor systems.
 *
 * @category symbols
 * @since 0.1.0
 */
export const TypeId: "~troupe/ActorSystem" = "~troupe/ActorSystem"

/**
 * The system that instances started here belong to.
 *
 * @category references
 * @since 0.1.0
 */
export const ActorSystem: Context.Reference<ActorSystem> = SystemKey as any

/**
 * Makes a new system.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: Effect.Effect<ActorSystem> = Effect.sync(makeRegistry) as any

/**
 * Provides a new system, with its own names.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<never> = Layer.effect(ActorSystem)(make)

/**
 * The handle of the living instance of `actor` that has this name. Fails with `NoSuchElementError` when there is none.
 * Ray calls it `ray.get_actor`.
 *
 * The handle does not keep the instance alive: it lives as long as the Scope that started it.
 *
 * @category names
 * @since 0.1.0
 */
export const get = <Shape>(
  actor: Context.Key<any, Shape>,
  name: string
): Effect.Effect<Shape, Cause.NoSuchElementError> =>
  Effect.withFiber((fiber) => {
    if (typeof actor?.key !== "string" || typeof name !== "string")
      throw new TypeError(
        'ActorSystem.get takes the class of an actor and a name, like ActorSystem.get(Counter, "first")'
      )
    const holder = registryIn<Cell>(fiber.context).names.get(name)
    if (holder === undefined) return Effect.fail(missing(`no actor has the name "${name}"`))
    if (holder.actor !== actor.key) {
      return Effect.fail(missing(`the name "${name}" belongs to an instance of ${holder.actor}, not of ${actor.key}`))
    }
    if (holder.handle === undefined || holder.cell.death !== undefined) {
      return Effect.fail(missing(`the actor with the name "${name}" is not up`))
    }
    return Effect.succeed(holder.handle as Shape)
  })

const missing = (why: string) => new Cause.NoSuchElementError(`ActorSystem.get: ${why}`)

/**
 * The names in use, each with the id of its actor.
 *
 * @category names
 * @since 0.1.0
 */
export const names: Effect.Effect<ReadonlyMap<string, string>> = Effect.withFiber(({ context }) =>
  Effect.succeed(new Map([...registryIn(context).names].map(([name, { actor }]) => [name, actor])))
)

// --- watching --------------------------------------------------------------------------------------------------------

/**
 * How a call ended.
 *
 * `succeeded`; `failed`, with an error of its method or of a call that it waited for; `died`, of a defect; `cancelled`,
 * by a caller or by itself; `timedOut`, its `timeout` was over; `unavailable`, its instance restarted under it;
 * `actorDied`, its instance ended before the call did, or was gone already.
 *
 * @category watching
 * @since 0.1.0
 */
export const Outcome = Schema.Literals([
  "succeeded",
  "failed",
  "died",
  "cancelled",
  "timedOut",
  "unavailable",
  "actorDied"
])
/**
 * The type of {@link Outcome}.
 *
 * @category watching
 * @since 0.1.0
 */
export type Outcome = typeof Outcome.Type

/**
 * How many calls have ended in which way.
 *
 * @category watching
 * @since 0.1.0
 */
export const Tally = Schema.Struct({
  succeeded: Schema.Int,
  failed: Schema.Int,
  died: Schema.Int,
  cancelled: Schema.Int,
  timedOut: Schema.Int,
  unavailable: Schema.Int,
  actorDied: Schema.Int
})
/**
 * The type of {@link Tally}.
 *
 * @category watching
 * @since 0.1.0
 */
export interface Tally extends Schema.Schema.Type<typeof Tally> {}

/**
 * One set of permits, and the line before it.
 *
 * @category watching
 * @since 0.1.0
 */
export const Permits = Schema.Struct({
  /** Calls that hold a permit. */
  running: Schema.Int,
  /** Calls in line for one. */
  waiting: Schema.Int,
  /** How many permits there are. Absent when there is no limit. */
  limit: Schema.optionalKey(Schema.Int)
})
/**
 * The type of {@link Permits}.
 *
 * @category watching
 * @since 0.1.0
 */
export interface Permits extends Schema.Schema.Type<typeof Permits> {}

/**
 * Where an instance is in its life: `starting`, its constructor runs for the first time; `running`; `restarting`, after
 * a defect or the loss of its home; `stopping`, it accepts no more calls, but has not ended yet; `dead`.
 *
 * @category watching
 * @since 0.1.0
 */
export const State = Schema.Literals(["starting", "running", "restarting", "stopping", "dead"])
/**
 * The type of {@link State}.
 *
 * @category watching
 * @since 0.1.0
 */
export type State = typeof State.Type

/**
 * One instance: an actor, the resident of a key, a task, or a pool.
 *
 * @category watching
 * @since 0.1.0
 */
export const Instance = Schema.Struct({
  /** The id of the actor, as given to `Actor.Service`; the name of a task; `ActorPool`. */
  actor: Schema.String,
  /** Unique in the process. */
  instance: Schema.Int,
  /** The name that it was given with `options({ name })`. */
  name: Schema.optionalKey(Schema.String),
  /** The key whose resident it is, as text. Only keyed actors have one. */
  key: Schema.optionalKey(Schema.String),
  state: State,
  /** When it was started, in milliseconds since the epoch. */
  since: Schema.Number,
  /** The actor's own permits. */
  permits: Permits,
  /** Those of its concurrency groups. */
  groups: Schema.Record(Schema.String, Permits),
  /** Calls accepted and not yet settled: running, in line, or waiting for refs among their arguments. */
  pending: Schema.Int,
  /** Absent when there is no limit. */
  maxPendingCalls: Schema.optionalKey(Schema.Int),
  /** Calls that wait to be accepted, with `overflow: "suspend"`. */
  suspended: Schema.Int,
  /** Readers of its subscriptions, which are no calls. Absent when there are none. */
  readers: Schema.optionalKey(Schema.Int),
  /** Calls that have settled. */
  settled: Tally,
  /** Submissions that were not accepted for want of room, with `overflow: "fail"`. */
  refused: Schema.Int,
  restarts: Schema.Int,
  /** The last error or defect of a method. */
  lastError: Schema.optionalKey(Schema.Struct({ call: Schema.String, at: Schema.Number, message: Schema.String })),
  /** Why it accepts no more calls, and since when. */
  death: Schema.optionalKey(
    Schema.Struct({ why: Schema.String, at: Schema.Number, error: Schema.optionalKey(Schema.String) })
  ),
  /** What its home says about it, if that is not just this process: `{ kind: "worker", thread: 3, lagMillis: 0.4 }`. */
  home: Schema.optionalKey(Schema.Record(Schema.String, Schema.Json))
})
/**
 * The type of {@link Instance}.
 *
 * @category watching
 * @since 0.1.0
 */
export interface Instance extends Schema.Schema.Type<typeof Instance> {}

/**
 * Where a call is: `suspended`, it waits to be accepted; `preparing`, it waits for refs among its arguments; `waiting`,
 * it is in line for a permit; `running`; `ending`, it is still running, but was told to end.
 *
 * @category watching
 * @since 0.1.0
 */
export const Stage = Schema.Literals(["suspended", "preparing", "waiting", "running", "ending"])
/**
 * The type of {@link Stage}.
 *
 * @category watching
 * @since 0.1.0
 */
export type Stage = typeof Stage.Type

/**
 * A call that has not settled.
 *
 * @category watching
 * @since 0.1.0
 */
export const UnsettledCall = Schema.Struct({
  /** The number of the call, and of its ref. Unique in the process, and in order of submission. */
  id: Schema.Int,
  /** `Actor.method`, or how the method calls itself. */
  method: Schema.String,
  actor: Schema.String,
  instance: Schema.Int,
  /** The concurrency group, if it runs in one. */
  group: Schema.optionalKey(Schema.String),
  stage: Stage,
  /** When this stage began, in milliseconds since the epoch. */
  since: Schema.Number,
  /** Its place in line, from 1. */
  position: Schema.optionalKey(Schema.Int),
  /** What it waits for: its arguments, or what its method waits for now. */
  waitingOn: Schema.Array(Schema.Struct({ ref: Schema.Int, method: Schema.optionalKey(Schema.String) })),
  /** The call that submitted it. */
  parent: Schema.optionalKey(Schema.Int),
  /** The id of its trace, in a traced program. Where spans are collected, it is the same on all nodes that work for it. */
  trace: Schema.optionalKey(Schema.String),
  /** How often its method has been started. */
  attempts: Schema.Int
})
/**
 * The type of {@link UnsettledCall}.
 *
 * @category watching
 * @since 0.1.0
 */
export interface UnsettledCall extends Schema.Schema.Type<typeof UnsettledCall> {}

/**
 * A call that never ran because its instance was dead, or died.
 *
 * @category watching
 * @since 0.1.0
 */
export const DeadLetter = Schema.Struct({
  id: Schema.Int,
  method: Schema.String,
  actor: Schema.String,
  instance: Schema.Int,
  /** Why the instance is dead. */
  why: Schema.String,
  /** When the call failed, in milliseconds since the epoch. */
  at: Schema.Number
})
/**
 * The type of {@link DeadLetter}.
 *
 * @category watching
 * @since 0.1.0
 */
export interface DeadLetter extends Schema.Schema.Type<typeof DeadLetter> {}

/**
 * What {@link snapshot} gives: plain data, which can be sent as JSON.
 *
 * @category watching
 * @since 0.1.0
 */
export const Snapshot = Schema.Struct({
  /** When it was taken, in milliseconds since the epoch. */
  at: Schema.Number,
  /** Living instances in the order they were started, then those that died last. */
  instances: Schema.Array(Instance),
  /** Unsettled calls of these instances. */
  calls: Schema.Array(UnsettledCall),
  /** The last hundred. */
  deadLetters: Schema.Array(DeadLetter),
  /** How many there are, whatever the limit says. */
  totals: Schema.Struct({
    /** Living instances that the filter admits. */
    instances: Schema.Int,
    /** Their unsettled calls. */
    calls: Schema.Int,
    /** Dead instances that it admits, and that are remembered. */
    dead: Schema.Int
  })
})
/**
 * The type of {@link Snapshot}.
 *
 * @category watching
 * @since 0.1.0
 */
export interface Snapshot extends Schema.Schema.Type<typeof Snapshot> {}

/**
 * Options of {@link snapshot}. Without any it shows everything, up to the limit.
 *
 * @category watching
 * @since 0.1.0
 */
export interface SnapshotOptions {
  /** Only instances of the actor with this id. */
  readonly actor?: string | undefined
  /** Only the instance with this name. */
  readonly name?: string | undefined
  /** Only the instance with this number. */
  readonly instance?: number | undefined
  /** Only instances in this state, or in one of these. */
  readonly state?: State | ReadonlyArray<State> | undefined
  /**
   * Only instances in whose actor, key or name all of these words occur, in any case. A word `#12` is also the number of
   * an instance.
   */
  readonly search?: string | undefined
  /**
   * How many instances, and how many calls, to show at most. Default 1000. If there are more instances, those with
   * unsettled calls come before idle ones. If there are more calls, instances contribute one call in turn, running ones
   * first, so that a long line does not hide the calls of others.
   */
  readonly limit?: number | undefined
}

/**
 * What happens to calls and instances, as {@link watch} reports it.
 *
 * A call is `Submitted`, `Started` and `Settled`, in this order; it is never `Started` if it is cancelled in line. One
 * that is to run again is `Requeued`, and `Started` once more. An instance is `InstanceStarted`, maybe
 * `InstanceRestarting` and `InstanceRestarted`, then `InstanceDied`, when it accepts no more calls, and `InstanceGone`,
 * when its finalizers have run. A task is `InstanceGone` when the program has dropped it.
 *
 * `at` is in milliseconds since the epoch, with a fraction.
 *
 * @category watching
 * @since 0.1.0
 */
export type Event = CallEvent | InstanceEvent

interface OfInstance {
  readonly at: number
  /** The id of the actor. */
  readonly actor: string
  /** The number of the instance, unique in the process. */
  readonly instance: number
}

interface OfCall extends OfInstance {
  /** The number of the call, and of its ref. */
  readonly call: number
  /** `Actor.method`, or how the method calls itself; with the key, if there is one. */
  readonly method: string
  /** The method's name in its actor: the same for all keys. */
  readonly name: string
}

/**
 * What happens to a call.
 *
 * @category watching
 * @since 0.1.0
 */
export type CallEvent =
  | (OfCall & {
      readonly _tag: "Submitted"
      /** The call that submitted it, if one did: where a flow arrow begins. */
      readonly parent: number | undefined
      /** Whether its submitter waits for it, or has a ref. */
      readonly asked: boolean
    })
  | (OfCall & {
      readonly _tag: "Started"
      /** How often it has been started, this time included. */
      readonly attempt: number
      /** Milliseconds since it was submitted, or was to run again. */
      readonly waited: number
    })
  | (OfCall & { readonly _tag: "Requeued"; readonly ran: number; readonly error: string })
  | (OfCall & {
      readonly _tag: "Settled"
      readonly outcome: Outcome
      /** Milliseconds that it waited in all. */
      readonly waited: number
      /** Milliseconds from its last start to its end. `undefined` if it ended in line. */
      readonly ran: number | undefined
      /** The message of the error, if there is one. */
      readonly error: string | undefined
    })
  | (OfCall & {
      /** Not accepted, since `maxPendingCalls` are pending. No other event is about this call. */
      readonly _tag: "Refused"
    })

/**
 * What happens to an instance.
 *
 * @category watching
 * @since 0.1.0
 */
export type InstanceEvent =
  | (OfInstance & {
      readonly _tag: "InstanceStarted"
      readonly name: string | undefined
      readonly key: string | undefined
      /** Whether it only carries calls to an instance that lives elsewhere, as in a process that calls a cluster. */
      readonly client: boolean
    })
  | (OfInstance & { readonly _tag: "InstanceRestarting"; readonly error: string })
  | (OfInstance & { readonly _tag: "InstanceRestarted"; readonly restarts: number })
  | (OfInstance & { readonly _tag: "InstanceDied"; readonly why: string; readonly error: string | undefined })
  | (OfInstance & { readonly _tag: "InstanceGone" })

/**
 * What all instances and calls of the current `ActorSystem` are doing now. Tasks belong to no system, and every system
 * shows them.
 *
 * It changes nothing, takes no permit, and works on a saturated actor as well as on an idle one. The time it takes
 * grows with what it shows, not with the calls beyond the limit; nor with the number of instances, unless it has to
 * search them for an actor, a name or a state.
 *
 * @category watching
 * @since 0.1.0
 */
export const snapshot: (options?: SnapshotOptions) => Effect.Effect<Snapshot> = snapshots.take

/**
 * Calls `watcher` with each {@link Event} of the current `ActorSystem`, and of tasks, until the Scope closes.
 *
 * The watcher runs on the stack of the operation that it watches, so it should note the event and return. A watcher
 * that throws is dropped, and the error is logged. Without a watcher, each event costs a call one read of a field.
 * {@link events} is the same as a Stream.
 *
 * @category watching
 * @since 0.1.0
 */
export const watch: (watcher: (event: Event) => void) => Effect.Effect<void, never, Scope.Scope> = watching.watch

/**
 * The events of the current `ActorSystem`, and of tasks, from the moment the Stream is run. A consumer that falls
 * behind by `capacity` events, 16,384 by default, misses the oldest ones.
 *
 * @category watching
 * @since 0.1.0
 */
export const events: (options?: { readonly capacity?: number | undefined }) => Stream.Stream<Event> = watching.events

/**
 * Options of {@link layerMetrics}.
 *
 * @category watching
 * @since 0.1.0
 */
export interface MetricsOptions {
  /**
   * How many methods, and how many actors, get their own metrics. All others share those of "(other)", so that the
   * number of series is bounded. Default 1000.
   */
  readonly maxMethods?: number | undefined
}

/**
 * Whether the spans of calls have the key of their instance, as the attribute `troupe.key`. Default `true`. Keys may be
 * personal data, such as a user's address: if this is `false` for the caller or the actor, spans have none.
 *
 * ```ts
 * import { ActorSystem } from "@troupe/core"
 * import { Layer } from "effect"
 *
 * const layer = Layer.succeed(ActorSystem.KeysInSpans)(false)
 * ```
 *
 * @category watching
 * @since 0.1.0
 */
export const KeysInSpans: Context.Reference<boolean> = tracing.KeysInSpans

/**
 * Keeps Effect `Metric`s of the current `ActorSystem`, and of tasks, while it is provided:
 *
 * - `troupe_calls_total`, a counter by actor, method and outcome (an {@link Outcome}, or "refused");
 * - `troupe_call_waiting_seconds` and `troupe_call_running_seconds`, histograms by actor and method;
 * - `troupe_calls_waiting`, `troupe_calls_running` and `troupe_instances`, gauges by actor;
 * - `troupe_restarts_total`, a counter by actor.
 *
 * In a cluster, the process that an instance lives in counts its calls. The calls that a process makes are counted
 * under the same names with `troupe_client_` in front.
 *
 * Residents of all keys count as one actor. Without this layer nothing is measured.
 *
 * @category watching
 * @since 0.1.0
 */
export const layerMetrics: (options?: MetricsOptions) => Layer.Layer<never> = metrics.layer

/**
 * Has a middleware run around the calls of all actors that are built with this Layer, before their own. It is given its
 * implementation here, so that the actors need not have it. Of several, the outermost Layer runs first.
 *
 * Its errors are not in the types of calls, so it has none; a defect of it ends its call. Readers of subscriptions pass
 * it, too. Tasks do not: they have no actor, and are built with no Layer. Wrap their functions.
 *
 * **Example** (An audit log)
 *
 * ```ts
 * import { Actor, ActorMiddleware, ActorSystem } from "@troupe/core"
 * import { Effect, Layer } from "effect"
 *
 * class Audit extends ActorMiddleware.Service<Audit>()("app/Audit") {}
 * const AuditLive = Layer.succeed(Audit)((next, { actor, method }) =>
 *   Effect.andThen(Effect.sync(() => console.log(`${actor}.${method}`)), next)
 * )
 *
 * class Counter extends Actor.Service<Counter>()("app/Counter", {
 *   make: Effect.succeed({ increment: () => Effect.succeed(1) })
 * }) {}
 *
 * const live = Layer.provide(Counter.layer, Layer.provide(ActorSystem.layerMiddleware(Audit), AuditLive))
 * const program = Effect.flatMap(Counter, (counter) => counter.increment())
 * console.log(await Effect.runPromise(Effect.provide(program, live)))
 * // => app/Counter.increment
 * // => 1
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerMiddleware: <Self, Id extends string>(
  middleware: ServiceClass<Self, Id, never, typeof Schema.Never>
) => Layer.Layer<never, never, Self> = middleware.layer as any

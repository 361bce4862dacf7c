/**
 * Actors that live in threads: their Layers, and the constructors of their instances.
 */
import * as Actor from "@troupe/core/Actor"
import * as ActorContext from "@troupe/core/ActorContext"
import * as Home from "@troupe/core/Home"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Hash from "effect/Hash"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import type { WorkerFailed } from "../../WorkerFailed.ts"
import type { HomeOptions } from "../../WorkerHome.ts"
import { codecOf } from "../values/codec.ts"
import { type Contract, methodCodecs } from "../values/contract.ts"
import type { InstanceId } from "../wire/protocol.ts"
import { workerFailed } from "./loss.ts"
import { methodsOf } from "./methods.ts"
import { settingsOf, threadOptions } from "./settings.ts"
import type { Thread } from "./thread.ts"
import * as threads from "./threads.ts"

/** `Actor.toLayer` and `Actor.toFactory`, for which a home stands in. */
const toLayer = Actor.toLayer as unknown as (actor: Contract, make: unknown, options: object) => Layer.Layer<any>
const toFactory = Actor.toFactory as unknown as (...given: Parameters<typeof toLayer>) => {
  spawn(): Effect.Effect<any, any, Scope.Scope>
}

export const layer = (actor: Contract, options: HomeOptions): Layer.Layer<any, WorkerFailed> => {
  check(actor, options)
  return Layer.unwrap(
    Effect.map(threads.make(actor, options), (pool) => {
      const make = isKeyed(actor) ? keyedMake(actor, pool) : singleMake(actor, pool)
      return Layer.provideMerge(
        Layer.effectDiscard(enforceShutdownTimeout(pool)),
        Layer.provide(toLayer(actor, make, instanceOptions(pool, options)), elsewhere(actor))
      )
    })
  )
}

/** Calls are carried to a thread from the first on, which is before the instance has one. */
const elsewhere = ({ key }: Contract): Layer.Layer<never> => Layer.succeed(Home.Elsewhere)(key)

export const spawn = (
  actor: Contract,
  options: HomeOptions,
  agree?: threads.Agree
): Effect.Effect<any, any, Scope.Scope> => {
  check(actor, options)
  if (isKeyed(actor))
    throw new TypeError(`${actor.key}: a keyed actor starts its instances itself: use WorkerHome.layer`)
  return Effect.flatMap(Effect.scope, (scope) => {
    const own = Scope.forkUnsafe(scope)
    const handle = Effect.flatMap(threads.make(actor, options, agree), (pool) => {
      const factory = toFactory(actor, singleMake(actor, pool), instanceOptions(pool, options))
      const spawned = Effect.provideService(factory.spawn(), Home.Elsewhere, actor.key)
      return Effect.tap(spawned, enforceShutdownTimeout(pool))
    })
    // The thread is there for one instance, and ends with it, however long the Scope stays open.
    const end = (handle: any) => Effect.andThen(Actor.watch(handle), Scope.close(own, Exit.void))
    return Scope.provide(handle, own).pipe(
      Effect.onError((cause) => Scope.close(own, Exit.failCause(cause))),
      Effect.tap((handle) => Effect.forkIn(end(handle), scope, { startImmediately: true }))
    )
  })
}

/**
 * Runs before the instances end, so that their time counts from the moment the Scope closes, and closing it does not wait
 * for a thread that does not listen.
 */
const enforceShutdownTimeout = (pool: threads.Threads): Effect.Effect<void, never, Scope.Scope> =>
  Effect.addFinalizer(() => Effect.sync(() => pool.enforceShutdownTimeout()))

const isKeyed = (actor: Contract): boolean => "keySchema" in actor

const homeOptions = {
  ...threadOptions,
  maxConcurrency: true,
  maxPendingCalls: true,
  overflow: true,
  restart: true,
  maxTaskRetries: true,
  retry: true,
  validate: true
} as const

const check = (actor: Contract, options: HomeOptions): void => {
  if (typeof actor?.methods !== "object") {
    throw new TypeError(
      `${actor?.key ?? String(actor)}: only an actor with a contract can live in a thread. Give its definition "methods", and its implementation to toLayer.`
    )
  }
  Home.checkOptions<HomeOptions>(actor.key, options, homeOptions)
  const { size } = settingsOf(actor.key, options)
  if (isKeyed(actor) || size === 1) return
  throw new RangeError(
    `${actor.key}: one instance lives in one thread, so size must be 1, but is ${size}. Actor.Keyed spreads keys over threads, ActorPool calls over instances.`
  )
}

/** The options of the implementation, overridden by those of the home. */
const instanceOptions = (pool: threads.Threads, options: HomeOptions): object => {
  const { functions, ...terms } = pool.terms
  const missing = functions.find((name) => name !== "retry" || options.retry === undefined)
  if (missing !== undefined) {
    throw new TypeError(
      `${pool.actor}: ${missing} is a function, which cannot cross from the thread to where calls are retried. Give it to WorkerHome.layer.`
    )
  }
  const { size, spawn, startTimeout, unresponsiveAfter, url, workerOptions, ...own } = options
  // The instance in the thread deals with defects of its methods.
  return { restart: defaultRestart, ...given(terms), ...given(own), onDefect: "resume" }
}

const given = (options: object): object =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))

/** How long a thread has to last until its loss counts as the first one again. */
const LASTING = Duration.toMillis("1 minute")
const MAX_LOSSES = 5

const defaultRestart = Schedule.fromStep(
  Effect.sync(() => {
    let losses = 0
    let last = Number.NEGATIVE_INFINITY
    return (now: number) => {
      losses = now - last > LASTING ? 1 : losses + 1
      last = now
      return losses > MAX_LOSSES
        ? Cause.done(losses)
        : Effect.succeed([losses, Duration.millis(100 * 2 ** (losses - 1))] as [number, Duration.Duration])
    }
  })
)

/** The constructor of the one instance that a thread has. */
const singleMake = (actor: Contract, pool: threads.Threads) =>
  Effect.gen(function* () {
    const thread = yield* pool.obtain(0)
    return yield* settle(actor, thread, 0, undefined)
  })

let lastInstance: InstanceId = 0

/** The constructor of the instances that threads share: the key decides which thread. */
const keyedMake = (actor: Contract, pool: threads.Threads) => {
  const codec = actor.keySchema === undefined ? undefined : codecOf(actor.keySchema)
  return (key: unknown) =>
    Effect.gen(function* () {
      const thread = yield* pool.obtain(Math.abs(Hash.hash(key)) % pool.size)
      const packed = codec === undefined ? key : codec.pack(key)
      return yield* settle(actor, thread, ++lastInstance, { packed })
    })
}

/** Ties an instance to its thread, for as long as both last. */
const settle = Effect.fnUntraced(function* (
  actor: Contract,
  thread: Thread,
  instance: InstanceId,
  key: { readonly packed: unknown } | undefined
) {
  const self = yield* ActorContext.ActorContext
  // The thread was ready, and was lost before its instance got here.
  if (thread.lost !== undefined) return yield* Effect.fail(workerFailed(actor.key, thread.lost))
  thread.open(instance, self, key)
  yield* Effect.addFinalizer(() => thread.close(instance))
  Home.link(self, {
    describe: () => ({ kind: "worker", thread: thread.id, lagMillis: thread.lag }),
    pump: thread.pump
  })
  return methodsOf({ thread, self, actor: actor.key, instance }, methodCodecs(actor))
})

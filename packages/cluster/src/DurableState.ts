/**
 * State of a keyed actor that survives the instance, the process and the machine.
 *
 * Picture a drawer with the key's name on it. An instance that starts takes the drawer and the only pen; what it writes
 * is in the drawer before the call that wrote it is answered. When an instance starts elsewhere, it takes the pen, and
 * its predecessor can no longer write, even if it does not yet know that it was given up: its next write is refused,
 * and it dies. So of two instances of one key at most one can write, even if a machine was frozen for an hour and wakes
 * up.
 *
 * {@link make} goes into the constructor of a keyed actor. Storage is a SQL database, {@link layer}; tests use {@link
 * layerMemory}. There is one state per key: values that belong together go into one `Schema.Struct`.
 *
 * Do not use it for values that are large or change a thousand times per second: each change writes the whole value.
 *
 * **Example** (A counter that goes on after a restart)
 *
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { Actor } from "@troupe/core"
 * import * as DurableState from "@troupe/cluster/DurableState"
 *
 * class Counter extends Actor.Keyed<Counter>()("app/Counter", {
 *   make: Effect.fnUntraced(function*(name: string) {
 *     const count = yield* DurableState.make(Schema.Int, { initial: 0 })
 *     return { increment: () => count.updateAndGet((n) => n + 1) }
 *   })
 * }) {}
 *
 * const increment = Effect.gen(function*() {
 *   const visits = yield* Counter.get("visits")
 *   return yield* visits.increment()
 * })
 * const program = Effect.gen(function*() {
 *   const first = yield* Effect.provide(increment, Counter.layer, { local: true })
 *   const second = yield* Effect.provide(increment, Counter.layer, { local: true })
 *   return [first, second]
 * })
 *
 * console.log(await Effect.runPromise(Effect.provide(program, DurableState.layerMemory))) // => [ 1, 2 ]
 * ```
 *
 * @since 0.1.0
 */
import type { ActorContext } from "@troupe/core/ActorContext"
import { checkOptions, explainMissing } from "@troupe/core/Home"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { DurableStateError } from "./DurableStateError.ts"
import { millis } from "./internal/base/durations.ts"
import { CurrentHeld } from "./internal/base/held.ts"
import * as identities from "./internal/base/identity.ts"
import { prefixOf } from "./internal/base/prefix.ts"
import { DurableCall, onceIdOf } from "./internal/calls/durableCall.ts"
import { memory } from "./internal/state/memory.ts"
import { sql } from "./internal/state/sql.ts"
import { codec, State, unavailable } from "./internal/state/state.ts"

// --- errors ----------------------------------------------------------------------------------------------------------

export { DurableStateError, StateFenced, StateUnavailable, StateUnreadable } from "./DurableStateError.ts"

// --- storage ---------------------------------------------------------------------------------------------------------

/**
 * Whose state it is: the id of the actor, as given to `Actor.Keyed`, and the key.
 *
 * @category storage
 * @since 0.1.0
 */
export interface Identity {
  readonly actor: string
  readonly key: string | number
}

/**
 * A row of a store, as its owner knows it: the instance that has claimed it.
 *
 * @category storage
 * @since 0.1.0
 */
export interface Row {
  readonly epoch: number
  readonly version: number
  /** JSON, or `undefined` where nothing was saved yet. */
  readonly value: string | undefined
  /** JSON: the changes that have an id, and their results. */
  readonly done: string | undefined
}

/**
 * What a write replaces, and what with.
 *
 * @category storage
 * @since 0.1.0
 */
export interface Change {
  readonly epoch: number
  readonly version: number
  readonly value: string
  readonly done: string | undefined
}

/**
 * A store of states: one row for each key of each actor. Each operation happens as a whole, or not at all.
 *
 * Two numbers guard a row. The *epoch* says who may write: an instance that starts takes the next one, and from then on
 * every write with an older epoch is refused, however late it comes and whatever the clocks say. The *version* counts
 * the writes, and a write names the version that it replaces. Both are checked by the statement that writes.
 *
 * @category storage
 * @since 0.1.0
 */
export interface StateStore {
  /**
   * Takes the next epoch for a key, which makes a row if there is none. With `after`, only if that is the epoch now, 0
   * where there is no row; otherwise nothing changes, and it succeeds with `undefined`.
   */
  claim(identity: Identity, after?: number): Effect.Effect<Row | undefined, SqlError>
  /** Reads the row of a key. */
  read(identity: Identity): Effect.Effect<Row | undefined, SqlError>
  /** Replaces the value if epoch and version are still these; says whether they were. */
  save(identity: Identity, change: Change): Effect.Effect<boolean, SqlError>
  /** Forgets the value of a key. The epoch stays, so that a late write is refused still. */
  clear(identity: Identity): Effect.Effect<void, SqlError>
}

/**
 * Where durable states are kept.
 *
 * @category services
 * @since 0.1.0
 */
export class DurableStateStorage extends explainMissing(
  Context.Service<DurableStateStorage, StateStore>()("troupe/cluster/DurableStateStorage"),
  () => "DurableStateStorage is not provided here: provide DurableState.layer, or DurableState.layerMemory in tests"
) {}

/**
 * Keeps states in a table of a SQL database, `troupe_state`, which is created if necessary. Postgres and SQLite are
 * tested. Use {@link layerWith} for another prefix.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<DurableStateStorage, SqlError, SqlClient.SqlClient> = Layer.effect(
  DurableStateStorage,
  sql("troupe")
)

/**
 * The same, with another prefix for the name of the table. It must not change once there are states.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerWith = (options: {
  readonly prefix: string
}): Layer.Layer<DurableStateStorage, SqlError, SqlClient.SqlClient> =>
  Layer.effect(DurableStateStorage, sql(prefixOf("DurableState.layerWith", options)))

/**
 * Keeps states in memory, for as long as the Layer lasts. For tests.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerMemory: Layer.Layer<DurableStateStorage> = Layer.sync(DurableStateStorage, memory)

// --- states ----------------------------------------------------------------------------------------------------------

/**
 * The durable state of one key.
 *
 * Changes happen one after the other, in the order they were requested, however many calls run at a time. A change is
 * saved before its effect succeeds. A change that leaves the value unchanged saves nothing.
 *
 * @category models
 * @since 0.1.0
 */
export interface DurableState<S> {
  /**
   * The value, without reading storage. It fails only if the outcome of an earlier change is unknown and storage still
   * does not answer.
   *
   * An instance that has been replaced and does not know it yet reads the state as of its replacement; use {@link
   * refresh} if that would do harm.
   */
  readonly get: Effect.Effect<S, DurableStateError>
  /** Replaces the value. */
  set(value: S): Effect.Effect<void, DurableStateError>
  /** Replaces the value with the result of `f`. `f` may run more than once. */
  update(f: (value: S) => S): Effect.Effect<void, DurableStateError>
  /** The same, and succeeds with the new value. */
  updateAndGet(f: (value: S) => S): Effect.Effect<S, DurableStateError>
  /** Replaces the value, and succeeds with something else. `f` returns both: `[result, newValue]`. */
  modify<A>(f: (value: S) => readonly [A, S]): Effect.Effect<A, DurableStateError>
  /**
   * The same with an effect. If it fails, nothing changes. Other changes wait until it is done, so it must not wait for
   * one of them: it dies if it makes one itself.
   */
  modifyEffect<A, E, R>(
    f: (value: S) => Effect.Effect<readonly [A, S], E, R>
  ): Effect.Effect<A, E | DurableStateError, R>
  /**
   * A change with an id happens once: if it is requested again, even from another instance, it is not made again, and
   * succeeds with its earlier result. The id and the result are saved together with the change.
   *
   * The default `id` is that of the durable call that the method runs for, with the name of the method, so that a durable
   * method that runs again after a crash changes nothing twice. A method that makes two changes gives each an id. Dies if
   * there is neither.
   */
  modifyOnce<A>(options: OnceOptions<A>, f: (value: S) => readonly [A, S]): Effect.Effect<A, DurableStateError>
  /** The same with an effect. If it fails, nothing changes, and the id can be used again. */
  modifyOnceEffect<A, E, R>(
    options: OnceOptions<A>,
    f: (value: S) => Effect.Effect<readonly [A, S], E, R>
  ): Effect.Effect<A, E | DurableStateError, R>
  /** Reads the value from storage, and checks that no other instance has taken over. */
  readonly refresh: Effect.Effect<S, DurableStateError>
}

/**
 * How a change is made once.
 *
 * @category models
 * @since 0.1.0
 */
export interface OnceOptions<A> {
  readonly id?: string | undefined
  /** The schema of the result, which is saved. */
  readonly result: Schema.Codec<A, any>
  /** How many ids each key remembers, latest first. Default 100. */
  readonly remember?: number | undefined
}

/**
 * How to make a durable state.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<S> {
  /** The value if nothing has been saved yet. It is saved with the first change. */
  readonly initial: S | (() => S)
  /** How long storage may take to answer. Default 10 seconds. */
  readonly timeout?: Duration.Input | undefined
  /**
   * The text under which the key is stored. Needed if the key is neither a string nor a number, or if the actor has no
   * key and there is only one instance of it.
   */
  readonly key?: string | undefined
}

/**
 * Takes over the durable state of the key that this constructor makes an instance for. The previous instance can no
 * longer write.
 *
 * Values are saved as JSON, in the encoded form of the schema. If you change the schema later, it has to accept the
 * values that are saved: give new fields defaults, or use a union of the old and the new shape with a transformation.
 *
 * Fails if storage does not answer, or if the saved value does not match the schema. Dies if the actor has no key, or
 * if the instance already has a state.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <S>(
  schema: Schema.Codec<S, any>,
  options: Options<S>
): Effect.Effect<DurableState<S>, DurableStateError, DurableStateStorage | ActorContext> =>
  Effect.gen(function* () {
    const instance = yield* identities.instance
    const identity = yield* identities.identity("DurableState.make", options.key)
    const life = `${instance.instance}/${instance.restarts}`
    if (taken.get(instance) === life) {
      return yield* Effect.die(
        new TypeError(
          `${identity.actor}(${identity.key}): DurableState.make was called twice in one constructor. Make one state, of a Schema.Struct`
        )
      )
    }
    taken.set(instance, life)
    const held = yield* CurrentHeld
    return yield* open(identity, schema, options, instance, held?.(instance.id, instance.key))
  })

/** The instances that have a state, and in which of their lives they made it. */
const taken = new WeakMap<identities.Instance, string>()

/**
 * Takes over the durable state of any key, from outside actors: for tools that repair or migrate. A running instance of
 * that key dies at its next change.
 *
 * @category tools
 * @since 0.1.0
 */
export const takeOver = <S>(
  identity: Identity,
  schema: Schema.Codec<S, any>,
  options: Options<S>
): Effect.Effect<DurableState<S>, DurableStateError, DurableStateStorage> => open(identity, schema, options)

/**
 * Deletes the saved state of a key, including the ids of changes. A running instance of that key dies at its next
 * change; the next one starts with its `initial` value.
 *
 * @category tools
 * @since 0.1.0
 */
export const forget = (identity: Identity): Effect.Effect<void, DurableStateError, DurableStateStorage> =>
  Effect.flatMap(DurableStateStorage, (storage) =>
    Effect.mapError(storage.clear(identity), (cause) => unavailable(identity, "forgotten", cause, true))
  )

const open = <S>(
  identity: Identity,
  schema: Schema.Codec<S, any>,
  options: Options<S>,
  instance?: identities.Instance,
  held?: Effect.Effect<boolean, unknown>
): Effect.Effect<DurableState<S>, DurableStateError, DurableStateStorage> =>
  Effect.gen(function* () {
    checkOptions(`${identity.actor}: DurableState`, options, { initial: true, timeout: true, key: true })
    const { initial, timeout = "10 seconds" } = options
    const storage = yield* DurableStateStorage
    const subject = `${identity.actor}(${identity.key})`
    const state = new State<S>({
      identity,
      instance,
      held,
      storage,
      codec: codec(`${subject}: the value of its durable state`, schema),
      initial: typeof initial === "function" ? (initial as () => S) : () => initial,
      timeout: millis(subject, "timeout", timeout)
    })
    yield* state.claim()
    const once: DurableState<S>["modifyOnceEffect"] = (options, f) => {
      checkOnce(subject, options, f)
      const { id, remember = 100, result } = options
      return Effect.flatMap(onceId(identity, id), (id) =>
        state.modifyOnce(id, codec(`${subject}: the result of modifyOnce`, result), remember, f)
      )
    }
    return {
      get: state.current,
      set: (value) => state.modify(() => Effect.succeed([undefined, value])),
      update: (f) => state.modify((value) => Effect.sync(() => [undefined, f(value)])),
      updateAndGet: (f) =>
        state.modify((value) =>
          Effect.sync(() => {
            const next = f(value)
            return [next, next]
          })
        ),
      modify: (f) => state.modify((value) => Effect.sync(() => f(value))),
      modifyEffect: (f) => state.modify(f),
      modifyOnce: (options, f) => once(options, f && ((value) => Effect.sync(() => f(value)))),
      modifyOnceEffect: once,
      refresh: state.exclusively(() => state.reload())
    }
  })

/** Untyped code may take it for `modify`. */
const checkOnce = (subject: string, options: OnceOptions<any> | undefined, f: unknown): void => {
  if (Schema.isSchema(options?.result) && typeof f === "function") return
  throw new TypeError(
    `${subject}: modifyOnce takes options with the schema of its result, and a function of the value, like modifyOnce({ result: Schema.Int }, (n) => [n, n + 1])`
  )
}

const onceId = ({ actor, key }: Identity, given: string | undefined): Effect.Effect<string> =>
  Effect.flatMap(DurableCall, (call) => {
    const id = given ?? (call && onceIdOf(call))
    if (id !== undefined) return Effect.succeed(id)
    return Effect.die(
      new TypeError(
        `${actor}(${key}): modifyOnce needs an id: pass one, or make the method durable, so that its calls have ids`
      )
    )
  })

/**
 * Reminders call a keyed actor at a later time, even if every process has been restarted in between.
 *
 * A reminder is a row in storage: at this time, call this method of the actor with this key, with these arguments. The
 * nodes look for due reminders, and the node that leases one makes the call, through the actor's service, as any caller
 * would. A repeating reminder is moved to its next time; any other is deleted.
 *
 * Each reminder has an id. Setting one again replaces it, so a constructor can set the reminders of its actor each
 * time. {@link self} is for actors that remind themselves, {@link to} for all other callers; {@link deliver} belongs on
 * the nodes that fire them.
 *
 * A reminder fires *at least once*: if a node dies after the call and before it has updated the row, another node calls
 * again. All calls for one firing have the same id, so a method whose delivery is durable runs once, and
 * `DurableState.modifyOnce` changes the state once.
 *
 * For work that is due within seconds and may be lost with the process, `Effect.sleep` in a fiber of the actor is
 * cheaper.
 *
 * **Example** (An account that charges a fee each month)
 *
 * ```ts
 * import { Effect, Layer, Schema } from "effect"
 * import { TestClock } from "effect/testing"
 * import { Actor } from "@troupe/core"
 * import * as DurableState from "@troupe/cluster/DurableState"
 * import * as Reminders from "@troupe/cluster/Reminders"
 *
 * class Account extends Actor.Keyed<Account>()("app/Account", {
 *   make: Effect.fnUntraced(function*(owner: string) {
 *     const balance = yield* DurableState.make(Schema.Int, { initial: 100 })
 *     const reminders = yield* Reminders.self
 *     yield* reminders.every("fee", "30 days", "charge", [5])
 *     return {
 *       charge: (fee: number) => balance.update((n) => n - fee),
 *       balance: () => balance.get
 *     }
 *   })
 * }) {}
 *
 * const program = Effect.gen(function*() {
 *   const alice = yield* Account.get("alice")
 *   const before = yield* alice.balance()
 *   yield* TestClock.adjust("95 days")
 *   return [before, yield* alice.balance()]
 * })
 *
 * const Live = Reminders.deliver(Account, { pollInterval: "1 hour" }).pipe(
 *   Layer.provideMerge(Account.layer),
 *   Layer.provide([Reminders.layerMemory, DurableState.layerMemory]),
 *   Layer.provideMerge(TestClock.layer())
 * )
 * console.log(await Effect.runPromise(Effect.provide(program, Live))) // => [ 100, 85 ]
 * ```
 *
 * @since 0.1.0
 */
import type { Handle, KeyedHandle } from "@troupe/core/Actor"
import type { ActorContext } from "@troupe/core/ActorContext"
import * as Home from "@troupe/core/Home"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { finiteMillis } from "./internal/base/durations.ts"
import * as identities from "./internal/base/identity.ts"
import * as keys from "./internal/base/keyText.ts"
import { prefixOf } from "./internal/base/prefix.ts"
import { codecOf } from "./internal/base/writable.ts"
import * as internal from "./internal/reminders/firing.ts"
import { memory } from "./internal/reminders/memory.ts"
import { sql } from "./internal/reminders/sql.ts"

// --- storage ---------------------------------------------------------------------------------------------------------

/**
 * Which reminder: of which actor, of which key of it, and its own id.
 *
 * @category storage
 * @since 0.1.0
 */
export interface ReminderAddress {
  readonly actor: string
  /** How the key is written where states and reminders are filed. */
  readonly key: string
  readonly id: string
}

/**
 * What is to happen.
 *
 * @category storage
 * @since 0.1.0
 */
export interface Order extends ReminderAddress {
  /** The key, as JSON, for finding the actor again. */
  readonly keyJson: string
  readonly method: string
  /** The arguments, as JSON. */
  readonly args: string
  /** When it is to fire next, in milliseconds since the epoch. */
  readonly due: number
  /** Milliseconds between two firings, if it fires more than once. */
  readonly every: number | undefined
}

/**
 * A reminder that is stored.
 *
 * @category storage
 * @since 0.1.0
 */
export interface StoredReminder extends Order {
  readonly generation: number
  /** How often this occurrence was tried. */
  readonly attempts: number
  /** Why it is not tried any more. */
  readonly failed: string | undefined
  /** Why the last attempt failed, if it did. */
  readonly lastFailure: string | undefined
}

/**
 * Which node fires a reminder, and until when nobody else may.
 *
 * @category storage
 * @since 0.1.0
 */
export interface Lease {
  readonly owner: string
  /** In milliseconds since the epoch. */
  readonly until: number
}

/**
 * A store of reminders, which are kept until they have fired: one row each. Each operation happens as a whole, or not at
 * all.
 *
 * A node that fires a reminder *leases* its row first, with one statement, so that only one of several nodes gets it. A
 * lease expires: the reminders that a dead node had leased are fired by another. A row that is replaced gets another
 * *generation*, so that a node that still fires the old reminder does not remove the new one.
 *
 * @category storage
 * @since 0.1.0
 */
export interface ReminderStore {
  /**
   * Writes a reminder, in place of one with the same address. One that repeats with the same interval keeps its rhythm.
   */
  put(order: Order): Effect.Effect<void, SqlError>
  /** Says whether there was one. */
  remove(address: ReminderAddress): Effect.Effect<boolean, SqlError>
  /**
   * Files the reminders of a key under another text. `from` says under which they are, and which key is meant. For
   * storages that outlive versions of this library.
   */
  move?(from: Pick<Order, "actor" | "key" | "keyJson">, to: string): Effect.Effect<void, SqlError>
  list(of: Omit<ReminderAddress, "id">): Effect.Effect<ReadonlyArray<StoredReminder>, SqlError>
  /** The reminders whose last attempt failed, of one actor or of all, the earliest first. */
  failing(actor: string | undefined, limit: number): Effect.Effect<ReadonlyArray<StoredReminder>, SqlError>
  /** How many there are, of one actor or of all. */
  count(actor: string | undefined, now: number): Effect.Effect<Counts, SqlError>
  /** Makes a reminder that failed due at once, as if it had not been tried, and says whether there was one. */
  retry(address: ReminderAddress): Effect.Effect<boolean, SqlError>
  /** Leases reminders of an actor that are due, the earliest first. */
  lease(actor: string, now: number, limit: number, lease: Lease): Effect.Effect<ReadonlyArray<StoredReminder>, SqlError>
  /** Makes the leases of an owner last longer. */
  extend(lease: Lease): Effect.Effect<void, SqlError>
  /** Ends all leases of an owner: what it has not fired is due for others. */
  release(owner: string): Effect.Effect<void, SqlError>
  /** Ends a lease, if it is still this one: the reminder is gone, or due at another time, or given up. */
  settle(reminder: StoredReminder, owner: string, outcome: Outcome): Effect.Effect<void, SqlError>
}

/**
 * How many reminders there are.
 *
 * @category models
 * @since 0.1.0
 */
export interface Counts {
  /** All of them. */
  readonly set: number
  /** Those that are due and have not fired: they wait, fire just now, or are tried again. */
  readonly due: number
  /** Those whose last attempt failed. */
  readonly failing: number
  /** Those that are not tried any more. */
  readonly abandoned: number
}

/**
 * What became of a firing: it was the last one, it is due again, it has to be tried again, or it is given up.
 *
 * @category storage
 * @since 0.1.0
 */
export type Outcome =
  | { readonly _tag: "Done" }
  | { readonly _tag: "Next"; readonly due: number; readonly why?: string | undefined }
  | { readonly _tag: "Again"; readonly notBefore: number; readonly attempts: number; readonly why?: string | undefined }
  | { readonly _tag: "Failed"; readonly why: string }

/**
 * Where reminders are kept.
 *
 * @category services
 * @since 0.1.0
 */
export class ReminderStorage extends Home.explainMissing(
  Context.Service<ReminderStorage, ReminderStore>()("troupe/cluster/ReminderStorage"),
  () => "ReminderStorage is not provided here: provide Reminders.layer, or Reminders.layerMemory in tests"
) {}

/**
 * Keeps reminders in a table of a SQL database, `troupe_reminders`, which is created if necessary. Postgres and SQLite
 * are tested.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<ReminderStorage, SqlError, SqlClient.SqlClient> = Layer.effect(
  ReminderStorage,
  sql("troupe")
)

/**
 * The same, with another prefix for the name of the table.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerWith = (options: {
  readonly prefix: string
}): Layer.Layer<ReminderStorage, SqlError, SqlClient.SqlClient> =>
  Layer.effect(ReminderStorage, sql(prefixOf("Reminders.layerWith", options)))

/**
 * Keeps reminders in memory, for as long as the Layer lasts. For tests.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerMemory: Layer.Layer<ReminderStorage> = Layer.sync(ReminderStorage, memory)

// --- setting ---------------------------------------------------------------------------------------------------------

/**
 * A reminder that has not fired yet, or that repeats.
 *
 * @category models
 * @since 0.1.0
 */
export interface Reminder {
  readonly id: string
  readonly method: string
  /** When it fires next, or has to be tried again. */
  readonly due: DateTime.Utc
  readonly every: Duration.Duration | undefined
  /** Why it was abandoned: its call failed too often. Setting it again starts over. */
  readonly failed: string | undefined
}

type Args<F> = F extends (...args: infer A) => any ? A : never

/**
 * The reminders of one key of an actor.
 *
 * @category models
 * @since 0.1.0
 */
export interface Reminding<in out M, out R = never> {
  /** Calls a method at a point in time, in place of the reminder that has this id. A time in the past means now. */
  at<Name extends keyof M & string>(
    id: string,
    time: DateTime.DateTime.Input,
    method: Name,
    args: Args<M[Name]>
  ): Effect.Effect<void, SqlError, R>
  /** Calls a method when some time has passed. */
  after<Name extends keyof M & string>(
    id: string,
    delay: Duration.Input,
    method: Name,
    args: Args<M[Name]>
  ): Effect.Effect<void, SqlError, R>
  /**
   * Calls a method repeatedly, for the first time after one interval. Setting it again with the same interval keeps its
   * rhythm. One call makes up for all firings that were missed while no node could fire.
   */
  every<Name extends keyof M & string>(
    id: string,
    interval: Duration.Input,
    method: Name,
    args: Args<M[Name]>
  ): Effect.Effect<void, SqlError, R>
  /** Removes a reminder, and succeeds with whether there was one. It does not stop a call in progress. */
  cancel(id: string): Effect.Effect<boolean, SqlError, R>
  /** The reminders that are set, the next one first. */
  readonly list: Effect.Effect<ReadonlyArray<Reminder>, SqlError, R>
}

type AnyMethods = { readonly [method: string]: (...args: ReadonlyArray<any>) => unknown }

/**
 * The reminders of a key of an actor. Methods and arguments are checked against it.
 *
 * @category setting
 * @since 0.1.0
 */
export const to = <Self, K, M, Group extends string>(
  actor: Context.Key<Self, KeyedHandle<K, M, Group>>,
  key: K
): Reminding<M, ReminderStorage> => {
  const reminded = remindedOf(actor)
  return reminding(ReminderStorage, reminded, fileOf(reminded, key))
}

/**
 * The reminders of the actor whose constructor or method runs this. The methods are those of the actor itself, which
 * the compiler cannot see from inside it, so names are checked when the reminder fires. If the actor has a contract,
 * {@link to} checks more. Compiles only inside actors.
 *
 * @category setting
 * @since 0.1.0
 */
export const self: Effect.Effect<Reminding<AnyMethods>, never, ReminderStorage | ActorContext> = Effect.gen(
  function* () {
    const storage = yield* ReminderStorage
    const identity = yield* identities.identity("Reminders.self")
    const reminded: Reminded = { actor: identity.actor, contract: undefined, keySchema: undefined }
    return reminding<AnyMethods, never>(Effect.succeed(storage), reminded, fileOf(reminded, identity.key))
  }
)

/** The actor that is reminded. */
interface Reminded {
  readonly actor: string
  readonly contract: internal.Contract | undefined
  readonly keySchema: Schema.Codec<any, any> | undefined
}

const remindedOf = (actor: Context.Key<any, any>): Reminded => {
  const { keySchema, methods } = actor as any
  return {
    actor: actor.key,
    contract: methods,
    keySchema: keySchema === undefined ? undefined : (codecOf(keySchema) as Schema.Codec<any, any>)
  }
}

/** Where the reminders of a key are stored. */
interface File {
  /** The key, for people. */
  readonly label: string
  readonly key: string
  readonly former: string | undefined
  readonly keyJson: string
}

const fileOf = (reminded: Reminded, key: unknown): File => {
  const plain = typeof key === "number" ? key : labelOf(reminded, key)
  const keyJson = jsonOf(reminded, key)
  return { label: String(plain), key: keys.textOf(plain), former: keys.formerTextOf(plain), keyJson }
}

const labelOf = ({ actor }: Reminded, key: unknown): string => {
  const text = String(key)
  if (!text.startsWith("[object ")) return text
  throw new TypeError(`${actor}: reminders need a key that is a string or a number, or has a toString of its own`)
}

const jsonOf = ({ keySchema }: Reminded, key: unknown): string =>
  JSON.stringify(keySchema === undefined ? key : Schema.encodeSync(keySchema)(key))

const keyOf = ({ keySchema }: Reminded, json: string): unknown => {
  const key = JSON.parse(json)
  return keySchema === undefined ? key : Schema.decodeSync(keySchema)(key)
}

const reminding = <M, R>(
  storage: Effect.Effect<ReminderStore, never, R>,
  reminded: Reminded,
  { former, key, keyJson, label }: File
): Reminding<M, R> => {
  const { actor, contract } = reminded
  const subject = `${actor}(${label})`
  /** Storage, after reminders that were stored under another text have been moved here. */
  const opened =
    former === undefined
      ? storage
      : Effect.tap(storage, (storage) => storage.move?.({ actor, key: former, keyJson }, key) ?? Effect.void)
  const put = (id: string, method: string, args: ReadonlyArray<unknown>, when: (now: number) => When) =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const order = {
        actor,
        key,
        keyJson,
        id: keys.escape(checkId(subject, id)),
        method,
        args: internal.encodeArgs(actor, method, contract, args),
        ...when(now)
      }
      yield* (yield* opened).put(order)
    })
  return {
    at: (id, time, method, args) => {
      const due = millisOf(subject, time)
      return put(id, method, args, () => ({ due, every: undefined }))
    },
    after: (id, delay, method, args) => {
      const pause = finiteMillis(`${subject}: the delay of reminder "${id}"`, delay, 0)
      return put(id, method, args, (now) => ({ due: now + pause, every: undefined }))
    },
    every: (id, interval, method, args) => {
      const every = finiteMillis(`${subject}: the interval of reminder "${id}"`, interval, 1)
      return put(id, method, args, (now) => ({ due: now + every, every }))
    },
    cancel: (id) => Effect.flatMap(opened, (storage) => storage.remove({ actor, key, id: keys.escape(id) })),
    list: Effect.flatMap(opened, (storage) =>
      Effect.map(storage.list({ actor, key }), (reminders) => reminders.map(toPublic))
    )
  }
}

interface When {
  readonly due: number
  readonly every: number | undefined
}

const toPublic = ({ due, every, failed, id, method }: StoredReminder): Reminder => ({
  id: keys.unescape(id),
  method,
  due: DateTime.makeUnsafe(due),
  every: every === undefined ? undefined : Duration.millis(every),
  failed
})

const checkId = (subject: string, id: unknown): string => {
  if (typeof id === "string" && id !== "") return id
  throw new TypeError(`${subject}: a reminder needs an id, a string that is not empty, but got ${Home.show(id)}`)
}

const millisOf = (subject: string, time: DateTime.DateTime.Input): number => {
  const at = Option.getOrUndefined(DateTime.make(time))
  if (at !== undefined) return DateTime.toEpochMillis(at)
  throw new RangeError(`${subject}: the time of a reminder must be a point in time, but is ${Home.show(time)}`)
}

// --- failing ---------------------------------------------------------------------------------------------------------

/**
 * A reminder whose last attempt failed.
 *
 * @category models
 * @since 0.1.0
 */
export interface FailingReminder extends ReminderAddress {
  readonly method: string
  /** When it is due: for the next time, or since when. */
  readonly due: DateTime.Utc
  readonly every: Duration.Duration | undefined
  /** How often this firing was tried. None for a repeating reminder that waits for its next time. */
  readonly attempts: number
  /** Why the last attempt failed. */
  readonly cause: string
  /** Whether it is not tried any more, unless {@link retry} says so. */
  readonly isAbandoned: boolean
}

/**
 * The reminders whose last attempt failed, of all keys, the earliest first: those that are tried again, those that were
 * abandoned, and repeating ones that wait for their next time.
 *
 * @category failing
 * @since 0.1.0
 */
export const failing = (
  options: {
    /** Only those of this actor: its id. */
    readonly actor?: string | undefined
    /** How many at most. Default 100. */
    readonly limit?: number | undefined
  } = {}
): Effect.Effect<ReadonlyArray<FailingReminder>, SqlError, ReminderStorage> =>
  Effect.flatMap(ReminderStorage, (storage) => {
    const { actor, limit = 100 } = options
    if (!Number.isInteger(limit) || limit < 1)
      throw new RangeError(`Reminders.failing: limit must be an integer of at least 1, but is ${Home.show(limit)}`)
    return Effect.map(storage.failing(actor, limit), (reminders) => reminders.map(toFailing))
  })

const toFailing = (reminder: StoredReminder): FailingReminder => {
  const { failed, ...shown } = toPublic(reminder)
  return {
    actor: reminder.actor,
    key: reminder.key,
    ...shown,
    attempts: reminder.attempts,
    cause: failed ?? reminder.lastFailure ?? "",
    isAbandoned: failed !== undefined
  }
}

/**
 * How many reminders are set, due, failing and abandoned.
 *
 * @category failing
 * @since 0.1.0
 */
export const count = (
  options: {
    /** Only those of this actor: its id. */
    readonly actor?: string | undefined
  } = {}
): Effect.Effect<Counts, SqlError, ReminderStorage> =>
  Effect.gen(function* () {
    return yield* (yield* ReminderStorage).count(options.actor, yield* Clock.currentTimeMillis)
  })

/**
 * Has a reminder that failed fire at once, in place of its pause or though it was abandoned, with all its attempts before
 * it. Succeeds with whether there was one: one that fires just now, or that waits for its next time, is not retried.
 *
 * @category failing
 * @since 0.1.0
 */
export const retry = ({ actor, id, key }: ReminderAddress): Effect.Effect<boolean, SqlError, ReminderStorage> =>
  Effect.flatMap(ReminderStorage, (storage) => storage.retry({ actor, key, id: keys.escape(id) }))

/**
 * Removes a reminder that failed, and succeeds with whether there was one. Its actor may set it again.
 *
 * @category failing
 * @since 0.1.0
 */
export const drop = ({ actor, id, key }: ReminderAddress): Effect.Effect<boolean, SqlError, ReminderStorage> =>
  Effect.flatMap(ReminderStorage, (storage) => storage.remove({ actor, key, id: keys.escape(id) }))

// --- firing ----------------------------------------------------------------------------------------------------------

/**
 * How reminders are fired.
 *
 * @category options
 * @since 0.1.0
 */
export interface DeliverOptions {
  /** How often to look for due reminders, which may be late by this much. Default 1 second. */
  readonly pollInterval?: Duration.Input | undefined
  /**
   * How long a reminder is leased to the node that fires it. If the node dies, others wait that long. The node extends
   * the lease while its call runs. Default 30 seconds; at least three times `pollInterval`.
   */
  readonly lease?: Duration.Input | undefined
  /** How many calls of this node for reminders run at a time. Default 100. */
  readonly maxConcurrency?: number | undefined
  /**
   * How often a failing call is tried, with pauses of 1, 2, 4 to 60 seconds. Then a repeating reminder waits for its
   * next time, and any other is abandoned: it stays in the list with the reason. Default 20.
   */
  readonly maxAttempts?: number | undefined
}

/**
 * Fires the reminders of an actor on this node, through the actor's service. All nodes may do so: each firing is leased
 * to one of them.
 *
 * Times are compared with the node's clock. A wrong clock makes reminders early or late, and may make two nodes fire
 * one, but loses none.
 *
 * @category firing
 * @since 0.1.0
 */
export const deliver = <Self, K, M, Group extends string>(
  actor: Context.Key<Self, KeyedHandle<K, M, Group>>,
  options: DeliverOptions = {}
): Layer.Layer<never, never, Self | ReminderStorage> => {
  const reminded = remindedOf(actor)
  const checked = check(reminded.actor, options)
  return Layer.effectDiscard(
    Effect.gen(function* () {
      const storage = yield* ReminderStorage
      const service = yield* actor
      yield* internal.scan(
        {
          actor: reminded.actor,
          contract: reminded.contract,
          handle: (json) => service.get(keyOf(reminded, json) as K) as Handle<M> as any
        },
        storage,
        checked
      )
    })
  )
}

const check = (actor: string, options: DeliverOptions): internal.ScannerOptions => {
  Home.checkOptions(`${actor}: Reminders.deliver`, options, {
    pollInterval: true,
    lease: true,
    maxConcurrency: true,
    maxAttempts: true
  })
  const pollInterval = finiteMillis(
    `${actor}: the pollInterval of its reminders`,
    options.pollInterval ?? "1 second",
    1
  )
  const lease = finiteMillis(
    `${actor}: the lease of its reminders`,
    options.lease ?? Math.max(30_000, 3 * pollInterval),
    3 * pollInterval
  )
  const { maxAttempts = 20, maxConcurrency = 100 } = options
  for (const [name, value] of Object.entries({ maxAttempts, maxConcurrency })) {
    if (Number.isInteger(value) && value >= 1) continue
    throw new RangeError(
      `${actor}: ${name} of its reminders must be an integer of at least 1, but is ${Home.show(value)}`
    )
  }
  return { pollInterval, lease, maxAttempts, maxConcurrency }
}

/**
 * Firing: a scanner for each actor on each node leases what is due, calls the actor, and settles the reminder.
 */

import * as Home from "@troupe/core/Home"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Metric from "effect/Metric"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import type { SqlError } from "effect/sql/SqlError"
import type { Outcome, ReminderStore, StoredReminder } from "../../Reminders.ts"
import { codecOf, issueOfJson } from "../base/writable.ts"
import { CallId, CurrentWork, DurableCall, type Work } from "../calls/durableCall.ts"

/** A method of a contract, as far as its arguments go. */
export interface Contract {
  readonly [method: string]: { readonly args: ReadonlyArray<Schema.Top> }
}

export interface ScannerOptions {
  /** All durations in milliseconds. */
  readonly pollInterval: number
  readonly lease: number
  readonly maxConcurrency: number
  readonly maxAttempts: number
}

/** The pauses between attempts, in milliseconds: 1 s, 2 s, 4 s, ... */
const FIRST_PAUSE = 1000
const LONGEST_PAUSE = 60_000
/** How often those that were abandoned are counted, in milliseconds. */
const COUNT_INTERVAL = 60_000
/** How long a storage that does not answer may keep a node from ending. */
const SETTLE_LIMIT = "10 seconds"

/** The actor that reminders call. */
export interface Callee {
  readonly actor: string
  readonly contract: Contract | undefined
  /** The handle for a key that was written as JSON. */
  handle(keyJson: string): Record<string, (...args: ReadonlyArray<any>) => Effect.Effect<unknown, unknown>>
}

/** Scans until the Scope closes. Firings are interrupted then, and left to other nodes. */
export const scan = (
  callee: Callee,
  storage: ReminderStore,
  options: ScannerOptions
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.gen(function* () {
    // Finalizers run in reverse order when the Scope closes: nothing more is leased, firings are interrupted, which
    // cancels no durable call since their work is over here, and the remaining leases are released.
    const leases = new Leases()
    yield* Effect.addFinalizer(() =>
      Effect.forEach(leases.owners, (owner) => Effect.ignore(bounded(storage.release(owner))), { discard: true })
    )
    const scope = yield* Scope.fork(yield* Effect.scope)
    const scanner = new Scanner(callee, storage, options, leases, scope)
    yield* Effect.addFinalizer(() => scanner.leave)
    // A storage that is away for a while is asked again at the next turn.
    const patient = Effect.catchCause(scanner.tick, (cause) =>
      Cause.hasInterruptsOnly(cause)
        ? Effect.failCause(cause)
        : Effect.logWarning(`The reminders of ${callee.actor} cannot be read, trying again`, cause)
    )
    yield* Effect.forkScoped(Effect.repeat(patient, Schedule.spaced(options.pollInterval)))
  })

/**
 * The leases of a scanner. Each has an owner of its own: where the answer to a lease was lost, what it may have leased can be
 * released, and is not held with what is being fired.
 */
class Leases {
  /** How many reminders of each are being fired. */
  readonly firing = new Map<string, number>()
  /** Those that failed: nobody knows what they have leased, and nobody fires it. */
  readonly lost = new Set<string>()

  get owners(): ReadonlyArray<string> {
    return [...this.firing.keys(), ...this.lost]
  }

  get count(): number {
    return [...this.firing.values()].reduce((sum, count) => sum + count, 0)
  }

  fired(owner: string): void {
    const left = this.firing.get(owner)! - 1
    if (left === 0) this.firing.delete(owner)
    else this.firing.set(owner, left)
  }
}

/** Leases what is due, and fires it in a Scope. */
class Scanner {
  /** When those that were abandoned were counted. */
  private counted = 0
  private readonly work: Work = { over: false }
  private readonly callee: Callee
  private readonly storage: ReminderStore
  private readonly options: ScannerOptions
  private readonly leases: Leases
  private readonly scope: Scope.Scope

  constructor(callee: Callee, storage: ReminderStore, options: ScannerOptions, leases: Leases, scope: Scope.Scope) {
    this.callee = callee
    this.storage = storage
    this.options = options
    this.leases = leases
    this.scope = scope
  }

  readonly leave: Effect.Effect<void> = Effect.sync(() => {
    this.work.over = true
  })

  readonly tick: Effect.Effect<void, SqlError> = Effect.gen({ self: this }, function* () {
    const { leases, options, storage } = this
    const now = yield* Clock.currentTimeMillis
    if (now - this.counted >= COUNT_INTERVAL) yield* this.count(now)
    for (const owner of leases.lost) {
      yield* storage.release(owner)
      leases.lost.delete(owner)
    }
    const until = now + options.lease
    for (const owner of leases.firing.keys()) yield* storage.extend({ owner, until })
    const room = options.maxConcurrency - leases.count
    if (room <= 0) return
    const owner = crypto.randomUUID()
    const lease = Effect.onError(storage.lease(this.callee.actor, now, room, { owner, until }), () =>
      Effect.sync(() => leases.lost.add(owner))
    )
    // An interruption between the lease and the fork would leave the reminders waiting until the lease is over.
    yield* Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(restore(lease), (due) => {
        if (due.length > 0) leases.firing.set(owner, due.length)
        const fire = (reminder: StoredReminder) => restore(Effect.exit(this.fire(reminder, owner)))
        return Effect.forEach(due, (reminder) => Effect.forkIn(fire(reminder), this.scope), { discard: true })
      })
    )
  })

  /** All nodes that fire the reminders of an actor say the same. */
  private count(now: number): Effect.Effect<void, SqlError> {
    const { actor } = this.callee
    this.counted = now
    return Effect.flatMap(this.storage.count(actor, now), (counts) =>
      Metric.update(Metric.withAttributes(abandoned, { actor }), counts.abandoned)
    )
  }

  private fire(reminder: StoredReminder, owner: string): Effect.Effect<unknown, unknown> {
    return Effect.onExit(Effect.provideService(call(this.callee, reminder), CurrentWork, this.work), (exit) =>
      Effect.ensuring(
        settle(this.storage, reminder, owner, exit, this.options),
        Effect.sync(() => this.leases.fired(owner))
      )
    )
  }
}

/** In a finalizer nothing else would end a wait for storage. */
const bounded = <E>(effect: Effect.Effect<void, E>) => Effect.timeout(Effect.interruptible(effect), SETTLE_LIMIT)

/** The name of one firing. A durable method that is called twice under it runs once. */
const occurrence = ({ actor, due, generation, id, key }: StoredReminder): string =>
  `reminder/${actor}/${key}/${id}/${generation}/${due}`

const call = (callee: Callee, reminder: StoredReminder): Effect.Effect<unknown, unknown> =>
  Effect.suspend(() => {
    const { args, keyJson, method } = reminder
    const handle = callee.handle(keyJson)
    if (typeof handle[method] !== "function") {
      return Effect.die(new TypeError(`${callee.actor} has no method "${method}", so a reminder cannot call it`))
    }
    return Effect.flatMap(decodeArgs(callee.contract?.[method], args), (args) => handle[method]!(...args))
  }).pipe(
    Effect.provideService(CallId, { id: occurrence(reminder), chosen: false, within: undefined }),
    Effect.provideService(DurableCall, { id: occurrence(reminder) })
  )

const settle = (
  storage: ReminderStore,
  reminder: StoredReminder,
  owner: string,
  exit: Exit.Exit<unknown, unknown>,
  options: ScannerOptions
): Effect.Effect<void> =>
  Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const outcome = Exit.isSuccess(exit) ? over(reminder, now) : failed(reminder, now, exit.cause, options)
    if (Exit.isFailure(exit) && !isStopped(exit.cause)) yield* report(reminder, outcome, exit.cause)
    yield* bounded(storage.settle(reminder, owner, outcome))
  }).pipe(
    // The lease ends by itself then, and it fires again: at least once.
    Effect.catchCause((cause) => Effect.logWarning(`${nameOf(reminder)} has fired, but that cannot be saved`, cause))
  )

type Over = Extract<Outcome, { readonly _tag: "Done" | "Next" }>

/** It has fired. What repeats fires next at the first time of its rhythm that is not over. */
const over = ({ due, every }: StoredReminder, now: number): Over =>
  every === undefined
    ? { _tag: "Done" }
    : { _tag: "Next", due: due + every * Math.max(1, Math.floor((now - due) / every) + 1) }

const failed = (
  reminder: StoredReminder,
  now: number,
  cause: Cause.Cause<unknown>,
  { maxAttempts }: ScannerOptions
): Outcome => {
  // This node ends: another one may fire it at once, and this attempt does not count.
  if (isStopped(cause)) return { _tag: "Again", notBefore: 0, attempts: reminder.attempts - 1 }
  const { attempts, due, every } = reminder
  const pause = Math.min(FIRST_PAUSE * 2 ** (attempts - 1), LONGEST_PAUSE)
  const why = Home.errorText(Cause.squash(cause))
  const next = over(reminder, now)
  if (next._tag === "Next" && now + pause >= due + every!) return { ...next, why }
  if (attempts < maxAttempts) return { _tag: "Again", notBefore: now + pause, attempts, why }
  return next._tag === "Next" ? { ...next, why } : { _tag: "Failed", why: Cause.pretty(cause) }
}

const isStopped = (cause: Cause.Cause<unknown>): boolean => Cause.hasInterruptsOnly(cause)

const report = (reminder: StoredReminder, outcome: Outcome, cause: Cause.Cause<unknown>): Effect.Effect<void> => {
  const { actor, attempts, method } = reminder
  const isAbandoned = outcome._tag === "Failed"
  const attempt = `${nameOf(reminder)} failed (attempt ${attempts})`
  const next = outcome._tag === "Next" ? "it fires again at its next time" : "it fires again"
  return Effect.andThen(
    Metric.update(Metric.withAttributes(failures, { actor, method, abandoned: String(isAbandoned) }), 1),
    isAbandoned ? Effect.logError(`${attempt} and is given up`, cause) : Effect.logWarning(`${attempt}: ${next}`, cause)
  )
}

const failures = Metric.counter("troupe_reminders_failed_total", {
  description: "Attempts to fire a reminder that have failed",
  incremental: true
})

const abandoned = Metric.gauge("troupe_reminders_abandoned", {
  description: "Reminders that failed too often and are not tried any more"
})

const nameOf = ({ actor, id, key, method }: StoredReminder): string => `Reminder "${id}" of ${actor}(${key}).${method}`

// --- arguments -------------------------------------------------------------------------------------------------------

const tupleCodec = (contract: { readonly args: ReadonlyArray<Schema.Top> }) =>
  codecOf(Schema.Tuple(contract.args)) as unknown as Schema.Codec<ReadonlyArray<any>, ReadonlyArray<unknown>>

const decodeArgs = (
  contract: Contract[string] | undefined,
  text: string
): Effect.Effect<ReadonlyArray<any>, unknown> =>
  contract === undefined
    ? Effect.sync(() => JSON.parse(text))
    : Schema.decodeEffect(Schema.fromJsonString(tupleCodec(contract)))(text)

/** Arguments as text. Those that would not come back unchanged throw here, in the call that sets the reminder. */
export const encodeArgs = (
  actor: string,
  method: string,
  contract: Contract | undefined,
  args: ReadonlyArray<unknown>
): string => {
  if (contract !== undefined) {
    const own = contract[method]
    if (own === undefined) {
      throw new TypeError(`${actor} has no method "${method}", it has ${Object.keys(contract).join(", ")}`)
    }
    return written(actor, method, Schema.encodeSync(tupleCodec(own))(args))
  }
  const text = written(actor, method, args)
  if (args.every(isJson)) return text
  throw new TypeError(
    `${actor}.${method}: a reminder cannot keep these arguments, since they are not JSON. Give the actor a contract, whose schemas say how to write them`
  )
}

const written = (actor: string, method: string, args: ReadonlyArray<unknown>): string => {
  const issue = issueOfJson("args", args)
  if (issue === undefined) return JSON.stringify(args)
  throw new TypeError(`${actor}.${method}: a reminder cannot keep these arguments: ${issue}`)
}

const isJson = (value: unknown): boolean => {
  if (value === null || typeof value === "string" || typeof value === "boolean") return true
  if (typeof value === "number") return Number.isFinite(value)
  if (Array.isArray(value)) return value.every(isJson)
  if (typeof value !== "object") return false
  return Object.getPrototypeOf(value) === Object.prototype && Object.values(value).every(isJson)
}

/**
 * A durable state in memory: the value as it is in storage, and the right to write it.
 *
 * One operation at a time reads or writes. While a write is under way it is unknown what storage holds, and if the write
 * fails or is interrupted it stays unknown: then `unsure` is set, and the next operation reads first. If the failed write
 * reaches storage after that read, it finds another version there and is refused.
 */
import * as Home from "@troupe/core/Home"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import type { SqlError } from "effect/sql/SqlError"
import type { Identity, Row, StateStore } from "../../DurableState.ts"
import { DurableStateError, StateFenced, StateUnavailable, StateUnreadable } from "../../DurableStateError.ts"
import type { Instance } from "../base/identity.ts"
import { codecOf, issueOf } from "../base/writable.ts"

/** How often a write is tried that meets a late write of its own instance. Each was interrupted, so there are few. */
const MAX_ATTEMPTS = 10

/** How long a claim waits until it tries again. */
const CLAIM_PAUSE = "100 millis"

/** To and from the text that is saved. */
export interface TextCodec<S> {
  /** Dies where there is no text: a value that cannot be saved is a mistake in the program. */
  readonly encode: (value: S) => Effect.Effect<string>
  readonly decode: (text: string) => Effect.Effect<S, Schema.SchemaError>
}

/** `name` is what errors call the value. */
export const codec = <S>(name: string, schema: Schema.Codec<S, any>): TextCodec<S> => {
  const values = codecOf(schema)
  const json = Schema.fromJsonString(values)
  const encode = (value: S) => Effect.suspend(() => Schema.encodeEffect(json)(value))
  return {
    encode: (value) =>
      Effect.catchCause(encode(value), (cause) =>
        Effect.flatMap(issueOf(name, values, value), (issue) =>
          issue === undefined ? Effect.die(Cause.squash(cause)) : Effect.die(new TypeError(issue))
        )
      ),
    decode: Schema.decodeEffect(json) as any
  }
}

type Done = readonly [id: string, result: string]

export interface StateOptions<S> {
  readonly identity: Identity
  /** The instance that dies when it is fenced. Tests and tools may have none. */
  readonly instance: Instance | undefined
  /** Whether this process has the key. Asked before the state is taken over, unless no other process can have it. */
  readonly held: Effect.Effect<boolean, unknown> | undefined
  readonly storage: StateStore
  readonly codec: TextCodec<S>
  readonly initial: () => S
  readonly timeout: number
}

export class State<S> {
  private readonly options: StateOptions<S>
  private readonly lock = Semaphore.makeUnsafe(1)
  private epoch = 0
  private version = 0
  private value: S
  /** The value as it is saved. */
  private text: string | undefined = undefined
  /** The changes that have an id, the latest last, with their results as JSON. */
  private done: ReadonlyArray<Done> = []
  private unsure = true
  /** The fiber whose operation is under way. */
  private holder: Fiber.Fiber<unknown, unknown> | undefined = undefined
  private fenced: DurableStateError | undefined = undefined

  constructor(options: StateOptions<S>) {
    this.options = options
    this.value = options.initial()
  }

  /** Takes the right to write from the instance that has it, and reads. */
  claim(): Effect.Effect<void, DurableStateError> {
    const { held, identity, storage } = this.options
    const claimed = held === undefined ? storage.claim(identity) : this.claimHeld(held)
    return Effect.flatMap(this.ask("claimed", claimed, false), (row) => this.adopt(row!))
  }

  /**
   * Takes the right to write if this process has the key. It may lose the key at any time, frozen between two statements,
   * say. So it looks who may write first, and asks whether it has the key then: whoever gets the key later claims later,
   * and this claim finds that. A process that has lost the key waits, for it will know soon, and end the instance.
   */
  private claimHeld(held: Effect.Effect<boolean, unknown>): Effect.Effect<Row, SqlError> {
    const { identity, storage } = this.options
    return Effect.gen(function* () {
      for (;;) {
        const before = yield* storage.read(identity)
        const isHeld = yield* Effect.orElseSucceed(held, () => false)
        const row = isHeld ? yield* storage.claim(identity, before?.epoch ?? 0) : undefined
        if (row !== undefined) return row
        yield* Effect.sleep(CLAIM_PAUSE)
      }
    })
  }

  /** Lets one operation at a time work on a value that is known. One within another would wait for itself. */
  exclusively<A, E, R>(use: () => Effect.Effect<A, E, R>): Effect.Effect<A, E | DurableStateError, R> {
    return Effect.withFiber((fiber) => {
      if (this.holder === fiber) return Effect.die(nested(this.options.identity))
      const work = Effect.suspend(() => {
        this.holder = fiber
        return this.known() ? use() : Effect.flatMap(this.reload(), use)
      })
      return this.lock.withPermit(Effect.ensuring(work, this.letGo))
    })
  }

  private readonly letGo = Effect.sync(() => {
    this.holder = undefined
  })

  /** Reads a value that is known without waiting for writers. */
  get current(): Effect.Effect<S, DurableStateError> {
    return Effect.suspend(() =>
      this.known() ? Effect.succeed(this.value) : this.exclusively(() => Effect.succeed(this.value))
    )
  }

  /** Replaces the value by what `f` makes of it. */
  modify<A, E, R>(f: (value: S) => Effect.Effect<readonly [A, S], E, R>): Effect.Effect<A, E | DurableStateError, R> {
    return this.exclusively(() =>
      this.persistently(() =>
        Effect.flatMap(f(this.value), ([result, next]) =>
          Effect.map(this.save(next, this.done), (saved) => (saved ? { result } : undefined))
        )
      )
    )
  }

  /** The same for a change with an id: it happens once, and its result is saved with it. */
  modifyOnce<A, E, R>(
    id: string,
    results: TextCodec<A>,
    remember: number,
    f: (value: S) => Effect.Effect<readonly [A, S], E, R>
  ): Effect.Effect<A, E | DurableStateError, R> {
    const attempt = Effect.gen({ self: this }, function* () {
      const known = this.done.find(([other]) => other === id)
      if (known !== undefined) return { result: yield* Effect.mapError(results.decode(known[1]), this.unreadable) }
      const [result, next] = yield* f(this.value)
      const done = [...this.done, [id, yield* results.encode(result)] as const].slice(-remember)
      return (yield* this.save(next, done)) ? { result } : undefined
    })
    return this.exclusively(() => this.persistently(() => attempt))
  }

  /** Tries again what meets a late write of its own instance. */
  private persistently<A, E, R>(
    attempt: () => Effect.Effect<{ readonly result: A } | undefined, E, R>,
    left = MAX_ATTEMPTS
  ): Effect.Effect<A, E | DurableStateError, R> {
    return Effect.flatMap(attempt(), (saved) => {
      if (saved !== undefined) return Effect.succeed(saved.result)
      if (left === 0) return Effect.fail(this.unavailable("its row changes all the time", true))
      return Effect.flatMap(this.reload(), () => this.persistently(attempt, left - 1))
    })
  }

  /** Reads from storage, and makes sure that this instance may write still. */
  reload(): Effect.Effect<S, DurableStateError> {
    const { identity, storage } = this.options
    return Effect.gen({ self: this }, function* () {
      if (this.fenced !== undefined) return yield* this.fenced
      const row = yield* this.ask("read", storage.read(identity), false)
      if (row?.epoch !== this.epoch) return yield* this.fence(row?.epoch)
      yield* this.adopt(row)
      return this.value
    })
  }

  private known(): boolean {
    return !this.unsure && this.fenced === undefined
  }

  /** Whether it was saved. If not, another write of this instance was there before. */
  private save(next: S, done: ReadonlyArray<Done>): Effect.Effect<boolean, DurableStateError> {
    const { codec, identity, storage } = this.options
    return Effect.gen({ self: this }, function* () {
      const text = yield* codec.encode(next)
      if (text === this.text && done === this.done) return true
      const { epoch, version } = this
      this.unsure = true
      const change = { epoch, version, value: text, done: done.length === 0 ? undefined : JSON.stringify(done) }
      const saved = yield* this.ask("saved", storage.save(identity, change), true)
      if (!saved) return false
      this.version = version + 1
      this.text = text
      this.value = next
      this.done = done
      this.unsure = false
      return true
    })
  }

  private adopt(row: Row): Effect.Effect<void, DurableStateError> {
    return Effect.gen({ self: this }, function* () {
      const { codec, initial } = this.options
      this.epoch = row.epoch
      this.value =
        row.value === undefined ? initial() : yield* Effect.mapError(codec.decode(row.value), this.unreadable)
      this.version = row.version
      this.text = row.value
      this.done = row.done === undefined ? [] : JSON.parse(row.done)
      this.unsure = false
    })
  }

  /** Another instance has claimed the key. This one has no business any more, whatever it holds in memory. */
  private fence(by: number | undefined): Effect.Effect<never, DurableStateError> {
    const { identity, instance } = this.options
    const error = new DurableStateError({
      reason: new StateFenced({ ...subject(identity), epoch: this.epoch, by: by ?? -1 })
    })
    this.fenced = error
    if (instance !== undefined)
      Home.died(instance, "another instance of its key has taken over its durable state", Cause.fail(error))
    // The kill interrupts this fiber here, unless it may not be interrupted.
    return Effect.andThen(Effect.yieldNow, error)
  }

  /** Asks storage, for as long as it may take. */
  private ask<A>(
    what: string,
    effect: Effect.Effect<A, SqlError>,
    mayHaveSaved: boolean
  ): Effect.Effect<A, DurableStateError> {
    const { timeout } = this.options
    return effect.pipe(
      Effect.mapError((cause) => unavailable(this.options.identity, what, cause, mayHaveSaved)),
      Effect.timeoutOrElse({
        duration: timeout,
        orElse: () => Effect.fail(this.unavailable(`it was not ${what} within ${timeout} ms`, mayHaveSaved))
      })
    )
  }

  private unavailable(why: string, mayHaveSaved: boolean): DurableStateError {
    return new DurableStateError({
      reason: new StateUnavailable({ ...subject(this.options.identity), why, mayHaveSaved })
    })
  }

  private readonly unreadable = (error: Schema.SchemaError): DurableStateError =>
    new DurableStateError({ reason: new StateUnreadable({ ...subject(this.options.identity), issue: error.message }) })
}

export const unavailable = (
  identity: Identity,
  what: string,
  cause: SqlError,
  mayHaveSaved: boolean
): DurableStateError => {
  const why = `it could not be ${what}: ${cause.message}`
  return new DurableStateError({ reason: new StateUnavailable({ ...subject(identity), why, mayHaveSaved, cause }) })
}

const nested = ({ actor, key }: Identity): TypeError =>
  new TypeError(
    `${actor}(${String(key)}): a change of its durable state makes another one, and would wait for itself: return the new value, or make one after the other`
  )

const subject = ({ actor, key }: Identity) => ({ actor, key: String(key) })

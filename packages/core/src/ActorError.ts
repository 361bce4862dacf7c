/**
 * How a call can fail besides the errors of its method.
 *
 * Every call may fail with an {@link ActorError}. Its `reason` tells what happened, and each reason answers the two
 * questions a caller has next: may the call have run (`mayHaveRun`), and is it safe to send it again (`retrySafe`)?
 * The errors of the method itself are never wrapped: they arrive as the objects that the method failed with.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { NodeInspectSymbol } from "effect/Inspectable"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { errorText, isInstance } from "./internal/base/show.ts"

/**
 * Another copy of this module has classes of its own, and their errors are these errors all the same, of whatever version
 * they are: `instanceof` goes by a mark.
 */
const TaggedError: typeof Schema.TaggedError = (() =>
  (tag: string, fields: any): object => {
    const mark = `~troupe/${tag}`
    const base = Schema.TaggedError<Error>()(tag, fields)
    Object.defineProperty(base.prototype, mark, { value: true })
    return Object.defineProperty(base, Symbol.hasInstance, {
      value(this: object, u: unknown) {
        // What extends one of these classes goes by its prototype, as classes do.
        const isOurs = Object.getPrototypeOf(this) === base
        return isOurs ? Predicate.hasProperty(u, mark) : Function.prototype[Symbol.hasInstance].call(this, u)
      }
    })
  }) as any

const fields = {
  /** The actor: its id, as given to `Actor.Service`, and for a keyed actor `id(key)`. */
  actor: Schema.String,
  /** The method that was called. Empty if the error concerns the whole instance. */
  method: Schema.String
}

/** With the number of the call, so that the failures of a hundred calls of one method can be told apart. */
const ended = {
  ...fields,
  /** The number of the call that ended, as its ref shows it. */
  id: Schema.optional(Schema.Number)
}

/** A reader of a subscription is no call: nothing of it has run. */
const ofReader = {
  /** Set if it was told to a reader of a subscription, whose name is the `method`. */
  isReader: Schema.optionalKey(Schema.Boolean)
}

const subject = (self: {
  readonly actor: string
  readonly method: string
  readonly id?: number | undefined
}): string => {
  const name = self.method === "" ? self.actor : `${self.actor}.${self.method}`
  return self.id === undefined ? name : `${name} #${self.id}`
}

/** A cause may be any value, even one that JSON drops or cannot write. */
const withCauseInWords = (json: any): unknown => ("cause" in json ? { ...json, cause: errorText(json.cause) } : json)

/**
 * The instance is gone for good, and so is the call.
 *
 * @category reasons
 * @since 0.1.0
 */
export class ActorDied extends TaggedError<ActorDied>()("ActorDied", {
  ...ended,
  /** Why the instance died: "it was stopped", "it was killed", "its constructor failed", ... */
  why: Schema.String,
  /** When it died, in milliseconds since the epoch. */
  at: Schema.Number,
  /** Whether the method had started when the instance died. */
  mayHaveRun: Schema.Boolean,
  /** What killed the instance, if something did. */
  cause: Schema.optionalKey(Schema.Defect()),
  ...ofReader
}) {
  get retrySafe(): boolean {
    return false
  }
  override get message(): string {
    const cause = this.cause === undefined ? "" : ` (${errorText(this.cause)})`
    const died = `${subject(this)}: the actor died at ${new Date(this.at).toISOString()} because ${this.why}${cause}.`
    if (this.method === "") return died
    if (this.isReader) return `${died} Its readers have all that it published. Read from a new instance to go on.`
    const ran = this.mayHaveRun ? "This call was running and may have had effects." : "This call did not run."
    return `${died} ${ran} Make a new instance to go on.`
  }
  override toJSON(): unknown {
    return withCauseInWords(super.toJSON())
  }
  override [NodeInspectSymbol](): string {
    return this.toString()
  }
}

/**
 * The instance cannot answer now, but may later: it is restarting, or its home lost touch with it.
 *
 * @category reasons
 * @since 0.1.0
 */
export class ActorUnavailable extends TaggedError<ActorUnavailable>()("ActorUnavailable", {
  ...ended,
  why: Schema.String,
  mayHaveRun: Schema.Boolean,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  get retrySafe(): boolean {
    return !this.mayHaveRun
  }
  override get message(): string {
    const ran = this.mayHaveRun
      ? "The call may have run: send it again only if running it twice does no harm, or set maxTaskRetries."
      : "The call did not run: sending it again is safe."
    return `${subject(this)}: the actor is unavailable because ${this.why}. ${ran}`
  }
  override toJSON(): unknown {
    return withCauseInWords(super.toJSON())
  }
}

/**
 * A caller cancelled the call, or the method interrupted itself.
 *
 * @category reasons
 * @since 0.1.0
 */
export class TaskCancelled extends TaggedError<TaskCancelled>()("TaskCancelled", {
  ...ended,
  mayHaveRun: Schema.Boolean,
  ...ofReader
}) {
  get retrySafe(): boolean {
    return !this.mayHaveRun
  }
  override get message(): string {
    if (this.isReader) return `${subject(this)}: the reader was ended by its signal.`
    return `${subject(this)}: the call was cancelled ${this.mayHaveRun ? "while it ran" : "before it started"}.`
  }
}

/**
 * The call did not settle within its `timeout`, which runs from submission and includes the time in line.
 *
 * @category reasons
 * @since 0.1.0
 */
export class TimedOut extends TaggedError<TimedOut>()("TimedOut", {
  ...ended,
  /** The timeout, in milliseconds. */
  timeout: Schema.Number,
  mayHaveRun: Schema.Boolean
}) {
  get retrySafe(): boolean {
    return !this.mayHaveRun
  }
  override get message(): string {
    const ran = this.mayHaveRun
      ? "It was running, was interrupted, and may have had effects."
      : "It was waiting and did not run: sending it again is safe."
    return `${subject(this)}: the call did not settle within its timeout of ${Duration.format(Duration.millis(this.timeout))}. ${ran}`
  }
}

/**
 * The instance rejected the call, since it had `maxPendingCalls` unsettled calls.
 *
 * @category reasons
 * @since 0.1.0
 */
export class PendingCallsLimitExceeded extends TaggedError<PendingCallsLimitExceeded>()("PendingCallsLimitExceeded", {
  ...fields,
  maxPendingCalls: Schema.Number
}) {
  get mayHaveRun(): boolean {
    return false
  }
  get retrySafe(): boolean {
    return true
  }
  override get message(): string {
    return `${subject(this)}: rejected because maxPendingCalls (${this.maxPendingCalls}) was reached. Try again later, raise the limit, or let callers wait for room with overflow: "suspend".`
  }
}

/**
 * The call would have waited for itself, directly or through other calls.
 *
 * @category reasons
 * @since 0.1.0
 */
export class Deadlock extends TaggedError<Deadlock>()("Deadlock", {
  ...fields,
  /**
   * The calls of the cycle, each waiting for the next. The first is repeated at the end, unless the last is a call of
   * the same method that is in line behind it.
   */
  cycle: Schema.Array(Schema.String),
  /** Whether the call has started. The call that completed the cycle usually has not. */
  mayHaveRun: Schema.Boolean.pipe(Schema.withConstructorDefault(Effect.succeed(true)))
}) {
  get retrySafe(): boolean {
    return false
  }
  override get message(): string {
    return `${subject(this)}: deadlock, these calls wait for each other: ${this.cycle.join(" -> ")}. Raise maxConcurrency, or do not wait inside the cycle.`
  }
}

/**
 * An argument or a result does not match the contract of the method.
 *
 * @category reasons
 * @since 0.1.0
 */
export class DecodeError extends TaggedError<DecodeError>()("DecodeError", {
  ...fields,
  /** What does not match, and how. */
  issue: Schema.String,
  mayHaveRun: Schema.Boolean
}) {
  get retrySafe(): boolean {
    return false
  }
  override get message(): string {
    return `${subject(this)}: ${this.issue}`
  }
}

/**
 * The caller and the node that should run the call have versions of the contract that do not understand each other. The
 * call was not sent.
 *
 * @category reasons
 * @since 0.1.0
 */
export class ContractMismatch extends TaggedError<ContractMismatch>()("ContractMismatch", {
  ...fields,
  /** What differs: `args[0].amount`, `success`, `error(NotFound).id`. Empty if it is the whole method. */
  field: Schema.String,
  /** What the caller has there. */
  here: Schema.UndefinedOr(Schema.String),
  /** What the node has there. */
  there: Schema.UndefinedOr(Schema.String),
  /** The node, for people. */
  node: Schema.String
}) {
  get mayHaveRun(): boolean {
    return false
  }
  /** Another node may have a method that this one lacks. */
  get retrySafe(): boolean {
    return this.field === "" && this.there === undefined
  }
  override get message(): string {
    const what = this.field === "" ? "the method" : this.field
    const sides = `${what} is ${this.here ?? "missing"} here, and ${this.there ?? "missing"} on ${this.node}`
    return `${subject(this)}: the call was not sent, since ${sides}. Replace the older of the two: npx troupe contracts tells which changes roll out while both versions run.`
  }
}

/**
 * The side where the actor lives does not let this caller have the call.
 *
 * @category reasons
 * @since 0.1.0
 */
export class Denied extends TaggedError<Denied>()("Denied", {
  ...fields,
  why: Schema.String
}) {
  get mayHaveRun(): boolean {
    return false
  }
  get retrySafe(): boolean {
    return false
  }
  override get message(): string {
    return `${subject(this)}: denied, since ${this.why}. The call did not run.`
  }
}

/**
 * Everything that can be the `reason` of an {@link ActorError}.
 *
 * @category models
 * @since 0.1.0
 */
export type Reason =
  | ActorDied
  | ActorUnavailable
  | TaskCancelled
  | TimedOut
  | PendingCallsLimitExceeded
  | Deadlock
  | DecodeError
  | ContractMismatch
  | Denied

/**
 * The one error that every call may fail with, besides the errors of its method.
 *
 * Handle a single reason with `Effect.catchReason("ActorError", "ActorDied", ...)`.
 *
 * @category errors
 * @since 0.1.0
 */
export class ActorError extends TaggedError<ActorError>()("ActorError", {
  reason: Schema.Union([
    ActorDied,
    ActorUnavailable,
    TaskCancelled,
    TimedOut,
    PendingCallsLimitExceeded,
    Deadlock,
    DecodeError,
    ContractMismatch,
    Denied
  ])
}) {
  /** Whether the method may have started. When `false`, the call had no effect at all. */
  get mayHaveRun(): boolean {
    return this.reason.mayHaveRun
  }
  /** Whether the caller may send the same call again: no effect can happen twice, and the call may well succeed. */
  get retrySafe(): boolean {
    return this.reason.retrySafe
  }
  override get message(): string {
    return this.reason.message
  }
  /** What a JSON log shows. */
  override toJSON(): unknown {
    const { _tag, mayHaveRun, message, reason, retrySafe } = this
    return { _tag, message, mayHaveRun, retrySafe, reason }
  }
  /** `console.log` prints what happened, what to do and which calls led to it, rather than the fields of the object. */
  override [NodeInspectSymbol](): string {
    return this.stack ?? this.toString()
  }
}

/**
 * Another living instance of the same `ActorSystem` has the name. The name is free again once that instance is gone.
 *
 * @category errors
 * @since 0.1.0
 */
export class ActorNameTaken extends TaggedError<ActorNameTaken>()("ActorNameTaken", {
  /** The id of the actor that wanted the name. */
  actor: Schema.String,
  name: Schema.String,
  /** The id of the actor that has it. */
  holder: Schema.String
}) {
  override get message(): string {
    const remedy =
      this.holder === this.actor
        ? "Choose another, stop that instance, or use it with getIfExists: true."
        : "Choose another, or stop that instance."
    return `${this.actor}: the name "${this.name}" is taken by an instance of ${this.holder}. ${remedy}`
  }
  // Errors begin with their name, and this one has that of the instance.
  override toString(): string {
    return `ActorNameTaken: ${this.message}`
  }
  override [NodeInspectSymbol](): string {
    return this.toString()
  }
}

/**
 * Tells whether a value is an {@link ActorError}.
 *
 * @category guards
 * @since 0.1.0
 */
export const isActorError = (u: unknown): u is ActorError => isInstance(u, ActorError)

/**
 * The annotation that every failure of a call carries in its cause: which call failed, and which calls led to it.
 * Read it with `Context.getOption(Cause.annotations(cause), ActorError.FailedCall)`.
 *
 * @category annotations
 * @since 0.1.0
 */
export class FailedCall extends Context.Service<
  FailedCall,
  {
    /** `actor.method` of the call that failed first. */
    readonly call: string
    /** The number of that call, as its ref shows it. */
    readonly id: number
    /** The calls that led to it, nearest first: its caller, the caller of that, and so on. */
    readonly callers: ReadonlyArray<string>
  }
>()("troupe/ActorError/FailedCall") {}

/**
 * The defect of a blocking `ObjectRef.get`, `wait` or `getSync` inside an actor that got around the type rule.
 *
 * @category errors
 * @since 0.1.0
 */
export class BlockingGetError extends Error {
  readonly _tag = "BlockingGetError"
  override readonly name = "BlockingGetError"
  readonly actor: string
  readonly method: string
  constructor(actor: string, method: string, operation: string) {
    super(
      `${actor}.${method}: ObjectRef.${operation} blocks, which an actor may not do: it could wait for itself. yield* the ObjectRef instead.`
    )
    this.actor = actor
    this.method = method
  }
}

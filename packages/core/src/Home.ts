/**
 * For authors of homes: places outside this process, or this thread, where actors can live.
 *
 * A home is a constructor whose methods send their calls elsewhere. Everything else about a call, its place in line,
 * its permits, retries, deadline and cancellation, stays with the caller's side, so that it means the same in every
 * home. On the other side the calls are submitted to an ordinary instance of the actor, whose own limits, retries and
 * deadlines the caller's side applies.
 *
 * You need this module only to write a home.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Layer from "effect/Layer"
import type * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import type * as Tracer from "effect/Tracer"
import type { AnyContract } from "./Actor.ts"
import type { ActorContext } from "./ActorContext.ts"
import type { ActorDied, ActorError, Reason } from "./ActorError.ts"
import type { ReaderOptions, Resync } from "./Broadcast.ts"
import * as effectInternals from "./internal/base/effectInternals.ts"
import * as errors from "./internal/base/errors.ts"
import * as evaluable from "./internal/base/evaluable.ts"
import * as options from "./internal/base/options.ts"
import * as values from "./internal/base/show.ts"
import * as time from "./internal/base/time.ts"
import * as baggage from "./internal/call/baggage.ts"
import * as carried from "./internal/call/carried.ts"
import * as failure from "./internal/call/failure.ts"
import * as methods from "./internal/call/method.ts"
import * as unobserved from "./internal/call/unobserved.ts"
import { Publication as PublicationOf } from "./internal/handle/publication.ts"
import * as home from "./internal/kinds/home.ts"
import * as joining from "./internal/kinds/joining.ts"
import * as schemas from "./internal/kinds/schemas.ts"
import * as task from "./internal/kinds/task.ts"
import type { TaskSchemas } from "./Task.ts"

type Self = ActorContext["Service"]

// --- the caller's side -----------------------------------------------------------------------------------------------

/**
 * A call that holds a permit, from `start` to {@link report}.
 *
 * @category models
 * @since 0.1.0
 */
export interface Call {
  /** Unique in the process. */
  readonly id: number
  /** The context of the submitter. */
  readonly context: Context.Context<never>
  readonly method: { readonly name: string; readonly label: string }
}

/**
 * What a method of a home returns: the work of one call, done somewhere else. It costs no fiber.
 *
 * `start(call)` sends the call on its way. `interruptUnsafe()` asks for an early end; when it comes before `start`,
 * `start` is never called. The home calls {@link report} exactly once for each call that was started.
 *
 * @category models
 * @since 0.1.0
 */
export const Carried: abstract new () => {
  start(call: Call): void
  interruptUnsafe(): void
} = carried.Carried as any

/**
 * Reports the end of a call. `restarted` says that the instance on the other side was restarted, or lost, while the
 * call ran: the call then runs again if its `maxTaskRetries` allows it.
 *
 * @category the caller's side
 * @since 0.1.0
 */
export const report: (call: Call, exit: Exit.Exit<any, any>, restarted: boolean) => void = home.report as any

/**
 * Says, before {@link report}, that a call has not begun on the other side: its home was lost first. So it runs again
 * whatever its `maxTaskRetries`, and if it cannot, its error says that it has not run.
 *
 * @category the caller's side
 * @since 0.1.0
 */
export const notBegun: (call: Call) => void = home.notBegun as any

/**
 * Whether a call that was lost with its home may run again: if its `maxTaskRetries` is not used up, or `least` retries are
 * not. It counts the run that follows. For calls that a home runs on a fiber, as it does those of tasks.
 *
 * @category the caller's side
 * @since 0.1.0
 */
export const runsAgain: (call: Call, least: number) => boolean = home.runsAgain as any

/**
 * The call that a context belongs to, if it has not settled. In a streaming method that is the call of the stream.
 *
 * @category the caller's side
 * @since 0.1.0
 */
export const callIn: (context: Context.Context<never>) => Call | undefined = home.callIn as any

/**
 * Whether a call was told to end for good: it was cancelled or timed out, or its instance dies.
 *
 * @category the caller's side
 * @since 0.1.0
 */
export const endsForGood: (call: Call) => boolean = home.endsForGood as any

/**
 * Whether a call was told to end because its instance dies.
 *
 * @category the caller's side
 * @since 0.1.0
 */
export const isDying: (call: Call) => boolean = home.isDying as any

/**
 * Whether a fiber with this context is interrupted because an instance ends or restarts: the one that it works for, or
 * one further up the chain of askers. In that case no caller has cancelled the call that the fiber waits for.
 *
 * @category the caller's side
 * @since 0.1.0
 */
export const endsWithInstance: (context: Context.Context<never>) => boolean = home.endsWithInstance

/**
 * The span of a call, if it has one: the parent of the spans that are made for it elsewhere.
 *
 * @category the caller's side
 * @since 0.1.0
 */
export const spanOf: (call: Call) => Tracer.AnySpan | undefined = home.spanOf as any

/**
 * What travels with a call besides its arguments: carried references, log annotations, how much time is left. It is data
 * that JSON has, for {@link unpackBaggage} on the other side.
 *
 * @category models
 * @since 0.1.0
 */
export interface Baggage extends Readonly<Record<string, unknown>> {}

/**
 * What a home sends with a call or a reader, or `undefined` if there is nothing, as is the case in programs that use none
 * of it. Throws a {@link BaggageError} if a reference does not fit its schema. `deadline: false` leaves out how much time
 * is left, for calls that outlive their callers. Readers have no deadline.
 *
 * @category the caller's side
 * @since 0.1.0
 */
export const baggageOf: (from: Call | Reader, options?: { readonly deadline?: boolean }) => Baggage | undefined =
  home.baggageOf as any

/**
 * A reader of a subscription, on its way to where the instance lives. It has passed the middleware of its own side.
 *
 * @category the caller's side
 * @since 0.1.0
 */
export interface Reader {
  /** Passes that middleware once more: for a home that has the reader join again by itself. Fails if it is refused. */
  readonly again: Effect.Effect<void, any>
}

/**
 * What a call is refused with whose carried references cannot be written, or read. Its message is the `issue` of a
 * `DecodeError`.
 *
 * @category the caller's side
 * @since 0.1.0
 */
export const BaggageError: new (message: string) => TypeError = baggage.BaggageError

/**
 * Marks what the constructor of a home gives for a subscription: a function that gives what the instance publishes, as a
 * Stream. A reader is no call, and has none in its context.
 *
 * If there is a `notice`, the reader has read another life of the instance: the Stream begins with that `Resync`, once it
 * has joined, so that nothing is lost between what the reader then loads and the items. When the Stream ends or fails since
 * the instance does, or is made anew, readers are told so, or go on with the next life. What {@link baggageOf} gives for
 * the `reader` goes with it.
 *
 * @category the caller's side
 * @since 0.1.0
 */
export const subscription: <
  F extends (
    options: ReaderOptions,
    notice: Resync["reason"] | undefined,
    reader: Reader
  ) => Stream.Stream<unknown, unknown>
>(
  read: F
) => F = methods.readable

/**
 * Provides an actor whose instances here only carry calls to where others live, as `Actor.toLayer` does, from a
 * constructor whose methods return {@link Carried}s, Streams and {@link subscription}s. Such calls never wait for each
 * other, so it comes without the search for deadlocks, which a page would have to load.
 *
 * @category the caller's side
 * @since 0.1.0
 */
export const toClients: (
  actor: { readonly key: string; readonly methods: AnyContract },
  make:
    | Effect.Effect<Readonly<Record<string, unknown>>, never, ActorContext>
    | ((key: any) => Effect.Effect<Readonly<Record<string, unknown>>, never, ActorContext>),
  options?: { readonly maxConcurrency?: number; readonly shutdownTimeout?: Duration.Input }
) => Layer.Layer<any> = joining.toClients as any

/**
 * What an instance is told about its home.
 *
 * @category models
 * @since 0.1.0
 */
export interface Link {
  /** Where the instance lives, for people. */
  describe(): Readonly<Record<string, string | number | boolean>>
  /** How `ObjectRef.getSync` blocks on calls that this home carries, if it can. */
  readonly pump?: Pump | undefined
}

/**
 * How a thread that blocks still receives results.
 *
 * @category models
 * @since 0.1.0
 */
export interface Pump {
  /** Sends all messages that are still queued. */
  flush(): void
  /** Blocks for at most this many milliseconds, then takes in the messages that have arrived. `false`: none ever will. */
  receive(milliseconds: number): boolean
}

/**
 * Tells an instance about its home. The constructor calls it each time it runs.
 *
 * @category the caller's side
 * @since 0.1.0
 */
export const link: (self: Self, link: Link) => void = home.link

/**
 * The home is lost: calls that it carries are interrupted and the instance starts again, as its `restart` schedule
 * says. Without one it dies. Waiting calls stay in line.
 *
 * @category the caller's side
 * @since 0.1.0
 */
export const crash: (self: Self, why: string, cause: Cause.Cause<unknown>) => void = home.crash

/**
 * The instance cannot live on the other side, so it dies here, with all its calls.
 *
 * @category the caller's side
 * @since 0.1.0
 */
export const died: (self: Self, why: string, cause: Cause.Cause<unknown> | undefined) => void = home.died

/**
 * The instance ends on the other side, which decides what becomes of its running calls. Here it accepts no more calls,
 * and its waiting calls fail.
 *
 * @category the caller's side
 * @since 0.1.0
 */
export const ends: (self: Self, why: string, cause: Cause.Cause<unknown> | undefined) => void = home.ends

/**
 * Throws a `TypeError` for an option that is not among `known`, the list of all options: otherwise a misspelt option in
 * untyped code would be ignored. The message names `subject`.
 *
 * @category options
 * @since 0.1.0
 */
export const checkOptions: <O extends object>(
  subject: string,
  given: O,
  known: { readonly [K in keyof O]-?: true }
) => void = options.onlyKnown

/**
 * The duration that a user gives as an option, or `undefined` if it is none. Unlike `Duration.fromInput`, it does not take
 * `NaN`, or a number in a field that does not exist, for no time at all.
 *
 * @category options
 * @since 0.1.0
 */
export const durationOf: (value: unknown) => Duration.Duration | undefined = options.durationOf

// --- the other side --------------------------------------------------------------------------------------------------

/**
 * The options of an actor that the caller's side has to apply, as plain data.
 *
 * @category models
 * @since 0.1.0
 */
export interface Terms extends Readonly<Record<string, unknown>> {
  /** In milliseconds. */
  readonly shutdownTimeout: number
  /** In milliseconds, if it was given. */
  readonly idleTimeToLive: number | undefined
  /** The names of the options that were given as functions, which cannot cross. */
  readonly functions: ReadonlyArray<string>
}

/**
 * The terms on which the instance behind a handle accepts calls, or all instances behind a keyed service.
 *
 * @category the other side
 * @since 0.1.0
 */
export const terms: (service: object) => Terms = home.terms

/**
 * Whether an instance of a keyed actor ended because it was idle: then the next call starts a new one.
 *
 * @category the other side
 * @since 0.1.0
 */
export const endedIdle: (death: ActorDied) => boolean = home.endedIdle

/**
 * A call that was submitted for a caller on the other side.
 *
 * @category models
 * @since 0.1.0
 */
export interface Accepted {
  readonly id: number
}

/**
 * A context in which what has come with a call is set. What this side has no reference for stays with it, and goes on with
 * the calls that are made in turn. Throws a {@link BaggageError}.
 *
 * @category the other side
 * @since 0.1.0
 */
export const unpackBaggage: (context: Context.Context<never>, baggage: Baggage) => Context.Context<never> =
  baggage.unpack

/**
 * How many milliseconds the caller had left when it sent its call, if its time is bounded.
 *
 * @category the other side
 * @since 0.1.0
 */
export const timeLeftIn: (baggage: Baggage) => number | undefined = home.timeLeftIn

/**
 * Submits a call to the instance behind a handle, without its limits, retries and deadlines. `onExit` is called once,
 * perhaps before this returns; `restarted` is for {@link report}. `left` is how many milliseconds the caller has left, for
 * what the call itself calls: the caller's side ends the call in time.
 *
 * @category the other side
 * @since 0.1.0
 */
export const submit: (
  handle: object,
  method: string,
  args: ReadonlyArray<unknown>,
  context: Context.Context<never>,
  onExit: (exit: Exit.Exit<any, any>, restarted: boolean) => void,
  left?: number | undefined
) => Accepted = home.submit as any

/**
 * The same for a streaming method: the call begins with the first pull. Of a subscription it is a reader.
 *
 * @category the other side
 * @since 0.1.0
 */
export const stream: (
  handle: object,
  method: string,
  args: ReadonlyArray<unknown>,
  context: Context.Context<never>,
  left?: number | undefined
) => Stream.Stream<unknown, unknown> = home.stream as any

/**
 * The same call, of a handle on this side, as one that has come from a caller elsewhere: middleware that runs where the
 * calls are made has run there. If the caller has only so many milliseconds `left`, the call ends by then: its caller may
 * be gone before it ends the call.
 *
 * @category the other side
 * @since 0.1.0
 */
export const served: <Ask>(ask: Ask, left: number | undefined) => Ask = home.served as any

/**
 * Who hears of a call that is {@link heard}.
 *
 * @category models
 * @since 0.1.0
 */
export interface Hearer {
  /** It is being submitted. If it is {@link interrupt}ed, it fails with `TaskCancelled`, or ends as it would have all the same. */
  submitted(call: Accepted): void
  /** It has failed, and its instance is being made anew: see {@link report}. */
  restarted(): void
}

/**
 * The same call, of which `hearer` hears. Interrupting who waits for it cancels it, as for all asks.
 *
 * @category the other side
 * @since 0.1.0
 */
export const heard: <Ask>(ask: Ask, hearer: Hearer) => Ask = home.heard as any

/**
 * What an instance has published, as a reader of {@link sharing} gets it.
 *
 * @category the other side
 * @since 0.1.0
 */
export interface Publication {
  readonly item: unknown
  /** What `make` makes of the item: once for each `key`, for all readers together. */
  as<A>(key: object, make: (item: unknown) => A): A
}

/**
 * Whether something is a {@link Publication}.
 *
 * @category the other side
 * @since 0.1.0
 */
export const isPublication = (u: unknown): u is Publication => u instanceof PublicationOf

/**
 * The same reader of a subscription, which gets a {@link Publication} for each item, so that what is written for many
 * readers is written once. Where the instance lives elsewhere, it gets the items.
 *
 * @category the other side
 * @since 0.1.0
 */
export const sharing: <Ask>(ask: Ask) => Ask = home.sharing as any

/**
 * Cancels a call that was submitted with {@link submit}, whose `onExit` tells when it has ended, or one that is {@link heard}.
 * `false` if it waits for room, so that there is nothing to cancel yet.
 *
 * @category the other side
 * @since 0.1.0
 */
export const interrupt: (call: Accepted) => boolean = home.interrupt as any

/**
 * A context for one call, with a service that its method finds there. What an instance derives from `context` it derives
 * once for all calls, however many have a service of their own.
 *
 * @category the other side
 * @since 0.1.0
 */
export const withService: <S>(
  context: Context.Context<never>,
  key: Context.Key<any, S>,
  service: S
) => Context.Context<never> = home.withService

/**
 * Where the instances of an actor live, for snapshots on the other side.
 *
 * @category models
 * @since 0.1.0
 */
export interface Residence {
  /** `undefined` for an actor that the home did not start. */
  describe(actor: string, key: unknown): Readonly<Record<string, string | number | boolean>> | undefined
  /**
   * Whether the instances that are made here are clients: they only carry calls to instances that live elsewhere. The
   * process of those instances counts the calls, so the metrics of clients have different names.
   */
  readonly client?: boolean | undefined
}

/**
 * The residence of the instances that are started in this context, and of those that they start in turn. A snapshot
 * asks it, and only for instances whose constructor did not {@link link} them to a home.
 *
 * @category the other side
 * @since 0.1.0
 */
export const Residence: Context.Reference<Residence | undefined> = carried.Residence

/**
 * The id of the actor whose instances are made in this context only to carry calls to where others live. A constructor that
 * {@link link}s its instance says the same, but later than the first calls of a key.
 *
 * @category the caller's side
 * @since 0.1.0
 */
export const Elsewhere: Context.Reference<string | undefined> = carried.Elsewhere

/**
 * Whether a call that has come over the wire was submitted with `.remote` on the other side. A home provides it to the
 * call if spans are collected: the kind of the span is then `consumer`, and `server` otherwise.
 *
 * @category the other side
 * @since 0.1.0
 */
export const SubmittedRemotely: Context.Reference<boolean> = carried.SubmittedRemotely

// --- what both sides agree on ----------------------------------------------------------------------------------------

/**
 * A schema as text, down to its parts, for two sides to compare. What a check or a declaration of the user's own does is
 * code, which has no text that both sides share: names of classes and functions, which bundlers change, are not part of it.
 *
 * @category what both sides agree on
 * @since 0.1.0
 */
export const schemaText: (schema: Schema.Top) => string = schemas.schemaText

/**
 * The errors of a method, one by one: a wire has those of the home beside them. One among many is written as it is alone.
 *
 * @category what both sides agree on
 * @since 0.1.0
 */
export const errorsOf: (error: Schema.Top) => ReadonlyArray<Schema.Top> = schemas.errorsOf

/**
 * Makes the error of a call for a reason of the home. It has no stack: that would show where the home learned of it.
 *
 * @category the caller's side
 * @since 0.1.0
 */
export const actorError: (reason: () => Reason) => ActorError = failure.actorError

// --- tasks -----------------------------------------------------------------------------------------------------------

/**
 * A place outside the process of the caller where tasks run.
 *
 * @category models
 * @since 0.1.0
 */
export interface Tasks {
  /**
   * How the task of this name runs there, or `undefined` if it does not run there: then it runs in the process of its
   * caller. Its definition says how values cross.
   */
  find(
    name: string,
    task: TaskDefinition
  ): ((args: ReadonlyArray<unknown>) => Effect.Effect<unknown, unknown>) | undefined
}

/**
 * What a task was made of.
 *
 * @category models
 * @since 0.1.0
 */
export interface TaskDefinition extends TaskSchemas<any, any, any> {
  readonly name: string
  readonly run: (...args: ReadonlyArray<any>) => Effect.Effect<any, any>
}

/**
 * Where the calls of tasks run. Their limits, retries and deadlines stay with the caller's process.
 *
 * @category tasks
 * @since 0.1.0
 */
export const Tasks: Context.Reference<Tasks | undefined> = task.TaskHome

/**
 * What a task was made of, or `undefined` for a value that is not a task.
 *
 * @category tasks
 * @since 0.1.0
 */
export const taskOf = (u: unknown): TaskDefinition | undefined => (u as any)?.[task.TaskKey]

// --- values of users -------------------------------------------------------------------------------------------------

/**
 * Reads a user's value, which may throw wherever it is touched; then the result is `undefined`.
 *
 * @category values of users
 * @since 0.1.0
 */
export const attempt: <A>(look: () => A) => A | undefined = values.attempt

/**
 * The text of a user's value for a message: short, and it never throws, whatever the value is.
 *
 * @category values of users
 * @since 0.1.0
 */
export const show: (value: unknown) => string = values.show

/**
 * What is wrong with a value, from the error that its schema threw.
 *
 * @category values of users
 * @since 0.1.0
 */
export const issueText: (error: unknown) => string = schemas.issueText

/**
 * The message of an error. An error may be any value.
 *
 * @category values of users
 * @since 0.1.0
 */
export const errorText: (error: unknown) => string = values.errorText

/**
 * The text of a key in the label of an instance. It is for people: two keys may have the same text, as `7` and `"7"`
 * do.
 *
 * @category values of users
 * @since 0.1.0
 */
export const keyText: (key: unknown) => string = values.keyText

/**
 * What a value is that stands where an Effect has to be, and how to make an Effect of it, for a message: `a Promise. Wrap
 * it: Effect.promise(() => ...)`. A rejection of such a Promise does not end the process.
 *
 * @category values
 * @since 0.1.0
 */
export const noEffect: (value: unknown) => string = evaluable.noEffect

/**
 * Milliseconds since some moment, with a fraction, by a clock that only goes forwards: for how long something takes. Only
 * differences between those of one clock mean anything.
 *
 * @category values
 * @since 0.1.0
 */
export const elapsed: (clock: Clock.Clock) => number = time.elapsed

/**
 * Makes an error without a stack: for errors that a home makes on behalf of the other side, where the stack would show the
 * inside of the home.
 *
 * @category values
 * @since 0.1.0
 */
export const withoutStack: <A>(make: () => A) => A = errors.withoutStack

/**
 * How a call fails that goes on although this process does not wait for it any more. If nobody looks at that failure it
 * needs no report: nothing is lost.
 *
 * @category the caller's side
 * @since 0.1.0
 */
export const goesOn: <E>(error: E) => Cause.Cause<E> = unobserved.goesOn

/**
 * The stack of an error for the other side: up to where the inside of Effect, or of this library, begins.
 *
 * @category values
 * @since 0.1.0
 */
export const framesOfUsers: (stack: string) => string = errors.framesOfUsers

/**
 * Calls a function of a user, so that a printed cause shows the frames of that function, and none of what called it.
 *
 * @category values
 * @since 0.1.0
 */
export const callUsers: <Args extends ReadonlyArray<any>, A>(f: (...args: Args) => A, args: Args) => A =
  errors.callUsers

/**
 * Has a service say how to provide it, in place of Effect's "Service not found", where it is asked for and missing.
 *
 * @category values
 * @since 0.1.0
 */
export const explainMissing: <Key extends Context.Service<any, any>>(key: Key, explain: (self: Key) => string) => Key =
  effectInternals.explainMissing

/**
 * For those who write homes: places beyond this process, or this thread, where actors can live.
 *
 * A home is a constructor whose methods send their calls elsewhere. Everything else about a call, its place in line, its
 * permits, retries, deadline and cancellation, stays with the caller's side, so that it means the same in every home.
 * On the other side the calls are submitted to an instance of the actor as it is, whose own limits, retries and
 * deadlines are left to the caller's side.
 *
 * Nobody who only uses actors needs this module.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Stream from "effect/Stream"
import type * as Tracer from "effect/Tracer"
import type { AnyContract } from "./Actor.ts"
import type { ActorContext } from "./ActorContext.ts"
import type { ActorDied } from "./ActorError.ts"
import * as options from "./internal/base/options.ts"
import * as values from "./internal/base/show.ts"
import * as carried from "./internal/call/carried.ts"
import * as home from "./internal/kinds/home.ts"
import * as signature from "./internal/kinds/signature.ts"
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
 * `start(call)` sends the call on its way, `interruptUnsafe()` asks for an early end and may come before `start`, which
 * then never comes. Either way {@link report} is called exactly once for each call that was started.
 *
 * @category models
 * @since 0.1.0
 */
export const Carried: abstract new () => {
  start(call: Call): void
  interruptUnsafe(): void
} = carried.Carried as any

/**
 * Reports the end of a call. `restarted` says that the instance over there was restarted, or lost, under it: the call
 * runs again as far as its `maxTaskRetries` go.
 *
 * @category the caller's side
 * @since 0.1.0
 */
export const report: (call: Call, exit: Exit.Exit<any, any>, restarted: boolean) => void = home.report as any

/**
 * Says, before {@link report}, that a call has not begun over there: its home was lost first. So it runs again whatever
 * its `maxTaskRetries`, and if it does not, its error says that it has not run.
 *
 * @category the caller's side
 * @since 0.1.0
 */
export const notBegun: (call: Call) => void = home.notBegun as any

/**
 * The call that a context belongs to, if it has not settled: in a streaming method, its own.
 *
 * @category the caller's side
 * @since 0.1.0
 */
export const callIn: (context: Context.Context<never>) => Call | undefined = home.callIn as any

/**
 * Whether a call was told to end for good: cancelled, out of time, or of an instance that dies.
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
 * Whether a fiber with this context is interrupted since an instance ends or restarts, the one that it works for or one
 * further up that asked: then nobody has cancelled what it waits for.
 *
 * @category the caller's side
 * @since 0.1.0
 */
export const endsWithInstance: (context: Context.Context<never>) => boolean = home.endsWithInstance

/**
 * The span of a call, if it has one: what is done for it elsewhere belongs below it.
 *
 * @category the caller's side
 * @since 0.1.0
 */
export const spanOf: (call: Call) => Tracer.AnySpan | undefined = home.spanOf as any

/**
 * What an instance is told about its home.
 *
 * @category models
 * @since 0.1.0
 */
export interface Link {
  /** Where the instance lives, for people who look at it. */
  describe(): Readonly<Record<string, string | number | boolean>>
  /** How `ObjectRef.getSync` blocks on calls that this home carries, if it can. */
  readonly pump?: Pump | undefined
}

/**
 * How a thread that blocks hears of results all the same.
 *
 * @category models
 * @since 0.1.0
 */
export interface Pump {
  /** Sends what waits to be sent. */
  flush(): void
  /** Blocks for at most so many milliseconds, then takes in what has arrived. `false` says that nothing ever will. */
  receive(milliseconds: number): boolean
}

/**
 * Tells an instance about its home. For constructors, each time they run.
 *
 * @category the caller's side
 * @since 0.1.0
 */
export const link: (self: Self, link: Link) => void = home.link

/**
 * The home is lost: calls that it carries are interrupted and the instance is made anew, as its `restart` schedule says.
 * Without one it dies. Waiting calls stay in line.
 *
 * @category the caller's side
 * @since 0.1.0
 */
export const crash: (self: Self, why: string, cause: Cause.Cause<unknown>) => void = home.crash

/**
 * The instance cannot live over there, and so it dies here, with all its calls.
 *
 * @category the caller's side
 * @since 0.1.0
 */
export const died: (self: Self, why: string, cause: Cause.Cause<unknown> | undefined) => void = home.died

/**
 * The instance ends over there, which knows what becomes of the calls that run. Here it takes no more calls, and those
 * that wait fail.
 *
 * @category the caller's side
 * @since 0.1.0
 */
export const ends: (self: Self, why: string, cause: Cause.Cause<unknown> | undefined) => void = home.ends

/**
 * Throws a `TypeError` for an option that is not among `known`, which has all that there are: from untyped code, a
 * misspelt option would be none. `subject` is named in the message.
 *
 * @category options
 * @since 0.1.0
 */
export const checkOptions: <O extends object>(
  subject: string,
  given: O,
  known: { readonly [K in keyof O]-?: true }
) => void = options.onlyKnown

// --- the other side --------------------------------------------------------------------------------------------------

/**
 * The options of an actor that the caller's side has to keep to, as plain data.
 *
 * @category models
 * @since 0.1.0
 */
export interface Terms extends Readonly<Record<string, unknown>> {
  /** In milliseconds. */
  readonly shutdownTimeout: number
  /** In milliseconds, if it was given. */
  readonly idleTimeToLive: number | undefined
  /** The options that were given as functions, which cannot cross. */
  readonly functions: ReadonlyArray<string>
}

/**
 * The terms on which the instance behind a handle takes calls, or all instances behind a keyed service.
 *
 * @category the other side
 * @since 0.1.0
 */
export const terms: (service: object) => Terms = home.terms

/**
 * Whether an instance of a keyed actor ended for want of calls: then its next call makes it again.
 *
 * @category the other side
 * @since 0.1.0
 */
export const endedIdle: (death: ActorDied) => boolean = home.endedIdle

/**
 * A call that was submitted for somebody on the other side.
 *
 * @category models
 * @since 0.1.0
 */
export interface Accepted {
  readonly id: number
}

/**
 * Submits a call to the instance behind a handle, past its limits, retries and deadlines. `onExit` is called once,
 * perhaps before this returns; `restarted` is for {@link report}.
 *
 * @category the other side
 * @since 0.1.0
 */
export const submit: (
  handle: object,
  method: string,
  args: ReadonlyArray<unknown>,
  context: Context.Context<never>,
  onExit: (exit: Exit.Exit<any, any>, restarted: boolean) => void
) => Accepted = home.submit

/**
 * The same for a streaming method: the call begins with the first pull.
 *
 * @category the other side
 * @since 0.1.0
 */
export const stream: (handle: object, method: string, args: ReadonlyArray<unknown>) => Stream.Stream<unknown, unknown> =
  home.stream

/**
 * Cancels a call that was submitted with {@link submit}. Its `onExit` tells when it has ended.
 *
 * @category the other side
 * @since 0.1.0
 */
export const interrupt: (call: Accepted) => void = home.interrupt as any

/**
 * Where the instances of an actor live, for people who look at them on the other side.
 *
 * @category models
 * @since 0.1.0
 */
export interface Residence {
  /** Of an actor that the home did not bring up it says nothing: `undefined`. */
  describe(actor: string, key: unknown): Readonly<Record<string, string | number | boolean>> | undefined
}

/**
 * The residence of the instances that are made in this context, those that they make included. It is asked when somebody
 * looks, and only of instances whose constructor did not {@link link} them to a home.
 *
 * @category the other side
 * @since 0.1.0
 */
export const Residence: Context.Reference<Residence | undefined> = carried.Residence

// --- what both sides agree on ----------------------------------------------------------------------------------------

/**
 * A contract as text that two sides can compare: what a method takes and gives, down to the parts of its schemas.
 *
 * @category models
 * @since 0.1.0
 */
export interface ContractText {
  /** The id of the actor. */
  readonly actor: string
  /** The schema of keys, if the actor is keyed. */
  readonly key: string | undefined
  readonly methods: Readonly<Record<string, string>>
}

/**
 * The contract of a class that was made with `methods`.
 *
 * @category what both sides agree on
 * @since 0.1.0
 */
export const contractText: (actor: { readonly key: string; readonly methods: AnyContract }) => ContractText =
  signature.contractText as any

/**
 * The same for a task, as far as it has schemas.
 *
 * @category what both sides agree on
 * @since 0.1.0
 */
export const taskText: (task: TaskDefinition) => string = signature.taskText

/**
 * What two contracts differ in, in words and with both versions, or `undefined` if they are the same. `where` is how
 * people call the other side: "in the thread".
 *
 * @category what both sides agree on
 * @since 0.1.0
 */
export const difference: (
  here: Pick<ContractText, "key" | "methods">,
  there: Pick<ContractText, "key" | "methods">,
  where: string
) => string | undefined = signature.difference

// --- tasks -----------------------------------------------------------------------------------------------------------

/**
 * A place where tasks run, other than the process of their caller.
 *
 * @category models
 * @since 0.1.0
 */
export interface Tasks {
  /**
   * How the task of this name runs there, or `undefined` if it does not: then it runs with its caller. Its definition
   * says how values cross.
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
 * What a task was made of, or `undefined` for what is no task.
 *
 * @category tasks
 * @since 0.1.0
 */
export const taskOf = (u: unknown): TaskDefinition | undefined => (u as any)?.[task.TaskKey]

// --- values of users -------------------------------------------------------------------------------------------------

/**
 * Looks at a value of a user, which may throw wherever it is touched: then there is nothing to see, `undefined`.
 *
 * @category values of users
 * @since 0.1.0
 */
export const attempt: <A>(look: () => A) => A | undefined = values.attempt

/**
 * A value of a user in a message: short, and never throws, whatever the value is.
 *
 * @category values of users
 * @since 0.1.0
 */
export const show: (value: unknown) => string = values.show

/**
 * What an error says, in one text. An error may be any value.
 *
 * @category values of users
 * @since 0.1.0
 */
export const errorText: (error: unknown) => string = values.errorText

/**
 * A key as labels of instances have it. For people: two keys may have one text, as `7` and `"7"` have.
 *
 * @category values of users
 * @since 0.1.0
 */
export const keyText: (key: unknown) => string = values.keyText

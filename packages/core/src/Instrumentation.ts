/**
 * For authors of tools: schedule explorers, live views, recorders, profilers.
 *
 * A {@link Tool} is notified of what happens to calls and instances at the moment it happens, on the same stack: before
 * a method runs, and before a call's waiters hear of its end. It gets small views of calls, and their very exits.
 * `ActorSystem.watch` is the same for programs, with dates and durations, as plain data.
 *
 * Programs that only use actors do not need this module.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import type { Stage } from "./ActorSystem.ts"
import * as tools from "./internal/system/tools.ts"

/**
 * A call as tools see it. Properties that change are read on access, so a view that is kept shows where the call is
 * now; it also keeps the call in memory. Two views with the same `id` are views of the same call.
 *
 * @category models
 * @since 0.1.0
 */
export interface Call {
  /** The number of the call, and of its ref. Unique in the process, and in order of submission. */
  readonly id: number
  /** `Actor.method`, or how the method calls itself; with the key, if there is one. */
  readonly method: string
  /** The method's name in its actor: the same for all keys. */
  readonly name: string
  /** The id of the actor. */
  readonly actor: string
  /** The number of the instance, unique in the process. */
  readonly instance: number
  /** Where it is now. */
  readonly stage: Stage | "settled"
  /** How often its method has been started. */
  readonly attempts: number
  /** What it was called with. Values of users: a tool must not keep or show them unasked. Empty once it has settled. */
  readonly args: ReadonlyArray<unknown>
  /** The context of the submitter. Empty once the call has settled. */
  readonly context: Context.Context<never>
}

/**
 * What happens to an instance. A task is `InstanceGone` when the program has dropped it.
 *
 * @category models
 * @since 0.1.0
 */
export type InstanceNews = {
  /** The id of the actor. */
  readonly actor: string
  /** The number of the instance, unique in the process. */
  readonly instance: number
} & News

/**
 * What a tool learns about an instance.
 *
 * @category models
 * @since 0.1.0
 */
export type News =
  | {
      readonly _tag: "InstanceStarted"
      readonly name: string | undefined
      readonly key: string | undefined
      /** Whether it only carries calls to an instance that lives, and is counted, elsewhere. */
      readonly client: boolean
    }
  | { readonly _tag: "InstanceRestarting"; readonly cause: Cause.Cause<unknown> }
  | { readonly _tag: "InstanceRestarted"; readonly restarts: number }
  /** It accepts no more calls. */
  | { readonly _tag: "InstanceDied"; readonly why: string; readonly cause: Cause.Cause<unknown> | undefined }
  /** Its finalizers have run. */
  | { readonly _tag: "InstanceGone" }

/**
 * A tool: its methods are the notifications that it wants. They run on the stack of the operation that they report, so
 * they should note it and return; they must not submit, cancel or wait. Of a call that was under way when the tool was
 * attached, the tool hears the rest.
 *
 * @category models
 * @since 0.1.0
 */
export interface Tool {
  /** A call was submitted: by a caller that waits for it (`asked`), or by one that has a ref. */
  submitted?(call: Call, asked: boolean): void
  /** A call was not accepted, since `maxPendingCalls` was reached. The tool hears nothing else of it. */
  refused?(call: Call): void
  /** The method of a call runs now, for the first time or again. */
  started?(call: Call): void
  /** The method of a call has ended, and is to run again. */
  requeued?(call: Call, exit: Exit.Failure<unknown, unknown>): void
  /** A call settles, with the exit that its ref will show. No waiter has been notified yet. */
  settled?(call: Call, exit: Exit.Exit<unknown, unknown>): void
  /**
   * The failure of a call needs no report: a waiter gets it, the ref was read, or the call was cancelled. A failed call
   * without this notification is an unobserved failure. It may come more than once, and also for calls that were never
   * submitted because they found no room.
   */
  handled?(call: Call): void
  /** Something happened to an instance. */
  instance?(news: InstanceNews): void
}

/**
 * Options of {@link attach}.
 *
 * @category options
 * @since 0.1.0
 */
export interface AttachOptions {
  /** Whether to include tasks, which belong to the process and not to a system. Default `true`. */
  readonly tasks?: boolean | undefined
}

/**
 * Notifies `tool` of what happens in the current `ActorSystem`, until the Scope closes. Any number of tools may be
 * attached to one system. A tool that throws is dropped, and the error is logged; neither the call nor the other tools
 * notice.
 *
 * While no tool is attached, each notification costs a call one read of a field.
 *
 * **Example** (the calls of a system, as they start)
 *
 * ```ts
 * import { Actor, Instrumentation } from "@troupe/core"
 * import { Effect } from "effect"
 *
 * class Greeter extends Actor.Service<Greeter>()("Greeter", {
 *   make: Effect.succeed({ greet: (name: string) => Effect.succeed(`Hello, ${name}!`) })
 * }) {}
 *
 * const program = Effect.gen(function* () {
 *   yield* Instrumentation.attach({
 *     started: (call) => console.log(`${call.method} starts`),
 *     settled: (call, exit) => console.log(`${call.method} ends with ${exit._tag}`)
 *   })
 *   const greeter = yield* Greeter.spawn()
 *   yield* greeter.greet("Ada")
 * })
 *
 * await Effect.runPromise(Effect.scoped(program))
 * // => Greeter.greet starts
 * // => Greeter.greet ends with Success
 * ```
 *
 * @category attaching
 * @since 0.1.0
 */
export const attach: (tool: Tool, options?: AttachOptions) => Effect.Effect<void, never, Scope.Scope> = tools.attach

/**
 * The unsettled call that a fiber with this context works for, if there is one. The fiber on which a method runs has the
 * context of its call, and so have the fibers that it forks.
 *
 * @category attaching
 * @since 0.1.0
 */
export const callIn: (context: Context.Context<never>) => Call | undefined = tools.callIn

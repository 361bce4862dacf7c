/**
 * What a home beyond this process needs of an instance, on both sides of its wire.
 *
 * On the caller's side a home is a constructor whose methods send their calls elsewhere. Such a call needs no fiber
 * here: the method returns a {@link Carried}, and the home reports its result. On the other side the calls
 * that arrive are submitted to an instance that leaves limits, retries and deadlines to the caller's side.
 */
import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import type * as Exit from "effect/Exit"
import { memoize } from "effect/Function"
import type * as Stream from "effect/Stream"
import { ActorContext } from "../../ActorContext.ts"
import type { ActorDied } from "../../ActorError.ts"
import type { Hearer, Link, Terms } from "../../Home.ts"
import { elapsedIn } from "../base/time.ts"
import * as baggage from "../call/baggage.ts"
import { Call, Stage } from "../call/call.ts"
import { current, extended } from "../call/currentCall.ts"
import { cancel } from "../call/ending.ts"
import type { MethodSpec } from "../call/method.ts"
import { ofHomes } from "../call/spanKinds.ts"
import * as tracing from "../call/tracing.ts"
import { Ask } from "../handle/ask.ts"
import { CellKey, DefinitionKey, TargetKey } from "../handle/handle.ts"
import type { Cell, CellLine, Target } from "../instance/cell.ts"
import { IDLE } from "../instance/life.ts"
import type { Definition } from "./definition.ts"

tracing.follow(ofHomes)

/**
 * Reports the end of a carried call. `restarted` says that the instance over there has restarted under it, so that the
 * call may run again if its retries allow it.
 */
export const report = (call: Call, exit: Exit.Exit<any, any>, restarted: boolean): void =>
  (call.line.cell as Cell).running.reported(call, exit, restarted)

/** A call that its home lost before it began was not started after all. */
export const notBegun = (call: Call): void => {
  call.attempts--
}

/** Counts another run of a call that was lost with its home, if its retries allow one, or `least` does. */
export const runsAgain = (call: Call, least: number): boolean => {
  if (call.attempts > Math.max(call.method.maxTaskRetries, least)) return false
  call.attempts++
  return true
}

export const callIn = current

export const baggageOf = (from: Parameters<typeof baggage.pack>[0], { deadline = true }: { deadline?: boolean } = {}) =>
  baggage.pack(from, deadline)

export const timeLeftIn = ({ left }: baggage.Baggage): number | undefined => left

export const withService = <S>(
  context: Context.Context<never>,
  key: Context.Key<any, S>,
  service: S
): Context.Context<never> => extended(context, [key.key, service])

/** Whether a call that is told to end ends for a restart, rather than for good. */
export const endsForGood = (call: Call): boolean => call.stage > Stage.Running && call.stage !== Stage.Restarting

/** Whether the instance dies: what it still waits for should be quick. */
export const isDying = (call: Call): boolean => call.stage === Stage.Dying

/**
 * Whether a fiber with this context is interrupted since an instance ends or restarts: the one that it works for, or one
 * further up that asked. An asker that is interrupted cancels what it asked for, so the reason is found where the
 * cancelling began. A fiber that works for no call ends with the instance that started it.
 */
export const endsWithInstance = (context: Context.Context<never>): boolean => {
  let call = current(context)
  for (; call !== undefined; call = current(context)) {
    if (call.stage !== Stage.Cancelling) return call.stage === Stage.Dying || call.stage === Stage.Restarting
    context = call.context
  }
  return (Context.getOrUndefined(context, ActorContext) as Cell | undefined)?.life.isEnding ?? false
}

/** The span of a call that has started, if it has one: what is done for the call elsewhere belongs below it. */
export const spanOf = tracing.spanOf

/** Tells the instance that is being made, or made anew, in `self` about its home. */
export const link = (self: unknown, home: Link): void => {
  ;(self as Cell).home = home
}

/** The home is lost: running calls end, and the instance is made anew as its restart schedule says, or dies. */
export const crash = (self: unknown, why: string, cause: Cause.Cause<unknown>): void =>
  (self as Cell).life.crash(why, cause)

/** The instance ends over there, where its running calls are. */
export const ends = (self: unknown, why: string, cause: Cause.Cause<unknown> | undefined): void => {
  const cell = self as Cell
  if (cell.death === undefined) cell.life.retire(why, undefined, cause)
}

/** The instance cannot live over there. */
export const died = (self: unknown, why: string, cause: Cause.Cause<unknown> | undefined): void => {
  const cell = self as Cell
  if (cell.death === undefined) cell.life.kill(why, cause)
}

// --- the other side --------------------------------------------------------------------------------------------------

/** The terms on which an instance, or all instances of a keyed actor, take calls. */
export const terms = (service: any): Terms => {
  const definition: Definition | undefined = service[DefinitionKey]
  const { idleTimeToLive, maxInstances } = definition?.input ?? {}
  const options = definition?.options ?? (service[CellKey] as Cell).options
  const functions: Array<string> = []
  const retry = (name: string, value: boolean | Function | undefined) => {
    if (typeof value !== "function") return value
    functions.push(name)
  }
  const millis = (duration: Duration.Input | undefined) =>
    duration === undefined ? undefined : Duration.toMillis(duration)
  const methodOptions = Object.entries(options.methodOptions).map(([name, own]) => [
    name,
    { ...own, retry: retry(`methodOptions.${name}.retry`, own?.retry), timeout: millis(own?.timeout) }
  ])
  return {
    maxConcurrency: options.maxConcurrency,
    maxPendingCalls: options.maxPendingCalls,
    overflow: options.overflow,
    concurrencyGroups: options.concurrencyGroups,
    methodOptions: Object.fromEntries(methodOptions),
    maxTaskRetries: options.maxTaskRetries,
    retry: retry("retry", options.retry),
    shutdownTimeout: Duration.toMillis(options.shutdownTimeout),
    validate: options.validate,
    idleTimeToLive: millis(idleTimeToLive),
    maxInstances,
    functions
  }
}

/** Whether an instance ended for want of calls: its next call makes it again. */
export const endedIdle = ({ why }: ActorDied): boolean => why === IDLE

const specs = new WeakMap<Cell, Map<string, MethodSpec>>()

/** A method without what the caller's side takes care of. */
const specOf = (cell: Cell, name: string): MethodSpec => {
  const known = specs.get(cell)
  const spec = known?.get(name)
  if (spec !== undefined) return spec
  // From the first call on: the caller's side sends no more than the limits allow.
  if (known === undefined) for (const line of cell.lines()) line.resize(Infinity)
  const made = { ...bare, actor: cell.actor, name, label: `${cell.actor}.${name}` }
  specs.set(cell, (known ?? new Map()).set(name, made))
  return made
}

const bare = {
  served: true,
  group: undefined,
  maxTaskRetries: 0,
  retry: false,
  timeout: undefined,
  signal: undefined,
  contract: undefined,
  isSubscription: false
}

/** Finds the instance behind a handle: of a key, the one that is up, or that this call brings up. */
const lineOf = (handle: any): CellLine => handle[TargetKey]?.resolve() ?? (handle[CellKey] as Cell).main

/** A call that has come over the wire. */
export type Accepted = Call

/** Submits a call that has come over the wire. It may start, and even settle, on this very stack. */
export const submit = (
  handle: object,
  name: string,
  args: ReadonlyArray<unknown>,
  context: Context.Context<never>,
  onExit: (exit: Exit.Exit<any, any>, restarted: boolean) => void,
  left?: number
): Accepted => {
  const line = lineOf(handle)
  const { cell } = line
  const call = new Call(line, timed(specOf(cell, name), context, left), args, context, true)
  cell.submit(call, undefined, true)
  call.observe((exit) => onExit(exit, exit._tag === "Failure" && !cell.life.ready && cell.death === undefined))
  return call
}

/** The time of its caller is over in so many milliseconds. */
const timed = (spec: MethodSpec, context: Context.Context<never>, left: number | undefined): MethodSpec =>
  left === undefined ? spec : { ...spec, until: elapsedIn(context) + left }

/** The same for a streaming method, whose call lasts as long as its consumer pulls. */
export const stream = (
  handle: object,
  name: string,
  args: ReadonlyArray<unknown>,
  context: Context.Context<never>,
  left?: number
): Stream.Stream<unknown, unknown> => {
  const target: Target = (handle as any)[TargetKey] ?? {
    resolve: () => lineOf(handle),
    resident: (handle as any)[CellKey]
  }
  return new Ask(target, timed(specOf(target.resolve().cell, name), context, left), args) as any
}

/** The same call, as one that has come from a caller elsewhere, who has so many milliseconds left. */
export const served = (ask: unknown, left: number | undefined): unknown =>
  changed(ask, left === undefined ? servedSpec : (method) => endingIn(method, left))

const servedSpec = /* @__PURE__ */ memoize((method: MethodSpec): MethodSpec => ({ ...method, served: true }))

/** The same call, whose home hears of it. */
export const heard = (ask: unknown, hearer: Hearer): unknown => changed(ask, (method) => ({ ...method, hearer }))

/** The same reader, as one that takes publications. */
export const sharing = (ask: unknown): unknown => changed(ask, sharingSpec)

const sharingSpec = /* @__PURE__ */ memoize((method: MethodSpec): MethodSpec => ({ ...method, shares: true }))

const changed = (ask: unknown, change: (method: MethodSpec) => MethodSpec): unknown =>
  ask instanceof Ask ? new Ask(ask.target, change(ask.method), ask.args) : ask

/** A caller that is there ends its call first, in its own words. This is for callers that are gone. */
const GRACE = 1000

const endingIn = (method: MethodSpec, left: number): MethodSpec => {
  const own = method.timeout === undefined ? Infinity : Duration.toMillis(method.timeout)
  const spec = servedSpec(method)
  return own <= left ? spec : { ...spec, timeout: Duration.millis(left + GRACE), grace: GRACE }
}

/** Cancels a call that has come over the wire, unless it waits for room. */
export const interrupt = (call: Accepted): boolean => {
  cancel(call)
  return call.stage !== Stage.New
}

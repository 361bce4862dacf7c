/**
 * `ObjectRef.get` and `ObjectRef.wait`: for those who may block.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { ActorContext } from "../../ActorContext.ts"
import { BlockingGetError } from "../../ActorError.ts"
import { Driver } from "../../Driver.ts"
import type { GetOptions } from "../../ObjectRef.ts"
import * as asyncContext from "../base/asyncContext.ts"
import { duration, onlyKnown } from "../base/options.ts"
import { plural } from "../base/show.ts"
import type { Call } from "../call/call.ts"
import { current } from "../call/currentCall.ts"
import { checkRefs, isRef, type Ref, refsIn } from "../call/ref.ts"
import * as combinators from "./combinators.ts"

type Refs = Ref | ReadonlyArray<Ref> | Readonly<Record<string, Ref>>

/** What is to be said to whoever wants to block in this context: something, if it is that of an actor (semantics 4.5). */
export const refusal = (
  operation: string,
  context: Context.Context<never>,
  call: Call | undefined = current(context)
): BlockingGetError | undefined => {
  if (call !== undefined) return new BlockingGetError(call.method.actor, call.method.name, operation)
  const actor = Context.getOrUndefined(context, ActorContext)
  return actor && new BlockingGetError(actor.actor, "make", operation)
}

/** Runs `effect` for whoever holds `Driver`, and stops at once whoever is inside an actor. */
const drive = <A, E>(operation: string, effect: Effect.Effect<A, E>): Effect.Effect<A, E, Driver> =>
  Effect.withFiber((fiber) => {
    const refused = refusal(operation, fiber.context)
    return refused === undefined ? Effect.andThen(Driver, effect) : Effect.die(refused)
  })

export const get = (refs: Refs, options?: GetOptions): Effect.Effect<any, any, Driver> => {
  const wanted = isRef(refs)
    ? Effect.map(combinators.all([refs], "get"), ([value]) => value)
    : combinators.all(refs, "get")
  if (options !== undefined) onlyKnown("ObjectRef.get", options, { timeout: true })
  if (options?.timeout === undefined) return drive("get", wanted)
  const timeout = timeoutOf("get", options.timeout)
  const list = isRef(refs) ? [refs] : refsIn("get", refs)
  const late = Effect.suspend(() => {
    const pending = list.filter((ref) => ref.exit === undefined).length
    const were = `${plural(list.length, "ref")} ${pending === 1 ? "was" : "were"}`
    const within = Duration.format(timeout)
    return Effect.fail(new Cause.TimeoutError(`ObjectRef.get: ${pending} of ${were} not ready within ${within}`))
  })
  if (Duration.isZero(timeout))
    return drive(
      "get",
      Effect.suspend(() => (isDecided(list) ? wanted : late))
    )
  return drive("get", Effect.timeoutOrElse(wanted, { duration: timeout, orElse: () => late }))
}

/** Whether waiting for all of `refs` would end at once. */
const isDecided = (refs: ReadonlyArray<Ref>): boolean =>
  refs.every((ref) => ref.exit !== undefined) || refs.some((ref) => ref.exit?._tag === "Failure")

interface WaitOptions {
  readonly numReturns?: number | undefined
  readonly timeout?: Duration.Input | undefined
}

export const wait = (
  refs: ReadonlyArray<Ref>,
  options: WaitOptions = {}
): Effect.Effect<[Array<Ref>, Array<Ref>], never, Driver> =>
  drive(
    "wait",
    Effect.suspend((): Effect.Effect<[Array<Ref>, Array<Ref>]> => {
      onlyKnown("ObjectRef.wait", options, { numReturns: true, timeout: true })
      checkRefs("wait", refs)
      if (refs.length === 0) return Effect.succeed([[], []])
      const numReturns = checkWait(refs, options.numReturns ?? 1)
      const split = Effect.sync(() => partition(refs, numReturns))
      const enough = untilSettled(refs, numReturns)
      if (options.timeout === undefined) return Effect.andThen(enough, split)
      const timeout = timeoutOf("wait", options.timeout)
      if (Duration.isZero(timeout)) return split
      return Effect.andThen(Effect.timeoutOption(enough, timeout), split)
    })
  )

const checkWait = (refs: ReadonlyArray<Ref>, numReturns: number): number => {
  if (new Set(refs).size < refs.length)
    throw new RangeError("ObjectRef.wait: the refs must be distinct, but one repeats")
  if (Number.isInteger(numReturns) && numReturns >= 1 && numReturns <= refs.length) return numReturns
  throw new RangeError(
    `ObjectRef.wait: numReturns must be an integer from 1 to the number of refs (${refs.length}), but is ${numReturns}`
  )
}

const untilSettled = (refs: ReadonlyArray<Ref>, count: number): Effect.Effect<void> =>
  Effect.callback((onEnough) => {
    const resume = asyncContext.bindResume(onEnough)
    let missing = count - refs.filter((ref) => ref.exit !== undefined).length
    if (missing <= 0) return resume(Effect.void)
    const open = refs.filter((ref) => ref.exit === undefined)
    const leave = () => {
      for (const ref of open) ref.unobserve(observer)
    }
    const observer = () => {
      if (--missing > 0) return
      leave()
      resume(Effect.void)
    }
    for (const ref of open) ref.observe(observer)
    return Effect.sync(leave)
  })

/** The first `count` ready refs, and all others. */
const partition = (refs: ReadonlyArray<Ref>, count: number): [Array<Ref>, Array<Ref>] => {
  const ready: Array<Ref> = []
  const pending: Array<Ref> = []
  for (const ref of refs) (ref.exit !== undefined && ready.length < count ? ready : pending).push(ref)
  return [ready, pending]
}

/** How long a wait may take, from the option. */
export const timeoutOf = (operation: string, timeout: Duration.Input): Duration.Duration =>
  duration(`ObjectRef.${operation}`, "timeout", timeout)

/**
 * Waiting for several refs at once, without a fiber for each.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import * as asyncContext from "../base/asyncContext.ts"
import { checkRefs, type Ref, refsIn } from "../call/ref.ts"
import * as waiting from "../call/waiting.ts"
import type { Wait } from "../call/waits.ts"

type Shape = ReadonlyArray<Ref> | Readonly<Record<string, Ref>>

interface Following<A, E> {
  /** The exit of a ref, if it has settled. */
  read(ref: Ref): Exit.Exit<any, any> | undefined
  /** Decides with an exit, or goes on. */
  step(exit: Exit.Exit<any, any>, index: number): Exit.Exit<A, E> | undefined
  /** Called when it is decided, before the waiter goes on. */
  decided?(): void
}

/**
 * Follows refs until `step` returns an exit, and resumes with it. Settled refs are stepped through at once, in order.
 * It leaves no observer behind, however it ends.
 */
export const follow = <A, E>(refs: ReadonlyArray<Ref>, { decided, read, step }: Following<A, E>): Effect.Effect<A, E> =>
  Effect.callback((onResult) => {
    const resume = asyncContext.bindResume(onResult)
    const followed: Array<() => void> = []
    let wait: Wait | undefined
    const leave = () => {
      wait?.end()
      for (const unobserve of followed) unobserve()
    }
    const decide = (result: Exit.Exit<A, E>) => {
      leave()
      decided?.()
      resume(result)
    }
    let result: Exit.Exit<A, E> | undefined
    for (let index = 0; index < refs.length && result === undefined; index++) {
      const ref = refs[index]!
      const exit = read(ref)
      if (exit !== undefined) {
        result = step(exit, index)
        continue
      }
      const observer = (exit: Exit.Exit<any, any>) => {
        if (result !== undefined) return
        result = step(exit, index)
        if (result === undefined) return waiting.told(wait)
        decide(result)
      }
      ref.observe(observer)
      followed.push(() => ref.unobserve(observer))
    }
    if (result !== undefined) return decide(result)
    wait = waiting.begin(refs, false, resume)
    if (wait !== undefined) wait.leave = leave
    waiting.begun(wait)
    return Effect.sync(leave)
  })

/** Follows refs for a caller that looks at their results. */
const watch = (refs: ReadonlyArray<Ref>, step: Following<any, any>["step"]): Effect.Effect<any, any> =>
  follow(refs, {
    read: (ref) => ref.look(),
    step,
    decided: () => {
      for (const ref of refs) ref.markHandled()
    }
  })

const reshape = (shape: Shape, values: ReadonlyArray<unknown>): unknown =>
  Array.isArray(shape) ? values : Object.fromEntries(Object.keys(shape).map((key, index) => [key, values[index]]))

/** Collects what `take` makes of each exit, or ends with the failure that it returns. */
const collect = (
  operation: string,
  shape: Shape,
  take: (exit: Exit.Exit<any, any>) => Exit.Exit<any, any>
): Effect.Effect<any, any> => {
  const refs = refsIn(operation, shape)
  if (refs.length === 0) return Effect.succeed(reshape(shape, []))
  return Effect.suspend(() => {
    checkRefs(operation, refs)
    const values = new Array<unknown>(refs.length)
    let missing = refs.length
    return watch(refs, (exit, index) => {
      const taken = take(exit)
      if (taken._tag === "Failure") return taken
      values[index] = taken.value
      return --missing === 0 ? Exit.succeed(reshape(shape, values)) : undefined
    })
  })
}

export const all = (shape: Shape, operation = "all"): Effect.Effect<any, any> =>
  collect(operation, shape, (exit) => exit)

export const allSettled = (shape: Shape): Effect.Effect<any, any> =>
  collect("allSettled", shape, (exit) => Exit.succeed(exit))

/** Untyped code may pass anything, and with no ref at all the wait would never end. */
const checkSome = (operation: string, refs: ReadonlyArray<Ref>): void => {
  checkRefs(operation, refs)
  if (refs.length === 0)
    throw new RangeError(`ObjectRef.${operation} needs at least one ref, with none it would never end`)
}

export const race = (refs: ReadonlyArray<Ref>): Effect.Effect<any, any> =>
  Effect.suspend(() => {
    checkSome("race", refs)
    return watch(refs, (exit) => exit)
  })

export const any = (refs: ReadonlyArray<Ref>): Effect.Effect<any, any> =>
  Effect.suspend(() => {
    checkSome("any", refs)
    const causes: Array<Cause.Cause<unknown>> = []
    return watch(refs, (exit) => {
      if (exit._tag === "Success") return exit
      causes.push(exit.cause)
      if (causes.length < refs.length) return undefined
      return Exit.failCause(Cause.fromReasons(causes.flatMap((cause) => cause.reasons)))
    })
  })

export const asSettled = (
  refs: ReadonlyArray<Ref>,
  operation = "asSettled"
): Stream.Stream<readonly [Ref, Exit.Exit<any, any>]> =>
  Stream.callback((queue) =>
    Effect.callback<void>((resume) => {
      checkRefs(operation, refs)
      let missing = refs.length
      const finish = () => {
        Queue.endUnsafe(queue)
        resume(Effect.void)
      }
      if (missing === 0) return finish()
      const observers = refs.map((ref) => (exit: Exit.Exit<any, any>) => {
        Queue.offerUnsafe(queue, [ref, exit])
        if (--missing === 0) finish()
      })
      for (const [index, ref] of refs.entries()) ref.observe(observers[index]!)
      return Effect.sync(() => {
        for (const [index, ref] of refs.entries()) {
          ref.unobserve(observers[index]!)
          ref.markHandled()
        }
      })
    })
  )

export const asCompleted = (refs: ReadonlyArray<Ref>): Stream.Stream<any, any> =>
  Stream.mapEffect(asSettled(refs, "asCompleted"), ([, exit]) => exit)

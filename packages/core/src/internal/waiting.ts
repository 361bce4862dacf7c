/**
 * Which refs a call waits for.
 *
 * A record is made only where a fiber that works for a call has to wait, and is gone when the wait is over. It serves
 * those who ask what a call is doing, and those who look for deadlocks.
 */
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as asyncContext from "./asyncContext.ts"
import { type Call, current } from "./call.ts"
import { check } from "./deadlock.ts"
import { isRef, type Observer, type Ref } from "./ref.ts"

/** One fiber that works for `call` and waits for one ref or for several. */
export class Wait {
  /** Neighbours in the list of the waits of a call, most of which have one. */
  previous: Wait | undefined = undefined
  next: Wait | undefined = undefined
  /** Stops waiting. Whoever waits sets it. */
  leave: (() => void) | undefined = undefined
  /** How many refs it has not been told of yet. Told is later than settled, where the stack is deep. */
  untold: number
  /** All refs before this one have settled. */
  private first = 0

  readonly call: Call
  readonly fiber: Fiber.Fiber<unknown, unknown>
  private readonly refs: Ref | ReadonlyArray<Ref>
  /** Whether the ref is that of a call which was submitted for this very wait. */
  readonly asked: boolean
  private readonly resume: Observer

  constructor(
    call: Call,
    fiber: Fiber.Fiber<unknown, unknown>,
    refs: Ref | ReadonlyArray<Ref>,
    asked: boolean,
    resume: Observer
  ) {
    this.call = call
    this.fiber = fiber
    this.refs = refs
    this.asked = asked
    this.resume = resume
    this.untold = isRef(refs) ? 1 : refs.filter(({ exit }) => exit === undefined).length
    this.next = call.waits
    if (call.waits !== undefined) call.waits.previous = this
    call.waits = this
    if (isRef(refs)) refs.dependents++
    else depend(refs, 1)
  }

  /** The first ref that has not settled. Finding it time and again is linear over the life of the wait. */
  firstOpen(): Ref | undefined {
    const { refs } = this
    if (isRef(refs)) return refs.exit === undefined ? refs : undefined
    while (this.first < refs.length && refs[this.first]!.exit !== undefined) this.first++
    return refs[this.first]
  }

  /** The refs that have not settled. */
  open(): ReadonlyArray<Ref> {
    const first = this.firstOpen()
    if (first === undefined) return []
    return isRef(this.refs) ? [first] : this.refs.slice(this.first).filter(({ exit }) => exit === undefined)
  }

  /** Call when the wait has begun. */
  check(): void {
    check(this.call)
  }

  /** Call when one of several refs has settled, and that did not end the wait. */
  told(): void {
    this.untold--
    check(this.call)
  }

  /** Ends the wait with a failure of ours. */
  fail(exit: Exit.Exit<never, unknown>): void {
    this.leave?.()
    this.resume(exit)
  }

  /** Forgets the wait, which is over. */
  end(): void {
    const { call, next, previous, refs } = this
    if (previous !== undefined) previous.next = next
    else if (call.waits === this) call.waits = next
    else return
    if (next !== undefined) next.previous = previous
    this.previous = this.next = undefined
    if (isRef(refs)) refs.dependents--
    else depend(refs, -1)
  }
}

/** Counts whose calls wait for a ref. */
export const depend = (refs: ReadonlyArray<Ref>, change: 1 | -1): void => {
  for (const ref of refs) ref.dependents += change
}

/** Notes that the present fiber waits, if it works for a call. */
export const begin = (refs: Ref | ReadonlyArray<Ref>, asked: boolean, resume: Observer): Wait | undefined => {
  const fiber = Fiber.getCurrent()
  const call = fiber && current(fiber.context)
  return call && new Wait(call, fiber!, refs, asked, resume)
}

/** Has `onExit` called when a call has settled, and notes who waits for it. Returns how to stop waiting. */
export const observe = (call: Call, asked: boolean, onExit: Observer): (() => void) => {
  const resume = asyncContext.bindResume(onExit)
  const wait = begin(call, asked, resume)
  if (wait === undefined) {
    call.observe(resume)
    return () => call.unobserve(resume)
  }
  const observer: Observer = (exit) => {
    wait.end()
    resume(exit)
  }
  wait.leave = () => {
    wait.end()
    call.unobserve(observer)
  }
  call.observe(observer)
  wait.check()
  return wait.leave
}

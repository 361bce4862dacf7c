/**
 * Which refs a call waits for.
 *
 * A record is made only where a fiber that works for a call has to wait, and is gone when the wait is over. It serves
 * those who ask what a call is doing, and those who look for deadlocks. Constructors, finalizers and those who read a
 * stream wait like calls.
 */
import * as Context from "effect/Context"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { ActorContext } from "../../ActorContext.ts"
import * as asyncContext from "../base/asyncContext.ts"
import type { Cell } from "../instance/cell.ts"
import { type Call, current } from "./call.ts"
import { check } from "./deadlock.ts"
import { isRef, type Observer, type Ref } from "./ref.ts"
import type { Phase } from "./transition.ts"

/** Who reads streams outside of any call. */
export class Reader {
  waits: Wait | undefined = undefined
  /** That of the call of its first stream. */
  readonly id: number
  readonly origin: string
  readonly fiber: Fiber.Fiber<unknown, unknown>

  constructor(stream: Call, fiber: Fiber.Fiber<unknown, unknown>) {
    this.id = stream.id
    this.origin = `the reader of ${stream.origin}`
    this.fiber = fiber
  }
}

export type Waiter = Call | Phase | Reader

/** The readers, by their fibers. */
const readers = new Map<Fiber.Fiber<unknown, unknown>, Reader>()
/** How many streams each of those reads that read any, be it in a call or outside. */
const reading = new Map<Waiter, number>()

export const isReading = (waiter: Waiter): boolean => reading.size > 0 && reading.has(waiter)

/** Whose wait it is when a fiber waits. */
const waiterOn = (fiber: Fiber.Fiber<unknown, unknown>): Waiter | undefined =>
  current(fiber.context) ?? phaseOn(fiber) ?? (readers.size > 0 ? readers.get(fiber) : undefined)

/** The constructor or the finalizers that run on a fiber. */
const phaseOn = (fiber: Fiber.Fiber<unknown, unknown>): Phase | undefined =>
  (Context.getOrUndefined(fiber.context, ActorContext as any) as Cell | undefined)?.phaseOn(fiber)

/** Who reads a stream on a fiber, which is remembered until it {@link leaves}. */
export const reads = (stream: Call, fiber: Fiber.Fiber<unknown, unknown>): Waiter => {
  const waiter = waiterOn(fiber) ?? new Reader(stream, fiber)
  reading.set(waiter, (reading.get(waiter) ?? 0) + 1)
  if (waiter instanceof Reader) readers.set(fiber, waiter)
  return waiter
}

export const leaves = (waiter: Waiter): void => {
  const left = reading.get(waiter)! - 1
  if (left > 0) return void reading.set(waiter, left)
  reading.delete(waiter)
  if (waiter instanceof Reader) readers.delete(waiter.fiber)
}

/** One fiber that works for `waiter` and waits for one ref or for several. */
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

  readonly waiter: Waiter
  readonly fiber: Fiber.Fiber<unknown, unknown>
  private readonly refs: Ref | ReadonlyArray<Ref>
  /** Whether the ref is that of a call which was submitted for this very wait. */
  readonly asked: boolean
  /** Ends the wait. Some cannot be ended: who makes the next instance of a key has to wait for the end of the last. */
  readonly resume: Observer | undefined

  constructor(
    waiter: Waiter,
    fiber: Fiber.Fiber<unknown, unknown>,
    refs: Ref | ReadonlyArray<Ref>,
    asked: boolean,
    resume: Observer | undefined
  ) {
    this.waiter = waiter
    this.fiber = fiber
    this.refs = refs
    this.asked = asked
    this.resume = resume
    this.untold = isRef(refs) ? 1 : refs.filter(({ exit }) => exit === undefined).length
    this.next = waiter.waits
    if (waiter.waits !== undefined) waiter.waits.previous = this
    waiter.waits = this
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
    check(this.waiter)
  }

  /** Call when one of several refs has settled, and that did not end the wait. */
  told(): void {
    this.untold--
    check(this.waiter)
  }

  /** Ends the wait with a failure of ours. */
  fail(exit: Exit.Exit<never, unknown>): void {
    this.leave?.()
    this.resume?.(exit)
  }

  /** Forgets the wait, which is over. */
  end(): void {
    const { next, previous, refs, waiter } = this
    if (previous !== undefined) previous.next = next
    else if (waiter.waits === this) waiter.waits = next
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

/** Notes that the present fiber waits, if it works for a call or the like. */
export const begin = (
  refs: Ref | ReadonlyArray<Ref>,
  asked: boolean,
  resume: Observer | undefined
): Wait | undefined => {
  const fiber = Fiber.getCurrent()
  const waiter = fiber && waiterOn(fiber)
  return waiter && new Wait(waiter, fiber!, refs, asked, resume)
}

/**
 * Has `onExit` called when a ref has settled, and notes who waits for it. If it is `firm`, the wait cannot be ended before
 * that. Returns how to stop waiting.
 */
export const observe = (ref: Ref, asked: boolean, onExit: Observer, firm = false): (() => void) => {
  const resume = asyncContext.bindResume(onExit)
  const wait = begin(ref, asked, firm ? undefined : resume)
  if (wait === undefined) {
    ref.observe(resume)
    return () => ref.unobserve(resume)
  }
  const observer: Observer = (exit) => {
    wait.end()
    resume(exit)
  }
  wait.leave = () => {
    wait.end()
    ref.unobserve(observer)
  }
  ref.observe(observer)
  wait.check()
  return wait.leave
}

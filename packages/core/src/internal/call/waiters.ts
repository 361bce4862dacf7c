/**
 * Whose wait it is when a fiber waits. Constructors, finalizers and readers of streams wait like calls.
 */
import * as Context from "effect/Context"
import type * as Fiber from "effect/Fiber"
import { ActorContext } from "../../ActorContext.ts"
import { shared } from "../base/copies.ts"
import type { Call, Instance } from "./call.ts"
import { current } from "./currentCall.ts"
import type { Wait, Waiter } from "./waits.ts"

/** What is read: the call of a stream, or a subscription. */
type Read = Pick<Call, "id" | "origin">

/** What reads streams outside of any call. */
class Reader implements Waiter {
  waits: Wait | undefined = undefined
  /** That of the call of its first stream. */
  declare readonly id: number
  declare readonly origin: string
  declare readonly fiber: Fiber.Fiber<unknown, unknown>

  constructor(stream: Read, fiber: Fiber.Fiber<unknown, unknown>) {
    this.id = stream.id
    this.origin = `the reader of ${stream.origin}`
    this.fiber = fiber
  }
}

interface Reading {
  /** What reads outside of any call, by its fiber. */
  readonly readers: Map<unknown, Waiter>
  /** How many streams each waiter reads that reads any, be it in a call or outside. */
  readonly reading: Map<Waiter, number>
}

const { readers, reading } = /* @__PURE__ */ shared<Reading>("reading", { readers: new Map(), reading: new Map() })

export const isReading = (waiter: Waiter): boolean => reading.size > 0 && reading.has(waiter)

export const waiterOn = (fiber: Fiber.Fiber<unknown, unknown>): Waiter | undefined =>
  current(fiber.context) ?? transitionOn(fiber) ?? (readers.size > 0 ? readers.get(fiber) : undefined)

/** The constructor or the finalizers that run on a fiber. */
const transitionOn = (fiber: Fiber.Fiber<unknown, unknown>): Waiter | undefined =>
  (Context.getOrUndefined(fiber.context, ActorContext as any) as Instance | undefined)?.life.transitionOn(fiber)

/** What reads a stream on a fiber, which is remembered until it {@link leaves}. */
export const reads = (stream: Read, fiber: Fiber.Fiber<unknown, unknown>): Waiter => {
  const waiter = waiterOn(fiber) ?? newReader(stream, fiber)
  reading.set(waiter, (reading.get(waiter) ?? 0) + 1)
  return waiter
}

const newReader = (stream: Read, fiber: Fiber.Fiber<unknown, unknown>): Waiter => {
  const reader = new Reader(stream, fiber)
  readers.set(fiber, reader)
  return reader
}

export const leaves = (waiter: Waiter): void => {
  const left = reading.get(waiter)! - 1
  if (left > 0) return void reading.set(waiter, left)
  reading.delete(waiter)
  if (readers.get(waiter.fiber) === waiter) readers.delete(waiter.fiber)
}

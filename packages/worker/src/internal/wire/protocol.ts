/**
 * What the two sides of a thread say to each other. A message is a small array: its kind first, then what the call it is
 * about is called, then its contents. Messages travel in batches: one `postMessage` for all of a microtask,
 * or for the first so many of them.
 *
 * Not `effect/rpc`: its codecs and envelopes take three times as long as the rest of a call, see
 * `docs/decisions/0018-a-wire-of-our-own.md`.
 */

import type { MessagePort } from "node:worker_threads"
import type { ContractText, Terms } from "@troupe/core/Home"

/** Kinds of messages to the thread. */
export const To = {
  /** call, instance, method, args, span */
  Call: 0,
  /** call */
  Interrupt: 1,
  /** call, instance, method, args, span: a streaming method. Nothing runs before the first pull. */
  Stream: 2,
  /** call */
  Pull: 3,
  /** instance, key: from now on, `instance` is what calls of this key say */
  Open: 4,
  /** instance: it ends, finalizers included */
  Close: 5,
  /** number */
  Ping: 6,
  /** The thread ends, all instances with it. */
  Stop: 7,
  /** number: the batch of this number cannot be read, its messages are to come again one by one */
  Unreadable: 8
} as const

/** Kinds of messages from the thread. */
export const From = {
  /** call, value */
  Success: 0,
  /** call, reasons, restarted */
  Failure: 1,
  /** call, items: the answer to a pull */
  Items: 2,
  /** The thread is ready: greeting */
  Ready: 3,
  /** The implementation could not be built: reasons */
  Failed: 4,
  /** instance: it has ended as it was told to */
  Closed: 5,
  /** instance, why, reasons, whether it has lived: it has ended by itself */
  Died: 6,
  /** number, lag in milliseconds */
  Pong: 7,
  /** spans that have started or ended */
  Spans: 8,
  /** call, issue, whether it may have run: arguments or a result that cannot cross, or do not fit */
  Refused: 9,
  /** number: the messages of this batch have come again */
  Repeated: 10,
  /** call: it was told to end before it was taken up */
  NotBegun: 11
} as const

export type Message = readonly [kind: number, subject: any, ...rest: Array<any>]

/** What a thread says when it is ready. */
export interface Greeting {
  readonly serves: ContractText
  /** The tasks that it serves, by their names, if it serves tasks. */
  readonly tasks: Readonly<Record<string, string>>
  readonly terms: Terms
}

/** The words of the memory that both sides see. */
export const Word = {
  /** Counts what the thread has posted, so that the caller's side can sleep until there is something new. */
  Posted: 0,
  /** The call that went on last, modulo 2^32. */
  Started: 1,
  /** Set when the thread exits. */
  Dead: 2,
  /** The last call that the thread has taken up, modulo 2^32: it takes them up in the order of their numbers. */
  Taken: 3,
  /** Set when the thread got what it cannot read. */
  Garbled: 4,
  /** How many batches of the thread its owner has read. */
  Read: 5,
  /** Set when the owner has given the thread up: what it has not taken up by then runs elsewhere. */
  Lost: 6,
  /** Counts the batches that tell calls to end. */
  Interrupts: 7
} as const

export const WORDS = 8

/** What a thread is given when it starts. */
export interface Start {
  readonly troupe: true
  readonly port: MessagePort
  readonly shared: Int32Array
}

/**
 * What an owner and its thread say to each other: {@link ToThread} and {@link FromThread}. A message is a small tuple that
 * begins with its kind. Messages travel in batches: one `postMessage` for all of a microtask, or for the first so many of
 * them.
 *
 * Not `effect/rpc`: its codecs and envelopes take three times as long as the rest of a call, see
 * `docs/decisions/0018-a-wire-of-our-own.md`.
 */
import type * as Home from "@troupe/core/Home"
import type { Port } from "../platform/platform.ts"
import type { PackedReasons } from "../values/causes.ts"
import type { ContractText } from "../values/signature.ts"
import type { PackedSpan, SpanReport } from "./spans.ts"

/** Calls are numbered by the owner, in the order in which it sends them. */
export type CallId = number

/** Instances are numbered by the owner. The one instance of an actor without keys is number 0. */
export type InstanceId = number

/** A method is known by its place in the contract, see `methodCodecs`. */
export type MethodIndex = number

/** A batch is known by how many the thread sent before it. */
export type BatchNumber = number

// --- to the thread ---------------------------------------------------------------------------------------------------

export const To = {
  Call: 0,
  Interrupt: 1,
  Stream: 2,
  Pull: 3,
  Open: 4,
  Close: 5,
  Ping: 6,
  Stop: 7,
  Unreadable: 8,
  Read: 9,
  Sent: 10
} as const

/** Asks the thread to run a method. A streaming one begins with its first pull. */
export type Begin = readonly [
  kind: typeof To.Call | typeof To.Stream,
  call: CallId,
  instance: InstanceId,
  method: MethodIndex,
  args: unknown,
  span: PackedSpan | undefined,
  /** Left out where there is none. */
  baggage?: Home.Baggage
]

export type ToThread =
  | Begin
  | readonly [kind: typeof To.Interrupt, call: CallId]
  | readonly [kind: typeof To.Pull, call: CallId]
  /** From now on, calls of this key name this instance. */
  | readonly [kind: typeof To.Open, instance: InstanceId, key: unknown]
  /** Ends an instance, finalizers included. */
  | readonly [kind: typeof To.Close, instance: InstanceId]
  | readonly [kind: typeof To.Ping]
  /** Ends the thread, and all instances with it. */
  | readonly [kind: typeof To.Stop]
  /** The owner cannot read a batch, and asks for its messages one by one. */
  | readonly [kind: typeof To.Unreadable, batch: BatchNumber]
  /** So many batches of the thread have been read, where no memory is shared that would say so. */
  | readonly [kind: typeof To.Read, batches: number]
  /** When the batch went out, by the clock of both sides. */
  | readonly [kind: typeof To.Sent, time: number]

// --- from the thread -------------------------------------------------------------------------------------------------

export const From = {
  Success: 0,
  Failure: 1,
  Items: 2,
  Ready: 3,
  Failed: 4,
  Closed: 5,
  Died: 6,
  Pong: 7,
  Spans: 8,
  Refused: 9,
  Repeated: 10,
  NotBegun: 11,
  Ended: 12
} as const

/** What the thread says about a call. */
export type Answer =
  | readonly [kind: typeof From.Success, call: CallId, value: unknown]
  | readonly [kind: typeof From.Failure, call: CallId, reasons: PackedReasons, restarted: boolean]
  /** Answers a pull. */
  | readonly [kind: typeof From.Items, call: CallId, items: ReadonlyArray<unknown>]
  /** Arguments or a result cannot cross, or do not fit the contract. */
  | readonly [kind: typeof From.Refused, call: CallId, issue: string, mayHaveRun: boolean]
  /** The owner ended the call before the thread took it up. */
  | readonly [kind: typeof From.NotBegun, call: CallId]

export type FromThread =
  | Answer
  | readonly [kind: typeof From.Ready, greeting: Greeting]
  /** The implementation could not be built. */
  | readonly [kind: typeof From.Failed, reasons: PackedReasons]
  /** An instance has ended because the owner closed it. */
  | readonly [kind: typeof From.Closed, instance: InstanceId]
  /** An instance has ended by itself, or, if it has not lived, could not be opened. */
  | readonly [
      kind: typeof From.Died,
      instance: InstanceId,
      why: string,
      reasons: PackedReasons | undefined,
      hasLived: boolean
    ]
  | readonly [kind: typeof From.Pong, lagMillis: number]
  | readonly [kind: typeof From.Spans, reports: ReadonlyArray<SpanReport>]
  /** The thread has sent the messages of an unreadable batch again. */
  | readonly [kind: typeof From.Repeated, batch: BatchNumber]
  /** The thread ends, maybe by an error, where the platform would not say so. */
  | readonly [kind: typeof From.Ended, reasons: PackedReasons | undefined]

/** What a thread says about itself when it is ready. */
export interface Greeting {
  readonly serves: ContractText
  /** The texts of the tasks that it serves, by their names. */
  readonly tasks: Readonly<Record<string, string>>
  readonly terms: Home.Terms
}

// --- the start -------------------------------------------------------------------------------------------------------

/** What the owner gives a thread to start with, over the way that the platform has made for it. */
export interface Start {
  readonly troupe: true
  readonly port: Port
  readonly shared: Int32Array
}

/**
 * How calls fail for reasons of this home.
 */
import {
  type ActorError,
  ActorUnavailable,
  ContractMismatch,
  DecodeError,
  Denied,
  PendingCallsLimitExceeded,
  TaskCancelled
} from "@troupe/core/ActorError"
import type { Mismatch } from "@troupe/core/ContractShape"
import { actorError } from "@troupe/core/Home"

export interface Subject {
  /** With its key, as in `app/Room(tea)`. */
  readonly actor: string
  readonly method: string
}

export const unavailable = (
  { actor, method }: Subject,
  why: string,
  mayHaveRun: boolean,
  cause?: unknown
): ActorError =>
  actorError(() => new ActorUnavailable({ actor, method, why, mayHaveRun, ...(cause !== undefined && { cause }) }))

export const undecodable = ({ actor, method }: Subject, issue: string, mayHaveRun: boolean): ActorError =>
  actorError(() => new DecodeError({ actor, method, issue, mayHaveRun }))

export const denied = ({ actor, method }: Subject, why: string): ActorError =>
  actorError(() => new Denied({ actor, method, why }))

/** The server was told to end it before it had become a call. */
export const notBegun = ({ actor, method }: Subject): ActorError =>
  actorError(() => new TaskCancelled({ actor, method, mayHaveRun: false }))

export const tooMany = ({ actor, method }: Subject, maxPendingCalls: number): ActorError =>
  actorError(() => new PendingCallsLimitExceeded({ actor, method, maxPendingCalls }))

export const mismatched = ({ actor, method }: Subject, node: string, mismatch: Mismatch): ActorError =>
  actorError(() => new ContractMismatch({ actor, method, node, ...mismatch }))

/** It would end the connection, and with it what else is under way. */
export const tooLarge = (subject: Subject, bytes: number, most: number): ActorError =>
  denied(
    subject,
    `its message has ${bytes} bytes, and the server takes at most ${most}: send less at a time, or raise limits.messageBytes there`
  )

export const notExposed = (subject: Subject): ActorError =>
  denied(subject, "the server does not expose this method: name it in expose of RemoteHome.serve or RemoteHome.group")

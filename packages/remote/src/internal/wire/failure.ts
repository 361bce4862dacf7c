/**
 * How calls fail for reasons of this home.
 */
import {
  ActorError,
  ActorUnavailable,
  ContractMismatch,
  DecodeError,
  Denied,
  PendingCallsLimitExceeded,
  type Reason
} from "@troupe/core/ActorError"
import type { Mismatch } from "@troupe/core/ContractShape"
import { withoutStack } from "@troupe/core/Home"

export interface Subject {
  /** With its key, as in `app/Room(tea)`. */
  readonly actor: string
  readonly method: string
}

/** Its stack would show where the answer of the other side was read. */
const made = (reason: () => Reason): ActorError => withoutStack(() => new ActorError({ reason: reason() }))

export const unavailable = (
  { actor, method }: Subject,
  why: string,
  options: { readonly mayHaveRun: boolean; readonly cause?: unknown }
): ActorError => made(() => new ActorUnavailable({ actor, method, why, ...options }))

export const undecodable = ({ actor, method }: Subject, issue: string, mayHaveRun: boolean): ActorError =>
  made(() => new DecodeError({ actor, method, issue, mayHaveRun }))

export const denied = ({ actor, method }: Subject, why: string): ActorError =>
  made(() => new Denied({ actor, method, why }))

export const tooMany = ({ actor, method }: Subject, maxPendingCalls: number): ActorError =>
  made(() => new PendingCallsLimitExceeded({ actor, method, maxPendingCalls }))

export const mismatched = ({ actor, method }: Subject, node: string, mismatch: Mismatch): ActorError =>
  made(() => new ContractMismatch({ actor, method, node, ...mismatch }))

export const notExposed = (subject: Subject): ActorError =>
  denied(
    subject,
    "the server does not expose this method: name it in expose, where RemoteHome.serve or RemoteHome.group is given the actor"
  )

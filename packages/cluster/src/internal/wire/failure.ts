/**
 * How calls fail for reasons of the cluster.
 *
 * The errors of the method, and our own from the other side, pass untouched. What the engine reports becomes an
 * `ActorError`, so that a call fails with the same types in every home.
 */
import {
  ActorDied,
  type ActorError,
  ActorUnavailable,
  ContractMismatch,
  DecodeError,
  TaskCancelled
} from "@troupe/core/ActorError"
import type { Mismatch } from "@troupe/core/ContractShape"
import { actorError } from "@troupe/core/Home"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { SocketError } from "effect/socket/Socket"
import { OtherArguments, ResultRefused, refusalOf } from "../base/refused.ts"
import { wordsOf } from "../base/writable.ts"
import { ClusterError } from "../engine.ts"
import { isOf, notHosted } from "../engineInternals.ts"
import { received } from "./received.ts"
import { retold } from "./retold.ts"
import type { WireMethod } from "./wire.ts"

export interface Subject {
  readonly actor: string
  readonly method: string
}

export const unavailable = (
  subject: Subject,
  why: string,
  options: { readonly mayHaveRun: boolean; readonly cause?: unknown }
): ActorError => actorError(() => new ActorUnavailable({ ...subject, why, ...options }))

export const undecodable = (subject: Subject, issue: string, mayHaveRun: boolean): ActorError =>
  actorError(() => new DecodeError({ ...subject, issue, mayHaveRun }))

/** A node that has another version of the contract: nothing was sent to it. */
export const mismatched = (subject: Subject, node: string, mismatch: Mismatch): ActorError =>
  actorError(() => new ContractMismatch({ ...subject, node, ...mismatch }))

/** An instance that did not come up: the call has not run. */
export const died = (
  subject: Subject,
  why: string,
  options: { readonly at: number; readonly cause: unknown }
): ActorError => actorError(() => new ActorDied({ ...subject, why, mayHaveRun: false, ...options }))

/** Arguments that do not fit are found before anything is sent. */
export const argumentsDoNotFit = (subject: Subject, issue: string): ActorError =>
  undecodable(subject, `its arguments do not fit the contract: ${issue}`, false)

/** What a method came to is only known when it has run. */
export const resultDoesNotFit = (subject: Subject, what: string, issue: string): ActorError =>
  undecodable(subject, `its ${what} does not fit the contract: ${issue}`, true)

export const subjectOf = (actor: string, { name }: Pick<WireMethod, "name">): Subject => ({ actor, method: name })

/** The caller of a volatile call was not interrupted, or it would not see this. So the node gave the actor up. */
export const left = (subject: Subject): ActorError =>
  unavailable(
    subject,
    "its node gave it up while the call ran: that node is leaving, keys move since another node has joined or left, or the storage was too slow to renew its locks",
    { mayHaveRun: true }
  )

/** An interruption is stored as the result of a durable call only if the call was cancelled. */
export const cancelled = (subject: Subject): ActorError =>
  actorError(() => new TaskCancelled({ ...subject, mayHaveRun: true }))

/** The failure of a request, as its caller sees it. */
export const translate = (
  subject: Subject,
  cause: Cause.Cause<unknown>,
  interrupted: (subject: Subject) => ActorError = left
): Effect.Effect<never, unknown> => {
  for (const reason of cause.reasons) {
    const known = Option.getOrUndefined(recognize(subject, reason))
    if (known !== undefined) return Effect.fail(known)
  }
  if (Cause.hasInterruptsOnly(cause)) return Effect.fail(interrupted(subject))
  return Effect.failCause(retold(`${subject.actor}.${subject.method}`, received(cause)))
}

/** Errors and defects of methods may be anything, also what throws when it is looked at: then it is not the engine's. */
const recognize = Option.liftThrowable((subject: Subject, reason: Cause.Reason<unknown>): ActorError | undefined => {
  if (Cause.isFailReason(reason)) return ofError(subject, reason.error)
  return Cause.isDieReason(reason) ? ofDefect(subject, reason.defect) : undefined
})

const ofError = (subject: Subject, error: unknown): ActorError | undefined => {
  if (isOf(ClusterError.MailboxFull, error))
    return unavailable(subject, "its node has no room for another instance (maxInstances)", {
      mayHaveRun: false,
      cause: error
    })
  if (isOf(ClusterError.PersistenceError, error))
    return ofStorage(subject, (error as ClusterError.PersistenceError).cause)
  if (isOf(ClusterError.AlreadyProcessingMessage, error))
    return unavailable(subject, "the same call is under way already", { mayHaveRun: true, cause: error })
  return ofNode(subject, error)
}

/** What the storage refuses would be refused again. */
const ofStorage = (subject: Subject, cause: unknown): ActorError => {
  if (cause instanceof OtherArguments) return undecodable(subject, cause.message, false)
  const refusal = refusalOf(cause)
  if (refusal !== undefined) return undecodable(subject, `the storage refuses its arguments: ${refusal}`, false)
  return unavailable(subject, "the storage of the cluster does not answer", { mayHaveRun: true, cause })
}

const ofNode = (subject: Subject, error: unknown): ActorError | undefined => {
  if (isOf(ClusterError.EntityNotAssignedToRunner, error))
    return unavailable(subject, "no node has it at the moment", { mayHaveRun: false, cause: error })
  if (isOf(ClusterError.RunnerUnavailable, error))
    return unavailable(subject, "its node cannot be reached", { mayHaveRun: true, cause: error })
}

/**
 * The path of a volatile call's arguments, which are an array: the request was not written, or not read, and has not run.
 * What comes back is an object. A durable call may have run on another node before, so nothing is said of its arguments.
 */
const isOfArguments = / at \[\d+\](\[(\d+|"([^"\\]|\\.)*")\])*$/

const ofDefect = (subject: Subject, defect: any): ActorError | undefined => {
  if (isOf(ResultRefused, defect))
    return undecodable(subject, `the storage refuses its result: ${wordsOf(defect)}`, true)
  if (isOf(ClusterError.MalformedMessage, defect)) {
    const issue = wordsOf(defect.cause ?? defect)
    if (isOfArguments.test(issue)) return argumentsDoNotFit(subject, issue)
    return undecodable(subject, `what crosses the wire does not fit the contract: ${issue}`, true)
  }
  // Nothing of ours leaves a schema to fail by itself: this is what the other side wrote.
  if (defect instanceof Schema.SchemaError)
    return undecodable(subject, `what came back does not fit the contract: ${wordsOf(defect)}`, true)
  // A write to a connection that broke. How much of it arrived is unknown.
  if (isOf(SocketError, defect))
    return unavailable(subject, "the connection to its node broke", { mayHaveRun: true, cause: defect })
  const entity = notHosted(defect)
  // What a method dies of may have the same words, if not about this actor.
  if (entity !== undefined && (subject.actor === entity || subject.actor.startsWith(`${entity}(`)))
    return unavailable(
      subject,
      "the node that should have it does not host it: provide ClusterHome.layer of this actor on all nodes",
      {
        mayHaveRun: false,
        cause: defect
      }
    )
  return ofNode(subject, defect)
}

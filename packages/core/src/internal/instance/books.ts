/**
 * What is remembered of calls and instances that have ended: how many calls came to which end, the last error, the
 * instances that ended last, and the calls that came too late for them.
 */
import * as Cause from "effect/Cause"
import type * as Exit from "effect/Exit"
import { ActorError, FailedCall } from "../../ActorError.ts"
import type { DeadLetter, Outcome, Tally } from "../../ActorSystem.ts"
import { attempt } from "../base/show.ts"
import { type Call, type Death, dateFor } from "../call/call.ts"

/** How many ended instances and dead letters a system remembers. */
export const MEMORY = 100

/** The last error of an instance. Its text is made when it is asked for. */
export interface LastError {
  readonly call: string
  readonly at: number
  readonly cause: Cause.Cause<unknown>
}

/** The counters of one instance. One object, since each object of an instance takes room a million times. */
export class Books implements Record<Outcome, number> {
  succeeded = 0
  failed = 0
  died = 0
  cancelled = 0
  timedOut = 0
  unavailable = 0
  actorDied = 0
  /** How many submissions found no room. */
  refused = 0
  lastError: LastError | undefined = undefined
}

/** The books of an instance that has nothing in them: most have none of their own for long. */
export const NO_BOOKS: Readonly<Books> = new Books()

export const tallyOf = (books: Readonly<Books>): Tally => {
  const { actorDied, cancelled, died, failed, succeeded, timedOut, unavailable } = books
  return { succeeded, failed, died, cancelled, timedOut, unavailable, actorDied }
}

/** What is remembered of an instance that has ended. */
export interface Obituary {
  readonly actor: string
  readonly instance: number
  readonly name: string | undefined
  readonly key: string | undefined
  readonly since: number
  readonly restarts: number
  readonly books: Readonly<Books>
  readonly death: Death
}

/** What a system remembers. */
export interface Memory {
  /** The instances that ended last. */
  readonly dead: Array<Obituary>
  /** The calls that failed last since their instance was dead. */
  readonly deadLetters: Array<DeadLetter>
}

/** How a call came to its end. `exit` is what its ref shows. */
export const outcomeOf = (call: Call, exit: Exit.Exit<unknown, unknown>): Outcome => {
  if (exit._tag === "Success") return "succeeded"
  const own = exit.cause.reasons[0]
  if (own !== undefined && Cause.isFailReason(own))
    return isAbout(call, own) ? (attempt(() => byError(own.error)) ?? "failed") : "failed"
  return own !== undefined && Cause.isDieReason(own) ? "died" : "cancelled"
}

/** An instance that keeps books. */
interface Bookkeeper {
  openBooks(): Books
  readonly death: Death | undefined
  readonly registry: Memory
}

/** Puts the failure of a call into the books of its instance. */
export const noteFailure = (cell: Bookkeeper, call: Call, exit: Exit.Failure<unknown, unknown>): void => {
  const { death, registry } = cell
  const books = cell.openBooks()
  const outcome = outcomeOf(call, exit)
  books[outcome]++
  if (outcome === "failed" || outcome === "died") {
    books.lastError = { call: call.origin, at: dateFor(call), cause: exit.cause }
  } else if (outcome === "actorDied" && call.attempts === 0) {
    remember(registry.deadLetters, letter(call, death!))
  }
}

const letter = (call: Call, death: Death): DeadLetter => ({
  id: call.id,
  method: call.method.label,
  actor: call.line.cell.id,
  instance: call.line.cell.instance,
  why: death.why,
  at: dateFor(call)
})

/** Whether a failure is that of this very call, and not of another that it waited for. */
const isAbout = (call: Call, reason: Cause.Reason<unknown>): boolean =>
  (reason.annotations.get(FailedCall.key) as FailedCall["Service"] | undefined)?.id === call.id

const byError = (error: unknown): Outcome => {
  if (!(error instanceof ActorError)) return "failed"
  switch (error.reason._tag) {
    case "TaskCancelled":
      return "cancelled"
    case "TimedOut":
      return "timedOut"
    case "ActorDied":
      return "actorDied"
    case "ActorUnavailable":
      return "unavailable"
    default:
      return "failed"
  }
}

/** An instance that has ended. */
export interface Ended {
  readonly id: string
  readonly instance: number
  readonly name: string | undefined
  readonly keyText: string | undefined
  readonly since: number
  readonly restarts: number
  readonly books: Readonly<Books>
  readonly death: Death | undefined
}

/** The obituary keeps nothing of the instance but its numbers. */
export const bury = ({ dead }: Memory, ended: Ended): void => {
  const { books, death, id, instance, keyText, name, restarts, since } = ended
  remember(dead, { actor: id, instance, name, key: keyText, since, restarts, books, death: death! })
}

const remember = <A>(list: Array<A>, item: A): void => {
  list.push(item)
  // Cut back now and then, rather than shifted each time.
  if (list.length >= 2 * MEMORY) list.splice(0, list.length - MEMORY)
}

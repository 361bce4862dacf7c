/**
 * What a system is doing now, as plain data (semantics 11.1).
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type {
  DeadLetter,
  Instance,
  Outcome,
  Permits,
  Snapshot,
  SnapshotOptions,
  State,
  Tally,
  UnsettledCall
} from "../ActorSystem.ts"
import { Call, Stage } from "./call.ts"
import type { CallQueue } from "./callQueue.ts"
import type { Cell } from "./cell.ts"
import type { Death } from "./failure.ts"
import { isRef, type Ref } from "./ref.ts"
import { type Registry, registryIn, tasks } from "./registry.ts"

/** How many ended instances and dead letters a system remembers. */
const MEMORY = 100
const DEFAULT_LIMIT = 1000

export const emptyTally = (): { -readonly [K in Outcome]: number } => ({
  succeeded: 0,
  failed: 0,
  died: 0,
  cancelled: 0,
  timedOut: 0,
  unavailable: 0,
  actorDied: 0
})

/** The last error of an instance. Its text is made when somebody asks for it. */
export interface LastError {
  readonly call: string
  readonly at: number
  readonly cause: Cause.Cause<unknown>
}

/** What is remembered of an instance that has ended. */
export interface Obituary {
  readonly actor: string
  readonly instance: number
  readonly name: string | undefined
  readonly key: string | undefined
  readonly since: number
  readonly restarts: number
  readonly settled: Tally
  readonly lastError: LastError | undefined
  readonly death: Death
}

/** How a call came to its end. `exit` is what its ref shows. */
export const outcomeOf = (call: Call, exit: Exit.Exit<unknown, unknown>): Outcome => {
  if (exit._tag === "Success") return "succeeded"
  const own = exit.cause.reasons[0]
  if (own !== undefined && Cause.isFailReason(own)) return byError(call, own.error)
  return own !== undefined && Cause.isDieReason(own) ? "died" : "cancelled"
}

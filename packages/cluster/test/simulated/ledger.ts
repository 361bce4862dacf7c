/**
 * The rules of the chaos runs, in a simulated cluster: clients append to logs, and whatever happens to the nodes, the logs
 * and what the clients saw have to agree.
 */
import { ClusterHome, DurableState } from "@troupe/cluster"
import * as SimulatedCluster from "@troupe/cluster/SimulatedCluster"
import { ActorError, type ObjectRef } from "@troupe/core"
import { Clock, Effect, Exit, Fiber, Layer, Schedule } from "effect"
import {
  check,
  type Entry,
  type Kind,
  type Logs,
  type Operation,
  type Outcome,
  type Violation
} from "../chaos/history.ts"
import { Ledger } from "../chaos/Ledger.ts"
import { LedgerLive } from "../chaos/LedgerLive.ts"

const actors = Layer.provide(ClusterHome.layer(Ledger, LedgerLive), DurableState.layer)

const KEYS = ["a", "b"]
const CLIENTS = ["x", "y"]
const CALLS = 4

/** What a client saw of a call. */
const outcomeOf = (exit: Exit.Exit<number, unknown>): Outcome => {
  if (Exit.isSuccess(exit)) return { _tag: "Done", position: exit.value }
  const [reason] = exit.cause.reasons
  const error = reason?._tag === "Fail" ? reason.error : reason?._tag === "Die" ? reason.defect : undefined
  const byCall = ActorError.isActorError(error)
  return {
    _tag: "Failed",
    byMethod: !byCall,
    mayHaveRun: !byCall || (error.reason as { readonly mayHaveRun?: boolean }).mayHaveRun !== false,
    error: String(error)
  }
}

/** A client makes calls of one kind to one key, two at a time. */
const client = (operations: Array<Operation>, name: string, key: string, kind: Kind) =>
  Effect.gen(function* () {
    const ledger = yield* Ledger.get(key)
    const note = (operation: Operation, ref: ObjectRef.ObjectRef<number, unknown>) =>
      Effect.gen(function* () {
        const exit = yield* Effect.exit(ref)
        operation.outcome = outcomeOf(exit)
        operation.settledAt = yield* Clock.currentTimeMillis
      })
    const noting: Array<Fiber.Fiber<void>> = []
    for (let sequence = 0; sequence < CALLS; sequence++) {
      const id = `${name}${sequence}-${key}-${kind}`
      const submittedAt = yield* Clock.currentTimeMillis
      const operation: Operation = { id, key, kind, client: name, sequence, submittedAt, phase: "faults" }
      operations.push(operation)
      const ref = yield* kind === "durable" ? ledger.append.remote(id) : ledger.touch.remote(id)
      noting.push(yield* Effect.forkChild(note(operation, ref)))
      // Two at a time.
      if (sequence % 2 === 1) yield* Fiber.awaitAll(noting)
    }
  })

const GIVEN_UP = "its node gave it up while the call ran"
const LOCKS_LOST = "logs ERROR Shard lock storage is unhealthy"

/** Whether a node ended calls of a key as it could not renew its locks in time: statements are late in any schedule. */
const hasLostLocks = (history: ReadonlyArray<SimulatedCluster.Event>, key: string): boolean =>
  history.some(
    ({ at, what, who }) =>
      what === `chaos/Ledger(${key}).touch fails: TaskCancelled` &&
      history.some((event) => event.at === at && event.who === who && event.what.startsWith(LOCKS_LOST))
  )

const NODE_LOST = "the connection to its node was lost"

/** The date at which a simulated cluster begins. */
const BEGINNING = Date.UTC(2030, 0, 1)

/** How long a message takes at most, and nearly always what a node does between its last answer and its end. */
const ON_THE_WAY = 405

/**
 * The calls that came to a node that leaves when it had stopped to serve any: their callers had not heard of it in time, as
 * the storage was slow, and cannot know that they have not run, which they have not.
 */
const cameTooLate = (
  operations: ReadonlyArray<Operation>,
  history: ReadonlyArray<SimulatedCluster.Event>,
  logs: Logs
): ReadonlyArray<Operation> => {
  const left = history.filter(({ what }) => what === "has left").map(({ at }) => BEGINNING + at)
  return operations
    .filter(({ kind, outcome }) => kind === "atMostOnce" && show(outcome).includes(NODE_LOST))
    .filter(({ id, key }) => logs.get(key)?.every(({ op }) => op !== id))
    .filter(({ settledAt }) => left.some((at) => Math.abs(settledAt! - at) <= ON_THE_WAY))
}

/** A node that leaves lets the calls finish that run, and those that come wait for the next one: none of them fails. */
const undisturbed = (
  operations: ReadonlyArray<Operation>,
  history: ReadonlyArray<SimulatedCluster.Event>,
  logs: Logs
): ReadonlyArray<Violation> => {
  const excused = cameTooLate(operations, history, logs)
  return operations
    .filter(({ outcome }) => outcome?._tag !== "Done")
    .filter(({ key, outcome }) => !(show(outcome).includes(GIVEN_UP) && hasLostLocks(history, key)))
    .filter((operation) => !excused.includes(operation))
    .map(({ id, outcome }) => ({ rule: "nothing fails where a node leaves", what: `${id}: ${show(outcome)}` }))
}

const onlyLeaves = ({ leaves, ...others }: SimulatedCluster.Faults): boolean =>
  leaves !== undefined && Object.keys(others).length === 0

const show = (outcome: Outcome | undefined): string =>
  outcome?._tag === "Failed" ? `failed with ${outcome.error}` : "has not settled"

/** Fails with all rules that were broken. */
export const ledger = (faults: SimulatedCluster.Faults) =>
  Effect.gen(function* () {
    const cluster = yield* SimulatedCluster.make({ actors, client: ClusterHome.client(Ledger), faults })
    const operations: Array<Operation> = []
    const clients = CLIENTS.flatMap((name) =>
      KEYS.flatMap((key) => [
        client(operations, name, key, "durable"),
        ...(name === "x" ? [client(operations, name, key, "atMostOnce")] : [])
      ])
    )
    yield* cluster.run(Effect.all(clients, { concurrency: "unbounded", discard: true }))
    yield* cluster.settled()
    // A node that was frozen may still believe that it has a key, and make an instance that finds that it has not.
    const read = (key: string) =>
      Effect.flatMap(Ledger.get(key), (ledger) => ledger.read()).pipe(
        Effect.retry({ times: 3, schedule: Schedule.spaced("2 seconds") }),
        Effect.map((log) => [key, log] as const)
      )
    const logs = new Map<string, ReadonlyArray<Entry>>(yield* cluster.run(Effect.forEach(KEYS, read)))
    const disturbed = onlyLeaves(faults) ? undisturbed(operations, cluster.history, logs) : []
    const [violation, ...more] = [...check(operations, logs), ...disturbed]
    if (violation === undefined) return
    yield* Effect.die(
      new Error(`${violation.rule}: ${violation.what}${more.length > 0 ? `, and ${more.length} more` : ""}`)
    )
  })

/**
 * The rules of the chaos runs, in a simulated cluster: clients append to logs, and whatever happens to the nodes, the logs
 * and what the clients saw have to agree.
 */
import { ClusterHome, DurableState } from "@troupe/cluster"
import * as SimulatedCluster from "@troupe/cluster/SimulatedCluster"
import { ActorError, type ObjectRef } from "@troupe/core"
import { Clock, Effect, Exit, Fiber, Layer, Schedule } from "effect"
import { check, type Entry, type Kind, type Operation, type Outcome } from "../chaos/history.ts"
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

/** How long a message takes at most, and until a caller knows that it has not arrived, in milliseconds. */
const ON_THE_WAY = 405
const KNOWN = 5

/** Whether a call was on its way to a node when that had left: nothing is known of it then. */
const wasOnTheWay = (history: ReadonlyArray<SimulatedCluster.Event>, key: string): boolean => {
  const of = (what: string) => history.filter((event) => event.who === "client" && event.what === what)
  const calls = of(`calls chaos/Ledger(${key}).touch`)
  const failures = of(`chaos/Ledger(${key}).touch fails: ActorUnavailable`)
  return history.some(
    ({ at, what }) =>
      what === "has left" &&
      failures.some((failure) => failure.at >= at && failure.at <= at + KNOWN) &&
      calls.some((call) => call.at <= at && call.at >= at - ON_THE_WAY)
  )
}

/** A node that leaves lets the calls finish that run, and those that come wait for the next one: none of them fails. */
const undisturbed = (operations: ReadonlyArray<Operation>, history: ReadonlyArray<SimulatedCluster.Event>) =>
  operations
    .filter(({ outcome }) => outcome?._tag !== "Done")
    .filter(({ key, outcome }) => !(show(outcome).includes(GIVEN_UP) && hasLostLocks(history, key)))
    .filter(({ key, kind }) => !(kind === "atMostOnce" && wasOnTheWay(history, key)))
    .map(({ id, outcome }) => ({ rule: "nothing fails where a node leaves", what: `${id}: ${show(outcome)}` }))

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
    const disturbed = onlyLeaves(faults) ? undisturbed(operations, cluster.history) : []
    const [violation, ...more] = [...check(operations, logs), ...disturbed]
    if (violation === undefined) return
    yield* Effect.die(
      new Error(`${violation.rule}: ${violation.what}${more.length > 0 ? `, and ${more.length} more` : ""}`)
    )
  })

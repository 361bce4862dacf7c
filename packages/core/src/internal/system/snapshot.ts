/**
 * What a system is doing now, as plain data (semantics 11.1).
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { Instance, Permits, Snapshot, SnapshotOptions, State, UnsettledCall } from "../../ActorSystem.ts"
import { attempt, errorText, show } from "../base/show.ts"
import { dateIn } from "../base/time.ts"
import { type Call, Stage } from "../call/call.ts"
import { Residence } from "../call/carried.ts"
import type { Death } from "../call/failure.ts"
import { isRef, type Ref } from "../call/ref.ts"
import { type LastError, MEMORY, type Obituary, tallyOf } from "../instance/books.ts"
import type { CallQueue } from "../instance/callQueue.ts"
import type { Cell } from "../instance/cell.ts"
import { type Registry, registriesIn } from "../instance/registry.ts"

const DEFAULT_LIMIT = 1000
/** How many of the refs that one call waits for are shown. */
const MAX_WAITS = 100

/** An error in one line, for people. */
export const messageOf = (cause: Cause.Cause<unknown>): string => errorText(Cause.squash(cause))

// --- taking it -------------------------------------------------------------------------------------------------------

export const take = (options: SnapshotOptions = {}): Effect.Effect<Snapshot> =>
  Effect.withFiber((fiber) => {
    return Effect.succeed(takeUnsafe(registriesIn(fiber.context), options, dateIn(fiber.context)))
  })

const takeUnsafe = (registries: ReadonlyArray<Registry<Cell>>, options: SnapshotOptions, now: number): Snapshot => {
  const limit = options.limit ?? DEFAULT_LIMIT
  if (!(limit >= 0)) throw new RangeError(`ActorSystem.snapshot: limit must be at least 0, but is ${show(limit)}`)
  const states = options.state === undefined ? undefined : new Set<State>([options.state].flat() as Array<State>)
  const admits = (actor: string, instance: number, name: string | undefined, state: State) =>
    (options.actor === undefined || options.actor === actor) &&
    (options.instance === undefined || options.instance === instance) &&
    (options.name === undefined || options.name === name) &&
    (states === undefined || states.has(state))

  const instances: Array<Instance> = []
  const busy: Array<Generator<Standing>> = []
  const totals = { instances: 0, calls: 0 }
  for (const { cells } of registries) {
    for (const cell of cells) {
      if (!admits(cell.id, cell.instance, cell.name, stateOf(cell))) continue
      totals.instances++
      const unsettled = cell.pending + cell.suspended
      totals.calls += unsettled
      if (instances.length < limit) instances.push(instanceOf(cell))
      if (unsettled > 0) busy.push(callsOf(cell))
    }
  }
  const calls = inTurn(busy, limit).map(({ call, position }) => callOf(call, position, now))
  for (const obituary of registries.flatMap(({ dead }) => dead.slice(-MEMORY))) {
    if (!admits(obituary.actor, obituary.instance, obituary.name, "dead")) continue
    totals.instances++
    if (instances.length < limit) instances.push(deadInstance(obituary))
  }
  const deadLetters = registries
    .flatMap((registry) => registry.deadLetters.slice(-MEMORY))
    .filter(({ actor, instance }) => admitsLetter(options, actor, instance))
  return { at: now, instances, calls, deadLetters, totals }
}

const admitsLetter = (options: SnapshotOptions, actor: string, instance: number): boolean =>
  (options.actor === undefined || options.actor === actor) &&
  (options.instance === undefined || options.instance === instance)

// --- instances -------------------------------------------------------------------------------------------------------

const stateOf = (cell: Cell): State => {
  if (cell.death !== undefined) return "stopping"
  if (cell.implementation === undefined) return "starting"
  return cell.paused ? "restarting" : "running"
}

const instanceOf = (cell: Cell): Instance => {
  const { books, death, keyText: key, name } = cell
  const { lastError, refused } = books
  const { maxPendingCalls } = cell.options
  const home = homeOf(cell)
  const groups: Record<string, Permits> = {}
  for (const queue of cell.queues()) if (queue.group !== undefined) groups[queue.group] = permitsOf(queue)
  return {
    actor: cell.id,
    instance: cell.instance,
    ...(name !== undefined && { name }),
    ...(key !== undefined && { key }),
    state: stateOf(cell),
    since: cell.since,
    permits: permitsOf(cell.main),
    groups,
    pending: cell.pending,
    ...(maxPendingCalls !== Infinity && { maxPendingCalls }),
    suspended: cell.suspended,
    settled: tallyOf(books),
    refused,
    restarts: cell.restarts,
    ...(lastError !== undefined && { lastError: errorOf(lastError) }),
    ...(death !== undefined && { death: deathOf(death) }),
    ...(home !== undefined && { home })
  }
}

/** What the home of an instance says of it, if it has one. */
const homeOf = ({ context, home, id, key }: Cell): Instance["home"] =>
  attempt(() => (home === undefined ? Context.get(context, Residence)?.describe(id, key) : home.describe()))

const deadInstance = ({ books, death, key, name, ...rest }: Obituary): Instance => ({
  ...rest,
  ...(name !== undefined && { name }),
  ...(key !== undefined && { key }),
  state: "dead",
  permits: { running: 0, waiting: 0 },
  groups: {},
  pending: 0,
  suspended: 0,
  settled: tallyOf(books),
  refused: books.refused,
  ...(books.lastError !== undefined && { lastError: errorOf(books.lastError) }),
  death: deathOf(death)
})

const permitsOf = ({ limit, running, waiting }: CallQueue): Permits => ({
  running,
  waiting,
  ...(limit !== Infinity && { limit })
})

const errorOf = ({ at, call, cause }: LastError) => ({ call, at, message: messageOf(cause) })

const deathOf = ({ at, cause, why }: Death) => ({ why, at, ...(cause !== undefined && { error: messageOf(cause) }) })

// --- calls -----------------------------------------------------------------------------------------------------------

interface Standing {
  readonly call: Call
  readonly position: number | undefined
}

/** The unsettled calls of an instance: running ones first, then those in line, then those that are not there yet. */
export function* callsOf(cell: Cell): Generator<Standing> {
  for (const call of cell.running.toArray()) yield { call, position: undefined }
  for (const queue of cell.queues()) {
    let position = 1
    for (let call = queue.head; call !== undefined; call = call.next) yield { call, position: position++ }
  }
  for (const call of cell.preparingCalls()) yield { call, position: undefined }
  for (const call of cell.suspendedCalls()) yield { call, position: undefined }
}

/** So many calls at most, one of each instance in turn: a long line must not hide the calls of others. */
const inTurn = (instances: ReadonlyArray<Iterator<Standing>>, limit: number): ReadonlyArray<Standing> => {
  const taken = instances.map((calls) => ({ calls, own: [] as Array<Standing> }))
  let left = limit
  for (let turn = taken; left > 0 && turn.length > 0; ) {
    turn = turn.filter(({ calls, own }) => {
      if (left <= 0) return false
      const next = calls.next()
      if (next.done === true) return false
      own.push(next.value)
      left--
      return true
    })
  }
  return taken.flatMap(({ own }) => own)
}

export const stageOf = ({ stage }: Call): UnsettledCall["stage"] => {
  if (stage === Stage.New) return "suspended"
  if (stage === Stage.Preparing) return "preparing"
  if (stage === Stage.Waiting) return "waiting"
  return stage === Stage.Running ? "running" : "ending"
}

const callOf = (call: Call, position: number | undefined, now: number): UnsettledCall => {
  const { attempts, id, method, parent, queue } = call
  return {
    id,
    method: method.label,
    actor: queue.cell.id,
    instance: queue.cell.instance,
    ...(queue.group !== undefined && { group: queue.group }),
    stage: stageOf(call),
    since: now - call.age,
    ...(position !== undefined && { position }),
    waitingOn: waitedFor(call)
      .slice(0, MAX_WAITS)
      .map((ref) => ({ ref: ref.id, ...(ref.origin !== "" && { method: ref.origin }) })),
    ...(parent !== undefined && { parent: parent.id }),
    attempts
  }
}

/** The refs that a call waits for, and that have not settled. */
export const waitedFor = (call: Call): ReadonlyArray<Ref> => {
  if (call.stage <= Stage.Preparing) return call.args.filter(isRef).filter(({ exit }) => exit === undefined)
  const refs: Array<Ref> = []
  for (let wait = call.waits; wait !== undefined; wait = wait.next) refs.push(...wait.open())
  return refs
}

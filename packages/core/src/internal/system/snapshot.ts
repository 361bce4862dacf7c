/**
 * What a system is doing now, as plain data (semantics 11.1).
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { Instance, Permits, Snapshot, SnapshotOptions, State, UnsettledCall } from "../../ActorSystem.ts"
import { type Known, onlyKnown } from "../base/options.ts"
import { attempt, errorText, show } from "../base/show.ts"
import { dateIn } from "../base/time.ts"
import { type Call, type Death, Stage } from "../call/call.ts"
import { Residence } from "../call/carried.ts"
import { isRef, type Ref } from "../call/ref.ts"
import { traceIdOf } from "../call/tracing.ts"
import { type Ended, type LastError, MEMORY, type Obituary, tallyOf } from "../instance/books.ts"
import type { Cell, CellLine } from "../instance/cell.ts"
import { type Registry, registriesIn } from "../instance/registry.ts"

const DEFAULT_LIMIT = 1000
/** How many of the refs that one call waits for are shown. */
const MAX_WAITS = 100

/** An error in one line, for people. */
export const messageOf = (cause: Cause.Cause<unknown>): string => errorText(Cause.squash(cause))

// --- taking it -------------------------------------------------------------------------------------------------------

const OPTIONS: Known<SnapshotOptions> = {
  actor: true,
  name: true,
  instance: true,
  state: true,
  search: true,
  limit: true
}

export const take = (options: SnapshotOptions = {}): Effect.Effect<Snapshot> => {
  onlyKnown("ActorSystem.snapshot", options, OPTIONS)
  return Effect.withFiber((fiber) =>
    Effect.succeed(takeUnsafe(registriesIn(fiber.context), options, dateIn(fiber.context)))
  )
}

const takeUnsafe = (registries: ReadonlyArray<Registry<Cell>>, options: SnapshotOptions, now: number): Snapshot => {
  const limit = options.limit ?? DEFAULT_LIMIT
  if (!(limit >= 0)) throw new RangeError(`ActorSystem.snapshot: limit must be at least 0, but is ${show(limit)}`)
  const admits = filterOf(options)
  const living = registries.map((registry) => livingIn(registry, options, admits, limit))
  const dead = registries
    .flatMap(({ dead }) => dead.slice(-MEMORY))
    .filter((it) => admits === undefined || admits({ ...it, id: it.actor, keyText: it.key }, "dead"))
  const shown = living.flatMap(({ shown }) => shown).slice(0, limit)
  const busy = living.flatMap(({ busy }) => busy)
  const deadLetters = registries
    .flatMap((registry) => registry.deadLetters.slice(-MEMORY))
    .filter(({ actor, instance }) => admitsLetter(options, actor, instance))
  return {
    at: now,
    instances: [...shown.map(instanceOf), ...dead.slice(0, limit - shown.length).map(deadInstance)],
    calls: inTurn(busy.map(callsOf), limit).map(({ call, position }) => callOf(call, position, now)),
    deadLetters,
    totals: {
      instances: living.reduce((sum, { instances }) => sum + instances, 0),
      calls: living.reduce((sum, { calls }) => sum + calls, 0),
      dead: dead.length
    }
  }
}

// --- which -----------------------------------------------------------------------------------------------------------

/** What there is of living instances. */
interface Living {
  /** Those to show, up to the limit. */
  readonly shown: ReadonlyArray<Cell>
  /** Those with calls to show, up to the limit: each of them shows one, at least. */
  readonly busy: ReadonlyArray<Cell>
  readonly instances: number
  readonly calls: number
}

/** How an instance is found: living, or remembered. */
type Named = Pick<Cell, "id" | "instance" | "name" | "keyText">

type Filter = (it: Named, state: State) => boolean

/** Undefined if all are admitted. */
const filterOf = ({ actor, instance, name, search = "", state }: SnapshotOptions): Filter | undefined => {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean)
  const isOpen = actor === undefined && instance === undefined && name === undefined && state === undefined
  if (isOpen && words.length === 0) return undefined
  const states = state === undefined ? undefined : new Set<State>([state].flat() as Array<State>)
  return (it, itsState) =>
    (actor === undefined || actor === it.id) &&
    (instance === undefined || instance === it.instance) &&
    (name === undefined || name === it.name) &&
    (states === undefined || states.has(itsState)) &&
    (words.length === 0 || found(it, words))
}

const found = ({ id, instance, keyText = "", name = "" }: Named, words: ReadonlyArray<string>): boolean => {
  const text = `${id} ${keyText} ${name}`.toLowerCase()
  return words.every((word) => word === `#${instance}` || text.includes(word))
}

const admitsLetter = (options: SnapshotOptions, actor: string, instance: number): boolean =>
  (options.actor === undefined || options.actor === actor) &&
  (options.instance === undefined || options.instance === instance)

/** Without a filter, no more than `limit` instances are looked at, of however many there are. */
const livingIn = (
  { busy, cells }: Registry<Cell>,
  { instance }: SnapshotOptions,
  admits: Filter | undefined,
  limit: number
): Living => {
  if (admits === undefined && busy !== undefined) {
    const working = first(busy, limit).sort(byNumber)
    return { shown: chosen(cells, working, limit), busy: working, instances: cells.size, calls: busy.calls }
  }
  const candidates = instance === undefined ? cells.values() : [cells.get(instance) ?? []].flat()
  return search(candidates, (cell) => admits?.(cell, stateOf(cell)) ?? true, limit)
}

/** Those that were started first; if there is no room for all, idle ones are left out before those with calls. */
const chosen = (cells: Registry<Cell>["cells"], working: ReadonlyArray<Cell>, limit: number): ReadonlyArray<Cell> => {
  if (cells.size <= limit) return first(cells.values(), limit)
  const kept = new Set(working)
  for (const cell of first(cells.values(), limit)) {
    if (kept.size >= limit) break
    kept.add(cell)
  }
  return [...kept].sort(byNumber)
}

const byNumber = (a: Cell, b: Cell): number => a.instance - b.instance

const search = (cells: Iterable<Cell>, admits: (cell: Cell) => boolean, limit: number): Living => {
  const shown: Array<Cell> = []
  const busy: Array<Cell> = []
  let instances = 0
  let calls = 0
  for (const cell of cells) {
    if (!admits(cell)) continue
    instances++
    const unsettled = cell.pending + suspendedOf(cell)
    calls += unsettled
    if (shown.length < limit) shown.push(cell)
    if (unsettled > 0 && busy.length < limit) busy.push(cell)
  }
  return { shown, busy, instances, calls }
}

const first = <A>(items: Iterable<A>, limit: number): Array<A> => {
  const taken: Array<A> = []
  for (const item of items) {
    if (taken.length >= limit) break
    taken.push(item)
  }
  return taken
}

// --- instances -------------------------------------------------------------------------------------------------------

const stateOf = (cell: Cell): State => {
  if (cell.death !== undefined) return "stopping"
  if (cell.implementation === undefined) return "starting"
  return !cell.life.ready ? "restarting" : "running"
}

const instanceOf = (cell: Cell): Instance => {
  const { maxPendingCalls } = cell.options
  const groups: Record<string, Permits> = {}
  for (const line of cell.lines()) if (line.group !== undefined) groups[line.group] = permitsOf(line)
  return known<Instance>({
    ...recordOf(cell, cell.id, cell.keyText),
    state: stateOf(cell),
    permits: permitsOf(cell.main),
    groups,
    pending: cell.pending,
    maxPendingCalls: finite(maxPendingCalls),
    suspended: suspendedOf(cell),
    readers: cell.life.readers || undefined,
    home: homeOf(cell)
  })
}

/** A record without the fields that there is nothing for. */
const known = <A extends object>(record: { readonly [K in keyof A]: A[K] | undefined }): A => {
  const found: { -readonly [K in keyof A]?: unknown } = {}
  for (const name in record) if (record[name] !== undefined) found[name] = record[name]
  return found as A
}

const finite = (limit: number): number | undefined => (limit === Infinity ? undefined : limit)

/** How many submitters wait for room. */
const suspendedOf = ({ room }: Cell): number => room?.size ?? 0

/** What the home of an instance says of it, if it has one. */
const homeOf = ({ context, home, id, key }: Cell): Instance["home"] =>
  attempt(() => (home === undefined ? Context.get(context, Residence)?.describe(id, key) : home.describe()))

const deadInstance = (it: Obituary): Instance =>
  known<Instance>({
    ...recordOf(it, it.actor, it.key),
    state: "dead",
    permits: { running: 0, waiting: 0 },
    groups: {},
    pending: 0,
    suspended: 0
  })

/** What outlives an instance. */
const recordOf = (
  { books, death, instance, name, restarts, since }: Omit<Ended, "id" | "keyText">,
  actor: string,
  key: string | undefined
) => {
  const { lastError, refused } = books
  return {
    actor,
    instance,
    name,
    key,
    since,
    settled: tallyOf(books),
    refused,
    restarts,
    lastError: lastError && errorOf(lastError),
    death: death && deathOf(death)
  }
}

const permitsOf = ({ limit, running, waiting }: CellLine): Permits =>
  known<Permits>({ running, waiting, limit: finite(limit) })

const errorOf = ({ at, call, cause }: LastError) => ({ call, at, message: messageOf(cause) })

const deathOf = ({ at, cause, why }: Death) =>
  known<NonNullable<Instance["death"]>>({ why, at, error: cause && messageOf(cause) })

// --- calls -----------------------------------------------------------------------------------------------------------

interface Standing {
  readonly call: Call
  readonly position: number | undefined
}

/** The unsettled calls of an instance: running ones first, then those in line, then those that are not there yet. */
export function* callsOf(cell: Cell): Generator<Standing> {
  for (const call of cell.running.toArray()) yield { call, position: undefined }
  for (const line of cell.lines()) {
    let position = 1
    for (let call = line.head; call !== undefined; call = call.next) yield { call, position: position++ }
  }
  for (const call of cell.preparingCalls()) yield { call, position: undefined }
  for (const call of cell.room?.calls() ?? []) yield { call, position: undefined }
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
  const { attempts, id, method, parent, line } = call
  return known<UnsettledCall>({
    id,
    method: method.label,
    actor: line.cell.id,
    instance: line.cell.instance,
    group: line.group,
    stage: stageOf(call),
    since: now - call.age,
    position,
    waitingOn: waitedFor(call)
      .slice(0, MAX_WAITS)
      .map((ref) => known<UnsettledCall["waitingOn"][number]>({ ref: ref.id, method: ref.origin || undefined })),
    parent: parent?.id,
    trace: traceIdOf(call),
    attempts
  })
}

/** The refs that a call waits for, and that have not settled. */
export const waitedFor = (call: Call): ReadonlyArray<Ref> => {
  if (call.stage <= Stage.Preparing && call.passage === undefined)
    return call.args.filter(isRef).filter(({ exit }) => exit === undefined)
  const refs: Array<Ref> = []
  for (let wait = call.waits; wait !== undefined; wait = wait.next) refs.push(...wait.open())
  return refs
}

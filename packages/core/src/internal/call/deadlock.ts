/**
 * Finding deadlocks (semantics 8.1).
 *
 * A call is stuck when all that could let it go on is stuck, too: the refs that its method waits for, the calls that
 * hold the permits it stands in line for, the refs among its arguments. So the question is put each time a call begins
 * to wait: follow what it waits for, and if everything that can be reached waits, and one of the ways leads back, then
 * nothing will ever end this. A single call on the way that may go on by itself is enough to leave things alone, and so
 * is anything that we do not understand: a method that waits in several fibers, that has a timeout, that has forked
 * something, that waits for anything but a call.
 *
 * What waits, and is waited for, besides calls: the start of an instance, for which its calls wait, and which waits in
 * its constructor; the end of an instance, which waits for its calls, then in its finalizers; the reader of a
 * stream, for whose next pull the stream waits, and holds its permit; and readers of a subscription that have no room,
 * for whom its publisher waits.
 *
 * When there is no deadlock, nearly all of these searches end at the first step.
 */
import type * as Exit from "effect/Exit"
import { hasForked, holdsOut } from "../base/effectInternals.ts"
import * as stack from "../base/stack.ts"
import { Call, type Instance, type Line, type Passage, Stage } from "./call.ts"
import * as failure from "./failure.ts"
import { isRef, type Ref } from "./ref.ts"
import { Transition } from "./transition.ts"
import { isReading } from "./waiters.ts"
import { isBlocked, search, type Wait, type Waiter } from "./waits.ts"

/** A search that comes by so many calls gives up. */
const MAX_CALLS = 10_000

/** Something that waits for nothing we know of, and may end the wait. */
const FREE = undefined
type Blocker = Waiter | typeof FREE

/** Called by whatever defines something that runs here. */
export const install = (): void => {
  Object.assign(search, { check, checkRoom })
}

const check = (waiter: Waiter): void => {
  // Where nothing waits for it or for its permit, no way leads back to it.
  if (isWaitedFor(waiter) && !mayGoOn(waiter) && isStuck(waiter)) resolve(waiter)
}

const checkRoom = (cell: Instance): void => {
  for (const call of cell.room?.watched ?? []) {
    if (call.dependents === 0) continue
    // All of them wait for the same calls.
    if (!isStuck(call)) return
    resolve(call)
  }
}

const resolve = (stuck: Waiter): void => {
  const cycle = shortestCycle(stuck)
  if (cycle !== undefined) breakUp(cycle)
}

const isWaitedFor = (waiter: Waiter): boolean => {
  // For an end, the work of a pool may wait without a word to it.
  return isReading(waiter) || waiter instanceof Transition || (waiter instanceof Call && isCallWaitedFor(waiter))
}

const isCallWaitedFor = ({ dependents, line, passage }: Call): boolean => {
  const { cell } = line
  // Others may be behind it on their way through middleware.
  if (passage !== undefined) return true
  if (dependents > 0 || (line.head !== undefined && line.running >= line.limit) || cell.hasSuspended) return true
  return cell.life.death !== undefined || cell.life.start !== undefined
}

/** Whether a single look tells that it is not stuck. Without it each search would allocate. */
const mayGoOn = (waiter: Waiter): boolean => {
  const wait = mainWait(waiter)
  if (wait === undefined) return waiter instanceof Call && waiter.stage >= Stage.Running && waiter.reader === undefined
  const ref = wait.firstOpen()
  if (ref instanceof Transition || (ref !== undefined && isBlocked(ref))) return false
  if (!(ref instanceof Call) || isBusy(ref)) return true
  const holder = ref.stage === Stage.Waiting ? ref.line.cell.running.tail : undefined
  return holder !== undefined && holder.line === ref.line && isBusy(holder)
}

const isBusy = (call: Call): boolean =>
  call.stage >= Stage.Running && call.waits === undefined && call.reader === undefined

/** The one wait of something that runs, where it is certain that it goes on only when that is over. */
const mainWait = (waiter: Waiter): Wait | undefined => {
  const { fiber, waits } = waiter
  if (waits === undefined || waits.next !== undefined) return undefined
  // It is not known yet on which fiber the method runs, or it waits on another one: in a race, or with a timeout.
  if (fiber === undefined || (waits.fiber as unknown) !== fiber) return undefined
  // What was told to end goes on, unless it is in a region that cannot be interrupted.
  if (isToldToEnd(waiter) && !holdsOut(fiber)) return undefined
  // What a method has forked may end its wait.
  return hasForked(fiber) ? undefined : waits
}

const isToldToEnd = (waiter: Waiter): boolean => {
  if (waiter instanceof Call) return waiter.stage > Stage.Running
  return waiter instanceof Transition && waiter.part === "start" && waiter.cell.life.isClosing
}

/** All of these have to stay stuck for `waiter` to be stuck. */
function* blockers(waiter: Waiter, lines: Set<Line>): Generator<Blocker> {
  if (waiter instanceof Call) yield* callBlockers(waiter, lines)
  else if (isBlocked(waiter)) yield* waiter.blockers()
  else if (!(waiter instanceof Transition)) yield* waitBlockers(waiter)
  else if (waiter.part === "end") yield* endBlockers(waiter)
  else if (waiter.cell.life.waitsForQuiet) yield* runningOf(waiter.cell)
  else yield* waitBlockers(waiter)
}

function* callBlockers(call: Call, lines: Set<Line>): Generator<Blocker> {
  // It will expire.
  if (call.method.timeout !== undefined && call.stage <= Stage.Running) return yield FREE
  switch (call.stage) {
    case Stage.New:
      return yield* roomBlockers(call)
    case Stage.Preparing:
      if (call.passage !== undefined) return yield* passageBlockers(call, call.passage)
      return yield* argumentBlockers(call.args.filter(isRef))
    case Stage.Waiting:
      // What holds for one call in line holds for all: a long line is not gone through once for each of them.
      if (lines.has(call.line)) return
      lines.add(call.line)
      return yield* permitHolders(call.line)
    default:
      if (call.reader !== undefined && call.stage === Stage.Running) yield call.reader
      else yield* waitBlockers(call)
  }
}

/** A call on its way to the line goes on with its middleware, or when the first of those before it does. */
function* passageBlockers(call: Call, { behind }: Passage): Generator<Blocker> {
  if (behind === undefined) yield* waitBlockers(call)
  else yield behind
}

function* waitBlockers(waiter: Waiter): Generator<Blocker> {
  const wait = mainWait(waiter)
  const refs = wait?.open()
  // It has been told already, or is about to be told, what it waits for.
  if (refs === undefined || refs.length < wait!.untold) yield FREE
  else yield* refBlockers(refs)
}

/** An instance ends when its calls have settled, then the constructor, if one is under way, then the finalizers. */
function* endBlockers(end: Transition): Generator<Blocker> {
  const { cell } = end
  const { death, isClosing, isDoomed, start } = cell.life
  if (isClosing) return yield* start === undefined ? waitBlockers(end) : [start]
  // Nothing ends it, or it will be killed.
  if (death === undefined || isDoomed) return yield FREE
  yield* runningOf(cell)
  for (const { head } of cell.lines()) if (head !== undefined) yield head
  yield* cell.preparingCalls()
}

function* runningOf(cell: Instance): Generator<Blocker> {
  for (const line of cell.lines()) yield* runningCalls(line)
}

function* argumentBlockers(refs: ReadonlyArray<Ref>): Generator<Blocker> {
  const open = refs.filter(({ exit }) => exit === undefined)
  // It is about to be told.
  if (open.length === 0 || refs.some(({ exit }) => exit?._tag === "Failure")) yield FREE
  else yield* refBlockers(open)
}

/** The first that fails ends the wait for all of them, so that one that is not stuck is enough. */
function* refBlockers(refs: ReadonlyArray<Ref>): Generator<Blocker> {
  for (const ref of refs) yield ref instanceof Call || ref instanceof Transition || isBlocked(ref) ? ref : FREE
}

function* permitHolders(line: Line): Generator<Blocker> {
  if (!line.cell.life.ready) yield line.cell.life.start
  else if (line.running < line.limit || hasBusy(line)) yield FREE
  else yield* runningCalls(line)
}

const holdsPermit = (call: Call, line: Line): boolean => call.line === line && call.passage?.lingers !== true

/** Whether a permit is held by a call that plainly goes on. To look at all of them first is cheaper than to follow one. */
const hasBusy = (line: Line): boolean => {
  for (let call = line.cell.running.head; call !== undefined; call = call.next) {
    if (holdsPermit(call, line) && isBusy(call)) return true
  }
  return false
}

function* runningCalls(line: Line): Generator<Blocker> {
  let missing = line.running
  for (let call = line.cell.running.head; call !== undefined; call = call.next) {
    if (!holdsPermit(call, line)) continue
    missing--
    yield call
  }
  // One of them is on the JavaScript stack right now.
  if (missing > 0) yield FREE
}

/**
 * Any call that settles makes room, and what it left may be about to be handed on. Those who come in first may be stuck
 * behind the call that waits, which is looked at again then.
 */
function* roomBlockers(call: Call): Generator<Blocker> {
  const { cell } = call.line
  const { death, ready, start } = cell.life
  cell.room?.watch(call)
  if (death !== undefined || cell.pending < cell.options.maxPendingCalls) return yield FREE
  if (!ready) yield start
  for (const line of cell.lines()) {
    yield* runningCalls(line)
    if (line.head !== undefined && line.running < line.limit && ready) yield FREE
  }
  yield* cell.preparingCalls()
}

/** Whether all that has to go on before `waiter` can is stuck. Depth first: a free one is never far. */
const isStuck = (waiter: Waiter): boolean => {
  const seen = new Set([waiter])
  const lines = new Set<Line>()
  const path = [blockers(waiter, lines)]
  while (path.length > 0) {
    const next = path.at(-1)!.next()
    if (next.done) path.pop()
    else if (next.value === FREE || seen.size >= MAX_CALLS) return false
    else if (!seen.has(next.value)) {
      seen.add(next.value)
      path.push(blockers(next.value, lines))
    }
  }
  return true
}

/** The shortest way from `waiter` back to it, through what is known to be stuck. */
const shortestCycle = (waiter: Waiter): ReadonlyArray<Waiter> | undefined => {
  const from = new Map<Waiter, Waiter>()
  const lines = new Set<Line>()
  const found = [waiter]
  for (let i = 0; i < found.length; i++) {
    for (const next of blockers(found[i]!, lines) as Generator<Waiter>) {
      if (next === waiter) return wayTo(found[i]!, waiter, from)
      if (from.has(next)) continue
      from.set(next, found[i]!)
      found.push(next)
    }
  }
  return undefined
}

const wayTo = (last: Waiter, first: Waiter, from: ReadonlyMap<Waiter, Waiter>): ReadonlyArray<Waiter> => {
  const way = [last]
  while (way[0] !== first) way.unshift(from.get(way[0]!)!)
  return way
}

/**
 * Ends the wait of the youngest that can be told: the same one whichever of them came last to its wait. If it waits for a
 * call that it asked, that call fails; a ref that it holds goes on without it.
 *
 * A waiter for the end of an instance that waits for it, and not only for its permit, goes on as if that had come, as with
 * any stop from inside (semantics 6.3).
 */
const breakUp = (cycle: ReadonlyArray<Waiter>): void => {
  const victim = victimOf(cycle)
  if (victim === undefined) return
  const index = cycle.indexOf(victim)
  const target = cycle[(index + 1) % cycle.length]!
  const wait = mainWait(victim)!
  if (wait.asked && target instanceof Call && target.stage < Stage.Running) {
    // It stands in line behind the first one, as a rule.
    const exit = failure.deadlock(target, print(rotate(cycle, index + 2)))
    return target.line.cell.deny(target, exit)
  }
  stack.notify(
    [(exit) => wait.fail(exit as Exit.Exit<never, unknown>)],
    failure.deadlock(victim, print(rotate(cycle, index + 1)))
  )
}

const victimOf = (cycle: ReadonlyArray<Waiter>): Waiter | undefined => {
  const able = cycle.filter((waiter) => mainWait(waiter)?.resume !== undefined)
  const forEnds = able.filter((waiter) => isEnd(cycle[(cycle.indexOf(waiter) + 1) % cycle.length]!))
  const forCalls = able.filter((waiter) => !forEnds.includes(waiter))
  const hasLine = cycle.some((waiter) => waiter instanceof Call && waiter.stage < Stage.Running)
  const first = hasLine && forCalls.length > 0 ? forCalls : forEnds.length > 0 ? forEnds : forCalls
  return first.length === 0 ? undefined : first.reduce((a, b) => (a.id > b.id ? a : b))
}

const isEnd = (waiter: Waiter): boolean => waiter instanceof Transition && waiter.part === "end"

const rotate = <A>(list: ReadonlyArray<A>, by: number): ReadonlyArray<A> =>
  list.map((_, index) => list[(index + by) % list.length]!)

/** The calls by name, the first one again at the end, unless that is what the last one stands in line for anyway. */
const print = (cycle: ReadonlyArray<Waiter>): ReadonlyArray<string> => {
  const labels = cycle.map((waiter) => waiter.origin + limitOf(waiter))
  const first = cycle[0]!
  const last = cycle.at(-1)!
  return last instanceof Call && last.stage === Stage.Waiting && last.origin === first.origin
    ? labels
    : [...labels, labels[0]!]
}

/** What keeps a call that has not started from starting. */
const limitOf = (waiter: Waiter): string => {
  if (!(waiter instanceof Call)) return ""
  const { line, stage } = waiter
  if (stage === Stage.Preparing) return waiter.passage?.place ?? ""
  if (stage === Stage.New) return ` (maxPendingCalls ${line.cell.options.maxPendingCalls})`
  if (stage !== Stage.Waiting || !line.cell.life.ready) return ""
  const group = line.group === undefined ? "" : ` of group ${line.group}`
  return ` (maxConcurrency ${line.limit}${group})`
}

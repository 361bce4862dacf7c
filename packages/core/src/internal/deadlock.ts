/**
 * Finding deadlocks (semantics 8.1).
 *
 * A call is stuck when all that could let it go on is stuck, too: the refs that its method waits for, the calls that
 * hold the permits it stands in line for, the refs among its arguments. So the question is put each time a call begins
 * to wait: follow what it waits for, and if everything that can be reached waits, and one of the ways leads back, then
 * nobody will ever end this. A single call on the way that may go on by itself is enough to leave things alone, and so
 * is anything that we do not understand: a method that waits in several fibers, that has a timeout, that has forked
 * something, that waits for anything but a call.
 *
 * When there is no deadlock, nearly all of these searches end at the first step.
 */
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { Call, Stage } from "./call.ts"
import type { CallQueue } from "./callQueue.ts"
import * as failure from "./failure.ts"
import { isRef, type Ref } from "./ref.ts"
import * as stack from "./stack.ts"
import type { Wait } from "./waiting.ts"

/** A search that comes by so many calls gives up. */
const MAX_CALLS = 10_000

/** Something that is not a call that waits, and may end the wait. */
const FREE = undefined
type Blocker = Call | typeof FREE

/** Call when `call` has begun to wait for something, or waits for less than before. */
export const check = (call: Call): void => {
  // Where no call waits for it or for its permit, no way leads back to it.
  if (!isWaitedFor(call) || mayGoOn(call)) return
  if (!isStuck(call)) return
  const cycle = shortestCycle(call)
  if (cycle !== undefined) breakUp(cycle)
}

const isWaitedFor = ({ dependents, queue }: Call): boolean =>
  dependents > 0 || (queue.head !== undefined && queue.running >= queue.limit) || queue.cell.hasSuspended

/** Whether a single look tells that the call is not stuck. Without it each search would allocate. */
const mayGoOn = (call: Call): boolean => {
  const wait = mainWait(call)
  if (wait === undefined)
    return call.stage !== Stage.Waiting && call.stage !== Stage.Preparing && call.stage !== Stage.New
  const ref = wait.firstOpen()
  if (!(ref instanceof Call) || isBusy(ref)) return true
  const holder = ref.stage === Stage.Waiting ? ref.queue.cell.running.tail : undefined
  return holder !== undefined && holder.queue === ref.queue && isBusy(holder)
}

const isBusy = (call: Call): boolean => call.stage >= Stage.Running && call.waits === undefined

/** The one wait of a running call, where it is certain that it goes on only when that is over. */
const mainWait = (call: Call): Wait | undefined => {
  const { fiber, waits } = call
  if (call.stage !== Stage.Running || waits === undefined || waits.next !== undefined) return undefined
  // Nobody knows yet on which fiber the method runs, or it waits on another one: in a race, or with a timeout.
  if (fiber === undefined || (waits.fiber as unknown) !== fiber) return undefined
  return hasChildren(waits.fiber) ? undefined : waits
}

/** What a method has forked may end its wait. Effect's public interface of fibers does not tell of it. */
const hasChildren = (fiber: Fiber.Fiber<unknown, unknown>): boolean =>
  ((fiber as { readonly _children?: ReadonlySet<unknown> })._children?.size ?? 0) > 0

/** All of these have to stay stuck for `call` to be stuck. */
function* blockers(call: Call, lines: Set<CallQueue>): Generator<Blocker> {
  // It will expire.
  if (call.method.timeout !== undefined) return yield FREE
  switch (call.stage) {
    case Stage.New:
      return yield* roomBlockers(call.queue)
    case Stage.Preparing:
      return yield* argumentBlockers(call.args.filter(isRef))
    case Stage.Waiting:
      // What holds for one call in line holds for all: a long line is not gone through once for each of them.
      if (lines.has(call.queue)) return
      lines.add(call.queue)
      return yield* permitHolders(call.queue)
    case Stage.Running: {
      const wait = mainWait(call)
      const refs = wait?.open()
      // It has been told already, or is about to be told, what it waits for.
      if (refs === undefined || refs.length < wait!.untold) return yield FREE
      return yield* refBlockers(refs)
    }
    default:
      // It was told to end.
      return yield FREE
  }
}

function* argumentBlockers(refs: ReadonlyArray<Ref>): Generator<Blocker> {
  const open = refs.filter(({ exit }) => exit === undefined)
  // It is about to be told.
  if (open.length === 0 || refs.some(({ exit }) => exit?._tag === "Failure")) yield FREE
  else yield* refBlockers(open)
}

/** The first that fails ends the wait for all of them, so that one that is not stuck is enough. */
function* refBlockers(refs: ReadonlyArray<Ref>): Generator<Blocker> {
  for (const ref of refs) yield ref instanceof Call ? ref : FREE
}

function* permitHolders(queue: CallQueue): Generator<Blocker> {
  if (queue.cell.paused || queue.running < queue.limit || hasBusy(queue)) yield FREE
  else yield* runningCalls(queue)
}

/** Whether a permit is held by a call that plainly goes on. To look at all of them first is cheaper than to follow one. */
const hasBusy = (queue: CallQueue): boolean => {
  for (let call = queue.cell.running.head; call !== undefined; call = call.next) {
    if (call.queue === queue && isBusy(call)) return true
  }
  return false
}

function* runningCalls(queue: CallQueue): Generator<Blocker> {
  let missing = queue.running
  for (let call = queue.cell.running.head; call !== undefined; call = call.next) {
    if (call.queue !== queue) continue
    missing--
    yield call
  }
  // One of them is on the JavaScript stack right now.
  if (missing > 0) yield FREE
}

/** Any call that settles makes room. */
function* roomBlockers({ cell }: CallQueue): Generator<Blocker> {
  if (cell.paused || cell.death !== undefined) return yield FREE
  for (const queue of cell.queues()) {
    yield* runningCalls(queue)
    if (queue.head !== undefined && queue.running < queue.limit) yield FREE
  }
  yield* cell.preparingCalls()
}

/** Whether all that has to go on before `call` can is stuck. Depth first: a free one is never far. */
const isStuck = (call: Call): boolean => {
  const seen = new Set([call])
  const lines = new Set<CallQueue>()
  const path = [blockers(call, lines)]
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

/** The shortest way from `call` back to it, through what is known to be stuck. */
const shortestCycle = (call: Call): ReadonlyArray<Call> | undefined => {
  const from = new Map<Call, Call>()
  const lines = new Set<CallQueue>()
  const found = [call]
  for (let i = 0; i < found.length; i++) {
    for (const next of blockers(found[i]!, lines) as Generator<Call>) {
      if (next === call) return wayTo(found[i]!, call, from)
      if (from.has(next)) continue
      from.set(next, found[i]!)
      found.push(next)
    }
  }
  return undefined
}

const wayTo = (last: Call, first: Call, from: ReadonlyMap<Call, Call>): ReadonlyArray<Call> => {
  const way = [last]
  while (way[0] !== first) way.unshift(from.get(way[0]!)!)
  return way
}

/**
 * Fails the wait of the youngest call that waits in its method: the same one whichever of them came last to its wait.
 * If it waits for a call that it asked, that call fails; a ref that it holds goes on without it.
 */
const breakUp = (cycle: ReadonlyArray<Call>): void => {
  const running = cycle.filter(({ stage }) => stage === Stage.Running)
  const victim = running.reduce((a, b) => (a.id > b.id ? a : b))
  const index = cycle.indexOf(victim)
  const target = cycle[(index + 1) % cycle.length]!
  const wait = mainWait(victim)!
  if (wait.asked && target.stage < Stage.Running) {
    // It stands in line behind the first one, as a rule.
    const exit = failure.deadlock(target, print(rotate(cycle, index + 2)))
    return target.queue.cell.deny(target, exit)
  }
  stack.notify(
    [(exit) => wait.fail(exit as Exit.Exit<never, unknown>)],
    failure.deadlock(victim, print(rotate(cycle, index + 1)))
  )
}

const rotate = <A>(list: ReadonlyArray<A>, by: number): ReadonlyArray<A> =>
  list.map((_, index) => list[(index + by) % list.length]!)

/** The calls by name, the first one again at the end, unless that is what the last one stands in line for anyway. */
const print = (cycle: ReadonlyArray<Call>): ReadonlyArray<string> => {
  const labels = cycle.map((call) => call.origin + limitOf(call))
  const first = cycle[0]!
  const last = cycle.at(-1)!
  return last.stage === Stage.Waiting && last.origin === first.origin ? labels : [...labels, labels[0]!]
}

/** What keeps a call that has not started from starting. */
const limitOf = ({ queue, stage }: Call): string => {
  if (stage === Stage.New) return ` (maxPendingCalls ${queue.cell.options.maxPendingCalls})`
  if (stage !== Stage.Waiting) return ""
  const group = queue.group === undefined ? "" : ` of group ${queue.group}`
  return ` (maxConcurrency ${queue.limit}${group})`
}

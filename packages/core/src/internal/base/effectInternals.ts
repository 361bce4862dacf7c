/**
 * The one door to the insides of Effect: what its types and its documentation do not promise, and a minor version may
 * change. No other file of this package knows any of it; a test sees to that.
 *
 * Each part is tried once, when this module loads. Where it does not do what we need, the public way takes its place: it is
 * slower, or does less, and it is right. What it costs is said at each part.
 */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import { names } from "./effectNames.ts"
import { attempt } from "./show.ts"

type AnyFiber = Fiber.Fiber<any, any>

/** What works on a call: a fiber, or a home. */
export type Interruptible = Pick<AnyFiber, "interruptUnsafe">

const works = (trial: () => boolean): boolean => attempt(trial) === true

/** A fiber that waits in the middle of `around`, and how to go on. */
const suspended = (around: (wait: Effect.Effect<void>) => Effect.Effect<void>) => {
  let go = () => {}
  const wait = Effect.callback<void>((resume) => {
    go = () => resume(Exit.void)
  })
  const fiber = Effect.runFork(around(wait))
  return { fiber, go: () => go() }
}

const hasSucceeded = (fiber: AnyFiber): boolean => fiber.pollUnsafe()?._tag === "Success"

// --- exits -----------------------------------------------------------------------------------------------------------

const EXIT = names.exit

/** `Exit.isExit`, without its detour for what is no object. */
export const isExit: (object: object) => object is Exit.Exit<any, any> = /* @__PURE__ */ works(
  () => EXIT in Exit.void && !(EXIT in Effect.never)
)
  ? (object): object is Exit.Exit<any, any> => EXIT in object
  : Exit.isExit

// --- effects that need no fiber --------------------------------------------------------------------------------------

const { args: ARGS, identifier: IDENTIFIER } = names

const isMade = (effect: any, operation: string): boolean =>
  effect?.[IDENTIFIER] === operation && typeof effect[ARGS] === "function"

const unwrap = (effect: any): unknown => {
  const rest = isMade(effect, "Suspend") ? effect[ARGS]() : effect
  return isMade(rest, "Sync") ? Exit.succeed(rest[ARGS]()) : rest
}

/**
 * Runs what needs no fiber: an `Effect.sync`, also when it is what an `Effect.suspend` comes to. What remains to be done
 * is returned; it is an Exit where nothing does. It takes a third of the time that a fiber does.
 *
 * Otherwise all is left to a fiber.
 */
export const runSync: (effect: any) => unknown = /* @__PURE__ */ works(() => {
  const done: any = unwrap(Effect.suspend(() => Effect.sync(() => works)))
  return Exit.isExit(done) && done._tag === "Success" && done.value === works && unwrap(Effect.never) === Effect.never
})
  ? unwrap
  : (effect) => effect

// --- running an effect as part of another ----------------------------------------------------------------------------

const EVALUATE = names.evaluate

const evaluate = (effect: any, fiber: AnyFiber): Effect.Effect<any, any> => effect[EVALUATE](fiber)

/**
 * Runs an effect as part of the operation that a fiber is in, rather than as its next one. For the end of `evaluate`: no
 * interruption comes in between.
 *
 * Otherwise there is no such way, and what must not be left undone has to be arranged before (`Effect.onInterrupt`).
 */
export const inPlace: typeof evaluate | undefined = /* @__PURE__ */ works(() => {
  const { fiber, go } = suspended((wait) => Effect.withFiber((fiber) => evaluate(wait, fiber) as Effect.Effect<void>))
  go()
  return hasSucceeded(fiber)
})
  ? evaluate
  : undefined

// --- interruption that keeps true results ----------------------------------------------------------------------------

const { interruptible: INTERRUPTIBLE, stack: STACK } = names

const isHeldOut = (fiber: Interruptible): boolean => (fiber as any)[INTERRUPTIBLE] === false

/**
 * Effect interrupts a fiber at the end of its uninterruptible region, and in doing so drops the value that the region has
 * just produced. A method that is uninterruptible to its end would lose a result that it did compute (semantics 5.2). So
 * while a fiber is in such a region we wait for its end, and interrupt the fiber then only if it has anything left to do.
 */
const interruptLater = (fiber: Interruptible): void => {
  if (!isHeldOut(fiber)) return fiber.interruptUnsafe()
  const is = (descriptor: PropertyDescriptor) =>
    Object.defineProperty(fiber, INTERRUPTIBLE, { configurable: true, enumerable: true, ...descriptor })
  is({
    get: () => false,
    set: (interruptible: boolean) => {
      if (!interruptible) return
      is({ value: true, writable: true })
      if ((fiber as any)[STACK].length > 0) fiber.interruptUnsafe()
    }
  })
}

const keepsResults = /* @__PURE__ */ works(() => {
  const ends = suspended(Effect.uninterruptible)
  const goesOn = suspended((wait) => Effect.andThen(Effect.uninterruptible(wait), Effect.never))
  const free = suspended((wait) => wait)
  const held = isHeldOut(ends.fiber) && !isHeldOut(free.fiber)
  for (const { fiber, go } of [ends, goesOn, free]) {
    interruptLater(fiber)
    go()
  }
  return held && hasSucceeded(ends.fiber) && Exit.hasInterrupts(goesOn.fiber.pollUnsafe()!)
})

/** Interrupts a fiber, and keeps a result that it comes to all the same. Otherwise as Effect does it: that one is lost. */
export const interrupt: (fiber: Interruptible) => void = keepsResults
  ? interruptLater
  : (fiber) => fiber.interruptUnsafe()

/**
 * Whether interrupting a fiber does not end what it waits for now. Otherwise nobody knows, and it counts as what may end:
 * a deadlock among calls that were told to end goes unnoticed.
 */
export const holdsOut: (fiber: Interruptible) => boolean = keepsResults ? isHeldOut : () => false

// --- what a fiber has forked -----------------------------------------------------------------------------------------

const CHILDREN = names.children

const childrenOf = (fiber: any): Iterable<AnyFiber> => fiber[CHILDREN] ?? []

const knowsChildren = /* @__PURE__ */ works(() => CHILDREN in suspended((wait) => wait).fiber)

/** Whether something that a fiber has forked, and will interrupt when it ends, may still run. */
export const hasForked: (fiber: Interruptible) => boolean = knowsChildren
  ? (fiber: any) => (fiber[CHILDREN] instanceof Set ? fiber[CHILDREN].size > 0 : fiber[CHILDREN] !== undefined)
  : (fiber) => !isWatched(fiber as AnyFiber) || forkers.has(fiber)

/**
 * Whether a fiber was forked by another one, or by what that has forked. Otherwise all counts that `alike` takes for it.
 */
export const descends = (fiber: AnyFiber, from: AnyFiber, alike: (fiber: AnyFiber) => boolean): boolean => {
  if (!knowsChildren) return fiber === from || alike(fiber)
  const fibers = [from]
  for (const one of fibers) {
    if (one === fiber) return true
    fibers.push(...childrenOf(one))
  }
  return false
}

/** The fibers that were seen to fork, where there is no other way to know. Whether it still runs is not seen. */
const forkers = new WeakSet<object>()

/** Effect tells this service of each fiber that begins, on the stack of the fiber that forks it. */
class ForkWatch implements Metric.FiberRuntimeMetricsService {
  private readonly inner: Metric.FiberRuntimeMetricsService | undefined

  constructor(inner: Metric.FiberRuntimeMetricsService | undefined) {
    this.inner = inner
  }

  recordFiberStart(context: Context.Context<never>): void {
    // A fiber inherits the context of the one that forks it. What is run in another context is no child.
    const parent = Fiber.getCurrent()
    if (parent?.context === context) forkers.add(parent)
    this.inner?.recordFiberStart(context)
  }

  recordFiberEnd(context: Context.Context<never>, exit: Exit.Exit<unknown, unknown>): void {
    this.inner?.recordFiberEnd(context, exit)
  }
}

const isWatched = ({ context }: AnyFiber): boolean =>
  Context.get(context, Metric.FiberRuntimeMetrics) instanceof ForkWatch

/** The same context, in which {@link hasForked} gets to know who forks. */
export const watchingForks: (context: Context.Context<never>) => Context.Context<never> = knowsChildren
  ? (context) => context
  : (context) => {
      const inner = Context.get(context, Metric.FiberRuntimeMetrics)
      if (inner instanceof ForkWatch) return context
      return Context.addUnsafe(context, Metric.FiberRuntimeMetrics.key, new ForkWatch(inner))
    }

// --- objects that are Deferreds --------------------------------------------------------------------------------------

const { effect: EFFECT, resumes: RESUMES } = names

/** What is settled once, and can be waited for, in a way of its own. */
interface Settling {
  readonly exit: Exit.Exit<any, any> | undefined
  waiters: Array<(exit: Exit.Exit<any, any>) => void> | undefined
  look(): Exit.Exit<any, any> | undefined
  observe(observer: (exit: Exit.Exit<any, any>) => void): void
}

/**
 * Has the functions of the Deferred module take what has this prototype for Deferreds, so that those who wait through them
 * stand in its own list. Only who made it settles it: attempts to complete it die of a TypeError.
 *
 * Otherwise there is a Deferred for each of those that such a function looks into, which is completed together with it.
 */
export const actAsDeferred = (prototype: Settling): void => {
  const model = Deferred.makeUnsafe()
  const inherited = Object.getPrototypeOf(model)
  for (const key of Reflect.ownKeys(inherited))
    if (!(key in prototype)) Object.defineProperty(prototype, key, { value: inherited[key] })
  const keys = Object.keys(model)
  const isKnown = keys.length === 2 && keys.includes(EFFECT) && keys.includes(RESUMES) && waitsInLists()
  for (const key of keys)
    Object.defineProperty(prototype, key, isKnown ? (key === EFFECT ? outcome : line) : mirrored(key))
}

const outcome: PropertyDescriptor & ThisType<Settling> = {
  get() {
    return this.look()
  }
}

const line: PropertyDescriptor & ThisType<Settling> = {
  get() {
    return this.waiters
  },
  set(waiters) {
    this.waiters = waiters
  }
}

/** Whether those who wait for a Deferred are callbacks in a list, which take an exit. */
const waitsInLists = (): boolean =>
  works(() => {
    const deferred: any = Deferred.makeUnsafe<void>()
    const fiber = Effect.runFork(Deferred.await(deferred))
    const waiters: Array<(exit: Exit.Exit<any, any>) => void> = deferred[RESUMES]
    if (!Array.isArray(waiters) || waiters.length !== 1 || deferred[EFFECT] !== undefined) return false
    waiters[0]!(Exit.void)
    return hasSucceeded(fiber)
  })

const mirrors = new WeakMap<Settling, Deferred.Deferred<any, any>>()

const mirrorOf = (one: Settling): Deferred.Deferred<any, any> => {
  const known = mirrors.get(one)
  if (known !== undefined) return known
  const mirror = Deferred.makeUnsafe<any, any>()
  mirrors.set(one, mirror)
  one.observe((exit) => Deferred.doneUnsafe(mirror, exit))
  return mirror
}

const mirrored = (key: string): PropertyDescriptor & ThisType<Settling> => ({
  get() {
    return (mirrorOf(this) as any)[key]
  },
  set(value) {
    const mirror: any = mirrorOf(this)
    const before = mirror[key]
    mirror[key] = value
    if (this.exit !== undefined || !Deferred.isDoneUnsafe(mirror)) return
    mirror[key] = before
    throw new TypeError("Only the runtime settles a ref")
  }
})

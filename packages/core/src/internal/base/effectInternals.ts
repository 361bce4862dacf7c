/**
 * The one door to the insides of Effect: what its types and its documentation do not promise, and any version may change.
 * No other file of this package knows any of it; a test sees to that.
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
import * as Scope from "effect/Scope"
import { shared } from "./copies.ts"
import {
  ARGS,
  CHILDREN,
  EFFECT,
  EVALUATE,
  EXIT,
  FINALIZERS,
  IDENTIFIER,
  INTERRUPTIBLE,
  RESUMES,
  STACK
} from "./effectNames.ts"
import { attempt } from "./show.ts"

export { BELOW_USERS } from "./effectNames.ts"

type AnyFiber = Fiber.Fiber<any, any>

/** What works on a call: a fiber, or a home. */
export type Interruptible = Pick<AnyFiber, "interruptUnsafe">

const works = (trial: () => boolean): boolean => attempt(trial) === true

const hasSucceeded = (fiber: AnyFiber): boolean => fiber.pollUnsafe()?._tag === "Success"

/** A fiber that waits in the middle of an effect, and how to have it go on. */
const suspended = (around: (wait: Effect.Effect<void>) => Effect.Effect<void>) => {
  let go = () => {}
  const wait = Effect.callback<void>((resume) => {
    go = () => resume(Exit.void)
  })
  return { fiber: Effect.runFork(around(wait)), go }
}

// --- exits -----------------------------------------------------------------------------------------------------------

/** `Exit.isExit`, without its detour for what is no object. */
export const isExit: (object: object) => object is Exit.Exit<any, any> = /* @__PURE__ */ works(
  () => EXIT in Exit.void && !(EXIT in Effect.never)
)
  ? (object): object is Exit.Exit<any, any> => EXIT in object
  : Exit.isExit

// --- effects that need no fiber --------------------------------------------------------------------------------------

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
export const runSync: (effect: any) => unknown = /* @__PURE__ */ works(() =>
  Exit.isExit(unwrap(Effect.suspend(() => Effect.sync(() => {}))))
)
  ? unwrap
  : (effect) => effect

// --- running an effect as part of another ----------------------------------------------------------------------------

const evaluate = (effect: any, fiber: AnyFiber): Effect.Effect<any, any> => effect[EVALUATE](fiber)

/**
 * Runs an effect as part of the operation that a fiber is in, rather than as its next one. For the end of `evaluate`: no
 * interruption comes in between.
 *
 * Otherwise there is no such way, and what must not be left undone has to be arranged before (`Effect.onInterrupt`).
 */
export const inPlace: typeof evaluate | undefined = /* @__PURE__ */ works(() => {
  const { fiber, go } = suspended((wait) => Effect.withFiber<void>((fiber) => evaluate(wait, fiber) as typeof wait))
  go()
  return hasSucceeded(fiber)
})
  ? evaluate
  : undefined

// --- services that nobody provides -----------------------------------------------------------------------------------

/**
 * Has a service say how to provide it where it is asked for and missing.
 *
 * Otherwise Effect says that it was not found, and no more.
 */
export const explainMissing = <Key extends Context.Service<any, any>>(
  key: Key,
  explain: (self: Key) => string
): Key => {
  const found = (key as any)[EVALUATE]
  if (found === undefined) return key
  const own = {
    [EVALUATE](this: Key, fiber: AnyFiber): Effect.Effect<any, any> {
      if (fiber.context.mapUnsafe.has(this.key)) return found.call(this, fiber)
      return Exit.die(new TypeError(explain(this)))
    },
    use(this: Effect.Effect<any>, f: (service: any) => Effect.Effect<any, any, any>) {
      return Effect.flatMap(this, f)
    },
    useSync(this: Effect.Effect<any>, f: (service: any) => unknown) {
      return Effect.map(this, f)
    }
  }
  return Object.assign(key, own)
}

// --- interruption that keeps true results ----------------------------------------------------------------------------

/**
 * Whether interrupting a fiber does not end what it waits for now. Otherwise that is not known, and counts as what may
 * end: a deadlock among calls that were told to end goes unnoticed.
 */
export const holdsOut = (fiber: Interruptible): boolean => (fiber as any)[INTERRUPTIBLE] === false

/**
 * Effect interrupts a fiber at the end of its uninterruptible region, and in doing so drops the value that the region has
 * just produced. A method that is uninterruptible to its end would lose a result that it did compute (semantics 5.2). So
 * while a fiber is in such a region we wait for its end, and interrupt the fiber then only if it has anything left to do.
 */
const interruptLater = (fiber: Interruptible): void => {
  if (!holdsOut(fiber)) return fiber.interruptUnsafe()
  const define = (descriptor: PropertyDescriptor) =>
    Object.defineProperty(fiber, INTERRUPTIBLE, { configurable: true, enumerable: true, ...descriptor })
  define({
    get: () => false,
    set: (interruptible: boolean) => {
      if (!interruptible) return
      define({ value: true, writable: true })
      if ((fiber as any)[STACK].length > 0) fiber.interruptUnsafe()
    }
  })
}

/** Interrupts a fiber, and keeps a result that it comes to all the same. Otherwise as Effect does it: that one is lost. */
export const interrupt: (fiber: Interruptible) => void = /* @__PURE__ */ works(() => {
  const ends = suspended(Effect.uninterruptible)
  const goesOn = suspended((wait) => Effect.andThen(Effect.uninterruptible(wait), Effect.never))
  for (const { fiber, go } of [ends, goesOn]) {
    interruptLater(fiber)
    go()
  }
  return hasSucceeded(ends.fiber) && goesOn.fiber.pollUnsafe() !== undefined
})
  ? interruptLater
  : (fiber) => fiber.interruptUnsafe()

// --- what a fiber has forked -----------------------------------------------------------------------------------------

const knowsChildren = /* @__PURE__ */ works(() => CHILDREN in suspended((wait) => wait).fiber)

/**
 * Whether something that a fiber has forked, and will interrupt when it ends, may still run. Otherwise whatever it has
 * forked since it began, in a context that is {@link watchingForks}: deadlocks of what has forked go unnoticed.
 */
export const hasForked: (fiber: Interruptible) => boolean = knowsChildren
  ? (fiber: any) => fiber[CHILDREN] !== undefined && fiber[CHILDREN].size !== 0
  : (fiber) => !isWatched((fiber as AnyFiber).context) || forkers.has(fiber)

/** Whether a fiber was forked by another one, or by what that has forked. Otherwise all are that `alike` takes for it. */
export const descends = (fiber: AnyFiber, from: AnyFiber, alike: (fiber: AnyFiber) => boolean): boolean => {
  if (!knowsChildren) return fiber === from || alike(fiber)
  const fibers = [from]
  for (const one of fibers) {
    if (one === fiber) return true
    fibers.push(...((one as any)[CHILDREN] ?? []))
  }
  return false
}

/** The fibers that were seen to fork, where there is no other way to know. */
const forkers = /* @__PURE__ */ shared("forkers", /* @__PURE__ */ new WeakSet<object>())

/** Effect tells this service of each fiber that begins, on the stack of the fiber that forks it. */
class ForkWatch implements Metric.FiberRuntimeMetricsService {
  readonly forkers = forkers
  declare private readonly inner: Metric.FiberRuntimeMetricsService | undefined

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

const isWatched = (context: Context.Context<never>): boolean =>
  (Context.get(context, Metric.FiberRuntimeMetrics) as ForkWatch | undefined)?.forkers === forkers

/** The same context, in which {@link hasForked} gets to know who forks. */
export const watchingForks = (context: Context.Context<never>): Context.Context<never> =>
  knowsChildren || isWatched(context)
    ? context
    : Context.add(context, Metric.FiberRuntimeMetrics, new ForkWatch(Context.get(context, Metric.FiberRuntimeMetrics)))

// --- finalizers that may leave their Scope ---------------------------------------------------------------------------

type Finalizers = Map<object, () => Effect.Effect<void>>

const finalizersOf = (scope: Scope.Scope): Finalizers | undefined => (scope.state as any)[FINALIZERS]

/** Takes a finalizer out of its Scope, unless that has closed. */
export const leaveScope = (scope: Scope.Scope, key: object): void => void finalizersOf(scope)?.delete(key)

const knowsFinalizers = /* @__PURE__ */ works(() => {
  const scope = Scope.makeUnsafe()
  const ran: Array<object> = []
  // With a second one it has them by their keys.
  for (const child of [Scope.forkUnsafe(scope), Scope.forkUnsafe(scope)]) finalizersOf(scope)?.delete(child)
  for (const key of [{}, ran]) finalizersOf(scope)!.set(key, () => Effect.sync(() => void ran.push(key)))
  leaveScope(scope, ran)
  Effect.runFork(Scope.close(scope, Exit.void))
  return ran.length === 1 && ran[0] !== ran
})

/**
 * Has a Scope run a finalizer when it closes, unless what has this key {@link leaveScope leaves} it before. Says whether
 * that could be arranged.
 *
 * It cannot while the Scope has fewer than two finalizers. Otherwise there is a Scope of its own in between, which takes
 * 300 bytes.
 */
export const joinScope = (scope: Scope.Scope, key: object, finalizer: () => Effect.Effect<void>): boolean => {
  const finalizers = knowsFinalizers ? finalizersOf(scope) : undefined
  finalizers?.set(key, finalizer)
  return finalizers !== undefined
}

// --- objects that are Deferreds --------------------------------------------------------------------------------------

/** What is settled once, and can be waited for, in a way of its own. */
interface Settling {
  readonly exit: Exit.Exit<any, any> | undefined
  waiters: Array<(exit: Exit.Exit<any, any>) => void> | undefined
  look(): Exit.Exit<any, any> | undefined
  observe(observer: (exit: Exit.Exit<any, any>) => void): void
}

type Property = PropertyDescriptor & ThisType<Settling>

/**
 * Has the functions of the Deferred module take what has this prototype for Deferreds, so that those who wait through them
 * stand in its own list. Only who made it settles it: attempts to complete it die of a TypeError.
 *
 * Otherwise there is a Deferred for each of those that such a function looks into, which is completed together with it.
 */
export const actAsDeferred = (prototype: Settling): void => {
  const model = Deferred.makeUnsafe()
  const known: Record<string, Property> = {
    [EFFECT]: {
      get() {
        return this.look()
      }
    },
    [RESUMES]: {
      get() {
        return this.waiters
      },
      set(waiters) {
        this.waiters = waiters
      }
    }
  }
  const properties = Object.keys(model).map((key) => [key, isAsKnown ? known[key]! : mirrored(key)])
  Object.defineProperties(prototype, {
    ...Object.getOwnPropertyDescriptors(Object.getPrototypeOf(model)),
    ...Object.getOwnPropertyDescriptors(prototype),
    ...Object.fromEntries(properties)
  })
}

/** Whether a Deferred has these two properties, and those who wait for it are callbacks in a list that take an exit. */
const isAsKnown = /* @__PURE__ */ works(() => {
  const model: any = Deferred.makeUnsafe<void>()
  const fiber = Effect.runFork(Deferred.await(model))
  model[RESUMES][0](Exit.void)
  return EFFECT in model && Object.keys(model).length === 2 && hasSucceeded(fiber)
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

const mirrored = (key: string): Property => ({
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

/**
 * How subscriptions are read (semantics 7.7, 13.5). A reader is no call: it takes no permit, stands in no line, and is in no
 * books. It comes with `Broadcast`, and programs without it have none of this.
 */
import * as Cause from "effect/Cause"
import * as Channel from "effect/Channel"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Pull from "effect/Pull"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { type ActorError, DecodeError, TaskCancelled } from "../../ActorError.ts"
import type { ReaderOptions, Resync } from "../../Broadcast.ts"
import type { Reader } from "../../Home.ts"
import { shared } from "../base/copies.ts"
import * as options from "../base/options.ts"
import { Stage } from "../call/call.ts"
import { isClient } from "../call/carried.ts"
import { checkItem } from "../call/contract.ts"
import * as failure from "../call/failure.ts"
import { isReadable, type MethodSpec } from "../call/method.ts"
import type { Cell, CellLine, Target } from "../instance/cell.ts"
import { IDLE } from "../instance/life.ts"
import { Publication } from "./publication.ts"
import { type Reading, readWith, type StreamCall } from "./streaming.ts"

/** What stands in a stream beside items, and its failure. The classes are public. */
export interface Notices {
  resync(reason: Resync["reason"], missed?: number): object
  isResync(u: unknown): boolean
  fellBehind(subscription: string, maxPendingItems: number): unknown
}

const known: { notices: Notices | undefined } = /* @__PURE__ */ shared("notices", { notices: undefined })

export const notices = (): Notices => known.notices!

/** Called where `Broadcast` is loaded. */
export const install = (notices: Notices): void => {
  known.notices = notices
  readWith({ isOne, read, whenMade, goOn, check })
}

/** Whether a method of an instance is read, as far as it is known by now. */
const isOne = (cell: Cell | undefined, { isSubscription, name }: MethodSpec): boolean =>
  isSubscription || isReadable(cell?.implementation?.[name])

/**
 * Without a contract, what a name stands for is not known before the instance has been made. A reader that comes earlier
 * stands in line with the calls until then, and leaves it without a permit.
 */
const whenMade = (call: StreamCall): void => {
  const cell = call.line.cell as Cell
  cell.life.start?.observe(() => {
    if (!isOne(cell, call.method)) return
    // It is still with its middleware, which lets it through without a permit.
    if (call.stage === Stage.Preparing) call.isReader = true
    if (call.stage !== Stage.Waiting || !call.reads()) return
    cell.withdraw(call)
    cell.end(call, Exit.void)
  })
}

const goOn: Reading["goOn"] = (call, items) => {
  const { args, line, method } = call
  const rest = Stream.suspend(() =>
    call.isReader ? readAfter(call.hasPassed, line as CellLine, method, args) : Stream.empty
  )
  return Stream.concat(items, rest)
}

const check: Reading["check"] = (actor, implementation, optioned) => {
  const name = optioned.find((name) => isReadable(implementation[name]))
  if (name !== undefined)
    throw new TypeError(
      `${actor}: its options name "${name}", a subscription: it has no calls that they would apply to`
    )
}

/** Enough for what a method publishes in one go. */
const DEFAULT_MAX_PENDING = 256

/** What one reader has asked for. */
export interface Bounds {
  readonly maxPendingItems: number
  readonly overflow: "dropOldest" | "suspend" | "fail"
}

export const boundsOf = (subject: string, given: ReaderOptions): Bounds => {
  options.onlyKnown<ReaderOptions>(subject, given, { maxPendingItems: true, overflow: true, keepAlive: true })
  const { keepAlive = true, maxPendingItems = DEFAULT_MAX_PENDING, overflow = "dropOldest" } = given
  options.boolean(subject, "keepAlive", keepAlive)
  return {
    maxPendingItems: options.size(subject, "maxPendingItems", maxPendingItems),
    overflow: options.oneOf("dropOldest", "suspend", "fail")(subject, "overflow", overflow)
  }
}

/** On what `Broadcast.make` gives: the instance whose constructor has made it. */
export const MAKER = "~troupe/maker"

type Chunk = readonly [unknown, ...Array<unknown>]

const read: Reading["read"] = (target, method, args) => readAfter(false, target, method, args)

/** Reads, perhaps after the reader has passed middleware as a call. */
const readAfter = (
  hasPassed: boolean,
  target: Target,
  method: MethodSpec,
  args: ReadonlyArray<unknown>
): Stream.Stream<unknown, unknown> => {
  const items = pulled((scope) =>
    Effect.sync(() => {
      // Here, and not only where the instance lives: what crosses has lost what is wrong with it.
      boundsOf(nameOf(method), args[0] ?? {})
      checkUse(method, args)
      return new Following(hasPassed, target, method, args, scope).pull
    })
  )
  const { signal } = method
  if (signal === undefined) return items
  const signalled = Stream.interruptWhen(items, aborted(method))
  return Stream.suspend(() => (signal.aborted ? Stream.fromEffect(cancelled(method)) : signalled))
}

/** A stream of what `begin` gives to pull, which runs with the first pull. `Stream.unwrap` takes five times as much memory. */
export const pulled = (
  begin: (scope: Scope.Scope) => Effect.Effect<Effect.Effect<Chunk, any>, any>
): Stream.Stream<unknown, unknown> =>
  Stream.fromChannel(
    Channel.fromTransform((_: unknown, scope) => {
      let pull: Effect.Effect<Chunk, any> | undefined
      return Effect.succeed(Effect.suspend(() => pull ?? Effect.flatMap(begin(scope), (begun) => (pull = begun))))
    })
  )

const nameOf = ({ actor, name }: MethodSpec): string => `${actor}.${name}`

/** What would have no effect is refused, as far as the compiler has not done so. */
const checkUse = (method: MethodSpec, args: ReadonlyArray<unknown>): void => {
  // Where the reader comes from elsewhere, it may bring a notice.
  if (args.length > 1 && method.served !== true)
    throw new TypeError(`${nameOf(method)} is a subscription: it takes one argument, the options of the reader`)
  if (method.stray !== undefined)
    throw new TypeError(
      `${nameOf(method)} is a subscription: of the options of calls it has "signal", and no "${method.stray}"`
    )
}

/** A reader that follows an instance from one of its lives to the next. */
class Following {
  /** The life that it reads. */
  private life:
    | { readonly cell: Cell; readonly restarts: number; readonly pull: Effect.Effect<Chunk, any> }
    | undefined = undefined
  private ofLife: Scope.Closeable | undefined = undefined
  private hasRead = false
  /** Whether it has passed middleware, and joins next. */
  declare private hasPassed: boolean
  declare private readonly target: Target
  declare private readonly method: MethodSpec
  declare private readonly args: ReadonlyArray<unknown>
  declare private readonly scope: Scope.Scope

  constructor(
    hasPassed: boolean,
    target: Target,
    method: MethodSpec,
    args: ReadonlyArray<unknown>,
    scope: Scope.Scope
  ) {
    this.hasPassed = hasPassed
    this.target = target
    this.method = method
    this.args = args
    this.scope = scope
  }

  private get keepAlive(): boolean {
    return (this.args[0] as ReaderOptions | undefined)?.keepAlive ?? true
  }

  readonly pull: Effect.Effect<Chunk, any> = Effect.suspend(() => {
    const { life } = this
    if (life === undefined) return this.join
    return Effect.matchCauseEffect(life.pull, {
      onSuccess: (items) => this.checked(items),
      onFailure: (cause) => this.after(life, cause)
    })
  })

  /**
   * Begins to read a life of the instance, which comes up if need be. A reader of the one before is told so. It finds the
   * instance and is counted in one operation: one that was found, and is not read, would not be idle ever after.
   */
  private readonly join: Effect.Effect<Chunk, any> = Effect.suspend(() => {
    const scope = Scope.forkUnsafe(this.scope)
    this.ofLife = scope
    const counted = held(
      scope,
      () => this.count(this.target.resolve().cell, 1),
      (cell) => this.count(cell, -1)
    )
    return Effect.flatMap(counted, (cell) => Effect.flatMap(ready(cell), () => this.open(cell, scope)))
  })

  private count(cell: Cell, change: 1 | -1): Cell {
    // What only stands for an instance that lives elsewhere cannot tell whether that is idle.
    cell.life.isRead(change, this.keepAlive || isClient(cell.context))
    return cell
  }

  private open(cell: Cell, scope: Scope.Closeable): Effect.Effect<Chunk, any> {
    const { args, method } = this
    if (cell.death !== undefined) return this.ends(cell)
    const member: any = cell.implementation?.[method.name]
    if (!isReadable(member)) return Effect.die(notReadable(method))
    if (MAKER in member && member[MAKER] !== cell) return Effect.die(madeElsewhere(method))
    // Who had items of another life is told once the reader has joined: what it loads anew then misses nothing.
    const notice = this.hasRead ? "Restarted" : args[1]
    const given = args[0] ?? {}
    const entry = new Entry(cell, method, given)
    // What is read may be of the past by the time that the middleware lets it be read.
    const { restarts } = cell
    const items: Stream.Stream<unknown, unknown> = Stream.suspend(() => member(given, notice, entry))
    // Not `Stream.toPull`, whose pulls each take a lock and merge two contexts: one fiber at a time pulls here.
    const pull = Channel.toPullScoped(items.channel, scope)
    const enters = this.hasPassed ? entry.next : entry.again
    this.hasPassed = false
    return Effect.flatMap(Effect.andThen(enters, pull), (pull) => {
      this.life = { cell, restarts, pull }
      this.hasRead = true
      return this.pull
    })
  }

  private checked(items: Chunk): Effect.Effect<Chunk, ActorError> {
    const { actor, contract, name: method } = this.method
    if (contract === undefined) return Effect.succeed(items)
    const issueOf = (item: unknown) => checkItem(contract, item)
    for (const item of items) {
      if (notices().isResync(item)) continue
      const issue = item instanceof Publication ? item.as(contract, issueOf) : issueOf(item)
      if (issue !== undefined)
        return failure.ofReader(() => new DecodeError({ actor, method, issue, mayHaveRun: true }))
    }
    return Effect.succeed(items)
  }

  /** What is read has ended: with its instance, with a life of it, or by itself. */
  private after(
    { cell, restarts }: { cell: Cell; restarts: number },
    cause: Cause.Cause<any>
  ): Effect.Effect<Chunk, any> {
    if (cell.death !== undefined) return this.ends(cell)
    if (cell.life.ready && cell.restarts === restarts) {
      const isOwn = MAKER in cell.implementation![this.method.name]!
      return isOwn && Pull.isDoneCause(cause) ? Effect.die(endedEarly(this.method)) : Effect.failCause(cause)
    }
    this.life = undefined
    return Effect.andThen(Scope.close(this.ofLife!, Exit.void), this.join)
  }

  private ends(cell: Cell): Effect.Effect<Chunk, any> {
    const death = cell.death!
    if (death.why === IDLE && !this.keepAlive) return Cause.done()
    return failure.ofReader(() =>
      failure.deathReason(cell.actor, this.method.name, death, { mayHaveRun: false, isReader: true })
    )
  }
}

/** A reader's way past the middleware of this side. */
class Entry implements Reader {
  /** Where `next` was run last: the context of which something travels with the reader. */
  private inside: Context.Context<never> | undefined = undefined
  declare private readonly cell: Cell
  declare private readonly method: MethodSpec
  declare private readonly given: unknown

  constructor(cell: Cell, method: MethodSpec, given: unknown) {
    this.cell = cell
    this.method = method
    this.given = given
  }

  get origin(): string {
    return `${this.cell.actor}.${this.method.name}`
  }

  get shares(): boolean {
    return this.method.shares === true
  }

  get context(): Context.Context<never> {
    return this.inside!
  }

  get line(): CellLine {
    return this.cell.main
  }

  readonly next: Effect.Effect<void> = Effect.withFiber(({ context }) => {
    this.inside = context
    return Effect.void
  })

  readonly again: Effect.Effect<void, any> = Effect.suspend(() => {
    const { cell, given, method } = this
    if (cell.gate === undefined) return this.next
    this.inside = undefined
    const passed = Effect.suspend(() =>
      this.inside === undefined ? Effect.die(notLetThrough(cell, method)) : Effect.void
    )
    return Effect.andThen(cell.gate.admit(method, [given], this.next), passed)
  })
}

const notLetThrough = ({ actor }: Cell, { name }: MethodSpec): TypeError =>
  new TypeError(`${actor}.${name}: its middleware has ended without next, so that its reader may not read`)

/** Holds something for as long as a scope lasts. `Effect.acquireRelease` keeps the context, and what led to it, as long. */
export const held = <A>(scope: Scope.Scope, take: () => A, release: (taken: A) => void): Effect.Effect<A> =>
  Effect.uninterruptible(
    Effect.suspend(() => {
      const taken = take()
      return Effect.as(
        Scope.addFinalizer(
          scope,
          Effect.sync(() => release(taken))
        ),
        taken
      )
    })
  )

/** Succeeds when the instance is made, or will not be: of that those are told last who wait for the constructor. */
const ready = (cell: Cell): Effect.Effect<void> =>
  Effect.suspend(() =>
    cell.life.ready || cell.death !== undefined
      ? Effect.void
      : Effect.andThen(Effect.andThen(cell.life.over, Effect.yieldNow), ready(cell))
  )

const notReadable = (method: MethodSpec): TypeError =>
  new TypeError(`${nameOf(method)} is a subscription, and this instance has none: give out what Broadcast.make gives`)

const madeElsewhere = (method: MethodSpec): TypeError =>
  new TypeError(
    `${nameOf(method)} gives out a broadcast that was not made by the constructor of this instance, and would not end with it: yield* Broadcast.make() there`
  )

const endedEarly = (method: MethodSpec): TypeError =>
  new TypeError(
    `${nameOf(method)}: its broadcast has ended before its instance: call Broadcast.make in the Scope of the constructor, and not within Effect.scoped`
  )

const cancelled = ({ actor, name: method }: MethodSpec): Effect.Effect<never, ActorError> =>
  failure.ofReader(() => new TaskCancelled({ actor, method, mayHaveRun: false, isReader: true }))

/** Fails when the signal fires. Nothing stays with it. */
const aborted = (method: MethodSpec): Effect.Effect<never, ActorError> =>
  Effect.callback((resume) => {
    const { signal } = method
    const leave = () => signal!.removeEventListener("abort", abort)
    const abort = () => {
      leave()
      resume(cancelled(method))
    }
    if (signal!.aborted) return abort()
    signal!.addEventListener("abort", abort)
    return Effect.sync(leave)
  })

/**
 * What an actor publishes, and what its readers have yet to read.
 *
 * Each reader has its own list, so that a slow one is the business of nobody else. Effect's PubSub has one buffer and one
 * strategy for all of its subscribers, and does not tell which items one of them has missed (decision 0030).
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import { ActorContext } from "../../ActorContext.ts"
import type { ReaderOptions, Resync } from "../../Broadcast.ts"
import * as asyncContext from "../base/asyncContext.ts"
import * as options from "../base/options.ts"
import * as stack from "../base/stack.ts"
import { readable } from "../call/method.ts"
import { Vacancy } from "../call/vacancy.ts"
import * as waiters from "../call/waiters.ts"
import * as waiting from "../call/waiting.ts"
import type { Wait, Waiter } from "../call/waits.ts"
import { Publication } from "./publication.ts"
import { type Bounds, boundsOf, held, MAKER, notices, pulled } from "./subscribing.ts"

type Chunk = readonly [unknown, ...Array<unknown>]
type Answer = Effect.Effect<Chunk, unknown>

/** What is published, for those who read it now. */
class Board {
  readonly readers = new Set<Reader>()
  declare private readonly replay: number
  private readonly last: Array<Publication> = []
  private ended = false
  /** Those who published more than a reader has room for that they have to wait for, and what is known of their waits. */
  private readonly waiting = new Map<() => void, Wait | undefined>()
  private vacancy: Vacancy | undefined = undefined

  constructor(replay: number) {
    this.replay = replay
  }

  publish(item: unknown): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.ended) return Effect.void
      const publication = new Publication(item)
      if (this.replay > 0 && this.last.push(publication) > this.replay) this.last.shift()
      const woken: Array<() => void> = []
      // Nothing of what wakes runs before all have the item: a reader that comes meanwhile has it replayed.
      let crowded = false
      for (const reader of this.readers) {
        const wake = reader.offer(publication)
        if (wake !== undefined) woken.push(wake)
        crowded ||= reader.isCrowded
      }
      if (woken.length > 0) stack.notify(woken, Exit.void)
      return crowded ? this.room : Effect.void
    })
  }

  private isCrowded(): boolean {
    for (const reader of this.readers) if (reader.isCrowded) return true
    return false
  }

  /** Who is to read before there is room. */
  *blockers(): Generator<Waiter | undefined> {
    for (const reader of this.readers) if (reader.isCrowded) yield reader.puller
  }

  /** What publishers wait for: room for readers that have none. */
  get missing(): string {
    for (const { isCrowded, origin } of this.readers) if (isCrowded) return `a slow reader of ${origin}`
    return "slow readers"
  }

  private readonly room: Effect.Effect<void> = Effect.callback((resume) => {
    // It may have come since.
    if (!this.isCrowded()) return resume(Effect.void)
    this.vacancy ??= new Vacancy(this)
    const wait = waiting.begin(this.vacancy, false, undefined)
    const go = asyncContext.bindResume(() => resume(Effect.void))
    const wake = () => {
      wait?.end()
      go(undefined)
    }
    this.waiting.set(wake, wait)
    waiting.begun(wait)
    return Effect.sync(() => {
      wait?.end()
      this.waiting.delete(wake)
    })
  })

  /** A reader that publishers may wait for has read, or has gone. */
  relieve(): void {
    if (this.waiting.size === 0) return
    // Those that are left may be the ones that wait for the publisher.
    if (this.isCrowded()) return [...this.waiting.values()].forEach(waiting.begun)
    const woken = [...this.waiting.keys()]
    this.waiting.clear()
    stack.notify(woken, Exit.void)
  }

  join(bounds: Bounds, notice: Resync["reason"] | undefined, by: By): Reader {
    const pending = notice === undefined ? [] : [notices().resync(notice)]
    const reader = new Reader(this, bounds, by, pending)
    for (const publication of this.last) reader.add(publication)
    if (this.ended) reader.end(Cause.done())
    else this.readers.add(reader)
    return reader
  }

  leave(reader: Reader): void {
    reader.meet(undefined)
    this.readers.delete(reader)
    this.relieve()
  }

  /** No more is published. Readers still get what they have yet to read. */
  end(): void {
    this.ended = true
    const woken = [...this.readers].flatMap((reader) => reader.end(Cause.done()) ?? [])
    this.readers.clear()
    stack.notify(woken, Exit.void)
    this.relieve()
  }
}

/** Whose reader it is. */
interface By {
  readonly origin: string
  /** Whether it takes each {@link Publication} for its item. */
  readonly shares?: boolean
}

class Reader {
  /** Who pulled last, and on which fiber: noted where publishers may wait for that. */
  puller: Waiter | undefined = undefined
  private pulledOn: Fiber.Fiber<unknown, unknown> | undefined = undefined
  /** The calls that wait are told apart by their numbers. It is none. */
  readonly id = 0
  declare readonly origin: string
  declare private readonly shares: boolean
  declare private pending: Array<unknown>
  private missed = 0
  private over: Answer | undefined = undefined
  private wake: (() => void) | undefined = undefined
  declare private readonly board: Board
  declare private readonly bounds: Bounds

  constructor(board: Board, bounds: Bounds, { origin, shares = false }: By, pending: Array<unknown>) {
    this.origin = origin
    this.shares = shares
    this.pending = pending
    this.board = board
    this.bounds = bounds
  }

  add(publication: Publication): void {
    this.pending.push(this.shares ? publication : publication.item)
  }

  /** Whether publishers wait for it. */
  get isCrowded(): boolean {
    return this.bounds.overflow === "suspend" && this.pending.length > this.bounds.maxPendingItems
  }

  /** Takes an item. Returns how to wake the one that waits for it, if one does. */
  offer(publication: Publication): (() => void) | undefined {
    const { maxPendingItems, overflow } = this.bounds
    if (overflow === "fail" && this.pending.length >= maxPendingItems) {
      this.board.readers.delete(this)
      return this.end(Exit.fail(notices().fellBehind(this.origin, maxPendingItems)))
    }
    this.add(publication)
    if (overflow === "dropOldest" && this.pending.length > maxPendingItems) {
      this.pending.shift()
      this.missed++
    }
    return this.woken()
  }

  end(over: Answer): (() => void) | undefined {
    this.over = over
    return this.woken()
  }

  private woken(): (() => void) | undefined {
    const { wake } = this
    this.wake = undefined
    return wake
  }

  readonly take: Effect.Effect<Chunk, unknown> = Effect.suspend(() => {
    if (this.bounds.overflow === "suspend") this.meet(Fiber.getCurrent())
    return this.poll() ?? this.next
  })

  /** Remembers who pulls. */
  meet(puller: Fiber.Fiber<unknown, unknown> | undefined): void {
    if (puller === this.pulledOn) return
    if (this.puller !== undefined) waiters.leaves(this.puller)
    this.pulledOn = puller
    this.puller = puller && waiters.reads(this, puller)
  }

  private readonly next: Effect.Effect<Chunk, unknown> = Effect.callback((resume) => {
    const ready = this.poll()
    if (ready !== undefined) return resume(ready)
    const go = asyncContext.bindResume(() => resume(this.take))
    this.wake = () => go(undefined)
    return Effect.sync(() => {
      this.wake = undefined
    })
  })

  private poll(): Answer | undefined {
    const { missed, pending } = this
    if (pending.length === 0) return this.over
    this.pending = []
    this.missed = 0
    if (missed > 0) pending.unshift(notices().resync("Missed", missed))
    if (this.bounds.overflow === "suspend") this.board.relieve()
    return Exit.succeed(pending as unknown as Chunk)
  }
}

/** `Broadcast.make`. */
export const make = (given: { readonly replay?: number } = {}): Effect.Effect<unknown, never, Scope.Scope> =>
  Effect.withFiber(({ context }) => {
    options.onlyKnown("Broadcast.make", given, { replay: true })
    const board = new Board(options.count("Broadcast.make", "replay", given.replay ?? 0))
    const maker = Context.getOrElse(context, ActorContext, () => undefined)
    return Effect.as(
      Effect.addFinalizer(() => Effect.sync(() => board.end())),
      broadcastOf(board, maker)
    )
  })

/** An actor that reads what it publishes itself. */
const OWN: By = { origin: "a subscription" }

const broadcastOf = (board: Board, maker: unknown) =>
  Object.assign(
    readable(
      (given: ReaderOptions = {}, notice?: Resync["reason"], by: By = OWN): Stream.Stream<unknown, unknown> =>
        pulled((scope) =>
          Effect.map(
            held(
              scope,
              () => board.join(boundsOf(by.origin, given), notice, by),
              (reader) => board.leave(reader)
            ),
            (reader) => reader.take
          )
        )
    ),
    {
      "~troupe/Broadcast": "~troupe/Broadcast",
      [MAKER]: maker,
      publish: (item: unknown) => board.publish(item),
      readers: Effect.sync(() => board.readers.size)
    }
  )

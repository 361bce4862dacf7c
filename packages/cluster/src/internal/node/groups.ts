/**
 * Work that is done in groups: everything that has come in the same turn of the event loop, or while the group before was
 * at work.
 *
 * An item that comes alone waits for no other, so it takes as long as its work does. A group that takes longer than usual
 * is overtaken by others, and so are an item that is large, and a key that has many items.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"

/** Enough to share what a group costs, few enough not to hold others up. */
const MAX_GROUP = 500
/** How many characters a group has at most. An item that has more is at work alone. */
const MAX_SIZE = 500_000
/** How many items a key has in a group at most, as long as there are those of others. */
const SHARE = 50
/** How long a group is waited for, so that what comes meanwhile makes one group. */
const PATIENCE = "20 millis"
/** How long an interruption waits for a group at work: after it nothing is known of the item. */
const LEAVE_TIMEOUT = "1 second"

/** An item, and whether its fiber still waits for it. */
export class Entry<A, B, E> {
  left = false
  readonly item: A
  private resume: ((exit: Exit.Exit<B, E>) => void) | undefined
  private over: (() => void) | undefined

  constructor(item: A, resume: (exit: Exit.Exit<B, E>) => void) {
    this.item = item
    this.resume = resume
  }

  /** The first exit counts. */
  end(exit: Exit.Exit<B, E>): void {
    this.resume?.(exit)
    this.resume = undefined
    this.over?.()
  }

  /** Waits for the end. */
  get ended(): Effect.Effect<void> {
    return Effect.callback((resume) => {
      if (this.resume === undefined) return resume(Effect.void)
      this.over = () => resume(Effect.void)
    })
  }
}

export type Group<A, B, E> = ReadonlyArray<Entry<A, B, E>>

export interface Kind<A, B, E> {
  /** Does the work of a group, and gives the exits of its entries, some of which may have been ended by then. */
  work(group: Group<A, B, E>): Effect.Effect<ReadonlyArray<Exit.Exit<B, E>>>
  /** How many groups may be at work at a time. */
  readonly atOnce: number
  /** Whose item it is. While others wait, a key has no more than its share of a group. */
  readonly key?: ((item: A) => string) | undefined
  /** Whether the items of a key are never at work at the same time, in different groups. */
  readonly ordered?: boolean | undefined
  /** In characters, about. Without it, all items are small. */
  readonly size?: ((item: A) => number) | undefined
}

export class Groups<A, B, E> {
  private waiting: Array<Entry<A, B, E>> = []
  private atWork = 0
  private large = 0
  /** Of which nothing else may be at work. */
  private readonly atWorkKeys = new Set<string>()
  /** The group that what comes now waits for. */
  private current: Group<A, B, E> | undefined = undefined
  private gathering = false
  private hurrying = false
  private readonly kind: Kind<A, B, E>
  private readonly context: Context.Context<never>

  constructor(kind: Kind<A, B, E>, context: Context.Context<never>) {
    this.kind = kind
    this.context = context
  }

  do(item: A): Effect.Effect<B, E> {
    return Effect.callback((resume) => {
      const entry = new Entry<A, B, E>(item, resume)
      this.waiting.push(entry)
      this.gather()
      return Effect.suspend(() => this.leave(entry))
    })
  }

  private gather(): void {
    if (this.current !== undefined) return this.hurry()
    if (this.gathering) return
    this.gathering = true
    queueMicrotask(() => {
      this.gathering = false
      this.next()
    })
  }

  /** Starts as many groups as may be at work. */
  private next(): void {
    while (this.current === undefined && this.atWork < this.kind.atOnce) {
      const group = this.take()
      if (group.length === 0) return
      this.start(group)
    }
    if (this.waiting.length > 0) this.hurry()
  }

  /** What waits does not wait for the current group any longer than usual. */
  private hurry(): void {
    const { current } = this
    if (this.hurrying || current === undefined) return
    this.hurrying = true
    const lapse = Effect.sync(() => {
      this.hurrying = false
      if (this.current === current) this.current = undefined
      this.next()
    })
    Effect.runForkWith(this.context)(Effect.andThen(Effect.sleep(PATIENCE), lapse))
  }

  /** Takes the next group out of those that wait: the share of each key, and then what there is room for. */
  private take(): Group<A, B, E> {
    const group: Array<Entry<A, B, E>> = []
    const counts = new Map<string, number>()
    let left = MAX_SIZE
    for (const share of [SHARE, MAX_GROUP]) {
      const rest: Array<Entry<A, B, E>> = []
      // What is left behind holds up those of its key that come after it.
      const held = new Set<string>(this.atWorkKeys)
      for (const entry of this.waiting) {
        const key = this.kind.key?.(entry.item) ?? ""
        const size = this.kind.size?.(entry.item) ?? 0
        const count = counts.get(key) ?? 0
        const fits = size <= left || (group.length === 0 && this.mayBeLarge)
        if (fits && group.length < MAX_GROUP && (this.kind.key === undefined || count < share) && !held.has(key)) {
          left -= size
          counts.set(key, count + 1)
          group.push(entry)
        } else {
          rest.push(entry)
          if (this.kind.ordered) held.add(key)
        }
      }
      this.waiting = rest
    }
    return group
  }

  /** Large items alone never take up all there is to work with. */
  private get mayBeLarge(): boolean {
    return this.large === 0 || this.large < this.kind.atOnce / 2
  }

  private start(group: Group<A, B, E>): void {
    const { key, ordered } = this.kind
    const keys = new Set(key !== undefined && ordered ? group.map(({ item }) => key(item)) : [])
    const large = (this.kind.size?.(group[0]!.item) ?? 0) > MAX_SIZE ? 1 : 0
    this.atWork++
    this.large += large
    for (const key of keys) this.atWorkKeys.add(key)
    if (large === 0) this.current = group
    Effect.runForkWith(this.context)(this.kind.work(group)).addObserver((exit) => {
      this.atWork--
      this.large -= large
      for (const key of keys) this.atWorkKeys.delete(key)
      if (this.current === group) this.current = undefined
      // The next group is on its way before anyone goes on with the results of this one.
      this.next()
      for (const [index, entry] of group.entries())
        entry.end(Exit.isSuccess(exit) ? exit.value[index]! : Exit.failCause(exit.cause))
    })
  }

  /** Takes an item back that waits. Of one that is at work it is known only later whether it was done. */
  private leave(entry: Entry<A, B, E>): Effect.Effect<void> {
    entry.left = true
    const index = this.waiting.indexOf(entry)
    if (index < 0) return Effect.asVoid(Effect.timeoutOption(Effect.interruptible(entry.ended), LEAVE_TIMEOUT))
    this.waiting.splice(index, 1)
    return Effect.void
  }
}

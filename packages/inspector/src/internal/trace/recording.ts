/**
 * Recording: a ring of events, and what is known at both ends of it.
 */
import * as ActorSystem from "@troupe/core/ActorSystem"
import { checkOptions } from "@troupe/core/Home"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Recorded, Recording, RecordOptions } from "../../Timeline.ts"
import { toChromeTrace } from "./chromeTrace.ts"

const DEFAULT_CAPACITY = 65_536
const DEFAULT_MAX_BYTES = 64 * 1024 * 1024
const DEFAULT_WAITING_LANES = 32
/** How many instances and calls the snapshots at both ends may hold. */
const SNAPSHOT_LIMIT = 10_000

/** Keeps the last items: at most `capacity`, and only as many as weigh `most` together. */
export class Ring<A> {
  private readonly items: Array<A | undefined> = []
  /** Where the oldest item is. */
  private first = 0
  private count = 0
  private weight = 0
  dropped = 0

  readonly capacity: number
  private readonly most: number
  private readonly weigh: (item: A) => number

  constructor(capacity: number, most = Infinity, weigh: (item: A) => number = () => 0) {
    this.capacity = capacity
    this.most = most
    this.weigh = weigh
  }

  push(item: A): void {
    if (this.count === this.capacity) this.drop()
    this.items[(this.first + this.count++) % this.capacity] = item
    this.weight += this.weigh(item)
    while (this.weight > this.most) this.drop()
  }

  private drop(): void {
    this.weight -= this.weigh(this.items[this.first]!)
    this.items[this.first] = undefined
    this.first = (this.first + 1) % this.capacity
    this.count--
    this.dropped++
  }

  /** Oldest first. */
  toArray(): Array<A> {
    return Array.from({ length: this.count }, (_, i) => this.items[(this.first + i) % this.capacity]!)
  }

  clear(): void {
    this.items.length = 0
    this.first = this.count = this.weight = this.dropped = 0
  }
}

/** About as many bytes as an event takes in memory: its fields, and the texts that it may have for itself. */
const bytesOf = (event: ActorSystem.Event): number => {
  const method = "method" in event ? event.method.length : 0
  const error = "error" in event ? (event.error?.length ?? 0) : 0
  return 200 + method + error
}

const atLeastOne = (what: string, value: number): number => {
  if (Number.isInteger(value) && value >= 1) return value
  throw new RangeError(`Timeline.record: ${what} must be an integer of at least 1, but is ${value}`)
}

/** The clock of the events: milliseconds with a fraction. */
const now = Effect.map(Clock.currentTimeNanos, (nanos) => Number(nanos) / 1e6)

export const record = (options: RecordOptions = {}): Effect.Effect<Recording, never, Scope.Scope> =>
  Effect.gen(function* () {
    checkOptions<RecordOptions & { readonly file?: string }>("Timeline", options, {
      capacity: true,
      maxBytes: true,
      waitingLanes: true,
      file: true
    })
    const capacity = atLeastOne("capacity", options.capacity ?? DEFAULT_CAPACITY)
    const maxBytes = atLeastOne("maxBytes", options.maxBytes ?? DEFAULT_MAX_BYTES)
    const ring = new Ring<ActorSystem.Event>(capacity, maxBytes, bytesOf)
    const waitingLanes = atLeastOne("waitingLanes", options.waitingLanes ?? DEFAULT_WAITING_LANES)
    // The system that is recorded is the one of here, whoever asks for the trace later.
    const system = yield* ActorSystem.ActorSystem
    const look = Effect.all({ at: now, snapshot: ActorSystem.snapshot({ limit: SNAPSHOT_LIMIT }) }).pipe(
      Effect.provideService(ActorSystem.ActorSystem, system)
    )
    let open = true
    let end: Effect.Success<typeof look> | undefined
    // First watched, then looked at: what happens in between is in both, and the events are the ones that count.
    yield* ActorSystem.watch((event) => ring.push(event))
    yield* Effect.addFinalizer(() =>
      Effect.map(look, (last) => {
        open = false
        end = last
      })
    )
    let start = yield* look

    const recorded: Effect.Effect<Recorded> = Effect.map(
      Effect.suspend(() => (open || end === undefined ? look : Effect.succeed(end))),
      ({ at, snapshot }) => ({
        from: start.at,
        to: at,
        events: ring.toArray(),
        dropped: ring.dropped,
        before: start.snapshot,
        after: snapshot
      })
    )
    const clear = Effect.map(look, (present) => {
      ring.clear()
      start = present
    })
    return { recorded, trace: Effect.map(recorded, (it) => toChromeTrace(it, { waitingLanes })), clear }
  })

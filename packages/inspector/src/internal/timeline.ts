/**
 * Recording: a ring of events, and what is known at both ends of it.
 */
import * as ActorSystem from "@troupe/core/ActorSystem"
import { checkOptions } from "@troupe/core/Home"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Recorded, Recording, RecordOptions } from "../Timeline.ts"
import { toChromeTrace } from "./chromeTrace.ts"

const DEFAULT_CAPACITY = 65_536
const DEFAULT_WAITING_LANES = 32
/** How many instances and calls the snapshots at both ends may hold. */
const SNAPSHOT_LIMIT = 10_000

/** Keeps the last `capacity` items. */
export class Ring<A> {
  private readonly items: Array<A> = []
  /** Where the next item goes once all places are taken: that of the oldest. */
  private next = 0
  dropped = 0

  readonly capacity: number

  constructor(capacity: number) {
    this.capacity = capacity
  }

  push(item: A): void {
    if (this.items.length < this.capacity) {
      this.items.push(item)
      return
    }
    this.items[this.next] = item
    this.next = (this.next + 1) % this.capacity
    this.dropped++
  }

  /** Oldest first. */
  toArray(): Array<A> {
    return [...this.items.slice(this.next), ...this.items.slice(0, this.next)]
  }

  clear(): void {
    this.items.length = 0
    this.next = 0
    this.dropped = 0
  }
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
      waitingLanes: true,
      file: true
    })
    const ring = new Ring<ActorSystem.Event>(atLeastOne("capacity", options.capacity ?? DEFAULT_CAPACITY))
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

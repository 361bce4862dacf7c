/**
 * Recording: a ring of events, and a snapshot at both ends of it.
 */
import * as ActorSystem from "@troupe/core/ActorSystem"
import { checkOptions } from "@troupe/core/Home"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Recorded, Recording, RecordOptions } from "../../Timeline.ts"
import { toChromeTrace } from "./chromeTrace.ts"
import { Ring } from "./ring.ts"

const DEFAULT_CAPACITY = 65_536
const DEFAULT_MAX_BYTES = 64 * 1024 * 1024
const DEFAULT_WAITING_LANES = 32
/** How many instances and calls the snapshots at both ends may hold. */
const SNAPSHOT_LIMIT = 10_000

/** Roughly the memory that an event takes: its fields, and the strings that it may not share with others. */
const bytesOf = (event: ActorSystem.Event): number => {
  const method = "method" in event ? event.method.length : 0
  const error = "error" in event ? (event.error?.length ?? 0) : 0
  return 200 + method + error
}

const settingsOf = (options: RecordOptions): Required<{ readonly [K in keyof RecordOptions]: number }> => {
  // `file` is an option of `Timeline.layer`, which passes its options on.
  checkOptions<RecordOptions & { readonly file?: string }>("Timeline", options, {
    capacity: true,
    maxBytes: true,
    waitingLanes: true,
    file: true
  })
  return {
    capacity: atLeastOne("capacity", options.capacity ?? DEFAULT_CAPACITY),
    maxBytes: atLeastOne("maxBytes", options.maxBytes ?? DEFAULT_MAX_BYTES),
    waitingLanes: atLeastOne("waitingLanes", options.waitingLanes ?? DEFAULT_WAITING_LANES)
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
    const { capacity, maxBytes, waitingLanes } = settingsOf(options)
    const ring = new Ring<ActorSystem.Event>(capacity, maxBytes, bytesOf)
    // A trace is always of the system in context here, also when it is asked for elsewhere.
    const system = yield* ActorSystem.ActorSystem
    const look = Effect.all({ at: now, snapshot: ActorSystem.snapshot({ limit: SNAPSHOT_LIMIT }) }).pipe(
      Effect.provideService(ActorSystem.ActorSystem, system)
    )
    let end: Effect.Success<typeof look> | undefined
    // Watch first, then take the snapshot: what happens in between is in both, and the events take precedence.
    yield* ActorSystem.watch((event) => ring.push(event))
    yield* Effect.addFinalizer(() =>
      Effect.map(look, (last) => {
        end = last
      })
    )
    let start = yield* look

    const recorded: Effect.Effect<Recorded> = Effect.map(
      Effect.suspend(() => (end === undefined ? look : Effect.succeed(end))),
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

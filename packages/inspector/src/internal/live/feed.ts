/**
 * What pages are told, and how often. Nothing is made while no page is open.
 *
 * Nothing is queued for a page either. Each one pulls, and gets what has changed since it last did: a slow one misses
 * states in between, and holds one update at most, which it shares with others.
 */
import * as ActorSystem from "@troupe/core/ActorSystem"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as RcRef from "effect/RcRef"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { type About, Live } from "./live.ts"

export interface FeedOptions {
  readonly interval: Duration.Input
  readonly maxInstances: number
}

/** The view takes at most about this share of the time: with very many instances it is brought up to date less often. */
const SHARE = 1 / 25
/** More calls than this in a second are not all listened to, since hearing of one costs about as much as making one. */
const MANY = 10_000
/** The share of the time for which it listens then. */
const SAMPLE = 1 / 12
/** How long the state outlives the last page, so that one that is loaded again finds its numbers again. */
const GRACE = "10 seconds"

export interface Feed {
  /** The updates for one page, as server-sent events, from everything on. */
  readonly updates: Stream.Stream<Uint8Array>
  /** The shared state, kept up to date for as long as the Scope is open. */
  readonly live: Effect.Effect<Live, never, Scope.Scope>
}

interface Beat {
  readonly live: Live
  /** Releases who waits for the next update. */
  readonly latch: Latch.Latch
}

/** Belongs to the system in context. */
export const make = (options: FeedOptions): Effect.Effect<Feed, never, Scope.Scope> =>
  Effect.gen(function* () {
    const shared = yield* RcRef.make({ acquire: begin(options), idleTimeToLive: GRACE })
    return {
      live: Effect.map(RcRef.get(shared), ({ live }) => live),
      updates: Stream.unwrap(Effect.map(RcRef.get(shared), updatesOf))
    }
  })

const begin = (options: FeedOptions): Effect.Effect<Beat, never, Scope.Scope> =>
  Effect.gen(function* () {
    const beat: Beat = { live: new Live(), latch: Latch.makeUnsafe() }
    const interval = Duration.toMillis(options.interval)
    yield* update(beat, options, { interval, weight: 1 })
    yield* Effect.forkScoped(run(beat, options), { startImmediately: true })
    return beat
  })

const run = (beat: Beat, options: FeedOptions): Effect.Effect<never> =>
  Effect.gen(function* () {
    const pause = () => Math.max(Duration.toMillis(options.interval), beat.live.cost / SHARE)
    for (;;) {
      yield* Effect.scoped(listenToAll(beat, options, pause))
      yield* listenToSome(beat, options, pause)
    }
  })

/** Listens all the time, until there are too many calls for that. */
const listenToAll = (beat: Beat, options: FeedOptions, pause: () => number): Effect.Effect<void, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { live } = beat
    yield* ActorSystem.watch((event) => live.hear(event))
    for (let perSecond = 0; perSecond <= MANY; ) {
      const interval = pause()
      const { millis } = yield* timed(Effect.sleep(interval))
      perSecond = (live.stats.heard / millis) * 1000
      yield* update(beat, options, { interval, weight: 1 })
    }
  })

/** Listens for a part of the time, until there are few enough to listen to all. */
const listenToSome = (beat: Beat, options: FeedOptions, pause: () => number): Effect.Effect<void> =>
  Effect.gen(function* () {
    const { live } = beat
    for (let perSecond = MANY; perSecond >= MANY / 2; ) {
      const interval = pause()
      const deaf = yield* timed(Effect.sleep(interval * (1 - SAMPLE)))
      const watched = Effect.andThen(
        ActorSystem.watch((event) => live.hear(event)),
        Effect.sleep(interval * SAMPLE)
      )
      // A process that is busy makes it longer than it was meant to be.
      const { millis } = yield* timed(Effect.scoped(watched))
      perSecond = (live.stats.heard / millis) * 1000
      yield* update(beat, options, { interval, weight: (deaf.millis + millis) / millis })
    }
  })

const update = (
  { latch, live }: Beat,
  { maxInstances }: FeedOptions,
  sample: Omit<About, "moment">
): Effect.Effect<void> =>
  Effect.gen(function* () {
    const about = { ...sample, moment: Number(yield* Clock.monotonicTimeNanos) / 1e6 }
    const snapshot = ActorSystem.snapshot({ limit: maxInstances })
    const { millis } = yield* timed(Effect.map(snapshot, (snapshot) => live.update(snapshot, about)))
    // What was done for pages after the last update is paid for by the pause after this one.
    live.cost = millis + live.encoding
    live.encoding = 0
    yield* latch.release
  }).pipe(
    // A home describes its instances, which is code of others. The page gets the next state.
    Effect.catchDefect((defect) => Effect.logError("Inspector: the state could not be told", defect))
  )

const timed = <A>(effect: Effect.Effect<A>): Effect.Effect<{ readonly result: A; readonly millis: number }> =>
  Effect.gen(function* () {
    const start = yield* Clock.monotonicTimeNanos
    const result = yield* effect
    return { result, millis: Number((yield* Clock.monotonicTimeNanos) - start) / 1e6 }
  })

const updatesOf = ({ latch, live }: Beat): Stream.Stream<Uint8Array> => {
  let version = 0
  const present = timed(
    Effect.sync(() => {
      const bytes = live.since(version)
      version = live.version
      return bytes
    })
  ).pipe(
    Effect.map(({ millis, result }) => {
      live.encoding += millis
      return result
    })
  )
  const next: Effect.Effect<Uint8Array> = Effect.suspend(() =>
    version === live.version ? Effect.andThen(latch.await, next) : present
  )
  return Stream.fromEffectRepeat(next)
}

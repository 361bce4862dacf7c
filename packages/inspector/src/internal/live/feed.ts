/**
 * The updates that pages get, and how often. None are made while no page is open.
 *
 * Nothing is queued. Each page pulls, and gets what has changed since it last did: a slow page misses states in between,
 * and holds one update at most, which it shares with others.
 */
import * as ActorSystem from "@troupe/core/ActorSystem"
import { elapsed } from "@troupe/core/Home"
import * as Instrumentation from "@troupe/core/Instrumentation"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as RcRef from "effect/RcRef"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Inspect } from "../base/inspect.ts"
import { type About, Live } from "./live.ts"

export interface FeedOptions {
  readonly interval: Duration.Input
  readonly maxInstances: number
  readonly inspect?: Inspect | undefined
}

/** About the largest share of time that updates may take: with very many instances there are fewer of them. */
const SHARE = 1 / 25
/** Above this many calls per second we listen to a sample, since hearing of a call costs about as much as making one. */
const MANY = 10_000
/** The share of the time for which we listen then. */
const SAMPLE = 1 / 12
/** How long the state outlives the last page, so that a page that is reloaded finds its figures again. */
const GRACE = "10 seconds"

export interface Feed {
  /** The updates for one page, as server-sent events. The first one tells everything. */
  readonly updates: Stream.Stream<Uint8Array>
  /** The shared state, kept up to date for as long as the Scope is open. */
  readonly live: Effect.Effect<Live, never, Scope.Scope>
}

interface Beat {
  readonly live: Live
  /** Releases the pages that wait for the next update. */
  readonly latch: Latch.Latch
}

/** The feed of the system in context. */
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
    const beat: Beat = { live: new Live(options.inspect), latch: Latch.makeUnsafe() }
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

/** Events tell times and outcomes; errors themselves are known only where calls settle. */
const listen = (live: Live): Effect.Effect<void, never, Scope.Scope> =>
  Effect.gen(function* () {
    const clock = yield* Clock.Clock
    const now = () => clock.currentTimeMillisUnsafe()
    yield* ActorSystem.watch((event) => live.hear(event))
    yield* Instrumentation.attach({
      settled: (call, exit) => {
        live.errors.note(call, exit, now)
        live.results.note(call, exit, now)
      }
    })
  })

/** Listens to all calls, until there are too many for that. */
const listenToAll = (beat: Beat, options: FeedOptions, pause: () => number): Effect.Effect<void, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { live } = beat
    yield* listen(live)
    for (let perSecond = 0; perSecond <= MANY; ) {
      const interval = pause()
      const { millis } = yield* timed(Effect.sleep(interval))
      perSecond = (live.stats.heard / millis) * 1000
      yield* update(beat, options, { interval, weight: 1 })
    }
  })

/** Listens for a part of the time, until there are few enough calls to listen to all of them. */
const listenToSome = (beat: Beat, options: FeedOptions, pause: () => number): Effect.Effect<void> =>
  Effect.gen(function* () {
    const { live } = beat
    for (let perSecond = MANY; perSecond >= MANY / 2; ) {
      const interval = pause()
      const deaf = yield* timed(Effect.sleep(interval * (1 - SAMPLE)))
      const watched = Effect.andThen(listen(live), Effect.sleep(interval * SAMPLE))
      // In a busy process this takes longer than planned.
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
    const about = { ...sample, moment: yield* now }
    const snapshot = ActorSystem.snapshot({ limit: maxInstances })
    const { millis } = yield* timed(Effect.map(snapshot, (snapshot) => live.update(snapshot, about)))
    // Encoding happened after the last update, so it counts for the pause after this one.
    live.cost = millis + live.encoding
    live.encoding = 0
    yield* latch.release
  }).pipe(
    // Homes describe their instances, and are foreign code. The page gets the next state.
    Effect.catchDefect((defect) => Effect.logError("Inspector: cannot read the state of the actors", defect))
  )

const timed = <A>(effect: Effect.Effect<A>): Effect.Effect<{ readonly result: A; readonly millis: number }> =>
  Effect.gen(function* () {
    const start = yield* now
    const result = yield* effect
    return { result, millis: (yield* now) - start }
  })

/** In milliseconds of a clock that only goes forwards. */
const now = Effect.map(Clock.Clock, elapsed)

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

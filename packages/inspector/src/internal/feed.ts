/**
 * What pages are told, and how often. Nothing is made while no page is open.
 *
 * Nothing is queued for a page either. Each one pulls, and gets what has changed since it last did: a slow one misses
 * states in between, and costs no memory.
 */
import * as ActorSystem from "@troupe/core/ActorSystem"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as RcRef from "effect/RcRef"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Live } from "./live.ts"

export interface FeedOptions {
  readonly interval: Duration.Input
  readonly maxInstances: number
}

/** Making the state takes at most this share of the time: with very many instances it is made less often. */
const SHARE = 1 / 50
/** How long the state outlives the last page, so that one that is loaded again finds its numbers again. */
const GRACE = "10 seconds"

export interface Feed {
  /** The updates for one page, as server-sent events, from everything on. */
  readonly updates: Stream.Stream<string>
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
    yield* ActorSystem.watch((event) => beat.live.hear(event))
    yield* update(beat, options)
    yield* Effect.forkScoped(Effect.forever(Effect.flatMap(pause(beat, options), () => update(beat, options))))
    return beat
  })

const pauseOf = ({ live }: Beat, { interval }: FeedOptions): number =>
  Math.max(Duration.toMillis(interval), live.cost / SHARE)

const pause = (beat: Beat, options: FeedOptions): Effect.Effect<void> =>
  Effect.suspend(() => Effect.sleep(pauseOf(beat, options)))

const update = (beat: Beat, options: FeedOptions): Effect.Effect<void> =>
  Effect.gen(function* () {
    const start = yield* Clock.currentTimeNanos
    const snapshot = yield* ActorSystem.snapshot({ limit: options.maxInstances })
    beat.live.update(snapshot, pauseOf(beat, options))
    beat.live.cost = Number((yield* Clock.currentTimeNanos) - start) / 1e6
    yield* beat.latch.release
  })

const updatesOf = ({ latch, live }: Beat): Stream.Stream<string> => {
  let version = 0
  const next: Effect.Effect<string> = Effect.suspend(() => {
    if (version === live.version) return Effect.andThen(latch.await, next)
    const text = live.since(version)
    version = live.version
    return Effect.succeed(`data: ${text}\n\n`)
  })
  return Stream.fromEffectRepeat(next)
}

/**
 * A subscription as a process reads it. When the connection is lost, the reader joins anew as soon as there is another one,
 * and is told that there may be a gap.
 */
import { isResync, type ReaderOptions, type Resync } from "@troupe/core/Broadcast"
import type * as Home from "@troupe/core/Home"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Place } from "./link.ts"
import { remoteStream } from "./remoteStream.ts"

/** How an item crosses, or a gap in its place. */
type Crossed = { readonly item: unknown } | { readonly resync: Resync }

/** How long a reader waits that was sent away before it had joined. */
const PAUSE = "100 millis"

/** What marks the end that the instance itself gives. */
const OVER: unique symbol = Symbol()

/**
 * Joining waits for a connection as long as calls do, and fails as they do. `reader.again` is what it passes each time
 * before it joins.
 */
export const subscription = (
  place: Place,
  options: ReaderOptions,
  notice: Resync["reason"] | undefined,
  reader: Home.Reader
): Stream.Stream<unknown, any> =>
  Stream.suspend(() => {
    let told = notice
    let joined = false
    let begun = false
    /** The server always begins with a notice, by which it is known that the reader has joined. */
    const isNews = (item: unknown): boolean => {
      if (joined) return true
      joined = true
      const isNew = told !== undefined
      told = "Reconnected"
      return isNew || !isResync(item)
    }
    const begin = Effect.gen(function* () {
      if (begun && !joined) yield* Effect.sleep(PAUSE)
      if (begun) yield* reader.again
      begun = true
      joined = false
      return remoteStream(place, { reader: { ...options, notice: told ?? "Reconnected" } }, reader)
    })
    const life = Stream.unwrap(begin).pipe(
      Stream.map((crossed: Crossed) => ("resync" in crossed ? crossed.resync : crossed.item)),
      Stream.filter(isNews),
      Stream.concat(Stream.fail(OVER)),
      Stream.catchIf(isLost, () => Stream.empty)
    )
    return Stream.catchIf(
      Stream.forever(life),
      (error) => error === OVER,
      () => Stream.empty
    )
  })

/** The connection is lost that it read from: it may have read, so there is another one to come. */
const isLost = (error: any): boolean => error?.reason?._tag === "ActorUnavailable" && error.reason.mayHaveRun

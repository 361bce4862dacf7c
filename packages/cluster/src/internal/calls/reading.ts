/**
 * A subscription as a process reads it: a stream from the node that has the instance. When that node is lost, or gives the
 * key up, the reader joins anew wherever the key is by then, and is told that there may be a gap.
 */
import { isResync, type ReaderOptions, type Resync } from "@troupe/core/Broadcast"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { now } from "../base/now.ts"

/** How long to wait before a reader joins again. */
const PAUSE = "100 millis"

/** What a reader tells the node. */
export interface Told extends ReaderOptions {
  readonly notice: Resync["reason"]
}

/** How an item crosses, or a gap in its place. */
interface Crossed {
  readonly resync: Resync | null
  readonly item?: unknown
}

/** What marks the end that the instance itself gives. */
const OVER: unique symbol = Symbol("over")

/**
 * Reads with `open`, and again when that fails since the node was lost, for as long as calls look for a node. `again` is
 * what it passes each time before it does.
 */
export const read = (
  open: (told: Told) => Stream.Stream<Crossed, any>,
  patience: number,
  options: ReaderOptions,
  notice: Resync["reason"] | undefined,
  again: Effect.Effect<void, any>
): Stream.Stream<unknown, any> =>
  Stream.suspend(() => {
    let told = notice
    let joined = false
    let begun = false
    /** Since when it has looked for a node. */
    let since: number | undefined
    /** The node always begins with a notice, by which it is known that the reader has joined. */
    const isNews = (item: unknown): boolean => {
      if (joined) return true
      joined = true
      since = undefined
      const isNew = told !== undefined
      told = "Reconnected"
      return isNew || !isResync(item)
    }
    const pause = (error: unknown) =>
      Effect.flatMap(now, (now) => {
        since ??= now
        return now - since >= patience ? Effect.fail(error) : Effect.sleep(PAUSE)
      })
    const begin = Effect.gen(function* () {
      since ??= yield* now
      if (begun) yield* again
      begun = true
      joined = false
      return open({ ...options, notice: told ?? "Reconnected" })
    })
    const life = Stream.unwrap(begin).pipe(
      Stream.map(({ item, resync }) => resync ?? item),
      Stream.filter(isNews),
      Stream.concat(Stream.fail(OVER)),
      Stream.catchIf(isUnavailable, (error) => Stream.drain(Stream.fromEffect(pause(error))))
    )
    return Stream.catchIf(
      Stream.forever(life),
      (error) => error === OVER,
      () => Stream.empty
    )
  })

const isUnavailable = (error: any): boolean => error?.reason?._tag === "ActorUnavailable"

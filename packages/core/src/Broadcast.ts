/**
 * What an actor publishes, for any number of readers.
 *
 * Picture a noticeboard beside the clerk's desk. Whoever reads it does not stand in line: a reader takes no permit, is no
 * call, and holds up nobody, however slow it is. A constructor makes a broadcast and gives it out among its methods;
 * methods `publish` to it; callers read it as a Stream, `room.changes()`.
 *
 * Each reader has what it has yet to read, up to a bound. A gap is never silent: where items are missing, the reader gets a
 * {@link Resync} in their place.
 *
 * For one caller's own items, such as the tokens of an answer, write a method that returns a Stream: it is a call, with a
 * permit, that ends with its reader. For state that outlives the instance, publish what a database has stored.
 *
 * **Example** (A room that tells its readers what changes)
 *
 * ```ts
 * import { Effect, Stream } from "effect"
 * import { Actor, Broadcast } from "@troupe/core"
 *
 * class Room extends Actor.Service<Room>()("app/Room", {
 *   maxConcurrency: 1,
 *   make: Effect.gen(function*() {
 *     const messages = yield* Broadcast.make<string>({ replay: 1 })
 *     return { messages, post: (text: string) => messages.publish(text) }
 *   })
 * }) {}
 *
 * const program = Effect.gen(function*() {
 *   const room = yield* Room
 *   yield* room.post("hello")
 *   const first = yield* Stream.runHead(room.messages())
 *   console.log(first) // => { _id: 'Option', _tag: 'Some', value: 'hello' }
 * })
 *
 * await Effect.runPromise(Effect.provide(program, Room.layer))
 * ```
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { ActorError } from "./ActorError.ts"
import { withoutStack } from "./internal/base/errors.ts"
import * as broadcast from "./internal/handle/broadcast.ts"
import * as subscribing from "./internal/handle/subscribing.ts"

const TypeId = "~troupe/Broadcast"

// --- what readers get ------------------------------------------------------------------------------------------------

/**
 * Stands in a stream where items are missing. Who keeps a copy of what is published has to take a new one.
 *
 * After it come the items that are there: what is replayed of a new instance, or what was left of the old items.
 *
 * @category models
 * @since 0.1.0
 */
export class Resync extends Schema.TaggedClass<Resync>()("Resync", {
  /**
   * `"Missed"`: the reader was too slow, and its oldest items were dropped. `"Restarted"`: the instance was made anew.
   * `"Reconnected"`: the connection to where the instance lives was lost, and it may be another instance by now.
   */
  reason: Schema.Literals(["Missed", "Restarted", "Reconnected"]),
  /** How many items are missing, if that is known. */
  missed: Schema.optionalKey(Schema.Number)
}) {}

// By this, and not by the class: each copy of this package has a class of its own.
const ResyncId = "~troupe/Resync"
Object.defineProperty(Resync.prototype, ResyncId, { value: ResyncId })

/**
 * Tells a {@link Resync} from an item.
 *
 * @category guards
 * @since 0.1.0
 */
export const isResync = (u: unknown): u is Resync => typeof u === "object" && u !== null && ResyncId in u

/**
 * Tells an item from a {@link Resync}: `Stream.filter(room.changes(), Broadcast.isItem)` has the items alone, where each of
 * them is the whole state and a gap does not matter.
 *
 * @category guards
 * @since 0.1.0
 */
export const isItem = <A>(u: A): u is Exclude<A, Resync> => !isResync(u)

/**
 * A reader with `overflow: "fail"` had more items to read than its `maxPendingItems`.
 *
 * @category errors
 * @since 0.1.0
 */
export class FellBehind extends Schema.TaggedError<FellBehind>()("FellBehind", {
  /** What was read: the actor, with its key if it has one, and the subscription. */
  subscription: Schema.String,
  maxPendingItems: Schema.Number
}) {
  override get message(): string {
    return `${this.subscription}: the reader fell behind: more than ${this.maxPendingItems} items waited for it (maxPendingItems, with overflow: "fail"). Read faster, raise maxPendingItems, or use overflow: "dropOldest" and handle Resync.`
  }
}

/**
 * Options of one reader.
 *
 * @category options
 * @since 0.1.0
 */
export interface ReaderOptions {
  /** How many items may wait for the reader: an integer of at least 1. Default 256. */
  readonly maxPendingItems?: number | undefined
  /**
   * What happens to more items than that. `"dropOldest"`, the default: the oldest are dropped, and the reader gets a
   * {@link Resync}. `"suspend"`: `publish` waits for the reader, which holds up the actor. `"fail"`: the stream fails with
   * {@link FellBehind}, after the items that waited.
   */
  readonly overflow?: "dropOldest" | "suspend" | "fail" | undefined
  /**
   * Whether the instance of a key stays up for this reader. Default `true`: it is not idle while it is read. With `false`
   * the stream ends when the instance has been idle for its `idleTimeToLive`.
   */
  readonly keepAlive?: boolean | undefined
}

/**
 * How callers read what an actor publishes: a member of its handle.
 *
 * Each run of the stream is one reader, from its first pull to its end. It starts with what is replayed. It goes on through
 * restarts of the instance, and fails with `ActorDied` when the instance ends for good. With `E`, the errors of the actor's
 * middleware, it fails if that refuses the reader.
 *
 * @category models
 * @since 0.1.0
 */
export interface Subscription<out A, out E = never> {
  (
    options?: ReaderOptions & { readonly overflow?: "dropOldest" | "suspend" | undefined }
  ): Stream.Stream<A | Resync, ActorError | E>
  (options: ReaderOptions): Stream.Stream<A | Resync, ActorError | FellBehind | E>
}

// --- what actors have ------------------------------------------------------------------------------------------------

/**
 * What a constructor makes to publish with, and gives out among its methods.
 *
 * It is a function, too: called inside the actor, it gives a stream of what this instance publishes from then on. `E` are
 * the errors of middleware, which has a say where callers read.
 *
 * @category models
 * @since 0.1.0
 */
export interface Broadcast<in out A, out E = never> extends AnyBroadcast {
  (options?: ReaderOptions): Stream.Stream<A | Resync, FellBehind | E>
  /**
   * Gives an item to every reader, in the order in which they are published. It does not wait, unless a reader with
   * `overflow: "suspend"` has no room; interrupting that wait takes nothing back. Once the instance has ended it does
   * nothing.
   */
  publish(item: A): Effect.Effect<void>
  /** How many readers there are now. */
  readonly readers: Effect.Effect<number>
}

/**
 * Any {@link Broadcast}.
 *
 * @category models
 * @since 0.1.0
 */
export interface AnyBroadcast {
  readonly [TypeId]: typeof TypeId
}

/**
 * Makes a broadcast, which ends with the current Scope: inside a constructor, with the life of the instance.
 *
 * `replay` is how many of the last items a new reader starts with. Default 0: it gets what is published from then on. With
 * `replay: 1` and the whole state as the item, a reader has the present state at once.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: <A>(options?: {
  readonly replay?: number | undefined
}) => Effect.Effect<Broadcast<A>, never, Scope.Scope> = broadcast.make as any

subscribing.install({
  resync: (reason, missed) => new Resync(missed === undefined ? { reason } : { reason, missed }),
  isResync,
  fellBehind: (subscription, maxPendingItems) => withoutStack(() => new FellBehind({ subscription, maxPendingItems }))
})

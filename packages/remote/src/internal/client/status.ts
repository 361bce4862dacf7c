/**
 * How the connection of clients to their server is, for those who show it to people.
 */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import type { ClientOptions, Connection } from "../../RemoteHome.ts"

type Tell = (connection: Connection) => void

export class Status {
  private current: Connection = { _tag: "Connecting" }
  private readonly readers = new Set<Tell>()

  private set(next: Connection): void {
    this.current = next
    for (const tell of this.readers) tell(next)
  }

  /** A client has been made. */
  connecting(): void {
    if (this.current._tag === "Closed") this.set({ _tag: "Connecting" })
  }

  connected(): void {
    if (this.current._tag !== "Connected") this.set({ _tag: "Connected" })
  }

  /** It is lost since now, unless it was before. Times are in milliseconds since the epoch. */
  lost(why: string, now: number, retryAt?: number): void {
    const { current } = this
    const isLost = current._tag === "Lost"
    if (isLost && current.why === why && current.retryAt === retryAt) return
    this.set({ _tag: "Lost", why, since: isLost ? current.since : now, retryAt })
  }

  closed(why: string): void {
    this.set({ _tag: "Closed", why })
  }

  /** Tells of how it is, and of each change. Returns how to end that. */
  observe(tell: Tell): () => void {
    this.readers.add(tell)
    tell(this.current)
    return () => this.readers.delete(tell)
  }
}

const known = new WeakMap<ClientOptions, Status>()

/** That of the clients that are given these options. */
export const statusOf = (options: ClientOptions): Status => {
  const status = known.get(options) ?? new Status()
  known.set(options, status)
  return status
}

/** `RemoteHome.connection`. */
export const connection = (options: ClientOptions): Stream.Stream<Connection> =>
  Stream.callback<Connection>(
    (queue) =>
      Effect.acquireRelease(
        Effect.sync(() => statusOf(options).observe((connection) => void Queue.offerUnsafe(queue, connection))),
        (leave) => Effect.sync(leave)
      ),
    // Who is slow needs to know how it is, not how it was.
    { bufferSize: 1, strategy: "sliding" }
  )

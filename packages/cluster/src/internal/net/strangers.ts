/**
 * The connections that have not proved themselves yet.
 *
 * A node cannot tell a peer from a stranger before it has its proof, so it accepts every connection. When there are too
 * many, it closes the oldest one from the address with the most of them: a peer proves itself within a round trip, and
 * strangers take room from each other.
 */
import type { Duplex } from "node:stream"

/** As many as a node of some thousand processes meets when it starts. Each takes a socket and a few KB. */
const MAX_STRANGERS = 1024

export class Strangers {
  /** In the order in which they came. */
  private readonly waiting = new Map<string, Set<Duplex>>()
  private count = 0

  /** Lets a connection wait for its proof, until `leave`. */
  enter(address: string, connection: Duplex): void {
    if (this.count >= MAX_STRANGERS) this.evict()
    const some = this.waiting.get(address) ?? new Set()
    this.waiting.set(address, some.add(connection))
    this.count++
  }

  leave(address: string, connection: Duplex): void {
    const some = this.waiting.get(address)
    if (some === undefined || !some.delete(connection)) return
    this.count--
    if (some.size === 0) this.waiting.delete(address)
  }

  private evict(): void {
    let [largest, most] = ["", new Set<Duplex>()]
    for (const [address, some] of this.waiting) if (some.size > most.size) [largest, most] = [address, some]
    for (const connection of most) {
      this.leave(largest, connection)
      connection.destroy(new Error("there were too many connections that did not prove themselves"))
      return
    }
  }
}

/**
 * How many connections each address has.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

export class Addresses {
  private readonly counts = new Map<string, number>()
  private readonly most: number

  constructor(most: number) {
    this.most = most
  }

  /** Counts a connection for as long as it lasts, if there may be another one. */
  readonly enter = (address: string | undefined): Effect.Effect<boolean, never, Scope.Scope> => {
    if (address === undefined || this.most === Infinity) return Effect.succeed(true)
    const network = networkOf(address)
    const before = this.counts.get(network) ?? 0
    if (before >= this.most) return Effect.succeed(false)
    this.counts.set(network, before + 1)
    return Effect.as(
      Effect.addFinalizer(() => Effect.sync(() => this.leave(network))),
      true
    )
  }

  private leave(network: string): void {
    const left = this.counts.get(network)! - 1
    if (left === 0) this.counts.delete(network)
    else this.counts.set(network, left)
  }
}

/** An address, or of version 6 the network of its first 64 bits: whoever has one such address has all of them. */
const networkOf = (address: string): string => {
  if (!address.includes(":")) return address
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  if (mapped !== null) return mapped[1]!
  const [head = "", tail = ""] = address.toLowerCase().split("%")[0]!.split("::")
  const first = head === "" ? [] : head.split(":")
  const last = tail === "" ? [] : tail.split(":")
  const zeros = Array.from({ length: Math.max(0, 8 - first.length - last.length) }, () => "0")
  return [...first, ...zeros, ...last].slice(0, 4).join(":")
}

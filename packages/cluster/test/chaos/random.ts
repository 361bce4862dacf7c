/** Random numbers that a seed decides. */
export interface Random {
  /** An integer from 0 up to, and not including, `limit`. */
  below(limit: number): number
  pick<A>(items: ReadonlyArray<A>): A
}

/** A generator that is small and good enough for tests (Weyl sequence and a hash, 32 bits). */
export const random = (seed: number): Random => {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x9e3779b9) >>> 0
    let hash = state
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
    return (hash ^ (hash >>> 16)) >>> 0
  }
  const below = (limit: number) => Math.floor((next() / 2 ** 32) * limit)
  return { below, pick: (items) => items[below(items.length)]! }
}

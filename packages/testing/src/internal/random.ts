/**
 * Numbers that look random and follow from a seed: xorshift (Marsaglia 2003), after the seed has been well mixed.
 */
export class Random {
  private state: number

  constructor(seed: number) {
    // The one state that xorshift never leaves is 0.
    this.state = mix(seed | 0) || 0x9e3779b9
  }

  /** 32 bits, as a signed integer. */
  bits(): number {
    let x = this.state
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    this.state = x
    return x
  }

  /** At least 0, below 1. */
  fraction(): number {
    return (this.bits() >>> 0) / 2 ** 32
  }

  /** An integer of at least 0, below `limit`. */
  below(limit: number): number {
    return Math.floor(this.fraction() * limit)
  }
}

/** Spreads the difference of two numbers over all bits, so that neighbouring seeds have nothing in common. */
export const mix = (n: number): number => {
  let x = n | 0
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad)
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97)
  return x ^ (x >>> 15)
}

/** What follows from two numbers, in this order. */
export const combine = (a: number, b: number): number => mix(Math.imul(a, 0x9e3779b1) ^ (b + 0x7f4a7c15))

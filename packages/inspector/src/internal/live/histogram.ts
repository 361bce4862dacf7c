/**
 * Durations in buckets that grow by an eighth of an octave, from a microsecond to more than a day: about 9% apart, which
 * is precise enough for a p99. Recording one takes a logarithm and an addition.
 */

const PER_OCTAVE = 8
const OCTAVES = 37
const SIZE = PER_OCTAVE * OCTAVES
/** The upper end of the first bucket, in milliseconds. */
const SMALLEST = 0.001

const bucketOf = (milliseconds: number): number => {
  if (!(milliseconds > SMALLEST)) return 0
  return Math.min(SIZE - 1, Math.ceil(Math.log2(milliseconds / SMALLEST) * PER_OCTAVE))
}

/** The middle of a bucket, on the logarithmic scale. */
const valueOf = (bucket: number): number => (bucket === 0 ? 0 : SMALLEST * 2 ** ((bucket - 0.5) / PER_OCTAVE))

/** Durations of the last one or two windows. If there are none in these, of all time. */
export class Histogram {
  private now = new Uint32Array(SIZE)
  private before = new Uint32Array(SIZE)
  private readonly ever = new Uint32Array(SIZE)
  private recent = 0
  private earlier = 0
  private total = 0

  record(milliseconds: number): void {
    const bucket = bucketOf(milliseconds)
    this.now[bucket]!++
    this.ever[bucket]!++
    this.recent++
    this.total++
  }

  /** Starts a new window. */
  turn(): void {
    const { before } = this
    this.before = this.now
    this.now = before.fill(0)
    this.earlier = this.recent
    this.recent = 0
  }

  /** Quantiles, in one pass. Shares have to ascend. */
  quantiles(shares: ReadonlyArray<number>): Array<number> {
    const fresh = this.recent + this.earlier
    const count = fresh === 0 ? this.total : fresh
    const at = fresh === 0 ? (i: number) => this.ever[i]! : (i: number) => this.now[i]! + this.before[i]!
    const found: Array<number> = []
    let sum = 0
    for (let i = 0; i < SIZE && found.length < shares.length; i++) {
      sum += at(i)
      while (found.length < shares.length && sum > 0 && sum >= shares[found.length]! * count) found.push(valueOf(i))
    }
    while (found.length < shares.length) found.push(0)
    return found
  }
}

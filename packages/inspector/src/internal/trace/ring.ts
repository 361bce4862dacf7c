/**
 * The last items of a stream of them, bounded in number and in weight.
 */
export class Ring<A> {
  private readonly items: Array<A | undefined> = []
  /** Where the oldest item is. */
  private first = 0
  private count = 0
  private weight = 0
  dropped = 0

  private readonly capacity: number
  private readonly maxWeight: number
  private readonly weigh: (item: A) => number

  constructor(capacity: number, maxWeight: number, weigh: (item: A) => number) {
    this.capacity = capacity
    this.maxWeight = maxWeight
    this.weigh = weigh
  }

  push(item: A): void {
    if (this.count === this.capacity) this.drop()
    this.items[(this.first + this.count++) % this.capacity] = item
    this.weight += this.weigh(item)
    while (this.weight > this.maxWeight) this.drop()
  }

  private drop(): void {
    this.weight -= this.weigh(this.items[this.first]!)
    this.items[this.first] = undefined
    this.first = (this.first + 1) % this.capacity
    this.count--
    this.dropped++
  }

  /** Oldest first. */
  toArray(): Array<A> {
    return Array.from({ length: this.count }, (_, i) => this.items[(this.first + i) % this.capacity]!)
  }

  clear(): void {
    this.items.length = 0
    this.first = this.count = this.weight = this.dropped = 0
  }
}

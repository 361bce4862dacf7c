/**
 * A list that any of its items can leave in constant time: an item is its own node, and in one list at most.
 */
export interface Linked<Item> {
  previous: Item | undefined
  next: Item | undefined
}

export class List<Item extends Linked<Item>> {
  head: Item | undefined = undefined
  tail: Item | undefined = undefined
  length = 0

  /** Puts an item before `next`, or at the end. */
  insert(item: Item, next: Item | undefined): void {
    const previous = next === undefined ? this.tail : next.previous
    item.next = next
    item.previous = previous
    if (next === undefined) this.tail = item
    else next.previous = item
    if (previous === undefined) this.head = item
    else previous.next = item
    this.length++
  }

  remove(item: Item): void {
    const { next, previous } = item
    if (previous === undefined) this.head = next
    else previous.next = next
    if (next === undefined) this.tail = previous
    else next.previous = previous
    item.previous = item.next = undefined
    this.length--
  }

  /** The items that are in it now, for code that changes the list on the way. */
  toArray(): Array<Item> {
    const items: Array<Item> = []
    for (let item = this.head; item !== undefined; item = item.next) items.push(item)
    return items
  }
}

/** The place of something in an {@link IdleList}, which keeps it: coming and going allocates nothing. */
export class Idle<A> implements Linked<Idle<A>> {
  /** Since when, in milliseconds. */
  since = 0
  listed = false
  previous: Idle<A> | undefined = undefined
  next: Idle<A> | undefined = undefined

  declare readonly of: A

  constructor(of: A) {
    this.of = of
  }
}

/**
 * What is idle, in the order in which it became so. Joining, leaving and finding the first take the same time however
 * many there are. A Map would not do: to find its first it passes all that it has lost since it last grew.
 */
export class IdleList<A> extends List<Idle<A>> {
  /** Puts something at the end, unless it is there already. */
  add(idle: Idle<A>, since: number): void {
    if (idle.listed) return
    idle.since = since
    idle.listed = true
    this.insert(idle, undefined)
  }

  drop(idle: Idle<A> | undefined): void {
    if (idle === undefined || !idle.listed) return
    idle.listed = false
    this.remove(idle)
  }
}

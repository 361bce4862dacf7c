/**
 * What moves between nodes: shards with their residents, and nodes that come and go. It is the difference between two
 * answers, so it is known of the time in which a page looks.
 */
import type { Move, NodeView } from "../live/frame.ts"

/** How many are kept. */
const MOST = 100
/** After such a pause, in milliseconds, it is not known when something moved. */
const PAUSE = 10_000
const MOST_NAMED = 3

type Held = NonNullable<NonNullable<NodeView["summary"]>["held"]>[number]
type Owned = Held & { readonly node: string }

export class Moves {
  private owners = new Map<string, Owned>()
  private nodes: ReadonlySet<string> | undefined
  private last = 0
  private seq = 0
  private told: Array<Move> = []

  /** Compares an answer with the one before it. Succeeds with all that is known, the newest first. */
  take(views: ReadonlyArray<NodeView>, at: number): ReadonlyArray<Move> {
    if (at - this.last > PAUSE) this.forget()
    this.last = at
    const tell = (text: string) => this.told.unshift({ seq: ++this.seq, at, text })
    const names = new Set(views.flatMap((view) => view.summary?.node ?? view.node ?? []))
    const before = this.nodes
    if (before !== undefined) {
      for (const name of names) if (!before.has(name)) tell(`${name} joined`)
      for (const name of before) if (!names.has(name)) tell(`${name} left`)
    }
    this.nodes = names
    for (const moved of this.moved(views)) tell(textOf(moved))
    this.told.length = Math.min(this.told.length, MOST)
    return [...this.told]
  }

  private forget(): void {
    this.owners = new Map()
    this.nodes = undefined
  }

  /** Shards that have another node, those of the same two nodes together. On its way, a shard is nobody's. */
  private moved(views: ReadonlyArray<NodeView>): ReadonlyArray<ReadonlyArray<readonly [Owned, string]>> {
    const groups = new Map<string, Array<readonly [Owned, string]>>()
    for (const { summary } of views) {
      const node = summary?.node
      if (node === undefined) continue
      for (const held of summary?.held ?? []) {
        const before = this.owners.get(held.shard)
        if (before !== undefined && before.node !== node) {
          const group = groups.get(`${before.node} ${node}`) ?? []
          groups.set(`${before.node} ${node}`, group)
          group.push([before, node])
        }
        this.owners.set(held.shard, { ...held, node })
      }
    }
    return [...groups.values()]
  }
}

const textOf = (group: ReadonlyArray<readonly [Owned, string]>): string => {
  const [[first, to]] = group as [readonly [Owned, string]]
  const what = group.length === 1 ? `shard ${first.shard}` : `${group.length} shards`
  return `${what} moved from ${first.node} to ${to}${residentsOf(group.map(([owned]) => owned))}`
}

const residentsOf = (shards: ReadonlyArray<Held>): string => {
  const count = shards.reduce((sum, { residents }) => sum + residents, 0)
  if (count === 0) return ""
  const named = shards.flatMap(({ some }) => some).slice(0, MOST_NAMED)
  const more = count - named.length
  return `, with ${named.join(", ")}${more > 0 ? ` and ${more} more` : ""}`
}

/** The lines of the list of actors: filtered, searched and sorted. No DOM in here. */
import type { By, Figures, Group, Item, Model } from "./model.ts"
import { nameOf, placeOf, stateText } from "./row.ts"

export type Filter = "all" | "busy" | "waiting" | "failing" | "dead"
export type Order = "busiest" | "name" | "waiting" | "errors" | "newest"

export interface ListOptions {
  readonly by: By
  readonly search: string
  readonly filter: Filter
  readonly order: Order
  readonly open: ReadonlySet<string>
}

export type Line =
  | {
      readonly kind: "group"
      readonly id: string
      readonly group: Group
      readonly open: boolean
      readonly shown: number
    }
  | { readonly kind: "solo"; readonly id: string; readonly group: Group; readonly item: Item }
  | { readonly kind: "item"; readonly id: string; readonly group: Group; readonly item: Item }

const passes: Record<Filter, (item: Item) => boolean> = {
  all: () => true,
  busy: ({ rate, running, waiting }) => running > 0 || waiting > 0 || rate > 0,
  waiting: ({ waiting }) => waiting > 0,
  failing: ({ badRate, refusedRate, row }) =>
    badRate > 0 || refusedRate > 0 || row.state === "restarting" || row.restarts > 0,
  dead: ({ row }) => row.state === "dead" || row.state === "stopping"
}

interface Sortable extends Figures {
  readonly heat: number
}

const collator = new Intl.Collator("en", { numeric: true })

const compare: Record<Exclude<Order, "name" | "newest">, (a: Sortable, b: Sortable) => number> = {
  busiest: (a, b) => b.heat - a.heat,
  waiting: (a, b) => b.waiting - a.waiting,
  errors: (a, b) => b.bad + b.refused - (a.bad + a.refused)
}

const sortItems = (items: Array<Item>, order: Order): Array<Item> => {
  const byName = (a: Item, b: Item) => collator.compare(nameOf(a.row), nameOf(b.row))
  if (order === "name") return items.sort(byName)
  if (order === "newest") return items.sort((a, b) => b.row.since - a.row.since || b.row.id - a.row.id)
  return items.sort((a, b) => compare[order](a, b) || byName(a, b))
}

const newest = ({ items }: Group): number => items.reduce((latest, { row }) => Math.max(latest, row.since), 0)

const sortGroups = (groups: Array<Group>, order: Order): Array<Group> => {
  const byName = (a: Group, b: Group) => collator.compare(a.actor, b.actor)
  if (order === "name") return groups.sort(byName)
  if (order === "newest") return groups.sort((a, b) => newest(b) - newest(a) || byName(a, b))
  return groups.sort((a, b) => compare[order](a, b) || byName(a, b))
}

const words = (search: string): ReadonlyArray<string> => search.toLowerCase().split(/\s+/).filter(Boolean)

/** `#12` is the instance with this number; other words may be anywhere in its names, its state and its place. */
const matches = (item: Item, search: ReadonlyArray<string>): boolean => {
  if (search.length === 0) return true
  const { actor, id, key = "", name = "" } = item.row
  const text = `${actor} ${key} ${name} ${stateText(item.row)} ${placeOf(item.row)}`.toLowerCase()
  return search.every((word) => (word.startsWith("#") && word === `#${id}`) || text.includes(word))
}

/** The lines of the list, from top to bottom. A search opens the groups that it finds something in, unless the group itself matches. */
export const linesOf = (model: Model, { by, filter, open, order, search }: ListOptions): Array<Line> => {
  const wanted = words(search)
  const lines: Array<Line> = []
  const groups = by === "place" ? model.places : model.groups
  for (const group of sortGroups([...groups.values()], order)) {
    const items = group.items.filter((item) => passes[filter](item) && matches(item, wanted))
    if (items.length === 0) continue
    const { actor, solo } = group
    if (solo !== undefined) {
      lines.push({ kind: "solo", id: `i${solo.row.id}`, group, item: solo })
      continue
    }
    const found = wanted.length > 0 && !wanted.every((word) => actor.toLowerCase().includes(word))
    const isOpen = found || open.has(actor)
    lines.push({ kind: "group", id: `g${actor}`, group, open: isOpen, shown: items.length })
    if (!isOpen) continue
    for (const item of sortItems(items, order)) lines.push({ kind: "item", id: `i${item.row.id}`, group, item })
  }
  return lines
}

/** The lines of the list of actors: filtered, searched and sorted. No DOM in here. */
import type { By, Figures, Item, Model } from "./model.ts"
import { Group } from "./model.ts"
import { nameOf, placeOf, stateText, whereOf } from "./row.ts"

export type Filter = "all" | "busy" | "waiting" | "failing" | "dead"

/** What the list can be sorted by: its columns, and a few more. */
export const orders = [
  "busiest",
  "name",
  "status",
  "running",
  "waiting",
  "rate",
  "p50",
  "p99",
  "split",
  "errors",
  "errorRate",
  "refused",
  "restarts",
  "place",
  "newest"
] as const
export type Order = (typeof orders)[number]

export interface ListOptions {
  readonly by: By
  readonly search: string
  readonly filter: Filter
  readonly order: Order
  /** From the smallest to the largest, or from Z to A. */
  readonly reverse?: boolean
  readonly open: ReadonlySet<string>
  /** Instances that only the program knew of, and that its search has found. */
  readonly found?: ReadonlyArray<Item>
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

// --- filters and searches --------------------------------------------------------------------------------------------

const passes: Record<Filter, (item: Item) => boolean> = {
  all: () => true,
  busy: ({ rate, running, waiting }) => running > 0 || waiting > 0 || rate > 0,
  waiting: ({ waiting }) => waiting > 0,
  failing: ({ badRate, refusedRate, row }) =>
    badRate > 0 || refusedRate > 0 || row.state === "restarting" || row.restarts > 0,
  dead: ({ row }) => row.state === "dead" || row.state === "stopping"
}

const words = (search: string): ReadonlyArray<string> => search.toLowerCase().split(/\s+/).filter(Boolean)

/** `#12` is the instance with this number; other words may be anywhere in its names, its state and its place. */
const matches = (item: Item, search: ReadonlyArray<string>): boolean => {
  if (search.length === 0) return true
  const { actor, id, key = "", name = "" } = item.row
  const text = `${actor} ${key} ${name} ${stateText(item.row)} ${placeOf(item.row)}`.toLowerCase()
  return search.every((word) => (word.startsWith("#") && word === `#${id}`) || text.includes(word))
}

// --- orders ----------------------------------------------------------------------------------------------------------

const collator = new Intl.Collator("en", { numeric: true })

type Compare<A> = (a: A, b: A) => number

const textOrder =
  <A>(text: (it: A) => string): Compare<A> =>
  (a, b) =>
    collator.compare(text(a), text(b))

/** The largest first. */
const numberOrder =
  <A>(number: (it: A) => number): Compare<A> =>
  (a, b) =>
    number(b) - number(a)

interface Sortable extends Figures {
  readonly heat: number
}

/** What all lines have figures for. */
const figures: Partial<Record<Order, (it: Sortable) => number>> = {
  busiest: ({ heat }) => heat,
  running: ({ running }) => running,
  waiting: ({ waiting }) => waiting,
  rate: ({ rate }) => rate,
  errors: ({ bad }) => bad,
  errorRate: ({ badRate }) => badRate,
  refused: ({ refused }) => refused,
  restarts: ({ restarts }) => restarts
}

const itemOrders: Partial<Record<Order, Compare<Item>>> = {
  status: textOrder(({ row }) => stateText(row)),
  place: textOrder(({ row }) => placeOf(row)),
  newest: numberOrder(({ row }) => row.since)
}

/** The share of the time that calls waited. */
const waitShare = ({ ran, waited }: { readonly ran: number; readonly waited: number }): number =>
  waited + ran === 0 ? 0 : waited / (waited + ran)

const groupOrders = (model: Model): Partial<Record<Order, Compare<Group>>> => {
  const times = (of: (times: NonNullable<ReturnType<Model["timesOf"]>>) => number) =>
    numberOrder(({ actor }: Group) => {
      const known = model.timesOf(actor)
      return known === undefined ? -1 : of(known)
    })
  return {
    p50: times(({ p50 }) => p50),
    p99: times(({ p99 }) => p99),
    split: times(waitShare),
    status: numberOrder(({ items }) => items.filter(({ running }) => running > 0).length),
    place: textOrder(({ items: [one] }) => (one === undefined ? "" : placeOf(one.row))),
    newest: numberOrder(({ items }) => items.reduce((latest, { row }) => Math.max(latest, row.since), 0))
  }
}

/** By the order, then by the name. Times are known of actors, not of their instances: those stay in order of activity. */
const sorted = <A>(
  all: Array<A>,
  by: ReadonlyArray<Compare<A> | undefined>,
  byName: Compare<A>,
  reverse: boolean
): Array<A> => {
  const chosen = by.find((compare) => compare !== undefined)
  const sign = reverse ? -1 : 1
  if (chosen === undefined) return all.sort((a, b) => sign * byName(a, b))
  return all.sort((a, b) => sign * chosen(a, b) || byName(a, b))
}

const figureOrder = (order: Order): Compare<Sortable> | undefined => {
  const figure = figures[order]
  return figure && numberOrder(figure)
}

const sortItems = (items: Array<Item>, { order, reverse = false }: ListOptions): Array<Item> => {
  const byName: Compare<Item> = (a, b) => collator.compare(nameOf(a.row), nameOf(b.row)) || b.row.id - a.row.id
  if (order === "name") return sorted(items, [], byName, reverse)
  return sorted(items, [itemOrders[order], figureOrder(order), figureOrder("busiest")], byName, reverse)
}

const sortGroups = (groups: Array<Group>, model: Model, { order, reverse = false }: ListOptions): Array<Group> => {
  const byName: Compare<Group> = textOrder(({ actor }) => actor)
  if (order === "name") return sorted(groups, [], byName, reverse)
  return sorted(groups, [groupOrders(model)[order], figureOrder(order)], byName, reverse)
}

// --- lines -----------------------------------------------------------------------------------------------------------

/** What a search has found beyond what the page knows, by group. */
const strangersOf = (model: Model, { by, found = [] }: ListOptions): Map<string, Array<Item>> => {
  const strangers = new Map<string, Array<Item>>()
  for (const item of found) {
    if (model.items.has(item.row.id)) continue
    const key = by === "place" ? whereOf(item.row) : item.row.actor
    const list = strangers.get(key)
    if (list === undefined) strangers.set(key, [item])
    else list.push(item)
  }
  return strangers
}

/** The lines of the list, from top to bottom. A search opens the groups that it finds something in, unless the group itself matches. */
export const linesOf = (model: Model, options: ListOptions): Array<Line> => {
  const { by, filter, open, search } = options
  const wanted = words(search)
  const lines: Array<Line> = []
  const strangers = strangersOf(model, options)
  const known = by === "place" ? model.places : model.groups
  const others = [...strangers.keys()].filter((key) => !known.has(key)).map((key) => new Group(key, by))
  for (const group of sortGroups([...known.values(), ...others], model, options)) {
    const own = group.items.filter((item) => matches(item, wanted))
    const items = [...own, ...(strangers.get(group.actor) ?? [])].filter(passes[filter])
    if (items.length === 0) continue
    const { actor, solo } = group
    if (solo !== undefined && items.length === 1) {
      lines.push({ kind: "solo", id: `i${solo.row.id}`, group, item: solo })
      continue
    }
    const isFound = wanted.length > 0 && !wanted.every((word) => actor.toLowerCase().includes(word))
    const isOpen = isFound || open.has(actor)
    lines.push({ kind: "group", id: `g${actor}`, group, open: isOpen, shown: items.length })
    if (!isOpen) continue
    for (const item of sortItems(items, options)) lines.push({ kind: "item", id: `i${item.row.id}`, group, item })
  }
  return lines
}

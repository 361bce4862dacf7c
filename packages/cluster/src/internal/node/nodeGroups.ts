/**
 * Groups of nodes: which actors a node has. The keys of each group are split among the nodes that are in it.
 */
import * as Home from "@troupe/core/Home"
import * as Context from "effect/Context"
import { DEFAULT_GROUP } from "../wire/wire.ts"

export interface NodeGroups {
  /** All that the cluster has. */
  readonly all: ReadonlyArray<string>
  /** Those of this node. */
  readonly own: ReadonlyArray<string>
}

const ONE: NodeGroups = { all: [DEFAULT_GROUP], own: [DEFAULT_GROUP] }

export const CurrentGroups: Context.Reference<NodeGroups> = Context.Reference<NodeGroups>("troupe/cluster/NodeGroups", {
  defaultValue: () => ONE
})

/** The locks of groups are numbered by their places in a list of so many. */
const PLACES = 64
const NAME = /^[A-Za-z][\w-]{0,29}$/

/** Throws if the options of a user are wrong. Without any, there is one group. */
export const groupsOf = (groups: ReadonlyArray<string> = [], own?: ReadonlyArray<string>): NodeGroups => {
  const all = [...new Set([DEFAULT_GROUP, ...groups])]
  const odd = all.find((name) => typeof name !== "string" || !NAME.test(name))
  if (odd !== undefined) {
    throw new RangeError(
      `groups must be names of at most 30 letters, digits, _ and -, that begin with a letter, but one is ${Home.show(odd)}`
    )
  }
  const alien = own?.find((name) => !all.includes(name))
  if (alien !== undefined) {
    throw new RangeError(`ownGroups has ${Home.show(alien)}, which is not among the groups ${all.join(", ")}`)
  }
  if (own?.length === 0) throw new RangeError("ownGroups is empty: a process that hosts nothing is a layerClient")
  placesOf(all)
  return { all, own: own === undefined ? all : [...new Set(own)] }
}

/**
 * The groups at places that depend on their names only, so that nodes with different lists, as while a group is added, have
 * the same numbers for the locks of those that they have in common.
 */
export const placesOf = (all: ReadonlyArray<string>): ReadonlyArray<string> => {
  if (all.length === 1) return all
  const places = Array.from({ length: PLACES }, (_, place) => (place === 0 ? DEFAULT_GROUP : `~${place}`))
  for (const name of all) {
    if (name === DEFAULT_GROUP) continue
    const place = 1 + (hashOf(name) % (PLACES - 1))
    if (!places[place]!.startsWith("~")) {
      throw new RangeError(
        `the groups ${places[place]} and ${name} cannot be in one cluster: call one of them something else`
      )
    }
    places[place] = name
  }
  return places
}

const hashOf = (name: string): number => [...name].reduce((hash, unit) => (hash * 31 + unit.charCodeAt(0)) >>> 0, 7)

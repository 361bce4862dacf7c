/**
 * The state of an `ActorSystem`: who lives, and under which name.
 */
import * as Context from "effect/Context"
import type * as Deferred from "effect/Deferred"
import type { Cell } from "./cell.ts"

export interface Registry {
  readonly cells: Set<Cell>
  readonly names: Map<string, NameHolder>
}

/** A name is held from the moment its instance begins to be made until the instance is gone. */
export interface NameHolder {
  readonly actor: string
  readonly cell: Cell
  /** Set once the instance is up. */
  handle: object | undefined
  /** Done once it is known whether the instance came up. */
  readonly decided: Deferred.Deferred<void>
}

export const makeRegistry = () => ({ "~troupe/ActorSystem": { cells: new Set(), names: new Map() } as Registry })

export const SystemKey = Context.Reference<ReturnType<typeof makeRegistry>>("troupe/ActorSystem", {
  defaultValue: makeRegistry
})

export const registryIn = (context: Context.Context<never>): Registry =>
  Context.get(context, SystemKey)["~troupe/ActorSystem"]

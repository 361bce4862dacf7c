/**
 * The state of an `ActorSystem`: who lives, and under which name.
 */
import * as Context from "effect/Context"
import type * as Deferred from "effect/Deferred"
import type { DeadLetter } from "../ActorSystem.ts"
import type { Cell } from "./cell.ts"
import type { Obituary } from "./snapshot.ts"
import type { Hub } from "./watch.ts"

export interface Registry {
  readonly cells: Set<Cell>
  readonly names: Map<string, NameHolder>
  /** Who wants to hear of every event. Set while somebody does. */
  hub: Hub | undefined
  /** The instances that ended last. */
  readonly dead: Array<Obituary>
  /** The calls that failed last since their instance was dead. */
  readonly deadLetters: Array<DeadLetter>
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

const make = (): Registry => ({ cells: new Set(), names: new Map(), hub: undefined, dead: [], deadLetters: [] })

/** Tasks belong to the process, not to a system. Whoever looks at a system sees them, too. */
export const tasks: Registry = make()

export const makeRegistry = () => ({ "~troupe/ActorSystem": make() })

export const SystemKey = Context.Reference<ReturnType<typeof makeRegistry>>("troupe/ActorSystem", {
  defaultValue: makeRegistry
})

export const registryIn = (context: Context.Context<never>): Registry =>
  Context.get(context, SystemKey)["~troupe/ActorSystem"]

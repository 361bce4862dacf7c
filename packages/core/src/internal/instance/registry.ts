/**
 * The state of an `ActorSystem`: who lives, and under which name.
 */
import * as Context from "effect/Context"
import type * as Deferred from "effect/Deferred"
import type { DeadLetter } from "../../ActorSystem.ts"
import type { Hub } from "../system/hub.ts"
import type { Obituary } from "../system/snapshot.ts"
import type { Cell } from "./cell.ts"

/** The instances of a system that are not gone. */
interface Cells extends Iterable<Cell> {
  add(cell: Cell): unknown
  delete(cell: Cell): unknown
}

export interface Registry {
  readonly cells: Cells
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

const make = (cells: Cells = new Set()): Registry => ({
  cells,
  names: new Map(),
  hub: undefined,
  dead: [],
  deadLetters: []
})

/** Instances that no end is known of: each is there until nothing else holds it any more. */
class HeldElsewhere implements Cells {
  private readonly refs = new Map<number, WeakRef<Cell>>()
  private readonly dropped = new FinalizationRegistry<Pick<Cell, "id" | "instance">>((cell) => {
    this.refs.delete(cell.instance)
    tasks.hub?.instance({ ...cell, context: Context.empty() }, { _tag: "InstanceGone" })
  })

  add(cell: Cell): void {
    const { id, instance } = cell
    this.refs.set(instance, new WeakRef(cell))
    this.dropped.register(cell, { id, instance })
  }

  delete({ instance }: Cell): void {
    this.refs.delete(instance)
  }

  *[Symbol.iterator](): Iterator<Cell> {
    for (const ref of this.refs.values()) {
      const cell = ref.deref()
      if (cell !== undefined) yield cell
    }
  }
}

/**
 * Tasks belong to the process, not to a system. Whoever looks at a system sees them, too. A program may make one for each
 * request, and nobody says when it is done with it.
 */
export const tasks: Registry = make(typeof WeakRef === "undefined" ? new Set() : new HeldElsewhere())

export const makeRegistry = () => ({ "~troupe/ActorSystem": make() })

export const SystemKey = Context.Reference<ReturnType<typeof makeRegistry>>("troupe/ActorSystem", {
  defaultValue: makeRegistry
})

export const registryIn = (context: Context.Context<never>): Registry =>
  Context.get(context, SystemKey)["~troupe/ActorSystem"]

/**
 * The state of an `ActorSystem`: which instances live, under which names, and what is remembered of those that ended.
 */
import * as Context from "effect/Context"
import type * as Deferred from "effect/Deferred"
import type { Memory } from "./books.ts"
import type { Hub } from "./hub.ts"

/** What the registry needs to know of an instance. */
interface Member {
  /** The id of its actor. */
  readonly id: string
  readonly instance: number
}

/** The instances of a system that are not gone. */
interface Members<Cell extends Member> extends Iterable<Cell> {
  add(cell: Cell): unknown
  delete(cell: Cell): unknown
}

export interface Registry<Cell extends Member> extends Memory {
  readonly cells: Members<Cell>
  readonly names: Map<string, NameHolder<Cell>>
  /** Set while the system is watched. */
  hub: Hub | undefined
}

/** A name is held from the moment its instance begins to be made until the instance is gone. */
export interface NameHolder<Cell extends Member> {
  readonly actor: string
  readonly cell: Cell
  /** Set once the instance is up. */
  handle: object | undefined
  /** Done once it is known whether the instance came up. */
  readonly decided: Deferred.Deferred<void>
}

const make = <Cell extends Member>(cells: Members<Cell>): Registry<Cell> => ({
  cells,
  names: new Map(),
  hub: undefined,
  dead: [],
  deadLetters: []
})

/** Instances whose end is never told: each is there until nothing else holds it any more. */
class HeldElsewhere<Cell extends Member> implements Members<Cell> {
  private readonly refs = new Map<number, WeakRef<Cell>>()
  private readonly dropped = new FinalizationRegistry<Member>((cell) => {
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
 * Tasks belong to the process, not to a system, and every system shows them. A program may make one for each request,
 * and never says that it is done with it.
 */
export const tasks: Registry<any> = make(typeof WeakRef === "undefined" ? new Set() : new HeldElsewhere())

export const makeRegistry = () => ({ "~troupe/ActorSystem": make<any>(new Set()) })

export const SystemKey = Context.Reference<ReturnType<typeof makeRegistry>>("troupe/ActorSystem", {
  defaultValue: makeRegistry
})

/** The registry knows its cells by what it needs of them. All of them are cells, so the caller may name their type. */
export const registryIn = <Cell extends Member>(context: Context.Context<never>): Registry<Cell> =>
  Context.get(context, SystemKey)["~troupe/ActorSystem"]

/** What is shown where this context is: its own system, and tasks. */
export const registriesIn = <Cell extends Member>(context: Context.Context<never>): ReadonlyArray<Registry<Cell>> => [
  registryIn<Cell>(context),
  tasks
]

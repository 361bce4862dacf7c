/**
 * The state of an `ActorSystem`: which instances live, under which names, and what is remembered of those that ended.
 */
import * as Context from "effect/Context"
import type * as Deferred from "effect/Deferred"
import { shared, versioned } from "../base/copies.ts"
import { isClient } from "../call/carried.ts"
import { bury, type Ended, type Memory } from "./books.ts"
import { Busy, type Node } from "./busy.ts"
import type { Hub, Subject } from "./hub.ts"

/** What the registry needs to know of an instance. */
interface Member extends Node {
  /** The id of its actor. */
  readonly id: string
  readonly instance: number
}

/** An instance as people know it. */
interface Named extends Subject {
  readonly name: string | undefined
  readonly keyText: string | undefined
}

/** The instances of a system that are not gone, by their numbers, in the order in which they were started. */
type Cells<Cell extends Member> = Pick<Map<number, Cell>, "get" | "delete" | "size" | "values"> & {
  set(instance: number, cell: Cell): unknown
}

export interface Registry<Cell extends Member> extends Memory {
  readonly cells: Cells<Cell>
  /** Kept of those instances whose end is told. */
  readonly busy: Busy<Cell> | undefined
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

const make = <Cell extends Member>(cells: Cells<Cell>, busy: Busy<Cell> | undefined): Registry<Cell> => ({
  cells,
  busy,
  names: new Map(),
  hub: undefined,
  dead: [],
  deadLetters: []
})

/** An instance begins, in its system. */
export const enter = <Cell extends Member & Named>({ cells, hub }: Registry<Cell>, cell: Cell): void => {
  cells.set(cell.instance, cell)
  const { context, keyText: key, name } = cell
  hub?.instance(cell, { _tag: "InstanceStarted", name, key, client: isClient(context) })
}

/** An instance is gone: it leaves its system. */
export const leave = <Cell extends Member & Subject & Ended>(registry: Registry<Cell>, cell: Cell): void => {
  const { busy, cells, hub, names } = registry
  bury(registry, cell)
  hub?.instance(cell, { _tag: "InstanceGone" })
  cells.delete(cell.instance)
  busy?.delete(cell)
  const { name } = cell
  if (name !== undefined && names.get(name)?.cell === cell) names.delete(name)
}

/** Instances whose end is never told: each is there until nothing else holds it any more. */
class HeldElsewhere<Cell extends Member> implements Cells<Cell> {
  private readonly refs = new Map<number, WeakRef<Cell>>()
  private readonly dropped = new FinalizationRegistry<Pick<Cell, "id" | "instance">>((cell) => {
    this.refs.delete(cell.instance)
    tasks.hub?.instance({ ...cell, context: Context.empty() }, { _tag: "InstanceGone" })
  })

  get size(): number {
    return this.refs.size
  }

  get(instance: number): Cell | undefined {
    return this.refs.get(instance)?.deref()
  }

  set(instance: number, cell: Cell): void {
    this.refs.set(instance, new WeakRef(cell))
    this.dropped.register(cell, { id: cell.id, instance })
  }

  delete(instance: number): boolean {
    return this.refs.delete(instance)
  }

  *values(): MapIterator<Cell> {
    for (const ref of this.refs.values()) {
      const cell = ref.deref()
      if (cell !== undefined) yield cell
    }
  }
}

/**
 * Tasks belong to the process, not to a system, and every system shows them. A program may make one for each request,
 * and never says that it is done with it: what lists the busy ones would keep those whose calls never end.
 */
export const tasks: Registry<any> = /* @__PURE__ */ shared(
  "tasks",
  /* @__PURE__ */ make(
    typeof WeakRef === "undefined" ? /* @__PURE__ */ new Map() : /* @__PURE__ */ new HeldElsewhere<Member>(),
    undefined
  )
)

export const makeRegistry = () => ({ "~troupe/ActorSystem": make<any>(new Map(), new Busy()) })

/** One object for all copies: it keeps the default, the system of the process. */
export const SystemKey = /* @__PURE__ */ shared(
  "SystemKey",
  Context.Reference<ReturnType<typeof makeRegistry>>(versioned("troupe/ActorSystem"), { defaultValue: makeRegistry })
)

/** The registry knows its cells by what it needs of them. All of them are cells, so the caller may name their type. */
export const registryIn = <Cell extends Member>(context: Context.Context<never>): Registry<Cell> =>
  Context.get(context, SystemKey)["~troupe/ActorSystem"]

/** What is shown where this context is: its own system, and tasks. */
export const registriesIn = <Cell extends Member>(context: Context.Context<never>): ReadonlyArray<Registry<Cell>> => [
  registryIn<Cell>(context),
  tasks
]

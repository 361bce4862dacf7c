/**
 * Faults that strike where the explorer puts them: when a message arrives at a node, when it asks the storage, when
 * something was stored for it, and when a method has waited.
 */
import type { Process } from "./process.ts"
import type { World } from "./world.ts"

/** The faults that strike a node or the storage for a while. */
export type Kind = "kills" | "freezes" | "partitions" | "outages" | "slowdowns" | "leaves" | "skews"

/** How many faults of each kind there may be. `errors` are statements that fail. */
export type Budget = Readonly<Record<Kind | "errors", number>>

/**
 * Where a process is: a message arrives or it asks the storage for something, it is about to have something stored or just
 * had, or it has waited and wakes up.
 */
export type Place = "asks" | "stores" | "stored" | "wakes"

/** What a fault does to the node at which it strikes. `extent` is in milliseconds. */
export type Strike = (kind: Kind, process: Process, extent: number) => void

/** For how long, or by how much. What lasts does so for a part of a failover, or for several. */
const extents = (failover: number): Readonly<Record<Kind, ReadonlyArray<number>>> => {
  const short = failover / 6
  return {
    kills: [short, 1.5 * failover, 5 * failover],
    freezes: [0.7 * failover, 2 * failover],
    partitions: [short, 0.7 * failover, 2 * failover],
    outages: [short, 1.5 * failover],
    slowdowns: [20, 400],
    leaves: [0],
    skews: [-5000, 5000, 60_000]
  }
}

/** How likely a fault strikes at one of these places, one schedule after the other: soon, or after a while. */
const RATES = [0.1, 0.03, 0.01, 0.003]
/** How likely a message or a statement is late. In a third of the schedules none is. */
const DELAYS = [0, 0.01, 0.1]

/** In such a part of the schedules faults strike only where methods run: a node is idle most of the time, with little at stake. */
const AT_WORK = 0.5
/**
 * Where most faults strike in a schedule, if they favour one place: where a node at work is about to store something, or just
 * has, after which what was to follow is not done again, or where it wakes up, in the middle of what a method does to the
 * world outside. There are few such places in a program, and most mistakes are next to one.
 */
const FAVOURED: ReadonlyArray<Place | undefined> = [undefined, "stores", "stored", "wakes"]
const FAVOURED_RATES = [0.3, 0.1, 0.03]
/** How much less likely they strike elsewhere then. */
const LESS = 0.1

const draw = <A>(world: World, all: ReadonlyArray<A>): A => all[Math.floor(world.exploration.random() * all.length)]!

export class Faults {
  /** How likely a message or a statement is late. */
  readonly delays: number
  private readonly failing: number
  /** Whether faults strike only at nodes where a method runs, or just did. */
  private readonly atWork: boolean
  private readonly favoured: Place | undefined
  private active = false
  private readonly left: Record<Kind | "errors", number>
  private readonly rate: number
  private readonly favouredRate: number
  private readonly extents: ReadonlyArray<readonly [Kind, ReadonlyArray<number>]>
  private readonly world: World
  private readonly strike: Strike

  constructor(world: World, budget: Budget, failover: number, strike: Strike) {
    this.world = world
    this.strike = strike
    this.left = { ...budget }
    this.extents = Object.entries(extents(failover)) as any
    this.favoured = draw(world, FAVOURED)
    this.rate = draw(world, RATES) * (this.favoured === undefined ? 1 : LESS)
    this.favouredRate = draw(world, FAVOURED_RATES)
    this.delays = draw(world, DELAYS)
    this.failing = draw(world, RATES)
    this.atWork = world.exploration.random() < AT_WORK
  }

  begin(): void {
    this.active = true
  }

  end(): void {
    this.active = false
  }

  /** Which of `fates` a statement meets, apart from what is usual. */
  readonly fate = (process: Process, fates: number): number => {
    if (!this.active || this.left.errors === 0) return 0
    const chosen = this.world.exploration.choose(`sql_fails_${process.name}`, fates + 1, this.failing)
    if (chosen > 0) this.left.errors--
    return chosen
  }

  /** A place at which a fault may strike. */
  readonly moment = (process: Process, place: Place): void => {
    if (!this.active) return
    const { isAtWork } = process
    if (!isAtWork && (this.atWork || place === "wakes")) return
    const rate = isAtWork && place === this.favoured ? this.favouredRate : this.rate
    for (const [kind, extents] of this.extents) {
      if (this.left[kind] === 0 || process.state === "dead") continue
      const chosen = this.world.exploration.choose(`${kind}_${process.name}`, extents.length + 1, rate)
      if (chosen === 0) continue
      this.left[kind]--
      this.strike(kind, process, extents[chosen - 1]!)
    }
  }
}

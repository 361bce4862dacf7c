/**
 * Faults that strike where the explorer puts them: when a message arrives at a node, or when it asks the storage.
 */
import type { Process } from "./process.ts"
import type { World } from "./world.ts"

/** The faults that strike a node or the storage for a while. */
export type Kind = "kills" | "freezes" | "partitions" | "outages" | "slowdowns" | "leaves" | "skews"

/** How many faults of each kind there may be. `errors` are statements that fail. */
export type Budget = Readonly<Record<Kind | "errors", number>>

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

const draw = (world: World, rates: ReadonlyArray<number>): number =>
  rates[Math.floor(world.exploration.random() * rates.length)]!

export class Faults {
  /** How likely a message or a statement is late. */
  readonly delays: number
  private readonly failing: number
  /** Whether faults strike only at nodes where a method runs, or just did. */
  private readonly atWork: boolean
  private active = false
  private readonly left: Record<Kind | "errors", number>
  private readonly rate: number
  private readonly extents: ReadonlyArray<readonly [Kind, ReadonlyArray<number>]>
  private readonly world: World
  private readonly strike: Strike

  constructor(world: World, budget: Budget, failover: number, strike: Strike) {
    this.world = world
    this.strike = strike
    this.left = { ...budget }
    this.extents = Object.entries(extents(failover)) as any
    this.rate = draw(world, RATES)
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
  readonly moment = (process: Process): void => {
    if (!this.active || (this.atWork && !process.isAtWork)) return
    for (const [kind, extents] of this.extents) {
      if (this.left[kind] === 0 || process.state === "dead") continue
      const chosen = this.world.exploration.choose(`${kind}_${process.name}`, extents.length + 1, this.rate)
      if (chosen === 0) continue
      this.left[kind]--
      this.strike(kind, process, extents[chosen - 1]!)
    }
  }
}

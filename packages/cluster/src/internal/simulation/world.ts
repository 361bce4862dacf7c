/**
 * The world of a simulated cluster: its processes, whose turns come one after the other, and the moments that they wait
 * for. All of it is one task of the explorer, which so decides about time and about what the program does meanwhile.
 */
import type { Exploration } from "@troupe/testing/Exploration"

/** Who has turns. */
interface Process {
  turn(): void
}

/** Something that is to be done at a moment. */
export interface Timer {
  readonly at: number
  /** Those of one moment have their turns in the order in which they were set. */
  readonly number: number
  task: (() => void) | undefined
}

/** Something that has happened in a simulated cluster. */
export interface Event {
  /** When, in milliseconds since the cluster was made. */
  readonly at: number
  /** To whom: `node 1`, `client`, `network`, `storage`. */
  readonly who: string
  readonly what: string
}

const isBefore = (a: Timer, b: Timer): boolean => a.at < b.at || (a.at === b.at && a.number < b.number)

export class World {
  readonly exploration: Exploration
  readonly events: Array<Event> = []
  private readonly began: number
  private ready: Array<Process> = []
  /** A heap: each timer is before the two that it stands over. */
  private readonly timers: Array<Timer> = []
  private count = 0
  private scheduled = false
  /** When the explorer calls next, and what takes that back. */
  private armed = Infinity
  private disarm: () => void = () => {}
  private over = false

  constructor(exploration: Exploration) {
    this.exploration = exploration
    this.began = exploration.now()
  }

  /** Milliseconds since the cluster was made. */
  get now(): number {
    return this.exploration.now() - this.began
  }

  /** Says what happens, in the history and in the report of a failure, which has more to say. */
  note(who: string, what: string, more = ""): void {
    if (this.over) return
    this.events.push({ at: this.now, who, what })
    this.exploration.note(who, what + more)
  }

  /** Says it in the report alone, for which a schedule is run once more. */
  narrate(who: string, what: string): void {
    if (!this.over) this.exploration.note(who, what)
  }

  /** Does something after so many milliseconds, unless the timer has lost its task by then. */
  after(millis: number, task: () => void): Timer {
    const timer: Timer = { at: this.now + Math.max(0, millis), number: ++this.count, task }
    if (timer.at < Infinity) {
      this.push(timer)
      this.arm()
    }
    return timer
  }

  /** Gives a process a turn. */
  wake(process: Process): void {
    this.ready.push(process)
    this.schedule()
  }

  /** Nothing happens any more. */
  end(): void {
    this.over = true
    this.disarm()
    this.ready = []
    this.timers.length = 0
  }

  private schedule(): void {
    if (this.scheduled || this.over) return
    this.scheduled = true
    // With one task at a time there is nothing to choose from.
    this.disarm()
    this.armed = Infinity
    this.exploration.soon(() => {
      this.scheduled = false
      this.run()
    })
  }

  /** Calls whoever's time has come, then gives their turns to those who have something to do. */
  private run(): void {
    while (!this.over) {
      if (this.timers.length > 0 && this.timers[0]!.at <= this.now) {
        this.pop().task?.()
        continue
      }
      const process = this.ready.shift()
      if (process === undefined) break
      process.turn()
    }
    this.arm()
  }

  private arm(): void {
    while (this.timers.length > 0 && this.timers[0]!.task === undefined) this.pop()
    const next = this.timers[0]?.at ?? Infinity
    if (this.over || this.scheduled || next >= this.armed) return
    this.disarm()
    this.armed = next
    this.disarm = this.exploration.at(this.began + next, () => {
      this.armed = Infinity
      this.run()
    })
  }

  private push(timer: Timer): void {
    const { timers } = this
    let at = timers.length
    timers.push(timer)
    while (at > 0) {
      const above = (at - 1) >> 1
      if (!isBefore(timer, timers[above]!)) break
      timers[at] = timers[above]!
      at = above
    }
    timers[at] = timer
  }

  private pop(): Timer {
    const { timers } = this
    const first = timers[0]!
    const last = timers.pop()!
    if (timers.length === 0) return first
    let at = 0
    for (;;) {
      let below = 2 * at + 1
      if (below >= timers.length) break
      if (below + 1 < timers.length && isBefore(timers[below + 1]!, timers[below]!)) below++
      if (!isBefore(timers[below]!, last)) break
      timers[at] = timers[below]!
      at = below
    }
    timers[at] = last
    return first
  }
}

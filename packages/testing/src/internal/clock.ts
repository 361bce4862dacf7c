/**
 * Virtual time: it stands still while anything can run, then moves to the next moment somebody waits for. It is a
 * `TestClock`, too, so that programs may move it by themselves.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { TestClock } from "effect/testing"
import { liveClock } from "./realTime.ts"
import type { ExplorerScheduler } from "./scheduler.ts"
import type { Thread } from "./thread.ts"

interface Sleeper {
  readonly at: number
  readonly thread: Thread
  readonly wake: () => void
  /** Whether it is a task of its own, and no fiber that sleeps. */
  readonly task?: boolean
}

export class VirtualClock implements TestClock.TestClock {
  private now = 0
  /** In the order in which they went to sleep. */
  private sleepers: Array<Sleeper> = []
  /** Those who wait until nothing else can run. */
  private patient: Array<() => void> = []
  private readonly scheduler: ExplorerScheduler
  /** Told of every move, for those who print it. */
  onMove: ((from: number, to: number) => void) | undefined = undefined

  constructor(scheduler: ExplorerScheduler) {
    this.scheduler = scheduler
  }

  currentTimeMillisUnsafe(): number {
    return this.now
  }

  currentTimeNanosUnsafe(): bigint {
    return BigInt(Math.round(this.now * 1e6))
  }

  monotonicTimeNanosUnsafe(): bigint {
    return this.currentTimeNanosUnsafe()
  }

  readonly currentTimeMillis = Effect.sync(() => this.now)
  readonly currentTimeNanos = Effect.sync(() => this.currentTimeNanosUnsafe())
  readonly monotonicTimeNanos = this.currentTimeNanos

  sleep(duration: Duration.Duration): Effect.Effect<void> {
    const millis = Duration.toMillis(duration)
    if (millis <= 0) return Exit.void
    return Effect.callback((resume) => {
      const sleeper = { at: this.now + millis, thread: this.scheduler.current, wake: () => resume(Exit.void) }
      this.sleepers.push(sleeper)
      return Effect.sync(() => {
        this.sleepers = this.sleepers.filter((other) => other !== sleeper)
      })
    })
  }

  /** Runs a task at a moment. Returns what takes it back. */
  at(millis: number, thread: Thread, task: () => void): () => void {
    const sleeper = { at: Math.max(millis, this.now), thread, wake: task, task: true }
    this.sleepers.push(sleeper)
    return () => {
      this.sleepers = this.sleepers.filter((other) => other !== sleeper)
    }
  }

  /** When the next sleeper wakes. */
  private next(): number {
    return this.sleepers.reduce((first, { at }) => Math.min(first, at), Infinity)
  }

  get canAdvance(): boolean {
    return this.patient.length > 0 || this.next() < Infinity
  }

  /** Makes something runnable by letting time pass. Returns whether there was anything. */
  advance(): boolean {
    const patient = this.patient.shift()
    if (patient !== undefined) {
      patient()
      return true
    }
    const at = this.next()
    if (at === Infinity) return false
    this.moveTo(at)
    return true
  }

  /** All whose time has come become runnable together: which of them goes first is a choice like any other. */
  private moveTo(at: number): void {
    if (at > this.now) this.onMove?.(this.now, at)
    this.now = Math.max(at, this.now)
    const due = this.sleepers.filter((sleeper) => sleeper.at <= at)
    if (due.length === 0) return
    this.sleepers = this.sleepers.filter((sleeper) => sleeper.at > at)
    for (const { task, thread, wake } of due) {
      if (task === true) this.scheduler.add(thread, wake)
      else this.scheduler.wake(thread, wake)
    }
  }

  /** Succeeds when nothing else can run, before time moves on. */
  private readonly idle: Effect.Effect<void> = Effect.callback((resume) => {
    const thread = this.scheduler.current
    const wake = () => this.scheduler.wake(thread, () => resume(Exit.void))
    this.patient.push(wake)
    return Effect.sync(() => {
      this.patient = this.patient.filter((other) => other !== wake)
    })
  })

  adjust(duration: Duration.Input): Effect.Effect<void> {
    return Effect.suspend(() => this.setTime(this.now + Duration.toMillis(Duration.fromInputUnsafe(duration))))
  }

  setTime(timestamp: number): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      yield* this.idle
      for (let at = this.next(); at <= timestamp && at < Infinity; at = this.next()) {
        this.moveTo(at)
        yield* this.idle
      }
      if (timestamp < Infinity) this.moveTo(timestamp)
    })
  }

  withLive<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.provideService(effect, Clock.Clock, liveClock)
  }
}

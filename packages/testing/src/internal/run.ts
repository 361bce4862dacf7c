/**
 * One run of a program under one schedule, and what came of it.
 */
import { ActorSystem } from "@troupe/core"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as EffectRandom from "effect/Random"
import * as Scheduler from "effect/Scheduler"
import type * as Scope from "effect/Scope"
import { VirtualClock } from "./clock.ts"
import { Exploration, makeExploration } from "./exploration.ts"
import type { Plan } from "./plan.ts"
import { Random } from "./random.ts"
import { ExplorerScheduler } from "./scheduler.ts"
import { plural } from "./show.ts"
import type { Chooser } from "./thread.ts"
import { Trace } from "./trace.ts"
import { Watch } from "./watch.ts"

export type Program = Effect.Effect<unknown, unknown, Scope.Scope>

export type Kind = "Failure" | "Deadlock" | "Livelock" | "UnsettledRefs" | "LeakedFibers" | "UnobservedFailures"

/** Why a schedule is not as it should be. */
export interface Verdict {
  readonly kind: Kind
  /** One line per thing that is wrong. */
  readonly details: ReadonlyArray<string>
  readonly cause: Cause.Cause<unknown> | undefined
}

export interface RunOptions {
  readonly seed: number
  readonly maxSteps: number
  readonly ignore: ReadonlySet<Kind>
  readonly trace: boolean
}

const silent: Console.Console = new Proxy({} as Console.Console, { get: () => () => {} })

/** How many tasks a run that has failed may take to clean up. */
const CLEANUP = 10_000

export class Run {
  readonly scheduler: ExplorerScheduler
  readonly trace: Trace | undefined
  private readonly clock: VirtualClock
  private readonly watch: Watch
  private readonly options: RunOptions
  private readonly context: Context.Context<never>
  private main: Fiber.Fiber<unknown, unknown> | undefined = undefined
  private thrown: { readonly error: unknown } | undefined = undefined

  constructor(chooser: Chooser, options: RunOptions) {
    this.options = options
    this.scheduler = new ExplorerScheduler(chooser, options.maxSteps)
    this.clock = new VirtualClock(this.scheduler)
    this.watch = new Watch(this.scheduler)
    this.trace = options.trace ? new Trace(this.scheduler) : undefined
    if (this.trace !== undefined) {
      this.scheduler.witness = this.watch.witness = this.trace
      this.clock.onMove = (from, to) => this.trace!.moved(from, to)
    }
    this.context = this.makeContext()
  }

  private makeContext(): Context.Context<never> {
    const random = new Random(this.options.seed)
    const exploration = makeExploration(this.scheduler, this.clock, random, this.trace)
    const services: Context.Context<never> = Context.empty().pipe(
      Context.add(Scheduler.Scheduler, this.scheduler),
      Context.add(Clock.Clock, this.clock),
      Context.add(ActorSystem.ActorSystem, this.watch.system),
      Context.add(Exploration, exploration),
      Context.add(EffectRandom.Random, {
        nextIntUnsafe: () => Math.floor((random.fraction() - 0.5) * 2 * Number.MAX_SAFE_INTEGER),
        nextDoubleUnsafe: () => random.fraction()
      })
    )
    // A thousand schedules would log and print the same a thousand times. The one that is looked at does log.
    if (this.trace !== undefined) return services
    return Context.add(Context.add(services, Logger.CurrentLoggers, new Set()), Console.Console, silent)
  }

  get plan(): Plan {
    return this.scheduler.plan
  }

  get exit(): Exit.Exit<unknown, unknown> | undefined {
    return this.main?.pollUnsafe()
  }

  /** Begins to run the program. */
  start(program: Program): void {
    const { scheduler } = this
    scheduler.next = scheduler.make(scheduler.root)
    scheduler.next.label = "main"
    this.guarded(() => {
      this.main = Effect.runForkWith(this.context)(Effect.scoped(program))
    })
  }

  /**
   * Runs what can run, and lets time pass, until the program has ended or only the world outside could go on. With
   * `promises`, time does not pass by itself: first the promises of the program get their turn.
   */
  pump(promises: boolean): "ended" | "stuck" {
    const { clock, scheduler } = this
    this.guarded(() => {
      do {
        scheduler.run()
      } while (!this.over && !promises && clock.advance())
    })
    return this.over ? "ended" : "stuck"
  }

  /** Lets time pass once. Returns whether that could make a difference. */
  advance(): boolean {
    return this.clock.advance()
  }

  get timeCanPass(): boolean {
    return this.clock.canAdvance
  }

  get runnable(): boolean {
    return this.scheduler.tasks.length > 0
  }

  private get over(): boolean {
    return this.thrown !== undefined || this.scheduler.exhausted || this.exit !== undefined
  }

  private guarded(run: () => void): void {
    try {
      if (this.trace === undefined) run()
      else this.trace.during(run)
    } catch (error) {
      this.thrown = { error }
    }
  }

  /** What came of it. Call once, when the program has ended or is stuck for good. */
  verdict(): Verdict | undefined {
    // Whatever can still run does, but time stands still: who waits for a moment after the end has been left behind.
    if (this.exit !== undefined) this.guarded(() => this.scheduler.run())
    const verdict = this.judge()
    this.abandon()
    return verdict
  }

  private judge(): Verdict | undefined {
    const { exit, scheduler } = this
    if (this.thrown !== undefined) return { kind: "Failure", details: [], cause: Cause.die(this.thrown.error) }
    if (scheduler.exhausted)
      return verdict("Livelock", [`no end after ${plural(this.options.maxSteps, "step")}`, ...this.waiting()])
    if (exit === undefined) return verdict("Deadlock", this.waiting())
    if (exit._tag === "Failure") return { kind: "Failure", details: [], cause: exit.cause }
    return this.leftovers()
  }

  /** What a program that ended well has left undone. */
  private leftovers(): Verdict | undefined {
    const { ignore } = this.options
    const unsettled = ignore.has("UnsettledRefs") ? [] : this.watch.unsettled()
    if (unsettled.length > 0) return verdict("UnsettledRefs", unsettled)
    const leaked = ignore.has("LeakedFibers") ? [] : this.alive()
    if (leaked.length > 0) return verdict("LeakedFibers", leaked)
    const unobserved = ignore.has("UnobservedFailures") ? [] : this.watch.unobserved()
    if (unobserved.length === 0) return undefined
    const details = unobserved.map(({ label }) => `${label} failed, and its ref was not awaited`)
    return { kind: "UnobservedFailures", details, cause: unobserved[0]!.cause }
  }

  /** Who has not ended, and where they were last. */
  private alive(): Array<string> {
    return [...this.scheduler.fibers].flatMap(([fiber, thread]) => {
      if (fiber.pollUnsafe() !== undefined) return []
      const place = this.trace?.at.get(thread)
      const where = place === undefined ? "" : ` at ${place.file.replace(/^.*[\\/]/, "")}:${place.line}`
      return [`${thread.name} waits${where}`]
    })
  }

  private waiting(): Array<string> {
    return [...this.alive(), ...this.watch.unsettled()]
  }

  /** Ends what is left, so that timers and promises of this run do not reach into the next. */
  private abandon(): void {
    const { fibers, tasks } = this.scheduler
    if (this.exit !== undefined && tasks.length === 0 && [...fibers.keys()].every((fiber) => fiber.pollUnsafe())) return
    this.scheduler.release(CLEANUP)
    this.watch.close()
    this.guarded(() => {
      for (const fiber of fibers.keys()) fiber.interruptUnsafe()
      this.scheduler.run()
    })
  }
}

const verdict = (kind: Kind, details: ReadonlyArray<string>): Verdict => ({ kind, details, cause: undefined })

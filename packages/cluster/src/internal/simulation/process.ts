/**
 * A process of a simulated cluster: its own event loop, clock and random numbers. It can be stopped where it is, for a
 * while or for good, as a signal does it to a real one.
 */
import * as ActorSystem from "@troupe/core/ActorSystem"
import { show } from "@troupe/core/Home"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as EffectRandom from "effect/Random"
import * as References from "effect/References"
import * as Scheduler from "effect/Scheduler"
import * as globals from "./globals.ts"
import { textOf } from "./text.ts"
import type { World } from "./world.ts"

/** What Effect's own scheduler takes. */
const MAX_OPERATIONS = 2048
/** How many tasks a process runs before others have their turn. */
const MAX_TASKS = 10_000
/** How long a result may be on its way, in milliseconds. */
const MOMENT = 50
/** When the world begins: any date will do that is later than those that the engine counts from. */
export const BEGINNING = Date.UTC(2030, 0, 1)

export class Process implements Scheduler.Scheduler, Scheduler.SchedulerDispatcher {
  readonly executionMode = "async" as const
  readonly name: string
  readonly world: World
  readonly context: Context.Context<never>
  state: "running" | "frozen" | "dead" = "running"
  /** How many methods of its actors run. */
  private running = 0
  private ranLast = -Infinity
  /** How far its clock is ahead, in milliseconds. */
  skew = 0
  /** What the process leaves to others when it dies: told once. */
  onDeath: Array<() => void> = []
  /** Told when something in it has waited: a fault may strike there. */
  wakes: () => void = () => {}
  private tasks: Array<() => void> = []
  private microtasks: Array<() => void> = []
  private waiting = false

  constructor(world: World, name: string) {
    this.world = world
    this.name = name
    const random = { nextDoubleUnsafe: this.random, nextIntUnsafe: () => Math.floor((this.random() - 0.5) * 2 ** 53) }
    this.context = Context.empty().pipe(
      Context.add(Scheduler.Scheduler, this),
      Context.add(Clock.Clock, this.clock),
      Context.add(EffectRandom.Random, random),
      // Nobody looks at spans, of which there are several for each statement.
      Context.add(References.TracerEnabled, false),
      Context.add(ActorSystem.ActorSystem, Effect.runSync(ActorSystem.make)),
      Context.add(Logger.CurrentLoggers, new Set([this.logger]))
    )
  }

  /** What a process logs is told in the report, where it happened. Errors are part of the history. */
  private readonly logger = Logger.make<unknown, void>(({ cause, logLevel, message }) => {
    const isError = logLevel === "Error" || logLevel === "Fatal"
    if (!isError && !this.world.exploration.traced) return
    const words = [message].flat().map((word) => (typeof word === "string" ? word : show(word)))
    const why = cause.reasons.length > 0 ? [textOf(cause)] : []
    const text = `logs ${logLevel.toUpperCase()} ${[...words, ...why].join(" ").replaceAll(/\s+/g, " ")}`
    if (isError) this.world.note(this.name, text)
    else this.world.narrate(this.name, text)
  })

  /** Whether methods of its actors run, or did a moment ago: their results are on their way then. */
  get isAtWork(): boolean {
    return this.running > 0 || this.world.now - this.ranLast < MOMENT
  }

  /** Tells how many methods of its actors run from now on. */
  runs(methods: number): void {
    this.running = methods
    this.ranLast = this.world.now
  }

  readonly random = (): number => this.world.exploration.random()

  /** What its clock shows, in milliseconds since 1970. */
  readonly date = (): number => BEGINNING + this.world.now + this.skew

  // --- its event loop ------------------------------------------------------------------------------------------------

  shouldYield(fiber: Fiber.Fiber<unknown, unknown>): boolean {
    return this.state !== "running" || fiber.currentOpCount >= MAX_OPERATIONS
  }

  makeDispatcher(): Scheduler.SchedulerDispatcher {
    return this
  }

  flush(): void {}

  /** Adds a task to its event loop. A frozen process does it when it goes on, a dead one never. */
  scheduleTask(task: () => void): void {
    if (this.state === "dead") return
    this.tasks.push(task)
    this.wake()
  }

  /** A microtask of the task that runs now. */
  readonly microtask = (task: () => void): void => {
    this.microtasks.push(task)
  }

  /** Adds a task after so many milliseconds. Returns what takes it back. */
  readonly after = (millis: number, task: () => void): (() => void) => {
    const timer = this.world.after(millis, () => this.scheduleTask(task))
    return () => {
      timer.task = undefined
    }
  }

  private wake(): void {
    if (this.waiting || this.state !== "running" || this.tasks.length === 0) return
    this.waiting = true
    this.world.wake(this)
  }

  /** Runs its tasks, until it has none or is stopped. */
  turn(): void {
    globals.within(this, () => {
      for (let count = 0; count < MAX_TASKS && this.state === "running" && this.tasks.length > 0; ) {
        const tasks = this.tasks
        this.tasks = []
        let done = 0
        while (done < tasks.length && this.state === "running") {
          tasks[done++]!()
          this.runMicrotasks()
        }
        count += done
        if (done < tasks.length) this.tasks = [...tasks.slice(done), ...this.tasks]
      }
    })
    this.waiting = false
    this.wake()
  }

  private runMicrotasks(): void {
    while (this.microtasks.length > 0 && this.state !== "dead") this.microtasks.shift()!()
  }

  // --- its end -------------------------------------------------------------------------------------------------------

  freeze(): void {
    if (this.state === "running") this.state = "frozen"
  }

  thaw(): void {
    if (this.state !== "frozen") return
    this.state = "running"
    this.wake()
  }

  /** Ends it where it is: nothing is closed, and nobody in it hears of it. */
  die(): void {
    if (this.state === "dead") return
    this.state = "dead"
    this.tasks = []
    this.microtasks = []
    for (const tell of this.onDeath.splice(0)) tell()
  }

  // --- its clock -----------------------------------------------------------------------------------------------------

  private readonly clock: Clock.Clock = {
    currentTimeMillisUnsafe: () => this.date(),
    currentTimeNanosUnsafe: () => nanos(this.date()),
    monotonicTimeNanosUnsafe: () => nanos(this.world.now),
    currentTimeMillis: Effect.sync(() => this.date()),
    currentTimeNanos: Effect.sync(() => nanos(this.date())),
    monotonicTimeNanos: Effect.sync(() => nanos(this.world.now)),
    sleep: (duration) => this.sleep(Duration.toMillis(duration), () => this.wakes())
  }

  readonly sleep = (millis: number, wakes: () => void = () => {}): Effect.Effect<void> =>
    millis <= 0
      ? Exit.void
      : Effect.callback((resume) => {
          const timer = this.world.after(millis, () => {
            wakes()
            this.scheduleTask(() => resume(Exit.void))
          })
          return Effect.sync(() => {
            timer.task = undefined
          })
        })
}

const nanos = (millis: number): bigint => BigInt(Math.round(millis * 1e6))

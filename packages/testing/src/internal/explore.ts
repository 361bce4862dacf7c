/**
 * Runs a program under one schedule after the other, and makes a report of the first one that fails.
 */
import type { Report } from "../Explore.ts"
import { type Fails, minimise } from "./minimise.ts"
import { missed, type Plan, print } from "./plan.ts"
import { cut, interleaving, WIDTH } from "./print.ts"
import { combine, Random } from "./random.ts"
import { now, pause, turnOfEventLoop } from "./realTime.ts"
import { type Kind, type Program, Run, type Verdict } from "./run.ts"
import { plural, pretty } from "./show.ts"
import { exhaustive, follow, type Strategy, sampling, sparse } from "./strategy.ts"
import type { Chooser } from "./thread.ts"
import { inTurns, joinTurns, type Turns, type Went } from "./turns.ts"

export interface Settings {
  readonly schedules: number
  readonly seed: number
  readonly strategy: "mixed" | "random" | "pct" | "exhaustive"
  readonly depth: number
  readonly preemptions: number
  readonly maxSteps: number
  /** Milliseconds. */
  readonly timeout: number
  readonly ignore: ReadonlySet<Kind>
}

export interface Failed {
  readonly verdict: Verdict
  readonly schedule: string
  readonly preemptions: number
  readonly schedules: number
  readonly message: string
}

/** How many schedules, and how long, may be spent on making a failing one shorter. */
const MINIMISE_RUNS = 5000
const MINIMISE_MILLIS = 4000
/** A program that takes long gets more time, for so many runs: less than a test waits for. */
const SLOW_RUNS = 200
const SLOW_MILLIS = 12_000
/** How many simple schedules are tried for one that fails with fewer choices. */
const SIMPLER_RUNS = 2000
/** How long schedules may run before the event loop gets its turn. */
const SLICE_MILLIS = 20

/** What an AbortSignal tells us. */
export interface Signal {
  readonly aborted: boolean
}

interface Done {
  readonly run: Run
  readonly verdict: Verdict | undefined
}

/** A failure that is being made shorter. */
interface Shortening {
  readonly seed: number
  readonly kind: Kind
  readonly mayGoOn: () => boolean
}

/** A plan that fails, and whether all ways to make it shorter were tried. */
interface Shortened {
  readonly plan: Plan
  readonly all: boolean
}

interface How {
  /** Whether promises get their turn before time passes. */
  readonly patient?: boolean
  readonly trace?: boolean
  readonly turns?: boolean
}

export class Explorer {
  private readonly program: Program
  private readonly settings: Settings
  private readonly signal: Signal
  /** Whether promises or timers of the world outside have been seen to move the program. */
  private outside = false
  private lastTurn = now()

  constructor(program: Program, settings: Settings, signal: Signal) {
    this.program = program
    this.settings = settings
    this.signal = signal
  }

  async check(): Promise<Report | Failed> {
    const { schedules, seed, timeout } = this.settings
    const strategy = this.makeStrategy()
    const started = now()
    let count = 0
    let steps = 0
    const report = (): Report => {
      const millis = now() - started
      const perSecond = Math.round((count * 1000) / Math.max(millis, 1))
      const { complete } = strategy
      return {
        schedules: count,
        complete,
        covered: this.covered(count, complete),
        steps,
        seed,
        millis: Math.round(millis),
        perSecond
      }
    }
    while (count < schedules && !this.signal.aborted && now() - started < timeout) {
      const chooser = strategy.next()
      if (chooser === undefined) break
      const randomSeed = combine(seed, count++)
      // The first schedule tells whether promises move the program: it waits for them before time passes.
      const { run, verdict } = await this.execute(chooser, randomSeed, { patient: count === 1 })
      steps += run.scheduler.steps
      strategy.ran(run.scheduler.steps)
      if (verdict !== undefined && !(await this.wasImpatient(run.plan, randomSeed))) {
        return this.explain(run.plan, randomSeed, verdict, count)
      }
    }
    // A strategy that has nothing left says so only when it is asked.
    if (count === schedules && this.settings.strategy === "exhaustive") strategy.next()
    return report()
  }

  /** What a search that found nothing says of what it did not look at. */
  private covered(count: number, complete: boolean): string {
    const { preemptions, schedules, seed, strategy, timeout } = this.settings
    const bound = `with at most ${plural(preemptions, "preemption")}`
    if (complete) return `every schedule ${bound}: ${count} in all. There may be failures that take more`
    const ran =
      count === schedules
        ? plural(count, "schedule")
        : `${count} of ${schedules} schedules within its timeout of ${timeout / 1000} s`
    if (strategy === "exhaustive") return `${ran} ${bound}, and not all of these`
    return `${ran} by strategy ${strategy}, of seed ${seed}; others may fail`
  }

  private makeStrategy(): Strategy {
    const { depth, preemptions, seed, strategy } = this.settings
    return strategy === "exhaustive" ? exhaustive(preemptions) : sampling(strategy, seed, depth)
  }

  /** Whether a schedule failed only since time passed while promises were on their way. */
  private async wasImpatient(plan: Plan, seed: number): Promise<boolean> {
    if (this.outside) return false
    const { verdict } = await this.execute(follow(plan), seed, { patient: true })
    return verdict === undefined && this.outside
  }

  /** Runs the program under one schedule, to its end or until nothing can go on. */
  private async execute(
    chooser: Chooser,
    seed: number,
    { patient = false, trace = false, turns = false }: How = {}
  ): Promise<Done> {
    const { ignore, maxSteps } = this.settings
    const run = new Run(chooser, { seed, maxSteps, ignore, trace })
    if (turns) run.scheduler.turns = []
    run.start(this.program)
    while (run.pump(patient || this.outside) === "stuck") {
      if (await this.movedFromOutside(run)) this.outside = true
      else if (!run.advance()) break
    }
    const verdict = run.verdict()
    if (now() - this.lastTurn > SLICE_MILLIS) {
      await turnOfEventLoop()
      this.lastTurn = now()
    }
    return { run, verdict }
  }

  /** Gives promises of the program their turn. Returns whether it went on because of them. */
  private async movedFromOutside(run: Run): Promise<boolean> {
    const { steps } = run.scheduler
    const moved = () => run.runnable || run.scheduler.steps > steps
    const turns = run.timeCanPass ? 1 : 3
    for (let i = 0; i < turns && !moved(); i++) await turnOfEventLoop()
    if (!moved() && !run.timeCanPass && !this.minimising) await pause(1)
    return moved()
  }

  private minimising = false

  // --- a failure -----------------------------------------------------------------------------------------------------

  private async explain(found: Plan, seed: number, verdict: Verdict, schedules: number): Promise<Failed> {
    const shortened = await this.shorten(found, seed, verdict)
    const plan = shortened?.plan ?? found
    const { run, verdict: again } = await this.execute(follow(plan), seed, { trace: true })
    const schedule = print(seed, plan)
    const { preemptions } = run.scheduler
    const message = [
      ...headline(again ?? verdict),
      "",
      ...(shortened === undefined
        ? [
            "The same schedule did not fail again: the program depends on something that the explorer does not",
            "control, such as Date.now, Math.random, state outside of the program, or the world outside."
          ]
        : [this.foundLine(schedules, found, shortened), "", ...interleaving(run.trace!.events)]),
      "",
      `schedule "${schedule}"`
    ].join("\n")
    return { verdict: again ?? verdict, schedule, preemptions, schedules, message }
  }

  private foundLine(schedules: number, found: Plan, { all, plan }: Shortened): string {
    const { seed, strategy } = this.settings
    const how =
      plan.length === 0
        ? "It takes no race: the plain schedule fails."
        : `Shortened from ${plural(found.length, "choice")} to ${plan.length}${all ? "" : ", until the time for it was over"}.`
    return `Schedule ${schedules} (${strategy}, seed ${seed}). ${how}`
  }

  /** The shortest plan found that fails in the same way, or nothing if not even the same plan does. */
  private async shorten(found: Plan, seed: number, { kind }: Verdict): Promise<Shortened | undefined> {
    const began = now()
    const first = this.minimised
    const mayGoOn = () => {
      const runs = this.minimised - first
      const millis = runs < SLOW_RUNS ? SLOW_MILLIS : MINIMISE_MILLIS
      return runs < MINIMISE_RUNS && now() - began < millis && !this.signal.aborted
    }
    const how: Shortening = { seed, kind, mayGoOn }
    this.minimising = true
    try {
      const again = await this.fails(follow(found), how)
      if (again === undefined) return undefined
      const plan = await this.simpler(await this.shorter(again.plan, how), how)
      return { plan, all: mayGoOn() }
    } finally {
      this.minimising = false
    }
  }

  private minimised = 0

  /** How a schedule went, if it fails in the way that is looked for. */
  private async fails(chooser: Chooser, { kind, seed }: Shortening): Promise<Went | undefined> {
    this.minimised++
    const { run, verdict } = await this.execute(chooser, seed, { turns: true })
    return verdict?.kind === kind ? { plan: run.plan, turns: run.scheduler.turns! } : undefined
  }

  /** Leaves out choices and joins turns, by turns, until neither makes the plan shorter. */
  private async shorter(plan: Plan, how: Shortening): Promise<Plan> {
    const fails: Fails = async (plan) => (await this.fails(follow(plan), how))?.plan
    const failsInTurns = async (turns: Turns) => {
      const went = await this.fails(inTurns(turns, best), how)
      // What counts is whether it fails as it will be replayed.
      return went && this.fails(follow(went.plan), how)
    }
    let best = await minimise(plan, fails, how.mayGoOn)
    while (best.length > 1 && how.mayGoOn()) {
      const went = await this.fails(follow(best), how)
      if (went === undefined) break
      const joined = await joinTurns(went, failsInTurns, how.mayGoOn)
      const next = await minimise(joined.plan, fails, how.mayGoOn)
      if (next.length >= best.length) break
      best = next
    }
    return best
  }

  /**
   * What is left when no step of a plan can be left out need not be the simplest way to fail. So look among schedules that
   * are simple from the start, for a while: those with few preemptions, all of them and then at random.
   */
  private async simpler(plan: Plan, how: Shortening): Promise<Plan> {
    let best = plan
    const few = exhaustive(Math.min(2, plan.length - 1))
    const random = new Random(how.seed)
    for (let i = 0; i < SIMPLER_RUNS && best.length > 1 && how.mayGoOn(); i++) {
      const chooser = i % 2 === 0 ? few.next() : sparse(random)
      if (chooser === undefined) continue
      const went = await this.fails(chooser, how)
      if (went === undefined || went.plan.length > 2 * best.length) continue
      const shorter = await this.shorter(went.plan, how)
      if (shorter.length < best.length) best = shorter
    }
    return best
  }

  /** Runs one schedule, with everything that a report needs. */
  async replay(plan: Plan, seed: number): Promise<Failed | Report> {
    const started = now()
    const { run, verdict } = await this.execute(follow(plan), seed, { trace: true })
    const { preemptions, steps } = run.scheduler
    const millis = now() - started
    if (verdict === undefined) {
      return {
        schedules: 1,
        complete: false,
        covered: `the one schedule that was replayed${missed(plan, run.scheduler.plan)}`,
        steps,
        seed,
        millis: Math.round(millis),
        perSecond: Math.round(1000 / millis)
      }
    }
    const schedule = print(seed, plan)
    const lines = [...headline(verdict), "", ...interleaving(run.trace!.events), "", `schedule "${schedule}"`]
    return { verdict, schedule, preemptions, schedules: 1, message: lines.join("\n") }
  }
}

const titles: Record<Kind, string> = {
  Failure: "The program failed",
  Deadlock: "Deadlock: nothing can run, and no timer is pending",
  Livelock: "Livelock: the program did not end within maxSteps operations",
  UnsettledRefs: "Refs that had not settled when the program ended",
  LeakedFibers: "Fibers that were still running when the program ended",
  UnobservedFailures: "Failed calls whose refs had not been awaited when the program ended"
}

const MAX_LINES = 14

const headline = ({ cause, details, kind }: Verdict): ReadonlyArray<string> => {
  const said = cause === undefined ? [] : pretty(cause).split("\n")
  // Frames of this library and of Effect tell nothing about the program.
  const telling = said.filter((line) => !/^\s+at .*([\\/]node_modules[\\/]|node:internal)/.test(line))
  const lines = [...details, ...telling]
  const shown = lines.length <= MAX_LINES ? lines : [...lines.slice(0, MAX_LINES), `… ${lines.length - MAX_LINES} more`]
  return [titles[kind], ...shown.map((line) => cut(`  ${line}`, WIDTH))]
}

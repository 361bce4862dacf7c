/**
 * What makes an instance ready in the background: the first life of a keyed one, and every further life of any. Calls
 * wait in line meanwhile.
 */
import type * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as deadlock from "../call/deadlock.ts"
import type { Cell } from "./cell.ts"
import * as pacer from "./pacer.ts"

/** Why an instance dies that may not restart. */
const SCHEDULE_ENDED = "its restart schedule ended"

export class Supervisor {
  private fiber: Fiber.Fiber<unknown, unknown> | undefined = undefined
  /** Set while the fiber runs its first part, on our stack. */
  private starting = false
  /** What is to happen once the fiber has ended, asked for while it was on our stack. */
  private afterwards: (() => void) | undefined = undefined
  private onQuiet: (() => void) | undefined = undefined
  private pace: pacer.Pacer | undefined = undefined
  private verdict: Fiber.Fiber<Duration.Duration | undefined> | undefined = undefined

  private readonly cell: Cell

  constructor(cell: Cell) {
    this.cell = cell
  }

  /** Runs what makes the instance ready. Then calls start; if it fails, the instance dies. */
  run(ready: Effect.Effect<unknown, unknown>, whyNot: string): void {
    const { cell } = this
    const phase = cell.starts()
    this.starting = true
    const fiber = cell.fork(
      Effect.withFiber((fiber) => {
        phase.fiber = fiber
        return ready
      })
    )
    this.starting = false
    this.fiber = fiber
    fiber.addObserver((exit) => {
      this.fiber = undefined
      cell.started()
      if (exit._tag === "Success") cell.proceed()
      else if (!cell.closing) cell.kill(whyNot, exit.cause)
    })
    // The instance was ended on this very stack, by somebody whom a finalizer of its old life woke.
    if (this.afterwards !== undefined) this.end(this.afterwards)
  }

  /** Whether it is at work. Nobody inside its work must wait for the end of the instance, which waits for this work. */
  get isBusy(): boolean {
    return this.starting || this.fiber !== undefined
  }

  /** Interrupts what it is at, if anything, and calls back when that has ended. */
  end(afterwards: () => void): void {
    if (this.starting) {
      this.afterwards = afterwards
      return
    }
    const { fiber } = this
    if (fiber === undefined) return afterwards()
    fiber.interruptUnsafe()
    fiber.addObserver(afterwards)
  }

  /** Asks the restart schedule for one more restart. Says whether it allows that, as far as it knows at once. */
  judge(cause: Cause.Cause<unknown>): boolean {
    this.pace ??= pacer.make(this.cell.options.restart!)
    this.verdict = this.cell.fork(this.pace(cause)) as Fiber.Fiber<Duration.Duration | undefined>
    const exit = this.verdict.pollUnsafe()
    return exit?._tag === "Success" && exit.value !== undefined
  }

  /** Makes the instance anew, as its restart schedule says. */
  restart(cause: Cause.Cause<unknown>): void {
    this.run(this.rebuild(cause), "its restart schedule failed")
  }

  private rebuild(cause: Cause.Cause<unknown>): Effect.Effect<void> {
    const { cell } = this
    return Effect.gen({ self: this }, function* () {
      let verdict = Fiber.join(this.verdict!)
      for (let why = cause, whyNot = SCHEDULE_ENDED; ; ) {
        const pause = yield* verdict
        if (pause === undefined) return cell.kill(whyNot, why)
        if (why === cause) cell.registry.hub?.instance(cell, { _tag: "InstanceRestarting", cause })
        cell.interruptForRestart()
        yield* this.quieted()
        yield* cell.closeScope(Exit.failCause(why))
        yield* Effect.sleep(pause)
        cell.renew()
        const exit = yield* Effect.exit(cell.construct())
        if (exit._tag === "Success")
          return cell.registry.hub?.instance(cell, { _tag: "InstanceRestarted", restarts: cell.restarts })
        why = exit.cause
        whyNot = `its constructor failed, and ${SCHEDULE_ENDED}`
        verdict = this.pace!(why)
      }
    })
  }

  /** Succeeds when no call runs any more. */
  private quieted(): Effect.Effect<void> {
    return Effect.callback((resume) => {
      this.onQuiet = () => {
        this.onQuiet = undefined
        resume(Effect.void)
      }
      this.attend()
      if (this.onQuiet !== undefined) deadlock.check(this.cell.start!)
    })
  }

  /** Whether a restart waits for running calls to end. */
  get waitsForQuiet(): boolean {
    return this.onQuiet !== undefined
  }

  /** A call has ended. */
  attend(): void {
    if (this.onQuiet === undefined) return
    if (this.cell.quiet) this.onQuiet()
    else deadlock.check(this.cell.start!)
  }
}

/**
 * What makes an instance ready in the background: the first life of a keyed one, and every further life of any. Calls
 * wait in line meanwhile.
 */
import type * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { News } from "../../Instrumentation.ts"
import type { Transition } from "../call/transition.ts"
import { search, type Waiter } from "../call/waits.ts"
import * as pacer from "./pacer.ts"

/** Why an instance dies that may not restart. */
const SCHEDULE_ENDED = "its restart schedule ended"

/** What a supervisor needs of the life that it looks after. */
export interface Supervised {
  readonly cell: {
    readonly options: { readonly restart?: pacer.Restart | undefined }
    /** Whether no call runs. */
    readonly isQuiet: boolean
  }
  readonly isClosing: boolean
  readonly start: Waiter | undefined
  starts(): Transition
  started(): void
  fork(effect: Effect.Effect<unknown, unknown>): Fiber.Fiber<unknown, unknown>
  /** The instance is ready. */
  proceed(): void
  kill(why: string, cause?: Cause.Cause<unknown>): void
  interruptForRestart(): void
  closeScope(exit: Exit.Exit<any, any>): Effect.Effect<void>
  renew(): void
  construct(): Effect.Effect<unknown, any>
  readonly restarts: number
  /** Tells those who watch. */
  tell(news: News): void
}

/** What a supervisor is at. */
type State =
  | { readonly _tag: "Idle" }
  /** Its fiber runs its first part, on our stack. `afterwards` is what is to happen then, if that was asked for. */
  | { readonly _tag: "Starting"; afterwards: (() => void) | undefined }
  | { readonly _tag: "Working"; readonly fiber: Fiber.Fiber<unknown, unknown> }

const IDLE: State = { _tag: "Idle" }

export class Supervisor {
  private state: State = IDLE
  /** How a restart goes on that waits until no call runs any more. */
  private onQuiet: (() => void) | undefined = undefined
  private pace: pacer.Pacer | undefined = undefined
  /** What the restart schedule says to the restart that was asked for last. */
  private verdict: Fiber.Fiber<Duration.Duration | undefined> | undefined = undefined

  declare private readonly life: Supervised

  constructor(life: Supervised) {
    this.life = life
  }

  /** Runs what makes the instance ready. Then calls start; if it fails, the instance dies. */
  run(ready: Effect.Effect<unknown, unknown>, whyNot: string): void {
    const { life } = this
    const phase = life.starts()
    const starting: State = { _tag: "Starting", afterwards: undefined }
    this.state = starting
    const fiber = life.fork(
      Effect.withFiber((fiber) => {
        phase.fiber = fiber
        return ready
      })
    )
    this.state = { _tag: "Working", fiber }
    fiber.addObserver((exit) => {
      this.state = IDLE
      life.started()
      if (exit._tag === "Success") life.proceed()
      else if (!life.isClosing) life.kill(whyNot, exit.cause)
    })
    // The instance was ended on this very stack, by what a finalizer of its old life woke.
    if (starting.afterwards !== undefined) this.end(starting.afterwards)
  }

  /** Whether it is at work. Nothing inside its work must wait for the end of the instance, which waits for this work. */
  get isBusy(): boolean {
    return this.state._tag !== "Idle"
  }

  /** Interrupts what it is at, if anything, and calls back when that has ended. */
  end(afterwards: () => void): void {
    const { state } = this
    switch (state._tag) {
      case "Idle":
        return afterwards()
      case "Starting":
        state.afterwards = afterwards
        return
      case "Working":
        state.fiber.interruptUnsafe()
        state.fiber.addObserver(afterwards)
    }
  }

  /** Asks the restart schedule for one more restart. Says whether it allows that, as far as it knows at once. */
  judge(cause: Cause.Cause<unknown>): boolean {
    this.pace ??= pacer.make(this.life.cell.options.restart!)
    this.verdict = this.life.fork(this.pace(cause)) as Fiber.Fiber<Duration.Duration | undefined>
    const exit = this.verdict.pollUnsafe()
    return exit?._tag === "Success" && exit.value !== undefined
  }

  /** Makes the instance anew, as its restart schedule says. */
  restart(cause: Cause.Cause<unknown>): void {
    this.run(this.rebuild(cause), "its restart schedule failed")
  }

  private rebuild(cause: Cause.Cause<unknown>): Effect.Effect<void> {
    const { life } = this
    return Effect.gen({ self: this }, function* () {
      let verdict = Fiber.join(this.verdict!)
      for (let why = cause, whyNot = SCHEDULE_ENDED; ; ) {
        const pause = yield* verdict
        if (pause === undefined) return life.kill(whyNot, why)
        if (why === cause) life.tell({ _tag: "InstanceRestarting", cause })
        life.interruptForRestart()
        yield* this.quieted()
        yield* life.closeScope(Exit.failCause(why))
        yield* Effect.sleep(pause)
        life.renew()
        const exit = yield* Effect.exit(life.construct())
        if (exit._tag === "Success") return life.tell({ _tag: "InstanceRestarted", restarts: life.restarts })
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
      if (this.onQuiet !== undefined) search.check(this.life.start!)
    })
  }

  /** Whether a restart waits for running calls to end. */
  get waitsForQuiet(): boolean {
    return this.onQuiet !== undefined
  }

  /** A call has ended. */
  attend(): void {
    if (this.onQuiet === undefined) return
    if (this.life.cell.isQuiet) this.onQuiet()
    else search.check(this.life.start!)
  }
}

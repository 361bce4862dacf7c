/**
 * Logging what may happen often: the first time at once, then once a minute, with how often it has happened since.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as asyncContext from "./asyncContext.ts"

/** A minute of real time. Not a sleep: its timer would keep the process from ending. */
export const unheldMinute: Effect.Effect<void> = Effect.callback((resume) => {
  const { setTimeout } = globalThis as unknown as { setTimeout(task: () => void, ms: number): unknown }
  const timer = setTimeout(() => resume(Effect.void), 60_000) as { unref?(): void }
  timer.unref?.()
})

interface Options {
  /** How to let a minute go by, if not by the clock of the context. */
  readonly pause?: Effect.Effect<void>
  /** Called when a minute has gone by in which nothing happened. */
  readonly done?: () => void
}

export class Minutely<A> {
  private count = 0
  private last: A | undefined = undefined
  private fiber: Fiber.Fiber<void> | undefined = undefined
  private stopped = false

  private readonly asyncContext = asyncContext.capture()
  declare private readonly context: Context.Context<never>
  private readonly log: (count: number, last: A) => Effect.Effect<void>

  declare private readonly options: Options

  constructor(
    context: Context.Context<never>,
    log: (count: number, last: A) => Effect.Effect<void>,
    options: Options = {}
  ) {
    this.context = context
    this.log = log
    this.options = options
  }

  note(what: A): void {
    if (this.stopped) return
    this.count++
    this.last = what
    // It lives on for a minute, and is of no request.
    this.fiber ??= asyncContext.run(this.asyncContext, () => Effect.runForkWith(this.context)(this.report()))
  }

  /** Goes on for as long as there is something to say each minute. */
  private report(): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      // A logger is code of others: it may throw, and must not run on the stack of what is noted.
      yield* Effect.yieldNow
      while (this.count > 0) {
        const { count, last } = this
        this.count = 0
        yield* Effect.exit(this.log(count, last!))
        yield* this.options.pause ?? Effect.sleep("1 minute")
      }
      this.fiber = this.last = undefined
      this.options.done?.()
    })
  }

  /** What has not been said yet stays unsaid. */
  stop(): void {
    this.stopped = true
    this.fiber?.interruptUnsafe()
  }
}

import { Console, Data, Effect, Runtime } from "effect"

/** Ends the process with this exit code. The program has already reported the failure. */
export class ExitWith extends Data.TaggedError("ExitWith")<{ readonly code: number }> {
  override readonly [Runtime.errorReported] = false
  override readonly [Runtime.errorExitCode]: number = this.code
}

/** Prints why the program cannot go on, as a sentence rather than a stack trace, and ends it with exit code 1. */
export const giveUp = (sentence: string): Effect.Effect<never, ExitWith> =>
  Effect.andThen(Console.error(sentence), new ExitWith({ code: 1 }))

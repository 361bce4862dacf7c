/**
 * Ending the process with a code.
 */
import * as Data from "effect/Data"
import * as Runtime from "effect/Runtime"

/** Ends the process with this exit code. What there is to say has been said. */
export class ExitWith extends Data.TaggedError("ExitWith")<{ readonly code: number }> {
  override readonly [Runtime.errorReported] = false
  override readonly [Runtime.errorExitCode]: number = this.code
}

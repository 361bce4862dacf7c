/**
 * Ends the process with an exit code.
 */
import * as Data from "effect/Data"
import * as Runtime from "effect/Runtime"

/** Ends the process with this exit code, and prints nothing: the reason has been printed. */
export class ExitWith extends Data.TaggedError("ExitWith")<{ readonly code: number }> {
  override readonly [Runtime.errorReported] = false
  override readonly [Runtime.errorExitCode]: number = this.code
}

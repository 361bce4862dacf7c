/**
 * There is nothing to show: the error of the command `inspect`.
 *
 * @since 0.1.0
 */
import * as CliError from "effect/cli/CliError"
import * as Schema from "effect/Schema"

/**
 * Why there is nothing to show, with a message for people: a bad address, nothing listening there, a missing token, a
 * call that has settled.
 *
 * @category errors
 * @since 0.1.0
 */
export class InspectError extends Schema.TaggedError<InspectError>()("InspectError", {
  reason: Schema.Literals(["BadAddress", "NothingListens", "Refused", "NotFound", "NotAnInspector", "NotWritten"]),
  message: Schema.String
}) {
  override get [CliError.userMessage](): string {
    return this.message
  }
}

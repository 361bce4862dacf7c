/**
 * `troupe contracts` has found a change that does not roll out, or could not read what it was given.
 *
 * @since 0.1.0
 */
import * as CliError from "effect/cli/CliError"
import * as Schema from "effect/Schema"

/**
 * What `troupe contracts` fails with. The message is for the person who typed the command, or who reads the log of a
 * build.
 *
 * @category errors
 * @since 0.1.0
 */
export class ContractsError extends Schema.TaggedError<ContractsError>()("ContractsError", {
  message: Schema.String
}) {
  override get [CliError.userMessage](): string {
    return this.message
  }
}

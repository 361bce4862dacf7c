/**
 * `troupe node` or `troupe failed` was asked for, and the package that it is part of is not there.
 *
 * @since 0.1.0
 */
import * as CliError from "effect/cli/CliError"
import * as Schema from "effect/Schema"

/**
 * The command needs `@troupe/cluster`, which is not installed, or of a version without this command.
 *
 * @category errors
 * @since 0.1.0
 */
export class ClusterMissing extends Schema.TaggedError<ClusterMissing>()("ClusterMissing", {
  message: Schema.String,
  cause: Schema.Defect()
}) {
  override get [CliError.userMessage](): string {
    return this.message
  }
}

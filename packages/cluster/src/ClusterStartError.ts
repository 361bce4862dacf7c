/**
 * A node or a client of a cluster does not start.
 *
 * @since 0.1.0
 */
import * as CliError from "effect/cli/CliError"
import * as Schema from "effect/Schema"

/**
 * A node or client that could not start, with what to change.
 *
 * @category errors
 * @since 0.1.0
 */
export class ClusterStartError extends Schema.TaggedError<ClusterStartError>()("ClusterStartError", {
  /** What the operator can change. */
  why: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    return `The cluster node cannot start: ${this.why}`
  }
}

/**
 * What `troupe node` or `troupe failed` could not do. The message is for the person who typed the command.
 *
 * @category errors
 * @since 0.1.0
 */
export class NodeCommandError extends Schema.TaggedError<NodeCommandError>()("NodeCommandError", {
  why: Schema.String
}) {
  override get message(): string {
    return this.why
  }
  override get [CliError.userMessage](): string {
    return this.why
  }
}

/**
 * A thread did not come up: its file does not load, its implementation cannot be built, or it takes too long.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * The failure of a Layer whose threads do not come up. It names the actor and the reason, and carries the cause.
 *
 * @category errors
 * @since 0.1.0
 */
export class WorkerFailed extends Schema.TaggedError<WorkerFailed>()("WorkerFailed", {
  /** The id of the actor. */
  actor: Schema.String,
  why: Schema.String,
  /** The error on the thread, if it is known. */
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    const cause = this.cause instanceof Error ? this.cause.message : this.cause === undefined ? "" : String(this.cause)
    const more = cause === "" || this.why.includes(cause) ? "" : `: ${cause}`
    return `${this.actor}: its thread did not come up because ${this.why}${more}`
  }
}

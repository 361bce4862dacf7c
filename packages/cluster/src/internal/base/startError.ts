/**
 * Why a node or a client did not start. Public through `ClusterHome`.
 */
import * as Schema from "effect/Schema"

/** A node or client that could not start. `why` says what the operator can change. */
export class ClusterStartError extends Schema.TaggedError<ClusterStartError>()("ClusterStartError", {
  why: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    return `The cluster node cannot start: ${this.why}`
  }
}

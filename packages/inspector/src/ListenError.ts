/**
 * The inspector cannot listen: the error of `Inspector.layer`.
 *
 * @since 0.1.0
 */
import { NodeInspectSymbol } from "effect/Inspectable"
import * as Schema from "effect/Schema"

/**
 * The server of an inspector could not be started.
 *
 * @category errors
 * @since 0.1.0
 */
export class ListenError extends Schema.TaggedError<ListenError>()("ListenError", {
  host: Schema.String,
  port: Schema.Int,
  /** The error code of the system, such as `EADDRINUSE`. */
  code: Schema.String
}) {
  override get message(): string {
    const { code, host, port } = this
    switch (code) {
      case "EADDRINUSE":
        return `Inspector: port ${port} of ${host} is taken by another program; give another port, or 0 for any`
      case "EACCES":
        return `Inspector: port ${port} of ${host} is reserved for privileged users; give one above 1023`
      case "EADDRNOTAVAIL":
      case "ENOTFOUND":
        return `Inspector: ${host} is not an address of this machine; give another host`
      default:
        return `Inspector: cannot listen at port ${port} of ${host} (${code}); give another port or host`
    }
  }
  override [NodeInspectSymbol](): string {
    return `ListenError: ${this.message}`
  }
}

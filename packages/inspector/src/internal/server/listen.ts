/**
 * Listens at a port, or says why it cannot. `ListenError` is public through `Inspector`.
 */
import { createServer } from "node:http"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Effect from "effect/Effect"
import { NodeInspectSymbol } from "effect/Inspectable"
import * as Schema from "effect/Schema"
import { arriving } from "./limits.ts"

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

export const listen = (host: string, port: number) =>
  Effect.suspend(() => {
    const node = createServer(arriving)
    return NodeHttpServer.make(() => node, {
      port,
      host,
      // A preemptive shutdown would wait for pages to close.
      disablePreemptiveShutdown: true
    }).pipe(
      Effect.map((http) => ({ http, node })),
      Effect.mapError(({ cause }) => listenError(host, port, cause))
    )
  })

const listenError = (host: string, port: number, cause: unknown): ListenError => {
  const { code } = Object(cause)
  const error = new ListenError({ host, port, code: typeof code === "string" ? code : String(cause) })
  // A stack trace would not help: the message says what to change, and that is not in the code.
  error.stack = `ListenError: ${error.message}`
  return error
}

export const isTaken = ({ code }: ListenError): boolean => code === "EADDRINUSE"

/**
 * Listens at a port, or says why it cannot.
 */
import { createServer } from "node:http"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Effect from "effect/Effect"
import { ListenError } from "../../ListenError.ts"
import { arriving } from "./limits.ts"

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
      Effect.mapError(({ cause }) => listenError(host, port, cause)),
      // Interrupted, it would go on to listen, and nobody would close it.
      Effect.uninterruptible
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

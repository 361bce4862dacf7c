/**
 * The text of messages: JSON, a line each.
 */
import type { RpcMessage } from "../engine.ts"

/** What the server says in a frame. */
export const messagesIn = (frame: string | Uint8Array): ReadonlyArray<RpcMessage.FromServerEncoded> => {
  const text = typeof frame === "string" ? frame : new TextDecoder().decode(frame)
  return text.split("\n").flatMap((line) => (line === "" ? [] : JSON.parse(line)))
}

export const lineOf = (message: RpcMessage.FromClientEncoded): string => `${JSON.stringify(message)}\n`

/** The line of a request whose payload is written already. */
export const requestLine = (message: Omit<RpcMessage.RequestEncoded, "payload">, payload: string): string =>
  `${JSON.stringify(message).slice(0, -1)},"payload":${payload}}\n`

/** Whether a text is longer than so many bytes, and if so how long. A character has up to three for each of its units. */
export const bytesBeyond = (text: string, most: number): number | undefined => {
  if (text.length * 3 <= most) return undefined
  const bytes = new TextEncoder().encode(text).length
  return bytes > most ? bytes : undefined
}

/**
 * What a peer sends, before anything is made of it: text that is JSON, not too long, not too deep, and nothing that means
 * something else to JavaScript than to JSON.
 */

import { bytesBeyond } from "../wire/messages.ts"
import type { RpcMessage } from "./engine.ts"
import type { Bounds } from "./limits.ts"
import type { Cut } from "./traffic.ts"

/** Why a frame is not read, and a code for WebSockets. The peer is cut off: it is no client, or an old one. */
export class Unreadable extends Error {
  readonly code: number
  readonly cut: Cut
  constructor(code: number, why: string, cut: Cut = "unreadable") {
    super(why)
    this.code = code
    this.cut = cut
  }
}

// A byte order mark is no JSON, here as in a text frame.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

export const tooLong = ({ messageBytes }: Bounds): Unreadable =>
  new Unreadable(1009, `a message may have at most ${messageBytes} bytes (limits.messageBytes)`, "messageBytes")

/** A request that says what may not be said. It fails alone: whoever has half a character in a text is no attacker. */
export class Unsound {
  readonly id: unknown
  readonly tag: unknown
  /** As it was sent. */
  readonly key: unknown
  readonly why: string
  constructor(request: { readonly id?: unknown; readonly tag?: unknown; readonly payload?: any }, why: string) {
    this.id = request.id
    this.tag = request.tag
    this.key = request.payload?.key
    this.why = why
  }
}

export type Message = RpcMessage.FromClientEncoded | Unsound

/** The messages of a frame. Throws what is {@link Unreadable}. */
export const messagesIn = (frame: string | Uint8Array, bounds: Bounds): ReadonlyArray<Message> => {
  // What has more units than it may have bytes need not be counted.
  const isLong =
    frame.length > bounds.messageBytes ||
    (typeof frame === "string" && bytesBeyond(frame, bounds.messageBytes) !== undefined)
  if (isLong) throw tooLong(bounds)
  const text = typeof frame === "string" ? frame : textOf(frame)
  const messages: Array<Message> = []
  for (const line of text.split("\n")) {
    if (line === "" || line === "\r") continue
    const read = jsonOf(line)
    for (const message of Array.isArray(read) ? read : [read]) messages.push(sound(message, bounds))
  }
  return messages
}

const sound = (message: any, { depth }: Bounds): Message => {
  try {
    check(message, depth)
    return message
  } catch (error) {
    if (message?._tag !== "Request" || !(error instanceof Unreadable)) throw error
    const place = placeIn(message.payload, depth)?.slice(0, LONGEST_PLACE)
    return new Unsound(message, place ? `${error.message}\n  at ${place}` : error.message)
  }
}

/** In characters. Who sends a text that is not sound may have any fields around it. */
const LONGEST_PLACE = 300

/** Where the first text is that is not sound, if there is one. */
const placeIn = (value: unknown, depth: number): string | undefined => {
  if (typeof value === "string") return value.isWellFormed() ? undefined : ""
  if (typeof value !== "object" || value === null || depth === 0) return undefined
  for (const [key, field] of Object.entries(value)) {
    const place = key === "__proto__" || !key.isWellFormed() ? "" : placeIn(field, depth - 1)
    if (place !== undefined) return `[${Array.isArray(value) ? key : JSON.stringify(key)}]${place}`
  }
}

const textOf = (bytes: Uint8Array): string => {
  try {
    return decoder.decode(bytes)
  } catch {
    throw new Unreadable(1007, "a message must be UTF-8")
  }
}

/** JSON of a peer. Throws what is {@link Unreadable}. */
export const readJson = (text: string, { depth }: Pick<Bounds, "depth">): unknown => {
  const read = jsonOf(text)
  check(read, depth)
  return read
}

const jsonOf = (line: string): unknown => {
  try {
    return JSON.parse(line)
  } catch {
    throw new Unreadable(1007, "a message must be JSON")
  }
}

/** Walks through what was read. It goes no deeper than it may. */
const check = (value: unknown, depth: number): void => {
  if (typeof value === "string") return checkText(value)
  if (typeof value !== "object" || value === null) return
  if (depth === 0) throw new Unreadable(1008, "a message is nested too deep (limits.depth)", "depth")
  if (Array.isArray(value)) {
    for (const item of value) check(item, depth - 1)
    return
  }
  for (const key of Object.keys(value)) {
    if (key === "__proto__") throw new Unreadable(1008, "a message may have no field __proto__")
    checkText(key)
    check((value as Record<string, unknown>)[key], depth - 1)
  }
}

/** Half a character is none, and two keys that differ in it only could be the same elsewhere. */
const checkText = (text: string): void => {
  if (!text.isWellFormed()) throw new Unreadable(1007, "a text must be well-formed Unicode (toWellFormed makes it so)")
}

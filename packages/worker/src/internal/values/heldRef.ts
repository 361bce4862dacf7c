/**
 * Refs and handles that are left inside values. Structured clone takes a ref that has settled for plain data and copies its
 * insides, and shows the insides of a handle when it refuses one, so values are searched for them before they are sent.
 */
import * as Actor from "@troupe/core/Actor"
import { isObjectRef } from "@troupe/core/ObjectRef"

/** How many values are searched: enough to find what that was forgotten, and next to nothing compared with the copy. */
const LOOKS = 1000

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null

/** Throws for a value that is a ref or a handle, or holds one, and says where. The search goes from the top down. */
export const refuseRefs = (value: unknown): void => {
  if (!isObject(value)) return
  const held = findHeld(value)
  if (held === undefined) return
  const path = pathTo(held, value, MAX_DEPTH)
  const [what, remedy] = isObjectRef(held)
    ? ["an ObjectRef", "Wait for the ref first, or pass it as an argument of its own."]
    : ["the handle of an actor", "Handles do not cross: pass what its methods give, and call it from this side."]
  throw new HeldRef(`it ${path === "" ? "is" : "holds"} ${what}${path ? ` at ${path}` : ""}. ${remedy}`)
}

/** Its message says what to do about it. */
export class HeldRef extends TypeError {}

const findHeld = (root: object): object | undefined => {
  const objects = [root]
  let looks = LOOKS
  // A loop over a list that grows, since cycles and depth need no care then.
  for (let i = 0; i < objects.length; i++) {
    const object = objects[i]!
    if (isObjectRef(object) || Actor.isHandle(object)) return object
    if (ArrayBuffer.isView(object)) continue
    if (Array.isArray(object)) {
      for (let at = 0; at < object.length && looks-- > 0; at++) if (isObject(object[at])) objects.push(object[at])
    } else if (object instanceof Set || object instanceof Map) {
      for (const part of object.values()) {
        if (looks-- <= 0) break
        if (isObject(part)) objects.push(part)
      }
    } else {
      for (const key in object) {
        if (looks-- <= 0) break
        const part: unknown = object[key as keyof object]
        if (isObject(part)) objects.push(part)
      }
    }
  }
}

/** Deep enough for a path that a person has written. */
const MAX_DEPTH = 10

/** The way to a part of a value, as code would write it. */
const pathTo = (part: object, value: unknown, depth: number): string | undefined => {
  if (value === part) return ""
  if (!isObject(value) || depth === 0) return undefined
  const list = Array.isArray(value)
  const entries = value instanceof Map || value instanceof Set ? value.entries() : Object.entries(value)
  for (const [key, inner] of entries) {
    const rest = pathTo(part, inner, depth - 1)
    if (rest !== undefined) return (list ? `[${key}]` : value instanceof Set ? ".values()" : `.${String(key)}`) + rest
  }
}

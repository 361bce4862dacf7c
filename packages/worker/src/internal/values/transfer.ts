/**
 * Values that move to the other side instead of being copied. Their sender gives them up.
 */
import { show } from "@troupe/core/Home"

const lists = new WeakMap<object, ReadonlyArray<object>>()

export const mark = <A extends object>(value: A, transferables: ReadonlyArray<object> = [ownerOf(value)]): A => {
  if (typeof value !== "object" || value === null)
    throw new TypeError(`WorkerHome.transfer takes an object, like an ArrayBuffer, but got ${show(value)}`)
  lists.set(value, transferables)
  return value
}

const ownerOf = (value: object): object => (ArrayBuffer.isView(value) ? value.buffer : value)

/** The parts of a value that are marked to move. */
export const moved = (value: unknown): ReadonlyArray<object> | undefined =>
  typeof value === "object" && value !== null ? lists.get(value) : undefined

/** The same for several values. */
export const movedBy = (values: ReadonlyArray<unknown>): ReadonlyArray<object> | undefined => {
  let all: Array<object> | undefined
  for (const value of values) {
    const list = moved(value)
    if (list === undefined) continue
    all ??= []
    all.push(...list)
  }
  return all
}

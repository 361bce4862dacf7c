/**
 * The search for an order of calls that explains their results. See `History.ts` for where it comes from.
 */
import * as Cause from "effect/Cause"
import type * as Exit from "effect/Exit"
import type { Operation } from "../History.ts"
import { same } from "./show.ts"

type Apply<S> = (state: S, operation: Operation) => readonly [S, Exit.Exit<unknown, unknown>]

/** A beginning or an end in the list of what is left. Those of calls in the order are taken out, and come back later. */
interface Node {
  readonly index: number
  readonly operation: Operation
  /** The end that belongs to a beginning; absent for ends, and for calls that have not ended. */
  readonly end: Node | undefined
  readonly isEnd: boolean
  previous: Node | undefined
  next: Node | undefined
}

const makeList = (operations: ReadonlyArray<Operation>): Node => {
  const links = { previous: undefined, next: undefined }
  const nodes = operations.flatMap((operation, index): Array<readonly [number, Node]> => {
    const end: Node = { index, operation, end: undefined, isEnd: true, ...links }
    const over = operation.exit !== undefined
    const begin: Node = { index, operation, end: over ? end : undefined, isEnd: false, ...links }
    return over
      ? [
          [operation.began, begin],
          [operation.ended, end]
        ]
      : [[operation.began, begin]]
  })
  const head = { index: -1, isEnd: false, end: undefined, ...links } as unknown as Node
  let last = head
  for (const [, node] of nodes.sort(([a], [b]) => a - b)) {
    last.next = node
    node.previous = last
    last = node
  }
  return head
}

const unlink = (node: Node): void => {
  node.previous!.next = node.next
  if (node.next !== undefined) node.next.previous = node.previous
}

/** Undoes {@link unlink}, in the reverse order. */
const relink = (node: Node): void => {
  node.previous!.next = node
  if (node.next !== undefined) node.next.previous = node
}

/** Which calls are in the order, together with the states that were reached with exactly these. */
class Reached<S> {
  private readonly states = new Map<string, Array<S>>()
  private readonly words: Array<number>

  constructor(count: number) {
    this.words = new Array(Math.ceil(count / 31)).fill(0)
  }

  toggle(index: number): void {
    this.words[Math.floor(index / 31)]! ^= 1 << (index % 31)
  }

  /** Whether this is new. */
  add(state: S): boolean {
    const key = this.words.join()
    const states = this.states.get(key)
    if (states === undefined) this.states.set(key, [state])
    else if (states.some((other) => same(other, state))) return false
    else states.push(state)
    return true
  }
}

const matches = (
  actual: Exit.Exit<unknown, unknown> | undefined,
  expected: Exit.Exit<unknown, unknown>,
  anything: unknown
): boolean => {
  if (actual === undefined) return true
  if (actual._tag === "Success") {
    return expected._tag === "Success" && (expected.value === anything || same(actual.value, expected.value))
  }
  return expected._tag === "Failure" && same(Cause.squash(actual.cause), Cause.squash(expected.cause))
}

export const linearize = <S>(
  operations: ReadonlyArray<Operation>,
  initial: S,
  apply: Apply<S>,
  anything: unknown
): { readonly order: ReadonlyArray<Operation> | undefined; readonly longest: ReadonlyArray<Operation> } => {
  const head = makeList(operations)
  const reached = new Reached<S>(operations.length)
  const order: Array<{ readonly node: Node; readonly before: S }> = []
  let longest: ReadonlyArray<Operation> = []
  let state = initial
  /** Calls that have ended and are not in the order yet. */
  let left = operations.filter(({ exit }) => exit !== undefined).length
  let node = head.next
  while (left > 0) {
    if (node !== undefined && !node.isEnd) {
      const [next, result] = apply(state, node.operation)
      if (matches(node.operation.exit, result, anything)) {
        reached.toggle(node.index)
        if (reached.add(next)) {
          // It goes next: what is left is to be explained from here.
          order.push({ node, before: state })
          state = next
          unlink(node)
          if (node.end !== undefined) {
            unlink(node.end)
            left--
          }
          if (order.length > longest.length) longest = order.map(({ node }) => node.operation)
          node = head.next
          continue
        }
        reached.toggle(node.index)
      }
      node = node.next
      continue
    }
    // A call has ended that cannot go next, nor can any that began before it ended: take back the last choice.
    const last = order.pop()
    if (last === undefined) return { order: undefined, longest }
    reached.toggle(last.node.index)
    state = last.before
    if (last.node.end !== undefined) {
      relink(last.node.end)
      left++
    }
    relink(last.node)
    node = last.node.next
  }
  return { order: order.map(({ node }) => node.operation), longest }
}

/**
 * The stack of an error, extended by what its cause knows of the way from the caller to the method, and by who awaits it.
 *
 * A failure that leaves Effect as the rejection of a promise leaves its cause behind, and with it the frames that a printed
 * cause shows. So the error itself shows them. Its text is made when it is read: most errors are handled, and their stacks
 * never looked at. An error that cannot be changed stays as it is.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import type { StackFrame } from "effect/References"
import { shared } from "./copies.ts"
import { BELOW_USERS } from "./effectInternals.ts"
import { attempt } from "./show.ts"

/** Of the failure that came last: an error may be that of many calls. */
interface Extended {
  /** The stack as it was. */
  readonly own: PropertyDescriptor
  readonly frames: StackFrame
  /** Made where the failure was handed to who awaits it. */
  awaited?: Error
}

/** The same for all errors: one of its own would give each error a shape of its own. */
const property = /* @__PURE__ */ shared("errorStack", {
  configurable: true,
  known: /* @__PURE__ */ new WeakMap<object, Extended>(),
  get(this: Error): unknown {
    const known = property.known.get(this)
    return known && textOf(this, known)
  },
  set(this: Error, value: unknown): void {
    Object.defineProperty(this, "stack", { value, writable: true })
  }
})

/**
 * As it is printed with a cause. The first of the frames ends it there, or a cause would show the others twice. A stack
 * that came from another process, or was written anew, has such a frame already.
 */
const textOf = (error: Error, { awaited, frames, own }: Extended): string => {
  const before: any = own.get === undefined ? own.value : own.get.call(error)
  const plain = Object.create(error, { stack: { value: before?.replace?.(`\n    at ${BELOW_USERS}\n`, "\n") } })
  const below: StackFrame = { name: BELOW_USERS, stack: () => undefined, parent: frames }
  const cause = Cause.annotate(Cause.die(plain), Context.make(Cause.StackTrace, below) as Context.Context<never>)
  // What follows `reject`, and the function of Node that empties the queue that it was in.
  return (
    Cause.prettyErrors(cause)[0]!.stack! + (awaited?.stack?.match(/\n +at (?!process\.).*/g) ?? []).slice(1).join("")
  )
}

/** Has the stack of an error show these frames, too. */
export const extend = (error: unknown, frames: StackFrame): void => {
  attempt(() => {
    if (!(error instanceof Error)) return
    const now = Object.getOwnPropertyDescriptor(error, "stack")!
    const own = now.get === property.get ? property.known.get(error)!.own : now
    Object.defineProperty(error, "stack", property)
    property.known.set(error, { own, frames })
  })
}

/**
 * Fails as an async function does, so that the engine tells which ones await it; and of these the stack tells. They are known
 * once the promise that this returns has found its way to them, which takes two turns.
 */
export const reject = async (error: unknown): Promise<never> => {
  await undefined
  await undefined
  const known = property.known.get(error as object)
  if (known !== undefined) known.awaited = new Error()
  throw error
}

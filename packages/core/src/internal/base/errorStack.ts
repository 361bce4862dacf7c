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
  awaited: Error | undefined
}

const extended = /* @__PURE__ */ shared("extended", /* @__PURE__ */ new WeakMap<object, Extended>())

/** The same for all errors: one of its own would give each error a shape of its own. */
const property = /* @__PURE__ */ shared("errorStack", {
  configurable: true,
  get(this: Error): unknown {
    const known = extended.get(this)
    return known && (attempt(() => textOf(this, known)) ?? ownOf(this, known))
  },
  set(this: Error, value: unknown): void {
    Object.defineProperty(this, "stack", { value, configurable: true, writable: true })
  }
})

const ownOf = (error: Error, { own }: Extended): unknown => (own.get === undefined ? own.value : own.get.call(error))

/** What a stack that was extended before says as well: in another process, or before it was written anew. */
const BELOW = `\n    at ${BELOW_USERS}\n`

/** As it is printed with a cause. The first of the frames ends it there, or a cause would show the others twice. */
const textOf = (error: Error, known: Extended): string => {
  const { message, name } = error
  const frames: StackFrame = { name: BELOW_USERS, stack: () => undefined, parent: known.frames }
  const reason = Cause.makeDieReason({ name, message, stack: String(ownOf(error, known)).replace(BELOW, "\n") })
  const [printed] = Cause.prettyErrors(Cause.fromReasons([reason.annotate(Context.make(Cause.StackTrace, frames))]))
  return `${printed!.stack}${known.awaited === undefined ? "" : awaiting(known.awaited)}`
}

/** What follows {@link reject}, and the function of Node that empties the queue that it was in. */
const awaiting = ({ stack }: Error): string => (stack?.match(/\n +at (?!process\.).*/g) ?? []).slice(1).join("")

/** Has the stack of an error show these frames, too. */
export const extend = (error: unknown, frames: StackFrame): void => {
  attempt(() => {
    if (!(error instanceof Error)) return
    const now = Object.getOwnPropertyDescriptor(error, "stack")!
    const own = now.get === property.get ? extended.get(error)!.own : now
    Object.defineProperty(error, "stack", property)
    extended.set(error, { own, frames, awaited: undefined })
  })
}

/**
 * Fails as an async function does, so that the engine tells which ones await it; and of these the stack tells. They are known
 * once the promise that this returns has found its way to them, which takes two turns.
 */
export const reject = async (error: unknown): Promise<never> => {
  await undefined
  await undefined
  const known = attempt(() => extended.get(error as object))
  if (known !== undefined) known.awaited = new Error()
  throw error
}

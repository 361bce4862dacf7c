/**
 * Each method of a handle once more, as one that submits when it is called. What is no method of the handle is no method
 * here.
 */
import * as Context from "effect/Context"
import * as Stream from "effect/Stream"
import type { AbortSignalLike, CallOptions } from "../../Actor.ts"
import type * as AsyncHandle from "../../AsyncHandle.ts"
import { stranger, versioned } from "../base/copies.ts"
import { callOptions, onlyKnown } from "../base/options.ts"
import { isAborted } from "../call/signals.ts"
import { refuse } from "./admit.ts"
import { Remote } from "./ask.ts"
import { EagerCall } from "./eager.ts"
import { addMembers, CellKey, isHandle, member, noHandle, settable } from "./handle.ts"
import * as samples from "./samples.ts"
import { subscriptions } from "./streaming.ts"

interface AnyMethod {
  remote(...args: ReadonlyArray<unknown>): unknown
  options(options: CallOptions): AnyMethod
}

export const make = (handle: Record<string, AnyMethod>, options: AsyncHandle.Options = {}): object => {
  onlyKnown("AsyncHandle.make", options, { signal: true })
  callOptions("AsyncHandle.make", options)
  if (stranger(handle) !== undefined || (!isHandle(handle) && !hasMethods(handle)))
    throw noHandle("AsyncHandle.make", handle)
  samples.keep(EagerCall)
  const made: any = Object.create(prototype)
  made[Find] = finder(handle, options.signal)
  return addMembers(
    made,
    Object.keys(handle).map((name) => [name, memberOf(name)])
  )
}

const Find: unique symbol = Symbol("find") as any

interface Made {
  readonly [Find]: (name: string | symbol) => unknown
}

/** Finds what a handle has by that name. A method is made into one that submits. */
const finder = (handle: Record<PropertyKey, any>, signal: AbortSignalLike | undefined): Made[typeof Find] => {
  /** By the methods of the handle, which tests replace. */
  const known = new Map<unknown, unknown>()
  let last: unknown
  let made: unknown
  return (name) => {
    const method = handle[name]
    if (method === last) return made
    if (method?.remote === undefined || (Eager in method && signal === undefined)) return method
    made = known.get(method) ?? eager(name as string, signal === undefined ? method : method.options({ signal }))
    known.set(method, made)
    last = method
    return made
  }
}

/** The same for all, by name: so they have one shape, and the engine finds a method as it does in any object. */
const members: Record<string, PropertyDescriptor> = /* @__PURE__ */ Object.create(null)

const memberOf = (name: string): PropertyDescriptor =>
  (members[name] ??= member<Made>(name, (made) => made[Find](name)))

/**
 * What is no property of its own comes by here, at a tenth of an `await`: what the handle of a key can do shows late. It is
 * known to be a handle by its cell.
 */
const prototype = /* @__PURE__ */ settable(
  /* @__PURE__ */ new Proxy({ [CellKey]: undefined }, { get: (_, name, made: Made) => made[Find]?.(name) }),
  { [Find]: undefined }
)

/** The mark of methods that submit when they are called: the handle of such methods is one already. */
const Eager = Symbol.for(versioned("troupe/Eager"))

/** `remote` and `options` belong to the methods of a handle. A caller who tries them here is told what to write. */
const eager = (name: string, method: AnyMethod): object =>
  Object.assign((...args: ReadonlyArray<unknown>) => submit(method.remote(...args)), {
    [Eager]: true,
    remote: () => {
      throw new TypeError(`an AsyncHandle has no ${name}.remote: ${name}(...) submits the call and returns its ref`)
    },
    options: () => {
      throw new TypeError(
        `an AsyncHandle has no ${name}.options: set them on the handle, AsyncHandle.make({ ${name}: handle.${name}.options({ ... }) })`
      )
    }
  })

/** Some methods of handles, picked by hand, perhaps with options of their own. */
const hasMethods = (u: unknown): boolean =>
  typeof u === "object" && u !== null && Object.values(u).some((value) => typeof value?.remote === "function")

/** Submits for code that runs on no fiber. The ref is there even if the call has to wait for room, or is refused. */
const submit = (remote: unknown): EagerCall | AsyncIterable<unknown> => {
  if (!(remote instanceof Remote)) throw noHandle("AsyncHandle.make", remote)
  const { args, method, target } = remote
  const { reading } = subscriptions
  // No call: it is read from when the loop begins.
  if (reading?.isOne(target.resident, method)) return Stream.toAsyncIterable(reading.read(target, method, args))
  const line = target.resolve()
  const { cell } = line
  const call = new EagerCall(line, method, args, Context.empty(), false)
  if (!cell.full || isAborted(call)) cell.submit(call, undefined, false)
  else if (cell.options.overflow === "suspend") cell.whenRoom(call, () => cell.submit(call, undefined, false))
  else call.settle(refuse(cell, call))
  reading?.whenMade(call)
  return call
}

/**
 * A Proxy, since the handle of a key does not know its methods before they are called. What is no method of the handle is
 * no method here.
 */
import { Remote } from "./ask.ts"
import { isHandle } from "./handle.ts"

export const make = (handle: Record<string, { remote(...args: ReadonlyArray<unknown>): unknown }>): object => {
  if (!isHandle(handle) && !hasMethods(handle)) {
    throw new TypeError(
      "AsyncHandle.make takes the handle of an actor: what `await runtime.runPromise(Counter)` gives, or for a keyed actor `await runtime.runPromise(Account.get(key))`"
    )
  }
  const methods = new Map<string, unknown>()
  return new Proxy(handle, {
    get(target, name) {
      const method = Reflect.get(target, name)
      if (typeof name === "symbol" || method?.remote === undefined) return method
      if (!methods.has(name)) methods.set(name, (...args: ReadonlyArray<unknown>) => submit(method.remote(...args)))
      return methods.get(name)
    }
  })
}

/** Some methods of handles, picked by hand, perhaps with options of their own. */
const hasMethods = (u: unknown): boolean =>
  typeof u === "object" && u !== null && Object.values(u).some((value) => typeof value?.remote === "function")

const submit = (remote: unknown): unknown => {
  if (remote instanceof Remote) return remote.submit()
  throw new TypeError("AsyncHandle.make takes the handle of an actor")
}

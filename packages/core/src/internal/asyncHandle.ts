import * as Effect from "effect/Effect"
import { Ref } from "./ref.ts"

type Remote = (...args: ReadonlyArray<unknown>) => Effect.Effect<Ref, unknown>

/**
 * A Proxy, since the handle of a key does not know its methods before they are called. What is no method of the handle is
 * no method here.
 */
export const make = (handle: Record<string, { readonly remote: Remote }>): object => {
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

const submit = (remote: Effect.Effect<Ref, unknown>): Ref => {
  const fiber = Effect.runFork(remote)
  const exit = fiber.pollUnsafe()
  if (exit?._tag === "Success") return exit.value
  // Refused, or waiting for room: a ref of our own stands in for the one to come.
  const ref = new Ref()
  fiber.addObserver((exit) => {
    if (exit._tag === "Success") exit.value.observe((exit) => ref.settle(exit))
    else ref.settle(exit)
  })
  return ref
}

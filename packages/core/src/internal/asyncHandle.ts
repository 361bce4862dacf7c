import * as Effect from "effect/Effect"
import { Ref } from "./ref.ts"

type Remote = (...args: ReadonlyArray<unknown>) => Effect.Effect<Ref, unknown>

export const make = (handle: Record<string, { readonly remote: Remote }>): object => {
  const methods: Record<string, unknown> = {}
  for (const [name, method] of Object.entries(handle)) {
    methods[name] = (...args: ReadonlyArray<unknown>) => submit(method.remote(...args))
  }
  return methods
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

/** The workloads that several rows share, each written once per dialect. */
import { Effect } from "effect"
import type { Workload } from "../harness.ts"

const plain: Workload["plain"] = ({ call }, n) => {
  let sum = 0
  for (let i = 0; i < n; i++) sum += call(1)
  return sum
}

/** Each call is sent when the one before has been answered. */
export const oneByOne: Workload = {
  promise: async ({ call, ask = call }, n) => {
    let sum = 0
    for (let i = 0; i < n; i++) sum += await ask(1)
    return sum
  },
  effect: Effect.fnUntraced(function* ({ ask }, n) {
    let sum = 0
    for (let i = 0; i < n; i++) sum += yield* ask(1)
    return sum
  }),
  plain
}

/** Submits `size` calls, then waits for all their answers; and again, until `n` are done. */
export const inFlight = (size: number): Workload => ({
  promise: async ({ call }, n) => {
    let sum = 0
    for (let done = 0; done < n; done += size) {
      const promises: Array<Promise<number>> = []
      for (let i = done; i < Math.min(n, done + size); i++) promises.push(call(1))
      for (const promise of promises) sum += await promise
    }
    return sum
  },
  effect: Effect.fnUntraced(function* ({ remote }, n) {
    let sum = 0
    for (let done = 0; done < n; done += size) {
      const refs: Array<Effect.Effect<number, unknown>> = []
      for (let i = done; i < Math.min(n, done + size); i++) refs.push(yield* remote(1))
      for (const ref of refs) sum += yield* ref
    }
    return sum
  }),
  plain
})

/** Each call gives its ref or promise, which is awaited before the next one is sent. */
export const refByRef: Workload = {
  promise: async ({ call }, n) => {
    let sum = 0
    for (let i = 0; i < n; i++) sum += await call(1)
    return sum
  },
  effect: Effect.fnUntraced(function* ({ remote }, n) {
    let sum = 0
    for (let i = 0; i < n; i++) sum += yield* yield* remote(1)
    return sum
  }),
  plain
}

/**
 * The workloads of `main.py`, in Troupe: the same operations, as many of them, one fiber in the place of the driver.
 */
import { Actor, Driver, ObjectRef } from "@troupe/core"
import { Effect } from "effect"

class Counter extends Actor.Service<Counter>()("bench/ray/Counter", {
  make: Effect.sync(() => {
    let count = 0
    return { increment: () => Effect.sync(() => ++count) }
  })
}) {}

type Handle = Counter["Service"]
type Workload = (counter: Handle, n: number) => Effect.Effect<ReadonlyArray<number>, unknown, Driver.Driver>

const oneByOne: Workload = Effect.fnUntraced(function* ({ increment }, n) {
  const answers: Array<number> = []
  for (let i = 0; i < n; i++) answers.push(yield* ObjectRef.get(yield* increment.remote()))
  return answers
})

const submit = Effect.fnUntraced(function* ({ increment }: Handle, n: number) {
  const refs: Array<ObjectRef.ObjectRef<number, unknown>> = []
  for (let i = 0; i < n; i++) refs.push(yield* increment.remote())
  return refs
})

const inFlight: Workload = (counter, n) => Effect.flatMap(submit(counter, n), (refs) => ObjectRef.get(refs))

const wait: Workload = Effect.fnUntraced(function* (counter, n) {
  let pending: ReadonlyArray<ObjectRef.ObjectRef<number, unknown>> = yield* submit(counter, n)
  const answers: Array<number> = []
  while (pending.length > 0) {
    const [ready, rest] = yield* ObjectRef.wait(pending)
    answers.push(yield* ObjectRef.get(ready[0]!))
    pending = rest
  }
  return answers
})

const create: Workload = (_, n) =>
  Effect.gen(function* () {
    const refs: Array<ObjectRef.ObjectRef<number, unknown>> = []
    for (let i = 0; i < n; i++) refs.push(yield* (yield* Counter.spawn()).increment.remote())
    return yield* ObjectRef.get(refs)
  }).pipe(Effect.scoped)

const workloads = { oneByOne, inFlight, wait, create }

export type Name = keyof typeof workloads
export type Figures = Readonly<Record<Name, number>>

export interface Plan {
  readonly sizes: Readonly<Record<Name, number>>
  readonly rounds: number
}

/** A round repeats its workload until this much time has passed: ten actors take us less than a timer can see. */
const ROUND_MS = 200

/** Microseconds per operation, the median of the rounds. The first round is for warming up. */
const measure = Effect.fnUntraced(function* (name: Name, { rounds, sizes }: Plan) {
  const n = sizes[name]
  const counter = yield* Counter.spawn()
  const times: Array<number> = []
  let done = 0
  for (let round = 0; round <= rounds; round++) {
    const start = performance.now()
    let operations = 0
    while (performance.now() - start < ROUND_MS) {
      const answers = yield* workloads[name](counter, n)
      verify(name, answers, name === "create" ? undefined : done)
      done += n
      operations += n
    }
    times.push(((performance.now() - start) / operations) * 1000)
  }
  return median(times.slice(1))
})

/** The answers of `n` calls are `done + 1, ..., done + n`; those of fresh counters are all 1. */
const verify = (name: string, answers: ReadonlyArray<number>, done: number | undefined): void => {
  const right = answers.every((answer, i) => answer === (done === undefined ? 1 : done + i + 1))
  if (!right) throw new Error(`${name} gave wrong answers`)
}

const median = (times: ReadonlyArray<number>): number => {
  const sorted = [...times].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

export const run = (plan: Plan): Promise<Figures> =>
  Effect.gen(function* () {
    const figures: Partial<Record<Name, number>> = {}
    for (const name of Object.keys(workloads) as Array<Name>) figures[name] = yield* Effect.scoped(measure(name, plan))
    return figures as Figures
  }).pipe(Effect.provide(Driver.layer), Effect.runPromise)

/**
 * How many schedules the explorer runs in a second:
 *
 *     npx node --conditions=@troupe/source packages/testing/bench/schedules.ts
 *
 * Programs of 10, 100 and 1000 calls: half of them remote calls, half asks by five fibers; of methods that have their
 * result at once, and of methods that yield in between. Each figure is the best of three.
 */
import { Actor, ObjectRef } from "@troupe/core"
import { Explore } from "@troupe/testing"
import { Effect, Ref } from "effect"

class Counter extends Actor.Service<Counter>()("bench/Counter", {
  make: Effect.map(Ref.make(0), (count) => {
    const add = Ref.updateAndGet(count, (n) => n + 1)
    return { add: () => add, yieldAndAdd: () => Effect.andThen(Effect.yieldNow, add), get: () => Ref.get(count) }
  })
}) {}

const program = (method: "add" | "yieldAndAdd", calls: number) =>
  Effect.gen(function* () {
    const counter = yield* Counter.spawn()
    const refs: Array<ObjectRef.ObjectRef<number, unknown>> = []
    for (let i = 0; i < calls / 2; i++) refs.push(yield* counter[method].remote())
    const asker = Effect.repeat(counter[method](), { times: calls / 10 - 1 })
    yield* Effect.all([asker, asker, asker, asker, asker], { concurrency: "unbounded", discard: true })
    yield* ObjectRef.all(refs)
    if ((yield* counter.get()) !== calls) yield* Effect.die(new Error("an update was lost"))
  })

const strategies = ["mixed", "random", "pct", "exhaustive"] as const

const best = async (method: "add" | "yieldAndAdd", calls: number, strategy: Explore.Strategy): Promise<number> => {
  const rates: Array<number> = []
  const schedules = Math.max(50, 50_000 / calls)
  for (let seed = 1; seed <= 3; seed++) {
    const report = await Effect.runPromise(Explore.check(program(method, calls), { strategy, schedules, seed }))
    rates.push(report.perSecond)
  }
  return Math.max(...rates)
}

console.log(["schedules/s".padEnd(24), ...strategies.map((strategy) => strategy.padStart(12))].join(""))
for (const method of ["add", "yieldAndAdd"] as const) {
  for (const calls of [10, 100, 1000]) {
    const cells = [`${calls} calls of ${method}`.padEnd(24)]
    for (const strategy of strategies)
      cells.push((await best(method, calls, strategy)).toLocaleString("en").padStart(12))
    console.log(cells.join(""))
  }
}

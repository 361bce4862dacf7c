// A printer takes the paper tray, prints, and puts the tray back. Who is interrupted in between takes it along.
import { Actor, ObjectRef } from "@troupe/core"
import { Effect, Ref, Semaphore } from "effect"
import type { Bug } from "./bug.ts"

const program = (bracketed: boolean) =>
  Effect.gen(function* () {
    class Printer extends Actor.Service<Printer>()("Printer", {
      make: Effect.gen(function* () {
        const tray = yield* Semaphore.make(1)
        const pages = yield* Ref.make(0)
        const page = Ref.update(pages, (count) => count + 1)
        const careless = Effect.gen(function* () {
          yield* tray.take(1)
          yield* page
          yield* tray.release(1)
        })
        return { print: () => (bracketed ? tray.withPermits(1)(page) : careless) }
      })
    }) {}
    const printer = yield* Printer.spawn()
    const first = yield* printer.print.remote()
    yield* Effect.yieldNow
    yield* ObjectRef.cancel(first)
    yield* printer.print()
  })

export const permitLeak: Bug = {
  name: "permit leak on interrupt",
  broken: program(false),
  fixed: program(true),
  kind: "Deadlock",
  within: 100
}

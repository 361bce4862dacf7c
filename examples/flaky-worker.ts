/**
 * A worker that crashes and is supervised: `restart` says how often it is rebuilt, and after what pause. Calls in line
 * are not affected. When the schedule ends, the worker dies, and `Actor.watch` says why.
 *
 *     npx node --conditions=@troupe/source examples/flaky-worker.ts
 */
import { Actor, ActorContext, ActorError, ObjectRef } from "@troupe/core"
import { Cause, Console, Effect, Exit, Schedule } from "effect"

class Printer extends Actor.Service<Printer>()("app/Printer", {
  maxConcurrency: 1,
  // Rebuild it at most twice: after 20 ms, then after 40 ms.
  restart: Schedule.exponential("20 millis").pipe(Schedule.upTo({ times: 2 })),
  // The constructor and its finalizers run once per start, so every start begins with fresh state.
  make: Effect.gen(function* () {
    const { restarts } = yield* ActorContext.ActorContext
    yield* Effect.acquireRelease(Console.log(`switched on, restarts: ${restarts}`), () => Console.log("switched off"))
    let printed = 0
    return {
      print: Effect.fnUntraced(function* (page: number) {
        if (printed === 2) return yield* Effect.die(new Error("paper jam"))
        yield* Effect.sleep("5 millis")
        printed++
        yield* Console.log(`printed page ${page}`)
      })
    }
  })
}) {}

const program = Effect.gen(function* () {
  const printer = yield* Printer.spawn()

  // All pages are in line before the first one is printed.
  const pages = Array.from({ length: 10 }, (_, i) => i + 1)
  const exits = yield* ObjectRef.allSettled(yield* Effect.forEach(pages, (page) => printer.print.remote(page)))

  // The page that jams may be half printed, so it is not printed again, unless `maxTaskRetries` says so.
  for (const [i, exit] of exits.entries()) {
    if (Exit.isFailure(exit)) yield* Console.log(`page ${i + 1} failed: ${explain(Cause.squash(exit.cause))}`)
  }

  const death = yield* Actor.watch(printer)
  yield* Console.log(`the printer died: ${death.why} (${death.cause})`)
})

const explain = (error: unknown) => (ActorError.isActorError(error) ? error.reason._tag : error)

await Effect.runPromise(Effect.scoped(program))

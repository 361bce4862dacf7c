/**
 * What the page of the inspector costs the program that it shows: CPU time of the whole process, with no page and with
 * one open. CPU time, since a machine that does other things tells less by the clock.
 *
 *     npx node --conditions=@troupe/source bench/inspector.ts
 */
import { type ChildProcess, spawn } from "node:child_process"
import { Actor } from "@troupe/core"
import { Inspector } from "@troupe/inspector"
import { Console, Effect, References } from "effect"

const ROUNDS = 5
const SECONDS = 1.5

class Counter extends Actor.Service<Counter>()("bench/Counter", {
  make: Effect.sync(() => {
    let count = 0
    return {
      add: (by: number) => Effect.sync(() => (count += by)),
      nap: () => Effect.sleep("1 millis")
    }
  })
}) {}

class Room extends Actor.Keyed<Room>()("bench/Room", {
  idleTimeToLive: "1 hour",
  make: (_key: string) => Effect.succeed({ greet: () => Effect.void })
}) {}

/** Microseconds of this process. */
const cpu = (): number => {
  const { system, user } = process.cpuUsage()
  return system + user
}

/** Asks as fast as one fiber can. Gives microseconds per ask. */
const fast = Effect.gen(function* () {
  const counter = yield* Counter
  const start = cpu()
  let asks = 0
  for (const end = performance.now() + SECONDS * 1000; performance.now() < end; asks += 2000) {
    for (let i = 0; i < 2000; i++) yield* counter.add(1)
    // Lets the page have its turn.
    yield* Effect.sleep(0)
  }
  return (cpu() - start) / asks
})

/** Twenty calls at a time that sleep, some 1,600 in a second. Gives the share of a core, in percent. */
const modest = Effect.gen(function* () {
  const counter = yield* Counter
  const [start, begin] = [cpu(), performance.now()]
  while (performance.now() - begin < SECONDS * 1000) {
    yield* Effect.all(
      Array.from({ length: 20 }, () => counter.nap()),
      { concurrency: "unbounded" }
    )
    yield* Effect.sleep("10 millis")
  }
  return (cpu() - start) / (performance.now() - begin) / 10
})

/** Nothing but the present instances. Gives the share of a core, in percent. */
const idle = Effect.gen(function* () {
  const [start, begin] = [cpu(), performance.now()]
  yield* Effect.sleep(SECONDS * 2000)
  return (cpu() - start) / (performance.now() - begin) / 10
})

const reader = `fetch(process.argv[1]).then((response) => response.body.pipeTo(new WritableStream()))`

/** A page, in a process of its own: reading is not what is measured. */
const page = Effect.gen(function* () {
  const { url } = yield* Inspector.Inspector
  const feed = new URL("/api/feed", url).href
  yield* Effect.acquireRelease(
    Effect.sync(() => spawn(process.execPath, ["-e", reader, feed], { stdio: "ignore" })),
    (child: ChildProcess) => Effect.sync(() => child.kill())
  )
  yield* Effect.sleep("2 seconds")
})

const median = (values: ReadonlyArray<number>): number => values.toSorted((a, b) => a - b)[values.length >> 1]!

const compare = <R>(name: string, unit: string, measure: Effect.Effect<number, unknown, R>) =>
  Effect.gen(function* () {
    const closed: Array<number> = []
    const open: Array<number> = []
    yield* measure
    for (let round = 0; round < ROUNDS; round++) {
      closed.push(yield* measure)
      open.push(yield* Effect.scoped(Effect.andThen(page, measure)))
      // The inspector watches for ten more seconds, for a page that is loaded again.
      yield* Effect.sleep("10.5 seconds")
    }
    const [a, b] = [median(closed), median(open)]
    yield* Console.log(
      `${name}: ${a.toFixed(2)} ${unit} closed, ${b.toFixed(2)} open, ${(b / a).toFixed(2)} times as much`
    )
  })

const program = Effect.gen(function* () {
  yield* compare("an ask", "µs", fast)
  yield* compare("1,600 calls a second", "% of a core", modest)
  const rooms = yield* Room
  yield* Effect.forEach(Array.from({ length: 3000 }), (_, i) => rooms.get(`${i}`).greet())
  yield* compare("3,000 idle residents", "% of a core", idle)
})

await program.pipe(
  Effect.provide([Counter.layer, Room.layer, Inspector.layer({ port: 0 })]),
  Effect.provideService(References.MinimumLogLevel, "Warn"),
  Effect.runPromise
)

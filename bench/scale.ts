/**
 * How far one actor goes: `npm run bench:scale -- [--most 1000000]`. One actor with up to a million calls in line, and
 * one keyed actor with up to a million instances: what each costs, ten times more at a time, and whether the cost of one
 * stays the same. Each size has a process of its own.
 */
import { fork } from "node:child_process"
import { setTimeout } from "node:timers/promises"
import { parseArgs } from "node:util"
import { Actor, ActorSystem, type ObjectRef } from "@troupe/core"
import { Deferred, Effect, Exit, Layer, Logger, Scope } from "effect"
import { TestClock } from "effect/testing"
import { collectGarbage } from "./harness.ts"
import { printTable, type Table } from "./report.ts"

/** What is measured, in the order of the table: microseconds and bytes for each call or instance, and milliseconds. */
type Figures = Readonly<Record<string, number>>

const clock = () => {
  const start = performance.now()
  return () => performance.now() - start
}

/** Twice, since finalizers that run after a collection let go of more. */
const heap = Effect.promise(async () => {
  collectGarbage()
  await setTimeout(10)
  collectGarbage()
  return process.memoryUsage().heapUsed
})

const expect = (what: string, figure: unknown, expected: unknown): void => {
  if (figure !== expected) throw new Error(`${what}: ${figure}, expected ${expected}`)
}

/** How long a look at the first hundred takes, the second time: the first one is that of cold code. */
const snapshotMs = Effect.gen(function* () {
  yield* ActorSystem.snapshot({ limit: 100 })
  const elapsed = clock()
  yield* ActorSystem.snapshot({ limit: 100 })
  return elapsed()
})

// --- calls -----------------------------------------------------------------------------------------------------------

class Counter extends Actor.Service<Counter>()("scale/Counter", {
  make: Effect.sync(() => {
    let count = 0
    return {
      add: (by: number) => Effect.sync(() => (count += by)),
      hold: (gate: Deferred.Deferred<void>) => Deferred.await(gate)
    }
  }),
  maxConcurrency: 1,
  shutdownTimeout: 0
}) {}

/** An actor whose only permit is taken, and `n` calls behind that. */
const lined = Effect.fnUntraced(function* (n: number, pending: Array<ObjectRef.ObjectRef<number, unknown>>) {
  const counter = yield* Counter.spawn()
  const gate = yield* Deferred.make<void>()
  yield* counter.hold.remote(gate)
  for (let i = 0; i < n; i++) pending[i] = yield* counter.add.remote(1)
  return gate
})

const refsFor = (n: number) => new Array<ObjectRef.ObjectRef<number, unknown>>(n)

const calls = Effect.fnUntraced(function* (n: number) {
  const drained = Effect.gen(function* () {
    const pending = refsFor(n)
    const before = yield* heap
    const submitting = clock()
    const gate = yield* lined(n, pending)
    const submit = (submitting() * 1000) / n
    const bytes = ((yield* heap) - before) / n
    const snapshot = yield* snapshotMs
    const draining = clock()
    yield* Deferred.succeed(gate, undefined)
    let sum = 0
    for (const ref of pending) sum += yield* ref
    expect("the sum of the answers", sum, (n * (n + 1)) / 2)
    return { submit, bytes, snapshot, drain: (draining() * 1000) / n }
  })
  const figures = yield* Effect.scoped(drained)

  const scope = yield* Scope.make()
  const pending = refsFor(n)
  yield* Scope.provide(lined(n, pending), scope)
  const closing = clock()
  yield* Scope.close(scope, Exit.void)
  let failed = 0
  for (const ref of pending) if (Exit.isFailure(yield* Effect.exit(ref))) failed++
  expect("calls that the close has failed", failed, n)
  return { ...figures, close: (closing() * 1000) / n }
})

// --- instances -------------------------------------------------------------------------------------------------------

class Room extends Actor.Keyed<Room>()("scale/Room", {
  make: (_: number) =>
    Effect.sync(() => {
      let count = 0
      return { add: (by: number) => Effect.sync(() => (count += by)) }
    }),
  idleTimeToLive: "1 minute",
  maxInstances: Number.POSITIVE_INFINITY
}) {}

const rooms = Effect.flatMap(Layer.build(Room.layer), (context) => Effect.provideContext(Room, context))

const askAll = Effect.fnUntraced(function* (actors: Room["Service"], n: number, answer: number) {
  const elapsed = clock()
  let sum = 0
  for (let i = 0; i < n; i++) sum += yield* actors.get(i).add(1)
  expect("the sum of the answers", sum, n * answer)
  return (elapsed() * 1000) / n
})

const instances = Effect.fnUntraced(function* (n: number) {
  const scope = yield* Scope.make()
  const actors = yield* Scope.provide(rooms, scope)
  const before = yield* heap
  const start = yield* askAll(actors, n, 1)
  const bytes = ((yield* heap) - before) / n
  const ask = yield* askAll(actors, n, 2)
  const snapshot = yield* snapshotMs
  const passivating = clock()
  yield* TestClock.adjust("2 minutes")
  expect("keys after their time", (yield* actors.keys).length, 0)
  const passivate = (passivating() * 1000) / n

  yield* askAll(actors, n, 1)
  const closing = clock()
  yield* Scope.close(scope, Exit.void)
  return { start, ask, bytes, snapshot, passivate, close: (closing() * 1000) / n }
})

// --- sizes -----------------------------------------------------------------------------------------------------------

const works: Readonly<Record<string, (n: number) => Effect.Effect<Figures, unknown>>> = {
  calls,
  instances: (n) => instances(n).pipe(Effect.scoped, Effect.provide(TestClock.layer()))
}

const titles: Readonly<Record<string, string>> = {
  calls: "calls: one actor, and so many calls in line behind one that runs",
  instances: "instances: one keyed actor, and so many keys"
}

const units: Readonly<Record<string, string>> = { bytes: "bytes", snapshot: "snapshot, ms" }

const inChild = (what: string, n: number): Promise<Figures> =>
  new Promise((resolve, reject) => {
    const execArgv = [...process.execArgv, "--max-old-space-size=12000"]
    const child = fork(import.meta.filename, [what, String(n)], { execArgv })
    child.once("message", (figures) => resolve(figures as Figures))
    child.once("exit", (code) => reject(new Error(`${what} of ${n} ended with ${code}`)))
  })

/** More than this times the cost of one at a tenth of the size is not linear. Caches and the collector have their share. */
const LINEAR = 1.5

const tableOf = async (what: string, sizes: ReadonlyArray<number>): Promise<Table> => {
  const figures: Array<Figures> = []
  for (const n of sizes) figures.push(await inChild(what, n))
  const [last, before] = [figures.at(-1)!, figures.at(-2) ?? figures.at(-1)!]
  // A look at the first hundred is to take as long as before, whatever the size; all else is per call or instance.
  const verdict = (name: string) => (last[name]! <= before[name]! * LINEAR ? "yes" : "NO")
  const names = Object.keys(last)
  return {
    title: titles[what]!,
    columns: [what, ...names.map((name) => units[name] ?? `${name}, us`)],
    lines: [
      ...sizes.map((n, i) => ({ name: n.toLocaleString("en-US"), cells: names.map((name) => figures[i]![name]) })),
      { name: `at most ${LINEAR} times`, cells: names.map(verdict) }
    ]
  }
}

const main = async () => {
  const { values } = parseArgs({ options: { most: { type: "string", default: "1000000" } } })
  const most = Number(values.most)
  if (!Number.isInteger(most) || most < 1000) throw new Error("--most must be a whole number from 1000")
  const sizes = [most / 1000, most / 100, most / 10, most].map(Math.ceil)
  for (const what of Object.keys(works)) console.log(printTable(await tableOf(what, sizes)))
}

/** What a child process does: the same with some calls or instances first, so that the code is compiled. */
const WARM_UP = 5000

const measure = (work: (n: number) => Effect.Effect<Figures, unknown>, n: number): Promise<Figures> => {
  // Calls that fail with their actor are counted here, and need no warnings.
  const run = (n: number) => Effect.runPromise(Effect.provide(work(n), Logger.layer([])))
  return run(WARM_UP).then(() => run(n))
}

const [what, size] = process.argv.slice(2)
const work = works[what!]
if (process.send === undefined || work === undefined) await main()
else process.send(await measure(work, Number(size)))

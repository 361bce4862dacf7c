import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorSystem, ObjectRef, Task } from "@troupe/core"
import * as Timeline from "@troupe/inspector/Timeline"
import { Cause, Deferred, Effect, Fiber, FileSystem, type Latch, Random, Ref, Schedule, Scope } from "effect"
import { TestClock } from "effect/testing"
import { arrows, drawn, moments, namesOf, slices, verify } from "./timeline.ts"

/** Its calls take as long as they are told. */
class Kitchen extends Actor.Service<Kitchen>()("test/Kitchen", {
  shutdownTimeout: 0,
  onDefect: "restart",
  restart: Schedule.recurs(3),
  make: Effect.succeed({
    cook: (millis: number) => Effect.sleep(millis),
    burn: () => Effect.fail("burnt" as const),
    explode: () => Effect.die(new Error("gas")),
    serve: () => Effect.void,
    hold: (latch: Latch.Latch) => latch.await
  })
}) {}

class Waiter extends Actor.Service<Waiter>()("test/Waiter", {
  shutdownTimeout: 0,
  make: Effect.succeed({
    order: (kitchen: Kitchen["Service"], millis: number) => kitchen.cook(millis),
    orderLater: (kitchen: Kitchen["Service"], millis: number) => Effect.flatten(kitchen.cook.remote(millis)),
    orderAll: (kitchen: Kitchen["Service"], millis: ReadonlyArray<number>) =>
      Effect.forEach(millis, (each) => kitchen.cook(each), { concurrency: "unbounded", discard: true })
  })
}) {}

const pass = (millis: number) => TestClock.adjust(millis)
const own = Effect.provide(ActorSystem.layer)
const settled = <A, E>(ref: ObjectRef.ObjectRef<A, E>) => Effect.exit(ref)

describe("Timeline.record", () => {
  it.effect("draws each call that runs in the lowest free lane, and the time it took", () =>
    Effect.gen(function* () {
      const recording = yield* Timeline.record()
      const kitchen = yield* Kitchen.spawn()
      const long = yield* kitchen.cook.remote(100)
      const short = yield* kitchen.cook.remote(10)
      yield* pass(10)
      yield* short
      const next = yield* kitchen.cook.remote(20)
      yield* pass(20)
      yield* next
      yield* pass(70)
      yield* long
      const trace = yield* recording.trace
      verify(trace)
      assert.deepStrictEqual(drawn(trace, "running"), ["running 1: cook", "running 2: cook", "running 2: cook"])
      assert.deepStrictEqual(
        slices(trace, "running").map(({ ts, dur }) => [Math.round(ts / 1000), Math.round(dur / 1000)]),
        [
          [0, 100],
          [0, 10],
          [10, 20]
        ]
      )
      assert.match([...namesOf(trace, "process_name").values()].join(), /^test\/Kitchen #\d+$/)
    }).pipe(own)
  )

  it.effect("draws waiting apart from running, and never more lanes than calls run at a time", () =>
    Effect.gen(function* () {
      const recording = yield* Timeline.record()
      const kitchen = yield* Kitchen.options({ maxConcurrency: 1 }).spawn()
      const refs = yield* Effect.replicateEffect(kitchen.cook.remote(10), 3)
      yield* Effect.replicateEffect(pass(10), 3)
      yield* Effect.forEach(refs, settled)
      const trace = yield* recording.trace
      verify(trace)
      assert.deepStrictEqual(drawn(trace, "running"), Array(3).fill("running 1: cook"))
      assert.deepStrictEqual(drawn(trace, "waiting"), ["waiting 2: cook", "waiting 3: cook"])
      assert.deepStrictEqual(
        slices(trace, "running").map(({ args }) => Math.round(Number(args.waitedMs))),
        [0, 10, 20]
      )
    }).pipe(own)
  )

  it.effect("shows how many run and wait as a curve that ends at zero", () =>
    Effect.gen(function* () {
      const recording = yield* Timeline.record()
      const kitchen = yield* Kitchen.options({ maxConcurrency: 1 }).spawn()
      const refs = yield* Effect.replicateEffect(kitchen.cook.remote(10), 3)
      yield* Effect.replicateEffect(pass(10), 3)
      yield* Effect.forEach(refs, settled)
      const { traceEvents } = yield* recording.trace
      const points = traceEvents.filter((event) => event.ph === "C").map(({ args }) => [args.running, args.waiting])
      assert.deepStrictEqual(points, [
        [1, 2],
        [1, 1],
        [1, 0],
        [0, 0]
      ])
    }).pipe(own)
  )

  it.effect("draws arrows from the call that submitted to the call that was submitted", () =>
    Effect.gen(function* () {
      const recording = yield* Timeline.record()
      const kitchen = yield* Kitchen.options({ maxConcurrency: 1 }).spawn()
      const waiter = yield* Waiter.spawn()
      const fiber = yield* Effect.forkChild(
        Effect.all([waiter.order(kitchen, 10), waiter.orderLater(kitchen, 10)], { concurrency: 2 })
      )
      yield* Effect.replicateEffect(pass(10), 2)
      yield* Fiber.join(fiber)
      yield* kitchen.serve()
      const trace = yield* recording.trace
      verify(trace)
      assert.deepStrictEqual(arrows(trace), [
        "order (running 1) -> cook (running 1)",
        "orderLater (running 2) -> cook (waiting 1) -> cook (running 1)"
      ])
      assert.match(String(slices(trace).find(({ name }) => name === "cook")!.args.by), /^order \(call \d+\)$/)
    }).pipe(own)
  )

  it.effect("shows how calls ended: failed, died, cancelled while running and in line, out of time", () =>
    Effect.gen(function* () {
      const recording = yield* Timeline.record()
      const kitchen = yield* Kitchen.options({ maxConcurrency: 1, onDefect: "resume" }).spawn()
      yield* Effect.exit(kitchen.burn())
      yield* Effect.exit(kitchen.explode())
      const running = yield* kitchen.cook.remote(10)
      const waiting = yield* kitchen.cook.remote(10)
      yield* pass(5)
      yield* ObjectRef.cancel(waiting)
      yield* ObjectRef.cancel(running)
      const late = yield* Effect.forkChild(Effect.exit(kitchen.cook.options({ timeout: 5 })(10)))
      yield* pass(5)
      yield* Fiber.join(late)
      const trace = yield* recording.trace
      verify(trace)
      assert.sameMembers(
        [...drawn(trace)],
        [
          "running 1: burn (failed)",
          "running 1: explode (died)",
          "running 1: cook (cancelled)",
          "waiting 2: cook (cancelled)",
          "running 1: cook (timedOut)"
        ]
      )
      assert.strictEqual(slices(trace)[0]!.args.error, "burnt")
    }).pipe(own)
  )

  it.effect("shows restarts and deaths as moments of the instance, and calls that run again as two runs", () =>
    Effect.gen(function* () {
      const recording = yield* Timeline.record()
      const explosions = yield* Ref.make(2)
      class Stove extends Actor.Service<Stove>()("test/Stove", {
        restart: Schedule.spaced(5),
        maxTaskRetries: 5,
        make: Effect.succeed({
          light: () =>
            Effect.flatMap(
              Ref.getAndUpdate(explosions, (n) => n - 1),
              (left) => (left > 0 ? Effect.die(new Error(`gas ${left}`)) : Effect.void)
            )
        })
      }) {}
      const stove = yield* Stove.spawn()
      const ref = yield* stove.light.remote()
      yield* Effect.replicateEffect(pass(5), 4)
      yield* ref
      yield* Actor.kill(stove)
      const trace = yield* recording.trace
      verify(trace)
      assert.deepStrictEqual(moments(trace), [
        "started",
        "restarting",
        "restarted (1)",
        "restarting",
        "restarted (2)",
        "died: it was killed",
        "gone"
      ])
      assert.deepStrictEqual(drawn(trace, "running"), [
        "running 1: light (to run again)",
        "running 1: light (to run again)",
        "running 1: light"
      ])
      assert.deepStrictEqual(arrows(trace).length, 1)
      assert.deepStrictEqual(
        slices(trace, "running").map(({ args }) => args.attempt ?? 1),
        [1, 2, 3]
      )
    }).pipe(own)
  )

  it.effect("names instances by actor, key, name and number, and shows tasks", () =>
    Effect.gen(function* () {
      class Account extends Actor.Keyed<Account>()("test/Account", {
        make: (_: string) => Effect.succeed({ open: () => Effect.void })
      }) {}
      const square = Task.make("test/square", (n: number) => Effect.succeed(n * n))
      const recording = yield* Timeline.record()
      yield* Effect.gen(function* () {
        yield* (yield* Account).get("alice").open()
      }).pipe(Effect.provide(Account.layer))
      yield* (yield* Kitchen.options({ name: "main" }).spawn()).serve()
      yield* square(3)
      const trace = yield* recording.trace
      verify(trace)
      const names = [...namesOf(trace, "process_name").values()].map((name) => name.replace(/\d+$/, "N"))
      assert.sameMembers(names, ["test/Account(alice) #N", 'test/Kitchen "main" #N', "test/square #N"])
    }).pipe(own)
  )

  it.effect("draws calls that were in flight before it began, and those that have not settled, up to now", () =>
    Effect.gen(function* () {
      const kitchen = yield* Kitchen.options({ maxConcurrency: 1 }).spawn()
      const first = yield* kitchen.cook.remote(100)
      const second = yield* kitchen.cook.remote(1000)
      const third = yield* kitchen.cook.remote(1000)
      yield* pass(60)
      const recording = yield* Timeline.record()
      yield* pass(40)
      yield* first
      yield* pass(20)
      const trace = yield* recording.trace
      verify(trace)
      assert.deepStrictEqual(
        slices(trace).map(({ cat, name, ts, dur, args }) => {
          const { beforeRecordingMs: before, unfinished } = args
          return [cat, name, Math.round(ts / 1000), Math.round(dur / 1000), Math.round(Number(before ?? 0)), unfinished]
        }),
        [
          ["running", "cook", 0, 40, 60, undefined],
          ["waiting", "cook", 0, 40, 60, undefined],
          ["waiting", "cook", 0, 60, 60, true],
          ["running", "cook", 40, 20, 0, true]
        ]
      )
      yield* Effect.forEach([second, third], (ref) => ObjectRef.cancel(ref))
    }).pipe(own)
  )

  it.effect("keeps the last events when there are more than its capacity, and says how many it dropped", () =>
    Effect.gen(function* () {
      const recording = yield* Timeline.record({ capacity: 10 })
      const kitchen = yield* Kitchen.options({ maxConcurrency: 2 }).spawn()
      const refs = yield* Effect.replicateEffect(kitchen.cook.remote(10), 40)
      yield* Effect.replicateEffect(pass(10), 20)
      yield* Effect.forEach(refs, settled)
      const { dropped, events } = yield* recording.recorded
      assert.lengthOf(events, 10)
      assert.strictEqual(dropped, 1 + 3 * 40 - 10)
      const trace = yield* recording.trace
      verify(trace)
      assert.strictEqual(trace.otherData.droppedEvents, dropped)
      // What they did before the first event that is kept is known from those that are.
      for (const { args, dur } of slices(trace, "running")) {
        assert.isUndefined(args.unfinished)
        assert.strictEqual(Math.round(dur / 1000), 10)
      }
    }).pipe(own)
  )

  it.effect("draws no more waiting calls at a time than it is told, and counts the others", () =>
    Effect.gen(function* () {
      const recording = yield* Timeline.record({ waitingLanes: 2 })
      const kitchen = yield* Kitchen.options({ maxConcurrency: 1 }).spawn()
      const refs = yield* Effect.replicateEffect(kitchen.cook.remote(10), 6)
      yield* Effect.replicateEffect(pass(10), 6)
      yield* Effect.forEach(refs, settled)
      const trace = yield* recording.trace
      verify(trace)
      const lanes = new Set(drawn(trace, "waiting").map((lane) => lane.split(":")[0]))
      assert.isAtMost(lanes.size, 2)
      assert.strictEqual(trace.otherData.undrawnWaits, 4)
      assert.lengthOf(drawn(trace, "running"), 6)
    }).pipe(own)
  )

  it.effect("records until its Scope closes, and can be looked at after that", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const recording = yield* Scope.provide(Timeline.record(), scope)
      const kitchen = yield* Kitchen.spawn()
      yield* kitchen.serve()
      yield* Scope.close(scope, yield* Effect.exit(Effect.void))
      yield* kitchen.serve()
      yield* pass(10)
      const trace = yield* recording.trace
      assert.lengthOf(slices(trace, "running"), 1)
      assert.strictEqual(trace.otherData.durationMs, 0)
    }).pipe(own)
  )

  it.effect("begins anew when it is cleared", () =>
    Effect.gen(function* () {
      const recording = yield* Timeline.record()
      const kitchen = yield* Kitchen.spawn()
      yield* kitchen.serve()
      yield* recording.clear
      const empty = yield* recording.trace
      assert.lengthOf(slices(empty), 0)
      yield* Effect.exit(kitchen.burn())
      assert.deepStrictEqual(drawn(yield* recording.trace), ["running 1: burn (failed)"])
    }).pipe(own)
  )

  it.effect("records the system it was started in, wherever the trace is asked for", () =>
    Effect.gen(function* () {
      const recording = yield* Timeline.record()
      const kitchen = yield* Kitchen.spawn()
      const ref = yield* kitchen.cook.remote(10)
      yield* pass(5)
      yield* recording.clear
      const trace = yield* Effect.provide(recording.trace, ActorSystem.layer)
      assert.deepStrictEqual(drawn(trace), ["running 1: cook"])
      yield* ObjectRef.cancel(ref)
    }).pipe(own)
  )

  it.effect.each([
    ["capacity", 0],
    ["capacity", 1.5],
    ["waitingLanes", Number.NaN]
  ] as const)("refuses %s %s, and says what it must be", ([what, value]) =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(Effect.scoped(Timeline.record({ [what]: value })))
      const defect = exit._tag === "Failure" ? Cause.squash(exit.cause) : undefined
      assert.instanceOf(defect, RangeError)
      assert.include(String(defect), `Timeline.record: ${what} must be an integer of at least 1, but is ${value}`)
    })
  )

  it.effect(
    "is a valid trace whatever the calls do",
    () =>
      Effect.gen(function* () {
        const seed = Number(process.env.TROUPE_SEED ?? Math.floor(Math.random() * 2 ** 31))
        yield* Random.withSeed(chaos, seed).pipe(
          Effect.onError(() => Effect.sync(() => console.error(`Repeat this with TROUPE_SEED=${seed}`)))
        )
      }),
    60_000
  )
})

/** Some seconds of calls that overlap, fail, are cancelled, and call each other, recorded with buffers of all sizes. */
const chaos = Effect.gen(function* () {
  for (let round = 0; round < 5; round++) {
    yield* Effect.scoped(Effect.provide(chaoticRound, ActorSystem.layer))
  }
})

const chaoticRound = Effect.gen(function* () {
  const below = (n: number) => Random.nextIntBetween(0, n)
  const kitchen = yield* Kitchen.options({ maxConcurrency: 1 + (yield* below(4)), maxTaskRetries: 1 }).spawn()
  const waiter = yield* Waiter.options({ maxConcurrency: 3 }).spawn()
  const recording = yield* Timeline.record({ capacity: 5 + (yield* below(200)), waitingLanes: 1 + (yield* below(5)) })
  const refs: Array<ObjectRef.ObjectRef<unknown, unknown>> = []
  for (let step = 0; step < 40; step++) {
    const millis = yield* below(20)
    const dice = yield* below(8)
    if (dice < 2) refs.push(yield* kitchen.cook.remote(millis))
    else if (dice === 2) refs.push(yield* waiter.order.remote(kitchen, millis))
    else if (dice === 3) refs.push(yield* waiter.orderAll.remote(kitchen, [millis, 1, 2, 3]))
    else if (dice === 4) refs.push(yield* kitchen.burn.remote())
    else if (dice === 5 && step % 10 === 0) refs.push(yield* kitchen.explode.remote())
    else if (dice === 6 && refs.length > 0) yield* Effect.forkChild(ObjectRef.cancel(refs[yield* below(refs.length)]!))
    yield* pass(yield* below(5))
    if (step % 13 === 0) verify(yield* recording.trace)
  }
  for (let i = 0; i < 100; i++) yield* pass(20)
  yield* Effect.forEach(refs, settled)
  verify(yield* recording.trace)
})

describe("Timeline.stringify", () => {
  it.effect("gives JSON of the object format, with one event per line", () =>
    Effect.gen(function* () {
      const recording = yield* Timeline.record()
      const kitchen = yield* Kitchen.spawn()
      yield* kitchen.serve()
      const trace = yield* recording.trace
      const text = Timeline.stringify(trace)
      assert.deepStrictEqual(JSON.parse(text), trace)
      assert.lengthOf(text.split("\n"), trace.traceEvents.length + 3)
    }).pipe(own)
  )
})

describe("Timeline.layer", () => {
  const disk = (write: FileSystem.FileSystem["writeFileString"]) => FileSystem.layerNoop({ writeFileString: write })

  it.effect("writes the file when the program is over, with the end of its actors in it", () =>
    Effect.gen(function* () {
      const written = yield* Deferred.make<readonly [string, string]>()
      const files = disk((file, text) => Effect.asVoid(Deferred.succeed(written, [file, text])))
      const program = Effect.gen(function* () {
        yield* (yield* Kitchen).serve()
      })
      yield* program.pipe(
        Effect.provide(Kitchen.layer),
        Effect.provide(Timeline.layer({ file: "timeline.json" })),
        Effect.provide(files)
      )
      const [file, text] = yield* Deferred.await(written)
      assert.strictEqual(file, "timeline.json")
      const trace: Timeline.ChromeTrace = JSON.parse(text)
      verify(trace)
      assert.deepStrictEqual(drawn(trace), ["running 1: serve"])
      assert.include(moments(trace).join(), "gone")
    }).pipe(own)
  )

  it.effect("does not take the result away from a program when the file cannot be written", () =>
    Effect.gen(function* () {
      const files = FileSystem.layerNoop({})
      const result = yield* Effect.succeed(42).pipe(
        Effect.provide(Timeline.layer({ file: "/nowhere/timeline.json" })),
        Effect.provide(files)
      )
      assert.strictEqual(result, 42)
    })
  )
})

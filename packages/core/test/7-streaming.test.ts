import { assert, describe, it } from "@effect/vitest"
import { Actor, ObjectRef } from "@troupe/core"
import { Cause, Context, Effect, Exit, Fiber, Schedule, Stream } from "effect"
import { TestClock } from "effect/testing"
import { defectOf, errorOf, fork, Probe, range, reasonOf, reasonOfExit, settle } from "./support.ts"

class Name extends Context.Service<Name, string>()("test/Name") {}

/** Streams and other methods next to each other. */
class Feed extends Actor.Service<Feed>()("test/Feed", {
  shutdownTimeout: 0,
  make: (probe: Probe = new Probe()) =>
    Effect.succeed({
      /** Logs each item as it is made. */
      items: (count: number) =>
        Stream.range(1, count).pipe(
          Stream.rechunk(1),
          Stream.mapEffect((n) => Effect.as(probe.note(`item ${n}`), n)),
          Stream.onStart(probe.note("start")),
          Stream.ensuring(probe.note("end"))
        ),
      /** Items, then a typed failure. */
      failing: (count: number, error: string) => Stream.concat(Stream.range(1, count), Stream.fail(error)),
      dying: (defect: unknown) => Stream.concat(Stream.make(1), Stream.die(defect)),
      /** Items as the probe opens them. */
      gated: (...ids: Array<string>) => Stream.mapEffect(Stream.fromIterable(ids), probe.work),
      chunks: (...sizes: Array<number>) =>
        Stream.flatMap(Stream.fromIterable(sizes), (size) => Stream.fromIterable(range(size))),
      of: (stream: Stream.Stream<any, any>) => stream,
      named: () => Stream.fromEffect(Effect.serviceOption(Name)),
      work: probe.work,
      note: probe.note,
      die: () => Effect.die("bug"),
      odd: () => 1 as never as Stream.Stream<number>
    })
}) {}

/** Pulls one item at a time, by hand. */
const puller = <A, E, R>(stream: Stream.Stream<A, E, R>) =>
  Effect.map(Stream.toPull(Stream.rechunk(stream, 1)), (pull) => Effect.map(pull, (chunk) => chunk[0]))

describe("7.5", () => {
  it.effect("7.5 a method that returns a Stream gives a Stream", () =>
    Effect.gen(function* () {
      const feed = yield* Feed.spawn()
      const stream = feed.items(3)
      assert.isTrue(Stream.isStream(stream))
      assert.deepStrictEqual(yield* Stream.runCollect(stream), [1, 2, 3])
      assert.deepStrictEqual(yield* Stream.runCollect(stream), [1, 2, 3], "each run is a call of its own")
      const doubled = stream.pipe(
        Stream.map((n) => n * 2),
        Stream.take(2)
      )
      assert.deepStrictEqual(yield* Stream.runCollect(doubled), [2, 4])
      assert.deepStrictEqual(yield* Stream.runCollect(feed.chunks()), [])
      assert.deepStrictEqual(yield* Stream.runCollect(feed.chunks(2, 0, 1)), [0, 1, 0])
    })
  )

  it.effect("7.5 it has no effect until it is run", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const feed = yield* Feed.spawn(probe)
      feed.items(3)
      yield* settle
      assert.deepStrictEqual(probe.log, [])
    })
  )

  it.effect("7.5 it is pulled on demand", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const feed = yield* Feed.spawn(probe)
      const pull = yield* puller(feed.items(5))
      assert.strictEqual(yield* pull, 1)
      yield* settle
      assert.deepStrictEqual(probe.log, ["start", "item 1"])
      assert.strictEqual(yield* pull, 2)
      yield* settle
      assert.deepStrictEqual(probe.log, ["start", "item 1", "item 2"])
    })
  )

  it.effect("7.5 it holds one permit from first pull to end", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const feed = yield* Feed.options({ maxConcurrency: 1 }).spawn(probe)
      const pull = yield* puller(feed.items(2))
      assert.match(String(feed), /0 running/, "none before the first pull")
      yield* pull
      assert.match(String(feed), /1 running/)
      const next = yield* feed.note.remote("next")
      yield* pull
      yield* settle
      assert.notInclude(probe.log, "next")
      assert.isTrue(Cause.isDone(yield* errorOf(pull)))
      yield* next
      assert.deepStrictEqual(probe.log, ["start", "item 1", "item 2", "end", "next"])
      assert.match(String(feed), /0 running, 0 waiting/)
    })
  )

  it.effect("7.5 it waits in line for its permit", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const feed = yield* Feed.options({ maxConcurrency: 1 }).spawn(probe)
      const holder = yield* feed.work.remote("holder")
      yield* probe.started("holder")
      const items = yield* fork(Stream.runCollect(feed.items(2)))
      const after = yield* feed.note.remote("after")
      yield* settle
      assert.deepStrictEqual(probe.log, ["holder start"])
      yield* probe.open("holder")
      yield* holder
      assert.deepStrictEqual(yield* Fiber.join(items), [1, 2])
      yield* after
      assert.deepStrictEqual(probe.log.slice(2), ["start", "item 1", "item 2", "end", "after"])
    })
  )

  it.effect("7.5 two streams of one actor run side by side, as permits allow", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const feed = yield* Feed.options({ maxConcurrency: 2 }).spawn(probe)
      const one = yield* puller(feed.items(2))
      const two = yield* puller(feed.items(2))
      assert.deepStrictEqual([yield* one, yield* two, yield* one, yield* two], [1, 1, 2, 2])
    })
  )

  it.effect("7.5 it ends when the consumer stops, finalizers included", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const feed = yield* Feed.options({ maxConcurrency: 1 }).spawn(probe)
      assert.deepStrictEqual(yield* Stream.runCollect(Stream.take(feed.items(1000), 2)), [1, 2])
      assert.strictEqual(probe.log.at(-1), "end")
      assert.isBelow(probe.log.length, 10)
      yield* feed.note("free")
    })
  )

  it.effect("7.5 it ends when the consumer is interrupted: between pulls and while it waits for an item", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const feed = yield* Feed.options({ maxConcurrency: 1 }).spawn(probe)
      const waits = yield* fork(Stream.runDrain(feed.gated("a")))
      yield* probe.started("a")
      yield* Fiber.interrupt(waits)
      assert.deepStrictEqual(probe.log, ["a start", "a cut"])
      const between = yield* fork(Stream.runForEach(feed.items(3), () => Effect.never))
      yield* settle
      yield* Fiber.interrupt(between)
      assert.deepStrictEqual(probe.log.slice(2), ["start", "item 1", "end"])
      yield* feed.note("free")
    })
  )

  it.effect("7.5 it ends when the consumer dies or fails", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const feed = yield* Feed.options({ maxConcurrency: 1 }).spawn(probe)
      const items = feed.items(1000)
      assert.strictEqual(yield* defectOf(Stream.runForEach(items, () => Effect.die("consumer"))), "consumer")
      assert.strictEqual(probe.log.at(-1), "end")
      assert.strictEqual(yield* errorOf(Stream.runForEach(items, () => Effect.fail("consumer"))), "consumer")
      assert.strictEqual(probe.log.at(-1), "end")
      yield* feed.note("free")
    })
  )

  it.effect("7.5 a stream that is interrupted while it waits in line or for room leaves no trace", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const options = { maxConcurrency: 1, maxPendingCalls: 2, overflow: "suspend" } as const
      const feed = yield* Feed.options(options).spawn(probe)
      yield* feed.work.remote("holder")
      yield* probe.started("holder")
      const inLine = yield* fork(Stream.runDrain(feed.items(1)))
      const suspended = yield* fork(Stream.runDrain(feed.items(2)))
      yield* Fiber.interruptAll([suspended, inLine])
      yield* probe.open("holder")
      yield* feed.note("free")
      assert.deepStrictEqual(probe.log, ["holder start", "holder end", "free"])
    })
  )

  it.effect("7.5 it carries the typed error in order after the items before it", () =>
    Effect.gen(function* () {
      const feed = yield* Feed.spawn()
      const seen: Array<number> = []
      const error: unknown = yield* errorOf(
        Stream.runForEach(feed.failing(3, "typed"), (n) => Effect.sync(() => seen.push(n)))
      )
      assert.strictEqual(error, "typed")
      assert.deepStrictEqual(seen, [1, 2, 3])
      const caught = Stream.catch(feed.failing(1, "typed"), () => Stream.make(42))
      assert.deepStrictEqual(yield* Stream.runCollect(caught), [1, 42])
    })
  )

  it.effect("7.5 a defect comes through as the same defect, and does to the actor what onDefect says", () =>
    Effect.gen(function* () {
      const defect = new Error("defect")
      const feed = yield* Feed.options({ onDefect: "stop" }).spawn()
      assert.strictEqual(yield* defectOf(Stream.runDrain(feed.dying(defect))), defect)
      assert.strictEqual((yield* Actor.watch(feed)).cause, defect)
    })
  )

  it.effect("7.5 a method that returns no Stream dies of it, and so does an Effect that is run as a Stream", () =>
    Effect.gen(function* () {
      const feed = yield* Feed.spawn()
      assert.instanceOf(yield* defectOf(Stream.runDrain(feed.odd())), TypeError)
      const misused = feed.note("a") as never as Stream.Stream<number>
      assert.instanceOf(yield* defectOf(Stream.runDrain(misused)), TypeError)
      const run = feed.items(1) as never as Effect.Effect<number>
      const defect = yield* defectOf(run)
      assert.instanceOf(defect, TypeError)
      assert.include(String(defect), "test/Feed.items")
    })
  )

  it.effect("7.5 a caller that takes a method for what it is not is told so, and does not harm the actor", () =>
    Effect.gen(function* () {
      const feed = yield* Feed.options({ onDefect: "stop" }).spawn()
      const note = feed.note("a") as never as Stream.Stream<number>
      assert.include(String(yield* defectOf(Stream.runDrain(note))), "TypeError: test/Feed.note returned no Stream")
      const items = feed.items(1) as never as Effect.Effect<number>
      assert.include(String(yield* defectOf(items)), "TypeError: test/Feed.items gives a Stream")
      assert.deepStrictEqual(yield* Stream.runCollect(feed.items(2)), [1, 2])
    })
  )

  it.effect("7.5 refs as arguments: the stream waits for them, and fails as they do", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const feed = yield* Feed.spawn(probe)
      const count = yield* ObjectRef.fromEffect(Effect.as(probe.gate("count"), 2))
      const items = yield* fork(Stream.runCollect(feed.items(count)))
      yield* settle
      assert.deepStrictEqual(probe.log, [])
      yield* probe.open("count")
      assert.deepStrictEqual(yield* Fiber.join(items), [1, 2])
      assert.strictEqual(yield* errorOf(Stream.runDrain(feed.items(ObjectRef.fail("argument")))), "argument")
    })
  )

  it.effect("7.5 killing the actor ends its streams with ActorDied, stopping it lets them finish", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const killed = yield* Feed.spawn(probe)
      const waits = yield* fork(Stream.runDrain(killed.gated("a")))
      const idle = yield* puller(killed.items(2))
      yield* idle
      yield* probe.started("a")
      yield* Actor.kill(killed)
      assert.deepInclude(reasonOfExit(yield* Fiber.await(waits)), { _tag: "ActorDied", mayHaveRun: true })
      assert.strictEqual((yield* reasonOf(idle))._tag, "ActorDied")
      assert.strictEqual((yield* reasonOf(Stream.runDrain(killed.items(1))))._tag, "ActorDied")
      const stopped = yield* Feed.spawn(probe)
      const items = yield* fork(Stream.runCollect(stopped.gated("b", "c")))
      yield* probe.started("b")
      const stop = yield* fork(Actor.stop(stopped))
      yield* probe.open("b", "c")
      assert.deepStrictEqual(yield* Fiber.join(items), ["b", "c"])
      yield* Fiber.join(stop)
    })
  )

  it.effect("7.5 it counts for maxPendingCalls", () =>
    Effect.gen(function* () {
      const feed = yield* Feed.options({ maxPendingCalls: 1 }).spawn()
      const pull = yield* puller(feed.items(2))
      yield* pull
      assert.strictEqual((yield* reasonOf(Stream.runDrain(feed.items(1))))._tag, "PendingCallsLimitExceeded")
      assert.strictEqual((yield* reasonOf(feed.note("a")))._tag, "PendingCallsLimitExceeded")
    })
  )

  it.effect("7.5 it runs in its concurrency group", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      class Grouped extends Actor.Service<Grouped>()("test/Grouped", {
        maxConcurrency: 1,
        shutdownTimeout: 0,
        concurrencyGroups: { feeds: { maxConcurrency: 1, methods: ["feed"] } },
        make: Effect.succeed({ feed: () => Stream.fromEffect(probe.work("feed")), note: probe.note })
      }) {}
      const grouped = yield* Grouped.spawn()
      const feed = yield* fork(Stream.runCollect(grouped.feed()))
      yield* probe.started("feed")
      yield* grouped.note("free")
      yield* probe.open("feed")
      assert.deepStrictEqual(yield* Fiber.join(feed), ["feed"])
    })
  )

  it.effect("7.5 an actor consumes the stream of another, or its own", () =>
    Effect.gen(function* () {
      class Consumer extends Actor.Service<Consumer>()("test/Consumer", {
        make: Effect.succeed({
          sum: (feed: Feed["Service"], count: number) =>
            Stream.runFold(
              feed.items(count),
              () => 0,
              (sum, n) => sum + n
            )
        })
      }) {}
      const feed = yield* Feed.spawn()
      const consumer = yield* Consumer.spawn()
      assert.strictEqual(yield* consumer.sum(feed, 4), 10)
      const nested = feed.of(Stream.map(feed.items(2), (n) => n * 10))
      assert.deepStrictEqual(yield* Stream.runCollect(nested), [10, 20])
    })
  )

  it.effect("7.5 a method may return the stream of another actor as it is", () =>
    Effect.gen(function* () {
      class Relay extends Actor.Service<Relay>()("test/Relay", {
        make: (feed: Feed["Service"]) =>
          Effect.succeed({ items: (count: number) => feed.items(count), failing: () => feed.failing(1, "typed") })
      }) {}
      const probe = new Probe()
      const feed = yield* Feed.spawn(probe)
      const relay = yield* Relay.spawn(feed)
      assert.deepStrictEqual(yield* Stream.runCollect(relay.items(2)), [1, 2])
      assert.deepStrictEqual(yield* Stream.runCollect(Stream.take(relay.items(1000), 1)), [1])
      assert.strictEqual(probe.log.at(-1), "end")
      assert.strictEqual(yield* errorOf(Stream.runDrain(relay.failing())), "typed")
    })
  )

  it.effect("7.5 the consumer's services reach the stream, and it runs with the Scope of its call", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const feed = yield* Feed.spawn(probe)
      const named = yield* Effect.provideService(Stream.runCollect(feed.named()), Name, "caller")
      assert.deepInclude(named[0], { _tag: "Some", value: "caller" })
      const scoped = Stream.unwrap(
        Effect.as(
          Effect.acquireRelease(probe.note("acquired"), () => probe.note("released")),
          Stream.make(1)
        )
      )
      yield* Stream.runDrain(feed.of(scoped))
      assert.deepStrictEqual(probe.log, ["acquired", "released"])
    })
  )

  it.effect("7.5 a finalizer of the stream that waits is waited for", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const feed = yield* Feed.options({ maxConcurrency: 1 }).spawn(probe)
      const finalizer = Effect.andThen(probe.gate("finalizer"), probe.note("finalized"))
      const run = yield* fork(Stream.runCollect(Stream.take(feed.of(Stream.ensuring(Stream.make(1, 2), finalizer)), 1)))
      const next = yield* feed.note.remote("next")
      yield* settle
      assert.deepStrictEqual(probe.log, [])
      assert.isUndefined(run.pollUnsafe())
      yield* probe.open("finalizer")
      assert.deepStrictEqual(yield* Fiber.join(run), [1])
      yield* next
      assert.deepStrictEqual(probe.log, ["finalized", "next"])
    })
  )

  it.effect("7.5 a stream that is retried goes on after the items that were delivered", () =>
    Effect.gen(function* () {
      let runs = 0
      const flaky = Stream.suspend(() => {
        const items = Stream.rechunk(Stream.make(1, 2, 3), 1)
        return ++runs === 1 ? Stream.concat(Stream.take(items, 2), Stream.fail("not yet")) : items
      })
      const feed = yield* Feed.options({ maxTaskRetries: 1, retry: true }).spawn()
      assert.deepStrictEqual(yield* Stream.runCollect(feed.of(flaky)), [1, 2, 3])
      assert.strictEqual(runs, 2)
    })
  )

  it.effect("7.5 a restart ends streams with ActorUnavailable", () =>
    Effect.gen(function* () {
      const feed = yield* Feed.options({ restart: Schedule.spaced("1 second") }).spawn()
      const pull = yield* puller(feed.items(3))
      yield* pull
      yield* Effect.exit(feed.die())
      assert.strictEqual((yield* reasonOf(pull))._tag, "ActorUnavailable")
      const items = yield* fork(Stream.runCollect(feed.items(2)))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* Fiber.join(items), [1, 2])
    })
  )

  it.effect(
    "7.5 100,000 items, one at a time, do not overflow the stack",
    () =>
      Effect.gen(function* () {
        const feed = yield* Feed.spawn()
        const count = Stream.runCount(feed.of(Stream.rechunk(Stream.range(1, 100_000), 1)))
        assert.strictEqual(yield* count, 100_000)
      }),
    60_000
  )

  it.effect("7.5 a stream method that blocks in between is interrupted where it is", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const feed = yield* Feed.spawn(probe)
      const exit = yield* fork(Stream.runCollect(Stream.interruptWhen(feed.gated("a", "b"), probe.gate("stop"))))
      yield* probe.open("a")
      yield* probe.started("b")
      yield* probe.open("stop")
      assert.isTrue(Exit.isSuccess(yield* Fiber.await(exit)))
      assert.deepStrictEqual(probe.log, ["a start", "a end", "b start", "b cut"])
    })
  )
})

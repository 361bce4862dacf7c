import { assert, describe, it } from "@effect/vitest"
import { Actor, ObjectRef } from "@troupe/core"
import { Exploration, Explore } from "@troupe/testing"
import { Clock, Deferred, Effect, Fiber, Latch, Queue, Random, Ref, Schedule } from "effect"
import { TestClock } from "effect/testing"

class Counter extends Actor.Service<Counter>()("Counter", {
  make: Effect.gen(function* () {
    const count = yield* Ref.make(0)
    return {
      add: (by: number) => Ref.updateAndGet(count, (n) => n + by),
      fail: () => Effect.fail("no" as const),
      hang: () => Effect.never,
      get: () => Ref.get(count)
    }
  })
}) {}

const failure = <A, E>(program: Effect.Effect<A, E, import("effect").Scope.Scope>, options?: Explore.Options) =>
  Effect.flip(Explore.check(program, options))

/** A lost update that takes one preemption. */
const race = Effect.gen(function* () {
  const count = yield* Ref.make(0)
  const increment = Effect.gen(function* () {
    const before = yield* Ref.get(count)
    yield* Ref.set(count, before + 1)
  })
  yield* Effect.all([increment, increment], { concurrency: 2 })
  assert.strictEqual(yield* Ref.get(count), 2)
})

describe("a check", () => {
  it.live("runs as many schedules as it is asked to, and says how fast", () =>
    Effect.gen(function* () {
      const report = yield* Explore.check(
        Effect.flatMap(Counter.spawn(), (counter) => counter.add(1)),
        { schedules: 300 }
      )
      assert.strictEqual(report.schedules, 300)
      assert.isFalse(report.complete)
      assert.isAbove(report.steps, 300)
      assert.isAbove(report.perSecond, 0)
    })
  )

  it.live.each(["mixed", "random", "pct", "exhaustive"] as const)("finds a lost update by strategy %s", (strategy) =>
    Effect.gen(function* () {
      const error = yield* failure(race, { strategy })
      assert.strictEqual(error.kind, "Failure")
      assert.strictEqual(error.preemptions, 1)
      assert.include(error.message, "expected 1 to equal 2")
    })
  )

  it.live("makes the same choices each time it is given the same seed, and others with another", () =>
    Effect.gen(function* () {
      const orders = (seed: number) =>
        Effect.gen(function* () {
          const seen: Array<string> = []
          const program = Effect.gen(function* () {
            const order: Array<string> = []
            const step = (name: string) =>
              Effect.andThen(
                Effect.yieldNow,
                Effect.sync(() => order.push(name))
              )
            yield* Effect.forEach(["a", "b", "c", "d"], step, { concurrency: 4 })
            seen.push(`${order.join("")} ${yield* Random.nextInt}`)
          })
          yield* Explore.check(program, { seed, schedules: 50 })
          return seen
        })
      const [first, again, other] = [yield* orders(7), yield* orders(7), yield* orders(8)]
      assert.deepStrictEqual(first, again)
      assert.notDeepEqual(first, other)
      assert.isAbove(new Set(first.map((line) => line.slice(0, 4))).size, 10)
    })
  )

  it.live("starts with the plain schedule: who fails there has no race", () =>
    Effect.gen(function* () {
      const error = yield* failure(Effect.fail("always"))
      assert.strictEqual(error.schedules, 1)
      assert.strictEqual(error.preemptions, 0)
      assert.include(error.message, "It takes no race")
    })
  )

  it.live("gives each schedule its own scope, actor system, clock and random numbers", () =>
    Effect.gen(function* () {
      let open = 0
      const program = Effect.gen(function* () {
        assert.strictEqual(open, 0)
        yield* Effect.acquireRelease(
          Effect.sync(() => open++),
          () => Effect.sync(() => open--)
        )
        assert.strictEqual(yield* Clock.currentTimeMillis, 0)
        yield* Counter.options({ name: "taken" }).spawn()
        yield* Effect.sleep("1 hour")
      })
      yield* Explore.check(program, { schedules: 20 })
      assert.strictEqual(open, 0)
    })
  )

  it.live("stops when its time is over, and says how far it came", () =>
    Effect.gen(function* () {
      const report = yield* Explore.check(Effect.void, { schedules: 1e9, timeout: "50 millis" })
      assert.isBelow(report.schedules, 1e9)
      assert.isFalse(report.complete)
    })
  )

  it.live("can be interrupted between two schedules", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(Explore.check(Effect.void, { schedules: 1e9, timeout: "10 minutes" }))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(fiber)
    })
  )

  it("refuses options that make no sense, naming them", async () => {
    const refuse = async (options: any, ...parts: ReadonlyArray<string>) => {
      const exit = await Effect.runPromiseExit(Explore.check(Effect.void, options))
      for (const part of parts) assert.include(String(exit), part)
    }
    await refuse({ schedules: 0 }, "schedules must be an integer of at least 1")
    await refuse({ seed: 0.5 }, "seed must be an integer")
    await refuse({ strategy: "best" }, "strategy must be one of mixed, random, pct, exhaustive")
    await refuse({ depth: 0 }, "depth")
    await refuse({ preemptions: -1 }, "preemptions")
    await refuse({ maxSteps: 0 }, "maxSteps")
    await refuse({ timeout: "soon" }, "timeout must be a duration")
    await refuse({ timeout: Number.NaN }, "timeout must be a duration")
    await refuse({ ignore: ["Deadlock"] }, "ignore is an array of UnsettledRefs", '"Deadlock"')
    await refuse({ ignore: "LeakedFibers" }, "ignore is an array of UnsettledRefs", '"LeakedFibers"')
  })

  it("refuses an option that does not exist, and a number in place of options, also in a replay", async () => {
    const said = async (check: Effect.Effect<unknown, unknown>) => String(await Effect.runPromiseExit(check))
    const unknown = /Explore: there is no option "schedule"; the options are schedules, seed, /
    assert.match(await said(Explore.check(Effect.void, { schedule: 10 } as object)), unknown)
    assert.match(await said(Explore.replay(Effect.void, 1, { schedule: 10 } as object)), unknown)
    assert.match(await said(Explore.check(Effect.void, 10 as never)), /Explore: options go in an object.*10/)
    assert.match(await said(Explore.check(Effect.void, null as never)), /Explore: options go in an object.*null/)
  })

  it("refuses what is no Effect, and says how to make one", async () => {
    const said = async (program: unknown) => String(await Effect.runPromiseExit(Explore.check(program as never)))
    assert.match(await said(Promise.reject(new Error("late"))), /takes an Effect, but got a Promise\. Wrap it/)
    assert.match(await said(undefined), /takes an Effect, but got undefined/)
    assert.match(await said(() => Effect.void), /takes an Effect, but got a function/)
  })
})

describe("what is a failure by itself", () => {
  it.live("a deadlock, with who waits and where", () =>
    Effect.gen(function* () {
      const error = yield* failure(
        Effect.gen(function* () {
          const counter = yield* Counter.spawn()
          yield* counter.hang()
        })
      )
      assert.strictEqual(error.kind, "Deadlock")
      assert.include(error.message, "main waits at explore.test.ts:")
      assert.include(error.message, "Counter.hang#1 has started")
    })
  )

  it.live("a livelock, after maxSteps", () =>
    Effect.gen(function* () {
      const spin = Effect.gen(function* () {
        while (true) yield* Effect.yieldNow
      })
      const error = yield* failure(spin, { maxSteps: 500 })
      assert.strictEqual(error.kind, "Livelock")
      assert.include(error.message, "no end after 500 steps")
    })
  )

  it.live("a livelock without a single yield, and one that waits for time again and again", () =>
    Effect.gen(function* () {
      const busy = yield* failure(Effect.forever(Effect.void, { disableYield: true }), { maxSteps: 500 })
      assert.strictEqual(busy.kind, "Livelock")
      const daemon = Effect.sleep("1 second").pipe(Effect.repeat(Schedule.forever))
      const waiting = yield* failure(daemon, { maxSteps: 500 })
      assert.strictEqual(waiting.kind, "Livelock")
    })
  )

  it.live("a fiber that is left behind", () =>
    Effect.gen(function* () {
      const program = Effect.forkDetach(Effect.never)
      const error = yield* failure(program)
      assert.strictEqual(error.kind, "LeakedFibers")
      yield* Explore.check(program, { schedules: 10, ignore: ["LeakedFibers"] })
    })
  )

  it.live("a ref that has not settled", () =>
    Effect.gen(function* () {
      // The Scope of the instance outlives the program.
      const { makeUnsafe } = yield* Effect.promise(() => import("effect/Scope"))
      const { provide } = yield* Effect.promise(() => import("effect/Scope"))
      const program = Effect.gen(function* () {
        const counter = yield* provide(Counter.spawn(), makeUnsafe())
        yield* counter.hang.remote()
        yield* Effect.yieldNow
      })
      const error = yield* failure(program)
      assert.strictEqual(error.kind, "UnsettledRefs")
      assert.include(error.message, "Counter.hang#1 has started")
    })
  )

  it.live("a failure that nobody has looked at, but not one that somebody has", () =>
    Effect.gen(function* () {
      const dropped = yield* failure(
        Effect.gen(function* () {
          const counter = yield* Counter.spawn()
          yield* counter.fail.remote()
        })
      )
      assert.strictEqual(dropped.kind, "UnobservedFailures")
      assert.include(dropped.message, "Counter.fail#1 failed, and its ref was not awaited")
      const looked = Effect.gen(function* () {
        const counter = yield* Counter.spawn()
        const ref = yield* counter.fail.remote()
        yield* Effect.yieldNow
        yield* Effect.exit(ref)
        const cancelled = yield* counter.hang.remote()
        yield* ObjectRef.cancel(cancelled)
        yield* Effect.exit(counter.fail())
      })
      yield* Explore.check(looked, { schedules: 100 })
    })
  )

  it.live("whatever a schedule leaves running is ended before the next one begins", () =>
    Effect.gen(function* () {
      let ended = 0
      const program = Effect.never.pipe(Effect.onInterrupt(() => Effect.sync(() => ended++)))
      const error = yield* failure(program)
      assert.strictEqual(error.kind, "Deadlock")
      assert.isAbove(ended, 0)
    })
  )
})

describe("a fiber", () => {
  it.live("that is interrupted before it has begun never begins", () =>
    Effect.gen(function* () {
      const program = Effect.gen(function* () {
        let interrupted = false
        const fiber = yield* Effect.forkChild(
          Effect.suspend(() => (interrupted ? Effect.die("it began after it had been interrupted") : Effect.never))
        )
        yield* Effect.yieldNow
        interrupted = true
        yield* Fiber.interrupt(fiber)
      })
      yield* Explore.check(program, { schedules: 500 })
    })
  )
})

/** Fails only if five steps of two fibers come in turns. Beside these, others do what does not matter. */
const fiveSteps = (others: number) =>
  Effect.gen(function* () {
    let done = 0
    const step = (n: number) =>
      Effect.gen(function* () {
        yield* Effect.void
        if (done === n) done++
      })
    const even = Effect.andThen(Effect.andThen(step(0), step(2)), step(4))
    const odd = Effect.andThen(step(1), step(3))
    const idle = Effect.repeat(Effect.yieldNow, { times: 2 })
    const all = [odd, even, ...Array.from({ length: others }, () => idle)]
    yield* Effect.all(all, { concurrency: "unbounded", discard: true })
    if (done === 5) return yield* Effect.die("all five in order")
  })

/** Two actors lose an update each, if their callers come in turns. Beside these, others call what does not matter. */
const twoCounters = (others: number) =>
  Effect.gen(function* () {
    const counters = [yield* Counter.spawn(), yield* Counter.spawn()]
    const lost = yield* Ref.make(0)
    const visit = Effect.forEach(counters, (counter) =>
      Effect.gen(function* () {
        const before = yield* counter.get()
        yield* counter.add(1)
        if ((yield* counter.get()) !== before + 1) yield* Ref.update(lost, (n) => n + 1)
      })
    )
    const other = Effect.gen(function* () {
      const counter = yield* Counter.spawn()
      for (let i = 0; i < 3; i++) yield* counter.add(i)
    })
    const all = [visit, visit, ...Array.from({ length: others }, () => other)]
    yield* Effect.all(all, { concurrency: "unbounded", discard: true })
    if ((yield* Ref.get(lost)) >= 2) return yield* Effect.die("both were disturbed")
  })

describe("a failing schedule is shortened", () => {
  const choicesOf = (error: Explore.ExploreError) => {
    const [, found, left] = /Shortened from (\d+) choices to (\d+)/.exec(error.message)!
    return { found: Number(found), left: Number(left) }
  }

  it.live.each([1, 2, 3, 4, 5])("to the four choices that five steps in order take, with seed %i", (seed) =>
    Effect.gen(function* () {
      const error = yield* failure(fiveSteps(0), { seed })
      assert.strictEqual(choicesOf(error).left, 4, error.message)
      const again = yield* Effect.flip(Explore.replay(fiveSteps(0), error.schedule))
      assert.strictEqual(again.preemptions, 4)
    })
  )

  it.live.each([1, 2, 3])("also from dozens of choices of which most do not matter, with seed %i", (seed) =>
    Effect.gen(function* () {
      const error = yield* failure(fiveSteps(6), { seed, strategy: "random", schedules: 5000 })
      const { found, left } = choicesOf(error)
      assert.isAbove(found, 15)
      assert.isAtMost(left, 6, error.message)
    })
  )

  it.live.each([1, 2, 3])("also when the steps are calls of two actors among calls of others, with seed %i", (seed) =>
    Effect.gen(function* () {
      const error = yield* failure(twoCounters(2), { seed, strategy: "random" })
      assert.isAtMost(choicesOf(error).left, 3, error.message)
    })
  )

  it.live("for a few seconds, and the report says so if these were not enough", () =>
    Effect.gen(function* () {
      const slow = Effect.sync(() => {
        for (const end = performance.now() + 30; performance.now() < end; );
      })
      const error = yield* failure(Effect.andThen(slow, fiveSteps(4)), { strategy: "random", schedules: 5000 })
      assert.match(error.message, /Shortened from \d+ choices to \d+, until the time for it was over\./)
    })
  )
})

describe("a report", () => {
  it.live("comes about whatever the values of the program do when they are looked at", () =>
    Effect.gen(function* () {
      const { proxy, revoke } = Proxy.revocable({}, {})
      revoke()
      const lies = Object.defineProperty(new Error("x"), "message", { get: () => assert.fail("it was looked at") })
      const bare = Object.assign(Object.create(null), { toJSON: () => assert.fail("it was asked") })
      for (const value of [proxy, lies, bare, Symbol("s"), 1n, { big: 1n }, () => 1, null, "\ud800"]) {
        const died = yield* failure(Effect.die(value))
        assert.include(died.message, "The program failed")
        const failed = yield* failure(Effect.fail(value))
        assert.include(failed.message, "It takes no race")
      }
    })
  )
})

describe("a report of a program that uses a library", () => {
  it.live("says nothing of where the library is, also if that is a package of a scope", () =>
    Effect.gen(function* () {
      for (const name of ["lib", "@scope/lib"]) {
        const library = `return Effect.gen(function* () {
            yield* Effect.yieldNow
            yield* Effect.die(new Error("no"))
          })
          //# sourceURL=file:///app/node_modules/${name}/index.js`
        const program = Effect.gen(function* () {
          yield* Effect.yieldNow
          yield* new Function("Effect", library)(Effect) as Effect.Effect<void>
        })
        const { message } = yield* failure(program)
        assert.include(message, "explore.test.ts")
        assert.notInclude(message, "index.js")
      }
    })
  )
})

describe("all schedules of a small program", () => {
  it.live("are covered, and the report says so", () =>
    Effect.gen(function* () {
      const orders = new Set<string>()
      const program = Effect.gen(function* () {
        const order: Array<string> = []
        const one = (name: string) => Effect.sync(() => order.push(name))
        yield* Effect.forEach(["a", "b", "c"], one, { concurrency: 3 })
        orders.add(order.join(""))
      })
      const report = yield* Explore.check(program, { strategy: "exhaustive", schedules: 100_000 })
      assert.isTrue(report.complete)
      assert.strictEqual(orders.size, 6)
      const all = `every schedule with at most 2 preemptions: ${report.schedules} in all. There may be failures that take more`
      assert.strictEqual(report.covered, all)
    })
  )

  it.live("are not all covered when there are more than may be run", () =>
    Effect.gen(function* () {
      const program = Effect.forEach([1, 2, 3, 4], () => Effect.yieldNow, { concurrency: 4 })
      const report = yield* Explore.check(program, { strategy: "exhaustive", schedules: 20 })
      assert.strictEqual(report.schedules, 20)
      assert.isFalse(report.complete)
      assert.strictEqual(report.covered, "20 schedules with at most 2 preemptions, and not all of these")
      const sampled = yield* Explore.check(program, { schedules: 20 })
      assert.strictEqual(sampled.covered, "20 schedules by strategy mixed, of seed 1; others may fail")
    })
  )

  it.live("are not run when the time is over before, and the report says so", () =>
    Effect.gen(function* () {
      const report = yield* Explore.check(Effect.yieldNow, { schedules: 1_000_000, timeout: "50 millis" })
      assert.isBelow(report.schedules, 1_000_000)
      assert.match(
        report.covered,
        /^\d+ of 1000000 schedules within its timeout of 0.05 s by strategy mixed, of seed 1; others may fail$/
      )
    })
  )

  it.live("find with one preemption what takes one, and not without", () =>
    Effect.gen(function* () {
      const without = yield* Explore.check(race, { strategy: "exhaustive", preemptions: 0 })
      assert.isTrue(without.complete)
      const error = yield* failure(race, { strategy: "exhaustive", preemptions: 1 })
      assert.strictEqual(error.preemptions, 1)
    })
  )
})

describe("time", () => {
  it.live("is virtual, and passes when nothing else can run", () =>
    Effect.gen(function* () {
      const program = Effect.gen(function* () {
        const events: Array<string> = []
        const afterHours = (name: string, hours: number) =>
          Effect.sleep(`${hours} hours`).pipe(Effect.andThen(Effect.sync(() => events.push(name))))
        yield* Effect.all([afterHours("late", 2), afterHours("early", 1), afterHours("latest", 3)], { concurrency: 3 })
        assert.deepStrictEqual(events, ["early", "late", "latest"])
        assert.strictEqual(yield* Clock.currentTimeMillis, 3 * 3600 * 1000)
      })
      yield* Explore.check(program, { schedules: 100 })
    })
  )

  it.live("leaves it to chance who goes first of those that wait for the same moment", () =>
    Effect.gen(function* () {
      const firsts = new Set<string>()
      const program = Effect.gen(function* () {
        const first = yield* Deferred.make<string>()
        const race = (name: string) => Effect.andThen(Effect.sleep("1 second"), Deferred.succeed(first, name))
        yield* Effect.all([race("a"), race("b")], { concurrency: 2 })
        firsts.add(yield* Deferred.await(first))
      })
      yield* Explore.check(program, { schedules: 50 })
      assert.strictEqual(firsts.size, 2)
    })
  )

  it.live("can be moved by the program, which is then ahead of those that wait for later", () =>
    Effect.gen(function* () {
      const program = Effect.gen(function* () {
        const woken: Array<number> = []
        const sleeper = (seconds: number) =>
          Effect.andThen(
            Effect.sleep(seconds * 1000),
            Effect.sync(() => woken.push(seconds))
          )
        const fiber = yield* Effect.forkChild(Effect.forEach([1, 2, 3], sleeper, { concurrency: 3, discard: true }))
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual(woken, [1, 2])
        yield* Fiber.join(fiber)
        assert.strictEqual(yield* Clock.currentTimeMillis, 3000)
      })
      yield* Explore.check(program, { schedules: 50 })
    })
  )
})

describe("promises", () => {
  it.live("of the program go on, and time waits for them", () =>
    Effect.gen(function* () {
      const program = Effect.gen(function* () {
        const later = Effect.promise(() => new Promise<number>((resolve) => setImmediate(() => resolve(42))))
        const value = yield* Effect.timeout(later, "1 second")
        assert.strictEqual(value, 42)
        const counter = yield* Counter.spawn()
        const ref = yield* counter.add.remote(1)
        assert.strictEqual(yield* Effect.promise(() => ObjectRef.toPromise(ref)), 1)
      })
      // The first time nobody knows of promises yet, and the first schedule passes time before it waits for them.
      yield* Explore.check(
        Effect.promise(() => Promise.resolve(1)),
        { schedules: 20 }
      )
      yield* Explore.check(program, { schedules: 20 })
    })
  )
})

describe("a replay", () => {
  it.live("of a seed searches again, and finds the same", () =>
    Effect.gen(function* () {
      const first = yield* failure(race, { seed: 11 })
      const again = yield* Effect.flip(Explore.replay(race, 11))
      assert.strictEqual(again.schedule, first.schedule)
      assert.strictEqual(again.schedules, first.schedules)
    })
  )

  it.live("succeeds when the program is mended", () =>
    Effect.gen(function* () {
      const { schedule } = yield* failure(race)
      const mended = Effect.gen(function* () {
        const count = yield* Ref.make(0)
        const increment = Ref.update(count, (n) => n + 1)
        yield* Effect.all([increment, increment], { concurrency: 2 })
        assert.strictEqual(yield* Ref.get(count), 2)
      })
      const report = yield* Explore.replay(mended, schedule)
      assert.strictEqual(report.schedules, 1)
    })
  )

  it.live("says how many choices the program does not come to, since it may have changed", () =>
    Effect.gen(function* () {
      const mended = Effect.gen(function* () {
        const exploration = (yield* Exploration.Exploration)!
        assert.strictEqual(exploration.choose("kill", 2, 0), 1)
      })
      const { covered } = yield* Explore.replay(mended, "1.a.kill~0=1")
      assert.strictEqual(covered, "the one schedule that was replayed")
      const moved = yield* Explore.replay(mended, "1.a.kill~0=1.kill_node_1~2=1.7@3")
      assert.match(moved.covered, /^the one schedule that was replayed, less 2 of its 3 choices, .*search again$/)
    })
  )

  it("refuses what is no schedule", async () => {
    for (const text of ["", "7.a", "1.?", "1.a.b", "1.a.b@c>", "1.zzzzzzzz"]) {
      const exit = await Effect.runPromiseExit(Explore.replay(Effect.void, text))
      assert.include(String(exit), "RangeError", text)
    }
  })

  it.live("that does not fail again says that the program depends on something else", () =>
    Effect.gen(function* () {
      let runs = 0
      const moody = Effect.suspend(() => (++runs === 5 ? Effect.fail("once") : Effect.void))
      const error = yield* failure(moody)
      assert.include(error.message, "did not fail again")
    })
  )
})

describe("the report of a failure", () => {
  it.live("shows a line that polls once, with all the time that it took", () =>
    Effect.gen(function* () {
      const { message } = yield* failure(
        Effect.gen(function* () {
          for (let i = 0; i < 20; i++) yield* Effect.sleep("500 millis")
          return yield* Effect.fail("over")
        })
      )
      assert.strictEqual(message.split("500 millis").length, 2, message)
      assert.include(message, "-- 10 s later --")
    })
  )

  it.live("shows who did what, with the lines of the program, in 100 columns", () =>
    Effect.gen(function* () {
      const program = Effect.gen(function* () {
        const queue = yield* Queue.unbounded<number>()
        const gate = yield* Latch.make()
        const counter = yield* Counter.spawn()
        yield* Effect.forkChild(Effect.andThen(gate.await, Queue.offer(queue, 1)))
        yield* gate.open
        yield* counter.add(1)
        const first = yield* Queue.poll(queue)
        assert.strictEqual(
          first._tag,
          "Some",
          "a message that is so long that it could not possibly fit on one line of a terminal of a hundred columns"
        )
      })
      const { message } = yield* failure(program)
      assert.include(message, "submits Counter.add#1")
      assert.include(message, "yield* gate.open")
      assert.match(message, /explore\.test\.ts:\d+ {2}const first = yield\* Queue\.poll\(queue\)/)
      for (const line of message.split("\n")) assert.isAtMost(line.length, 100, line)
    })
  )
})

import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorSystem, Driver, ObjectRef, Task } from "@troupe/core"
import { Deferred, Effect, Exit, Fiber, Ref, Schedule, Scope } from "effect"
import { TestClock } from "effect/testing"
import { defectOf, errorOf, Probe, range, reasonOf, reasonOfExit, settle, Worker } from "../support.ts"
import { Counter } from "./support.ts"

/** Counts its executions over all restarts; `increase` counts in the state that a restart resets. */
const define = (options: Actor.InstanceOptions = {}) => {
  const seen = { starts: 0, runs: 0 }
  class Fragile extends Actor.Service<Fragile>()("ray/Fragile", {
    shutdownTimeout: 0,
    ...options,
    make: Effect.gen(function* () {
      seen.starts++
      const count = yield* Ref.make(0)
      return {
        increase: () => Ref.updateAndGet(count, (n) => n + 1),
        crash: () => Effect.die("crash"),
        hold: () =>
          Effect.andThen(
            Effect.sync(() => seen.runs++),
            Effect.never
          ) as Effect.Effect<string>,
        ping: () => Effect.succeed("pong"),
        exit: () => Actor.exit,
        run: (effect: Effect.Effect<any, any>) => effect
      }
    })
  }) {}
  return { Fragile, seen }
}

describe("F: restarts", () => {
  it.effect(
    "test_actor_restart: 200 calls, the 100th dies: 1, 2, 3 before it, (stronger) none lost, 1, 2, 3 after it",
    () =>
      Effect.gen(function* () {
        const { Fragile } = define({ restart: Schedule.recurs(1), maxConcurrency: 1 })
        const fragile = yield* Fragile.spawn()
        const refs = yield* Effect.forEach(range(200), (i) =>
          i === 100 ? fragile.crash.remote() : fragile.increase.remote()
        )
        const exits = yield* ObjectRef.allSettled(refs)
        assert.deepStrictEqual(
          exits.map((exit) => (Exit.isSuccess(exit) ? exit.value : "crash")),
          [...range(100).map((i) => i + 1), "crash", ...range(99).map((i) => i + 1)]
        )
        assert.strictEqual(yield* defectOf(fragile.crash()), "crash")
        const late = yield* Effect.forEach(range(100), () => Effect.flip(fragile.increase()))
        for (const { reason } of late) assert.strictEqual(reason._tag, "ActorDied")
      })
  )

  it.effect("test_actor_restart: an actor that is stopped, or that exits, does not come back", () =>
    Effect.gen(function* () {
      const { Fragile, seen } = define({ restart: Schedule.forever })
      const stopped = yield* Fragile.spawn()
      yield* Actor.stop(stopped)
      const exited = yield* Fragile.spawn()
      yield* Effect.exit(exited.exit())
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(seen.starts, 2)
      for (const gone of [stopped, exited]) assert.strictEqual((yield* reasonOf(gone.ping()))._tag, "ActorDied")
    })
  )

  it.effect(
    "test_actor_restart_and_actor_received_task: a call that runs as the actor restarts is run again, once",
    () =>
      Effect.gen(function* () {
        const { Fragile, seen } = define({ restart: Schedule.recurs(1), maxTaskRetries: 1 })
        const fragile = yield* Fragile.spawn()
        const body = Effect.suspend(() => (++seen.runs === 1 ? Effect.never : Effect.succeed(seen.runs)))
        const ref = yield* fragile.run.remote(body)
        yield* settle
        yield* Effect.exit(fragile.crash.options({ maxTaskRetries: 0 })())
        assert.strictEqual(yield* ref, 2)
        assert.strictEqual(seen.starts, 2)
      })
  )

  it.effect(
    "test_named_actor_max_task_retries: constructor and method run a second time, the waiting asker is served",
    () =>
      Effect.gen(function* () {
        const { Fragile, seen } = define({ restart: Schedule.recurs(1), maxTaskRetries: 1 })
        const fragile = yield* Fragile.options({ name: "named" }).spawn()
        const body = Effect.suspend(() => (++seen.runs === 1 ? Effect.never : Effect.succeed("served")))
        const asker = yield* Effect.forkChild(fragile.run(body))
        yield* settle
        yield* Effect.exit(fragile.crash.options({ maxTaskRetries: 0 })())
        assert.strictEqual(yield* Fiber.join(asker), "served")
        assert.deepStrictEqual(seen, { starts: 2, runs: 2 })
        assert.strictEqual(yield* ActorSystem.get(Fragile, "named"), fragile)
      }).pipe(Effect.provide(ActorSystem.layer))
  )

  it.effect("test_caller_actor_restart: the caller restarts, the count of the one it calls goes on to 4", () =>
    Effect.gen(function* () {
      const counter = yield* Counter.spawn()
      const { Fragile } = define({ restart: Schedule.forever })
      const caller = yield* Fragile.spawn()
      for (const _ of range(3)) yield* caller.run(counter.increase())
      yield* Effect.exit(caller.crash())
      assert.strictEqual(yield* caller.run(counter.increase()), 4)
    })
  )

  it.effect("test_caller_task_reconstruction: a task that fails until the count is over 2 gives 3", () =>
    Effect.gen(function* () {
      const counter = yield* Counter.spawn()
      const task = Task.make(
        "until 3",
        () => Effect.flatMap(counter.increase(), (n) => (n > 2 ? Effect.succeed(n) : Effect.fail("too early"))),
        { maxTaskRetries: 5, retry: true }
      )
      assert.strictEqual(yield* task(), 3)
    })
  )

  it.effect(
    "test_actor_unavailable_restarting: running calls: ActorUnavailable; (stronger) later ones wait, in order",
    () => {
      let starts = 0
      class Slow extends Actor.Service<Slow>()("ray/Slow", {
        shutdownTimeout: 0,
        restart: Schedule.recurs(1),
        make: Effect.gen(function* () {
          if (starts++ > 0) yield* Effect.sleep("5 seconds")
          const count = yield* Ref.make(0)
          return {
            increase: () => Ref.updateAndGet(count, (n) => n + 1),
            hold: () => Effect.never as Effect.Effect<number>,
            crash: () => Effect.die("crash") as Effect.Effect<never>
          }
        })
      }) {}
      const fromTask = Task.make("from a task", (slow: Slow["Service"]) => slow.increase())
      return Effect.gen(function* () {
        const slow = yield* Slow.spawn()
        const worker = yield* Worker.spawn()
        assert.strictEqual(yield* slow.increase(), 1)
        const running = yield* slow.hold.remote()
        yield* settle
        yield* Effect.exit(slow.crash())
        const reason = yield* reasonOf(running)
        assert.strictEqual(reason._tag, "ActorUnavailable")
        assert.include(reason.message, "it is restarting")
        assert.deepStrictEqual([reason.mayHaveRun, reason.retrySafe], [true, false])

        const waiting = [
          yield* slow.increase.remote(),
          yield* fromTask.remote(slow),
          yield* worker.run.remote(slow.increase())
        ]
        yield* TestClock.adjust("4 seconds")
        assert.deepStrictEqual(yield* ObjectRef.wait(waiting, { timeout: 0 }), [[], waiting])
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* ObjectRef.get(waiting), [1, 2, 3])

        yield* Effect.exit(slow.crash())
        const death = yield* reasonOf(slow.increase())
        assert.strictEqual(death._tag, "ActorDied")
        assert.include(death.message, "its restart schedule ended")
      }).pipe(Effect.provide(Driver.layer))
    }
  )

  it.effect("test_actor_unavailable_norestart: onDefect: 'stop': running and later calls: ActorDied", () =>
    Effect.gen(function* () {
      const { Fragile, seen } = define({ onDefect: "stop" })
      const fragile = yield* Fragile.spawn()
      const running = yield* fragile.hold.remote()
      yield* settle
      assert.strictEqual(yield* defectOf(fragile.crash()), "crash")
      const reason = yield* reasonOf(running)
      assert.strictEqual(reason._tag, "ActorDied")
      assert.isTrue(reason.mayHaveRun)
      const late = yield* reasonOf(fragile.ping())
      assert.strictEqual(late._tag, "ActorDied")
      assert.isFalse(late.mayHaveRun)
      assert.strictEqual(seen.starts, 1)
    })
  )

  it.effect(
    "test_actor_unavailable_conn_broken: mayHaveRun tells a call with effects from one without, submit never fails",
    () =>
      Effect.gen(function* () {
        const { Fragile, seen } = define({ maxConcurrency: 1 })
        const fragile = yield* Fragile.spawn()
        const running = yield* fragile.hold.remote()
        const waiting = yield* fragile.hold.remote()
        yield* settle
        yield* Actor.kill(fragile)
        const late = yield* fragile.hold.remote()
        const reasons = [yield* reasonOf(running), yield* reasonOf(waiting), yield* reasonOf(late)]
        assert.deepStrictEqual(
          reasons.map(({ mayHaveRun }) => mayHaveRun),
          [true, false, false]
        )
        assert.strictEqual(seen.runs, 1)
      })
  )

  it.effect("test_inf_task_retries: maxTaskRetries: Infinity for one call outlasts several restarts", () =>
    Effect.gen(function* () {
      const { Fragile, seen } = define({ restart: Schedule.forever })
      const fragile = yield* Fragile.spawn()
      const body = Effect.suspend(() => (++seen.runs < 5 ? Effect.die(`crash ${seen.runs}`) : Effect.succeed("served")))
      assert.strictEqual(yield* fragile.run.options({ maxTaskRetries: Infinity })(body), "served")
      assert.deepStrictEqual(seen, { starts: 5, runs: 5 })
    })
  )

  it.effect(
    "test_actor_creation_task_crash: a constructor that dies fails spawn, and releases what it acquired",
    () => {
      let released = false
      class Broken extends Actor.Service<Broken>()("ray/Broken", {
        make: Effect.gen(function* () {
          yield* Effect.addFinalizer(() =>
            Effect.sync(() => {
              released = true
            })
          )
          return yield* Effect.die("broken")
        })
      }) {}
      return Effect.gen(function* () {
        assert.strictEqual(yield* defectOf(Broken.spawn()), "broken")
        assert.isTrue(released)
      })
    }
  )

  it.effect("test_actor_creation_task_crash: two restarts fail in the constructor, the third serves the calls", () => {
    let starts = 0
    class Broken extends Actor.Service<Broken>()("ray/Broken", {
      restart: Schedule.recurs(3),
      make: Effect.suspend(() => {
        starts++
        if (starts === 2) return Effect.die("second")
        if (starts === 3) return Effect.fail("third")
        return Effect.succeed({ start: () => Effect.succeed(starts), crash: () => Effect.die("crash") })
      })
    }) {}
    return Effect.gen(function* () {
      const broken = yield* Broken.spawn()
      yield* Effect.exit(broken.crash())
      assert.strictEqual(yield* broken.start(), 4)
    })
  })

  const paused = { restart: Schedule.spaced("10 seconds") }

  it.effect("a kill during the pause before a restart ends the actor at once, and the waiting calls with it", () =>
    Effect.gen(function* () {
      const { Fragile, seen } = define(paused)
      const fragile = yield* Fragile.spawn()
      yield* Effect.exit(fragile.crash())
      const waiting = yield* fragile.ping.remote()
      yield* settle
      yield* Actor.kill(fragile)
      assert.strictEqual((yield* reasonOf(waiting))._tag, "ActorDied")
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(seen.starts, 1)
    })
  )

  it.effect("a stop during the pause lets the accepted calls finish in the restarted actor", () =>
    Effect.gen(function* () {
      const { Fragile } = define(paused)
      const fragile = yield* Fragile.spawn()
      yield* Effect.exit(fragile.crash())
      const waiting = yield* fragile.ping.remote()
      const stopping = yield* Effect.forkChild(Actor.stop(fragile))
      yield* settle
      assert.strictEqual((yield* reasonOf(fragile.ping()))._tag, "ActorDied")
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(stopping)
      assert.strictEqual(yield* waiting, "pong")
    })
  )

  it.effect("the timeout of a call counts while the actor restarts", () =>
    Effect.gen(function* () {
      const { Fragile } = define(paused)
      const fragile = yield* Fragile.spawn()
      yield* Effect.exit(fragile.crash())
      const ref = yield* fragile.ping.options({ timeout: "1 second" }).remote()
      yield* settle
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* reasonOf(ref))._tag, "TimedOut")
      yield* TestClock.adjust("9 seconds")
      assert.strictEqual(yield* fragile.ping(), "pong")
    })
  )

  it.effect("waiting calls keep their order over a restart, retried ones in their place", () =>
    Effect.gen(function* () {
      const { Fragile } = define({ restart: Schedule.forever, maxConcurrency: 2, maxTaskRetries: 1 })
      const fragile = yield* Fragile.spawn()
      const log: Array<number> = []
      let first = true
      const refs = [
        yield* fragile.run.remote(Effect.suspend(() => (first ? Effect.never : Effect.sync(() => log.push(0))))),
        yield* fragile.run.options({ maxTaskRetries: 0 }).remote(
          Effect.suspend(() => {
            first = false
            return Effect.die("crash")
          })
        )
      ]
      for (const i of range(10)) refs.push(yield* fragile.run.remote(Effect.sync(() => log.push(i + 1))))
      yield* ObjectRef.allSettled(refs)
      assert.deepStrictEqual(log, range(11))
    })
  )
})

class MyError {
  readonly _tag = "MyError"
}

describe("F: retries", () => {
  const failing = (options: Actor.MethodOptions, failures: number) => {
    const seen = { runs: 0 }
    class Retried extends Actor.Service<Retried>()("ray/Retried", {
      methodOptions: { method: options },
      make: Effect.succeed({
        method: () =>
          Effect.suspend(() => (seen.runs++ < failures ? Effect.fail(new MyError()) : Effect.succeed(seen.runs)))
      })
    }) {}
    return { Retried, seen }
  }

  it.effect("test_method_raise_5_times: five failures, five retries: it succeeds at the 6th execution", () =>
    Effect.gen(function* () {
      const { Retried, seen } = failing({ maxTaskRetries: 5, retry: (error) => error instanceof MyError }, 5)
      assert.strictEqual(yield* (yield* Retried.spawn()).method(), 6)
      assert.strictEqual(seen.runs, 6)
    })
  )

  it.effect("test_method_raise_no_over_retry: six failures, five retries: the error itself, after 6 executions", () =>
    Effect.gen(function* () {
      const { Retried, seen } = failing({ maxTaskRetries: 5, retry: true }, 6)
      assert.instanceOf(yield* errorOf((yield* Retried.spawn()).method()), MyError)
      assert.strictEqual(seen.runs, 6)
    })
  )

  it.effect("test_method_no_retry_without_retry_exceptions: maxTaskRetries alone retries no typed failure", () =>
    Effect.gen(function* () {
      for (const retry of [false, () => false, undefined]) {
        const { Retried, seen } = failing({ maxTaskRetries: 5, retry }, 1)
        assert.instanceOf(yield* errorOf((yield* Retried.spawn()).method()), MyError)
        assert.strictEqual(seen.runs, 1)
      }
    })
  )

  it.effect("test_options_takes_precedence: ten retries of the call beat five of the method", () =>
    Effect.gen(function* () {
      const ten = failing({ maxTaskRetries: 5, retry: true }, 10)
      assert.strictEqual(yield* (yield* ten.Retried.spawn()).method.options({ maxTaskRetries: 10 })(), 11)
      const eleven = failing({ maxTaskRetries: 5, retry: true }, 11)
      const error = yield* errorOf((yield* eleven.Retried.spawn()).method.options({ maxTaskRetries: 10 })())
      assert.instanceOf(error, MyError)
      assert.deepStrictEqual([ten.seen.runs, eleven.seen.runs], [11, 11])
    })
  )

  it.effect("the method beats the actor, the actor beats nothing", () =>
    Effect.gen(function* () {
      const method = failing({ maxTaskRetries: 1 }, 9)
      yield* Effect.exit((yield* method.Retried.options({ maxTaskRetries: 5, retry: true }).spawn()).method())
      assert.strictEqual(method.seen.runs, 2)
      const actor = failing({}, 9)
      yield* Effect.exit((yield* actor.Retried.options({ maxTaskRetries: 5, retry: true }).spawn()).method())
      assert.strictEqual(actor.seen.runs, 6)
    })
  )

  it.effect("restarts and typed failures draw on the same number of retries", () => {
    let runs = 0
    const body = Effect.suspend(() => (++runs % 2 === 1 ? Effect.fail("typed") : Effect.die("defect")))
    return Effect.gen(function* () {
      const { Fragile } = define({ restart: Schedule.forever, maxTaskRetries: 3, retry: true })
      const fragile = yield* Fragile.spawn()
      assert.strictEqual(yield* defectOf(fragile.run(body)), "defect")
      assert.strictEqual(runs, 4)
    })
  })

  it.effect("Actor.exit and timeouts are not retried", () =>
    Effect.gen(function* () {
      const { Fragile, seen } = define({ maxTaskRetries: 5, retry: true, restart: Schedule.forever })
      const fragile = yield* Fragile.spawn()
      const timed = yield* fragile.hold.options({ timeout: "1 second" }).remote()
      yield* settle
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual((yield* reasonOf(timed))._tag, "TimedOut")
      assert.strictEqual(seen.runs, 1)
      assert.strictEqual((yield* reasonOf(fragile.exit()))._tag, "ActorDied")
      assert.strictEqual(seen.starts, 1)
    })
  )

  it.effect("the timeout of a call spans its retries", () =>
    Effect.gen(function* () {
      const { Fragile, seen } = define({ maxTaskRetries: Infinity, retry: true })
      const fragile = yield* Fragile.spawn()
      const body = Effect.andThen(
        Effect.delay(
          Effect.sync(() => seen.runs++),
          "3 seconds"
        ),
        Effect.fail("again")
      )
      const ref = yield* fragile.run.options({ timeout: "10 seconds" }).remote(body as Effect.Effect<any, any>)
      yield* settle
      yield* TestClock.adjust("10 seconds")
      yield* settle
      assert.strictEqual((yield* reasonOf(ref))._tag, "TimedOut")
      assert.strictEqual(seen.runs, 3)
    })
  )

  it.effect("arguments that came as refs are there in each attempt; 100,000 attempts overflow nothing", () => {
    let runs = 0
    const stubborn = Task.make(
      "stubborn",
      (limit: number) => Effect.suspend(() => (++runs < limit ? Effect.fail("again") : Effect.succeed(runs))),
      { maxTaskRetries: Infinity, retry: true }
    )
    return Effect.gen(function* () {
      assert.strictEqual(yield* stubborn(ObjectRef.succeed(100_000)), 100_000)
    })
  })

  it.effect("a predicate that dies is a defect of the call, and the actor goes on", () =>
    Effect.gen(function* () {
      const { Retried } = failing(
        {
          maxTaskRetries: 5,
          retry: () => {
            throw new Error("predicate")
          }
        },
        1
      )
      const retried = yield* Retried.spawn()
      const exit = yield* Effect.exit(retried.method())
      assert.include(String(exit), "predicate")
      assert.strictEqual(yield* retried.method(), 2)
    })
  )

  it("counts that make no sense are refused where they are written", () => {
    for (const maxTaskRetries of [-1, 0.5, Number.NaN]) {
      const message = `maxTaskRetries must be an integer of at least 0, or Infinity, but is ${maxTaskRetries}`
      assert.throws(() => Worker.options({ maxTaskRetries }), RangeError, message)
    }
  })
})

describe("F: death", () => {
  it.effect("test_actor_failure_per_type: each death says which it was, on the calls and on watch", () =>
    Effect.gen(function* () {
      const deaths: Array<readonly [string, (scope: Scope.Closeable) => unknown]> = [
        ["it was killed", () => Effect.tap(define().Fragile.spawn(), Actor.kill)],
        ["it was stopped", () => Effect.tap(define().Fragile.spawn(), Actor.stop)],
        ["it called Actor.exit", () => Effect.tap(define().Fragile.spawn(), (it) => Effect.exit(it.exit()))],
        [
          "a method died of a defect",
          () => Effect.tap(define({ onDefect: "stop" }).Fragile.spawn(), (it) => Effect.exit(it.crash()))
        ],
        [
          "its restart schedule ended",
          () => Effect.tap(define({ restart: Schedule.recurs(0) }).Fragile.spawn(), (it) => Effect.exit(it.crash()))
        ],
        [
          "its Scope closed",
          (scope) => Effect.tap(Scope.provide(define().Fragile.spawn(), scope), () => Scope.close(scope, Exit.void))
        ]
      ]
      for (const [why, die] of deaths) {
        const fragile = yield* die(yield* Scope.make()) as Effect.Effect<
          Actor.Handle<{ ping: () => Effect.Effect<string> }>,
          never,
          Scope.Scope
        >
        const reason = yield* reasonOf(fragile.ping())
        assert.strictEqual(reason._tag, "ActorDied")
        assert.match(reason.message, /^ray\/Fragile\.ping #\d+: the actor died at 1970-01-01T00:00:00\.000Z because/)
        assert.include(reason.message, why)
        assert.strictEqual((yield* Actor.watch(fragile)).why, why)
      }
    })
  )

  it.effect(
    "test_utf8_actor_exception: a constructor fails with a message that is not ASCII: it arrives as it is",
    () =>
      Effect.gen(function* () {
        const error = new Error("❤️ кошка 猫")
        const Failing = class extends Actor.Service<any>()("ray/Utf8", {
          make: Effect.fail(error) as Effect.Effect<{}, Error>
        }) {}
        assert.strictEqual(yield* errorOf(Failing.spawn()), error)
      })
  )

  it.effect(
    "test_failure_during_dependency_resolution: killed while a call waits for an argument: ActorDied, no hang",
    () =>
      Effect.gen(function* () {
        const worker = yield* Worker.spawn()
        const dependency = yield* ObjectRef.fromEffect(Effect.never)
        const ref = yield* worker.echo.remote(dependency)
        yield* Actor.kill(worker)
        const reason = yield* reasonOf(ref)
        assert.strictEqual(reason._tag, "ActorDied")
        assert.isFalse(reason.mayHaveRun)
      })
  )

  it.effect("an argument that fails: the body never runs, the call fails with that same error", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const failing = yield* worker.fail.remote("the cause")
      const ref = yield* worker.note.remote(failing as ObjectRef.ObjectRef<string, unknown>)
      assert.strictEqual(yield* errorOf(ref), "the cause")
      assert.deepStrictEqual(probe.log, [])
    })
  )

  it.effect(
    "test_actor_owner_worker_dies_before_dependency_ready: the creator goes while the actor is being made: a third party does not hang",
    () => {
      let starts = 0
      class Slow extends Actor.Service<Slow>()("ray/Slow", {
        make: Effect.suspend(() => {
          starts++
          const made = { ping: () => Effect.succeed("pong") }
          return starts === 1 ? Effect.as(Effect.never, made) : Effect.succeed(made)
        })
      }) {}
      const spawn = Slow.options({ name: "slow", getIfExists: true }).spawn()
      return Effect.gen(function* () {
        const creator = yield* Effect.forkChild(Effect.scoped(spawn))
        yield* settle
        const third = yield* Effect.forkChild(Effect.exit(spawn))
        yield* settle
        yield* Fiber.interrupt(creator)
        yield* settle
        const exit = third.pollUnsafe()
        assert.isDefined(exit, "the third party hangs")
        // It got an instance of its own, that works.
        const handle = yield* Fiber.join(third)
        assert.isTrue(Exit.isSuccess(handle))
        assert.strictEqual(yield* (yield* handle).ping(), "pong")
      }).pipe(Effect.provide(ActorSystem.layer))
    }
  )

  it.effect("test_ray_wait_dead_actor: refs of a dead actor are ready, and fail with ActorDied", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const refs = yield* Effect.forEach(range(10), () => worker.run.remote(Effect.never))
      yield* settle
      yield* Actor.kill(worker)
      const [ready, pending] = yield* ObjectRef.wait(refs, { numReturns: 10, timeout: 0 })
      assert.deepStrictEqual([ready.length, pending.length], [10, 0])
      for (const ref of ready) assert.strictEqual((yield* reasonOf(ObjectRef.get(ref)))._tag, "ActorDied")
    }).pipe(Effect.provide(Driver.layer))
  )

  it.effect(
    "test_kill: a running call on a killed actor fails; killing what is no actor is refused; twice is once",
    () =>
      Effect.gen(function* () {
        const worker = yield* Worker.spawn()
        const ref = yield* worker.run.remote(Effect.never)
        yield* settle
        yield* Effect.all([Actor.kill(worker), Actor.kill(worker)], { concurrency: 2 })
        yield* Actor.kill(worker)
        assert.strictEqual((yield* reasonOf(ref))._tag, "ActorDied")
        // @ts-expect-error -- a string is no handle
        const text = yield* defectOf(Effect.suspend(() => Actor.kill("str")))
        assert.strictEqual(String(text), 'TypeError: Actor.kill takes the handle of an actor, but got "str"')
        const nothing = yield* defectOf(Effect.suspend(() => Actor.kill(null as any)))
        assert.strictEqual(String(nothing), "TypeError: Actor.kill takes the handle of an actor, but got null")
      })
  )

  it.effect(
    "test_kill: a call that cannot be interrupted ends truthfully first; meanwhile the actor takes no calls",
    () =>
      Effect.gen(function* () {
        const probe = new Probe()
        const worker = yield* Worker.spawn()
        const ref = yield* worker.run.remote(Effect.uninterruptible(Effect.as(probe.gate("end"), "true result")))
        yield* settle
        const killing = yield* Effect.forkChild(Actor.kill(worker))
        yield* settle
        assert.isUndefined(killing.pollUnsafe())
        assert.strictEqual((yield* reasonOf(worker.echo(1)))._tag, "ActorDied")
        yield* probe.open("end")
        yield* Fiber.join(killing)
        assert.strictEqual(yield* ref, "true result")
      })
  )

  it.effect(
    "10,000 waiting calls of a killed actor, and a running call each of 1000 killed actors, fail promptly",
    () =>
      Effect.gen(function* () {
        const one = yield* Worker.options({ maxConcurrency: 1 }).spawn()
        const waiting = yield* Effect.forEach(range(10_000), () => one.run.remote(Effect.never))
        const many = yield* Effect.forEach(range(1000), () => Worker.spawn())
        const running = yield* Effect.forEach(many, (worker) => worker.run.remote(Effect.never))
        yield* settle
        yield* Effect.forEach([one, ...many], Actor.kill, { concurrency: "unbounded" })
        for (const exit of yield* ObjectRef.allSettled([...waiting, ...running])) {
          assert.strictEqual(reasonOfExit(exit)._tag, "ActorDied")
        }
      })
  )

  it.effect("an actor that is started by a constructor dies with the actor that it was started for", () => {
    let child: Worker["Service"] | undefined
    class Parent extends Actor.Service<Parent>()("ray/Parent", {
      make: Effect.gen(function* () {
        child = yield* Worker.spawn()
        const worker = child
        return { ask: () => worker.add(1, 1) }
      })
    }) {}
    return Effect.gen(function* () {
      const parent = yield* Parent.spawn()
      assert.strictEqual(yield* parent.ask(), 2)
      yield* Actor.kill(parent)
      assert.strictEqual((yield* reasonOf(child!.add(1, 1)))._tag, "ActorDied")
    })
  })

  it.effect(
    "test_exit_actor_invalid_usage_error: (stronger) outside an actor Actor.exit does not compile, and dies",
    () =>
      Effect.gen(function* () {
        // @ts-expect-error -- nobody but an actor has an ActorContext
        const program: Effect.Effect<never> = Actor.exit
        assert.isTrue(Exit.isFailure(yield* Effect.exit(program)))
      })
  )

  it.effect(
    "test_exit_actor_async_actor_raise_immediately: nothing after exit runs, finalizers do, a second exit: ActorDied",
    () => {
      const log: Array<string> = []
      class Exiting extends Actor.Service<Exiting>()("ray/Exiting", {
        make: Effect.gen(function* () {
          yield* Effect.addFinalizer(() => Effect.sync(() => log.push("finalizer")))
          return { exit: () => Effect.andThen(Actor.exit, () => Effect.sync(() => log.push("after exit"))) }
        })
      }) {}
      return Effect.gen(function* () {
        const exiting = yield* Exiting.spawn()
        assert.strictEqual((yield* reasonOf(exiting.exit()))._tag, "ActorDied")
        yield* Actor.watch(exiting)
        const again = yield* reasonOf(exiting.exit())
        assert.include(again.message, "it called Actor.exit")
        assert.deepStrictEqual(log, ["finalizer"])
      })
    }
  )

  it.effect("test_exit_actor_queued: other running calls finish, waiting ones fail", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      class Exiting extends Actor.Service<Exiting>()("ray/Exiting", {
        maxConcurrency: 2,
        make: Effect.succeed({ work: probe.work, exit: () => Actor.exit })
      }) {}
      const exiting = yield* Exiting.spawn()
      const running = yield* exiting.work.remote("running")
      const exit = yield* exiting.exit.remote()
      const waiting = yield* exiting.work.remote("waiting")
      yield* settle
      assert.strictEqual((yield* reasonOf(exit))._tag, "ActorDied")
      assert.strictEqual((yield* reasonOf(waiting))._tag, "ActorDied")
      assert.deepStrictEqual(probe.startOrder, ["running"])
      yield* probe.open("running")
      assert.strictEqual(yield* running, "running")
    })
  )

  it.effect("test_exit_actor_in_constructor_should_exit: exit in the constructor: spawn fails, finalizers run", () => {
    let released = false
    class Exiting extends Actor.Service<Exiting>()("ray/Exiting", {
      make: Effect.gen(function* () {
        yield* Effect.addFinalizer(() =>
          Effect.sync(() => {
            released = true
          })
        )
        yield* Actor.exit
        return { ping: () => Effect.succeed("pong") }
      })
    }) {}
    return Effect.gen(function* () {
      const exit = yield* Effect.exit(Exiting.spawn())
      assert.isTrue(Exit.isFailure(exit))
      assert.include(String(exit), "Actor.exit")
      assert.isTrue(released)
    })
  })

  it.effect("test_exit_actor_user_catch_err_should_still_exit: catching everything does not keep the actor alive", () =>
    Effect.gen(function* () {
      let ran = 0
      class Exiting extends Actor.Service<Exiting>()("ray/Exiting", {
        make: Effect.succeed({
          exit: () => Effect.catchCause(Actor.exit, () => Effect.succeed("saved")),
          ping: () => Effect.sync(() => ++ran)
        })
      }) {}
      const exiting = yield* Exiting.spawn()
      yield* Effect.exit(exiting.exit())
      assert.strictEqual((yield* reasonOf(exiting.ping()))._tag, "ActorDied")
      yield* Actor.watch(exiting)
      assert.strictEqual(ran, 0)
    })
  )

  it.effect("test_exit_actor_nested_task: exit in a background fiber of a method ends the actor, too", () =>
    Effect.gen(function* () {
      class Exiting extends Actor.Service<Exiting>()("ray/Exiting", {
        make: Effect.succeed({
          start: () => Effect.as(Effect.forkDetach(Effect.andThen(Effect.yieldNow, Actor.exit)), "started"),
          ping: () => Effect.succeed("pong")
        })
      }) {}
      const exiting = yield* Exiting.spawn()
      assert.strictEqual(yield* exiting.start(), "started")
      const death = yield* Actor.watch(exiting)
      assert.strictEqual(death.why, "it called Actor.exit")
      assert.strictEqual((yield* reasonOf(exiting.ping()))._tag, "ActorDied")
    })
  )

  it.effect(
    "test_exit_actor_nested_task_in_constructor: exit in a background fiber of the constructor ends the actor",
    () =>
      Effect.gen(function* () {
        class Exiting extends Actor.Service<Exiting>()("ray/Exiting", {
          make: Effect.gen(function* () {
            yield* Effect.forkScoped(Effect.andThen(Effect.sleep("1 second"), Actor.exit))
            return { ping: () => Effect.succeed("pong") }
          })
        }) {}
        const exiting = yield* Exiting.spawn()
        assert.strictEqual(yield* exiting.ping(), "pong")
        yield* TestClock.adjust("1 second")
        assert.strictEqual((yield* Actor.watch(exiting)).why, "it called Actor.exit")
      })
  )
})

describe("F: shutdown hooks", () => {
  const hooked = (log: Array<string>, hook: Effect.Effect<unknown> = Effect.void) =>
    class Hooked extends Actor.Service<Hooked>()("ray/Hooked", {
      make: Effect.gen(function* () {
        yield* Effect.addFinalizer(() => Effect.sync(() => log.push("acquired first, released last")))
        yield* Effect.addFinalizer(() => Effect.andThen(hook, () => Effect.sync(() => log.push("shutdown"))))
        return { hold: () => Effect.never as Effect.Effect<void> }
      })
    }) {}

  const ways: ReadonlyArray<
    readonly [string, (handle: Actor.AnyHandle, scope: Scope.Closeable) => Effect.Effect<void>]
  > = [
    ["stop", (handle) => Actor.stop(handle)],
    ["kill (stronger: Ray skips the hook)", (handle) => Actor.kill(handle)],
    ["the end of its Scope", (_, scope) => Scope.close(scope, Exit.void)]
  ]
  for (const [way, end] of ways) {
    it.effect(
      `test_actor_user_shutdown_method: runs on ${way}, once, before what was acquired earlier is released`,
      () =>
        Effect.gen(function* () {
          const log: Array<string> = []
          const scope = yield* Scope.make()
          const actor = yield* Scope.provide(hooked(log).spawn(), scope)
          yield* end(actor, scope)
          yield* Scope.close(scope, Exit.void)
          assert.deepStrictEqual(log, ["shutdown", "acquired first, released last"])
        })
    )
  }

  it.effect("test_actor_user_shutdown_method_exception: a hook that dies is logged, the actor still ends", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const actor = yield* hooked(log, Effect.die("in the hook")).spawn()
      yield* Actor.stop(actor)
      assert.deepStrictEqual(log, ["acquired first, released last"])
      assert.strictEqual((yield* Actor.watch(actor)).why, "it was stopped")
    })
  )

  it.effect(
    "test_actor_graceful_shutdown_timeout: after shutdownTimeout running calls are interrupted, then the hook runs",
    () =>
      Effect.gen(function* () {
        const log: Array<string> = []
        const scope = yield* Scope.make()
        const actor = yield* Scope.provide(hooked(log).options({ shutdownTimeout: "500 millis" }).spawn(), scope)
        const ref = yield* actor.hold.remote()
        yield* settle
        const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
        yield* settle
        yield* TestClock.adjust("499 millis")
        assert.isUndefined(closing.pollUnsafe())
        yield* TestClock.adjust("1 millis")
        yield* Fiber.join(closing)
        assert.deepStrictEqual(log, ["shutdown", "acquired first, released last"])
        const reason = reasonOfExit(yield* Effect.exit(ref))
        assert.include(reason.message, "did not finish within shutdownTimeout")
      })
  )

  it.effect("the hook runs on each restart, before the next constructor", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      class Restarted extends Actor.Service<Restarted>()("ray/Restarted", {
        restart: Schedule.forever,
        make: Effect.gen(function* () {
          log.push("make")
          yield* Effect.addFinalizer(() => Effect.sync(() => log.push("shutdown")))
          return { crash: () => Effect.die("crash"), ping: () => Effect.succeed("pong") }
        })
      }) {}
      const actor = yield* Restarted.spawn()
      yield* Effect.exit(actor.crash())
      yield* actor.ping()
      yield* Actor.stop(actor)
      assert.deepStrictEqual(log, ["make", "shutdown", "make", "shutdown"])
    })
  )

  it.effect("a call that comes while the hook runs fails with ActorDied", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const actor = yield* hooked([], Deferred.await(gate)).spawn()
      const stopping = yield* Effect.forkChild(Actor.stop(actor))
      yield* settle
      assert.strictEqual((yield* reasonOf(actor.hold()))._tag, "ActorDied")
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(stopping)
    })
  )
})

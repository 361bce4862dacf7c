import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { Worker, type WorkerOptions } from "node:worker_threads"
import { assert, describe, it } from "@effect/vitest"
import { Actor, type ActorError, Broadcast, ObjectRef } from "@troupe/core"
import { WorkerFailed, WorkerHome } from "@troupe/worker"
import { Effect, Exit, Fiber, Layer, Random, Schedule, type Scope, Stream } from "effect"
import { errorOf, fork, range, reasonOf, reasonOfExit, seeded } from "../../core/test/support.ts"
import { Changed, Crasher, Crashers } from "./fixtures/Crasher.ts"
import { bundle, exited, KILLS } from "./support.ts"

const url = await bundle("crasher.worker")

/** Threads that have not exited. */
const living = new Set<Worker>()

const spawn =
  (options: WorkerOptions = {}) =>
  (): Worker => {
    const worker = new Worker(url, options)
    living.add(worker)
    worker.once("exit", () => living.delete(worker))
    return worker
  }

type Options = Omit<WorkerHome.HomeOptions, "url" | "workerOptions">

/** Restarts at once, so that tests need not wait for it. */
const atOnce = { restart: Schedule.recurs(5) }

const crasher = (options: Options = atOnce, worker: WorkerOptions = {}) =>
  WorkerHome.layer(Crasher, { spawn: spawn(worker), ...options })

/** A test with an instance of its own, after which no thread is left. */
const withCrasher = (
  name: string,
  layer: Layer.Layer<Crasher, WorkerFailed.WorkerFailed>,
  body: (crasher: Crasher["Service"]) => Effect.Effect<unknown, unknown, Scope.Scope>
) =>
  it.live(
    name,
    () =>
      Effect.gen(function* () {
        yield* Effect.provide(Effect.flatMap(Crasher, body), layer)
        assert.strictEqual(living.size, 0)
      }),
    30_000
  )

const unavailable = (exit: Exit.Exit<unknown, unknown>): ActorError.ActorUnavailable => {
  const reason = reasonOfExit(exit)
  assert.strictEqual(reason._tag, "ActorUnavailable")
  assert.isTrue(reason.mayHaveRun)
  return reason as ActorError.ActorUnavailable
}

const flag = () => new Int32Array(new SharedArrayBuffer(4))

describe("10.2 a thread that is lost", () => {
  const ways: ReadonlyArray<
    [
      what: string,
      lose: (crasher: Crasher["Service"]) => Effect.Effect<unknown, unknown>,
      why: RegExp,
      worker?: WorkerOptions
    ]
  > = [
    [
      "process.exit",
      (crasher) => crasher.exit(3),
      new RegExp(`Crasher\\.exit: .* its thread ${exited(3)} while it ran test/Crasher\\.exit`)
    ],
    ["an uncaught error", (crasher) => crasher.throwLater("boom"), /its thread failed with Error: boom/],
    ["a rejection that is not handled", (crasher) => crasher.rejectLater("boom"), /its thread failed with Error: boom/],
    [
      "running out of memory",
      (crasher) => crasher.hog(),
      /ERR_WORKER_OUT_OF_MEMORY|memory limit/,
      { resourceLimits: { maxOldGenerationSizeMb: 128 } }
    ]
  ]
  for (const [what, lose, why, worker] of ways) {
    withCrasher(`${what} fails the calls that run, and the thread is replaced`, crasher(atOnce, worker), (crasher) =>
      Effect.gen(function* () {
        yield* crasher.count()
        const bystander = yield* crasher.never.remote()
        assert.match(unavailable(yield* Effect.exit(lose(crasher))).message, why)
        unavailable(yield* Effect.exit(bystander))
        assert.strictEqual(yield* crasher.count(), 1)
      })
    )
  }

  const joined = (crasher: Crasher["Service"], count = 1) =>
    Effect.repeat(crasher.readers(), { until: (there) => there === count })

  withCrasher("7.8 a reader goes on in the next thread, and loses nothing after it is told so", crasher(), (crasher) =>
    Effect.gen(function* () {
      const got: Array<unknown> = []
      const reader = yield* fork(
        Stream.runForEach(Stream.take(crasher.counts(), 3), (item) => {
          got.push(Broadcast.isResync(item) ? item.reason : item)
          // What is published while it loads anew.
          return Broadcast.isResync(item) ? crasher.count() : Effect.void
        })
      )
      yield* joined(crasher)
      yield* crasher.count()
      yield* Effect.exit(crasher.exit(1))
      yield* Fiber.join(reader)
      assert.deepStrictEqual(got, [1, "Restarted", 1])
      yield* joined(crasher, 0)
    })
  )

  withCrasher(
    "7.8 when no thread comes up any more, it fails with ActorDied",
    crasher({ restart: Schedule.recurs(0) }),
    (crasher) =>
      Effect.gen(function* () {
        const reader = yield* fork(Stream.runDrain(crasher.counts()))
        yield* joined(crasher)
        yield* Effect.exit(crasher.exit(1))
        assert.strictEqual((yield* reasonOf(Fiber.join(reader)))._tag, "ActorDied")
      })
  )

  withCrasher("calls that wait stay in line, in order", crasher(atOnce, { workerData: "one" }), (crasher) =>
    Effect.gen(function* () {
      const exit = yield* crasher.exit.remote(1)
      const waiting = yield* Effect.forEach(range(10), (n) => crasher.note.remote(String(n)))
      unavailable(yield* Effect.exit(exit))
      yield* ObjectRef.all(waiting)
      assert.deepStrictEqual(yield* crasher.notes(), range(10).map(String))
    })
  )

  withCrasher(
    "calls that wait count as pending meanwhile",
    crasher({ restart: Schedule.spaced("200 millis"), maxPendingCalls: 3 }, { workerData: "one" }),
    (crasher) =>
      Effect.gen(function* () {
        const exit = yield* crasher.exit.remote(1)
        const waiting = yield* Effect.forEach(range(2), (n) => crasher.note.remote(String(n)))
        yield* Effect.exit(exit)
        yield* crasher.note.remote("2")
        assert.strictEqual((yield* reasonOf(crasher.note.remote("3")))._tag, "PendingCallsLimitExceeded")
        yield* ObjectRef.all(waiting)
      })
  )

  withCrasher("a call that was running runs again, as far as maxTaskRetries goes", crasher(), (crasher) =>
    Effect.gen(function* () {
      assert.strictEqual(yield* crasher.exitOnce.options({ maxTaskRetries: 1 })(flag()), "second time")
    })
  )

  withCrasher("a stream fails with ActorUnavailable", crasher(), (crasher) =>
    Effect.gen(function* () {
      const taken: Array<number> = []
      const stream = Stream.tap(crasher.items(), (n) => Effect.sync(() => taken.push(n)))
      const running = yield* fork(Stream.runDrain(stream))
      yield* Effect.repeat(Effect.sleep(1), { until: () => taken.length > 0 })
      for (const worker of living) void worker.terminate()
      unavailable(yield* Fiber.await(running))
      assert.strictEqual(yield* crasher.count(), 1)
    })
  )

  withCrasher(
    "when the schedule ends the actor dies, and says of what",
    crasher({ restart: Schedule.recurs(1) }),
    (crasher) =>
      Effect.gen(function* () {
        unavailable(yield* Effect.exit(crasher.exit(3)))
        yield* crasher.count()
        yield* Effect.exit(crasher.exit(4))
        const death = yield* Actor.watch(crasher)
        assert.match(death.why, /restart schedule ended/)
        assert.include(String(death.cause), exited(4))
        const late = yield* reasonOf(crasher.count())
        assert.strictEqual(late._tag, "ActorDied")
        assert.match(late.message, new RegExp(`restart schedule ended.*${exited(4)} while it ran test/Crasher\\.exit`))
        assert.isFalse(late.mayHaveRun)
      })
  )

  describe("while it is being replaced", () => {
    /** The first thread is good, and the next one never gets ready. */
    const unlucky = () => {
      let threads = 0
      const make = () => spawn({ workerData: threads++ === 0 ? "one" : "silent" })()
      return WorkerHome.layer(Crasher, { spawn: make, shutdownTimeout: 50, ...atOnce })
    }

    /** Loses the thread, and has a call in line for the next one. */
    const lost = (crasher: Crasher["Service"]) =>
      Effect.gen(function* () {
        const exit = yield* crasher.exit.remote(1)
        const waiting = yield* crasher.note.remote("waiting")
        yield* Effect.exit(exit)
        yield* Effect.repeat(Effect.sleep(1), { until: () => living.size > 0 })
        return waiting
      })

    withCrasher("a call that waits can be cancelled", unlucky(), (crasher) =>
      Effect.gen(function* () {
        const waiting = yield* lost(crasher)
        assert.strictEqual(yield* ObjectRef.cancel(waiting), "NotStarted")
        assert.isFalse((yield* reasonOf(waiting)).mayHaveRun)
      })
    )

    withCrasher("its instance can be killed", unlucky(), (crasher) =>
      Effect.gen(function* () {
        const waiting = yield* lost(crasher)
        yield* Actor.kill(crasher)
        const reason = yield* reasonOf(waiting)
        assert.deepStrictEqual([reason._tag, reason.mayHaveRun], ["ActorDied", false])
      })
    )

    it.live(
      "its Scope can close: calls that wait fail with ActorDied",
      () =>
        Effect.gen(function* () {
          const waiting = yield* Effect.provide(Effect.flatMap(Crasher, lost), unlucky())
          assert.strictEqual((yield* reasonOf(waiting))._tag, "ActorDied")
          assert.strictEqual(living.size, 0)
        }),
      30_000
    )
  })

  it.live(
    "one thread of a keyed actor is lost without the others",
    () =>
      Effect.gen(function* () {
        const crashers = yield* Crashers
        const keys = range(16).map(String)
        yield* Effect.forEach(keys, (key) => crashers.get(key).count(), { concurrency: "unbounded" })
        unavailable(yield* Effect.exit(crashers.get("0").exit(1)))
        const counts = yield* Effect.forEach(keys, (key) => crashers.get(key).count(), { concurrency: "unbounded" })
        assert.include(counts, 1)
        assert.include(counts, 2)
      }).pipe(
        Effect.provide(WorkerHome.layer(Crashers, { spawn: spawn({ workerData: "keyed" }), size: 2, ...atOnce }))
      ),
    30_000
  )
})

describe("a thread that hangs", () => {
  const watched = { ...atOnce, unresponsiveAfter: "300 millis" } as const

  withCrasher("is found, with the method that it hangs in, and replaced", crasher(watched), (crasher) =>
    Effect.gen(function* () {
      const { message } = unavailable(yield* Effect.exit(crasher.spin()))
      assert.match(message, /did not answer for 0\.3 s while it ran test\/Crasher\.spin/)
      assert.strictEqual(yield* crasher.count(), 1)
    })
  )

  withCrasher("is found in a stream", crasher(watched), (crasher) =>
    Effect.gen(function* () {
      assert.strictEqual(unavailable(yield* Effect.exit(Stream.runDrain(crasher.items())))._tag, "ActorUnavailable")
    })
  )

  withCrasher("does not keep the caller of a kill waiting", crasher(), (crasher) =>
    Effect.gen(function* () {
      const running = yield* fork(crasher.spin())
      yield* Actor.kill(crasher)
      assert.strictEqual((yield* reasonOf(Fiber.join(running)))._tag, "ActorDied")
    })
  )

  it.live(
    "finalizers do not run in a thread that hangs",
    () =>
      Effect.gen(function* () {
        const [good, hung] = [flag(), flag()]
        const lend = (memory: Int32Array) => Effect.flatMap(Crasher, (crasher) => crasher.lend(memory))
        yield* Effect.provide(lend(good), crasher())
        const hang = Effect.flatMap(Crasher, (crasher) => Effect.andThen(fork(crasher.spin()), Actor.kill(crasher)))
        yield* Effect.provide(Effect.andThen(lend(hung), hang), crasher())
        assert.deepStrictEqual([good[0], hung[0]], [1, 0])
      }),
    30_000
  )

  withCrasher("does not keep its Scope from closing", crasher({ shutdownTimeout: "100 millis" }), (crasher) =>
    fork(crasher.spin())
  )

  withCrasher(
    "does not keep its Scope from closing, also when no call runs",
    crasher({ shutdownTimeout: "100 millis" }),
    (crasher) =>
      Effect.gen(function* () {
        const spins = flag()
        yield* crasher.spinLater(spins)
        yield* Effect.repeat(Effect.sleep(1), { until: () => Atomics.load(spins, 0) === 1 })
      })
  )
})

describe("a thread that does not come up", () => {
  const fails = (name: string, layer: Layer.Layer<any, WorkerFailed.WorkerFailed>, why: RegExp) =>
    it.live(
      name,
      () =>
        Effect.gen(function* () {
          const error = yield* errorOf(Effect.scoped(Layer.build(layer)))
          assert.instanceOf(error, WorkerFailed.WorkerFailed)
          assert.match(error.message, why)
          assert.strictEqual(living.size, 0)
          return error
        }),
      30_000
    )

  fails(
    "its file crashes at import",
    crasher({}, { workerData: "import" }),
    /^test\/Crasher: its thread did not come up because its thread failed with Error: crashed at import$/
  )
  fails(
    "its file never serves",
    crasher({ startTimeout: "300 millis" }, { workerData: "silent" }),
    /not ready within 0\.3 s \(startTimeout\)/
  )
  fails(
    "its file ends without serving",
    crasher({}, { workerData: "ended" }),
    /ended by itself: does its file end with WorkerHome\.serve/
  )
  fails("there is no such file", WorkerHome.layer(Crasher, { url: new URL("nothing.js", url) }), /nothing\.js/)
  fails(
    "it cannot be started",
    WorkerHome.layer(Crasher, {
      spawn: () => {
        throw new Error("no threads today")
      }
    }),
    /could not be started: no threads today/
  )
  fails(
    "it serves another actor",
    crasher({}, { workerData: "keyed" }),
    /it serves test\/Crashers\. Is it the right file\?/
  )
  fails(
    "its contract is another one",
    WorkerHome.layer(Changed, { spawn: spawn() }),
    /contract is not the same on both sides: extra is only on this side, as \(\): void; note is \(string, string\): void here, and \(string\): void in the thread\. Build both/
  )

  it.live("its constructor fails: the error says how, and carries the failure", () =>
    Effect.gen(function* () {
      const error = yield* errorOf(Effect.scoped(Layer.build(crasher({}, { workerData: "constructor" }))))
      assert.match(error.message, /its implementation could not be built: lp0 is out of paper/)
      const cause = error.cause as any
      assert.instanceOf(cause, Error)
      assert.deepStrictEqual({ ...cause, name: cause.name }, { name: "OutOfPaper", _tag: "OutOfPaper", printer: "lp0" })
      assert.strictEqual(living.size, 0)
    })
  )

  it.live("interrupting the wait for it ends it", () =>
    Effect.gen(function* () {
      const building = yield* fork(Effect.scoped(Layer.build(crasher({}, { workerData: "silent" }))))
      yield* Fiber.interrupt(building)
      assert.strictEqual(living.size, 0)
    })
  )

  it("wrong options are refused where they are given", () => {
    assert.throws(
      () => WorkerHome.layer(Crasher, { url, sizes: 2 } as object),
      /test\/Crasher: there is no option "sizes"/
    )
    assert.throws(() => WorkerHome.layer(Crasher, {}), /test\/Crasher: WorkerHome needs "url"/)
    assert.throws(
      () => WorkerHome.layer(Crasher, { url, size: 2 }),
      /test\/Crasher: one instance lives in one thread, so size must be 1, but is 2/
    )
    assert.throws(
      () => WorkerHome.layer(Crashers, { url, size: 0 }),
      /test\/Crashers: size must be an integer of at least 1, or "max", but is 0/
    )
    assert.throws(
      () => WorkerHome.layer(Crasher, { url, startTimeout: -1 }),
      /test\/Crasher: startTimeout must be a duration/
    )
    for (const option of ["startTimeout", "unresponsiveAfter", "shutdownTimeout"]) {
      const given = { url, [option]: Number.NaN }
      assert.throws(() => WorkerHome.layer(Crasher, given), RangeError, `${option} must be a duration`)
    }
    assert.throws(() => WorkerHome.layer(Crasher, null as never), TypeError, "test/Crasher: options go in an object")
    assert.throws(() => WorkerHome.transfer(3 as never), /WorkerHome\.transfer takes an object/)
    class Bare extends Actor.Service<Bare>()("test/Bare", { make: Effect.succeed({ a: () => Effect.void }) }) {}
    assert.throws(() => WorkerHome.layer(Bare as any, { url }), /test\/Bare: only an actor with a contract/)
    assert.throws(() => WorkerHome.serve(Crasher, crasher()), /belongs in the file of a worker thread/)
  })
})

describe("an idle thread", () => {
  it("does not keep the process alive", async () => {
    const script = fileURLToPath(new URL("fixtures/idle.ts", import.meta.url))
    const flags = ["--conditions=@troupe/source", "--no-warnings", script, url.href]
    const { stdout } = await promisify(execFile)(process.execPath, flags, { timeout: 25_000 })
    assert.strictEqual(stdout, "1\n")
  }, 30_000)
})

describe("random losses, kills and cancellations under load", () => {
  const AT_ONCE = 20
  const options = {
    spawn: spawn({ workerData: "keyed" }),
    size: 3,
    restart: Schedule.forever,
    maxTaskRetries: 2
  }

  const cancel = (ref: ObjectRef.ObjectRef<unknown, unknown>) => ObjectRef.cancel(ref)

  it.live(
    `after ${KILLS} of them every ref has settled once, and no thread is left`,
    () =>
      seeded(
        Effect.gen(function* () {
          let settled = 0
          const refs: Array<ObjectRef.ObjectRef<unknown, unknown>> = []
          /** Calls that do not end by themselves. */
          const endless: Array<ObjectRef.ObjectRef<unknown, unknown>> = []
          yield* Effect.gen(function* () {
            const crashers = yield* Crashers
            const handle = Effect.map(Random.nextIntBetween(0, 32), (n) => crashers.get(String(n)))
            const submit = Effect.gen(function* () {
              const one = yield* handle
              const kind = yield* Random.nextIntBetween(0, 5)
              const never = kind === 0
              const ref = never
                ? yield* one.never.remote()
                : kind === 1
                  ? yield* one.note.remote("x")
                  : yield* one.count.remote()
              const done = () => settled++
              void Promise.resolve(ref).then(done, done)
              refs.push(ref)
              if (never) endless.push(ref)
            })
            const lose = Effect.gen(function* () {
              const one = yield* handle
              switch (yield* Random.nextIntBetween(0, 8)) {
                case 2:
                  return yield* Actor.kill(one)
                case 3:
                  return yield* Effect.forEach(endless.splice(0), cancel, { concurrency: "unbounded" })
                case 0:
                  return yield* Effect.exit(one.exit.options({ maxTaskRetries: 0 })(1))
                case 1:
                  return yield* Effect.exit(one.throwLater.options({ maxTaskRetries: 0 })("boom"))
                default: {
                  const workers = [...living]
                  const victim = workers[yield* Random.nextIntBetween(0, workers.length || 1)]
                  return yield* Effect.promise(async () => victim?.terminate())
                }
              }
            })
            for (let kills = 0; kills < KILLS; kills += AT_ONCE) {
              yield* Effect.repeat(submit, { times: 99 })
              yield* Effect.all(
                range(AT_ONCE).map(() => lose),
                { concurrency: "unbounded" }
              )
            }
            yield* Effect.forEach(endless, cancel, { concurrency: "unbounded" })
            const ends = ["ActorUnavailable", "ActorDied", "TaskCancelled"]
            for (const exit of yield* Effect.forEach(refs, Effect.exit)) {
              if (Exit.isFailure(exit)) assert.include(ends, reasonOfExit(exit)._tag)
            }
          }).pipe(Effect.provide(WorkerHome.layer(Crashers, options)))
          yield* Effect.promise(() => new Promise(setImmediate))
          assert.strictEqual(settled, refs.length)
          assert.strictEqual(living.size, 0)
        })
      ),
    60_000
  )
})

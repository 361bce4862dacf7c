import { inspect, types } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorError, AsyncHandle, ObjectRef, Task } from "@troupe/core"
import { Cause, Context, Data, Deferred, Effect, Exit, Fiber, Option, Schedule, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import { errorOf, Probe, range, reasonOf, settle, Worker } from "./support.ts"

const causeOf = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<Cause.Cause<E>, never, R> =>
  Effect.map(Effect.exit(effect), (exit) => (Exit.isFailure(exit) ? exit.cause : assert.fail("expected a failure")))

const isDone = (ref: ObjectRef.Any) => Deferred.isDone(ObjectRef.asDeferred(ref))

const failedCall = (cause: Cause.Cause<unknown>) =>
  Option.getOrUndefined(Context.getOption(Cause.annotations(cause), ActorError.FailedCall))

/** An ActorError of each reason that can be brought about inside one process. */
const errors = Effect.gen(function* () {
  const probe = new Probe()
  const worker = yield* Worker.options({ maxConcurrency: 1, maxPendingCalls: 2 }).spawn(probe)
  const running = yield* worker.work.remote("a")
  const waiting = yield* worker.note.remote("b")
  yield* probe.started("a")
  const limit = yield* errorOf(worker.note("c"))
  yield* ObjectRef.cancel(waiting)
  const cancelled = yield* errorOf(waiting)
  yield* ObjectRef.cancel(running)
  const interrupted = yield* errorOf(running)
  const restarting = yield* Worker.options({ restart: Schedule.spaced("1 second") }).spawn(probe)
  const cut = yield* restarting.work.remote("d")
  yield* probe.started("d")
  yield* Effect.exit(restarting.die("bug"))
  const unavailable = yield* errorOf(cut)
  yield* Actor.kill(worker)
  const died = yield* errorOf(worker.note("e"))
  return { limit, cancelled, interrupted, unavailable, died }
})

describe("9.1", () => {
  it.effect('9.1 one ActorError, tagged "ActorError", with a tagged reason', () =>
    Effect.gen(function* () {
      const all = yield* errors
      for (const error of Object.values(all)) {
        assert.isTrue(ActorError.isActorError(error))
        assert.instanceOf(error, ActorError.ActorError)
        assert.instanceOf(error, Error)
        assert.strictEqual(error._tag, "ActorError")
      }
      assert.deepStrictEqual(
        Object.values(all).map((error) => error.reason._tag),
        ["PendingCallsLimitExceeded", "TaskCancelled", "TaskCancelled", "ActorUnavailable", "ActorDied"]
      )
      assert.instanceOf(all.died.reason, ActorError.ActorDied)
      assert.isFalse(ActorError.isActorError(new Error("other")))
      assert.isFalse(ActorError.isActorError({ _tag: "ActorError" }))
    })
  )

  it.effect("9.1 what the runtime fails with is what the constructor makes", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.options({ onDefect: "stop" }).spawn()
      yield* Effect.exit(worker.die(new Error("boom")))
      const caused = yield* errorOf(worker.note("late"))
      const { ActorError: Class, isActorError: _, ...classes } = ActorError
      for (const error of [...Object.values(yield* errors), caused]) {
        const reason = new (classes as any)[error.reason._tag]({ ...error.reason })
        const made = new Class({ reason })
        for (const [ours, theirs] of [
          [error, made],
          [error.reason, reason]
        ]) {
          assert.strictEqual(Object.getPrototypeOf(ours), Object.getPrototypeOf(theirs))
          assert.isTrue(types.isNativeError(ours))
          const [said] = theirs.stack.split("\n    at ")
          assert.strictEqual(ours.stack.split("\n    at ")[0], said)
          assert.deepStrictEqual(Object.getOwnPropertyNames(ours).sort(), Object.getOwnPropertyNames(theirs).sort())
          assert.deepStrictEqual(JSON.parse(JSON.stringify(ours)), JSON.parse(JSON.stringify(theirs)))
          assert.strictEqual(inspect(ours).split("\n    at ")[0], inspect(theirs).split("\n    at ")[0])
        }
        const encode = Schema.encodeSync(Class)
        assert.deepStrictEqual(encode(error), encode(made))
      }
    })
  )

  it.effect(
    "9.1 of calls whose time is over together, those in line do not run, though one before them makes room",
    () =>
      Effect.gen(function* () {
        const probe = new Probe()
        const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
        const hasty = worker.work.options({ timeout: "1 second" })
        const refs = yield* Effect.forEach(range(50), (i) => hasty.remote(`${i}`))
        yield* probe.started("0")
        yield* TestClock.adjust("1 second")
        const errors = yield* Effect.forEach(refs, errorOf)
        assert.deepStrictEqual(
          errors.map(({ mayHaveRun, reason }) => `${reason._tag} ${mayHaveRun}`),
          range(50).map((i) => `TimedOut ${i === 0}`)
        )
        assert.deepStrictEqual(probe.log, ["0 start", "0 cut"])
      })
  )

  it.effect("9.1 it shows its message where it is printed or logged", () =>
    Effect.gen(function* () {
      const { died } = yield* errors
      const message = died.message
      assert.match(message, /because it was killed.*Make a new instance/)
      assert.isTrue(inspect(died).startsWith(`ActorError: ${message}\n    at `))
      assert.include(inspect({ died }), message)
      assert.strictEqual(inspect(died.reason), `ActorDied: ${message}`)
      const { _tag, mayHaveRun, retrySafe } = died
      assert.deepInclude(JSON.parse(JSON.stringify(died)), { _tag, message, mayHaveRun, retrySafe })
      const taken = new ActorError.ActorNameTaken({ actor: "test/A", name: "first", holder: "test/B" })
      assert.strictEqual(inspect(taken), `ActorNameTaken: ${taken.message}`)
      assert.strictEqual(`${taken}`, inspect(taken))
    })
  )

  it.effect("9.1 a death that something caused names the cause", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.options({ onDefect: "stop" }).spawn()
      yield* Effect.exit(worker.die(new Error("boom")))
      const { message } = yield* errorOf(worker.note("late"))
      assert.include(message, "because a method died of a defect (Error: boom). This call did not run.")
    })
  )

  it("9.1 a name that another actor has cannot be used with getIfExists, and is not offered", () => {
    const taken = { actor: "test/A", name: "first" }
    assert.include(new ActorError.ActorNameTaken({ ...taken, holder: "test/A" }).message, "getIfExists")
    assert.notInclude(new ActorError.ActorNameTaken({ ...taken, holder: "test/B" }).message, "getIfExists")
  })

  it.effect("9.1 each reason says whether the call may have run and whether retrying is safe", () =>
    Effect.gen(function* () {
      const all = yield* errors
      const facts = Object.entries(all).map(([name, error]) => [name, error.mayHaveRun, error.retrySafe])
      assert.deepStrictEqual(facts, [
        ["limit", false, true],
        ["cancelled", false, true],
        ["interrupted", true, false],
        ["unavailable", true, false],
        ["died", false, false]
      ])
      for (const { mayHaveRun, reason, retrySafe } of Object.values(all)) {
        assert.strictEqual(mayHaveRun, reason.mayHaveRun)
        assert.strictEqual(retrySafe, reason.retrySafe)
      }
    })
  )

  it.effect("9.1 each message tells what happened, to which method of which actor, and whether it ran", () =>
    Effect.gen(function* () {
      const { cancelled, died, interrupted, limit, unavailable } = yield* errors
      assert.match(limit.message, /^test\/Worker\.note: rejected because maxPendingCalls \(2\) was reached/)
      assert.match(cancelled.message, /^test\/Worker\.note #\d+: .*cancelled before it started/)
      assert.match(interrupted.message, /^test\/Worker\.work #\d+: .*cancelled while it ran/)
      assert.match(unavailable.message, /^test\/Worker\.work #\d+: .*restarting.*may have run/)
      assert.match(died.message, /^test\/Worker\.note #\d+: .*died.*it was killed.*did not run/)
    })
  )

  it.effect("9.1 Effect.catchReason works on it", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      yield* Actor.kill(worker)
      const ask = worker.add(1, 2)
      const died = Effect.catchReason(ask, "ActorError", "ActorDied", ({ why }) => Effect.succeed(why))
      assert.strictEqual(yield* died, "it was killed")
      const other = Effect.catchReason(ask, "ActorError", "TaskCancelled", () => Effect.succeed("never"))
      assert.strictEqual((yield* reasonOf(other))._tag, "ActorDied")
      const tagged = Effect.catchTag(ask, "ActorError", (error) => Effect.succeed(error.reason._tag))
      assert.strictEqual(yield* tagged, "ActorDied")
      const ref = yield* worker.add.remote(1, 2)
      const fromRef = Effect.catchReason(ref, "ActorError", "ActorDied", () => Effect.succeed("caught"))
      assert.strictEqual(yield* fromRef, "caught")
    })
  )

  it.effect("9.1 it is a Schema: it survives encoding and decoding", () =>
    Effect.gen(function* () {
      const codec = Schema.toCodecJson(ActorError.ActorError)
      const deadlock = new ActorError.ActorError({
        reason: new ActorError.Deadlock({ actor: "A", method: "f", cycle: ["A.f", "B.g", "A.f"] })
      })
      const decode = new ActorError.ActorError({
        reason: new ActorError.DecodeError({ actor: "A", method: "f", issue: "argument 1", mayHaveRun: false })
      })
      for (const error of [...Object.values(yield* errors), deadlock, decode]) {
        const json = JSON.stringify(yield* Schema.encodeUnknownEffect(codec)(error))
        const back = yield* Schema.decodeUnknownEffect(codec)(JSON.parse(json))
        assert.instanceOf(back, ActorError.ActorError)
        assert.strictEqual(back.message, error.message)
        assert.deepStrictEqual([back.mayHaveRun, back.retrySafe], [error.mayHaveRun, error.retrySafe])
      }
    })
  )

  it.effect("9.1 a call with a timeout fails with TimedOut once its time is over, waiting or running", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      const running = yield* worker.work.options({ timeout: "2 seconds" }).remote("running")
      const timed = worker.work.options({ timeout: "1 second" })
      const late = [
        yield* timed.remote("waiting"),
        yield* timed.remote(yield* ObjectRef.fromEffect(Effect.never)),
        yield* ObjectRef.fromEffect(timed("asked"))
      ]
      const patient = yield* worker.work.options({ timeout: "3 seconds" }).remote("patient")
      yield* TestClock.adjust("999 millis")
      assert.isFalse(yield* isDone(late[0]!))
      yield* TestClock.adjust("1 millis")
      for (const ref of late) {
        const error = yield* errorOf(ref)
        assert.strictEqual(error.reason._tag, "TimedOut")
        assert.deepStrictEqual([error.mayHaveRun, error.retrySafe], [false, true])
      }
      assert.deepStrictEqual(probe.log, ["running start"], "neighbours run on")
      yield* TestClock.adjust("1 second")
      const error = yield* errorOf(running)
      assert.strictEqual(error.reason._tag, "TimedOut")
      assert.deepStrictEqual([error.mayHaveRun, error.retrySafe], [true, false])
      assert.match(error.message, /^test\/Worker\.work #\d+: the call did not settle within its timeout of 2s/)
      yield* probe.open("patient")
      assert.strictEqual(yield* patient, "patient")
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(probe.log, ["running start", "running cut", "patient start", "patient end"])
    })
  )
})

describe("9.2", () => {
  it.effect(
    "9.2 method errors come through untouched: the same object, by ask, ref, stream, promise and argument",
    () =>
      Effect.gen(function* () {
        class Overflow extends Schema.TaggedError<Overflow>()("Overflow", { limit: Schema.Number }) {}
        class Counter extends Actor.Service<Counter>()("test/Counter", {
          make: Effect.succeed({
            fail: (error: Overflow) => Effect.fail(error),
            failLater: (error: Overflow) => Effect.andThen(Effect.yieldNow, Effect.fail(error)),
            stream: (error: Overflow) => Stream.fail(error),
            take: (_: number) => Effect.void
          })
        }) {}
        const counter = yield* Counter.spawn()
        const error = new Overflow({ limit: 3 })
        assert.strictEqual(yield* errorOf(counter.fail(error)), error)
        assert.strictEqual(yield* errorOf(counter.failLater(error)), error)
        const ref = yield* counter.failLater.remote(error)
        assert.strictEqual(yield* errorOf(ref), error)
        assert.strictEqual(yield* errorOf(counter.take(ref)), error)
        assert.strictEqual(yield* errorOf(Stream.runDrain(counter.stream(error))), error)
        const caught = Effect.catchTag(counter.fail(error), "Overflow", ({ limit }) => Effect.succeed(limit))
        assert.strictEqual(yield* caught, 3)
        assert.strictEqual(yield* Effect.promise(() => ObjectRef.toPromise(ref).catch((error) => error)), error)
      })
  )

  it.effect("9.2 errors that are no objects come through, too", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      for (const error of ["text", 0, null, undefined, Symbol.for("error"), Number.NaN]) {
        assert.isTrue(Object.is(yield* errorOf(worker.fail(error)), error))
        assert.isTrue(Object.is(yield* errorOf(yield* worker.fail.remote(error)), error))
      }
    })
  )

  it.effect("9.2 an ActorError that a method fails with is told from one of the call itself by its method", () =>
    Effect.gen(function* () {
      const dead = yield* Worker.spawn()
      yield* Actor.kill(dead)
      const worker = yield* Worker.spawn()
      const inner = yield* errorOf(dead.note("a"))
      const outer = yield* errorOf(worker.run(dead.note("a")))
      assert.deepInclude(outer.reason, { _tag: "ActorDied", method: "note" })
      assert.strictEqual(inner.reason.method, outer.reason.method)
    })
  )
})

describe("9.3", () => {
  it.effect("9.3 no cause is ever dropped: all reasons of a method's failure arrive", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const both = Effect.ensuring(Effect.fail("typed"), Effect.die("finalizer"))
      const parallel = Effect.all([Effect.fail("one"), Effect.die("two")], { concurrency: "unbounded" })
      const made = Effect.failCause(Cause.fromReasons([Cause.makeFailReason("a"), Cause.makeDieReason("b")]))
      for (const effect of [both, parallel, made]) {
        const plain = yield* causeOf<unknown, unknown, never>(effect)
        const asked = yield* causeOf(worker.run(effect))
        const remote = yield* causeOf(yield* worker.run.remote(effect))
        for (const cause of [asked, remote]) {
          assert.deepStrictEqual(reasons(cause), reasons(plain))
        }
      }
    })
  )

  it.effect(
    "9.3 what finalizers of a killed or cancelled call die of is in the cause, next to the reason for the end",
    () =>
      Effect.gen(function* () {
        const probe = new Probe()
        const worker = yield* Worker.spawn(probe)
        const body = (id: string) => Effect.ensuring(probe.work(id), Effect.die(`finalizer ${id}`))
        const cancelled = yield* worker.run.remote(body("a"))
        const killed = yield* worker.run.remote(body("b"))
        yield* probe.started("b")
        yield* ObjectRef.cancel(cancelled)
        yield* Actor.kill(worker)
        assert.deepStrictEqual(reasons(yield* causeOf(cancelled)), ["Fail ActorError", "Die finalizer a"])
        assert.deepStrictEqual(reasons(yield* causeOf(killed)), ["Fail ActorError", "Die finalizer b"])
      })
  )

  it.effect("9.3 causes carry, as an annotation, which call failed and who called, nearest first", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const inner = yield* Worker.spawn(probe)
      const middle = yield* Worker.spawn(probe)
      const outer = yield* Worker.spawn(probe)
      const failing = outer.run.options({ name: "outer" })(
        middle.run.options({ name: "middle" })(inner.fail.options({ name: "inner" })("typed"))
      )
      const info = failedCall(yield* causeOf(failing))
      assert.deepInclude(info, { call: "inner", callers: ["middle", "outer"] })
      const direct = yield* inner.fail.remote("typed")
      assert.deepStrictEqual(failedCall(yield* causeOf(direct)), {
        call: "test/Worker.fail",
        id: direct.id,
        callers: []
      })
    })
  )

  it.effect("9.3 a printed cause has the call between the frames of its method and of its caller", () =>
    Effect.gen(function* () {
      class Denied extends Data.TaggedError("Denied")<{ readonly who: string; readonly code: number }> {}
      class Vault extends Actor.Service<Vault>()("test/Vault", {
        make: Effect.succeed({
          open: Effect.fn("Vault.open")(function* (who: string) {
            return yield* new Denied({ who, code: 7 })
          })
        })
      }) {}
      const vault = yield* Vault.spawn()
      const worker = yield* Worker.spawn()
      const driver = Effect.fn("driver")(() => worker.run(vault.open("bob")))
      const framesOf = (cause: Cause.Cause<unknown>) =>
        Cause.pretty(cause)
          .split("\n    at ")
          .filter((line) => /Vault|Worker|driver/.test(line))
          .map((line) => line.replace(/ \([^{(]*\)$/, "").replace(/#\d+/, "#n"))
      assert.deepStrictEqual(framesOf(yield* causeOf(driver())), [
        "Vault.open",
        "Vault.open (definition)",
        'test/Vault.open #n <- test/Worker.run ({"who":"bob","code":7})',
        "driver",
        "driver (definition)"
      ])
      const dead = yield* Vault.spawn()
      yield* Actor.kill(dead)
      const failed = framesOf(yield* causeOf(worker.run(dead.open("al"))))
      assert.deepStrictEqual(failed.slice(1), ["test/Vault.open #n <- test/Worker.run"])
    })
  )

  it.effect("9.3 a printed cause ends where our insides begin", () =>
    Effect.gen(function* () {
      class Vault extends Actor.Service<Vault>()("test/Vault", {
        make: Effect.succeed({ burn: () => Effect.die(new Error("a bug")) })
      }) {}
      const vault = yield* Vault.spawn()
      const task = Task.make("test/burn", () => Effect.die(new Error("a bug")))
      const traced = yield* class extends Actor.Service<Vault>()("test/Traced", {
        make: Effect.succeed({ burn: Effect.fn("burn")(() => Effect.die(new Error("a bug"))) })
      }) {}.spawn()
      for (const burn of [vault.burn(), task(), traced.burn()])
        assert.notMatch(Cause.pretty(yield* causeOf(burn)), /core.src.internal/)
    })
  )

  it.effect("9.3 a printed cause shows the nearest five callers, and that there were more", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const deep = range(8).reduce<Effect.Effect<unknown, unknown>>((inner) => worker.run(inner), worker.die("bug"))
      const text = Cause.pretty(yield* causeOf(deep))
      assert.match(text, /at test\/Worker\.die #\d+( <- test\/Worker\.run){5} <- …/)
    })
  )

  it.effect(
    "9.3 the stack of an error has the frames that a printed cause has, and a printed cause has them once",
    () =>
      Effect.gen(function* () {
        const worker = yield* Worker.spawn()
        const driver = Effect.fn("driver")((inner: Effect.Effect<any, any>) => worker.run(inner))
        const dead = yield* Worker.spawn()
        yield* Actor.kill(dead)
        class Denied extends Data.TaggedError("Denied")<{ readonly who: string }> {}
        const failing = [
          worker.die(new Error("a bug")),
          worker.fail(new Denied({ who: "bob" })),
          dead.note("a"),
          worker.run.options({ timeout: "1 second" })(Effect.never)
        ]
        for (const inner of failing) {
          const fiber = yield* Effect.forkChild(causeOf(driver(inner)))
          yield* TestClock.adjust("1 second")
          const cause = yield* Fiber.join(fiber)
          const printed = Cause.pretty(cause)
          const stack = String((Cause.squash(cause) as Error).stack)
          assert.match(printed, /\n {4}at test\/Worker\.\w+ #\d+ <- test\/Worker\.run/)
          const frames = printed.slice(printed.indexOf("    at test/Worker"))
          assert.isTrue(stack.endsWith(frames), stack)
          assert.strictEqual(printed.split(" <- ").length, 2)
        }
      })
  )

  it.effect("9.3 the stack of what a promise rejects with has the calls, and the async functions that await it", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const probe = new Probe()
      const held = AsyncHandle.make(yield* Worker.spawn(probe))
      const hold = () => worker.run(Effect.andThen(probe.work("a"), Effect.die(new Error("late"))))
      async function waits(ref: PromiseLike<unknown>) {
        return await ref
      }
      async function caller(ref: PromiseLike<unknown>): Promise<string> {
        return waits(ref).then(String, ({ stack }) => stack)
      }
      async function all(ref: PromiseLike<unknown>): Promise<string> {
        try {
          await Promise.all([ref])
          return "nothing"
        } catch (error) {
          return String((error as Error).stack)
        }
      }
      const settled = held.die(new Error("a bug"))
      const stack = yield* Effect.promise(() => caller(settled))
      assert.match(stack, /Error: a bug\n[\s\S]*\n {4}at test\/Worker\.die #\d+\n {4}at (async )?waits /)
      assert.match(yield* Effect.promise(() => caller(settled)), /#\d+\n {4}at (async )?waits /)
      const pending = held.run(hold())
      const late = all(pending)
      yield* probe.started("a")
      yield* probe.open("a")
      const frames = /test\/Worker\.run #\d+ <- test\/Worker\.run\n {4}at (async )?Promise.all .*\n {4}at (async )?all /
      assert.match(yield* Effect.promise(() => late), frames)
    })
  )

  it.effect("9.3 the stack of an error that fails again shows the last failure alone", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const error = new Error("shared")
      const own = error.stack!.split("\n").length
      const lines = () => error.stack!.split("\n").length - own
      for (const _ of range(3)) {
        const { id } = failedCall(yield* causeOf(worker.run(worker.die(error))))!
        assert.match(error.stack!, new RegExp(`\n    at test/Worker.die #${id} <- test/Worker.run$`))
        assert.isAtMost(lines(), 2)
      }
      error.stack = "mine"
      assert.strictEqual(error.stack, "mine")
      yield* causeOf(worker.fail(error))
      assert.match(error.stack, /at test\/Worker\.fail #\d+$/)
      assert.isAtMost(lines(), 2)
      assert.deepStrictEqual(Object.keys(error), [])
    })
  )

  it.effect("9.3 an error that cannot be changed keeps its stack, and what is no error gets none", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const fixed = [Object.freeze(new Error("frozen")), Object.seal(new Error("sealed"))]
      const stacks = fixed.map(({ stack }) => stack)
      const bare = new Error("bare")
      delete bare.stack
      const nameless = Object.freeze({ message: "no error" })
      for (const error of [...fixed, bare, nameless, "text", undefined, null]) {
        assert.isTrue(Object.is(yield* errorOf(worker.fail(error)), error))
        const cause = yield* causeOf(worker.die(error))
        assert.match(Cause.pretty(cause), /at test\/Worker\.die #\d+/)
      }
      assert.deepStrictEqual(
        fixed.map(({ stack }) => stack),
        stacks
      )
      assert.isUndefined(bare.stack)
    })
  )

  it.effect("9.3 a call for which there is no room names itself and its callers", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const full = yield* Worker.options({ maxPendingCalls: 1 }).spawn(probe)
      yield* full.work.remote("a")
      const worker = yield* Worker.spawn()
      const cause = yield* causeOf(worker.run(full.note("b")))
      assert.deepInclude(failedCall(cause), { call: "test/Worker.note", callers: ["test/Worker.run"] })
      const rejected = yield* Effect.promise(() =>
        AsyncHandle.make(full)
          .note("c")
          .catch(({ stack }) => stack)
      )
      assert.match(rejected, /maxPendingCalls \(1\)[\s\S]*\n {4}at test\/Worker\.note #\d+$/)
      const suspended = yield* Worker.options({ maxPendingCalls: 1, overflow: "suspend" }).spawn(probe)
      yield* suspended.work.remote("d")
      const waiting = yield* Effect.forkChild(causeOf(worker.run(suspended.fail("typed"))), { startImmediately: true })
      yield* settle
      yield* probe.open("d")
      assert.deepInclude(failedCall(yield* Fiber.join(waiting)), { callers: ["test/Worker.run"] })
    })
  )

  it.effect("9.3 every way in which a call fails is annotated: defects, cancellation, death", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      const died = yield* worker.die.remote("defect")
      yield* Effect.exit(died)
      const running = yield* worker.work.remote("a")
      const cancelled = yield* worker.note.remote("b")
      const queued = yield* worker.note.remote("c")
      yield* probe.started("a")
      yield* ObjectRef.cancel(cancelled)
      yield* Actor.kill(worker)
      const late = yield* worker.note.remote("d")
      for (const ref of [died, running, cancelled, queued, late]) {
        const info = failedCall(yield* causeOf(ref as ObjectRef.Any))
        assert.strictEqual(info?.id, ref.id)
        assert.include(info?.call, "test/Worker.")
      }
    })
  )

  it.effect("9.3 causes carry the call's own stack: what Effect notes where a method fails is kept", () =>
    Effect.gen(function* () {
      const load = Effect.fn("load")(function* (id: string) {
        yield* Effect.yieldNow
        return yield* Effect.fail(new Error(id))
      })
      const worker = yield* Worker.spawn()
      const plain = yield* causeOf(load("a"))
      const called = yield* causeOf(worker.run(load("a")))
      const keys = (cause: Cause.Cause<unknown>) => [...Cause.annotations(cause).mapUnsafe.keys()]
      for (const key of keys(plain)) assert.include(keys(called), key)
      assert.include(Cause.pretty(called), "load")
      assert.include(Cause.pretty(called), "9-errors.test.ts")
    })
  )

  it.effect("9.3 the cause of a restart that fails, and of a death, is in ActorDied", () =>
    Effect.gen(function* () {
      const defect = new Error("bug")
      const worker = yield* Worker.options({ onDefect: "stop", maxConcurrency: 1 }).spawn()
      const dying = yield* worker.die.remote(defect)
      const queued = yield* worker.note.remote("a")
      yield* Effect.exit(dying)
      const reason = yield* reasonOf(queued)
      assert.strictEqual(reason._tag === "ActorDied" && reason.cause, defect)
    })
  )

  it.effect("9.3 a failed argument keeps the annotation of the call that failed first", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const first = yield* worker.fail.remote("typed")
      let last: ObjectRef.Any = first
      for (const _ of range(3)) last = yield* worker.echo.remote(last)
      yield* settle
      const info = failedCall(yield* causeOf(last))
      assert.deepInclude(info, { call: "test/Worker.fail", id: first.id })
    })
  )
})

const reasons = (cause: Cause.Cause<unknown>): Array<string> =>
  cause.reasons.map((reason) => {
    if (Cause.isFailReason(reason)) {
      return `Fail ${ActorError.isActorError(reason.error) ? reason.error._tag : String(reason.error)}`
    }
    return Cause.isDieReason(reason) ? `Die ${String(reason.defect)}` : "Interrupt"
  })

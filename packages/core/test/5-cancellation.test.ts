import { assert, describe, it } from "@effect/vitest"
import { Actor, ObjectRef } from "@troupe/core"
import { Cause, Deferred, Effect, Exit, Fiber, Random, References, Stream } from "effect"
import { TestClock } from "effect/testing"
import { defectOf, errorOf, fork, Probe, range, reasonOf, reasonOfExit, seeded, settle, Worker } from "./support.ts"

describe("5.1", () => {
  it.effect('5.1 cancelling a call that waits in line gives "NotStarted": the body never runs', () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      const running = yield* worker.work.remote("running")
      const waiting = yield* worker.note.remote("waiting")
      yield* probe.started("running")
      assert.strictEqual(yield* ObjectRef.cancel(waiting), "NotStarted")
      yield* probe.open("running")
      yield* running
      yield* settle
      assert.deepStrictEqual(probe.log, ["running start", "running end"])
      const reason = yield* reasonOf(waiting)
      assert.strictEqual(reason._tag, "TaskCancelled")
      assert.isFalse(reason.mayHaveRun)
      assert.isTrue(reason.retrySafe)
    })
  )

  it.effect('5.1 cancelling a call that is about to start gives "NotStarted"', () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const ref = yield* worker.note.remote("a")
      assert.strictEqual(yield* ObjectRef.cancel(ref), "NotStarted")
      yield* settle
      assert.deepStrictEqual(probe.log, [])
    })
  )

  it.effect('5.1 cancelling a call that waits for an argument gives "NotStarted"', () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const argument = yield* worker.work.remote("a")
      const ref = yield* worker.note.remote(argument)
      assert.strictEqual(yield* ObjectRef.cancel(ref), "NotStarted")
      yield* probe.open("a")
      assert.strictEqual(yield* argument, "a", "the argument is left alone")
      yield* settle
      assert.deepStrictEqual(probe.log, ["a start", "a end"])
    })
  )

  it.effect('5.1 cancelling a running call gives "Interrupted", once its finalizers have finished', () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const finalizer = Effect.andThen(probe.gate("finalizer"), probe.note("finalized"))
      const ref = yield* worker.run.remote(Effect.ensuring(probe.work("a"), finalizer))
      yield* probe.started("a")
      const cancel = yield* fork(ObjectRef.cancel(ref))
      const again = yield* fork(ObjectRef.cancel(ref))
      yield* settle
      assert.isUndefined(cancel.pollUnsafe())
      assert.isFalse(yield* Deferred.isDone(ObjectRef.asDeferred(ref)))
      yield* probe.open("finalizer")
      assert.strictEqual(yield* Fiber.join(cancel), "Interrupted")
      yield* Fiber.join(again)
      assert.deepStrictEqual(probe.log, ["a start", "a cut", "finalized"])
      const reason = yield* reasonOf(ref)
      assert.strictEqual(reason._tag, "TaskCancelled")
      assert.isTrue(reason.mayHaveRun)
      assert.isFalse(reason.retrySafe)
    })
  )

  it.effect('5.1 cancelling a settled call gives "AlreadyDone", and the result stands', () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const [value, failed, died] = [
        yield* worker.add.remote(1, 2),
        yield* worker.fail.remote("typed"),
        yield* worker.die.remote("defect")
      ]
      yield* ObjectRef.allSettled([value, failed, died])
      for (const ref of [value, failed, died]) assert.strictEqual(yield* ObjectRef.cancel(ref), "AlreadyDone")
      assert.strictEqual(yield* value, 3)
      assert.strictEqual(yield* errorOf(failed), "typed")
      assert.strictEqual(yield* defectOf(died), "defect")
      const cancelled = yield* worker.work.remote("a")
      yield* ObjectRef.cancel(cancelled)
      assert.strictEqual(yield* ObjectRef.cancel(cancelled), "AlreadyDone")
      assert.strictEqual(yield* ObjectRef.cancel(ObjectRef.succeed(1)), "AlreadyDone")
    })
  )

  it.effect("5.1 an interrupted canceller has cancelled all the same", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const ref = yield* worker.run.remote(Effect.ensuring(probe.work("a"), probe.gate("finalizer")))
      yield* probe.started("a")
      const cancel = yield* fork(ObjectRef.cancel(ref))
      yield* Fiber.interrupt(cancel)
      yield* probe.open("finalizer")
      assert.strictEqual((yield* reasonOf(ref))._tag, "TaskCancelled")
    })
  )

  it.effect("5.1 a call cancelled as its argument settles never runs, however deep on the stack that happens", () =>
    Effect.gen(function* () {
      for (const depth of range(40)) {
        const probe = new Probe()
        const worker = yield* Worker.spawn(probe)
        const first = Deferred.makeUnsafe<void>()
        const second = Deferred.makeUnsafe<string>()
        const signal = yield* ObjectRef.fromEffect(Deferred.await(first))
        const argument = yield* ObjectRef.fromEffect(Deferred.await(second))
        const ref = yield* worker.note.remote(argument)
        const cancel = yield* fork(Effect.andThen(signal, ObjectRef.cancel(ref)))
        const bottom = Effect.sync(() => {
          Deferred.doneUnsafe(first, Effect.void)
          Deferred.doneUnsafe(second, Effect.succeed("ran"))
        })
        const nested = range(depth).reduce<Effect.Effect<any, any>>((inner) => worker.run(inner), bottom)
        yield* nested
        const outcome = yield* Fiber.join(cancel)
        yield* settle
        const exit = yield* Effect.exit(ref)
        assert.deepStrictEqual(probe.log, outcome === "NotStarted" ? [] : ["ran"], `at depth ${depth}`)
        assert.strictEqual(Exit.isSuccess(exit), outcome === "AlreadyDone")
        assert.match(String(worker), /0 running, 0 waiting/)
        yield* Actor.stop(worker)
      }
    })
  )
})

describe("5.2", () => {
  it.effect("5.2 a method that finished in an uninterruptible region keeps its true result", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const value = yield* worker.run.remote(Effect.uninterruptible(probe.work("value")))
      const error = yield* worker.run.remote(
        Effect.uninterruptible(Effect.andThen(probe.work("error"), Effect.fail("typed")))
      )
      yield* probe.started("error")
      const cancels = [yield* fork(ObjectRef.cancel(value)), yield* fork(ObjectRef.cancel(error))]
      yield* settle
      assert.isUndefined(cancels[0]!.pollUnsafe(), "it waits for the call to settle")
      yield* probe.open("value", "error")
      assert.deepStrictEqual(yield* Fiber.joinAll(cancels), ["AlreadyDone", "AlreadyDone"])
      assert.strictEqual(yield* value, "value")
      assert.strictEqual(yield* errorOf(error), "typed")
    })
  )

  it.effect("5.2 a method that goes on after its uninterruptible region is interrupted where it next waits", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const ref = yield* worker.run.remote(Effect.andThen(Effect.uninterruptible(probe.work("a")), probe.work("b")))
      yield* probe.started("a")
      const cancel = yield* fork(ObjectRef.cancel(ref))
      yield* probe.open("a")
      assert.strictEqual(yield* Fiber.join(cancel), "Interrupted")
      assert.deepStrictEqual(probe.log, ["a start", "a end", "b start", "b cut"])
      assert.strictEqual((yield* reasonOf(ref))._tag, "TaskCancelled")
    })
  )

  it.effect("5.2 what an uninterruptible region restores is interrupted when it is reached", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const ref = yield* worker.run.remote(
        Effect.uninterruptibleMask((restore) =>
          Effect.andThen(probe.work("a"), Effect.ensuring(restore(probe.work("b")), probe.note("after")))
        )
      )
      yield* probe.started("a")
      const cancel = yield* fork(ObjectRef.cancel(ref))
      yield* probe.open("a")
      assert.strictEqual(yield* Fiber.join(cancel), "Interrupted")
      assert.deepStrictEqual(probe.log, ["a start", "a end", "b start", "b cut", "after"])
    })
  )

  it.effect("5.2 a call that is cancelled while it runs its last finalizer keeps its true result", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const ref = yield* worker.run.remote(Effect.ensuring(Effect.succeed("value"), probe.work("finalizer")))
      yield* probe.started("finalizer")
      const cancel = yield* fork(ObjectRef.cancel(ref))
      yield* probe.open("finalizer")
      assert.strictEqual(yield* Fiber.join(cancel), "AlreadyDone")
      assert.strictEqual(yield* ref, "value")
    })
  )

  it.effect("5.2 an ask that is interrupted after any number of steps leaves nothing", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 1, maxPendingCalls: 1, overflow: "suspend" }).spawn(probe)
      yield* worker.work.remote("first")
      yield* probe.started("first")
      for (const [before, turns] of range(4).flatMap((before) => range(12).map((turns) => [before, turns] as const))) {
        const steps = Effect.asVoid(worker.echo(1))
        const asker = yield* range(before)
          .reduce((after) => Effect.andThen(Effect.void, after), steps)
          .pipe(Effect.provideService(References.MaxOpsBeforeYield, 2), Effect.forkChild)
        yield* Effect.repeat(Effect.yieldNow, { times: turns })
        yield* Fiber.interrupt(asker)
        const exit = yield* Fiber.await(asker)
        assert.isTrue(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause), `${before}, ${turns}: ${exit}`)
        assert.match(String(worker), /1 running, 0 waiting/)
      }
      yield* probe.open("first")
      assert.strictEqual(yield* worker.echo("next"), "next")
    })
  )

  it.effect("5.2 a method that interrupts itself fails with TaskCancelled, too", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const reason = yield* reasonOf(worker.run(Effect.interrupt))
      assert.strictEqual(reason._tag, "TaskCancelled")
      assert.deepInclude(reason, { actor: "test/Worker", method: "run", mayHaveRun: true })
    })
  )

  it.effect("5.2 a finalizer that dies while a call is cancelled is in the cause, next to TaskCancelled", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const ref = yield* worker.run.remote(Effect.onInterrupt(probe.work("a"), () => Effect.die("finalizer")))
      yield* probe.started("a")
      yield* ObjectRef.cancel(ref)
      assert.strictEqual((yield* reasonOf(ref))._tag, "TaskCancelled")
      assert.strictEqual(yield* defectOf(ref), "finalizer")
      assert.strictEqual(yield* worker.add(1, 2), 3)
    })
  )

  it.effect("5.2 a finalizer of a cancelled call may still call others, and itself", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const other = yield* Worker.spawn(probe)
      const goodbye = Effect.andThen(other.note("to another"), worker.note("to itself"))
      const ref = yield* worker.run.remote(Effect.onInterrupt(probe.work("a"), () => Effect.orDie(goodbye)))
      yield* probe.started("a")
      assert.strictEqual(yield* ObjectRef.cancel(ref), "Interrupted")
      assert.deepStrictEqual(probe.log, ["a start", "a cut", "to another", "to itself"])
    })
  )
})

describe("5.3", () => {
  /** A call that submits `depth` levels of calls, and waits for none of them. */
  const family = (options: { readonly wait: boolean }) =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const other = yield* Worker.spawn(probe)
      const grandchild = other.work("grandchild")
      const child = Effect.andThen(other.run.remote(grandchild), probe.work("child"))
      const refs: Array<ObjectRef.Any> = []
      const parent = Effect.gen(function* () {
        refs.push(yield* worker.run.remote(child))
        if (options.wait) yield* refs[0]!
        yield* probe.work("parent")
      })
      const ref = yield* worker.run.remote(parent)
      yield* probe.started("grandchild")
      yield* settle
      return { probe, ref, child: refs[0]!, worker, other }
    })

  it.effect("5.3 calls submitted by the cancelled call and not yet settled are cancelled too, and theirs", () =>
    Effect.forEach([true, false], (wait) =>
      Effect.gen(function* () {
        const { child, probe, ref } = yield* family({ wait })
        assert.strictEqual(yield* ObjectRef.cancel(ref), "Interrupted")
        yield* settle
        assert.strictEqual(probe.running, 0)
        assert.include(probe.log, "child cut")
        assert.include(probe.log, "grandchild cut")
        assert.strictEqual((yield* reasonOf(child))._tag, "TaskCancelled")
      })
    )
  )

  it.effect("5.3 recursive: false leaves them", () =>
    Effect.gen(function* () {
      const { child, probe, ref } = yield* family({ wait: false })
      assert.strictEqual(yield* ObjectRef.cancel(ref, { recursive: false }), "Interrupted")
      yield* settle
      assert.strictEqual(probe.running, 2)
      yield* probe.open("child", "grandchild")
      assert.strictEqual(yield* child, "child")
    })
  )

  it.effect("5.3 recursive: false leaves what it waits for, too, and does not wait for it", () =>
    Effect.gen(function* () {
      const { probe, ref } = yield* family({ wait: true })
      assert.strictEqual(yield* ObjectRef.cancel(ref, { recursive: false }), "Interrupted")
      yield* settle
      assert.notInclude(probe.log, "child cut")
      yield* probe.open("child", "grandchild")
      yield* settle
      assert.include(probe.log, "child end")
      assert.include(probe.log, "grandchild end")
    })
  )

  it.effect("5.3 recursive: false ends the streams that it consumes", () =>
    Effect.gen(function* () {
      class Feed extends Actor.Service<Feed>()("test/Feed", {
        make: Effect.succeed({
          items: () => Stream.concat(Stream.make(1), Stream.never),
          hi: () => Effect.succeed("hi")
        }),
        maxConcurrency: 1
      }) {}
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const feed = yield* Feed.spawn()
      const ref = yield* worker.run.remote(Stream.runForEach(feed.items(), () => probe.note("item")))
      yield* settle
      assert.deepStrictEqual(probe.log, ["item"])
      assert.strictEqual(yield* ObjectRef.cancel(ref, { recursive: false }), "Interrupted")
      assert.strictEqual(yield* feed.hi(), "hi")
    })
  )

  it.effect("5.3 recursive: undefined is the default", () =>
    Effect.gen(function* () {
      const { probe, ref } = yield* family({ wait: false })
      yield* ObjectRef.cancel(ref, { recursive: undefined })
      yield* settle
      assert.strictEqual(probe.running, 0)
    })
  )

  it.effect("5.3 interrupting an asker is as recursive", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const asker = yield* fork(worker.run(Effect.andThen(worker.work.remote("child"), probe.work("parent"))))
      yield* probe.started("child")
      yield* Fiber.interrupt(asker)
      yield* settle
      assert.strictEqual(probe.running, 0)
    })
  )

  it.effect("5.3 calls that wait in line or for arguments, and those of forked fibers, are cancelled too", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const single = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      const never = yield* ObjectRef.fromEffect(Effect.never)
      const refs: Array<ObjectRef.Any> = []
      const parent = Effect.gen(function* () {
        yield* Effect.forkDetach(Effect.map(single.work.remote("forked"), (ref) => refs.push(ref)))
        yield* probe.started("forked")
        refs.push(yield* single.note.remote("in line"), yield* single.note.remote(never))
        yield* probe.work("parent")
      })
      const ref = yield* worker.run.remote(parent)
      yield* probe.started("parent")
      yield* ObjectRef.cancel(ref)
      for (const ref of refs) assert.strictEqual((yield* reasonOf(ref))._tag, "TaskCancelled")
      assert.strictEqual(yield* single.note("free"), "free")
    })
  )

  it.effect("5.3 a call whose timeout is over is cancelled, and with it what it submitted", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const parent = Effect.andThen(worker.work.remote("child"), probe.work("parent"))
      const ref = yield* worker.run.options({ timeout: "1 second" }).remote(parent)
      yield* probe.started("child")
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* reasonOf(ref))._tag, "TimedOut")
      yield* settle
      assert.strictEqual(probe.running, 0)
    })
  )

  it.effect("5.3 a settled call has nothing left to cancel: what it submitted goes on", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const ref = yield* worker.run.remote(Effect.map(worker.work.remote("child"), (ref) => [ref] as const))
      const child: ObjectRef.Any = (yield* ref)[0]
      assert.strictEqual(yield* ObjectRef.cancel(ref), "AlreadyDone")
      yield* probe.open("child")
      assert.strictEqual(yield* child, "child")
    })
  )

  it.effect("5.3 a ref that was merely passed on is not the call's own: it is left alone", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const outside = yield* worker.work.remote("outside")
      const ref = yield* worker.run.remote(
        Effect.andThen(
          probe.note("waits"),
          Effect.flatMap(Effect.succeed([outside]), ([ref]) => ref)
        )
      )
      yield* probe.started("outside")
      yield* settle
      yield* ObjectRef.cancel(ref)
      yield* probe.open("outside")
      assert.strictEqual(yield* outside, "outside")
    })
  )
})

describe("5.4", () => {
  it.effect("5.4 only that call is touched: neighbours in the same actor run on", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 3 }).spawn(probe)
      const refs = yield* Effect.forEach(range(5), (i) => worker.work.remote(`${i}`))
      yield* probe.started("2")
      yield* ObjectRef.cancel(refs[1]!)
      yield* probe.started("3")
      yield* probe.open("0", "2", "3", "4")
      const exits = yield* ObjectRef.allSettled(refs)
      assert.deepStrictEqual(exits.map(Exit.isSuccess), [true, false, true, true, true])
    })
  )

  it.effect("5.4 a call cancels its neighbour", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const neighbour = yield* worker.work.remote("neighbour")
      yield* probe.started("neighbour")
      assert.strictEqual(yield* worker.run(ObjectRef.cancel(neighbour)), "Interrupted")
      assert.deepStrictEqual(probe.log, ["neighbour start", "neighbour cut"])
    })
  )

  it.effect("5.4 cancelled calls are never retried", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxTaskRetries: 5, retry: true }).spawn(probe)
      const interrupted = yield* worker.work.remote("a")
      const failing = yield* worker.run.remote(
        Effect.uninterruptible(Effect.andThen(probe.work("b"), Effect.fail("typed")))
      )
      yield* probe.started("b")
      yield* ObjectRef.cancel(interrupted)
      const cancel = yield* fork(ObjectRef.cancel(failing))
      yield* probe.open("b")
      yield* Fiber.join(cancel)
      yield* settle
      assert.deepStrictEqual(probe.startOrder, ["a", "b"])
      assert.strictEqual(yield* errorOf(failing), "typed")
    })
  )

  it.effect("5.4 a call that is cancelled between two tries is not tried again", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 1, maxTaskRetries: 5, retry: true }).spawn(probe)
      const holder = Effect.andThen(probe.work("flaky"), Effect.fail("not yet"))
      const ref = yield* worker.run.remote(holder)
      yield* probe.started("flaky")
      yield* Actor.resize(worker, 1)
      const cancel = yield* fork(Effect.andThen(probe.started("flaky"), ObjectRef.cancel(ref)))
      yield* probe.open("flaky")
      yield* Fiber.join(cancel)
      yield* settle
      assert.strictEqual(probe.running, 0)
      assert.strictEqual(yield* worker.add(1, 2), 3)
    })
  )
})

describe("5.5", () => {
  it.effect(
    "5.5 100,000 waiting calls are cancelled in random order, and all permits come back",
    () =>
      seeded(
        Effect.gen(function* () {
          const probe = new Probe()
          const worker = yield* Worker.options({ maxConcurrency: 2 }).spawn(probe)
          const running = [yield* worker.work.remote("a"), yield* worker.work.remote("b")]
          yield* probe.started("b")
          const refs = yield* Effect.forEach(range(100_000), () => worker.note.remote("never"))
          for (const ref of yield* Random.shuffle(refs)) assert.strictEqual(yield* ObjectRef.cancel(ref), "NotStarted")
          assert.match(String(worker), /2 running, 0 waiting/)
          yield* probe.open("a", "b")
          yield* ObjectRef.all(running)
          assert.notInclude(probe.log, "never")
          yield* permitsAreBack(worker, probe, 2)
        })
      ),
    60_000
  )

  it.effect(
    "5.5 20,000 running and 20,000 waiting calls are cancelled in random order, and all permits come back",
    () =>
      seeded(
        Effect.gen(function* () {
          const probe = new Probe()
          const worker = yield* Worker.options({ maxConcurrency: 20_000 }).spawn(probe)
          const refs = yield* Effect.forEach(range(40_000), () => worker.run.remote(Effect.never))
          yield* settle
          const outcomes = new Map<string, number>()
          for (const ref of yield* Random.shuffle(refs)) {
            const outcome = yield* ObjectRef.cancel(ref)
            outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
          }
          assert.strictEqual((outcomes.get("NotStarted") ?? 0) + (outcomes.get("Interrupted") ?? 0), 40_000)
          yield* Actor.resize(worker, 3)
          yield* permitsAreBack(worker, probe, 3)
        })
      ),
    60_000
  )

  it.effect(
    "5.5 100,000 calls that wait for one argument are cancelled in random order",
    () =>
      seeded(
        Effect.gen(function* () {
          const probe = new Probe()
          const worker = yield* Worker.options({ maxConcurrency: 2 }).spawn(probe)
          const argument = yield* ObjectRef.fromEffect(Effect.never)
          const refs = yield* Effect.forEach(range(100_000), () => worker.note.remote(argument))
          for (const ref of yield* Random.shuffle(refs)) assert.strictEqual(yield* ObjectRef.cancel(ref), "NotStarted")
          yield* permitsAreBack(worker, probe, 2)
        })
      ),
    60_000
  )

  it.effect(
    "5.5 100,000 calls submitted by one call are cancelled with it",
    () =>
      Effect.gen(function* () {
        const probe = new Probe()
        const worker = yield* Worker.options({ maxConcurrency: 2 }).spawn(probe)
        let refs: ReadonlyArray<ObjectRef.Any> = []
        const parent = Effect.gen(function* () {
          refs = yield* Effect.forEach(range(100_000), () => worker.work.remote("child"))
          yield* probe.work("parent")
        })
        const ref = yield* worker.run.remote(parent)
        yield* probe.started("parent")
        yield* ObjectRef.cancel(ref)
        const exits = yield* ObjectRef.allSettled(refs)
        assert.isTrue(exits.every((exit) => reasonOfExit(exit)._tag === "TaskCancelled"))
        yield* permitsAreBack(worker, probe, 2)
      }),
    60_000
  )

  /** As many calls can run as there are permits, and no more. */
  const permitsAreBack = (worker: Worker["Service"], probe: Probe, permits: number) =>
    Effect.gen(function* () {
      assert.match(String(worker), /0 running, 0 waiting/)
      const ids = range(permits + 1).map((i) => `permit ${i}`)
      const refs = yield* Effect.forEach(ids, (id) => worker.work.remote(id))
      yield* settle
      assert.strictEqual(probe.running, permits)
      yield* probe.open(...ids)
      yield* ObjectRef.all(refs)
    })
})

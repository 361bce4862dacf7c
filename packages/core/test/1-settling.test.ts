import { assert, describe, it } from "@effect/vitest"
import { Actor, ObjectRef } from "@troupe/core"
import { Deferred, Effect, Fiber, Random, Schedule } from "effect"
import { fork, Probe, range, reasonOf, reasonOfExit, seeded, settle, Worker } from "./support.ts"

describe("1.7", () => {
  const unsettled = (refs: ReadonlyArray<ObjectRef.Any>) =>
    Effect.filter(refs, (ref) => Effect.map(Deferred.isDone(ObjectRef.asDeferred(ref)), (done) => !done))

  it.effect("1.7 every submitted call settles when the actor is killed: preparing, waiting, running, suspended", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const options = { maxConcurrency: 1, maxPendingCalls: 3, overflow: "suspend" } as const
      const worker = yield* Worker.options(options).spawn(probe)
      const never = yield* ObjectRef.fromEffect(Effect.never)
      const running = yield* worker.work.remote("running")
      const waiting = yield* worker.work.remote("waiting")
      const preparing = yield* worker.echo.remote(never)
      const suspended = yield* fork(worker.work("suspended"))
      const remote = yield* fork(worker.work.remote("remote"))
      yield* probe.started("running")
      yield* Actor.kill(worker)
      const reasons = yield* Effect.forEach([running, waiting, preparing], reasonOf)
      assert.deepStrictEqual(
        reasons.map((reason) => [reason._tag, reason.mayHaveRun]),
        [
          ["ActorDied", true],
          ["ActorDied", false],
          ["ActorDied", false]
        ]
      )
      assert.strictEqual(reasonOfExit(yield* Fiber.await(suspended))._tag, "ActorDied")
      assert.strictEqual((yield* reasonOf(yield* Fiber.join(remote)))._tag, "ActorDied")
    })
  )

  it.effect("1.7 a method that kills its own actor as it starts: all calls settle once", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn()
      const killer = yield* worker.run.remote(Actor.kill(worker))
      const waiting = yield* Effect.forEach(range(1000), () => worker.add.remote(1, 2))
      const exits = yield* ObjectRef.allSettled([killer, ...waiting])
      assert.isTrue(exits.every((exit) => reasonOfExit(exit)._tag === "ActorDied"))
      assert.isTrue(reasonOfExit(exits[0]!).mayHaveRun)
      yield* Actor.watch(worker)
    })
  )

  it.effect("1.7 an ask that kills its own actor as it starts settles, also on its caller's stack", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      assert.strictEqual((yield* reasonOf(worker.run(Actor.kill(worker))))._tag, "ActorDied")
      yield* Actor.watch(worker)
    })
  )

  it.effect("1.7 an actor killed by another one that it called as it started: both calls settle", () =>
    Effect.gen(function* () {
      const victim = yield* Worker.spawn()
      const killer = yield* Worker.spawn()
      const reason = yield* reasonOf(victim.run(killer.run(Actor.kill(victim))))
      assert.strictEqual(reason._tag, "ActorDied")
      assert.strictEqual(reason.method, "run")
      assert.strictEqual(yield* killer.add(1, 2), 3)
    })
  )

  it.effect("1.7 a method that kills its own actor and goes on without waiting: its call settles", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      // The body has no fiber yet when it dies, and then waits for ever.
      const body = Effect.andThen(Effect.forkDetach(Actor.kill(worker), { startImmediately: true }), Effect.never)
      assert.strictEqual((yield* reasonOf(worker.run(body)))._tag, "ActorDied")
    })
  )

  it.effect(
    "1.7 a method that stops its own actor: it finishes, those accepted before finish, then the actor is gone",
    () =>
      Effect.gen(function* () {
        const probe = new Probe()
        const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
        const stopper = yield* worker.run.remote(Effect.as(Actor.stop(worker), "stopped"))
        const accepted = yield* worker.note.remote("accepted")
        assert.strictEqual(yield* stopper, "stopped")
        assert.strictEqual(yield* accepted, "accepted")
        yield* Actor.watch(worker)
        assert.strictEqual((yield* reasonOf(worker.note("late")))._tag, "ActorDied")
      })
  )

  it.effect("1.7 a method that cancels its own ref settles once, as cancelled", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const own = yield* Deferred.make<ObjectRef.Any>()
      const ref = yield* worker.run.remote(Effect.flatMap(Deferred.await(own), (ref) => ObjectRef.cancel(ref)))
      yield* Deferred.succeed(own, ref)
      assert.strictEqual((yield* reasonOf(ref))._tag, "TaskCancelled")
    })
  )

  it.effect("1.7 a method that resizes its own actor as it starts: everything settles", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      const refs = [
        yield* worker.run.remote(Actor.resize(worker, 3)),
        ...(yield* Effect.forEach(range(10), (i) => worker.note.remote(`${i}`)))
      ]
      yield* ObjectRef.all(refs)
      assert.deepStrictEqual(probe.log, range(10).map(String))
    })
  )

  it.effect("1.7 a call whose actor's Scope closes as it is submitted settles", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const refs: Array<ObjectRef.Any> = []
      const outer = yield* Effect.scoped(
        Effect.gen(function* () {
          const worker = yield* Worker.spawn(probe)
          refs.push(yield* worker.work.remote("running"), yield* worker.note.remote("scheduled"))
          return worker
        })
      )
      refs.push(yield* outer.note.remote("late"))
      const reasons = yield* Effect.forEach(refs, (ref) => Effect.exit(ref))
      assert.strictEqual(reasonOfExit(reasons[0]!)._tag, "ActorDied")
      assert.strictEqual(reasonOfExit(reasons[2]!)._tag, "ActorDied")
      assert.deepStrictEqual(yield* unsettled(refs), [])
    })
  )

  it.effect("1.7 whatever happens at random to an actor and its callers, every call settles, exactly once", () =>
    seeded(
      Effect.gen(function* () {
        for (const _ of range(60)) {
          const maxConcurrency = yield* Random.nextIntBetween(1, 5)
          const probe = new Probe()
          const worker = yield* Worker.options({
            maxConcurrency,
            maxTaskRetries: 1,
            restart: Schedule.recurs(2)
          }).spawn(probe)
          const refs: Array<ObjectRef.ObjectRef<any, any>> = []
          let settled = 0
          const body: Effect.Effect<void> = Effect.gen(function* () {
            switch (yield* Random.nextIntBetween(0, 12)) {
              case 0:
                return yield* Effect.die("bug")
              case 1:
                return yield* Effect.interrupt
              case 2:
                return yield* Effect.orDie(worker.run(Effect.yieldNow))
              case 3:
                return yield* Actor.resize(worker, yield* Random.nextIntBetween(1, 9))
              case 4:
                if (refs.length > 0) yield* ObjectRef.cancel(yield* Random.choice(refs as never as [ObjectRef.Any]))
                return
              case 5:
                if ((yield* Random.nextIntBetween(0, 10)) === 0) yield* Actor.kill(worker)
                return
              case 6:
                return yield* Effect.never
              default:
                for (let i = yield* Random.nextIntBetween(0, 4); i > 0; i--) yield* Effect.yieldNow
            }
          })
          const watch = (ref: ObjectRef.Any) => {
            refs.push(ref)
            const count = () => void settled++
            ref.then(count, count)
          }
          for (const _ of range(60)) {
            const argument =
              refs.length > 0 && (yield* Random.nextBoolean)
                ? yield* Random.choice(refs as never as [ObjectRef.Any])
                : 1
            watch(yield* worker.run.remote(body))
            watch(yield* worker.echo.remote(argument))
            if (yield* Random.nextBoolean) yield* Effect.yieldNow
          }
          const end = yield* Random.nextBoolean
          // Those that wait for ever are cut off by one end or the other.
          if (end) yield* Actor.kill(worker)
          else yield* Effect.forEach(refs, (ref) => ObjectRef.cancel(ref), { concurrency: "unbounded" })
          const exits = yield* ObjectRef.allSettled(refs)
          yield* settle
          yield* Effect.promise(() => Promise.resolve())
          assert.strictEqual(settled, refs.length)
          const again = yield* ObjectRef.allSettled(refs)
          assert.isTrue(exits.every((exit, i) => again[i] === exit))
          yield* Actor.kill(worker)
        }
      })
    )
  )
})

import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorPool, ActorSystem, AsyncHandle, Driver, ObjectRef, Task } from "@troupe/core"
import { Cause, Deferred, Effect, Exit, Fiber, Ref, Schedule, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { defectOf, errorOf, fork, Probe, range, reasonOf, reasonOfExit, settle, Worker } from "../support.ts"

const restarting = (log: Array<string> = [], pause = "10 seconds" as const) => {
  class Fragile extends Actor.Service<Fragile>()("ray/Fragile", {
    shutdownTimeout: 0,
    restart: Schedule.max([Schedule.spaced(pause), Schedule.recurs(5)]),
    make: Effect.gen(function* () {
      log.push("make")
      yield* Effect.addFinalizer(() => Effect.sync(() => log.push("release")))
      return {
        crash: () => Effect.die("crash") as Effect.Effect<never>,
        ping: () => Effect.succeed("pong"),
        hold: () => Effect.never as Effect.Effect<string>,
        items: () => Stream.make(1, 2, 3),
        run: (e: Effect.Effect<any, any>) => e
      }
    })
  }) {}
  return Fragile
}

describe("x", () => {
  for (const how of ["kill", "stop", "scope"] as const) {
    it.effect(`${how} during a restart`, () =>
      Effect.gen(function* () {
        const log: Array<string> = []
        const scope = yield* Scope.make()
        const f = yield* Scope.provide(restarting(log).spawn(), scope)
        yield* Effect.exit(f.crash())
        const waiting = yield* f.ping.remote()
        yield* settle
        assert.deepStrictEqual(log, ["make", "release"])
        const ending = yield* fork(how === "kill" ? Actor.kill(f) : how === "stop" ? Actor.stop(f) : Scope.close(scope, Exit.void))
        yield* settle
        if (how === "stop") {
          yield* TestClock.adjust("10 seconds")
          yield* settle
          assert.strictEqual(yield* waiting, "pong")
        }
        yield* Fiber.join(ending)
        if (how !== "stop") assert.strictEqual((yield* reasonOf(waiting))._tag, "ActorDied")
        assert.strictEqual((yield* reasonOf(f.ping()))._tag, "ActorDied")
      })
    )
  }
  it.effect("timeout of a call: in line, preparing, restarting, waiting for room", () =>
    Effect.gen(function* () {
      const w = yield* Worker.options({ maxConcurrency: 1 }).spawn()
      yield* w.work.remote("held")
      const t = { timeout: "1 second" as const }
      const never = yield* ObjectRef.fromEffect(Effect.never)
      const f = yield* restarting().spawn()
      yield* Effect.exit(f.crash())
      const full = yield* Worker.options({ maxPendingCalls: 1, overflow: "suspend" }).spawn()
      yield* full.work.remote("held")
      const refs: Array<any> = [
        yield* w.note.options(t).remote("a"),
        yield* w.note.options(t).remote(never as any),
        yield* f.ping.options(t).remote(),
      ]
      const ask = yield* fork(Effect.exit(full.note.options(t)("x")))
      yield* settle
      yield* TestClock.adjust("1 second")
      yield* settle
      for (const r of refs) assert.include(String(yield* Effect.exit(r)), "TimeoutError")
      const e = ask.pollUnsafe()
      assert.isDefined(e, "ask for room never times out")
    })
  )
  it.effect("stream: stop waits, args, restart", () =>
    Effect.gen(function* () {
      const f = yield* restarting().spawn()
      yield* Effect.exit(f.crash())
      const s = yield* fork(Stream.runCollect(f.items()))
      yield* settle
      assert.isUndefined(s.pollUnsafe())
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(yield* Fiber.join(s), [1, 2, 3])
      class S extends Actor.Service<S>()("ray/S", { shutdownTimeout: 0, make: Effect.succeed({ upTo: (n: number) => Stream.range(1, n), gate: (d: Deferred.Deferred<void>) => Stream.concat(Stream.make(1), Stream.fromEffect(Effect.as(Deferred.await(d), 2))) }) }) {}
      const a = yield* S.spawn()
      assert.deepStrictEqual(yield* Stream.runCollect(a.upTo(ObjectRef.succeed(3))), [1, 2, 3])
      assert.strictEqual(yield* errorOf(Stream.runCollect(a.upTo(ObjectRef.fail("no")))), "no")
      const d = yield* Deferred.make<void>()
      const c = yield* fork(Stream.runCollect(a.gate(d)))
      yield* settle
      const stop = yield* fork(Actor.stop(a))
      yield* settle
      assert.isUndefined(stop.pollUnsafe())
      yield* Deferred.succeed(d, undefined)
      assert.deepStrictEqual(yield* Fiber.join(c), [1, 2])
      yield* Fiber.join(stop)
    })
  )
  it.effect("pool: cancel reaches the member; interruption; scope close; failing spawn", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const pool = yield* ActorPool.make({ spawn: Worker.spawn(probe), size: 2 })
      const ref = yield* pool.remote((m) => m.work("a"))
      yield* settle
      assert.strictEqual(yield* ObjectRef.cancel(ref), "Interrupted")
      assert.include(probe.log, "a cut")
      const f = yield* fork(pool.run((m) => m.work("b")))
      yield* settle
      yield* Fiber.interrupt(f)
      assert.include(probe.log, "b cut")
      assert.strictEqual(yield* pool.run((m) => m.echo(1)), 1)
      assert.strictEqual(yield* errorOf(Effect.scoped(ActorPool.make({ spawn: Effect.fail("no") as Effect.Effect<Worker["Service"], string>, size: 2 }))), "no")
      for (const size of [0, -1, 1.5]) {
        const e = yield* Effect.exit(Effect.suspend(() => ActorPool.make({ spawn: Worker.spawn(), size })))
        assert.include(String(e), "ActorPool: size must be")
      }
      const scope = yield* Scope.make()
      const p2 = yield* Scope.provide(ActorPool.make({ spawn: Worker.spawn(probe), size: 1 }), scope)
      const r2 = yield* p2.remote((m) => m.work("c"))
      yield* settle
      yield* probe.open("c")
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(yield* r2, "c")
      assert.strictEqual((yield* reasonOf(p2.run((m) => m.echo(1))))._tag, "ActorDied")
    })
  )
  it.effect("pool map: failure stops; others", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const pool = yield* ActorPool.make({ spawn: Worker.spawn(probe), size: 2 })
      const exit = yield* Effect.exit(Stream.runCollect(pool.map([1, 2, 3], (m, i) => i === 2 ? m.fail("two") : m.echo(i))))
      assert.include(String(exit), "two")
      assert.strictEqual(yield* pool.run((m) => m.echo(1)), 1)
    })
  )
  it.effect("timeout Infinity for get and wait", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* ObjectRef.get(ObjectRef.succeed(1), { timeout: Infinity }), 1)
      const w = yield* Worker.spawn()
      const ref = yield* w.echo.remote(1)
      assert.deepStrictEqual(yield* ObjectRef.wait([ref], { timeout: "Infinity" as any }), [[ref], []])
      const e = yield* Effect.exit(Effect.suspend(() => ObjectRef.get(ref, { timeout: "soon" as any })))
      assert.isTrue(Exit.isFailure(e))
      console.log(String(e))
    }).pipe(Effect.provide(Driver.layer))
  )
  it.effect("resize dead, unknown group", () =>
    Effect.gen(function* () {
      const w = yield* Worker.spawn()
      const e = yield* Effect.exit(Effect.suspend(() => Actor.resize(w, 2, { concurrencyGroup: "x" })))
      assert.include(String(e), "there is no concurrency group")
      yield* Actor.kill(w)
      yield* Actor.resize(w, 2)
      yield* Actor.stop(w)
      yield* Actor.kill(w)
    })
  )
  it.effect("retries count over restarts and typed failures together", () =>
    Effect.gen(function* () {
      let runs = 0
      class M extends Actor.Service<M>()("ray/M", { restart: Schedule.forever, maxTaskRetries: 3, retry: true, make: Effect.succeed({ m: () => Effect.suspend(() => (++runs % 2 ? Effect.fail("typed") : Effect.die("defect"))) }) }) {}
      const m = yield* M.spawn()
      const exit = yield* Effect.exit(m.m())
      assert.strictEqual(runs, 4)
      assert.include(String(exit), "defect")
    })
  )
  it.effect("ActorSystem.get while constructing, then up", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      class S extends Actor.Service<S>()("ray/S", { make: Effect.as(probe.gate("c"), { ping: () => Effect.succeed("pong") }) }) {}
      const sp = yield* fork(S.options({ name: "s" }).spawn())
      yield* settle
      assert.include((yield* errorOf(ActorSystem.get(S, "s"))).message, "not up")
      yield* probe.open("c")
      yield* settle
      assert.strictEqual(yield* (yield* ActorSystem.get(S, "s")).ping(), "pong")
      void sp
    }).pipe(Effect.provide(ActorSystem.layer))
  )
  it.effect("AsyncHandle over suspend", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const w = AsyncHandle.make(yield* Worker.options({ maxPendingCalls: 1, overflow: "suspend" }).spawn(probe))
      const a = w.work("a")
      const b = w.work("b")
      yield* settle
      assert.strictEqual(yield* ObjectRef.cancel(b), "NotStarted")
      yield* probe.open("a", "b")
      assert.strictEqual(yield* a, "a")
      assert.strictEqual((yield* reasonOf(b))._tag, "TaskCancelled")
      assert.notInclude(probe.startOrder, "b")
    })
  )
  it.effect("cancel in keyed while passivating", () => {
    const gate = Effect.runSync(Deferred.make<void>())
    class K extends Actor.Keyed<K>()("ray/K", { idleTimeToLive: "1 second", make: (_: string) => Effect.as(Effect.addFinalizer(() => Deferred.await(gate)), { ping: () => Effect.succeed("pong") }) }) {}
    return Effect.gen(function* () {
      const k = yield* K.get("a")
      yield* k.ping()
      yield* TestClock.adjust("1 second")
      const r1 = yield* k.ping.remote()
      const r2 = yield* k.ping.remote()
      yield* settle
      assert.strictEqual(yield* ObjectRef.cancel(r1), "NotStarted")
      yield* Deferred.succeed(gate, undefined)
      assert.strictEqual(yield* r2, "pong")
    }).pipe(Effect.provide(K.layer))
  })
  it.effect("kill a keyed constructor that never ends; scope close", () => {
    class K extends Actor.Keyed<K>()("ray/K", { shutdownTimeout: 0, make: (_: string) => Effect.as(Effect.never, { ping: () => Effect.succeed("pong") }) }) {}
    return Effect.gen(function* () {
      const scope = yield* Scope.make()
      const refs = yield* Effect.gen(function* () {
        const k = yield* K.get("a")
        return [yield* k.ping.remote()]
      }).pipe(Effect.provide(yield* Scope.provide(import_build(K), scope)))
      yield* settle
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual((yield* reasonOf(refs[0]!))._tag, "ActorDied")
    })
  })
  it.effect("stop from inside a method that then goes on calling itself", () =>
    Effect.gen(function* () {
      const w = yield* Worker.spawn()
      const r = yield* w.run(Effect.andThen(Actor.stop(w), Effect.exit(w.echo(1))))
      assert.include(String(r), "ActorDied")
      yield* Actor.watch(w)
    })
  )
  it.effect("watch interrupted leaves nothing; watch after death", () =>
    Effect.gen(function* () {
      const w = yield* Worker.spawn()
      const f = yield* fork(Actor.watch(w))
      yield* Fiber.interrupt(f)
      yield* Actor.kill(w)
      assert.strictEqual((yield* Actor.watch(w)).why, "it was killed")
    })
  )
  it.effect("task timeouts and pending limit and cancel", () =>
    Effect.gen(function* () {
      const t = Task.make("t", () => Effect.never as Effect.Effect<number>, { maxConcurrency: 1, maxPendingCalls: 2 })
      const a = yield* t.remote()
      const b = yield* t.options({ timeout: "1 second" }).remote()
      assert.strictEqual((yield* reasonOf(t.remote()))._tag, "PendingCallsLimitExceeded")
      yield* settle
      yield* TestClock.adjust("1 second")
      assert.include(String(yield* Effect.exit(b)), "TimeoutError")
      assert.strictEqual(yield* ObjectRef.cancel(a), "Interrupted")
      const c = yield* t.remote()
      yield* ObjectRef.cancel(c)
    })
  )
  it.effect("killing an actor cancels children of its running calls?", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const leaf = yield* Worker.spawn(probe)
      const mid = yield* Worker.spawn()
      yield* mid.run.remote(leaf.work("asked"))
      yield* mid.run.remote(Effect.flatten(leaf.work.remote("remote")))
      yield* settle
      yield* Actor.kill(mid)
      yield* settle
      console.log(probe.log)
    })
  )
})
import { Layer } from "effect"
const import_build = (k: any): Effect.Effect<any, never, Scope.Scope> => Layer.build(k.layer) as any
void [Cause, Ref, defectOf, range, reasonOfExit, errorOf]

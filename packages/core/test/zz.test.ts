import { assert, describe, it } from "@effect/vitest"
import { Actor, ObjectRef } from "@troupe/core"
import { Context, Deferred, Effect, Exit, Fiber, Latch, Layer, Scope, Stream } from "effect"
import { fork, Probe, range, reasonOf, settle, Worker } from "./support.ts"

it.effect("x41 runSync submission of a long method does not starve the event loop", () =>
  Effect.gen(function* () {
    let stop = false
    let n = 0
    const worker = yield* Worker.spawn()
    setImmediate(() => (stop = true))
    const body: Effect.Effect<number> = Effect.suspend(() => (stop || n > 300_000 ? Effect.succeed(n) : Effect.andThen(Effect.yieldNow, Effect.suspend(() => { n++; return body }))))
    const before = n
    const ref: any = Effect.runSync(worker.run.remote(body))
    console.log("body steps when runSync returned", n)
    const steps = yield* (ref as Effect.Effect<number>)
    console.log("steps", steps)
    assert.isBelow(steps, 300_000)
  }))

for (const depth of [100, 500, 1000, 3000, 10000]) it.effect(`x56 nested streams ${depth}`, () =>
  Effect.gen(function* () {
    class S extends Actor.Service<S>()("S", { maxConcurrency: Infinity, make: Effect.succeed({ down: (n: number): Stream.Stream<number, any> => n === 0 ? Stream.rechunk(Stream.range(1, 3), 1) : s.down(n - 1) }) }) {}
    const s: any = yield* S.spawn()
    const xs: any = yield* Stream.runCollect(s.down(depth) as Stream.Stream<number>)
    assert.deepStrictEqual(xs, [1, 2, 3])
  }), 30000)

for (const depth of [100, 1000, 5000]) it.effect(`x59 tree ${depth}`, () =>
  Effect.gen(function* () {
    let made = 0, gone = 0
    class T extends Actor.Service<T>()("T", { make: (n: number): Effect.Effect<{ ping: () => Effect.Effect<void> }, never, Scope.Scope> => Effect.gen(function* () {
      made++
      yield* Effect.addFinalizer(() => Effect.sync(() => { gone++ }))
      if (n > 0) yield* T.spawn(n - 1)
      return { ping: () => Effect.void }
    }) }) {}
    const t = yield* T.spawn(depth)
    yield* Actor.kill(t)
    assert.deepStrictEqual([made, gone], [depth + 1, depth + 1])
  }), 30000)

it.effect("x60 fromEffect chain", () =>
  Effect.gen(function* () {
    const start = yield* Deferred.make<number>()
    let ref: ObjectRef.ObjectRef<number> = yield* ObjectRef.fromEffect(Deferred.await(start))
    for (let i = 0; i < 100_000; i++) ref = yield* ObjectRef.fromEffect(Effect.map(ref, (n) => n + 1))
    yield* Deferred.succeed(start, 0)
    assert.strictEqual(yield* ref, 100_000)
  }), 30000)

it.effect("x66 spawn interrupted while its constructor is in its last, uninterruptible step", () =>
  Effect.gen(function* () {
    const probe = new Probe()
    class Slow extends Actor.Service<Slow>()("Slow", { make: Effect.as(Effect.acquireRelease(probe.work("acquire"), () => probe.note("released")), { ping: () => Effect.void }) }) {}
    const spawn = yield* fork(Effect.scoped(Slow.spawn()))
    yield* probe.started("acquire")
    const i = yield* fork(Fiber.interrupt(spawn))
    yield* probe.open("acquire")
    yield* Fiber.join(i)
    yield* settle
    assert.deepStrictEqual(probe.log, ["acquire start", "acquire end", "released"])
  }))

it.effect("x66b same, in a scope that stays open", () =>
  Effect.gen(function* () {
    const probe = new Probe()
    const scope = yield* Scope.make()
    class Slow extends Actor.Service<Slow>()("Slow", { make: Effect.as(Effect.acquireRelease(probe.work("acquire"), () => probe.note("released")), { ping: () => Effect.void }) }) {}
    const spawn = yield* fork(Scope.provide(Slow.spawn(), scope))
    yield* probe.started("acquire")
    const i = yield* fork(Fiber.interrupt(spawn))
    yield* probe.open("acquire")
    yield* Fiber.join(i)
    yield* settle
    yield* Scope.close(scope, Exit.void)
    assert.deepStrictEqual(probe.log, ["acquire start", "acquire end", "released"])
  }))

it.effect("x69 spawn into a closed scope", () =>
  Effect.gen(function* () {
    const probe = new Probe()
    const scope = yield* Scope.make()
    yield* Scope.close(scope, Exit.void)
    const exit = yield* Effect.exit(Scope.provide(Worker.spawn(probe), scope))
    if (Exit.isSuccess(exit)) assert.strictEqual((yield* reasonOf(exit.value.note("a")))._tag, "ActorDied")
    console.log(exit)
  }))

it.effect("x13 background fibers", () =>
  Effect.gen(function* () {
    const probe = new Probe()
    class Bg extends Actor.Service<Bg>()("Bg", { make: Effect.gen(function* () {
      return { start: () => Effect.asVoid(Effect.forkScoped(probe.work("bg"))), killer: (self: any) => Effect.asVoid(Effect.forkScoped(Effect.andThen(Effect.yieldNow, Actor.kill(self)))), stopper: (self: any) => Effect.asVoid(Effect.forkScoped(Effect.andThen(Effect.yieldNow, Actor.stop(self)))) }
    }) }) {}
    const bg = yield* Bg.spawn()
    yield* bg.start()
    yield* probe.started("bg")
    yield* settle
    assert.deepStrictEqual(probe.log, ["bg start"])
    yield* Actor.stop(bg)
    assert.deepStrictEqual(probe.log, ["bg start", "bg cut"])
    const k = yield* Bg.spawn()
    yield* k.killer(k)
    yield* Actor.watch(k)
    const s = yield* Bg.spawn()
    yield* s.stopper(s)
    yield* Actor.watch(s)
  }))

it.effect("x9 nested provide", () =>
  Effect.gen(function* () {
    let made = 0
    class C extends Actor.Service<C>()("C", { make: Effect.sync(() => { made++; return { ping: () => Effect.void } }) }) {}
    const inner = Effect.provide(Effect.flatMap(C, (c) => Effect.as(c.ping(), c)), C.layer)
    const outer = Effect.gen(function* () { const a = yield* C; const b = yield* inner; assert.strictEqual(a, b) })
    yield* Effect.provide(outer, C.layer)
    assert.strictEqual(made, 1)
  }))

for (const n of [20_000, 40_000, 80_000]) it.effect(`x3 suspended ${n}`, () =>
  Effect.gen(function* () {
    const probe = new Probe()
    const worker = yield* Worker.options({ maxPendingCalls: 1, overflow: "suspend" }).spawn(probe)
    yield* worker.work.remote("first")
    const fibers = yield* Effect.forEach(range(n), (i) => fork(worker.run(Effect.as(Effect.yieldNow, i))))
    const t = performance.now()
    yield* probe.open("first")
    yield* Fiber.joinAll(fibers)
    console.log(n, (performance.now() - t).toFixed(0))
  }), 60_000)

for (const n of [20_000, 40_000, 80_000]) it.effect(`x3b many waiting + retries ${n}`, () =>
  Effect.gen(function* () {
    const worker = yield* Worker.options({ maxConcurrency: 100, maxTaskRetries: 1, retry: true }).spawn()
    const tried = new Set<number>()
    const t = performance.now()
    const refs = yield* Effect.forEach(range(n), (i) => worker.run.remote(Effect.andThen(Effect.yieldNow, Effect.suspend(() => tried.has(i) ? Effect.void : (tried.add(i), Effect.fail("x"))))))
    yield* ObjectRef.all(refs)
    console.log(n, (performance.now() - t).toFixed(0))
  }), 60_000)

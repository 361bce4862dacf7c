import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorSystem, ObjectRef } from "@troupe/core"
import { Effect, Exit, Fiber, Layer, Schedule, Scope } from "effect"
import { errorOf, fork, Probe, range, reasonOf, settle, Worker } from "../support.ts"
import { Counter } from "./support.ts"

const alone = Effect.provide(ActorSystem.layer)

describe("G: named actors", () => {
  it("test_detached_actor: names that are no names are refused where they are written", () => {
    for (const name of ["", "    "]) {
      assert.throws(() => Counter.options({ name }), RangeError, "ray/Counter: name must be a string that is not blank")
    }
    assert.throws(() => Counter.options({ name: 1 as any }), RangeError, "but is 1")
  })

  it.effect("test_detached_actor: a name that is taken is refused, with who has it and what to do", () =>
    Effect.gen(function* () {
      yield* Counter.options({ name: "shared" }).spawn()
      const taken = yield* errorOf(Counter.options({ name: "shared" }).spawn())
      assert.strictEqual(taken._tag, "ActorNameTaken")
      assert.strictEqual(
        taken.message,
        'ray/Counter: the name "shared" is taken by an instance of ray/Counter. Choose another, stop that instance, or use it with getIfExists: true.'
      )
    }).pipe(alone)
  )

  it.effect("test_detached_actor: whoever has the system finds it; it can start tasks and actors of its own", () =>
    Effect.gen(function* () {
      const counter = yield* Counter.options({ name: "shared" }).spawn()
      const found = yield* ActorSystem.get(Counter, "shared")
      assert.strictEqual(found, counter)
      yield* found.increase()
      assert.strictEqual(yield* counter.increase(), 2)
      const worker = yield* Worker.options({ name: "worker" }).spawn()
      const inside = Effect.scoped(Effect.flatMap(Counter.spawn(), (mine) => mine.increase()))
      assert.strictEqual(yield* (yield* ActorSystem.get(Worker, "worker")).run(inside), 1)
      assert.strictEqual(worker, yield* ActorSystem.get(Worker, "worker"))
    }).pipe(alone)
  )

  it.effect("test_detached_actor lifetime: an actor lives as long as the Scope that started it, not its finder", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      yield* Scope.provide(Counter.options({ name: "long" }).spawn(), scope)
      const found = yield* Effect.scoped(ActorSystem.get(Counter, "long"))
      assert.strictEqual(yield* found.increase(), 1)
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual((yield* reasonOf(found.increase()))._tag, "ActorDied")
    }).pipe(alone)
  )

  const ends: ReadonlyArray<
    readonly [string, (handle: Worker["Service"], scope: Scope.Closeable) => Effect.Effect<any>]
  > = [
    ["kill", Actor.kill],
    ["stop", Actor.stop],
    ["the end of its Scope", (_, scope) => Scope.close(scope, Exit.void)],
    ["a defect", (handle) => Effect.andThen(Effect.exit(handle.die("defect")), Actor.watch(handle))]
  ]
  for (const [way, end] of ends) {
    it.effect(`test_named_but_not_detached, test_detached_actor_cleanup: the name is free after ${way}`, () =>
      Effect.gen(function* () {
        const named = Worker.options({ name: "reused", onDefect: "stop" })
        const scope = yield* Scope.make()
        const first = yield* Scope.provide(named.spawn(), scope)
        yield* end(first, scope)
        const missing = yield* errorOf(ActorSystem.get(Worker, "reused"))
        assert.strictEqual(missing._tag, "NoSuchElementError")
        const second = yield* named.spawn()
        assert.notStrictEqual(second, first)
        assert.strictEqual(yield* second.echo("again"), "again")
      }).pipe(alone)
    )
  }

  it.effect("a name is free when its constructor has failed", () =>
    Effect.gen(function* () {
      let broken = true
      class Fragile extends Actor.Service<Fragile>()("ray/Fragile", {
        make: Effect.suspend(() => (broken ? Effect.fail("broken") : Effect.succeed({ ping: () => Effect.void })))
      }) {}
      const named = Fragile.options({ name: "fragile" })
      assert.strictEqual(yield* errorOf(named.spawn()), "broken")
      broken = false
      yield* named.spawn()
      yield* ActorSystem.get(Fragile, "fragile")
    }).pipe(alone)
  )

  it.effect("test_get_actor_no_input: a name that nobody has fails with NoSuchElementError that says so", () =>
    Effect.gen(function* () {
      for (const name of ["", "    ", "nobody"]) {
        const error = yield* errorOf(ActorSystem.get(Counter, name))
        assert.strictEqual(error._tag, "NoSuchElementError")
        assert.include(error.message, `no actor has the name "${name}"`)
      }
    }).pipe(alone)
  )

  it.effect("get with the wrong actor: (stronger) refused, a handle has the methods of its type", () =>
    Effect.gen(function* () {
      yield* Counter.options({ name: "counter" }).spawn()
      const error = yield* errorOf(ActorSystem.get(Worker, "counter"))
      assert.include(error.message, 'the name "counter" belongs to an instance of ray/Counter, not of test/Worker')
    }).pipe(alone)
  )

  it.effect("test_actor_namespace_access: systems are namespaces: one name in two, none seen from the other", () =>
    Effect.gen(function* () {
      const red = yield* ActorSystem.make
      const blue = yield* ActorSystem.make
      const inside = (system: typeof red) => Effect.provideService(ActorSystem.ActorSystem, system)
      const spawn = Counter.options({ name: "counter" }).spawn()
      const get = ActorSystem.get(Counter, "counter")
      const redCounter = yield* spawn.pipe(inside(red))
      assert.strictEqual((yield* Effect.flip(get).pipe(inside(blue)))._tag, "NoSuchElementError")
      const blueCounter = yield* spawn.pipe(inside(blue))
      assert.notStrictEqual(redCounter, blueCounter)
      assert.strictEqual(yield* get.pipe(inside(red)), redCounter)
      assert.strictEqual(yield* get.pipe(inside(blue)), blueCounter)
    })
  )

  it.effect(
    "test_get_actor_after_killed: not found after kill; after a restart found, the same handle, and it serves",
    () =>
      Effect.gen(function* () {
        const named = Worker.options({ name: "worker", restart: Schedule.recurs(1) })
        const worker = yield* named.spawn()
        yield* Effect.exit(worker.die("defect"))
        assert.strictEqual(yield* ActorSystem.get(Worker, "worker"), worker)
        assert.strictEqual(yield* worker.echo("serves"), "serves")
        yield* Actor.kill(worker)
        assert.strictEqual((yield* errorOf(ActorSystem.get(Worker, "worker")))._tag, "NoSuchElementError")
      }).pipe(alone)
  )

  it.effect("the names in use are listed, each with its actor (list_named_actors)", () =>
    Effect.gen(function* () {
      yield* Counter.options({ name: "a" }).spawn()
      const b = yield* Worker.options({ name: "b" }).spawn()
      assert.deepStrictEqual(
        [...(yield* ActorSystem.names)],
        [
          ["a", "ray/Counter"],
          ["b", "test/Worker"]
        ]
      )
      yield* Actor.kill(b)
      assert.deepStrictEqual([...(yield* ActorSystem.names).keys()], ["a"])
    }).pipe(alone)
  )
})

describe("G: get or create", () => {
  it.effect("test_simple: the second gets the instance of the first, its arguments ignored", () => {
    class Tagged extends Actor.Service<Tagged>()("ray/Tagged", {
      make: (tag: string) => Effect.succeed({ tag: () => Effect.succeed(tag) })
    }) {}
    const named = Tagged.options({ name: "tagged", getIfExists: true })
    return Effect.gen(function* () {
      const first = yield* named.spawn("first")
      const second = yield* named.spawn("second")
      assert.strictEqual(second, first)
      assert.strictEqual(yield* second.tag(), "first")
    }).pipe(alone)
  })

  it.effect("test_shared_actor: a hundred at once get one instance, while its constructor takes its time", () =>
    Effect.gen(function* () {
      let made = 0
      const probe = new Probe()
      class Shared extends Actor.Service<Shared>()("ray/Shared", {
        make: Effect.gen(function* () {
          made++
          yield* probe.gate("constructor")
          return { ping: () => Effect.succeed("pong") }
        })
      }) {}
      const named = Shared.options({ name: "shared", getIfExists: true })
      const all = yield* fork(
        Effect.all(
          range(100).map(() => named.spawn()),
          { concurrency: "unbounded" }
        )
      )
      yield* settle
      yield* probe.open("constructor")
      yield* settle
      const exit = all.pollUnsafe()
      assert.isDefined(exit)
      const handles = yield* exit!
      assert.strictEqual(new Set(handles).size, 1)
      assert.strictEqual(made, 1)
      assert.strictEqual(yield* handles[99]!.ping(), "pong")
    }).pipe(alone)
  )

  it.effect("test_shared_actor: one of those who wait for the constructor may leave, the others get the instance", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      class Slow extends Actor.Service<Slow>()("ray/Slow", {
        make: Effect.as(probe.gate("constructor"), { ping: () => Effect.succeed("pong") })
      }) {}
      const named = Slow.options({ name: "slow", getIfExists: true })
      const first = yield* fork(named.spawn())
      const second = yield* fork(named.spawn())
      const third = yield* fork(named.spawn())
      yield* settle
      assert.include((yield* errorOf(ActorSystem.get(Slow, "slow"))).message, "is not up")
      yield* Fiber.interrupt(second)
      yield* probe.open("constructor")
      yield* settle
      const [one, other] = [first.pollUnsafe(), third.pollUnsafe()]
      assert.isDefined(one)
      assert.isDefined(other)
      assert.strictEqual(yield* other!, yield* one!)
    }).pipe(alone)
  )

  it.effect("test_shared_actor: the constructor fails for the first: the second makes its own", () =>
    Effect.gen(function* () {
      let starts = 0
      const probe = new Probe()
      class Flaky extends Actor.Service<Flaky>()("ray/Flaky", {
        make: Effect.suspend(() => {
          const made = { ping: () => Effect.succeed("pong") }
          return ++starts > 1 ? Effect.succeed(made) : Effect.andThen(probe.gate("constructor"), Effect.fail("broken"))
        })
      }) {}
      const named = Flaky.options({ name: "flaky", getIfExists: true })
      const first = yield* fork(Effect.exit(named.spawn()))
      const second = yield* fork(Effect.exit(named.spawn()))
      yield* settle
      yield* probe.open("constructor")
      yield* settle
      assert.deepStrictEqual(yield* first.pollUnsafe()!, Exit.fail("broken"))
      const handle = yield* yield* second.pollUnsafe()!
      assert.strictEqual(yield* handle.ping(), "pong")
    }).pipe(alone)
  )

  it.effect("test_simple: a name of another actor is not shared, getIfExists or not", () =>
    Effect.gen(function* () {
      yield* Counter.options({ name: "taken" }).spawn()
      const error = yield* errorOf(Worker.options({ name: "taken", getIfExists: true }).spawn())
      assert.strictEqual(error._tag, "ActorNameTaken")
      assert.include(error.message, "ray/Counter")
    }).pipe(alone)
  )

  it("test_simple: getIfExists without a name is refused where it is written", () => {
    // @ts-expect-error -- 'name' is missing
    assert.throws(() => Counter.options({ getIfExists: true }), RangeError, "ray/Counter: getIfExists needs a name")
  })

  it.effect("the one who only found it does not end it", () =>
    Effect.gen(function* () {
      const named = Counter.options({ name: "kept", getIfExists: true })
      const mine = yield* named.spawn()
      yield* Effect.scoped(Effect.flatMap(named.spawn(), (same) => same.increase()))
      assert.strictEqual(yield* mine.increase(), 2)
    }).pipe(alone)
  )

  it.effect("while the holder stops, getIfExists waits for it to be gone, and makes the next one", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const named = Worker.options({ name: "next", getIfExists: true })
      const first = yield* named.spawn(probe)
      const held = yield* first.work.remote("held")
      yield* settle
      const stopping = yield* fork(Actor.stop(first))
      const spawning = yield* fork(Effect.exit(named.spawn()))
      yield* settle
      yield* probe.open("held")
      yield* ObjectRef.all([held])
      yield* settle
      assert.isDefined(stopping.pollUnsafe())
      const next = yield* yield* spawning.pollUnsafe()!
      assert.notStrictEqual(next, first)
      assert.strictEqual(yield* next.echo("next"), "next")
    }).pipe(alone)
  )

  it.effect("as a Layer: two layers with the same name share the instance", () =>
    Effect.gen(function* () {
      const layer = () => Counter.options({ name: "layered", getIfExists: true }).layer
      const increase = Effect.flatMap(Counter, (counter) => counter.increase())
      const first = yield* Layer.build(layer())
      assert.strictEqual(yield* Effect.provide(increase, first), 1)
      const second = yield* Layer.build(layer())
      assert.strictEqual(yield* Effect.provide(increase, second), 2)
    }).pipe(alone)
  )
})

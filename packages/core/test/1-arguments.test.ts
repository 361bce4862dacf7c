import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Actor, ObjectRef } from "@troupe/core"
import { Cause, Deferred, Effect, Exit, Fiber, Record } from "effect"
import { defectOf, errorOf, fork, Probe, reasonOf, settle, Worker } from "./support.ts"

describe("1.5", () => {
  it.effect("1.5 any argument of a call may be an ObjectRef of that argument's type", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const one = yield* worker.add.remote(0, 1)
      const two = yield* worker.add.remote(one, one)
      assert.strictEqual(yield* worker.add(one, two), 3)
      assert.strictEqual(yield* worker.add(one, 10), 11)
      assert.strictEqual(yield* worker.add(ObjectRef.succeed(5), 10), 15)
      assert.strictEqual(yield* worker.add(5, ObjectRef.fromPromise(Promise.resolve(10))), 15)
      assert.strictEqual(yield* Effect.flatten(worker.add.remote(one, two)), 3)
    })
  )

  it.effect("1.5 the body runs only when all such refs have succeeded, and holds no permit while it waits", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      const argument = (id: string) => ObjectRef.fromEffect(Effect.as(probe.gate(id), id))
      const a = yield* argument("a")
      const b = yield* argument("b")
      const call = yield* worker.run.remote(
        yield* ObjectRef.fromEffect(Effect.map(ObjectRef.all([a, b]), Effect.succeed))
      )
      const both = yield* Effect.map(Worker.spawn(), (other) => other.add)
      const sum = yield* both.remote(a as never, b as never)
      yield* probe.open("a")
      yield* settle
      assert.isFalse(yield* Deferred.isDone(ObjectRef.asDeferred(call)))
      assert.isFalse(yield* Deferred.isDone(ObjectRef.asDeferred(sum)))
      assert.strictEqual(yield* worker.note("free"), "free", "the only permit is free")
      yield* probe.open("b")
      assert.deepStrictEqual(yield* call, ["a", "b"])
      assert.strictEqual(yield* sum, "ab" as never)
    })
  )

  it.effect(
    "1.5 if one fails, the body never runs and the call fails with that same error, without waiting for others",
    () =>
      Effect.gen(function* () {
        const probe = new Probe()
        const worker = yield* Worker.spawn(probe)
        class Broken extends Error {
          readonly _tag = "Broken"
        }
        const broken = new Broken("pipe")
        const never = yield* ObjectRef.fromEffect(Effect.never)
        const early = ObjectRef.fail(broken)
        const late: ObjectRef.ObjectRef<never, unknown> = yield* worker.fail.remote(broken)
        assert.strictEqual(yield* errorOf(worker.add(never, early)), broken)
        assert.strictEqual(yield* errorOf(worker.add(never, late)), broken)
        assert.strictEqual(yield* errorOf(worker.note(late)), broken)
        assert.deepStrictEqual(probe.log, [])
      })
  )

  it.effect("1.5 an argument that dies makes the call die of the same defect, and harms no actor", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ onDefect: "stop" }).spawn(probe)
      const defect = new Error("bug elsewhere")
      const elsewhere = yield* Worker.spawn()
      const argument = yield* elsewhere.die.remote(defect)
      const exit = yield* Effect.exit(worker.note(argument))
      assert.isTrue(Exit.isFailure(exit) && Cause.squash(exit.cause) === defect)
      assert.strictEqual(yield* worker.note("alive"), "alive")
    })
  )

  it.effect("1.5 a cancelled argument fails the call with TaskCancelled of the argument's call", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const argument = yield* worker.work.remote("a")
      const call = yield* worker.note.remote(argument)
      yield* ObjectRef.cancel(argument)
      const reason = yield* reasonOf(call)
      assert.strictEqual(reason._tag, "TaskCancelled")
      assert.strictEqual(reason.method, "work")
      assert.deepStrictEqual(probe.log, [])
    })
  )

  it.effect("1.5 refs nested inside an argument are passed on untouched", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const ref = yield* ObjectRef.fromEffect(Effect.never)
      const list = [ref]
      const record = { ref, deep: { ref } }
      assert.strictEqual(yield* worker.echo(list), list)
      assert.strictEqual(yield* worker.echo(record), record)
      assert.strictEqual(record.deep.ref, ref)
    })
  )

  it.effect("1.5 a call that is cancelled while its arguments are prepared never runs", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const argument = yield* ObjectRef.fromEffect(Effect.as(probe.gate("a"), "a"))
      const call = yield* worker.note.remote(argument)
      assert.strictEqual(yield* ObjectRef.cancel(call), "NotStarted")
      yield* probe.open("a")
      yield* argument
      yield* settle
      assert.deepStrictEqual(probe.log, [])
      assert.strictEqual((yield* reasonOf(call))._tag, "TaskCancelled")
    })
  )

  it.effect("1.5 an actor killed while arguments are prepared fails the call; one that is stopped waits for it", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const argument = yield* ObjectRef.fromEffect(Effect.as(probe.gate("a"), "a"))
      const killed = yield* Worker.spawn(probe)
      const stopped = yield* Worker.spawn(probe)
      const lost = yield* killed.note.remote(argument)
      const kept = yield* stopped.note.remote(argument)
      yield* Actor.kill(killed)
      const stop = yield* fork(Actor.stop(stopped))
      const reason = yield* reasonOf(lost)
      assert.strictEqual(reason._tag, "ActorDied")
      assert.isFalse(reason.mayHaveRun)
      yield* settle
      assert.isUndefined(stop.pollUnsafe())
      yield* probe.open("a")
      assert.strictEqual(yield* kept, "a")
      yield* Fiber.join(stop)
      assert.deepStrictEqual(probe.log, ["a"])
    })
  )

  it.effect("1.5 the permit that its arguments did not hold may be gone: the call then stands in line", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      const argument = yield* ObjectRef.fromEffect(Effect.as(probe.gate("a"), "a"))
      const call = yield* worker.note.remote(argument)
      const holder = yield* worker.work.remote("holder")
      yield* probe.started("holder")
      yield* probe.open("a")
      yield* settle
      assert.deepStrictEqual(probe.log, ["holder start"])
      yield* probe.open("holder")
      yield* ObjectRef.all([holder, call])
      assert.deepStrictEqual(probe.log, ["holder start", "holder end", "a"])
    })
  )
})

describe("1.6", () => {
  it.effect("1.6 an unknown method fails at the call with an error that names the actor and lists what exists", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const untyped = worker as any
      const message = 'test/Worker has no method "nope", it has work, note, echo, add, fail, die, run'
      assert.throws(() => untyped.nope(1), TypeError, message)
      assert.throws(() => untyped.nope.remote(1), TypeError, message)
      assert.throws(() => untyped.nope.options({}), TypeError, message)
      assert.strictEqual(yield* worker.add(1, 2), 3, "no harm is done")
    })
  )

  it.effect("1.6 an unknown method of a key fails its call with the same error, once the instance is made", () =>
    Effect.gen(function* () {
      class Keyed extends Actor.Keyed<Keyed>()("test/Keyed", {
        make: () => Effect.succeed({ add: () => Effect.void, drop: () => Effect.void })
      }) {}
      const call = Effect.flatMap(Keyed.get("a"), (handle: any): Effect.Effect<never> => handle.nope(1))
      const defect = yield* defectOf(Effect.provide(call, Keyed.layer))
      assert.strictEqual(String(defect), 'TypeError: test/Keyed(a) has no method "nope", it has add, drop')
    })
  )

  it.effect(
    "1.6 an unknown concurrency group fails at the call with an error that names the actor and lists what exists",
    () =>
      Effect.gen(function* () {
        class Grouped extends Actor.Service<Grouped>()("test/Grouped", {
          concurrencyGroups: { io: { maxConcurrency: 1, methods: [] }, cpu: { maxConcurrency: 1, methods: [] } },
          make: Effect.succeed({ ping: () => Effect.succeed("pong") })
        }) {}
        const grouped = yield* Grouped.spawn()
        const worker = yield* Worker.spawn()
        const none = { concurrencyGroup: "nope" } as never
        assert.throws(() => grouped.ping.options(none), RangeError, /test\/Grouped.*"nope".*io, cpu/)
        assert.throws(() => worker.add.options(none), RangeError, /test\/Worker.*"nope".*none/)
        assert.strictEqual(yield* grouped.ping(), "pong")
      })
  )

  it.effect("1.6 wrong arguments fail the call, and never harm the actor", () =>
    Effect.gen(function* () {
      class Upper extends Actor.Service<Upper>()("test/Upper", {
        make: Effect.succeed({ upper: (text: string) => Effect.succeed(text.toUpperCase()) })
      }) {}
      const upper = yield* Upper.spawn()
      const exit = yield* Effect.exit(upper.upper(1 as never))
      assert.isTrue(Exit.isFailure(exit) && Cause.squash(exit.cause) instanceof TypeError)
      assert.strictEqual(yield* upper.upper("a"), "A")
    })
  )

  it.effect("1.6 a method that returns no Effect is a defect that says so, and never harms the actor", () =>
    Effect.gen(function* () {
      class Odd extends Actor.Service<Odd>()("test/Odd", {
        make: Effect.succeed({
          value: () => 1 as never as Effect.Effect<number>,
          promise: () => Promise.resolve(1) as never as Effect.Effect<number>,
          nothing: () => undefined as never as Effect.Effect<number>,
          null: () => null as never as Effect.Effect<number>,
          suspended: () => Effect.suspend(() => 1 as never as Effect.Effect<number>),
          generator: function* () {} as never as () => Effect.Effect<number>,
          big: () => 1n as never as Effect.Effect<number>,
          fine: () => Effect.succeed(1)
        })
      }) {}
      const odd = yield* Odd.spawn()
      const remedies = {
        value: "1. Effect.succeed wraps a value",
        promise: "a Promise. Wrap it: Effect.promise(() => ...)",
        nothing: "undefined. Is a return missing?",
        null: "null. Effect.succeed wraps a value",
        suspended: "1. Effect.succeed wraps a value",
        big: "1n. Effect.succeed wraps a value",
        generator: "a generator. Wrap it: Effect.gen(function* () { ... })"
      }
      for (const [method, remedy] of Record.toEntries(remedies)) {
        const exit = yield* Effect.exit(odd[method]())
        const defect = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
        assert.instanceOf(defect, TypeError)
        assert.strictEqual(defect.message, `test/Odd.${method} must return an Effect, but returned ${remedy}`)
      }
      assert.strictEqual(yield* odd.fine(), 1)
    })
  )

  it.effect("1.6 handles can be looked at by tools that try properties: await, inspect, JSON, assertions", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      assert.strictEqual(yield* Effect.promise(async () => worker), worker)
      assert.match(inspect(worker), /^test\/Worker\(#\d+, 0 running, 0 waiting\)$/)
      assert.match(`${worker}`, /^test\/Worker\(#\d+/)
      assert.include(JSON.stringify(worker), '"actor":"test/Worker"')
      assert.strictEqual(worker, worker)
      assert.deepStrictEqual({ worker }, { worker })
      assert.isTrue(Actor.isHandle(worker))
      assert.isFalse(Actor.isHandle({}))
      assert.deepStrictEqual(Object.keys(worker), ["work", "note", "echo", "add", "fail", "die", "run"])
    })
  )
})

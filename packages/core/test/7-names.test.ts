import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorError, ActorSystem, ByNumber } from "@troupe/core"
import { Cause, Context, Effect, Exit, Fiber, Schedule, Scheduler, Scope } from "effect"
import { defectOf, errorOf, fork, Probe, range, reasonOf, settle, Worker } from "./support.ts"

/** Its constructor does what a test wants. */
class Built extends Actor.Service<Built>()("test/Built", {
  shutdownTimeout: 0,
  make: (construct: Effect.Effect<unknown, string, Scope.Scope> = Effect.void) =>
    Effect.as(construct, { ping: () => Effect.succeed("pong"), work: (probe: Probe, id: string) => probe.work(id) })
}) {}

const named = (name: string, construct?: Effect.Effect<unknown, string, Scope.Scope>) =>
  Built.options({ name }).spawn(construct)

const shared = (name: string, construct?: Effect.Effect<unknown, string, Scope.Scope>) =>
  Built.options({ name, getIfExists: true }).spawn(construct)

const isTaken = (error: unknown): boolean => error instanceof ActorError.ActorNameTaken

describe("7.1", () => {
  it.effect("7.1 a name finds its instance", () =>
    Effect.gen(function* () {
      const handle = yield* named("found")
      assert.strictEqual(yield* ActorSystem.get(Built, "found"), handle)
      assert.strictEqual((yield* ActorSystem.names).get("found"), "test/Built")
    })
  )

  it.effect("7.1 a spawn that has no Scope, which does not compile, takes no name and leaves no instance", () =>
    Effect.gen(function* () {
      const context = yield* Effect.context<Scope.Scope>()
      const spawn = shared("scopeless") as Effect.Effect<unknown>
      const homeless = Context.omit(Scope.Scope)(context) as Context.Context<never>
      const death = yield* Effect.promise(() => Effect.runPromiseWith(homeless)(defectOf(spawn)))
      assert.match(String(death), /test\/Built: an instance ends with a Scope/)
      assert.strictEqual((yield* ActorSystem.names).size, 0)
      assert.deepStrictEqual((yield* ActorSystem.snapshot()).instances, [])
    }).pipe(Effect.provide(ActorSystem.layer))
  )

  it.effect("7.1 a name that nobody has, or an actor of another kind, is not found", () =>
    Effect.gen(function* () {
      yield* named("held")
      const missing = yield* errorOf(ActorSystem.get(Built, "nobody"))
      assert.isTrue(Cause.isNoSuchElementError(missing))
      assert.match(missing.message, /nobody/)
      const other = yield* errorOf(ActorSystem.get(Worker, "held"))
      assert.match(other.message, /test\/Built.*not of test\/Worker/)
    })
  )

  it.effect("7.1 taking a name twice fails with ActorNameTaken, and harms the holder in no way", () =>
    Effect.gen(function* () {
      const holder = yield* named("twice")
      const error = yield* errorOf(named("twice"))
      if (!(error instanceof ActorError.ActorNameTaken)) return assert.fail(String(error))
      assert.deepInclude(error, { actor: "test/Built", name: "twice", holder: "test/Built" })
      assert.strictEqual(yield* holder.ping(), "pong")
      assert.strictEqual(yield* ActorSystem.get(Built, "twice"), holder)
    })
  )

  it.effect("7.1 a name is taken from the moment its instance begins to be made", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const first = yield* fork(named("early", probe.gate("construct")))
      assert.isTrue(isTaken(yield* errorOf(named("early"))))
      yield* errorOf(ActorSystem.get(Built, "early"))
      yield* probe.open("construct")
      assert.strictEqual(yield* ActorSystem.get(Built, "early"), yield* Fiber.join(first))
    })
  )

  it.effect("7.1 getIfExists gives the living one", () =>
    Effect.gen(function* () {
      let made = 0
      const construct = Effect.sync(() => made++)
      const first = yield* shared("one", construct)
      assert.strictEqual(yield* shared("one", construct), first)
      assert.strictEqual(made, 1)
    })
  )

  it.effect("7.1 getIfExists makes it when there is none, and does not give an actor of another kind", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.options({ name: "kind", getIfExists: true }).spawn()
      assert.strictEqual(yield* worker.echo(1), 1)
      assert.isTrue(isTaken(yield* errorOf(shared("kind"))))
    })
  )

  it.effect("7.1 getIfExists is race-free: of 100 who want it while its slow constructor runs, one makes it", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      let made = 0
      const construct = Effect.andThen(
        Effect.sync(() => made++),
        probe.gate("construct")
      )
      const fibers = yield* Effect.forEach(range(100), () => fork(shared("race", construct)))
      yield* settle
      assert.strictEqual(made, 1)
      yield* probe.open("construct")
      const handles = yield* Fiber.joinAll(fibers)
      assert.strictEqual(new Set(handles).size, 1)
      assert.strictEqual(made, 1)
    })
  )

  it.effect("7.1 when the constructor of the one that others wait for fails, one of them tries in turn", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      let attempts = 0
      const construct = Effect.gen(function* () {
        const attempt = ++attempts
        yield* probe.gate(`attempt ${attempt}`)
        if (attempt < 3) yield* Effect.fail(`attempt ${attempt}`)
      })
      const fibers = yield* Effect.forEach(range(5), () => fork(Effect.exit(shared("flaky", construct))))
      for (const attempt of [1, 2, 3]) {
        yield* settle
        assert.strictEqual(attempts, attempt)
        yield* probe.open(`attempt ${attempt}`)
      }
      const exits = yield* Fiber.joinAll(fibers)
      assert.strictEqual(exits.filter(Exit.isFailure).length, 2)
      assert.strictEqual(new Set(exits.filter(Exit.isSuccess).map((exit) => exit.value)).size, 1)
      assert.strictEqual(attempts, 3)
    })
  )

  it.effect("7.1 when the one that makes it is interrupted, another one of those who wait makes it", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const first = yield* fork(shared("handed on", probe.gate("never")))
      const second = yield* fork(shared("handed on"))
      yield* Fiber.interrupt(first)
      assert.strictEqual(yield* (yield* Fiber.join(second)).ping(), "pong")
    })
  )

  it.effect("7.1 with getIfExists the instance goes on belonging to the Scope that started it", () =>
    Effect.gen(function* () {
      const owner = yield* Scope.make()
      const handle = yield* Scope.provide(shared("owned"), owner)
      yield* Effect.scoped(shared("owned"))
      assert.strictEqual(yield* handle.ping(), "pong", "the guest's Scope closed")
      yield* Scope.close(owner, Exit.void)
      assert.strictEqual((yield* reasonOf(handle.ping()))._tag, "ActorDied")
    })
  )

  for (const end of ["kill", "stop"] as const) {
    it.effect(`7.1 a name is free again once its actor is dead: after ${end}, finalizers included`, () =>
      Effect.gen(function* () {
        const probe = new Probe()
        const finalizer = Effect.addFinalizer(() => probe.gate("finalizer"))
        const first = yield* named("freed", finalizer)
        const ending = yield* fork(Actor[end](first))
        assert.isTrue(isTaken(yield* errorOf(named("freed"))), "it is dying, and not yet dead")
        yield* errorOf(ActorSystem.get(Built, "freed"))
        const next = yield* fork(shared("freed"))
        yield* settle
        assert.isUndefined(next.pollUnsafe(), "getIfExists waits until the name is free")
        yield* probe.open("finalizer")
        yield* Fiber.join(ending)
        const second = yield* Fiber.join(next)
        assert.notStrictEqual(second, first)
        assert.strictEqual(yield* second.ping(), "pong")
        assert.strictEqual((yield* reasonOf(first.ping()))._tag, "ActorDied", "the old handle stays with the old one")
      })
    )
  }

  it.effect("7.1 an instance that is killed in its constructor keeps its name until that has ended", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const events: Array<string> = []
      const note = (event: string) => Effect.sync(() => void events.push(event))
      const construct = Effect.andThen(
        Effect.addFinalizer(() => note("finalizer")),
        Effect.andThen(probe.gate("construct"), note("constructed"))
      )
      const first = yield* fork(shared("killed", construct))
      yield* settle
      const { instances } = yield* ActorSystem.snapshot({ name: "killed", state: "starting" })
      assert.isTrue(yield* ByNumber.kill(instances[0]!.instance))
      const next = yield* fork(shared("killed", note("next")))
      yield* settle
      assert.deepStrictEqual(events, [])
      yield* probe.open("construct")
      assert.strictEqual((yield* reasonOf((yield* Fiber.join(first)).ping()))._tag, "ActorDied")
      assert.strictEqual(yield* (yield* Fiber.join(next)).ping(), "pong")
      assert.deepStrictEqual(events, ["constructed", "finalizer", "next"])
    })
  )

  it.effect("7.1 a name is free again after its constructor failed, died or was interrupted", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* errorOf(named("failed", Effect.fail("no"))), "no")
      assert.strictEqual(yield* defectOf(named("failed", Effect.die("never"))), "never")
      const fiber = yield* fork(named("failed", Effect.never))
      yield* Fiber.interrupt(fiber)
      assert.isFalse((yield* ActorSystem.names).has("failed"))
      assert.strictEqual(yield* (yield* named("failed")).ping(), "pong")
    })
  )

  it.effect(
    "7.1 whoever is interrupted while it brings up an instance, at whatever moment, leaves nothing behind",
    () =>
      Effect.gen(function* () {
        let up = 0
        const construct = Effect.acquireRelease(
          Effect.andThen(
            Effect.yieldNow,
            Effect.sync(() => up++)
          ),
          () => Effect.sync(() => up--)
        )
        // Fibers that yield so often can be interrupted nearly anywhere.
        for (const operations of [2, 3, 4, 5]) {
          for (const turns of range(40)) {
            const scope = yield* Scope.make()
            const spawn = Effect.provideService(named("fleeting", construct), Scheduler.MaxOpsBeforeYield, operations)
            const fiber = yield* fork(Scope.provide(spawn, scope))
            for (let i = 0; i < turns; i++) yield* Effect.yieldNow
            yield* Fiber.interrupt(fiber)
            yield* Scope.close(scope, Exit.void)
            const moment = `a yield after ${operations} operations each, interrupted after ${turns} turns`
            assert.strictEqual(up, 0, moment)
            assert.isFalse((yield* ActorSystem.names).has("fleeting"), moment)
          }
        }
      })
  )

  it.effect("7.1 a name is free again after its Layer is gone", () =>
    Effect.gen(function* () {
      const Layered = Built.options({ name: "layered" })
      const ask = Effect.flatMap(Built, (built) => built.ping())
      assert.strictEqual(yield* Effect.provide(ask, Layered.layer), "pong")
      assert.strictEqual(yield* Effect.provide(ask, Layered.layer), "pong")
      assert.isFalse((yield* ActorSystem.names).has("layered"))
    })
  )

  it.effect("7.1 a restart keeps the name and the handle", () =>
    Effect.gen(function* () {
      const Restarted = Worker.options({ name: "restarted", onDefect: "restart", restart: Schedule.recurs(1) })
      const worker = yield* Restarted.spawn()
      yield* Effect.exit(worker.die("defect"))
      assert.isTrue(isTaken(yield* errorOf(Restarted.spawn())))
      assert.strictEqual(yield* worker.echo(1), 1)
      assert.strictEqual(yield* ActorSystem.get(Worker, "restarted"), worker)
    })
  )

  it.live("7.1 a name whose instance could not get a handle does not hang those who want it", () =>
    Effect.gen(function* () {
      class Misnamed extends Actor.Service<Misnamed>()("test/Misnamed", {
        methodOptions: { missing: {} } as {},
        make: Effect.succeed({ ping: () => Effect.void })
      }) {}
      const Shared = Misnamed.options({ name: "misnamed", getIfExists: true })
      assert.match(String(yield* defectOf(Shared.spawn())), /missing/)
      assert.match(String(yield* defectOf(Effect.timeout(Shared.spawn(), "1 second"))), /missing/)
      assert.isFalse((yield* ActorSystem.names).has("misnamed"))
    })
  )

  it.effect("7.1 an ActorSystem of one's own is a namespace of its own", () =>
    Effect.gen(function* () {
      const outer = yield* named("same")
      const inner = Effect.gen(function* () {
        assert.strictEqual((yield* ActorSystem.names).size, 0)
        const inner = yield* named("same")
        assert.notStrictEqual(inner, outer)
        assert.strictEqual(yield* ActorSystem.get(Built, "same"), inner)
      })
      yield* Effect.provide(Effect.scoped(inner), ActorSystem.layer)
      yield* Effect.provide(Effect.scoped(inner), ActorSystem.layer)
      yield* Effect.provideServiceEffect(Effect.scoped(inner), ActorSystem.ActorSystem, ActorSystem.make)
      assert.strictEqual(yield* ActorSystem.get(Built, "same"), outer)
    })
  )

  it.effect("7.1 an actor that is started from inside another belongs to the same system", () =>
    Effect.gen(function* () {
      const program = Effect.gen(function* () {
        const worker = yield* Worker.spawn()
        const scope = yield* Effect.scope
        const inner = yield* worker.run(Scope.provide(named("inner"), scope))
        assert.strictEqual(yield* ActorSystem.get(Built, "inner"), inner)
      })
      yield* Effect.provide(Effect.scoped(program), ActorSystem.layer)
      yield* errorOf(ActorSystem.get(Built, "inner"))
    })
  )

  it("7.1 a blank name, and getIfExists without a name, throw where they are written", () => {
    for (const name of ["", " ", "\t\n"]) {
      assert.throws(() => Worker.options({ name }), RangeError, "test/Worker: name must be a string that is not blank")
    }
    assert.throws(() => Worker.options({ name: 7 as never }), RangeError, "but is 7")
    // @ts-expect-error -- 'name' is missing
    assert.throws(() => Worker.options({ getIfExists: true }), RangeError, "test/Worker: getIfExists needs a name")
  })
})

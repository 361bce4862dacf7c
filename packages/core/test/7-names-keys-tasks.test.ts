import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Actor, type ActorContext, ActorError, ActorPool, ActorSystem, ObjectRef, Task } from "@troupe/core"
import {
  Cause,
  Context,
  Effect,
  Equal,
  Exit,
  Fiber,
  Layer,
  Logger,
  Random,
  Schedule,
  Scheduler,
  Schema,
  Scope,
  Stream
} from "effect"
import { TestClock } from "effect/testing"
import { defectOf, errorOf, fork, Probe, range, reasonOf, reasonOfExit, seeded, settle, Worker } from "./support.ts"

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

/** What a test sees of the instances of a keyed actor, and how it holds them. */
class House extends Probe {
  /** How often an instance of a key was made. */
  readonly made = new Map<string, number>()
  private readonly up = new Map<string, number>()
  /** The most instances of one key that were up at a time: from the start of the constructor to the last finalizer. */
  peakPerKey = 0
  /** Part of each constructor. */
  construct: (key: string, nth: number) => Effect.Effect<unknown, string> = () => Effect.void
  /** Part of each finalizer. */
  finalize: (key: string, nth: number) => Effect.Effect<unknown> = () => Effect.void

  enter(key: string): number {
    const up = (this.up.get(key) ?? 0) + 1
    const made = (this.made.get(key) ?? 0) + 1
    this.up.set(key, up)
    this.made.set(key, made)
    this.peakPerKey = Math.max(this.peakPerKey, up)
    this.log.push(`${key}${made} up`)
    return made
  }

  leave(key: string, nth: number): void {
    this.up.set(key, this.up.get(key)! - 1)
    this.log.push(`${key}${nth} down`)
  }
}

class InHouse extends Context.Service<InHouse, House>()("test/InHouse") {}

class Room extends Actor.Keyed<Room>()("test/Room", {
  idleTimeToLive: "1 minute",
  shutdownTimeout: 0,
  concurrencyGroups: { narrow: { maxConcurrency: 1, methods: ["narrow"] } },
  make: (key: string) =>
    Effect.gen(function* () {
      const house = yield* InHouse
      const nth = yield* Effect.acquireRelease(
        Effect.sync(() => house.enter(key)),
        (nth) =>
          Effect.andThen(
            Effect.suspend(() => house.finalize(key, nth)),
            Effect.sync(() => house.leave(key, nth))
          )
      )
      yield* house.construct(key, nth)
      let count = 0
      return {
        count: () => Effect.sync(() => ++count),
        nth: () => Effect.succeed(nth),
        work: house.work,
        narrow: house.work,
        note: (id: string) => Effect.as(house.note(id), id),
        run: (effect: Effect.Effect<any, any>) => effect
      }
    })
}) {}

/** A test that fails ends all the same: whatever is still held is let go before the instances end. */
const letGo = (house: House) =>
  Effect.addFinalizer(() =>
    Effect.sync(() => {
      house.construct = house.finalize = () => Effect.void
    }).pipe(Effect.andThen(house.open(...range(9).map((nth) => `finalizer ${nth}`), "finalizer", "construct", "slow")))
  )

/** Opens the rooms in the Scope of the test. */
const open = (house: House, options: Actor.InstanceOptions & Actor.KeyedOptions = {}) =>
  Layer.build(Room.options(options).layer).pipe(
    Effect.provideService(InHouse, house),
    Effect.map((context) => Context.get(context, Room)),
    Effect.tap(() => letGo(house))
  )

describe("7.2", () => {
  it.effect("7.2 one instance per key, made at the first call", () =>
    Effect.gen(function* () {
      const house = new House()
      const rooms = yield* open(house)
      const a = rooms.get("a")
      assert.strictEqual(house.made.size, 0, "a handle makes nothing")
      assert.strictEqual(yield* a.count(), 1)
      assert.strictEqual(yield* rooms.get("a").count(), 2)
      assert.strictEqual(yield* rooms.get("b").count(), 1)
      assert.deepStrictEqual(
        [...house.made],
        [
          ["a", 1],
          ["b", 1]
        ]
      )
      assert.deepStrictEqual(yield* rooms.keys, ["a", "b"])
    })
  )

  it.effect("7.2 the class gives the handle of a key of the actor in context", () =>
    Effect.gen(function* () {
      const house = new House()
      const program = Effect.gen(function* () {
        const a = yield* Room.get("a")
        yield* a.count()
        return yield* (yield* Room).get("a").count()
      })
      const layer = Layer.provide(Room.layer, Layer.succeed(InHouse)(house))
      assert.strictEqual(yield* Effect.provide(program, layer), 2)
      assert.deepStrictEqual(house.log, ["a1 up", "a1 down"], "it ends with its Layer")
    })
  )

  it.effect("7.2 handles of the same key are equal, of others they are not", () =>
    Effect.gen(function* () {
      const rooms = yield* open(new House())
      assert.isTrue(Equal.equals(rooms.get("a"), rooms.get("a")))
      assert.isFalse(Equal.equals(rooms.get("a"), rooms.get("b")))
      const others = yield* open(new House())
      assert.isFalse(Equal.equals(rooms.get("a"), others.get("a")))
    })
  )

  it.effect("7.2 concurrent first calls make exactly one, and start in order once it is made", () =>
    Effect.gen(function* () {
      const house = new House()
      house.construct = () => house.gate("construct")
      const rooms = yield* open(house, { maxConcurrency: 1 })
      const asks = yield* Effect.forEach(range(50), (i) => fork(rooms.get("a").note(`${i}`)))
      const refs = yield* Effect.forEach(range(50), (i) => rooms.get("a").note.remote(`${50 + i}`))
      yield* settle
      assert.deepStrictEqual(house.log, ["a1 up"])
      yield* house.open("construct")
      yield* Fiber.joinAll(asks)
      yield* ObjectRef.all(refs)
      assert.deepStrictEqual(house.log.slice(1), range(100).map(String))
    })
  )

  it.effect("7.2 a slow constructor of one key delays no other", () =>
    Effect.gen(function* () {
      const house = new House()
      house.construct = (key) => (key === "slow" ? house.gate("slow") : Effect.void)
      const rooms = yield* open(house)
      const slow = yield* rooms.get("slow").count.remote()
      assert.strictEqual(yield* rooms.get("fast").count(), 1)
      yield* house.open("slow")
      assert.strictEqual(yield* slow, 1)
    })
  )

  it.effect("7.2 passivated after idleTimeToLive with finalizers run, made again on demand", () =>
    Effect.gen(function* () {
      const house = new House()
      const rooms = yield* open(house)
      const a = rooms.get("a")
      yield* a.count()
      yield* TestClock.adjust("59 seconds")
      assert.strictEqual(yield* a.count(), 2, "a call begins the time anew")
      yield* TestClock.adjust("59 seconds")
      assert.deepStrictEqual(house.log, ["a1 up"])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(house.log, ["a1 up", "a1 down"])
      assert.deepStrictEqual(yield* rooms.keys, [])
      assert.strictEqual(yield* a.count(), 1, "a new instance has new state")
      assert.strictEqual(yield* a.nth(), 2)
    })
  )

  it.effect("7.2 the time counts from the end of the last call, and a running call keeps its instance", () =>
    Effect.gen(function* () {
      const house = new House()
      const rooms = yield* open(house)
      const work = yield* rooms.get("a").work.remote("work")
      yield* TestClock.adjust("10 minutes")
      assert.deepStrictEqual(house.log, ["a1 up", "work start"])
      yield* house.open("work")
      yield* work
      yield* TestClock.adjust("59 seconds")
      assert.strictEqual(house.log.at(-1), "work end")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(house.log.at(-1), "a1 down")
    })
  )

  it.effect("7.2 each key has a time of its own", () =>
    Effect.gen(function* () {
      const house = new House()
      const rooms = yield* open(house)
      for (const key of ["a", "b", "c"]) {
        yield* rooms.get(key).count()
        yield* TestClock.adjust("15 seconds")
      }
      yield* rooms.get("a").count()
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(yield* rooms.keys, ["a", "c"])
      yield* TestClock.adjust("15 seconds")
      assert.deepStrictEqual(yield* rooms.keys, ["a"])
      yield* TestClock.adjust("15 seconds")
      assert.deepStrictEqual(yield* rooms.keys, [])
      assert.deepStrictEqual(house.log.slice(3), ["b1 down", "c1 down", "a1 down"])
    })
  )

  it.effect("7.2 an instance whose only call failed or was cancelled is passivated like others", () =>
    Effect.gen(function* () {
      const house = new House()
      const rooms = yield* open(house)
      yield* Effect.exit(rooms.get("failed").run(Effect.fail("typed")))
      yield* Effect.exit(rooms.get("died").run(Effect.die("defect")))
      const cancelled = yield* rooms.get("cancelled").work.remote("work")
      yield* settle
      yield* ObjectRef.cancel(cancelled)
      assert.strictEqual((yield* rooms.keys).length, 3)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* rooms.keys, [])
    })
  )

  it.effect("7.2 a call with an unknown concurrency group does not keep an instance from being passivated", () =>
    Effect.gen(function* () {
      const house = new House()
      const rooms = yield* open(house)
      yield* rooms.get("a").count()
      const wrong = Effect.suspend(() => rooms.get("a").count.options({ concurrencyGroup: "none" as never })())
      assert.match(String(yield* defectOf(wrong)), /no concurrency group "none"/)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* rooms.keys, [])
    })
  )

  it.live("7.2 an infinite idleTimeToLive keeps instances, without being busy", () =>
    Effect.gen(function* () {
      const house = new House()
      const rooms = yield* open(house, { idleTimeToLive: "Infinity" as never })
      yield* rooms.get("a").count()
      yield* Effect.sleep("30 millis")
      assert.deepStrictEqual(yield* rooms.keys, ["a"])
    })
  )

  it.effect("7.2 calls that arrive while it passivates reach the next instance, after its finalizers", () =>
    Effect.gen(function* () {
      const house = new House()
      house.finalize = (_, nth) => house.gate(`finalizer ${nth}`)
      const rooms = yield* open(house)
      yield* rooms.get("a").count()
      yield* TestClock.adjust("1 minute")
      const ask = yield* fork(rooms.get("a").nth())
      const ref = yield* rooms.get("a").count.remote()
      yield* settle
      assert.deepStrictEqual(house.log, ["a1 up"], "the finalizer still runs, and no second one is up")
      yield* house.open("finalizer 1")
      assert.strictEqual(yield* Fiber.join(ask), 2)
      assert.strictEqual(yield* ref, 1)
      assert.deepStrictEqual(house.log, ["a1 up", "a1 down", "a2 up"])
      yield* house.open("finalizer 2")
    })
  )

  it.effect("7.2 never two instances of a key at once: when the next one is given up while it waits", () =>
    Effect.gen(function* () {
      const house = new House()
      house.finalize = (_, nth) => house.gate(`finalizer ${nth}`)
      const rooms = yield* open(house)
      yield* rooms.get("a").count()
      yield* TestClock.adjust("1 minute")
      const asker = yield* fork(rooms.get("a").count())
      yield* Fiber.interrupt(asker)
      yield* TestClock.adjust("1 minute")
      const again = yield* fork(rooms.get("a").nth())
      yield* settle
      assert.strictEqual(house.peakPerKey, 1)
      yield* house.open("finalizer 1", "finalizer 2", "finalizer 3")
      yield* Fiber.join(again)
      assert.strictEqual(house.peakPerKey, 1)
    })
  )

  it.effect("7.2 never two instances of a key at once: when the next one is stopped while it waits", () =>
    Effect.gen(function* () {
      const house = new House()
      house.finalize = (_, nth) => house.gate(`finalizer ${nth}`)
      const rooms = yield* open(house)
      yield* rooms.get("a").count()
      const stop = yield* fork(rooms.stop("a"))
      const asker = yield* fork(rooms.get("a").count())
      yield* settle
      yield* Fiber.interrupt(asker)
      yield* fork(rooms.stop("a"))
      const again = yield* fork(rooms.get("a").nth())
      yield* settle
      assert.strictEqual(house.peakPerKey, 1)
      yield* house.open("finalizer 1", "finalizer 2", "finalizer 3")
      yield* Fiber.join(stop)
      yield* Fiber.join(again)
      assert.strictEqual(house.peakPerKey, 1)
    })
  )

  it.effect("7.2 stop ends the instance of a key once its calls have finished, and does nothing without one", () =>
    Effect.gen(function* () {
      const house = new House()
      const rooms = yield* open(house)
      yield* rooms.stop("a")
      const work = yield* rooms.get("a").work.remote("work")
      yield* house.started("work")
      const stop = yield* fork(rooms.stop("a"))
      assert.isUndefined(stop.pollUnsafe())
      yield* house.open("work")
      yield* Fiber.join(stop)
      assert.strictEqual(yield* work, "work")
      assert.deepStrictEqual(house.log, ["a1 up", "work start", "work end", "a1 down"])
      assert.strictEqual(yield* rooms.get("a").nth(), 2)
    })
  )

  it.effect("7.2 beyond maxInstances the one that has been idle longest ends", () =>
    Effect.gen(function* () {
      const house = new House()
      const rooms = yield* open(house, { maxInstances: 2 })
      yield* rooms.get("a").count()
      yield* rooms.get("b").count()
      yield* rooms.get("a").count()
      yield* rooms.get("c").count()
      assert.sameMembers([...(yield* rooms.keys)], ["a", "c"], "b had been idle for longer")
      yield* rooms.get("b").count()
      assert.sameMembers([...(yield* rooms.keys)], ["c", "b"])
      assert.strictEqual(yield* rooms.get("c").count(), 2)
    })
  )

  it.effect(
    "7.2 beyond maxInstances those end first that have been idle longest, in whatever order they were called",
    () =>
      seeded(
        Effect.gen(function* () {
          const rooms = yield* open(new House(), { maxInstances: 5 })
          // The last called come last.
          let expected: Array<string> = []
          for (const _ of range(300)) {
            const key = `${yield* Random.nextIntBetween(0, 9)}`
            if (yield* Random.nextBoolean) yield* rooms.get(key).count()
            else {
              const ref = yield* rooms.get(key).count.remote()
              yield* ref
            }
            expected = [...expected.filter((other) => other !== key), key].slice(-5)
            if ((yield* Random.nextIntBetween(0, 5)) === 0) {
              const ended = expected[yield* Random.nextIntBetween(0, expected.length)]!
              if (yield* Random.nextBoolean) yield* rooms.stop(ended)
              else yield* Actor.kill(rooms.get(ended))
              expected = expected.filter((other) => other !== ended)
            }
            yield* settle
            assert.sameMembers([...(yield* rooms.keys)], expected)
          }
        })
      )
  )

  it.effect(
    "7.2 instances that end before their time for want of room are logged once a minute, with the numbers",
    () =>
      Effect.gen(function* () {
        const logged: Array<string> = []
        const logger = Logger.make(({ logLevel, message }) => logged.push(`${logLevel} ${String(message)}`))
        const visit = Effect.fnUntraced(function* (rooms: Room["Service"], from: number, count: number) {
          for (const n of range(count)) yield* rooms.get(`${from + n}`).count()
          yield* settle
        })
        const program = Effect.gen(function* () {
          const rooms = yield* open(new House(), { maxInstances: 3 })
          yield* visit(rooms, 0, 3)
          assert.deepStrictEqual(logged, [])
          yield* visit(rooms, 3, 1)
          assert.strictEqual(logged.length, 1)
          assert.match(
            logged[0]!,
            /^Warn test\/Room: 1 instance ended before being idle for 1m .* 3 instances are up .*raise maxInstances/
          )
          yield* visit(rooms, 4, 5)
          yield* TestClock.adjust("59 seconds")
          assert.strictEqual(logged.length, 1)
          yield* TestClock.adjust("1 second")
          assert.strictEqual(logged.length, 2)
          assert.include(logged[1]!, "5 instances ended")
          yield* TestClock.adjust("1 hour")
          yield* visit(rooms, 20, 3)
          assert.strictEqual(logged.length, 2, "their time was over")
        })
        yield* Effect.provide(Effect.scoped(program), Logger.layer([logger]))
      })
  )

  it.effect("7.2 while all are busy there may be more than maxInstances, until they are idle", () =>
    Effect.gen(function* () {
      const house = new House()
      const rooms = yield* open(house, { maxInstances: 2 })
      const refs = yield* Effect.forEach(["a", "b", "c", "d"], (key) => rooms.get(key).work.remote(key))
      yield* Effect.forEach(["a", "b", "c", "d"], house.started)
      assert.strictEqual((yield* rooms.keys).length, 4, "a busy one is never ended")
      yield* house.open("a", "b", "c", "d")
      yield* ObjectRef.all(refs)
      yield* settle
      assert.strictEqual((yield* rooms.keys).length, 2)
    })
  )

  it.effect("7.2 an instance that ends slowly does not make others end before their time", () =>
    Effect.gen(function* () {
      const house = new House()
      house.finalize = (key) => (key === "a" ? house.gate("finalizer") : Effect.void)
      const rooms = yield* open(house, { maxInstances: 2 })
      yield* rooms.get("a").count()
      yield* rooms.get("b").count()
      yield* rooms.get("c").count()
      yield* rooms.get("c").count()
      assert.sameMembers([...(yield* rooms.keys)], ["b", "c"])
      yield* house.open("finalizer")
    })
  )

  it.effect("7.2 a constructor's failure fails the calls that wait with ActorDied, cause included", () =>
    Effect.gen(function* () {
      const house = new House()
      house.construct = (_, nth) =>
        Effect.andThen(house.gate("construct"), nth === 1 ? Effect.fail("no keys") : Effect.void)
      const rooms = yield* open(house)
      const ask = yield* fork(rooms.get("a").count())
      const ref = yield* rooms.get("a").count.remote()
      yield* house.open("construct")
      for (const exit of [yield* Fiber.await(ask), yield* Effect.exit(ref)]) {
        const reason = reasonOfExit(exit)
        if (reason._tag !== "ActorDied") return assert.fail(reason._tag)
        assert.match(reason.why, /constructor/)
        assert.strictEqual(reason.cause, "no keys")
        assert.isFalse(reason.mayHaveRun)
      }
      assert.deepStrictEqual(house.log, ["a1 up", "a1 down"], "what it had acquired is released")
    })
  )

  it.effect("7.2 after a constructor's failure or defect the next call tries again", () =>
    Effect.gen(function* () {
      const house = new House()
      house.construct = (_, nth) => (nth === 1 ? Effect.fail("typed") : nth === 2 ? Effect.die("defect") : Effect.void)
      const rooms = yield* open(house)
      const a = rooms.get("a")
      assert.deepInclude(yield* reasonOf(a.count()), { _tag: "ActorDied", cause: "typed" })
      assert.deepInclude(yield* reasonOf(a.count()), { _tag: "ActorDied", cause: "defect" })
      assert.strictEqual(yield* a.nth(), 3)
    })
  )

  it.effect("7.2 a caller that goes away while the constructor runs does not disturb the others", () =>
    Effect.gen(function* () {
      const house = new House()
      house.construct = () => house.gate("construct")
      const rooms = yield* open(house)
      const first = yield* fork(rooms.get("a").count())
      const second = yield* fork(rooms.get("a").count())
      yield* Fiber.interrupt(first)
      yield* house.open("construct")
      assert.strictEqual(yield* Fiber.join(second), 1)
    })
  )

  it.effect("7.2 an actor with a contract can be keyed", () =>
    Effect.gen(function* () {
      class Account extends Actor.Keyed<Account>()("test/Account", {
        key: Schema.String,
        methods: {
          deposit: Actor.method({ args: [Schema.Int], success: Schema.Int }),
          fail: Actor.method({ error: Schema.String }),
          ticks: Actor.method({ args: [Schema.Int], success: Schema.Int, stream: true })
        }
      }) {}
      const live = Account.toLayer(
        (owner: string) =>
          Effect.sync(() => {
            let balance = 0
            return {
              deposit: (amount) => Effect.sync(() => (balance += amount)),
              fail: () => Effect.fail(owner),
              ticks: (n) => Stream.range(1, n)
            }
          }),
        { maxConcurrency: 1, validate: true }
      )
      const program = Effect.gen(function* () {
        const alice = yield* Account.get("alice")
        const bob = yield* Account.get("bob")
        assert.deepStrictEqual([yield* alice.deposit(1), yield* alice.deposit(2), yield* bob.deposit(4)], [1, 3, 4])
        assert.strictEqual(yield* errorOf(bob.fail()), "bob")
        assert.deepStrictEqual(yield* Stream.runCollect(alice.ticks(3)), [1, 2, 3])
        assert.strictEqual((yield* reasonOf(alice.deposit("much" as never)))._tag, "DecodeError")
        assert.deepStrictEqual(Object.keys(alice), ["deposit", "fail", "ticks"])
      })
      yield* Effect.provide(program, live)
    })
  )

  it.effect("7.2 keys are compared by structure", () =>
    Effect.gen(function* () {
      let made = 0
      class Seat extends Actor.Keyed<Seat>()("test/Seat", {
        make: (_: { readonly row: number; readonly seat: number }) =>
          Effect.sync(() => {
            made++
            let count = 0
            return { count: () => Effect.sync(() => ++count) }
          })
      }) {}
      const program = Effect.gen(function* () {
        const one = yield* Seat.get({ row: 1, seat: 2 })
        const same = yield* Seat.get({ row: 1, seat: 2 })
        const other = yield* Seat.get({ row: 2, seat: 1 })
        assert.deepStrictEqual([yield* one.count(), yield* same.count(), yield* other.count()], [1, 2, 1])
        assert.isTrue(Equal.equals(one, same))
        assert.strictEqual(made, 2)
      })
      yield* Effect.provide(program, Seat.layer)
    })
  )

  it.effect("7.2 when the Layer closes, running calls finish within shutdownTimeout and all instances end", () =>
    Effect.gen(function* () {
      const house = new House()
      const scope = yield* Scope.make()
      const rooms = yield* Scope.provide(open(house, { shutdownTimeout: "5 seconds" }), scope)
      yield* rooms.get("idle").count()
      const work = yield* rooms.get("busy").work.remote("work")
      yield* house.started("work")
      const close = yield* fork(Scope.close(scope, Exit.void))
      yield* settle
      assert.isUndefined(close.pollUnsafe())
      assert.deepStrictEqual(yield* rooms.keys, [])
      yield* house.open("work")
      yield* Fiber.join(close)
      assert.strictEqual(yield* work, "work")
      assert.sameMembers(house.log.slice(-1), ["busy1 down"])
      assert.include(house.log, "idle1 down")
    })
  )

  it.effect("7.2 when the Layer closes, calls that take longer than shutdownTimeout are interrupted", () =>
    Effect.gen(function* () {
      const house = new House()
      const scope = yield* Scope.make()
      const rooms = yield* Scope.provide(open(house, { shutdownTimeout: "5 seconds" }), scope)
      const work = yield* rooms.get("a").work.remote("work")
      yield* house.started("work")
      const close = yield* fork(Scope.close(scope, Exit.void))
      yield* TestClock.adjust("5 seconds")
      yield* Fiber.join(close)
      assert.strictEqual((yield* reasonOf(work))._tag, "ActorDied")
      assert.deepStrictEqual(house.log, ["a1 up", "work start", "work cut", "a1 down"])
    })
  )

  it.effect("7.2 after the Layer has closed, calls fail with ActorDied and nothing is made", () =>
    Effect.gen(function* () {
      const house = new House()
      const rooms = yield* Effect.scoped(open(house))
      for (const key of ["a", "a", "b"]) {
        const reason = yield* reasonOf(rooms.get(key).count())
        if (reason._tag !== "ActorDied") return assert.fail(reason._tag)
        assert.match(reason.why, /Scope closed/)
      }
      assert.strictEqual(house.made.size, 0)
    })
  )

  it.effect("7.2 when the Layer closes while a constructor runs, its calls fail and it is released", () =>
    Effect.gen(function* () {
      const house = new House()
      house.construct = () => Effect.never
      const scope = yield* Scope.make()
      const rooms = yield* Scope.provide(open(house), scope)
      const ref = yield* rooms.get("a").count.remote()
      yield* settle
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual((yield* reasonOf(ref))._tag, "ActorDied")
      assert.deepStrictEqual(house.log, ["a1 up", "a1 down"])
    })
  )

  it.effect("7.2 a keyed instance restarts like any other, and calls wait in line meanwhile", () =>
    Effect.gen(function* () {
      const house = new House()
      const rooms = yield* open(house, {
        maxConcurrency: 1,
        onDefect: "restart",
        restart: Schedule.max([Schedule.spaced("1 second"), Schedule.recurs(1)])
      })
      const a = rooms.get("a")
      yield* a.count()
      const dies = yield* a.run.remote(Effect.andThen(house.gate("die"), Effect.die("defect")))
      const waits = yield* a.note.remote("waited")
      yield* house.open("die")
      assert.strictEqual(yield* defectOf(dies), "defect")
      yield* settle
      assert.deepStrictEqual(house.log, ["a1 up", "a1 down"])
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* waits, "waited")
      assert.strictEqual(yield* a.count(), 1)
      assert.deepStrictEqual(house.log, ["a1 up", "a1 down", "a2 up", "waited"])
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(house.log.at(-1), "a2 down", "it is passivated after a restart, too")
    })
  )

  it.effect("7.2 when the restart schedule of a keyed instance ends, the next call makes another", () =>
    Effect.gen(function* () {
      const house = new House()
      const rooms = yield* open(house, { maxConcurrency: 1, onDefect: "restart", restart: Schedule.recurs(0) })
      const a = rooms.get("a")
      yield* a.count()
      const dies = yield* a.run.remote(Effect.die("defect"))
      const waits = yield* a.note.remote("waits")
      assert.strictEqual(yield* defectOf(dies), "defect")
      assert.deepInclude(yield* reasonOf(waits), { _tag: "ActorDied", cause: "defect" })
      assert.strictEqual(yield* a.nth(), 2)
      assert.strictEqual(house.peakPerKey, 1)
    })
  )

  it.effect("7.2 concurrency groups are per key", () =>
    Effect.gen(function* () {
      const house = new House()
      const rooms = yield* open(house, { maxConcurrency: 2 })
      yield* Effect.forEach(["a", "b"], (key) =>
        Effect.forEach(range(3), (i) => rooms.get(key).narrow.remote(`${key}${i}`))
      )
      yield* settle
      assert.sameMembers(house.startOrder, ["a0", "b0"])
      assert.strictEqual(yield* rooms.get("a").count(), 1, "the full group does not delay the rest")
      yield* rooms.get("a").work.options({ concurrencyGroup: "narrow" }).remote("moved")
      yield* house.open("a0", "a1", "a2")
      yield* house.started("moved")
      assert.strictEqual(house.startOrder.at(-1), "moved")
    })
  )

  it.effect("7.2 a random mix of calls, idle times and slow ends never has two instances of a key at once", () =>
    Effect.gen(function* () {
      const house = new House()
      house.construct = () => Effect.sleep("3 seconds")
      house.finalize = () => Effect.sleep("5 seconds")
      const rooms = yield* open(house, { idleTimeToLive: "2 seconds", maxInstances: 2 })
      const fibers: Array<Fiber.Fiber<unknown, unknown>> = []
      for (const i of range(300)) {
        const key = "abc"[(i * 7) % 3]!
        fibers.push(yield* fork(rooms.get(key).run(Effect.sleep(`${i % 4} seconds`))))
        if (i % 5 === 0) yield* fork(Fiber.interrupt(fibers[i]!))
        if (i % 11 === 0) yield* fork(rooms.stop(key))
        yield* TestClock.adjust(`${(i * 13) % 9} seconds`)
      }
      yield* TestClock.adjust("1 minute")
      const exits = yield* Fiber.awaitAll(fibers)
      assert.strictEqual(house.peakPerKey, 1)
      for (const [i, exit] of exits.entries()) assert.isTrue(i % 5 === 0 || Exit.isSuccess(exit), `call ${i}: ${exit}`)
      assert.deepStrictEqual(yield* rooms.keys, [])
    })
  )

  it("7.2 bad options throw where they are written", () => {
    const make = () => Effect.succeed({ ping: () => Effect.void })
    assert.throws(() => Actor.Keyed<any>()("", { make }), TypeError, "needs an id")
    assert.throws(() => Actor.Keyed<any>()("test/Bad", { make: undefined as never }), TypeError, "test/Bad")
    for (const maxInstances of [0, -1, 1.5, Number.NaN]) {
      assert.throws(
        () => Actor.Keyed<any>()("test/Bad", { make, maxInstances }),
        RangeError,
        `test/Bad: maxInstances must be an integer of at least 1, or Infinity, but is ${maxInstances}`
      )
    }
    assert.throws(
      () => Actor.Keyed<any>()("test/Bad", { make, idleTimeToLive: "soon" as never }),
      RangeError,
      'test/Bad: idleTimeToLive must be a duration of at least 0, like "5 seconds", but is "soon"'
    )
    assert.throws(() => Room.options({ maxConcurrency: 0 }), RangeError, "test/Room: maxConcurrency")
    assert.throws(() => Room.options({ maxInstances: 0 }), RangeError, "test/Room: maxInstances")
  })

  it.effect("7.2 an idle instance ends also where a test clock counts in fractions of a millisecond", () =>
    Effect.gen(function* () {
      class Room extends Actor.Keyed<Room>()("test/Room", {
        idleTimeToLive: "1 second",
        make: (_key: number) => Effect.succeed({ enter: () => Effect.void })
      }) {}
      yield* Effect.gen(function* () {
        const rooms = yield* Room
        for (const key of range(200)) {
          yield* TestClock.adjust(0.1 * key + 0.07)
          yield* rooms.get(key).enter()
        }
        for (const part of [999.7, 0.1, 0.2, 0.30000000000000004, 1, 100, 2000]) yield* TestClock.adjust(part)
        assert.deepStrictEqual(yield* rooms.keys, [])
      }).pipe(Effect.provide(Room.layer))
    })
  )
})

class Db extends Context.Service<Db, { readonly name: string }>()("test/Db") {}

/** The name of the database that the caller provides. */
const db = Effect.map(Db, ({ name }) => name)
const withDb = <A, E, R>(effect: Effect.Effect<A, E, R>, name: string) => Effect.provideService(effect, Db, { name })

describe("7.3", () => {
  it.effect("7.3 Task.make is a remote function: task(x) asks, task.remote(x) gives a ref", () =>
    Effect.gen(function* () {
      const square = Task.make("square", (n: number) => Effect.succeed(n * n))
      assert.strictEqual(yield* square(3), 9)
      const ref = yield* square.remote(4)
      assert.isTrue(ObjectRef.isObjectRef(ref))
      assert.strictEqual(yield* ref, 16)
    })
  )

  it.effect("7.3 a task runs once per call, and not before", () =>
    Effect.gen(function* () {
      let ran = 0
      const count = Task.make("count", () => Effect.sync(() => ++ran))
      const ask = count()
      const ref = yield* count.remote()
      assert.strictEqual(ran, 0)
      assert.strictEqual(yield* ref, 1)
      assert.deepStrictEqual([yield* ask, yield* ask], [2, 3])
    })
  )

  it.effect("7.3 refs as arguments: the task runs when they have succeeded, and fails as they do", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const add = Task.make("add", (a: number, b: number) => Effect.succeed(a + b))
      const late = yield* ObjectRef.fromEffect(Effect.as(probe.gate("late"), 1))
      const sum = yield* add.remote(late, ObjectRef.succeed(2))
      const total = yield* add.remote(sum, sum)
      yield* settle
      yield* probe.open("late")
      assert.strictEqual(yield* total, 6)
      assert.strictEqual(yield* errorOf(add(ObjectRef.fail("no" as const), 1)), "no")
    })
  )

  it.effect("7.3 a typed failure and a defect come through untouched", () =>
    Effect.gen(function* () {
      const error = { _tag: "Mine" }
      assert.strictEqual(yield* errorOf(Task.make("fails", () => Effect.fail(error))()), error)
      assert.strictEqual(yield* defectOf(Task.make("dies", () => Effect.die(error))()), error)
      const throws = Task.make("throws", (): Effect.Effect<void> => {
        throw error
      })
      assert.strictEqual(yield* defectOf(throws()), error)
      assert.match(
        String(yield* defectOf(Task.make("promises", (async () => 1) as unknown as () => Effect.Effect<number>)())),
        /must return an Effect/
      )
    })
  )

  it.effect("7.3 maxConcurrency holds over the process, whoever calls", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const limited = Task.make("limited", probe.work, { maxConcurrency: 2 })
      const worker = yield* Worker.spawn()
      const asked = yield* fork(limited("a"))
      const fromInside = yield* worker.run.remote(limited("b"))
      const inOtherSystem = yield* fork(Effect.provide(limited("c"), ActorSystem.layer))
      const withOptions = yield* limited.options({ name: "other" }).remote("d")
      yield* settle
      assert.strictEqual(probe.running, 2)
      yield* probe.open("a", "b", "c", "d")
      yield* Fiber.joinAll([asked, inOtherSystem])
      yield* ObjectRef.all([fromInside, withOptions])
      assert.strictEqual(probe.peak, 2)
    })
  )

  it.effect("7.3 Task.resize changes the limit of a task, whose text says what it does", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const slow = Task.make("slow", probe.work, { maxConcurrency: 1 })
      assert.strictEqual(inspect(slow), "slow(0 running, 0 waiting)")
      yield* Effect.forEach(["a", "b", "c"], (id) => slow.remote(id))
      yield* settle
      assert.strictEqual(inspect(slow), "slow(1 running, 2 waiting)")
      yield* Task.resize(slow, 3)
      yield* settle
      assert.strictEqual(String(slow), "slow(3 running, 0 waiting)")
      yield* probe.open("a", "b", "c")
      for (const bad of [0, -1, 1.5]) assert.throws(() => Task.resize(slow, bad), RangeError, /slow: maxConcurrency/)
      assert.throws(() => Task.resize({} as never, 1), TypeError, /Task.resize takes a task/)
    })
  )

  it.effect("7.3 two tasks of the same name have permits of their own", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const one = Task.make("same", probe.work, { maxConcurrency: 1 })
      const two = Task.make("same", probe.work, { maxConcurrency: 1 })
      const refs = [yield* one.remote("one"), yield* two.remote("two")]
      yield* settle
      assert.strictEqual(probe.running, 2)
      yield* probe.open("one", "two")
      yield* ObjectRef.all(refs)
    })
  )

  it.effect("7.3 maxPendingCalls refuses, and overflow: suspend waits", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const refusing = Task.make("refusing", probe.work, { maxPendingCalls: 1 })
      const first = yield* refusing.remote("first")
      assert.strictEqual((yield* reasonOf(refusing("second")))._tag, "PendingCallsLimitExceeded")
      const waiting = Task.make("waiting", probe.work, { maxPendingCalls: 1, overflow: "suspend" })
      const third = yield* waiting.remote("third")
      const fourth = yield* fork(waiting("fourth"))
      yield* settle
      yield* probe.open("first", "third", "fourth")
      assert.deepStrictEqual([yield* first, yield* third, yield* Fiber.join(fourth)], ["first", "third", "fourth"])
    })
  )

  it.effect("7.3 what the function requires is required of its callers, of each their own", () =>
    Effect.gen(function* () {
      const where = Task.make("where", () => Effect.andThen(Effect.yieldNow, db))
      assert.strictEqual(yield* withDb(where(), "one"), "one")
      const ref = yield* withDb(where.remote(), "two")
      assert.strictEqual(yield* withDb(where(), "three"), "three")
      assert.strictEqual(yield* ref, "two")
    })
  )

  it.effect("7.3 each call has a Scope of its own, closed when the call ends and before it settles", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const scoped = Task.make("scoped", (id: string) =>
        Effect.andThen(
          Effect.acquireRelease(probe.note(`${id} acquired`), () => probe.note(`${id} released`)),
          probe.work(id)
        )
      )
      const a = yield* scoped.remote("a")
      const b = yield* scoped.remote("b")
      yield* probe.started("b")
      yield* probe.open("a")
      yield* a
      assert.strictEqual(probe.log.at(-1), "a released")
      assert.strictEqual(yield* ObjectRef.cancel(b), "Interrupted")
      assert.strictEqual(probe.log.at(-1), "b released")
    })
  )

  it.effect("7.3 maxTaskRetries and retry: 5 retries are at most 6 executions, and options of the call win", () =>
    Effect.gen(function* () {
      let ran = 0
      const flaky = Task.make(
        "flaky",
        (succeedAt: number) =>
          Effect.suspend(() => (++ran < succeedAt ? Effect.fail(`try ${ran}`) : Effect.succeed(ran))),
        { maxTaskRetries: 5, retry: true }
      )
      assert.strictEqual(yield* flaky(4), 4)
      ran = 0
      assert.strictEqual(yield* errorOf(flaky(Infinity)), "try 6")
      ran = 0
      assert.strictEqual(yield* errorOf(flaky.options({ maxTaskRetries: 1 })(Infinity)), "try 2")
      ran = 0
      assert.strictEqual(yield* errorOf(flaky.options({ retry: (error) => error === "try 1" })(Infinity)), "try 2")
      ran = 0
      assert.strictEqual(yield* errorOf(flaky.options({ retry: false })(Infinity)), "try 1")
    })
  )

  it.effect("7.3 timeout cancels the call, which then fails with TimedOut", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const slow = Task.make("slow", probe.work, { maxConcurrency: 1 }).options({ timeout: "3 seconds" })
      const running = yield* slow.remote("running")
      const waiting = yield* slow.options({ timeout: "2 seconds" }).remote("waiting")
      yield* settle
      yield* TestClock.adjust("3 seconds")
      for (const ref of [running, waiting]) assert.strictEqual((yield* reasonOf(ref))._tag, "TimedOut")
      assert.deepStrictEqual(probe.log, ["running start", "running cut"])
    })
  )

  it.effect("7.3 interrupting an ask cancels the call, and cancel reaches what it called", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const inner = Task.make("inner", probe.work)
      const outer = Task.make("outer", (id: string) => inner(id))
      const asker = yield* fork(outer("asked"))
      yield* probe.started("asked")
      yield* Fiber.interrupt(asker)
      const ref = yield* outer.remote("submitted")
      yield* probe.started("submitted")
      assert.strictEqual(yield* ObjectRef.cancel(ref), "Interrupted")
      assert.deepStrictEqual(probe.log, ["asked start", "asked cut", "submitted start", "submitted cut"])
    })
  )

  it.effect("7.3 a task that calls itself 10,000 times over does not overflow the stack", () =>
    Effect.gen(function* () {
      const down: Task.Task<[n: number], number> = Task.make(
        "down",
        (n: number): Effect.Effect<number> => (n === 0 ? Effect.succeed(0) : Effect.orDie(down(n - 1))),
        { maxConcurrency: Infinity }
      )
      assert.strictEqual(yield* down(10_000), 0)
    })
  )

  it.effect("7.3 Actor.exit is refused in a task: it has no instance, and goes on", () =>
    Effect.gen(function* () {
      const leave = Task.make("leave", () => Actor.exit as Effect.Effect<never, never, ActorContext.ActorContext>)
      const worker = yield* Worker.spawn()
      const defect = yield* defectOf(worker.run(leave() as Effect.Effect<never, ActorError.ActorError>))
      assert.match(String(defect), /leave: a task has no instance/)
      assert.strictEqual(yield* worker.echo(1), 1, "nor does it end the actor that called the task")
      assert.match(String(yield* defectOf(worker.run(leave() as Effect.Effect<never>))), /leave/)
    })
  )

  it("7.3 bad options and names throw where they are written", () => {
    assert.throws(() => Task.make("", () => Effect.void), TypeError, "Task.make needs an id")
    assert.throws(() => Task.make("test", 1 as never), TypeError, "test: a task needs a function, but got number")
    assert.throws(() => Task.make("test", () => Effect.void, { maxConcurrency: 0 }), RangeError, "test: maxConcurrency")
    assert.throws(
      () => Task.make("test", () => Effect.void, { maxTaskRetries: -1 }),
      RangeError,
      "test: maxTaskRetries"
    )
    const task = Task.make("test", () => Effect.void)
    assert.throws(() => task.options({ timeout: "soon" as never }), RangeError, "timeout")
    assert.throws(() => task.options({ concurrencyGroup: "io" as never }), RangeError, "no concurrency groups")
  })
})

/** Starts a pool of workers that one probe holds. */
const poolOf = (
  probe: Probe,
  size: number,
  options: Pick<ActorPool.PoolOptions<object, never, never>, "callsPerMember" | "onDeath"> = {}
) => ActorPool.make({ spawn: Worker.spawn(probe), size, ...options })

type Member = Effect.Success<ReturnType<typeof Worker.spawn>>

describe("7.4", () => {
  it.effect("7.4 it spreads calls over instances, least busy first", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const pool = yield* poolOf(probe, 3, { callsPerMember: 2 })
      const on = new Map<Member, number>()
      for (const i of range(6)) {
        yield* pool.remote((member) => {
          on.set(member, (on.get(member) ?? 0) + 1)
          return member.work(`${i}`)
        })
        yield* settle
        const counts = [...on.values()]
        assert.isAtMost(Math.max(...counts) - (on.size < 3 ? 0 : Math.min(...counts)), 1)
      }
      assert.deepStrictEqual([...on.values()], [2, 2, 2])
      yield* probe.open("1")
      yield* settle
      let chosen: Member | undefined
      const [free] = yield* pool.members
      yield* pool.run((member) => {
        chosen = member
        return member.echo(1)
      })
      assert.strictEqual(chosen, free)
    })
  )

  it.effect(
    "7.4 a member has at most callsPerMember pieces of work, 1 unless told otherwise; the rest wait in line",
    () =>
      Effect.gen(function* () {
        for (const callsPerMember of [1, 2]) {
          const probe = new Probe()
          const pool = yield* poolOf(probe, 2, { callsPerMember })
          const ids = range(10).map(String)
          const refs = yield* Effect.forEach(ids, (id) => pool.remote((member) => member.work(id)))
          yield* settle
          assert.strictEqual(probe.running, 2 * callsPerMember)
          yield* probe.open(...ids)
          assert.deepStrictEqual(yield* ObjectRef.all(refs), ids)
          assert.deepStrictEqual(probe.startOrder, ids, "in order")
          assert.strictEqual(probe.peak, 2 * callsPerMember)
        }
      })
  )

  it.effect("7.4 map gives results in the order of the items", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const pool = yield* poolOf(probe, 3)
      const all = yield* fork(Stream.runCollect(pool.map(["a", "b", "c", "d"], (member, id) => member.work(id))))
      for (const id of ["c", "b", "d", "a"]) {
        yield* probe.open(id)
        yield* settle
      }
      assert.deepStrictEqual(yield* Fiber.join(all), ["a", "b", "c", "d"])
    })
  )

  it.effect("7.4 mapUnordered gives each result as soon as it is there", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const pool = yield* poolOf(probe, 3)
      const seen: Array<string> = []
      const all = yield* fork(
        Stream.runForEach(
          pool.mapUnordered(["a", "b", "c", "d"], (member, id) => member.work(id)),
          (id) => Effect.sync(() => seen.push(id))
        )
      )
      for (const id of ["c", "b", "d", "a"]) {
        yield* probe.open(id)
        yield* settle
        assert.strictEqual(seen.at(-1), id)
      }
      yield* Fiber.join(all)
    })
  )

  it.effect("7.4 map takes a Stream, and fails with its error, or that of the work", () =>
    Effect.gen(function* () {
      const pool = yield* poolOf(new Probe(), 2)
      const doubled = pool.map(Stream.range(1, 5), (member, n) => member.add(n, n))
      assert.deepStrictEqual(yield* Stream.runCollect(doubled), [2, 4, 6, 8, 10])
      const broken = pool.map(Stream.concat(Stream.make(1), Stream.fail("source")), (member, n) => member.echo(n))
      assert.strictEqual(yield* errorOf(Stream.runDrain(broken)), "source")
      const failing = pool.map([1, 2], (member, n) => member.fail(`work ${n}`))
      assert.strictEqual(yield* errorOf(Stream.runDrain(failing)), "work 1")
      assert.deepStrictEqual(yield* Stream.runCollect(pool.map([], (member) => member.echo(1))), [])
    })
  )

  for (const kind of ["map", "mapUnordered"] as const) {
    it.effect(`7.4 ${kind} is backpressured: items are taken as members have room`, () =>
      Effect.gen(function* () {
        const probe = new Probe()
        const pool = yield* poolOf(probe, 2)
        let taken = 0
        const endless = (function* () {
          for (;;) yield `${taken++}`
        })()
        const results = pool[kind](endless, (member, id) => member.work(id))
        yield* settle
        assert.strictEqual(taken, 0, "nothing before the stream is run")
        const some = yield* fork(Stream.runCollect(Stream.take(results, 4)))
        yield* settle
        assert.deepStrictEqual(probe.startOrder, ["0", "1"])
        assert.isAtMost(taken, 4, "no more than the members have, and the next")
        yield* probe.open("0", "1")
        yield* settle
        assert.deepStrictEqual(probe.startOrder, ["0", "1", "2", "3"])
        assert.isAtMost(taken, 6)
        yield* probe.open("2", "3")
        assert.sameMembers(yield* Fiber.join(some), ["0", "1", "2", "3"])
        yield* settle
        assert.strictEqual(probe.running, 0, "what was begun beyond the four is cancelled")
      })
    )
  }

  it.effect("7.4 a consumer that is interrupted cancels the work of its map", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const pool = yield* poolOf(probe, 2)
      const consumer = yield* fork(Stream.runDrain(pool.map(["a", "b", "c"], (member, id) => member.work(id))))
      yield* probe.started("b")
      yield* Fiber.interrupt(consumer)
      assert.strictEqual(probe.running, 0)
      assert.deepStrictEqual(probe.startOrder, ["a", "b"])
      assert.strictEqual(yield* pool.run((member) => member.echo(1)), 1)
    })
  )

  it.effect("7.4 the refs of a pool can be awaited and cancelled, running or in line", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const pool = yield* poolOf(probe, 1)
      const running = yield* pool.remote((member) => member.work("running"))
      const waiting = yield* pool.remote((member) => member.work("waiting"))
      const last = yield* pool.remote((member) => member.work("last"))
      yield* probe.started("running")
      assert.strictEqual(yield* ObjectRef.cancel(waiting), "NotStarted")
      assert.strictEqual(yield* ObjectRef.cancel(running), "Interrupted")
      assert.strictEqual((yield* reasonOf(running))._tag, "TaskCancelled")
      yield* probe.open("last")
      assert.strictEqual(yield* last, "last")
      assert.deepStrictEqual(probe.log, ["running start", "running cut", "last start", "last end"])
    })
  )

  it.effect("7.4 interrupting run cancels its work on the member", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const pool = yield* poolOf(probe, 1)
      const asker = yield* fork(pool.run((member) => member.work("a")))
      yield* probe.started("a")
      yield* Fiber.interrupt(asker)
      assert.deepStrictEqual(probe.log, ["a start", "a cut"])
    })
  )

  it.effect("7.4 work has the services of its caller, not those that were there when the pool was made", () =>
    Effect.gen(function* () {
      const pool = yield* withDb(poolOf(new Probe(), 1), "pool")
      assert.strictEqual(
        yield* withDb(
          pool.run(() => db),
          "caller"
        ),
        "caller"
      )
      const ref = yield* withDb(
        pool.remote(() => db),
        "caller"
      )
      assert.strictEqual(yield* ref, "caller")
    })
  )

  it.effect("7.4 what work acquires in the Scope of its caller is released with that Scope", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const pool = yield* poolOf(probe, 1)
      yield* Effect.scoped(
        pool.run((member) =>
          Effect.andThen(
            Effect.addFinalizer(() => probe.note("released")),
            member.note("worked")
          )
        )
      )
      assert.deepStrictEqual(probe.log, ["worked", "released"])
    })
  )

  it.effect("7.4 a dead member is replaced", () =>
    Effect.gen(function* () {
      const pool = yield* poolOf(new Probe(), 2)
      const before = yield* pool.members
      yield* Actor.kill(before[0]!)
      yield* settle
      const after = yield* pool.members
      assert.strictEqual(after.length, 2)
      assert.include(after, before[1])
      assert.notInclude(after, before[0])
      assert.deepStrictEqual(yield* Stream.runCollect(pool.map(range(10), (member, n) => member.echo(n))), range(10))
    })
  )

  it.effect("7.4 with onDeath: drop it goes on with those left, and with less work at a time", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const pool = yield* poolOf(probe, 3, { onDeath: "drop" })
      const [first, ...rest] = yield* pool.members
      yield* Actor.kill(first!)
      yield* settle
      assert.sameMembers([...(yield* pool.members)], rest)
      const ids = range(6).map(String)
      const refs = yield* Effect.forEach(ids, (id) => pool.remote((member) => member.work(id)))
      yield* settle
      assert.strictEqual(probe.running, 2)
      yield* probe.open(...ids)
      assert.deepStrictEqual(yield* ObjectRef.all(refs), ids)
    })
  )

  for (const onDeath of ["replace", "drop"] as const) {
    it.effect(`7.4 no work of a dead member is lost silently (onDeath: "${onDeath}")`, () =>
      Effect.gen(function* () {
        const probe = new Probe()
        const pool = yield* poolOf(probe, 2, { onDeath })
        const ids = range(8).map(String)
        const on = new Map<string, Member>()
        const refs = yield* Effect.forEach(ids, (id) =>
          pool.remote((member) => {
            on.set(id, member)
            return member.work(id)
          })
        )
        yield* probe.started("1")
        yield* Actor.kill(on.get("0")!)
        const died = yield* reasonOf(refs[0]!)
        assert.deepInclude(died, { _tag: "ActorDied", mayHaveRun: true }, "it was running, and is not run again")
        yield* probe.open(...ids)
        assert.deepStrictEqual(yield* ObjectRef.all(refs.slice(1)), ids.slice(1))
        assert.deepStrictEqual(probe.startOrder.toSorted(), ids, "each ran once")
      })
    )
  }

  it.effect("7.4 work that fails since its member died before it could run goes to another member", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      // Each worker runs one call at a time, so a second one waits in the line of its member.
      const pool = yield* ActorPool.make({
        spawn: Worker.options({ maxConcurrency: 1 }).spawn(probe),
        size: 1,
        callsPerMember: 2
      })
      const running = yield* pool.remote((member) => member.work("running"))
      const waiting = yield* pool.remote((member) => member.note("waiting"))
      yield* probe.started("running")
      yield* settle
      yield* Actor.kill((yield* pool.members)[0]!)
      assert.strictEqual((yield* reasonOf(running))._tag, "ActorDied")
      assert.strictEqual(yield* waiting, "waiting")
      assert.deepStrictEqual(probe.log, ["running start", "running cut", "waiting"])
    })
  )

  it.effect("7.4 work that has run in part when its member dies is not run again", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const pool = yield* poolOf(probe, 1)
      const ref = yield* pool.remote((member) =>
        Effect.gen(function* () {
          yield* member.note("first half")
          yield* probe.work("between")
          yield* member.note("second half")
        })
      )
      yield* probe.started("between")
      yield* Actor.kill((yield* pool.members)[0]!)
      yield* probe.open("between")
      assert.strictEqual((yield* reasonOf(ref))._tag, "ActorDied")
      assert.strictEqual(probe.log.filter((event) => event === "first half").length, 1)
    })
  )

  it.effect("7.4 a member that is ending gets no work, counts as no member, and leaves its room to nobody", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      class Ending extends Actor.Service<Ending>()("test/Ending", {
        shutdownTimeout: 0,
        make: Effect.as(
          Effect.addFinalizer(() => probe.gate("end")),
          { work: probe.work }
        )
      }) {}
      const pool = yield* ActorPool.make({ spawn: Ending.spawn(), size: 2, onDeath: "drop" })
      yield* Effect.addFinalizer(() => probe.open("a", "b", "end"))
      const [first, second] = yield* pool.members
      const kill = yield* fork(Actor.kill(first!))
      assert.deepStrictEqual(yield* pool.members, [second!])
      for (const id of ["a", "b"]) yield* pool.remote((member) => member.work(id))
      yield* settle
      assert.strictEqual(probe.running, 1, "callsPerMember is 1, and one member is left")
      yield* probe.open("a", "b", "end")
      yield* Fiber.join(kill)
    })
  )

  it.effect("7.4 when all are dead and dropped, its work fails with ActorDied, waiting and new", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const pool = yield* poolOf(probe, 2, { onDeath: "drop" })
      const refs = yield* Effect.forEach(["a", "b", "c"], (id) => pool.remote((member) => member.work(id)))
      yield* probe.started("b")
      for (const member of yield* pool.members) yield* Actor.kill(member)
      for (const ref of refs) assert.strictEqual((yield* reasonOf(ref))._tag, "ActorDied")
      const reason = yield* reasonOf(pool.run((member) => member.echo(1)))
      if (reason._tag !== "ActorDied") return assert.fail(reason._tag)
      assert.match(reason.why, /all its members have died/)
      assert.deepStrictEqual(yield* pool.members, [])
      assert.strictEqual(
        (yield* reasonOf(Stream.runDrain(pool.map([1], (member, n) => member.echo(n)))))._tag,
        "ActorDied"
      )
    })
  )

  it.effect("7.4 when a dead member cannot be replaced, it goes on with those left", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      let spawned = 0
      const spawn = Effect.suspend(() => (++spawned > 2 ? Effect.fail("no more") : Worker.spawn(probe)))
      const pool = yield* ActorPool.make({ spawn, size: 2, restart: Schedule.recurs(1) })
      const [first, second] = yield* pool.members
      yield* Actor.kill(first!)
      yield* settle
      assert.deepStrictEqual(yield* pool.members, [second!])
      assert.strictEqual(yield* pool.run((member) => member.echo(1)), 1)
      yield* Actor.kill(second!)
      yield* settle
      assert.strictEqual((yield* reasonOf(pool.run((member) => member.echo(1))))._tag, "ActorDied")
    })
  )

  it.effect("7.4 work waits for the replacement of the only member", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      let spawned = 0
      const spawn = Effect.suspend(() =>
        ++spawned > 1 ? Effect.andThen(probe.gate("replacement"), Worker.spawn(probe)) : Worker.spawn(probe)
      )
      const pool = yield* ActorPool.make({ spawn, size: 1 })
      yield* Actor.kill((yield* pool.members)[0]!)
      const ref = yield* pool.remote((member) => member.echo(1))
      const given = yield* pool.remote((member) => member.echo(2))
      yield* settle
      assert.strictEqual(yield* ObjectRef.cancel(given), "NotStarted")
      yield* probe.open("replacement")
      assert.strictEqual(yield* ref, 1)
    })
  )

  it.effect("7.4 a pool whose members cannot be started fails as they do, and leaves none behind", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      let spawned = 0
      const spawn = Effect.suspend(() => (++spawned === 3 ? Effect.fail("third") : Worker.spawn(probe)))
      assert.strictEqual(yield* errorOf(Effect.scoped(ActorPool.make({ spawn, size: 5 }))), "third")
      assert.strictEqual(spawned, 3)
    })
  )

  it.effect("7.4 a pool ends with its Scope: work is interrupted after the members' shutdown, and members die", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const scope = yield* Scope.make()
      const pool = yield* Scope.provide(poolOf(probe, 2), scope)
      const members = yield* pool.members
      const ref = yield* pool.remote((member) => member.work("a"))
      yield* probe.started("a")
      const close = yield* fork(Scope.close(scope, Exit.void))
      yield* TestClock.adjust("5 seconds")
      yield* Fiber.join(close)
      assert.strictEqual((yield* reasonOf(ref))._tag, "ActorDied")
      for (const member of members) assert.strictEqual((yield* reasonOf(member.echo(1)))._tag, "ActorDied")
      assert.strictEqual((yield* reasonOf(pool.run((member) => member.echo(1))))._tag, "ActorDied")
      assert.strictEqual(probe.running, 0)
    })
  )

  it.effect("7.4 a pool whose members were all replaced ends as the first one would: accepted work finishes", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const scope = yield* Scope.make()
      const spawn = Worker.options({ shutdownTimeout: "5 seconds" }).spawn(probe)
      const pool = yield* Scope.provide(ActorPool.make({ spawn, size: 2 }), scope)
      for (const _ of range(4)) {
        yield* Actor.kill((yield* pool.members)[0]!)
        yield* TestClock.adjust("1 second")
      }
      const refs = yield* Effect.forEach(["a", "b", "c", "d", "e"], (id) => pool.remote((member) => member.work(id)))
      yield* probe.started("b")
      const close = yield* fork(Scope.close(scope, Exit.void))
      yield* settle
      yield* probe.open("a", "b", "c", "d", "e")
      yield* Fiber.join(close)
      assert.deepStrictEqual(yield* ObjectRef.all(refs), ["a", "b", "c", "d", "e"])
    })
  )

  it.effect("7.4 bad options die with a RangeError that names them", () =>
    Effect.gen(function* () {
      for (const size of [0, -1, 1.5]) {
        assert.match(String(yield* defectOf(poolOf(new Probe(), size))), /RangeError: ActorPool: size must be/)
      }
      const defect = yield* defectOf(poolOf(new Probe(), 1, { callsPerMember: 0 }))
      assert.match(String(defect), /RangeError: ActorPool: callsPerMember must be/)
      const policy = yield* defectOf(poolOf(new Probe(), 1, { onDeath: "mourn" as never }))
      assert.match(String(policy), /RangeError: ActorPool: onDeath must be "replace" or "drop"/)
      assert.match(String(yield* defectOf(poolOf(new Probe(), Infinity))), /RangeError: ActorPool: size/)
    })
  )
})

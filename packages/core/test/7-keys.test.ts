import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Actor, ObjectRef } from "@troupe/core"
import {
  Context,
  Effect,
  Equal,
  Exit,
  Fiber,
  Layer,
  Logger,
  Random,
  References,
  Schedule,
  Schema,
  Scope,
  Stream
} from "effect"
import { TestClock } from "effect/testing"
import { defectOf, errorOf, fork, Probe, range, reasonOf, reasonOfExit, seeded, settle } from "./support.ts"

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

  it.effect("7.2 the handle of a key shows its actor and its key, as text and in a console", () =>
    Effect.gen(function* () {
      const room = (yield* open(new House())).get("a")
      assert.strictEqual(String(room), "test/Room(a)")
      assert.strictEqual(inspect(room), "test/Room(a)")
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

  it.effect(
    "7.2 a stream that is asked for as the instance ends reaches the next one, at whatever operation that is",
    () =>
      Effect.gen(function* () {
        class Counter extends Actor.Keyed<Counter>()("test/Counter", {
          make: (_key: string) => Effect.succeed({ count: () => Stream.range(1, 3), ping: () => Effect.void })
        }) {}
        const counters = Context.get(yield* Layer.build(Counter.layer), Counter)
        const counter = counters.get("a")
        for (const operations of range(60)) {
          yield* counter.ping()
          const reader = yield* Stream.runCollect(counter.count()).pipe(
            Effect.provideService(References.MaxOpsBeforeYield, operations + 4),
            Effect.forkChild
          )
          yield* Effect.yieldNow
          yield* counters.stop("a")
          assert.deepStrictEqual(yield* Fiber.join(reader), [1, 2, 3])
        }
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

  it.effect("7.2 no key begins another line where its label is shown, or turns one around", () =>
    Effect.gen(function* () {
      class Room extends Actor.Keyed<Room>()("test/Room", {
        make: (_key: string) => Effect.succeed({ enter: () => Effect.die("no") })
      }) {}
      yield* Effect.gen(function* () {
        const text = String((yield* Room).get("a\r\nb\u001b\u2028\u202e\ud800").enter())
        assert.include(text, "test/Room(a\\u000d\\u000ab\\u001b\\u2028\\u202e\\ud800)")
      }).pipe(Effect.provide(Room.layer))
    })
  )

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

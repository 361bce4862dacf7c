import { assert, describe, it, vi } from "@effect/vitest"
import * as DurableState from "@troupe/cluster/DurableState"
import * as Reminders from "@troupe/cluster/Reminders"
import { Actor } from "@troupe/core"
import { Context, type Duration, Effect, Exit, Fiber, Latch, Layer, Queue, Schema, Scope } from "effect"
import { SqlClient, SqlError } from "effect/sql"
import { TestClock } from "effect/testing"
import { DurableCall } from "../src/internal/calls/durableCall.ts"
import { databases, node, open } from "./stateSupport.ts"

// Databases take their time on a busy machine.
vi.setConfig({ testTimeout: 30_000 })

/** What the actors of a test hear, and what they do about it. */
class Ears extends Context.Service<
  Ears,
  {
    readonly heard: Queue.Queue<string>
    readonly react: (word: string) => Effect.Effect<void, string>
  }
>()("test/Ears") {}

class Sleeper extends Actor.Keyed<Sleeper>()("test/Sleeper", {
  shutdownTimeout: 0,
  make: Effect.fnUntraced(function* (name: string) {
    const { heard, react } = yield* Ears
    const reminders = yield* Reminders.self
    return {
      wake: (word: string) => Effect.andThen(Queue.offer(heard, `${name}: ${word}`), react(word)),
      remindMe: (id: string, delay: Duration.Input, word: string) => reminders.after(id, delay, "wake", [word]),
      occurrence: () => Effect.flatMap(DurableCall, (call) => Queue.offer(heard, call?.id ?? "none"))
    }
  })
}) {}

const Party = Schema.Struct({ at: Schema.Date })

class Host extends Actor.Keyed<Host>()("test/Host", {
  key: Schema.String,
  methods: { invite: Actor.method({ args: [Party, Schema.Int], success: Schema.Void }) }
}) {}

const storageOf = (layer: Layer.Layer<Reminders.ReminderStorage, SqlError.SqlError>) =>
  Effect.map(Layer.build(layer), Context.get(Reminders.ReminderStorage))

const storages: ReadonlyArray<
  readonly [string, Effect.Effect<Reminders.ReminderStore, SqlError.SqlError, Scope.Scope>]
> = [
  ["memory", storageOf(Reminders.layerMemory)],
  ...databases.map(
    (name) =>
      [
        name,
        Effect.flatMap(open(name), ({ layer, prefix }) =>
          storageOf(Layer.provide(Reminders.layerWith({ prefix }), layer))
        )
      ] as const
  )
]

/** What a database says that is not there. */
const away = Effect.fail(
  new SqlError.SqlError({ reason: new SqlError.ConnectionError({ cause: "gone", message: "gone" }) })
)

interface World {
  readonly storage: Reminders.ReminderStore
  readonly heard: Queue.Queue<string>
  /** Operations of storage that are under way. */
  readonly busy: { count: number }
  /** Effects that a word sets off in those who hear it. */
  readonly reactions: Map<string, Effect.Effect<void, string>>
}

const world = (storage: Effect.Effect<Reminders.ReminderStore, SqlError.SqlError, Scope.Scope>) =>
  Effect.gen(function* () {
    const busy = { count: 0 }
    const counted = count(yield* storage, busy)
    return { storage: counted, busy, heard: yield* Queue.unbounded<string>(), reactions: new Map() } as World
  })

const kept = ({ storage }: World) => Layer.succeed(Reminders.ReminderStorage, storage)

const sleepers = (world: World) =>
  Layer.provide(Sleeper.layer, [
    kept(world),
    Layer.succeed(Ears, {
      heard: world.heard,
      react: (word) => world.reactions.get(word) ?? Effect.void
    })
  ])

/** A node that has sleepers and fires their reminders. */
const nodeOf = (world: World, options?: Reminders.DeliverOptions) =>
  node(
    Sleeper,
    Reminders.deliver(Sleeper, options).pipe(Layer.provide(kept(world)), Layer.provideMerge(sleepers(world)))
  )

/** Sets reminders as somebody who is no actor. */
const set = <A>(world: World, effect: Effect.Effect<A, SqlError.SqlError, Reminders.ReminderStorage>) =>
  Effect.provideService(effect, Reminders.ReminderStorage, world.storage)

const pat = Reminders.to(Sleeper, "pat")

/** Counts the operations that are under way. */
const count = (storage: Reminders.ReminderStore, busy: { count: number }): Reminders.ReminderStore => {
  const counted =
    <Args extends ReadonlyArray<any>, A, E>(operation: (...args: Args) => Effect.Effect<A, E>) =>
    (...args: Args) =>
      Effect.acquireUseRelease(
        Effect.sync(() => busy.count++),
        () => operation(...args),
        () => Effect.sync(() => busy.count--)
      )
  return {
    put: counted(storage.put),
    remove: counted(storage.remove),
    list: counted(storage.list),
    failing: counted(storage.failing),
    count: counted(storage.count),
    retry: counted(storage.retry),
    lease: counted(storage.lease),
    extend: counted(storage.extend),
    release: counted(storage.release),
    settle: counted(storage.settle)
  }
}

/** Time passes second by second, and what it sets off has its turn, also in a database that answers later. */
const pass = ({ busy }: { readonly busy: { readonly count: number } }, seconds: number) =>
  Effect.forEach(
    Array.from({ length: seconds }),
    () => Effect.andThen(TestClock.adjust("1 second"), Effect.repeat(turn, { until: () => busy.count === 0 })),
    { discard: true }
  )

/** Several turns of the event loop, so that what follows an operation has begun. */
const turn = Effect.promise(async () => {
  for (let i = 0; i < 3; i++) await new Promise<void>((resolve) => setImmediate(resolve))
})

/** What was heard, once it is as much as this. */
const hear = (world: World, count: number) => Queue.takeN(world.heard, count)

const silence = (world: World) => Effect.map(Queue.size(world.heard), (size) => assert.strictEqual(size, 0))

describe.each(storages)("reminders in %s", (_name, storage) => {
  it.effect("fire when their time has come, and not before, with key and arguments", () =>
    Effect.gen(function* () {
      const here = yield* world(storage)
      yield* nodeOf(here)
      yield* set(here, pat.after("a", "10 seconds", "wake", ["up"]))
      yield* set(here, Reminders.to(Sleeper, "kim").at("a", 5000, "wake", ["early"]))
      yield* pass(here, 4)
      yield* silence(here)
      yield* pass(here, 2)
      assert.deepStrictEqual(yield* hear(here, 1), ["kim: early"])
      yield* pass(here, 6)
      assert.deepStrictEqual(yield* hear(here, 1), ["pat: up"])
      yield* pass(here, 60)
      yield* silence(here)
      assert.deepStrictEqual(yield* set(here, pat.list), [])
    })
  )

  it.effect("are still there after a restart of everything, and what was missed fires at once", () =>
    Effect.gen(function* () {
      const here = yield* world(storage)
      const first = yield* Scope.make()
      const sleeper = yield* Scope.provide(nodeOf(here), first)
      yield* sleeper.get("pat").remindMe("a", "1 hour", "up")
      yield* Scope.close(first, Exit.void)
      yield* TestClock.adjust("2 hours")
      yield* silence(here)
      yield* nodeOf(here)
      yield* pass(here, 1)
      assert.deepStrictEqual(yield* hear(here, 1), ["pat: up"])
    })
  )

  it.effect("that repeat keep their rhythm, and make up for what was missed by one call", () =>
    Effect.gen(function* () {
      const here = yield* world(storage)
      const first = yield* Scope.make()
      yield* Scope.provide(nodeOf(here), first)
      yield* set(here, pat.every("tick", "10 seconds", "wake", ["tick"]))
      yield* pass(here, 31)
      assert.strictEqual((yield* hear(here, 3)).length, 3)
      yield* Scope.close(first, Exit.void)
      yield* TestClock.adjust("64 seconds")
      yield* nodeOf(here)
      // 95 seconds have passed: those at 40, 50, 60, 70, 80 and 90 are one.
      yield* pass(here, 1)
      assert.strictEqual((yield* hear(here, 1)).length, 1)
      yield* pass(here, 3)
      yield* silence(here)
      yield* pass(here, 2)
      assert.strictEqual((yield* hear(here, 1)).length, 1)
      const [tick] = yield* set(here, pat.list)
      assert.strictEqual(tick?.due.epochMilliseconds, 110_000)
    })
  )

  it.effect("that are set again are replaced, but one that repeats at the same interval goes on", () =>
    Effect.gen(function* () {
      const here = yield* world(storage)
      yield* nodeOf(here)
      yield* set(here, pat.after("a", "5 seconds", "wake", ["old"]))
      yield* set(here, pat.after("a", "10 seconds", "wake", ["new"]))
      yield* set(here, pat.every("b", "20 seconds", "wake", ["old"]))
      yield* pass(here, 11)
      assert.deepStrictEqual(yield* hear(here, 1), ["pat: new"])
      yield* set(here, pat.every("b", "20 seconds", "wake", ["same rhythm"]))
      yield* pass(here, 10)
      assert.deepStrictEqual(yield* hear(here, 1), ["pat: same rhythm"])
      yield* set(here, pat.every("b", "15 seconds", "wake", ["other"]))
      const [b] = yield* set(here, pat.list)
      assert.strictEqual(b?.due.epochMilliseconds, 36_000)
    })
  )

  it.effect("that are cancelled do not fire", () =>
    Effect.gen(function* () {
      const here = yield* world(storage)
      yield* nodeOf(here)
      yield* set(here, pat.after("a", "5 seconds", "wake", ["up"]))
      assert.isTrue(yield* set(here, pat.cancel("a")))
      assert.isFalse(yield* set(here, pat.cancel("a")))
      yield* pass(here, 10)
      yield* silence(here)
    })
  )

  it.effect("of several nodes one fires each", () =>
    Effect.gen(function* () {
      const here = yield* world(storage)
      yield* Effect.all([nodeOf(here), nodeOf(here), nodeOf(here)])
      const keys = Array.from({ length: 30 }, (_, i) => `k${i}`)
      yield* Effect.forEach(keys, (key) =>
        set(here, Reminders.to(Sleeper, key).after("a", "3 seconds", "wake", ["up"]))
      )
      yield* pass(here, 5)
      const heard = yield* hear(here, keys.length)
      assert.deepStrictEqual([...heard].sort(), keys.map((key) => `${key}: up`).sort())
      yield* pass(here, 60)
      yield* silence(here)
    })
  )

  it.effect("of a node that died are fired by another when the lease is over", () =>
    Effect.gen(function* () {
      const here = yield* world(storage)
      yield* set(here, pat.at("a", 0, "wake", ["up"]))
      const dead = yield* here.storage.lease("test/Sleeper", 0, 10, { owner: "dead", until: 30_000 })
      assert.strictEqual(dead.length, 1)
      yield* nodeOf(here)
      yield* pass(here, 29)
      yield* silence(here)
      yield* pass(here, 2)
      assert.deepStrictEqual(yield* hear(here, 1), ["pat: up"])
      // What the dead one does when it wakes up has no effect.
      yield* set(here, pat.at("a", 100_000, "wake", ["later"]))
      yield* here.storage.settle(dead[0]!, "dead", { _tag: "Done" })
      assert.strictEqual((yield* set(here, pat.list)).length, 1)
    })
  )

  it.effect("whose call takes longer than the lease are not fired by others meanwhile", () =>
    Effect.gen(function* () {
      const here = yield* world(storage)
      const gate = Latch.makeUnsafe()
      here.reactions.set("long", gate.await)
      yield* nodeOf(here)
      yield* set(here, pat.at("a", 0, "wake", ["long"]))
      yield* pass(here, 2)
      yield* nodeOf(here)
      yield* pass(here, 90)
      assert.strictEqual((yield* hear(here, 1)).length, 1)
      yield* gate.open
      yield* pass(here, 2)
      yield* silence(here)
      assert.deepStrictEqual(yield* set(here, pat.list), [])
    })
  )

  it.effect("that were leased by a statement whose answer was lost fire soon, whatever else is being fired", () =>
    Effect.gen(function* () {
      const here = yield* world(storage)
      const latch = Latch.makeUnsafe()
      let answers = true
      const forgetful: Reminders.ReminderStore = {
        ...here.storage,
        lease: (...args) => Effect.tap(here.storage.lease(...args), () => (answers ? Effect.void : away))
      }
      here.reactions.set("long", latch.await)
      yield* nodeOf({ ...here, storage: forgetful })
      yield* set(here, pat.at("a", 0, "wake", ["long"]))
      yield* pass(here, 2)
      assert.deepStrictEqual(yield* hear(here, 1), ["pat: long"])
      answers = false
      yield* set(here, pat.at("b", 0, "wake", ["short"]))
      yield* pass(here, 2)
      yield* silence(here)
      answers = true
      yield* pass(here, 2)
      assert.deepStrictEqual(yield* hear(here, 1), ["pat: short"])
      yield* pass(here, 60)
      yield* silence(here)
      yield* latch.open
    })
  )

  it.effect("that are being fired when their node leaves are fired by another at once", () =>
    Effect.gen(function* () {
      const here = yield* world(storage)
      here.reactions.set("up", Effect.never)
      const leaving = yield* Scope.make()
      yield* Scope.provide(nodeOf(here), leaving)
      yield* set(here, pat.at("a", 0, "wake", ["up"]))
      yield* pass(here, 2)
      yield* hear(here, 1)
      const closing = yield* Effect.forkChild(Scope.close(leaving, Exit.void), { startImmediately: true })
      here.reactions.delete("up")
      yield* pass(here, 2)
      yield* Fiber.join(closing)
      yield* nodeOf(here)
      yield* pass(here, 1)
      assert.deepStrictEqual(yield* hear(here, 1), ["pat: up"])
    })
  )

  it.effect("that are replaced while they fire, also by the actor itself, fire again", () =>
    Effect.gen(function* () {
      const here = yield* world(storage)
      const sleeper = yield* nodeOf(here)
      here.reactions.set("first", Effect.ignore(sleeper.get("pat").remindMe("a", "10 seconds", "second")))
      yield* set(here, pat.at("a", 0, "wake", ["first"]))
      yield* pass(here, 2)
      assert.deepStrictEqual(yield* hear(here, 1), ["pat: first"])
      yield* pass(here, 10)
      assert.deepStrictEqual(yield* hear(here, 1), ["pat: second"])
    })
  )

  it.effect("that fail are tried again after longer and longer pauses, and given up with the reason", () =>
    Effect.gen(function* () {
      const here = yield* world(storage)
      here.reactions.set("no", Effect.fail("not now"))
      yield* nodeOf(here, { maxAttempts: 3 })
      yield* set(here, pat.at("a", 0, "wake", ["no"]))
      yield* pass(here, 2)
      assert.strictEqual((yield* hear(here, 1)).length, 1)
      yield* pass(here, 2)
      assert.strictEqual((yield* hear(here, 1)).length, 1)
      yield* pass(here, 4)
      assert.strictEqual((yield* hear(here, 1)).length, 1)
      yield* pass(here, 120)
      yield* silence(here)
      const [given] = yield* set(here, pat.list)
      assert.match(given?.failed ?? "", /not now/)
      // Setting it again starts anew.
      here.reactions.delete("no")
      yield* set(here, pat.at("a", 0, "wake", ["yes"]))
      yield* pass(here, 1)
      assert.deepStrictEqual(yield* hear(here, 1), ["pat: yes"])
    })
  )

  it.effect("that repeat and fail wait for their next time instead of being given up", () =>
    Effect.gen(function* () {
      const here = yield* world(storage)
      here.reactions.set("no", Effect.die("broken"))
      yield* nodeOf(here, { maxAttempts: 1 })
      yield* set(here, pat.every("a", "10 seconds", "wake", ["no"]))
      yield* pass(here, 32)
      assert.strictEqual((yield* hear(here, 3)).length, 3)
      yield* silence(here)
    })
  )

  it.effect("10.10 that fail are listed with their cause and attempts, and fire at once when they are retried", () =>
    Effect.gen(function* () {
      const here = yield* world(storage)
      here.reactions.set("no", Effect.fail("not now"))
      yield* nodeOf(here)
      assert.deepStrictEqual(yield* set(here, Reminders.failing()), [])
      yield* set(here, pat.at("a", 0, "wake", ["no"]))
      yield* pass(here, 9)
      assert.strictEqual((yield* hear(here, 4)).length, 4)
      const [failing, ...others] = yield* set(here, Reminders.failing({ actor: "test/Sleeper" }))
      assert.deepInclude(failing, { actor: "test/Sleeper", key: "pat", id: "a", method: "wake", attempts: 4 })
      assert.deepInclude(failing, { cause: "not now", isAbandoned: false })
      assert.deepStrictEqual(others, [])
      assert.deepStrictEqual(yield* set(here, Reminders.failing({ actor: "test/Other" })), [])
      here.reactions.delete("no")
      assert.isTrue(yield* set(here, Reminders.retry(failing!)))
      yield* pass(here, 1)
      assert.strictEqual((yield* hear(here, 1)).length, 1)
      // It is heard before the storage knows that it has succeeded.
      yield* Effect.repeat(set(here, Reminders.failing()), { until: (failing) => failing.length === 0 })
      assert.isFalse(yield* set(here, Reminders.retry(failing!)))
    })
  )

  it.effect("10.10 that were given up are tried again from the start when they are retried, or dropped", () =>
    Effect.gen(function* () {
      const here = yield* world(storage)
      here.reactions.set("no", Effect.die(new Error("broken")))
      yield* nodeOf(here, { maxAttempts: 2 })
      yield* set(here, pat.at("a", 0, "wake", ["no"]))
      yield* pass(here, 60)
      assert.strictEqual((yield* hear(here, 2)).length, 2)
      const [given] = yield* set(here, Reminders.failing())
      assert.deepInclude(given, { attempts: 2, isAbandoned: true })
      assert.include(given?.cause, "broken")
      assert.isTrue(yield* set(here, Reminders.retry(given!)))
      yield* pass(here, 60)
      assert.strictEqual((yield* hear(here, 2)).length, 2)
      yield* silence(here)
      assert.isTrue(yield* set(here, Reminders.drop(given!)))
      assert.isFalse(yield* set(here, Reminders.drop(given!)))
      assert.deepStrictEqual(yield* set(here, Reminders.failing()), [])
    })
  )

  it.effect(
    "10.10 that repeat and failed are listed until they have fired, and are not retried before their time",
    () =>
      Effect.gen(function* () {
        const here = yield* world(storage)
        here.reactions.set("no", Effect.fail("not now"))
        yield* nodeOf(here, { maxAttempts: 1 })
        yield* set(here, pat.every("a", "10 seconds", "wake", ["no"]))
        yield* pass(here, 12)
        assert.strictEqual((yield* hear(here, 1)).length, 1)
        const [failing] = yield* set(here, Reminders.failing())
        assert.deepInclude(failing, { attempts: 0, cause: "not now", isAbandoned: false })
        assert.isFalse(yield* set(here, Reminders.retry(failing!)))
        here.reactions.delete("no")
        yield* pass(here, 10)
        assert.strictEqual((yield* hear(here, 1)).length, 1)
        assert.deepStrictEqual(yield* set(here, Reminders.failing()), [])
      })
  )

  it.effect("have one id for all calls of one firing, and another for the next firing", () =>
    Effect.gen(function* () {
      const here = yield* world(storage)
      yield* nodeOf(here)
      yield* set(here, pat.every("a", "10 seconds", "occurrence", []))
      yield* pass(here, 22)
      const [first, second] = yield* hear(here, 2)
      assert.notStrictEqual(first, second)
      assert.match(first!, /^reminder\/test\/Sleeper\/pat\/a\/1\/10000$/)
    })
  )
})

describe.each(databases)("a table of an earlier version, in %s", (name) => {
  it.effect("gets what it lacks, and keeps its reminders", () =>
    Effect.gen(function* () {
      const { layer, prefix } = yield* open(name)
      const build = storageOf(Layer.provide(Reminders.layerWith({ prefix }), layer))
      const sql = Context.get(yield* Layer.build(layer), SqlClient.SqlClient)
      const address = { actor: "test/Sleeper", key: "pat", id: "a" }
      const order = { ...address, keyJson: '"pat"', method: "wake", args: "[]", due: 0, every: undefined }
      yield* (yield* build).put(order)
      yield* sql`ALTER TABLE ${sql(`${prefix}_reminders`)} DROP COLUMN last_failure`
      yield* sql`UPDATE ${sql(`${prefix}_reminders`)} SET failed = 'long ago', attempts = 1`
      const [one, other] = yield* Effect.all([build, build], { concurrency: 2 })
      assert.deepInclude((yield* one.failing(undefined, 10))[0], { ...address, lastFailure: "long ago" })
      assert.isTrue(yield* other.retry(address))
      assert.deepStrictEqual(yield* one.failing(undefined, 10), [])
    })
  )
})

describe("arguments and keys", () => {
  it.effect("of an actor with a contract are kept as its schemas say", () =>
    Effect.gen(function* () {
      const invited = yield* Queue.unbounded<readonly [string, Date, number]>()
      const live = Host.toLayer((name) =>
        Effect.succeed(
          Host.of({ invite: ({ at }, guests) => Effect.asVoid(Queue.offer(invited, [name, at, guests] as const)) })
        )
      )
      yield* Layer.build(
        Layer.provideMerge(Reminders.deliver(Host), Layer.provideMerge(live, Reminders.layerMemory))
      ).pipe(
        Effect.flatMap((context) =>
          Effect.provide(Reminders.to(Host, "ann").after("p", "1 second", "invite", [{ at: new Date(7) }, 3]), context)
        )
      )
      yield* pass({ busy: { count: 0 } }, 2)
      assert.deepStrictEqual(yield* Queue.take(invited), ["ann", new Date(7), 3])
    })
  )

  it.effect("that do not fit are refused where the reminder is set", () =>
    Effect.gen(function* () {
      const refusal = (effect: Effect.Effect<void, unknown, Reminders.ReminderStorage>) =>
        Effect.map(Effect.exit(Effect.provide(effect, Reminders.layerMemory)), (exit) => String(exit))
      const host = Reminders.to(Host, "ann") as Reminders.Reminding<any, Reminders.ReminderStorage>
      assert.match(yield* refusal(host.at("p", 0, "shout", [])), /test\/Host has no method "shout", it has invite/)
      assert.match(yield* refusal(host.at("p", 0, "invite", ["x"])), /Expected/)
      const sleeper = pat as Reminders.Reminding<any, Reminders.ReminderStorage>
      assert.match(yield* refusal(sleeper.at("p", 0, "wake", [new Date()])), /test\/Sleeper\.wake.*not JSON.*contract/)
      assert.match(yield* refusal(sleeper.at("", 0, "wake", [])), /test\/Sleeper\(pat\).*needs an id/)
      assert.throws(() => sleeper.at("p", "tomorrow" as any, "wake", []), /RangeError|point in time/)
      assert.throws(() => sleeper.every("p", 0, "wake", []), /interval of reminder "p".*at least 1 ms/)
      assert.throws(() => sleeper.after("p", "Infinity" as any, "wake", []), /delay of reminder "p"/)
      assert.throws(() => Reminders.deliver(Sleeper, { lease: "1 second" }), /test\/Sleeper.*lease.*at least 3000 ms/)
      assert.throws(() => Reminders.deliver(Sleeper, { maxAttempts: 0 }), /maxAttempts.*at least 1/)
    })
  )

  it.effect("that are numbers find the same instance again, and others are refused", () =>
    Effect.gen(function* () {
      const rung = yield* Queue.unbounded<unknown>()
      class Bell extends Actor.Keyed<Bell>()("test/Bell", {
        make: Effect.fnUntraced(function* (key: unknown) {
          const reminders = yield* Reminders.self
          let rings = 0
          return {
            ring: () => Effect.asVoid(Queue.offer(rung, [key, ++rings])),
            ringLater: () =>
              Effect.andThen(
                Effect.sync(() => ++rings),
                reminders.after("r", "1 second", "ring", [])
              )
          }
        })
      }) {}
      const live = Layer.provideMerge(Reminders.deliver(Bell), Bell.layer)
      const bells = yield* node(Bell, Layer.provide(live, Reminders.layerMemory))
      yield* bells.get(7).ringLater()
      yield* pass({ busy: { count: 0 } }, 3)
      assert.deepStrictEqual(yield* Queue.take(rung), [7, 2])
      const point = { x: 1, toString: () => "1" }
      const refused = yield* Effect.flip(bells.get(point).ringLater())
      assert.match(String((refused as any).reason.cause), /test\/Bell\(1\).*a string or a number/)
    })
  )

  it("that do not fit do not compile", () => {
    const checked = () => {
      // @ts-expect-error: there is no such method
      pat.at("p", 0, "sleep", [])
      // @ts-expect-error: the word is missing
      pat.at("p", 0, "wake", [])
      // @ts-expect-error: a word is a string
      pat.every("p", "1 second", "wake", [1])
      // @ts-expect-error: keys of hosts are strings
      Reminders.to(Host, 1)
      // @ts-expect-error: the number of guests is missing
      Reminders.to(Host, "ann").after("p", "1 second", "invite", [{ at: new Date() }])
    }
    assert.isFunction(checked)
  })

  it.effect("a method that is gone makes the reminder fail with its name, and the scanner goes on", () =>
    Effect.gen(function* () {
      const here = yield* world(storageOf(Reminders.layerMemory))
      yield* nodeOf(here, { maxAttempts: 1 })
      const any = pat as Reminders.Reminding<any, Reminders.ReminderStorage>
      yield* set(here, any.at("a", 0, "gone", []))
      yield* set(here, pat.at("b", 0, "wake", ["up"]))
      yield* pass(here, 2)
      assert.deepStrictEqual(yield* hear(here, 1), ["pat: up"])
      const [failed] = yield* set(here, pat.list)
      assert.match(failed?.failed ?? "", /has no method "gone"/)
    })
  )
})

describe("a reminder that fires twice", () => {
  class Ledger extends Actor.Keyed<Ledger>()("test/Ledger", {
    make: (_key: string) =>
      Effect.map(DurableState.make(Schema.Int, { initial: 0 }), (total) => ({
        add: (n: number) => total.modifyOnce({ result: Schema.Int }, (t) => [t + n, t + n]),
        total: () => total.get
      }))
  }) {}

  it.effect("changes a durable state once", () =>
    Effect.gen(function* () {
      const storage = yield* storageOf(Reminders.layerMemory)
      // The node dies between the call and the note that it was made.
      let lost = 0
      const forgetful: Reminders.ReminderStore = {
        ...storage,
        settle: (...args) => (lost++ === 0 ? Effect.void : storage.settle(...args))
      }
      const context = yield* Layer.build(
        Reminders.deliver(Ledger).pipe(
          Layer.provideMerge(Layer.provide(Ledger.layer, DurableState.layerMemory)),
          Layer.provideMerge(Layer.succeed(Reminders.ReminderStorage, forgetful))
        )
      )
      yield* Effect.provide(Reminders.to(Ledger, "a").after("x", "1 second", "add", [5]), context)
      yield* pass({ busy: { count: 0 } }, 3)
      yield* storage.extend({ owner: "nobody", until: 0 })
      yield* pass({ busy: { count: 0 } }, 60)
      assert.strictEqual(yield* Context.get(context, Ledger).get("a").total(), 5)
    })
  )
})

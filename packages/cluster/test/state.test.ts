import { assert, describe, it, vi } from "@effect/vitest"
import { ClusterHome, Delivery } from "@troupe/cluster"
import * as DurableState from "@troupe/cluster/DurableState"
import { Actor, ActorError } from "@troupe/core"
import {
  Context,
  Effect,
  Exit,
  Fiber,
  Latch,
  Layer,
  Option,
  Random,
  Schedule,
  Schema,
  SchemaTransformation,
  type Scope
} from "effect"
import { SqlError } from "effect/sql"
import { TestClock } from "effect/testing"
import { DurableCall } from "../src/internal/calls/durableCall.ts"
import { databases, node, open, seeded, settle } from "./stateSupport.ts"

// Databases take their time on a busy machine.
vi.setConfig({ testTimeout: 30_000 })

class Overdrawn extends Schema.TaggedError<Overdrawn>()("Overdrawn", { balance: Schema.Int }) {}

class Account extends Actor.Keyed<Account>()("test/Account", {
  make: Effect.fnUntraced(function* (_owner: string) {
    const balance = yield* DurableState.make(Schema.Int, { initial: 0 })
    return {
      deposit: (n: number) => balance.updateAndGet((b) => b + n),
      withdraw: (n: number) =>
        balance.modifyEffect((b) =>
          b < n ? Effect.fail(new Overdrawn({ balance: b })) : Effect.succeed([b - n, b - n])
        ),
      set: (n: number) => balance.set(n),
      add: (n: number) => balance.update((b) => b + n),
      take: (n: number) => balance.modify((b) => [Math.min(b, n), b - Math.min(b, n)]),
      twice: (n: number) =>
        balance.modifyEffect((b) =>
          Effect.map(
            balance.updateAndGet((b) => b + n),
            (next) => [b, next] as const
          )
        ),
      slowly: (gate: Effect.Effect<number>) =>
        balance.modifyEffect((b) => Effect.map(gate, (n) => [b + n, b + n] as const)),
      depositOnce: (id: string, n: number) =>
        balance.modifyOnce({ id, result: Schema.Int, remember: 3 }, (b) => [b + n, b + n]),
      withdrawOnce: (n: number) =>
        balance.modifyOnceEffect({ result: Schema.Int }, (b) =>
          b < n ? Effect.fail(new Overdrawn({ balance: b })) : Effect.succeed([b - n, b - n])
        ),
      once: (options: any, f?: any) => balance.modifyOnce<unknown>(options, f),
      read: () => balance.get,
      refresh: () => balance.refresh,
      die: () => Effect.die("broken")
    }
  })
}) {}

type Accounts = Context.Service.Shape<typeof Account>

/** A node that keeps its states where the others do. */
const nodeOn = (storage: DurableState.StateStore) =>
  node(Account, Layer.provide(Account.layer, Layer.succeed(DurableState.DurableStateStorage, storage)))

const storageOf = (layer: Layer.Layer<DurableState.DurableStateStorage, any>) =>
  Effect.map(Layer.build(layer), Context.get(DurableState.DurableStateStorage))

const memory = storageOf(DurableState.layerMemory)

const storages: ReadonlyArray<
  readonly [string, Effect.Effect<DurableState.StateStore, SqlError.SqlError, Scope.Scope>]
> = [
  ["memory", memory],
  ...databases.map(
    (name) =>
      [
        name,
        Effect.flatMap(open(name), ({ layer, prefix }) =>
          storageOf(Layer.provide(DurableState.layerWith({ prefix }), layer))
        )
      ] as const
  )
]

const reasonOf = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<ActorError.Reason, A> =>
  Effect.map(Effect.flip(effect), (error) =>
    ActorError.isActorError(error) ? error.reason : assert.fail(`expected an ActorError, but got ${String(error)}`)
  )

const stateReasonOf = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.map(Effect.flip(effect), (error) =>
    error instanceof DurableState.DurableStateError
      ? error.reason
      : assert.fail(`expected a DurableStateError, but got ${String(error)}`)
  )

describe.each(storages)("a durable state in %s", (_name, storage) => {
  it.effect("is there again when its instance, or its node, is made anew", () =>
    Effect.gen(function* () {
      const shared = yield* storage
      const first = yield* nodeOn(shared)
      assert.strictEqual(yield* first.get("alice").deposit(10), 10)
      yield* first.stop("alice")
      assert.strictEqual(yield* first.get("alice").deposit(5), 15)
      const second = yield* nodeOn(shared)
      assert.strictEqual(yield* second.get("alice").read(), 15)
      assert.strictEqual(yield* second.get("bob").read(), 0)
    })
  )

  it.effect("is claimed after an epoch if that is the epoch still", () =>
    Effect.gen(function* () {
      const store = yield* storage
      const alice = { actor: "test/Account", key: "alice" }
      assert.strictEqual((yield* store.claim(alice, 0))?.epoch, 1)
      assert.isUndefined(yield* store.claim(alice, 0))
      assert.strictEqual((yield* store.claim(alice, 1))?.epoch, 2)
      assert.isUndefined(yield* store.claim(alice, 1))
      assert.strictEqual((yield* store.claim(alice))?.epoch, 3)
    })
  )

  it.effect("changes by set, update, updateAndGet, modify and modifyEffect", () =>
    Effect.gen(function* () {
      const shared = yield* storage
      const accounts = yield* nodeOn(shared)
      const alice = accounts.get("alice")
      yield* alice.set(100)
      yield* alice.add(1)
      assert.strictEqual(yield* alice.deposit(2), 103)
      assert.strictEqual(yield* alice.take(3), 3)
      assert.strictEqual(yield* alice.withdraw(10), 90)
      assert.strictEqual(yield* (yield* nodeOn(shared)).get("alice").read(), 90)
    })
  )

  it.effect("is not changed by an effect that fails, and the failure arrives as it is", () =>
    Effect.gen(function* () {
      const accounts = yield* nodeOn(yield* storage)
      const alice = accounts.get("alice")
      yield* alice.deposit(3)
      const error = yield* Effect.flip(alice.withdraw(4))
      assert.deepEqual(error, new Overdrawn({ balance: 3 }))
      assert.strictEqual(yield* alice.read(), 3)
    })
  )

  it.effect("dies of a change within a change, which would wait for itself, and goes on", () =>
    Effect.gen(function* () {
      const accounts = yield* nodeOn(yield* storage)
      const alice = accounts.get("alice")
      const exit = yield* Effect.exit(alice.twice(1))
      assert.match(
        String(exit),
        /test\/Account\(alice\): a change of its durable state makes another one, and would wait/
      )
      assert.strictEqual(yield* alice.deposit(2), 2)
    })
  )

  it.effect("loses none of a hundred changes at a time", () =>
    Effect.gen(function* () {
      const accounts = yield* nodeOn(yield* storage)
      const alice = accounts.get("alice")
      const balances = yield* Effect.all(
        Array.from({ length: 100 }, () => alice.deposit(1)),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(
        balances,
        Array.from({ length: 100 }, (_, i) => i + 1)
      )
    })
  )

  it.effect("a change with an id is made once, whoever asks again, and has the result that it had", () =>
    Effect.gen(function* () {
      const shared = yield* storage
      const [first, second] = [yield* nodeOn(shared), yield* nodeOn(shared)]
      assert.strictEqual(yield* first.get("alice").depositOnce("a", 1), 1)
      assert.strictEqual(yield* first.get("alice").deposit(10), 11)
      assert.strictEqual(yield* first.get("alice").depositOnce("a", 1), 1)
      assert.strictEqual(yield* second.get("alice").depositOnce("a", 1), 1)
      assert.strictEqual(yield* second.get("alice").depositOnce("b", 1), 12)
      assert.strictEqual(yield* second.get("alice").read(), 12)
    })
  )

  it.effect("two instances of one key can never both write: the older one is refused, says why, and dies", () =>
    Effect.gen(function* () {
      const shared = yield* storage
      const [frozen, other] = [yield* nodeOn(shared), yield* nodeOn(shared)]
      yield* frozen.get("alice").deposit(1)
      const watched = yield* Effect.forkChild(Actor.watch(frozen.get("alice")), { startImmediately: true })
      // The cluster gives the key to another node, which goes on where this one was.
      assert.strictEqual(yield* other.get("alice").deposit(10), 11)
      const reason = yield* reasonOf(frozen.get("alice").deposit(100))
      assert.strictEqual(reason._tag, "ActorDied")
      assert.match(
        reason.message,
        /test\/Account\.deposit.*another instance of its key has taken over its durable state/
      )
      const death = yield* Fiber.join(watched)
      assert.match(String(death.why), /taken over/)
      assert.strictEqual(yield* other.get("alice").read(), 11)
      // Nothing is broken for good: the next call makes an instance that takes over in its turn.
      assert.strictEqual(yield* frozen.get("alice").deposit(1000), 1011)
      assert.strictEqual((yield* reasonOf(other.get("alice").deposit(1)))._tag, "ActorDied")
    })
  )

  it.effect("an instance that was replaced reads what was true then, until it refreshes", () =>
    Effect.gen(function* () {
      const shared = yield* storage
      const [frozen, other] = [yield* nodeOn(shared), yield* nodeOn(shared)]
      yield* frozen.get("alice").deposit(1)
      assert.strictEqual(yield* frozen.get("alice").refresh(), 1)
      yield* other.get("alice").deposit(1)
      assert.strictEqual(yield* frozen.get("alice").read(), 1)
      assert.strictEqual((yield* reasonOf(frozen.get("alice").refresh()))._tag, "ActorDied")
    })
  )

  it.effect("is gone when it is forgotten, and an instance that is up notices at its next change", () =>
    Effect.gen(function* () {
      const shared = yield* storage
      const accounts = yield* nodeOn(shared)
      const alice = accounts.get("alice")
      yield* alice.depositOnce("a", 5)
      const forget = DurableState.forget({ actor: "test/Account", key: "alice" })
      yield* Effect.provideService(forget, DurableState.DurableStateStorage, shared)
      assert.strictEqual((yield* reasonOf(alice.deposit(1)))._tag, "ActorDied")
      assert.strictEqual(yield* alice.depositOnce("a", 7), 7)
    })
  )

  it.effect("a random history of nodes that take over from each other loses and repeats nothing", () =>
    seeded(
      Effect.gen(function* () {
        const shared = yield* storage
        const nodes = yield* Effect.all([nodeOn(shared), nodeOn(shared), nodeOn(shared)])
        let acknowledged = 0
        const step = Effect.gen(function* () {
          const accounts: Accounts = nodes[yield* Random.nextIntBetween(0, nodes.length - 1)]!
          const n = yield* Random.nextIntBetween(1, 9)
          const exit = yield* Effect.exit(accounts.get("alice").deposit(n))
          if (Exit.isSuccess(exit)) acknowledged += n
        })
        yield* Effect.forEach(Array.from({ length: 20 }), () =>
          Effect.all([step, step, step], { concurrency: "unbounded" })
        )
        const last = yield* nodeOn(shared)
        assert.strictEqual(yield* last.get("alice").read(), acknowledged)
      })
    )
  )
})

describe("values", () => {
  const Profile = Schema.Struct({
    name: Schema.String,
    since: Schema.Date,
    tags: Schema.ReadonlyMap(Schema.String, Schema.BigInt)
  })

  it.effect("come back as the schema says", () =>
    Effect.gen(function* () {
      const storage = yield* memory
      const value = { name: "Ä", since: new Date(5), tags: new Map([["a", 2n ** 70n]]) }
      const take = () =>
        Effect.provideService(
          DurableState.takeOver({ actor: "a", key: "k" }, Profile, { initial: value }),
          DurableState.DurableStateStorage,
          storage
        )
      yield* (yield* take()).update((profile) => ({ ...profile, name: "Ö" }))
      assert.deepStrictEqual(yield* (yield* take()).get, { ...value, name: "Ö" })
    })
  )

  /** The same actor, as a later version of the program defines it. */
  const version = <S>(storage: DurableState.StateStore, schema: Schema.Codec<S, any>, initial: S) => {
    class Versioned extends Actor.Keyed<Versioned>()("test/Versioned", {
      make: (_key: string) =>
        Effect.map(DurableState.make(schema, { initial }), (state) => ({
          read: () => state.get,
          write: (value: S) => state.set(value)
        }))
    }) {}
    return Effect.map(
      node(Versioned, Layer.provide(Versioned.layer, Layer.succeed(DurableState.DurableStateStorage, storage))),
      (service) => service.get("key")
    )
  }

  const V1 = Schema.Struct({ cents: Schema.Int })

  it.effect("of an earlier version get the defaults of new fields", () =>
    Effect.gen(function* () {
      const storage = yield* memory
      yield* (yield* version(storage, V1, { cents: 0 })).write({ cents: 5 })
      const V2 = Schema.Struct({
        ...V1.fields,
        currency: Schema.String.pipe(Schema.withDecodingDefaultKey(Effect.succeed("EUR")))
      })
      const later = yield* version(storage, V2, { cents: 0, currency: "EUR" })
      assert.deepStrictEqual(yield* later.read(), { cents: 5, currency: "EUR" })
    })
  )

  it.effect("of an earlier shape are transformed, and saved in the new one", () =>
    Effect.gen(function* () {
      const storage = yield* memory
      yield* (yield* version(storage, V1, { cents: 0 })).write({ cents: 150 })
      const Euros = Schema.Struct({ euros: Schema.Number })
      const V2 = Schema.Union([
        Euros,
        V1.pipe(
          Schema.decodeTo(
            Euros,
            SchemaTransformation.transform({
              decode: ({ cents }) => ({ euros: cents / 100 }),
              encode: ({ euros }) => ({ cents: euros * 100 })
            })
          )
        )
      ])
      const later = yield* version(storage, V2, { euros: 0 })
      assert.deepStrictEqual(yield* later.read(), { euros: 1.5 })
      yield* later.write({ euros: 2 })
      const row = yield* storage.read({ actor: "test/Versioned", key: "key" })
      assert.strictEqual(row?.value, `{"euros":2}`)
    })
  )

  it.effect("that do not fit fail the call with what does not fit and what to do, and are left as they are", () =>
    Effect.gen(function* () {
      const storage = yield* memory
      yield* (yield* version(storage, V1, { cents: 0 })).write({ cents: 5 })
      const later = yield* version(storage, Schema.Struct({ name: Schema.String }), { name: "" })
      const reason = yield* reasonOf(later.read())
      if (reason._tag !== "ActorDied") return assert.fail(reason._tag)
      assert.match(reason.why, /its constructor failed/)
      assert.match(String(reason.cause), /test\/Versioned\(key\).*does not fit.*name.*union with the old shape/s)
      assert.deepStrictEqual(yield* (yield* version(storage, V1, { cents: 0 })).read(), { cents: 5 })
    })
  )

  it.effect("are changed once for each of the latest ids, and older ids are forgotten", () =>
    Effect.gen(function* () {
      const alice = (yield* nodeOn(yield* memory)).get("alice")
      for (const id of ["a", "b", "c", "d"]) yield* alice.depositOnce(id, 1)
      assert.strictEqual(yield* alice.depositOnce("b", 1), 2)
      assert.strictEqual(yield* alice.depositOnce("a", 1), 5)
    })
  )

  it.effect("die where it is called like modify, and say how it is called", () =>
    Effect.gen(function* () {
      const alice = (yield* nodeOn(yield* memory)).get("alice")
      const change = (n: number) => [n, n + 1]
      for (const args of [[change], [{ id: "a" }, change], [{ result: Schema.Int }]] as const) {
        const cause = Option.getOrThrow(Exit.getCause(yield* Effect.exit(alice.once(...(args as [any, any])))))
        assert.match(String(cause), /alice\): modifyOnce takes options with the schema of its result/)
      }
      assert.strictEqual(yield* alice.read(), 0)
    })
  )

  it.effect("are changed once for each durable call; without an id from anywhere that dies", () =>
    Effect.gen(function* () {
      const alice = (yield* nodeOn(yield* memory)).get("alice")
      yield* alice.deposit(10)
      const call = Effect.provideService(alice.withdrawOnce(4), DurableCall, { id: "call" })
      assert.deepStrictEqual([yield* call, yield* call], [6, 6])
      const refused = Effect.provideService(alice.withdrawOnce(100), DurableCall, { id: "other" })
      assert.deepEqual(yield* Effect.flip(refused), new Overdrawn({ balance: 6 }))
      assert.match(String(Option.getOrThrow(Exit.getCause(yield* Effect.exit(alice.withdrawOnce(1))))), /needs an id/)
      assert.strictEqual(yield* alice.read(), 6)
    })
  )

  it.effect("that are as they are saved are not saved again", () =>
    Effect.gen(function* () {
      const storage = yield* memory
      const account = (yield* nodeOn(storage)).get("alice")
      yield* account.deposit(1)
      yield* account.deposit(0)
      yield* account.take(0)
      assert.strictEqual((yield* storage.read({ actor: "test/Account", key: "alice" }))?.version, 1)
    })
  )
})

describe("where storage fails", () => {
  const failed = new SqlError.SqlError({ reason: new SqlError.ConnectionError({ cause: "gone", message: "gone" }) })

  /** A storage whose next writes do what the test wants. */
  const unreliable = Effect.map(memory, (storage) => {
    const plans: Array<(save: Effect.Effect<boolean, SqlError.SqlError>) => Effect.Effect<boolean, SqlError.SqlError>> =
      []
    let down = false
    const guard = <A>(effect: Effect.Effect<A, SqlError.SqlError>) =>
      Effect.suspend(() => (down ? Effect.fail(failed) : effect))
    const wrapped: DurableState.StateStore = {
      claim: (identity) => guard(storage.claim(identity)),
      read: (identity) => guard(storage.read(identity)),
      clear: (identity) => guard(storage.clear(identity)),
      save: (...args) => guard(plans.shift()?.(storage.save(...args)) ?? storage.save(...args))
    }
    return { storage: wrapped, plans, down: (value: boolean) => Effect.sync(() => (down = value)) }
  })

  it.effect(
    "a change that was not saved fails, and says that it may have been; the next one starts from what is saved",
    () =>
      Effect.gen(function* () {
        const { plans, storage } = yield* unreliable
        const alice = (yield* nodeOn(storage)).get("alice")
        yield* alice.deposit(1)
        plans.push(() => Effect.fail(failed))
        const reason = yield* stateReasonOf(alice.deposit(10))
        assert.strictEqual(reason._tag, "StateUnavailable")
        assert.isTrue(reason.mayHaveSaved)
        assert.match(reason.message, /test\/Account\(alice\).*unavailable.*gone.*may have been saved/)
        assert.strictEqual(yield* alice.deposit(100), 101)
      })
  )

  it.effect("a change that was saved although it failed is there for the next one", () =>
    Effect.gen(function* () {
      const { plans, storage } = yield* unreliable
      const alice = (yield* nodeOn(storage)).get("alice")
      plans.push((save) => Effect.andThen(save, Effect.fail(failed)))
      yield* stateReasonOf(alice.deposit(10))
      assert.strictEqual(yield* alice.read(), 10)
      assert.strictEqual(yield* alice.deposit(100), 110)
    })
  )

  it.effect("a change that arrives after its call was cancelled is applied once or not at all", () =>
    Effect.gen(function* () {
      const { plans, storage } = yield* unreliable
      const alice = (yield* nodeOn(storage)).get("alice")
      let late: Effect.Effect<boolean, SqlError.SqlError> | undefined
      plans.push((save) =>
        Effect.andThen(
          Effect.sync(() => (late = save)),
          Effect.never
        )
      )
      const call = yield* Effect.forkChild(alice.deposit(10), { startImmediately: true })
      yield* settle
      yield* Fiber.interrupt(call)
      assert.strictEqual(yield* alice.read(), 0)
      // It arrives between the reading and the next change, which is tried again on top of it.
      plans.push((save) => Effect.andThen(late!, save))
      assert.strictEqual(yield* alice.deposit(100), 110)
      // And after another change has taken its version, it is refused.
      assert.isFalse(yield* late!)
      assert.strictEqual(yield* alice.refresh(), 110)
    })
  )

  it.effect("a call that is cancelled while it waits for another change changes nothing", () =>
    Effect.gen(function* () {
      const alice = (yield* nodeOn(yield* memory)).get("alice")
      const gate = Latch.makeUnsafe()
      const slow = yield* Effect.forkChild(alice.slowly(Effect.as(gate.await, 1)), { startImmediately: true })
      const waiting = yield* Effect.forkChild(alice.deposit(10), { startImmediately: true })
      yield* Fiber.interrupt(waiting)
      yield* gate.open
      assert.strictEqual(yield* Fiber.join(slow), 1)
      assert.strictEqual(yield* alice.read(), 1)
    })
  )

  it.effect("a storage that does not answer fails the change when its time is over, and lets others go on", () =>
    Effect.gen(function* () {
      const { plans, storage } = yield* unreliable
      const alice = (yield* nodeOn(storage)).get("alice")
      yield* alice.deposit(1)
      plans.push(() => Effect.never)
      const hung = yield* Effect.forkChild(Effect.flip(alice.deposit(10)), { startImmediately: true })
      const next = yield* Effect.forkChild(alice.deposit(100), { startImmediately: true })
      yield* settle
      yield* TestClock.adjust("10 seconds")
      assert.match(String(yield* Fiber.join(hung)), /not saved within 10000 ms/)
      assert.strictEqual(yield* Fiber.join(next), 101)
    })
  )

  it.effect("while it is down calls fail and say so, and once it is up again they go on", () =>
    Effect.gen(function* () {
      const { down, storage } = yield* unreliable
      const accounts = yield* nodeOn(storage)
      const alice = accounts.get("alice")
      yield* alice.deposit(1)
      yield* down(true)
      yield* stateReasonOf(alice.deposit(10))
      const reading = yield* stateReasonOf(alice.read())
      assert.isFalse(reading.mayHaveSaved)
      assert.match(reading.message, /trying again is safe/)
      assert.strictEqual((yield* reasonOf(accounts.get("bob").read()))._tag, "ActorDied")
      yield* down(false)
      assert.strictEqual(yield* alice.deposit(100), 101)
      assert.strictEqual(yield* accounts.get("bob").read(), 0)
    })
  )
})

describe("DurableState.make", () => {
  const causeOf = (effect: Effect.Effect<unknown, ActorError.ActorError>) =>
    Effect.map(reasonOf(effect), (reason) =>
      reason._tag === "ActorDied" ? String(reason.cause) : assert.fail(reason._tag)
    )

  it.effect("in an actor without a key dies, and says what to do", () =>
    Effect.gen(function* () {
      class Plain extends Actor.Service<Plain>()("test/Plain", {
        make: Effect.as(DurableState.make(Schema.Int, { initial: 0 }), { ping: () => Effect.void })
      }) {}
      const exit = yield* Effect.exit(Effect.scoped(Effect.provide(Plain.spawn(), DurableState.layerMemory)))
      assert.match(String(Option.getOrThrow(Exit.getCause(exit))), /test\/Plain.*needs a key.*Actor\.Keyed/)
    })
  )

  it.effect("takes the text of a key that has none of its own, and of an actor without a key", () =>
    Effect.gen(function* () {
      const storage = yield* memory
      class Square extends Actor.Keyed<Square>()("test/Square", {
        make: ({ x, y }: { readonly x: number; readonly y: number }) =>
          Effect.map(DurableState.make(Schema.Int, { initial: 0, key: `${x}/${y}` }), (state) => ({
            add: (n: number) => state.updateAndGet((total) => total + n)
          }))
      }) {}
      class Single extends Actor.Service<Single>()("test/Single", {
        make: Effect.map(DurableState.make(Schema.Int, { initial: 0, key: "the only one" }), (state) => ({
          add: (n: number) => state.updateAndGet((total) => total + n)
        }))
      }) {}
      const kept = Layer.succeed(DurableState.DurableStateStorage, storage)
      const squares = yield* node(Square, Layer.provide(Square.layer, kept))
      yield* squares.get({ x: 1, y: 2 }).add(1)
      assert.strictEqual(yield* squares.get({ x: 2, y: 1 }).add(1), 1)
      const again = yield* node(Square, Layer.provide(Square.layer, kept))
      assert.strictEqual(yield* again.get({ x: 1, y: 2 }).add(1), 2)
      yield* (yield* node(Single, Layer.provide(Single.layer, kept))).add(1)
      assert.strictEqual(yield* (yield* node(Single, Layer.provide(Single.layer, kept))).add(1), 2)
    })
  )

  it.effect("twice in one constructor dies: there is one state for each key", () =>
    Effect.gen(function* () {
      class Twice extends Actor.Keyed<Twice>()("test/Twice", {
        make: (_key: string) =>
          Effect.as(
            Effect.andThen(
              DurableState.make(Schema.Int, { initial: 0 }),
              DurableState.make(Schema.Int, { initial: 0 })
            ),
            { ping: () => Effect.void }
          )
      }) {}
      const twice = yield* node(Twice, Layer.provide(Twice.layer, DurableState.layerMemory))
      assert.match(yield* causeOf(twice.get("a").ping()), /test\/Twice\(a\).*twice.*Schema\.Struct/)
    })
  )

  it.effect("is made again when a defect restarts the instance, and goes on from what is saved", () =>
    Effect.gen(function* () {
      const storage = yield* memory
      const layer = Account.options({ onDefect: "restart", restart: Schedule.recurs(3) }).layer
      const accounts = yield* node(
        Account,
        Layer.provide(layer, Layer.succeed(DurableState.DurableStateStorage, storage))
      )
      const alice = accounts.get("alice")
      yield* alice.deposit(1)
      yield* Effect.exit(alice.die())
      assert.strictEqual(yield* alice.deposit(1), 2)
      assert.strictEqual((yield* storage.read({ actor: "test/Account", key: "alice" }))?.epoch, 2)
    })
  )

  it.effect("takeOver is for tools: the instance that is up dies at its next change", () =>
    Effect.gen(function* () {
      const storage = yield* memory
      const alice = (yield* nodeOn(storage)).get("alice")
      yield* alice.deposit(1)
      const tool = yield* Effect.provideService(
        DurableState.takeOver({ actor: "test/Account", key: "alice" }, Schema.Int, { initial: 0 }),
        DurableState.DurableStateStorage,
        storage
      )
      yield* tool.set(50)
      assert.strictEqual((yield* reasonOf(alice.deposit(1)))._tag, "ActorDied")
      assert.strictEqual(yield* alice.deposit(1), 51)
    })
  )
})

describe("changes that durable methods make once", () => {
  class Card extends Actor.Keyed<Card>()("test/Card", {
    key: Schema.String,
    methods: {
      charge: Delivery.durable(Actor.method({ args: [Schema.String], success: Schema.Int }), { id: (order) => order }),
      refund: Delivery.durable(Actor.method({ args: [Schema.String], success: Schema.Int }), { id: (order) => order })
    }
  }) {}

  it.live("are one for each method and id, so that a call with the id of another method changes the state, too", () => {
    const CardLive = Card.toLayer(() =>
      Effect.map(Effect.orDie(DurableState.make(Schema.Int, { initial: 100 })), (state) => {
        const add = (n: number) =>
          Effect.orDie(state.modifyOnce({ result: Schema.Int }, (cents) => [cents + n, cents + n]))
        return Card.of({ charge: () => add(-10), refund: () => add(10) })
      })
    )
    const live = ClusterHome.layer(Card, CardLive).pipe(
      Layer.provide(DurableState.layer),
      Layer.provideMerge(ClusterHome.layerLocal({ file: ":memory:" }))
    )
    return Effect.gen(function* () {
      const card = yield* Card.get("ada")
      assert.strictEqual(yield* card.charge("order 1"), 90)
      assert.strictEqual(yield* card.refund("order 1"), 100)
      assert.strictEqual(yield* card.charge("order 1"), 90)
      assert.strictEqual(yield* card.charge("order 2"), 90)
    }).pipe(Effect.provide(live))
  })
})

/**
 * Values of users are the user's: looking at them may throw, loop or cost a gigabyte. They cost the call that they
 * belong to at most.
 */
import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorPool, ActorSystem, AsyncHandle, Driver, ObjectRef, Task } from "@troupe/core"
import { Cause, Effect, Equal, Exit, Fiber, Hash, Layer, Logger, Scheduler, Schema, Stream, Tracer } from "effect"
import * as fc from "fast-check"
import { defectOf, errorOf } from "./support.ts"

const seed = Number(process.env.TROUPE_SEED ?? (process.env.CI ? 1 : Date.now() % 2 ** 31))

/** A value with a name, since not even fast-check could print it. */
interface Odd {
  readonly name: string
  readonly make: () => unknown
}

const boom = (): never => {
  throw new Error("boom")
}

const revoked = (target: object): unknown => {
  const { proxy, revoke } = Proxy.revocable(target, {})
  revoke()
  return proxy
}

const throwing = (...names: ReadonlyArray<PropertyKey>): object =>
  Object.defineProperties({}, Object.fromEntries(names.map((name) => [name, { get: boom, enumerable: true }])))

const errorWith = (properties: object): Error => Object.defineProperties(new Error("odd"), properties as any)

const traps = ["get", "has", "getPrototypeOf", "ownKeys", "getOwnPropertyDescriptor", "set", "defineProperty"]

const deep = (levels: number): unknown => {
  let value: unknown = "end"
  for (let i = 0; i < levels; i++) value = { value }
  return value
}

class Moody {
  [Hash.symbol](): number {
    return boom()
  }
  [Equal.symbol](): boolean {
    return boom()
  }
}

const makers: Record<string, () => unknown> = {
  "a revoked Proxy": () => revoked({}),
  "a revoked Proxy of an array": () => revoked([]),
  "a revoked Proxy of a function": () => revoked(() => {}),
  "a revoked Proxy of an Error": () => revoked(new Error("odd")),
  "a revoked Proxy of an Effect": () => revoked(Effect.void),
  "a Proxy that throws": () => new Proxy({}, Object.fromEntries(traps.map((trap) => [trap, boom]))),
  "a Proxy of an Error that throws": () => new Proxy(new Error("odd"), { get: boom }),
  "a Proxy of a ref that throws": () => new Proxy(ObjectRef.succeed(1), { get: boom }),
  "no prototype": () => Object.assign(Object.create(null), { code: 1 }),
  "an error without prototype": () => Object.setPrototypeOf(new Error("odd"), null),
  "throwing properties": () => throwing("message", "name", "reason", "stack", "_tag", "cause", "then", "toString"),
  "throwing conversions": () => ({ toString: boom, toJSON: boom, valueOf: boom, [Symbol.toPrimitive]: boom }),
  "a throwing then": () => throwing("then"),
  "a throwing iterator": () => throwing(Symbol.iterator, "next"),
  "an error with a throwing message": () => errorWith({ message: { get: boom } }),
  "an error with a throwing name": () => errorWith({ name: { get: boom } }),
  "an error with a throwing stack": () => errorWith({ stack: { get: boom } }),
  "an error with a throwing cause": () => errorWith({ cause: { get: boom } }),
  "an error with a throwing toString": () => errorWith({ toString: { value: boom }, toJSON: { value: boom } }),
  "an error with a symbol for a name": () => errorWith({ name: { value: Symbol("name") } }),
  "an error with an object for a message": () => errorWith({ message: { value: Object.create(null) } }),
  "an error with a throwing reason": () => errorWith({ _tag: { value: "ActorError" }, reason: { get: boom } }),
  "a toString that gives no text": () => ({ toString: () => ({}) }),
  "a symbol": () => Symbol("odd"),
  "a BigInt": () => 10n ** 40n,
  "a cycle": () => {
    const cycle: Record<string, unknown> = {}
    cycle.cycle = cycle
    return cycle
  },
  "a long string": () => "long ".repeat(50_000),
  "a long array": () => new Array(10_000).fill({}),
  "many bytes": () => new Uint8Array(100_000),
  "deep nesting": () => deep(10_000),
  "a lone surrogate": () => "\ud800",
  undefined: () => undefined,
  null: () => null,
  NaN: () => Number.NaN,
  "an invalid Date": () => new Date(Number.NaN),
  "a class": () => class {},
  "hash and equality that throw": () => new Moody()
}

const odd: fc.Arbitrary<Odd> = fc.oneof(
  ...Object.entries(makers).map(([name, make]) => fc.constant({ name, make })),
  fc.constantFrom(...Object.keys(makers)).map((name) => ({
    name: `${name}, inside`,
    make: () => ({ list: [makers[name]!()], map: new Map([[1, makers[name]!()]]) })
  })),
  fc.constantFrom(...Object.keys(makers)).map((name) => ({
    name: `an error about ${name}`,
    make: () => Object.assign(new Error("odd", { cause: makers[name]!() }), { value: makers[name]!() })
  })),
  fc
    .anything({ withBigInt: true, withNullPrototype: true, withMap: true })
    .map((value) => ({ name: "anything", make: () => value }))
)

class Sink extends Actor.Service<Sink>()("test/Sink", {
  maxPendingCalls: 2,
  make: (born: () => unknown = () => undefined) => {
    born()
    return Effect.succeed({
      take: (_: unknown) => Effect.void,
      give: (make: () => unknown) => Effect.sync(make),
      giveLater: (make: () => unknown) => Effect.andThen(Effect.yieldNow, Effect.sync(make)),
      fail: (make: () => unknown) => Effect.suspend(() => Effect.fail(make())),
      failLater: (make: () => unknown) =>
        Effect.andThen(
          Effect.yieldNow,
          Effect.suspend(() => Effect.fail(make()))
        ),
      die: (make: () => unknown) => Effect.suspend(() => Effect.die(make())),
      raise: (make: () => unknown): Effect.Effect<void> => {
        throw make()
      },
      /** No Effect at all, as from untyped code. */
      odd: (make: () => unknown) => make() as Effect.Effect<unknown>,
      oddLater: (make: () => unknown) => Effect.andThen(Effect.yieldNow, () => make() as Effect.Effect<unknown>),
      items: (make: () => unknown) =>
        Stream.concat(
          Stream.sync(make),
          Stream.suspend(() => Stream.fail(make()))
        ),
      ping: () => Effect.succeed("pong")
    })
  }
}) {}

type SinkHandle = Effect.Success<ReturnType<typeof Sink.spawn>>
type Way = Exclude<keyof SinkHandle & string, "ping" | "take" | "items">
const ways: ReadonlyArray<Way> = ["give", "giveLater", "fail", "failLater", "die", "raise", "odd"]

class Boxes extends Actor.Keyed<Boxes>()("test/Box", {
  make: (_: unknown) => Effect.succeed({ open: () => Effect.succeed(1) })
}) {}

/** Looks at a ref in every way there is. None may throw. */
const lookAt = (ref: ObjectRef.ObjectRef<unknown, unknown>) =>
  Effect.gen(function* () {
    assert.isBelow(String(ref).length, 2000)
    assert.isBelow(JSON.stringify({ ref }).length, 4000)
    assert.isBelow(inspect(ref).length, 2000)
    assert.isBelow((yield* ObjectRef.explain(ref)).length, 3000)
  })

const lookAtAll = Effect.gen(function* () {
  const snapshot = yield* ActorSystem.snapshot()
  assert.isString(JSON.stringify(snapshot))
  assert.isString(inspect(snapshot))
  return snapshot
})

/** Counts the events of everything, and hears the logs. */
const watched = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const events: Array<ActorSystem.Event> = []
    yield* ActorSystem.watch((event) => void events.push(event))
    const result = yield* effect
    assert.isString(JSON.stringify(events))
    return result
  }).pipe(Effect.scoped, Effect.provide(Layer.fresh(ActorSystem.layer)))

const holds = (property: fc.IAsyncPropertyWithHooks<[Odd]>) => fc.assert(property, { seed, numRuns: 150 })

/** Runs `test` with many odd values. A test that hangs is a failed one. */
const forAnyValue = (name: string, test: (odd: Odd) => Effect.Effect<unknown, unknown, any>) =>
  it(name, { timeout: 60_000 }, async () => {
    const property = fc.asyncProperty(odd, (odd) =>
      Effect.runPromise(
        test(odd).pipe(
          Effect.timeoutOrElse({
            duration: "10 seconds",
            orElse: () => Effect.die(new Error(`${odd.name}: it hangs`))
          }),
          Effect.asVoid
        ) as Effect.Effect<void>
      )
    )
    await holds(property)
  })

/** What is pending comes back to nothing, and the actor goes on. */
const isFine = (sink: SinkHandle) =>
  Effect.gen(function* () {
    assert.strictEqual(yield* sink.ping(), "pong")
    const { instances } = yield* lookAtAll
    const own = instances.filter(({ actor }) => actor === "test/Sink")
    assert.deepStrictEqual(
      own.map(({ pending, permits }) => [pending, permits.running, permits.waiting]),
      own.map(() => [0, 0, 0])
    )
  })

describe("1.11", () => {
  forAnyValue("1.11 any value may be an argument", ({ make, name }) =>
    watched(
      Effect.gen(function* () {
        const sink = yield* Sink.spawn()
        // A ref that cannot be waited for is none that a method could have. Inside another value it is passed on as it is.
        const isRef = name.startsWith("a Proxy of a ref") && !name.endsWith(", inside")
        const expected = isRef ? "Failure" : "Success"
        for (let i = 0; i < 3; i++) {
          assert.strictEqual((yield* Effect.exit(sink.take(make())))._tag, expected)
          const ref = yield* sink.take.remote(make())
          yield* lookAt(ref)
          assert.strictEqual((yield* Effect.exit(ref))._tag, expected)
        }
        yield* yield* sink.take.remote(ObjectRef.succeed(make()))
        yield* Effect.exit(Effect.tryPromise(async () => AsyncHandle.make(sink).take(make())))
        yield* isFine(sink)
      })
    )
  )

  forAnyValue("1.11 any value may be a result, an error or a defect", ({ make }) =>
    watched(
      Effect.gen(function* () {
        const sink = yield* Sink.spawn()
        for (const way of ways) {
          const asked = yield* Effect.exit(sink[way](make))
          const ref: ObjectRef.ObjectRef<unknown, unknown> = yield* sink[way].remote(make)
          const exit = yield* Effect.exit(ref)
          assert.strictEqual(exit._tag, asked._tag, way)
          yield* lookAt(ref)
          yield* Effect.promise(async () => ref.then(undefined, () => {}))
          yield* Effect.promise(async () => AsyncHandle.make(sink)[way](make)).pipe(Effect.exit)
          yield* isFine(sink)
        }
        yield* Effect.exit(Stream.runDrain(sink.items(make)))
        yield* isFine(sink)
      })
    )
  )

  forAnyValue("1.11 any value may end an instance, whose other calls say so", ({ make }) =>
    watched(
      Effect.gen(function* () {
        const born = yield* Effect.exit(
          Sink.spawn(() => {
            throw make()
          }) as Effect.Effect<unknown>
        )
        assert.isTrue(Exit.isFailure(born))
        const sink = yield* Sink.options({ onDefect: "stop" }).spawn()
        yield* Effect.exit(sink.die(make))
        const exit = yield* Effect.exit(sink.ping())
        assert.isTrue(Exit.isFailure(exit))
        if (Exit.isFailure(exit)) {
          const error = Cause.squash(exit.cause)
          assert.match(Cause.pretty(exit.cause), /the actor died/)
          for (const text of [String(error), JSON.stringify(error), inspect(error)]) assert.isString(text)
        }
        yield* lookAtAll
      })
    )
  )

  forAnyValue(
    "1.11 any value may be retried, checked against a contract, traced, and run by tasks and pools",
    ({ make }) =>
      Effect.gen(function* () {
        const retried = Task.make("test/retried", () => Effect.suspend(() => Effect.fail(make())), {
          maxTaskRetries: 1,
          retry: (error: any) => error.message === "odd"
        })
        assert.isTrue(Exit.isFailure(yield* Effect.exit(retried())))
        class Checked extends Actor.Service<Checked>()("test/Checked", {
          methods: { same: Actor.method({ args: [Schema.Struct({ a: Schema.Number })], success: Schema.Number }) }
        }) {}
        const checked = yield* Checked.toFactory(Effect.succeed({ same: () => Effect.succeed(1) }), {
          validate: true
        }).spawn()
        yield* Effect.exit(checked.same(make() as any))
        assert.strictEqual(yield* checked.same({ a: 1 }), 1)
        const pool = yield* ActorPool.make({ spawn: Sink.spawn(), size: 1, callsPerMember: 1 } as any)
        for (const work of [
          () => make(),
          () => Effect.sync(make),
          () => Effect.fail(make()),
          () => Effect.die(make())
        ]) {
          yield* Effect.exit(pool.run(work as any))
          yield* Effect.exit(
            pool.run(() => {
              throw make()
            })
          )
        }
        assert.strictEqual(yield* pool.run((sink: any) => sink.ping()), "pong")
      }).pipe(Effect.withSpan("outer"), Effect.scoped)
  )

  forAnyValue(
    "1.11 any value may stand where a ref, a handle, a task or an option is wanted: it is refused in words",
    ({ make }) =>
      Effect.gen(function* () {
        const sink = yield* Sink.spawn()
        const refused: ReadonlyArray<() => unknown> = [
          () => Actor.stop(make() as any),
          () => Task.resize(make() as any, 1),
          () => Sink.options({ maxConcurrency: make() as any, overflow: make() as any }),
          () => Actor.Service<any>()(make() as any, { make: Effect.succeed({}) })
        ]
        for (const misuse of refused) {
          const exit = yield* Effect.exit(Effect.suspend(() => Effect.succeed(misuse())))
          if (Exit.isFailure(exit)) assert.isBelow(Cause.pretty(exit.cause).length, 20_000)
        }
        assert.isBoolean(Actor.isHandle(make()))
        assert.isBoolean(ObjectRef.isObjectRef(make()))
        const error: any = yield* defectOf(Effect.suspend(() => ObjectRef.all([make() as any])))
        assert.match(error.message, /takes ObjectRefs, but got|boom/)
        yield* isFine(sink)
      }).pipe(Effect.scoped, Effect.provide(Layer.fresh(ActorSystem.layer)))
  )

  forAnyValue("1.11 a retry may throw any value: its call has failed, and is over", ({ make }) =>
    watched(
      Effect.gen(function* () {
        const throwing = () => {
          throw make()
        }
        const sink = yield* Sink.options({ maxTaskRetries: 1, retry: throwing }).spawn()
        assert.isTrue(Exit.isFailure(yield* Effect.exit(sink.fail(make))))
        yield* isFine(sink)
      })
    )
  )

  it.effect("1.11 a callback of a fiber that waits may throw: the others hear of the result all the same", () =>
    Effect.gen(function* () {
      const sink = yield* Sink.spawn()
      const ref = yield* sink.giveLater.remote(() => 1)
      const bad = Effect.runFork(Effect.asVoid(ref))
      bad.addObserver(boom)
      const good = yield* Effect.forkChild(ref, { startImmediately: true })
      assert.strictEqual(yield* Fiber.join(good), 1)
      assert.strictEqual(yield* sink.ping(), "pong")
    })
  )

  it.effect("1.11 a scheduler may throw: its calls are run by another", () =>
    Effect.gen(function* () {
      const bad: Scheduler.Scheduler = {
        executionMode: "async",
        shouldYield: () => false,
        makeDispatcher: () => ({ scheduleTask: boom, flush: () => {} })
      }
      const sink = yield* Sink.spawn()
      const ref = yield* Effect.provideService(
        sink.give.remote(() => 1),
        Scheduler.Scheduler,
        bad
      )
      assert.strictEqual(yield* ref, 1)
      assert.strictEqual(yield* sink.ping(), "pong")
    })
  )

  it.effect("1.11 a Promise that a method returns by mistake is refused, and does not end the process", () =>
    Effect.gen(function* () {
      const unhandled: Array<unknown> = []
      const listen = (reason: unknown) => unhandled.push(reason)
      process.on("unhandledRejection", listen)
      const rejecting: any = async () => boom()
      const untyped: () => Effect.Effect<unknown> = rejecting
      class Async extends Actor.Service<Async>()("test/Async", {
        make: Effect.succeed({ bad: untyped, items: untyped, ping: () => Effect.succeed("pong") })
      }) {}
      class Unmade extends Actor.Service<Unmade>()("test/Unmade", { make: rejecting }) {}
      const actor = yield* Async.spawn()
      const pool = yield* ActorPool.make({ spawn: Async.spawn(), size: 1 })
      const misuses: ReadonlyArray<any> = [
        actor.bad(),
        Effect.flatMap(actor.bad.remote(), (ref) => ref),
        Stream.runDrain(actor.items() as any),
        Unmade.spawn(),
        Task.make("test/async", rejecting)(),
        pool.run(rejecting)
      ]
      for (const misuse of misuses) {
        const defect = yield* defectOf(misuse as Effect.Effect<unknown>)
        assert.match(String(defect), /returned a Promise/)
      }
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      process.off("unhandledRejection", listen)
      assert.deepStrictEqual(unhandled, [])
      assert.strictEqual(yield* actor.ping(), "pong")
    }).pipe(Effect.scoped)
  )
})

describe("11.2", () => {
  const tracers: Record<string, Tracer.Tracer> = {
    "to begin a span": Tracer.make({ span: boom }),
    "at an attribute and the end": Tracer.make({
      span: (options) => Object.assign(Tracer.nativeTracer.span(options), { attribute: boom, event: boom, end: boom })
    })
  }
  for (const [when, tracer] of Object.entries(tracers)) {
    it.effect(`11.2 a call goes on without its span if the Tracer throws: ${when}`, () =>
      Effect.gen(function* () {
        const sink = yield* Sink.options({ maxTaskRetries: 1, retry: true }).spawn()
        const traced = Effect.provideService(Tracer.Tracer, tracer)
        assert.strictEqual(yield* traced(sink.give(() => 1)), 1)
        assert.strictEqual(yield* errorOf(traced(sink.failLater(() => "no"))), "no")
        const ref = yield* traced(sink.giveLater.remote(() => 2))
        assert.strictEqual(yield* ref, 2)
        yield* isFine(sink)
      }).pipe(Effect.scoped, Effect.provide(Layer.fresh(ActorSystem.layer)))
    )
  }
})

describe("7.2", () => {
  forAnyValue("7.2 any value may be a key: where it cannot be told from others, its calls say so", ({ make }) =>
    Effect.gen(function* () {
      const boxes = yield* Boxes
      const key = make()
      const box = boxes.get(key)
      const exit = yield* Effect.exit(box.open())
      if (Exit.isFailure(exit)) {
        assert.match(String(Cause.squash(exit.cause)), /test\/Box\(.*\): this key cannot be hashed and compared/s)
      }
      assert.isString(JSON.stringify(box))
      for (const text of [String(box), inspect(box)]) assert.isBelow(text.length, 300)
      yield* Effect.exit(boxes.stop(key))
      yield* lookAtAll
      assert.strictEqual(yield* boxes.get("a").open(), 1)
    }).pipe(Effect.provide(Layer.provideMerge(Boxes.layer, Layer.fresh(ActorSystem.layer))))
  )

  it.effect("7.2 keys that differ have labels that differ, but for a number and its digits", () =>
    Effect.gen(function* () {
      const boxes = yield* Boxes
      const long = "x".repeat(1000)
      const keys = [
        { tenant: "acme" },
        { tenant: "other" },
        Object.assign(Object.create(null), { tenant: "bare" }),
        ["acme", 1],
        ["acme", "1"],
        new Date(0),
        new Date(1),
        new Map([["a", 1]]),
        `${long}a`,
        `${long}b`,
        { text: `${long}a` },
        { text: `${long}b` },
        "\ud800",
        "\ud801",
        "acme"
      ]
      assert.strictEqual(new Set(keys.map((key) => Buffer.from(String(boxes.get(key))).toString())).size, keys.length)
      assert.strictEqual(String(boxes.get({ tenant: "acme" })), 'test/Box({"tenant":"acme"})')
      assert.strictEqual(String(boxes.get("acme")), "test/Box(acme)")
      assert.strictEqual(String(boxes.get(7)), "test/Box(7)")
      assert.strictEqual(String(boxes.get("7")), "test/Box(7)")
    }).pipe(Effect.provide(Boxes.layer))
  )
})

it.effect("6.6 a finalizer that dies of any value is logged", () =>
  Effect.gen(function* () {
    const logged: Array<string> = []
    const logger = Logger.make(({ cause, message }) => logged.push(`${message} ${Cause.pretty(cause)}`))
    class Ends extends Actor.Service<Ends>()("test/Ends", {
      make: Effect.as(
        Effect.addFinalizer(() => Effect.die(throwing("message"))),
        { ping: () => Effect.void }
      )
    }) {}
    yield* Effect.scoped(Ends.spawn()).pipe(Effect.provide(Logger.layer([logger])))
    assert.match(logged.join("\n"), /A finalizer of test\/Ends .*message.*unreadable/s)
  })
)

describe("mistakes of untyped code", () => {
  class Room extends Actor.Keyed<Room>()("test/Room", {
    make: (_key: string) => Effect.succeed({ say: () => Effect.void, lines: () => Stream.make(1, 2) })
  }) {}

  it.effect("1.11 a keyed service and the prototype of handles can be printed, also once there are instances", () =>
    Effect.gen(function* () {
      const rooms = yield* Room
      assert.strictEqual(inspect(rooms), "test/Room(0 keys)")
      yield* rooms.get("a").say()
      assert.strictEqual(inspect(rooms), "test/Room(1 key)")
      class Counter extends Actor.Service<Counter>()("test/Counter", {
        make: Effect.succeed({ add: () => Effect.void })
      }) {}
      const prototype = Object.getPrototypeOf(yield* Counter.spawn())
      assert.strictEqual(inspect(prototype), "test/Counter")
      assert.strictEqual(JSON.stringify(prototype), '{"_id":"Actor","actor":"test/Counter","methods":["add"]}')
    }).pipe(Effect.scoped, Effect.provide(Room.layer))
  )

  it.effect("5.7 cancel, cancelAll, get and wait refuse options that they have not, and records", () =>
    Effect.gen(function* () {
      const refs = ObjectRef as any
      const defect = (effect: () => Effect.Effect<unknown, unknown, any>) =>
        Effect.map(defectOf(Effect.provide(Effect.suspend(effect) as Effect.Effect<unknown>, Driver.layer)), String)
      const ref = ObjectRef.succeed(1)
      assert.include(yield* defect(() => refs.cancel(ref, { recursiv: false })), 'no option "recursiv"')
      assert.include(yield* defect(() => refs.cancelAll([ref], { recursiv: false })), 'no option "recursiv"')
      assert.include(yield* defect(() => refs.get(ref, { timout: 1 })), 'no option "timout"')
      assert.include(yield* defect(() => refs.wait([ref], { num_returns: 1 })), 'no option "num_returns"')
      assert.include(yield* defect(() => refs.cancelAll({ ref })), "ObjectRef.cancelAll takes ObjectRefs in an array")
      assert.include(yield* defect(() => refs.cancel(Promise.resolve(1))), "keep the ref itself")
    })
  )

  it.effect("1.1 for await over a call throws, and says how a Stream is iterated", () =>
    Effect.gen(function* () {
      const rooms = yield* Room
      const call: any = rooms.get("a").lines()
      const error = yield* Effect.flip(
        Effect.tryPromise({
          try: async () => {
            for await (const _ of call);
          },
          catch: String
        })
      )
      assert.include(error, "AsyncHandle.make(handle)")
    }).pipe(Effect.provide(Room.layer))
  )

  it.effect("7.4 a pool refuses a spawn that is no Effect", () =>
    Effect.gen(function* () {
      const defect = yield* defectOf(
        Effect.scoped(ActorPool.make({ spawn: (() => Room) as unknown as Effect.Effect<object>, size: 1 }))
      )
      assert.strictEqual(
        String(defect),
        "TypeError: ActorPool: spawn must be an Effect, like Counter.spawn(), but is a function"
      )
    })
  )
})

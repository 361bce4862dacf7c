import { assert, describe, it } from "@effect/vitest"
import { Actor, type ActorError, ObjectRef } from "@troupe/core"
import { Context, Effect, Exit, Layer, Schema, SchemaTransformation, Stream } from "effect"
import { defectOf, errorOf, Probe, reasonOf } from "./support.ts"

class Overflow extends Schema.TaggedError<Overflow>()("Overflow", { limit: Schema.Number }) {}

class Counter extends Actor.Service<Counter>()("test/Counter", {
  methods: {
    increment: Actor.method({ args: [Schema.Int], success: Schema.Int, error: Overflow }),
    add: Actor.method({ payload: { by: Schema.Int, note: Schema.optional(Schema.String) }, success: Schema.Int }),
    ticks: Actor.method({ args: [Schema.Int], success: Schema.Int, stream: true }),
    reset: Actor.method(),
    lie: Actor.method({ success: Schema.Int })
  }
}) {}

const implementation = (limit = 10) => {
  let count = 0
  const set = (value: number) => {
    count = value
    return count
  }
  return Counter.of({
    increment: (by) =>
      Effect.suspend(() =>
        count + by > limit ? Effect.fail(new Overflow({ limit })) : Effect.succeed(set(count + by))
      ),
    add: ({ by }) => Effect.sync(() => set(count + by)),
    ticks: (n) => (n < 0 ? Stream.make(1, 2.5) : Stream.range(1, n)),
    reset: () => Effect.sync(() => void set(0)),
    lie: () => Effect.succeed(1.5)
  })
}

const layer = (options?: Actor.InstanceOptions) => Counter.toLayer(Effect.sync(implementation), options)

const withCounter = <A, E, R>(
  f: (counter: Counter["Service"]) => Effect.Effect<A, E, R>,
  options?: Actor.InstanceOptions
) => Effect.provide(Effect.flatMap(Counter, f), layer(options))

describe("a contract in process", () => {
  it.effect("its methods are called like those of any actor: asks, refs, streams, typed errors", () =>
    withCounter((counter) =>
      Effect.gen(function* () {
        assert.strictEqual(yield* counter.increment(1), 1)
        const ref = yield* counter.increment.remote(2)
        assert.strictEqual(yield* counter.increment(ref), 6)
        const error: Overflow | ActorError.ActorError = yield* errorOf(counter.increment(100))
        assert.instanceOf(error, Overflow)
        assert.deepStrictEqual(yield* Stream.runCollect(counter.ticks(3)), [1, 2, 3])
        const reset: Effect.Effect<void, ActorError.ActorError> = counter.reset()
        assert.isUndefined(yield* reset)
        assert.strictEqual(yield* counter.increment(1), 1)
      })
    )
  )

  it.effect("payload: one object instead of positional arguments", () =>
    withCounter((counter) =>
      Effect.gen(function* () {
        assert.strictEqual(yield* counter.add({ by: 2 }), 2)
        assert.strictEqual(yield* counter.add({ by: 2, note: "again" }), 4)
        assert.strictEqual(yield* counter.add(ObjectRef.succeed({ by: 1 })), 5)
      })
    )
  )

  it("of gives the implementation as it is", () => {
    const methods = implementation()
    assert.strictEqual(Counter.of(methods), methods)
  })

  it("the contract exists at run time: methods by name, with their schemas", () => {
    assert.deepStrictEqual(Object.keys(Counter.methods), ["increment", "add", "ticks", "reset", "lie"])
    const { increment, reset, ticks } = Counter.methods
    assert.strictEqual(increment.success, Schema.Int)
    assert.strictEqual(increment.error, Overflow)
    assert.deepStrictEqual([...increment.args], [Schema.Int])
    assert.deepStrictEqual([increment.stream, ticks.stream], [false, true])
    assert.deepStrictEqual([reset.args.length, reset.success, reset.error], [0, Schema.Void, Schema.Never])
  })

  it.effect("toLayer takes what the constructor and the methods require, and its options", () =>
    Effect.gen(function* () {
      class Db extends Context.Service<Db, { readonly start: number }>()("test/Db") {}
      class Mail extends Context.Service<Mail, number>()("test/Mail") {}
      const probe = new Probe()
      const live: Layer.Layer<Counter, never, Db | Mail> = Counter.toLayer(
        Effect.gen(function* () {
          const { start } = yield* Db
          yield* Effect.acquireRelease(probe.note("made"), () => probe.note("gone"))
          return Counter.of({ ...implementation(), increment: (by) => Effect.map(Mail, (mail) => start + by + mail) })
        }),
        { maxConcurrency: 1 }
      )
      const services = Layer.mergeAll(Layer.succeed(Db)({ start: 40 }), Layer.succeed(Mail)(1))
      const program = Effect.flatMap(Counter, (counter) => counter.increment(1))
      assert.strictEqual(yield* Effect.provide(program, Layer.provide(live, services)), 42)
      assert.deepStrictEqual(probe.log, ["made", "gone"])
    })
  )

  it.effect("toFactory gives all ways to bring up instances: layer, layerArgs, spawn, options", () =>
    Effect.gen(function* () {
      const factory = Counter.toFactory((limit: number) => Effect.sync(() => implementation(limit)))
      const small = yield* factory.spawn(1)
      const large = yield* factory.options({ maxConcurrency: 1 }).spawn(100)
      assert.instanceOf(yield* errorOf(small.increment(2)), Overflow)
      assert.strictEqual(yield* large.increment(50), 50)
      const program = Effect.flatMap(Counter, (counter) => counter.increment(5))
      assert.strictEqual(yield* Effect.provide(program, factory.layerArgs(5)), 5)
    })
  )

  it.effect("an implementation without one of the methods fails the start, and names it", () =>
    Effect.gen(function* () {
      const { reset: _, ...rest } = implementation()
      const incomplete = Counter.toFactory(Effect.succeed(rest as ReturnType<typeof implementation>))
      const defect = yield* defectOf(Effect.scoped(incomplete.spawn()))
      assert.instanceOf(defect, TypeError)
      assert.match(String(defect), /test\/Counter.*"reset"/)
    })
  )

  it.effect("6.2 what the implementation has besides the contract fails the start, and is named", () =>
    Effect.gen(function* () {
      const more = { ...implementation(), secret: () => Effect.succeed("secret") }
      const factory = Counter.toFactory(Effect.succeed<ReturnType<typeof implementation>>(more))
      assert.match(
        String(yield* defectOf(Effect.scoped(factory.spawn()))),
        /test\/Counter: its contract has no method "secret", it has increment, .*Add it to the contract/
      )
    })
  )

  it.effect("6.2 an implementation may be the instance of a class: what else its class has stays inside", () =>
    Effect.gen(function* () {
      class Live {
        private count = 0
        private add_(by: number) {
          return Effect.sync(() => (this.count += by))
        }
        increment(by: number) {
          return this.add_(by)
        }
        add(payload: { readonly by: number }) {
          return this.add_(payload.by)
        }
        ticks(n: number) {
          return Stream.range(1, n)
        }
        reset() {
          return Effect.sync(() => {
            this.count = 0
          })
        }
        lie() {
          return Effect.succeed(1.5)
        }
      }
      const counter = yield* Counter.toFactory(Effect.sync(() => new Live())).spawn()
      assert.strictEqual(yield* counter.increment(1), 1)
      assert.strictEqual(yield* counter.add({ by: 2 }), 3)
      assert.throws(() => (counter as any).add_(1), TypeError, /test\/Counter has no method "add_"/)
    })
  )

  it.effect("no schema is run by default", () =>
    Effect.gen(function* () {
      let runs = 0
      const counted = Schema.Number.check(
        Schema.makeFilter(() => {
          runs++
          return true
        })
      )
      class Counted extends Actor.Service<Counted>()("test/Counted", {
        methods: { echo: Actor.method({ args: [counted], success: counted }) }
      }) {}
      const echo = Effect.succeed({ echo: (n: number) => Effect.succeed(n) })
      const program = Effect.flatMap(Counted, (counted) => Effect.andThen(counted.echo(1), counted.echo.remote(2)))
      yield* Effect.provide(program, Counted.toLayer(echo))
      assert.strictEqual(runs, 0)
      yield* Effect.provide(program, Counted.toLayer(echo, { validate: true }))
      assert.isAbove(runs, 0)
      yield* withCounter((counter) => Effect.map(counter.increment(0.5), (n) => assert.strictEqual(n, 0.5)))
    })
  )
})

describe("validate: true", () => {
  const validated = <A, E, R>(f: (counter: Counter["Service"]) => Effect.Effect<A, E, R>) =>
    withCounter(f, { validate: true })

  it.effect("good calls pass", () =>
    validated((counter) =>
      Effect.gen(function* () {
        assert.strictEqual(yield* counter.increment(1), 1)
        assert.strictEqual(yield* counter.increment(ObjectRef.succeed(2)), 3)
        assert.strictEqual(yield* counter.add({ by: 1 }), 4)
        yield* counter.reset()
        assert.deepStrictEqual(yield* Stream.runCollect(counter.ticks(2)), [1, 2])
        assert.instanceOf(yield* errorOf(counter.increment(100)), Overflow)
      })
    )
  )

  it.effect(
    "an argument that does not fit fails the call with DecodeError, which names it; the body does not run",
    () =>
      validated((counter) =>
        Effect.gen(function* () {
          for (const call of [
            counter.increment(1.5),
            counter.increment("1" as never),
            counter.increment(ObjectRef.succeed(1.5)),
            Effect.flatten(counter.increment.remote(1.5))
          ]) {
            const reason = yield* reasonOf(call)
            assert.deepInclude(reason, {
              _tag: "DecodeError",
              actor: "test/Counter",
              method: "increment",
              mayHaveRun: false
            })
            assert.include(reason.message, "argument 1")
            assert.isFalse(reason.retrySafe)
          }
          assert.include((yield* reasonOf(counter.add({ by: 1.5 }))).message, "by")
          assert.include((yield* reasonOf(counter.add({} as never))).message, "by")
          assert.strictEqual(yield* counter.increment(1), 1, "nothing has run")
        })
      )
  )

  it.effect("too few or too many arguments are a DecodeError, too", () =>
    validated((counter) =>
      Effect.gen(function* () {
        const increment: (...args: Array<unknown>) => Effect.Effect<unknown, unknown> = counter.increment as never
        assert.match((yield* reasonOf(increment())).message, /takes 1 argument, but got 0/)
        assert.match((yield* reasonOf(increment(1, 2))).message, /takes 1 argument, but got 2/)
      })
    )
  )

  it.effect("arguments whose schemas are optional may be left out, and no others", () =>
    Effect.gen(function* () {
      class Sum extends Actor.Service<Sum>()("test/Sum", {
        methods: {
          add: Actor.method({ args: [Schema.Int, Schema.optionalKey(Schema.Int)], success: Schema.Int }),
          late: Actor.method({ args: [Schema.optional(Schema.Int), Schema.Int], success: Schema.Int })
        }
      }) {}
      const live = {
        add: (a: number, b = 10) => Effect.succeed(a + b),
        late: (_: unknown, b: number) => Effect.succeed(b)
      }
      const sum = yield* Sum.toFactory(Effect.succeed(live), { validate: true }).spawn()
      assert.deepStrictEqual([yield* sum.add(1), yield* sum.add(1, 2), yield* sum.late(undefined, 3)], [11, 3, 3])
      const untyped: Record<string, (...args: Array<unknown>) => Effect.Effect<unknown, unknown>> = sum as never
      assert.match((yield* reasonOf(untyped.add!())).message, /takes 2 arguments, but got 0/)
      assert.match((yield* reasonOf(untyped.add!(1, 2, 3))).message, /takes 2 arguments, but got 3/)
      assert.match((yield* reasonOf(untyped.late!(1))).message, /takes 2 arguments, but got 1/)
    })
  )

  it.effect("a result that does not fit is a DecodeError, which may have run", () =>
    validated((counter) =>
      Effect.gen(function* () {
        const reason = yield* reasonOf(counter.lie())
        assert.deepInclude(reason, { _tag: "DecodeError", method: "lie", mayHaveRun: true })
        assert.include(reason.message, "result")
      })
    )
  )

  it.effect("a stream's arguments and items are held to the contract", () =>
    validated((counter) =>
      Effect.gen(function* () {
        const reason = yield* reasonOf(Stream.runDrain(counter.ticks(1.5)))
        assert.deepInclude(reason, { _tag: "DecodeError", method: "ticks", mayHaveRun: false })
        const seen: Array<number> = []
        const item = yield* reasonOf(Stream.runForEach(counter.ticks(-1), (n) => Effect.sync(() => seen.push(n))))
        assert.deepInclude(item, { _tag: "DecodeError", method: "ticks", mayHaveRun: true })
        assert.notInclude(seen, 2.5)
      })
    )
  )

  it.effect("values are checked as they are, not decoded: a transforming schema sees its decoded side", () =>
    Effect.gen(function* () {
      const DateTime = Schema.String.pipe(
        Schema.decodeTo(Schema.Date, SchemaTransformation.transform({ decode: (s) => new Date(s), encode: String }))
      )
      class Calendar extends Actor.Service<Calendar>()("test/Calendar", {
        methods: { echo: Actor.method({ args: [DateTime], success: DateTime }) }
      }) {}
      const live = Calendar.toLayer(Effect.succeed({ echo: (date: Date) => Effect.succeed(date) }), { validate: true })
      const date = new Date(0)
      const program = Effect.flatMap(Calendar, (calendar) => calendar.echo(date))
      assert.strictEqual(yield* Effect.provide(program, live), date)
    })
  )

  it.effect("a check that throws fails its call, and no place or permit is lost", () =>
    Effect.gen(function* () {
      const picky = Schema.Number.check(
        Schema.makeFilter((n) => {
          if (n === 13) throw new Error("check")
          return true
        })
      )
      class Picky extends Actor.Service<Picky>()("test/Picky", {
        methods: {
          to: Actor.method({ args: [Schema.Number], success: picky }),
          from: Actor.method({ args: [picky] })
        }
      }) {}
      const factory = Picky.toFactory(
        Effect.succeed({ to: (n: number) => Effect.as(Effect.yieldNow, n), from: (_: number) => Effect.void }),
        { validate: true, maxConcurrency: 1, maxPendingCalls: 1 }
      )
      const handle = yield* factory.spawn()
      const late = yield* ObjectRef.fromEffect(Effect.as(Effect.yieldNow, 13))
      for (const call of [handle.from(13), handle.from(late), Effect.flatten(handle.from.remote(13)), handle.to(13)]) {
        assert.isTrue(Exit.isFailure(yield* Effect.exit(call)))
        assert.match(String(handle), /0 running, 0 waiting/)
      }
      assert.strictEqual(yield* handle.to(1), 1)
    })
  )

  it.effect("has no effect on an actor without a contract", () =>
    Effect.gen(function* () {
      class Plain extends Actor.Service<Plain>()("test/Plain", {
        validate: true,
        make: Effect.succeed({ echo: (n: number) => Effect.succeed(n) })
      }) {}
      const plain = yield* Plain.spawn()
      assert.strictEqual(yield* plain.echo(1.5), 1.5)
    })
  )
})

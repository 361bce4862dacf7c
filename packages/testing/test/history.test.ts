import { assert, describe, it } from "@effect/vitest"
import { Actor, ObjectRef } from "@troupe/core"
import { Explore, History } from "@troupe/testing"
import { Effect, Exit, Ref } from "effect"

const counterMethods = {
  add: (n: number, by: number) => [n + by, n + by] as const,
  get: (n: number) => [n, n] as const
}

const model = { initial: 0, methods: counterMethods }

/** Reads, lets others go first, and writes: atomic only where one call runs at a time. */
class Counter extends Actor.Service<Counter>()("test/Counter", {
  make: Effect.gen(function* () {
    const count = yield* Ref.make(0)
    return {
      add: (by: number) =>
        Effect.gen(function* () {
          const before = yield* Ref.get(count)
          yield* Effect.yieldNow
          yield* Ref.set(count, before + by)
          return before + by
        }),
      get: () => Ref.get(count)
    }
  })
}) {}

const program = (maxConcurrency: number) =>
  Effect.gen(function* () {
    const { handle: counter, history } = History.record(yield* Counter.options({ maxConcurrency }).spawn())
    const remote = yield* counter.add.remote(1)
    yield* Effect.all([counter.add(10), counter.get(), counter.add(100), remote], { concurrency: "unbounded" })
    yield* counter.get()
    return yield* History.check(history, model)
  })

// Histories by hand: calls of one register, from and to which moment, and what they gave.
type Row = readonly [method: string, args: ReadonlyArray<unknown>, began: number, ended: number, result?: unknown]

const byHand = (...rows: ReadonlyArray<Row>): History.History<any> => ({
  operations: rows.map(([method, args, began, ended, result]) => ({
    method,
    args,
    began,
    ended,
    exit: ended === Infinity ? undefined : Exit.isExit(result) ? result : Exit.succeed(result)
  }))
})

const register = {
  initial: 0,
  methods: {
    write: (_: number, value: number) => [value, undefined] as const,
    read: (value: number) => [value, value] as const
  }
} as History.Model<number, any>

const isLinearizable = (history: History.History<any>, model: History.Model<any, any> = register) =>
  Effect.map(Effect.exit(History.check(history, model)), Exit.isSuccess)

describe("a history", () => {
  it.effect("without calls is explained by no calls", () =>
    Effect.map(History.check(byHand(), register), (order) => assert.deepStrictEqual(order, []))
  )

  it.effect("of calls one after the other has to have their results", () =>
    Effect.gen(function* () {
      assert.isTrue(yield* isLinearizable(byHand(["write", [1], 0, 1], ["read", [], 2, 3, 1])))
      assert.isFalse(yield* isLinearizable(byHand(["write", [1], 0, 1], ["read", [], 2, 3, 0])))
    })
  )

  it.effect("of calls at the same time may have them in either order", () =>
    Effect.gen(function* () {
      assert.isTrue(yield* isLinearizable(byHand(["write", [1], 0, 3], ["read", [], 1, 2, 0])))
      assert.isTrue(yield* isLinearizable(byHand(["write", [1], 0, 3], ["read", [], 1, 2, 1])))
    })
  )

  it.effect("in which a value is seen and then not any more is refused", () =>
    Effect.gen(function* () {
      const history = byHand(["write", [1], 0, 5], ["read", [], 1, 2, 1], ["read", [], 3, 4, 0])
      assert.isFalse(yield* isLinearizable(history))
      const error = yield* Effect.flip(History.check(history, register))
      assert.include(error.message, "No order of these 3 calls explains their results")
      assert.include(error.message, "0 to   5  write(1) gave undefined")
      assert.include(error.message, "The longest part that an order explains: write(1), then read().")
    })
  )

  it.effect("may hold calls that never ended, which happened or did not", () =>
    Effect.gen(function* () {
      assert.isTrue(yield* isLinearizable(byHand(["write", [1], 0, Infinity], ["read", [], 1, 2, 1])))
      assert.isTrue(yield* isLinearizable(byHand(["write", [1], 0, Infinity], ["read", [], 1, 2, 0])))
      assert.isFalse(yield* isLinearizable(byHand(["write", [1], 0, Infinity], ["read", [], 1, 2, 2])))
      // It cannot have happened before it began.
      assert.isFalse(yield* isLinearizable(byHand(["read", [], 0, 1, 1], ["write", [1], 2, Infinity])))
    })
  )

  it.effect("takes failures for results, when the model has them", () =>
    Effect.gen(function* () {
      const stack = {
        initial: [] as ReadonlyArray<number>,
        methods: {
          push: (items: ReadonlyArray<number>, item: number) => [[...items, item], undefined] as const,
          pop: (items: ReadonlyArray<number>) =>
            items.length === 0 ? [items, Exit.fail("empty")] : [items.slice(0, -1), items.at(-1)]
        }
      } as History.Model<any, any>
      const failed = Exit.fail("empty")
      assert.isTrue(yield* isLinearizable(byHand(["push", [1], 0, 3], ["pop", [], 1, 2, failed]), stack))
      assert.isFalse(yield* isLinearizable(byHand(["push", [1], 0, 1], ["pop", [], 2, 3, failed]), stack))
    })
  )

  it.effect("takes any value where the model says so, but no failure", () =>
    Effect.gen(function* () {
      const careless = {
        initial: 0,
        methods: { write: (_: number, value: number) => [value, History.anything] as const }
      } as History.Model<number, any>
      assert.isTrue(yield* isLinearizable(byHand(["write", [1], 0, 1, "whatever"]), careless))
      assert.isFalse(yield* isLinearizable(byHand(["write", [1], 0, 1, Exit.fail("no")]), careless))
    })
  )

  it.effect("agrees with trying all orders", () =>
    Effect.gen(function* () {
      // Every history of three calls within six moments: writes of 1 and 2, and a read of 0, 1 or 2.
      let yes = 0
      let no = 0
      for (const moments of permutations([0, 1, 2, 3, 4, 5])) {
        const spans = [0, 2, 4].map((i) => moments.slice(i, i + 2) as [number, number])
        if (spans.some(([began, ended]) => began > ended)) continue
        for (const seen of [0, 1, 2]) {
          const rows: ReadonlyArray<Row> = [
            ["write", [1], ...spans[0]!],
            ["write", [2], ...spans[1]!],
            ["read", [], ...spans[2]!, seen]
          ]
          const history = byHand(...rows)
          const expected = byForce(history.operations)
          assert.strictEqual(yield* isLinearizable(history), expected, JSON.stringify(rows))
          if (expected) yes++
          else no++
        }
      }
      assert.isAbove(yes, 50)
      assert.isAbove(no, 50)
    })
  )

  it.effect("that cannot be explained is refused soon: the same calls in the same state are looked at once", () =>
    Effect.gen(function* () {
      // 16 writes of the same value at the same time have 16! orders, but 2^16 sets of one state each.
      const rows = Array.from({ length: 16 }, (_, i): Row => ["write", [1], i, 100 + i])
      assert.isFalse(yield* isLinearizable(byHand(...rows, ["read", [], 200, 201, 2])))
    })
  )
})

const permutations = <A>(items: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  items.length === 0
    ? [[]]
    : items.flatMap((item, i) => permutations(items.toSpliced(i, 1)).map((rest) => [item, ...rest]))

const byForce = (operations: ReadonlyArray<History.Operation>): boolean =>
  permutations(operations).some((order) => {
    const inTime = order.every((one, i) => order.slice(i + 1).every((later) => !(later.ended < one.began)))
    let value = 0
    return (
      inTime &&
      order.every(({ args, exit, method }) => {
        if (method === "write") value = args[0] as number
        return method === "write" || (Exit.isExit(exit) && Exit.isSuccess(exit) && exit.value === value)
      })
    )
  })

describe("the history of an actor", () => {
  it.live("is linearizable when its methods do not mix", () =>
    Effect.gen(function* () {
      const report = yield* Explore.check(program(1), { schedules: 300 })
      assert.strictEqual(report.schedules, 300)
    })
  )

  it.live("is not when a method yields between reading and writing, which the plain schedule shows already", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Explore.check(program(1000), { schedules: 300 }))
      assert.strictEqual(error.kind, "Failure")
      assert.include(error.message, "No order of these")
    })
  )

  it.effect("leaves open whether cancelled calls have happened", () =>
    Effect.gen(function* () {
      const { handle: counter, history } = History.record(yield* Counter.spawn())
      const ref = yield* counter.add.remote(1)
      yield* ObjectRef.cancel(ref)
      yield* counter.add(1)
      assert.deepStrictEqual(
        history.operations.map(({ exit }) => exit?._tag),
        [undefined, "Success"]
      )
      yield* History.check(history, model)
    })
  )

  it.effect("is recorded with other options, too, and other members of the handle are as they were", () =>
    Effect.gen(function* () {
      const plain = yield* Counter.spawn()
      const { handle, history } = History.record(plain)
      yield* handle.add.options({ name: "other" })(1)
      assert.strictEqual(history.operations.length, 1)
      assert.strictEqual(String(handle), String(plain))
      assert.throws(() => History.record({}), "takes the handle of an actor")
    })
  )

  it.effect("is told whatever arguments, results and errors do when they are looked at", () =>
    Effect.gen(function* () {
      const { proxy, revoke } = Proxy.revocable({}, {})
      revoke()
      const lies = Object.defineProperty(new Error("x"), "message", { get: () => assert.fail("it was looked at") })
      const tagged = Object.defineProperty({}, "_tag", { get: () => assert.fail("it was looked at") })
      for (const value of [proxy, lies, tagged, Object.create(null), Symbol("s"), 1n, { big: 1n }, "x".repeat(1e6)]) {
        const history = byHand(["write", [value], 0, 1], ["read", [], 2, 3, Exit.succeed(value)], ["read", [], 4, 5, 7])
        const error = yield* Effect.flip(History.check(history, register))
        assert.include(error.message, "No order of these 3 calls")
        assert.isBelow(error.message.length, 2000)
      }
    })
  )

  it.effect("that the model has no method for is refused by name", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(History.check(byHand(["jump", [], 0, 1]), register))
      assert.include(String(exit), 'the model has no method "jump"')
    })
  )
})

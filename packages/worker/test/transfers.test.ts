import { once } from "node:events"
import { MessageChannel } from "node:worker_threads"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Actor, ObjectRef } from "@troupe/core"
import { WorkerHome } from "@troupe/worker"
import { Effect, ManagedRuntime, Option, Stream } from "effect"
import { errorOf, range, reasonOf } from "../../core/test/support.ts"
import { Parcel, Porter, streamOf } from "./fixtures/Porter.ts"
import { bundle } from "./support.ts"

const runtime = ManagedRuntime.make(WorkerHome.layer(Porter, { url: await bundle("porter.worker") }))
afterAll(() => runtime.dispose())
const porter = await runtime.runPromise(Porter)

const MEGABYTE = 1 << 20

describe("transfer", () => {
  it.effect("an argument that is marked moves: its sender cannot use it afterwards", () =>
    Effect.gen(function* () {
      const bytes = new Uint8Array(MEGABYTE)
      assert.strictEqual(yield* porter.weigh(WorkerHome.transfer(bytes)), MEGABYTE)
      assert.strictEqual(bytes.length, 0)
    })
  )

  it.effect("a value that is not marked is copied", () =>
    Effect.gen(function* () {
      const bytes = new Uint8Array(MEGABYTE)
      assert.strictEqual(yield* porter.weigh(bytes), MEGABYTE)
      assert.strictEqual(bytes.length, MEGABYTE)
    })
  )

  it.effect("a result that is marked moves, others are copied", () =>
    Effect.gen(function* () {
      const moved = yield* porter.make(MEGABYTE)
      assert.deepStrictEqual([moved.length, moved[0], moved.at(-1)], [MEGABYTE, 7, 7])
      assert.strictEqual(yield* porter.left(), 0)
      assert.strictEqual((yield* porter.copy(MEGABYTE)).length, MEGABYTE)
      assert.strictEqual(yield* porter.left(), MEGABYTE)
    })
  )

  it.effect("items of a stream move", () =>
    Effect.gen(function* () {
      const lengths = yield* Stream.runCollect(Stream.map(porter.chunks(3), (bytes) => bytes.length))
      assert.deepStrictEqual([...lengths], [1, 2, 3])
    })
  )

  it.effect("a MessagePort moves", () =>
    Effect.gen(function* () {
      const { port1, port2 } = new MessageChannel()
      yield* porter.answer(WorkerHome.transfer(port2))
      port1.postMessage("hello")
      assert.deepStrictEqual(yield* Effect.promise(() => once(port1, "message")), ["heard hello"])
    })
  )

  it.effect("a ReadableStream moves, both ways", () =>
    Effect.gen(function* () {
      const there = WorkerHome.transfer(streamOf(["a", "b"]))
      assert.deepStrictEqual(yield* porter.read(there), ["a", "b"])
      const back: ReadableStream<string> = yield* porter.write(["c", "d"])
      const texts: Array<string> = []
      yield* Effect.promise(async () => {
        for await (const text of back) texts.push(text)
      })
      assert.deepStrictEqual(texts, ["c", "d"])
    })
  )

  it.effect("the parts of a value that move can be named", () =>
    Effect.gen(function* () {
      const inside = new Uint8Array([1, 2, 3])
      const got = yield* porter.any(WorkerHome.transfer({ inside, name: "x" }, [inside.buffer]))
      assert.deepStrictEqual(got, { inside: new Uint8Array([1, 2, 3]), name: "x" })
      assert.strictEqual(inside.length, 0)
    })
  )

  it.effect("a Buffer of Node's pool does not take the others of the pool with it", () =>
    Effect.gen(function* () {
      const [one, other] = [Buffer.from("one"), Buffer.from("other")]
      assert.strictEqual((yield* reasonOf(porter.weigh(WorkerHome.transfer(one))))._tag, "DecodeError")
      assert.deepStrictEqual([one.toString(), other.toString()], ["one", "other"])
      assert.strictEqual(yield* porter.weigh(WorkerHome.transfer(new Uint8Array(one))), 3)
    })
  )

  it.effect("what cannot move fails its call alone", () =>
    Effect.gen(function* () {
      const bytes = new Uint8Array(8)
      const refs = yield* Effect.all([
        porter.weigh.remote(WorkerHome.transfer(bytes)),
        porter.weigh.remote(WorkerHome.transfer(bytes)),
        porter.weigh.remote(new Uint8Array(3))
      ])
      assert.strictEqual(yield* refs[0], 8)
      assert.strictEqual((yield* reasonOf(refs[1]))._tag, "DecodeError")
      assert.strictEqual(yield* refs[2], 3)
    })
  )
})

describe("what crosses", () => {
  it.effect("bytes next to values with a class of their own cross as bytes, and move if they are to", () =>
    Effect.gen(function* () {
      const parcel = new Parcel({ label: Option.some("fragile"), bytes: new Uint8Array(MEGABYTE).fill(9) })
      const got = yield* porter.parcel(WorkerHome.transfer(parcel, [parcel.bytes.buffer as ArrayBuffer]))
      assert.instanceOf(got, Parcel)
      assert.deepStrictEqual(got.label, Option.some("fragile"))
      assert.instanceOf(got.bytes, Uint8Array)
      assert.deepStrictEqual([got.bytes.length, got.bytes.at(-1)], [MEGABYTE, 9])
      // They were moved, so no text was made of them.
      assert.strictEqual(parcel.bytes.length, 0)
    })
  )

  it.effect("maps, dates, bigints, cycles and shared memory cross as they are", () =>
    Effect.gen(function* () {
      const cycle: { self?: unknown } = {}
      cycle.self = cycle
      const shared = new Int32Array(new SharedArrayBuffer(4))
      const value = { map: new Map([[1, new Set(["a"])]]), date: new Date(5), big: 10n, nan: Number.NaN, cycle, shared }
      const got = yield* porter.any(value)
      assert.deepStrictEqual(got.map, value.map)
      assert.deepStrictEqual([got.date, got.big, got.nan], [value.date, 10n, Number.NaN])
      assert.strictEqual(got.cycle.self, got.cycle)
      Atomics.store(shared, 0, 42)
      assert.strictEqual((got.shared as Int32Array)[0], 42)
    })
  )
})

describe("what cannot cross", () => {
  it.effect("a handle, whose error names it and what to do", () =>
    Effect.gen(function* () {
      class Local extends Actor.Service<Local>()("test/Local", {
        make: Effect.succeed({ ping: () => Effect.void })
      }) {}
      const local = yield* Local.spawn()
      const remedy = "Handles do not cross: pass what its methods give, and call it from this side."
      assert.include(
        String(yield* errorOf(porter.any(local))),
        `test/Porter.any: argument 1 cannot cross between threads: it is the handle of an actor. ${remedy}`
      )
      assert.include(
        String(yield* errorOf(porter.any({ to: [porter] }))),
        `argument 1 cannot cross between threads: it holds the handle of an actor at .to[0]. ${remedy}`
      )
    })
  )

  it.effect("an argument fails its call alone, and the error names what to do", () =>
    Effect.gen(function* () {
      const before = yield* porter.any.remote(1)
      const refused = yield* porter.any.remote({ f: () => {} })
      const after = yield* porter.any.remote(2)
      const error = yield* errorOf(refused)
      assert.match(
        String(error),
        /test\/Porter\.any: argument 1 cannot cross between threads: .*could not be cloned.* Pass plain data/
      )
      assert.isFalse((error as any).mayHaveRun)
      assert.deepStrictEqual(yield* ObjectRef.all([before, after]), [1, 2])
    })
  )

  describe("a ref inside a value", () => {
    const says = (what: string, where: string) =>
      `${what} cannot cross between threads: it ${where}. Wait for the ref first, or pass it as an argument of its own.`

    it.effect("is found in an argument, whether it has settled or not", () =>
      Effect.gen(function* () {
        const ref = yield* porter.any.remote(1)
        const never = yield* ObjectRef.fromEffect(Effect.never)
        yield* ref
        const calls = [
          [porter.any({ ref }), "test/Porter.any: argument 1", ".ref"],
          [porter.any({ deep: [{ ref: ObjectRef.succeed(1) }] }), "test/Porter.any: argument 1", ".deep[0].ref"],
          [porter.any(new Set([ObjectRef.fail(1)])), "test/Porter.any: argument 1", ".values()"],
          [porter.count("x", [ObjectRef.succeed(1)]), "test/Porter.count: argument 2", "[0]"],
          [porter.count("x", [1, never]), "test/Porter.count: argument 2", "[1]"],
          [porter.mixed({ label: Option.none(), rest: [[ref]] }), "test/Porter.mixed: argument 1", ".rest[0][0]"]
        ] as const
        for (const [call, what, path] of calls) {
          const reason = yield* reasonOf(call)
          assert.deepStrictEqual([reason._tag, reason.mayHaveRun], ["DecodeError", false])
          assert.strictEqual(reason.message, says(what, `holds an ObjectRef at ${path}`))
        }
      })
    )

    it.effect("is found in a result", () =>
      Effect.gen(function* () {
        const reason = yield* reasonOf(porter.refInside())
        assert.deepStrictEqual([reason._tag, reason.mayHaveRun], ["DecodeError", true])
        assert.strictEqual(reason.message, says("test/Porter.refInside: the result", "holds an ObjectRef at .ref"))
      })
    )

    it.effect("is not looked for beyond the first thousand values, so that large ones cost no more", () =>
      Effect.gen(function* () {
        const rows = Array.from({ length: 5000 }, (_, id) => ({ id }))
        assert.strictEqual(yield* porter.count("x", rows), 5000)
        assert.strictEqual((yield* reasonOf(porter.count("x", [ObjectRef.succeed(1), ...rows])))._tag, "DecodeError")
        // Cycles have no end.
        const cycle: { self?: unknown; list: ReadonlyArray<number> } = { list: [1, 2] }
        cycle.self = cycle
        assert.deepStrictEqual((yield* porter.any(cycle)).list, [1, 2])
      })
    )
  })

  it.effect("a result, an error, and an item of a stream after those before it", () =>
    Effect.gen(function* () {
      const result = yield* reasonOf(porter.uncloneable())
      assert.strictEqual(result._tag, "DecodeError")
      assert.isTrue(result.mayHaveRun)
      assert.match(result.message, /test\/Porter\.uncloneable: the result cannot cross/)
      assert.match(
        (yield* reasonOf(porter.uncloneableError())).message,
        /test\/Porter\.uncloneableError: the error cannot cross/
      )
      const items: Array<unknown> = []
      const stream = Stream.tap(porter.uncloneableItems(), (item) => Effect.sync(() => items.push(item)))
      assert.match(
        (yield* reasonOf(Stream.runDrain(stream))).message,
        /test\/Porter\.uncloneableItems: an item cannot cross/
      )
      assert.deepStrictEqual(items, [1, 2])
    })
  )

  it.effect("a value that the schema of the contract cannot encode", () =>
    Effect.gen(function* () {
      const argument = yield* reasonOf(porter.parcel({ label: "no option", bytes: 1 } as any))
      assert.deepStrictEqual([argument._tag, argument.mayHaveRun], ["DecodeError", false])
      const result = yield* reasonOf(porter.misfit())
      assert.deepStrictEqual([result._tag, result.mayHaveRun], ["DecodeError", true])
    })
  )

  it.effect("many of them leave nothing behind", () =>
    Effect.gen(function* () {
      const refs = yield* Effect.forEach(range(100), (n) => porter.any.remote(n % 2 === 0 ? n : () => n))
      const exits = yield* Effect.forEach(refs, Effect.exit)
      assert.deepStrictEqual(
        exits.map(({ _tag }) => _tag),
        range(100).map((n) => (n % 2 === 0 ? "Success" : "Failure"))
      )
    })
  )
})

/**
 * What one call passes, gives or throws is its own business (docs/homes.md): whatever cannot cross costs that call, and
 * neither another one nor the thread.
 */
import { assert, describe, it } from "@effect/vitest"
import type { ActorError, ObjectRef } from "@troupe/core"
import { TaskPool, WorkerHome } from "@troupe/worker"
import { Cause, Effect, Exit, Random, Stream, Tracer } from "effect"
import { errorOf, range, reasonOf, reasonOfExit, seeded } from "../../core/test/support.ts"
import { Box, Fragile, Hostile, Stillborn } from "./fixtures/Hostile.ts"
import * as tasks from "./fixtures/hostileTasks.ts"
import { oddNames, oddValues } from "./fixtures/oddValues.ts"
import { bundle } from "./support.ts"

const url = await bundle("hostile.worker")
const home = WorkerHome.layer(Hostile, { url })

type Handle = ReturnType<Hostile["Service"]["get"]>
type Submitted = Effect.Effect<ObjectRef.ObjectRef<unknown, unknown>, ActorError.ActorError>

/** Ways to meddle with an odd value, each in one call. */
const ways: Readonly<Record<string, (hostile: Handle, name: string) => Submitted>> = {
  give: (hostile, name) => hostile.give.remote(name),
  giveTyped: (hostile, name) => hostile.giveTyped.remote(name),
  fail: (hostile, name) => hostile.fail.remote(name),
  failTyped: (hostile, name) => hostile.failTyped.remote(name),
  die: (hostile, name) => hostile.die.remote(name),
  take: (hostile, name) => hostile.take.remote(oddValues[name]!()),
  trace: (hostile, name) => Effect.withSpan(hostile.trace.remote(name), "outer")
}

const below = (n: number) => Random.nextIntBetween(0, n, { halfOpen: true })
const oneOf = <A>(all: ReadonlyArray<A>) => Effect.map(below(all.length), (n) => all[n]!)

/** Runs an odd call between two of a neighbour, all in one batch, and has the neighbour say what it saw. */
const between = Effect.fnUntraced(function* (odd: Submitted) {
  const neighbour = (yield* Hostile).get("neighbour")
  const thread = yield* neighbour.thread()
  const before = yield* neighbour.add.remote(1, 2)
  const call = yield* Effect.exit(odd)
  const after = yield* neighbour.add.remote(3, 4)
  const exit = Exit.isSuccess(call) ? yield* Effect.exit(call.value) : call
  assert.deepStrictEqual([yield* before, yield* after], [3, 7])
  assert.strictEqual(yield* neighbour.thread(), thread)
  return exit
})

describe("10.4 an odd value", () => {
  for (const [way, call] of Object.entries(ways)) {
    it.live(`costs no other call, and no thread: ${way}`, () =>
      Effect.gen(function* () {
        const hostile = (yield* Hostile).get("hostile")
        for (const name of oddNames) yield* between(call(hostile, name))
      }).pipe(Effect.provide(home))
    )
  }

  it.live("costs no other call, and no thread: an item of a stream", () =>
    Effect.gen(function* () {
      const hostile = (yield* Hostile).get("hostile")
      for (const name of oddNames) {
        const items: Array<unknown> = []
        yield* Effect.exit(Stream.runForEach(hostile.items(name), (item) => Effect.sync(() => items.push(item))))
        assert.strictEqual(items[0], 1)
        yield* between(hostile.add.remote(0, 0))
      }
    }).pipe(Effect.provide(home))
  )

  it.live("costs no other call, and no thread: many at random, in one batch", () =>
    seeded(
      Effect.gen(function* () {
        const service = yield* Hostile
        const thread = yield* service.get("0").thread()
        for (const _ of range(30)) {
          const calls: Array<readonly [number | undefined, Submitted]> = []
          for (const n of range(2 + (yield* below(100)))) {
            const hostile = service.get(String(yield* below(4)))
            if (yield* Random.nextBoolean) calls.push([2 * n, hostile.add.remote(n, n)])
            else {
              const way = yield* oneOf(Object.values(ways))
              calls.push([undefined, way(hostile, yield* oneOf(oddNames))])
            }
          }
          const refs = yield* Effect.forEach(calls, ([, call]) => Effect.exit(call))
          for (const [at, ref] of refs.entries()) {
            const exit = Exit.isSuccess(ref) ? yield* Effect.exit(ref.value) : ref
            const [sum] = calls[at]!
            if (sum !== undefined) assert.deepStrictEqual(exit, Exit.succeed(sum))
          }
        }
        assert.strictEqual(yield* service.get("0").thread(), thread)
      })
    ).pipe(Effect.provide(home))
  )

  it.live("costs no other call, and no thread: a task", () =>
    Effect.gen(function* () {
      for (const name of oddNames) {
        const odd = [
          tasks.oddGive.remote(name),
          tasks.oddFail.remote(name),
          tasks.oddDie.remote(name),
          tasks.oddTake.remote(oddValues[name]!())
        ]
        const refs = yield* Effect.forEach(odd, (call) => Effect.exit(call as Submitted))
        const sum = yield* tasks.add.remote(3, 4)
        for (const ref of refs) if (Exit.isSuccess(ref)) yield* Effect.exit(ref.value)
        assert.strictEqual(yield* sum, 7)
      }
    }).pipe(Effect.provide(TaskPool.layer({ url, size: 1, workerOptions: { workerData: "tasks" } })))
  )

  const dying = (name: string) =>
    Effect.gen(function* () {
      const exit = yield* between((yield* Hostile).get("hostile").die.remote(name))
      const die = Exit.isFailure(exit) ? exit.cause.reasons.find(Cause.isDieReason) : undefined
      return die?.defect
    }).pipe(Effect.provide(home))

  it.live("as a defect keeps what of it can be read", () =>
    Effect.gen(function* () {
      const message: any = yield* dying("errorWithThrowingField")
      assert.deepInclude({ ...message, message: message.message }, { message: "odd" })
      const named: any = yield* dying("errorWithSymbolName")
      assert.deepStrictEqual([named.name, named.message], ["Symbol(odd)", "odd"])
      const unreadable: any = yield* dying("errorWithThrowingMessage")
      assert.match(unreadable.message, /throws when it is read/)
      const proxy = yield* dying("proxy")
      assert.match(String(proxy), /throws when it is read/)
      const own: any = yield* dying("errorWithOwnToString")
      assert.strictEqual(String(own), "Error: odd")
    })
  )

  it.live("that is nested too deeply to be read here fails its call alone, and says so", () =>
    Effect.gen(function* () {
      const hostile = (yield* Hostile).get("hostile")
      const reason = reasonOfExit(yield* between(hostile.give.remote("deeper")))
      assert.deepStrictEqual([reason._tag, reason.mayHaveRun], ["DecodeError", true])
      assert.match(
        reason.message,
        /test\/Hostile\.give: the result cannot cross between threads: it is nested too deeply/
      )
    }).pipe(Effect.provide(home))
  )

  it.live("of an instance that it kills is why the instance died", () =>
    Effect.gen(function* () {
      for (const name of ["proxy", "deeper", "errorWithDeepField", "errorWithThrowingMessage"]) {
        const home = WorkerHome.layer(Fragile, { url, workerOptions: { workerData: "fragile" } })
        const reason = yield* Effect.gen(function* () {
          const fragile = yield* Fragile
          const waiting = yield* fragile.wait.remote()
          yield* Effect.exit(fragile.die(name))
          return yield* reasonOf(waiting)
        }).pipe(Effect.provide(home))
        assert.deepStrictEqual(
          [reason._tag, (reason as ActorError.ActorDied).why],
          ["ActorDied", "a method died of a defect"]
        )
      }
    })
  )

  it.live("of a constructor is why its thread does not come up", () =>
    Effect.gen(function* () {
      for (const name of ["proxy", "deeper", "errorWithThrowingMessage"]) {
        const home = WorkerHome.layer(Stillborn, {
          url,
          workerOptions: { workerData: name },
          startTimeout: "10 seconds"
        })
        const error = yield* errorOf(Effect.provide(Stillborn, home))
        assert.match(error.message, /its implementation could not be built/)
      }
    })
  )

  it.live("of a tracer, which throws, costs its spans and no call", () =>
    Effect.gen(function* () {
      const tracer = Tracer.make({
        span: (options) => {
          if (options.name === "odd") throw new Error("no spans today")
          return new Tracer.NativeSpan(options)
        }
      })
      const call = Effect.flatMap(Hostile, (service) => between(service.get("hostile").trace.remote("bigint")))
      assert.isTrue(Exit.isSuccess(yield* Effect.withTracer(Effect.withSpan(call, "outer"), tracer)))
    }).pipe(Effect.provide(home))
  )
})

describe("10.4 what the code of a schema throws", () => {
  const said = /its schema threw Error: no (en|de)code/

  for (const text of ["encode", "decode"]) {
    it.live(`at ${text} costs no other call, and no thread, and is told`, () =>
      Effect.gen(function* () {
        const hostile = (yield* Hostile).get("hostile")
        const take = reasonOfExit(yield* between(hostile.takeBox.remote(new Box(text)) as Submitted))
        assert.deepInclude({ ...take }, { _tag: "DecodeError", mayHaveRun: false })
        const give = reasonOfExit(yield* between(hostile.giveBox.remote(text) as Submitted))
        assert.deepInclude({ ...give }, { _tag: "DecodeError", mayHaveRun: true })
        const boxes = yield* reasonOf(Stream.runDrain(hostile.boxes(text)))
        for (const reason of [take, give, boxes]) assert.match(reason.message, said)
        assert.isTrue(Exit.isFailure(yield* between(hostile.failBox.remote(text) as Submitted)))
      }).pipe(Effect.provide(home))
    )

    it.live(`at ${text} of an item ends its stream in the thread, finalizers included`, () =>
      Effect.gen(function* () {
        const hostile = (yield* Hostile).get("hostile")
        yield* Effect.exit(Stream.runDrain(hostile.boxes(text)))
        assert.strictEqual(yield* hostile.openBoxes(), 0)
      }).pipe(Effect.provide(home))
    )
  }
})

import { threadId } from "node:worker_threads"
import { ActorError, ObjectRef, Task } from "@troupe/core"
import { TaskPool, WorkerHome } from "@troupe/worker"
import { Cause, Effect, Logger, Schedule, Schema } from "effect"
import { assert, describe, it } from "vitest"
import { errorOf, reasonOf } from "../../core/test/support.ts"
import * as tasks from "./fixtures/tasks.ts"
import { Factor, square, Temperature, Tenant, TooBig, TooCold, tenant } from "./fixtures/tasks.ts"
import { bundle, exited } from "./support.ts"

const { crash, crashOnce, crashOnceAgain, crashThenFail, die, forever, local, meet, scaled, sizeOf, where } = tasks

const url = await bundle("tasks.worker")
const memory = () => new Int32Array(new SharedArrayBuffer(4))

const run = <A, E>(effect: Effect.Effect<A, E, Factor>, options: Partial<TaskPool.TaskPoolOptions> = {}) =>
  effect.pipe(
    Effect.provideService(Factor, 1),
    Effect.provide(TaskPool.layer({ url, size: 2, ...options })),
    Effect.runPromise
  )

describe("TaskPool", () => {
  it("runs tasks in its threads, with the same calls as before", async () => {
    const [value, viaRef, thread] = await run(
      Effect.gen(function* () {
        const four = yield* square.remote(2)
        return [yield* square(3), yield* square(four), yield* where()]
      })
    )
    assert.deepStrictEqual([value, viaRef], [9, 16])
    assert.notStrictEqual(thread, threadId)
  })

  it("13.1 has them have what their callers set; what a thread cannot read is refused, and not run", async () => {
    const as = (name: any) => Effect.provideService(tenant(), Tenant, name)
    const [acme, other, none, unread, unwritten] = await run(
      Effect.all([as("acme"), as("other"), tenant(), Effect.flip(as("stranger")), Effect.flip(as(7))])
    )
    assert.deepStrictEqual([acme, other, none], ["acme", "other", "nobody"])
    for (const [{ message }, verb] of [
      [unread, "read"],
      [unwritten, "written"]
    ] as const)
      assert.match(message, new RegExp(`the carried reference test/Tenant cannot be ${verb} with its schema`))
    assert.deepInclude((unread as ActorError.ActorError).reason, { _tag: "DecodeError", mayHaveRun: false })
    assert.deepInclude((unwritten as ActorError.ActorError).reason, { _tag: "DecodeError", mayHaveRun: false })
  })

  it("1.11 an async function is refused, and what it rejects with does not end the thread, nor its other calls", async () => {
    const [exit, outcome] = await run(
      Effect.gen(function* () {
        const beside = yield* forever.remote(memory())
        const exit = yield* Effect.exit(tasks.rejecting())
        // A rejection that nobody handles ends the thread before its next call.
        yield* where()
        return [exit, yield* ObjectRef.cancel(beside)] as const
      }),
      { size: 1 }
    )
    assert.include(String(exit), "rejecting must return an Effect, but returned a Promise")
    assert.strictEqual(outcome, "Interrupted")
  })

  it("uses all its threads at the same time", async () => {
    const shared = memory()
    // Each holds its thread until the other runs.
    const where = await run(Effect.all([meet(shared, 2), meet(shared, 2)], { concurrency: 2 }))
    assert.strictEqual(new Set(where).size, 2)
  })

  describe("a task that the threads do not serve", () => {
    const warnings = async (options: Partial<TaskPool.TaskPoolOptions>) => {
      const messages: Array<unknown> = []
      const logger = Logger.layer([Logger.make(({ logLevel, message }) => messages.push([logLevel, String(message)]))])
      const twice = Effect.all([local(), local(), square(2)])
      const pool = TaskPool.layer({ url, size: 1, ...options })
      const results = await twice.pipe(Effect.provide(pool), Effect.provide(logger), Effect.runPromise)
      assert.deepStrictEqual(results, [threadId, threadId, 4])
      return messages
    }

    it("runs with its caller, which a warning says once", async () => {
      const messages: any = await warnings({})
      assert.strictEqual(messages.length, 1)
      assert.strictEqual(messages[0][0], "Warn")
      assert.match(messages[0][1], /do not serve the task "local".* TaskPool\.serve\(\[\.\.\.\]\).*onUnserved: "run"/)
    })

    it("runs with its caller in silence where that is intended", async () => {
      assert.deepStrictEqual(await warnings({ onUnserved: "run" }), [])
    })

    it("has no other settings", () => {
      assert.throws(() => TaskPool.layer({ url, maxConcurrency: 1 } as object), /TaskPool: there is no option "maxConc/)
      assert.throws(() => TaskPool.layer({ url, onUnserved: "ignore" as any }), /onUnserved must be "warn" or "run"/)
    })
  })

  it("gives tasks the services of the thread", async () => {
    assert.strictEqual(await run(scaled(4)), 40)
  })

  it("carries failures by their fields, so that catchTag works", async () => {
    const caught = run(Effect.catchTag(square(5000), "TooBig", ({ size }) => Effect.succeed(`too big: ${size}`)))
    assert.strictEqual(await caught, "too big: 5000")
  })

  describe("with schemas", () => {
    const cold = new Temperature({ celsius: -500 })

    it("carries arguments and results as the classes that they are", async () => {
      const warmer = await run(tasks.warm(new Temperature({ celsius: 20 }), 5))
      assert.instanceOf(warmer, Temperature)
      assert.strictEqual(warmer.kelvin, 298)
    })

    it("carries failures as the classes that they are", async () => {
      const error = await run(errorOf(tasks.warm(cold, 1)))
      assert.instanceOf(error, TooCold)
      assert.deepStrictEqual([error.by, error.isExtreme, error._tag], [227, true, "TooCold"])
    })

    it("carries failures that the schema does not cover by their fields", async () => {
      const error: any = await run(errorOf(tasks.warm(new Temperature({ celsius: 20 }), 5000)))
      assert.notInstanceOf(error, TooBig)
      assert.deepStrictEqual([error._tag, error.size], ["TooBig", 5000])
    })

    it("says of which task, and which argument, a value does not fit", async () => {
      const argument = await run(reasonOf(tasks.warm({ celsius: 1 } as Temperature, 1)))
      assert.deepStrictEqual([argument._tag, argument.mayHaveRun], ["DecodeError", false])
      assert.match(argument.message, /^warm\.run: argument 1 cannot cross/)
      const result = await run(reasonOf(tasks.lying()))
      assert.deepStrictEqual([result._tag, result.mayHaveRun], ["DecodeError", true])
      assert.match(result.message, /^lying\.run: the result cannot cross/)
    })

    it("takes only those that fit the function", () => {
      const run = (n: number) => (n > 0 ? Effect.succeed(n) : Effect.fail(new TooCold({ by: n })))
      Task.make("fits", run, { args: [Schema.Number], success: Schema.Number, error: TooCold, maxConcurrency: 1 })
      // @ts-expect-error: it takes a number
      Task.make("misfit", run, { args: [Schema.String] })
      // @ts-expect-error: it takes one argument
      Task.make("misfit", run, { args: [] })
      // @ts-expect-error: it gives a number
      Task.make("misfit", run, { success: Temperature })
      // @ts-expect-error: it never fails so
      Task.make("misfit", run, { error: TooBig })
      assert.throws(() => Task.make("misfit", run, { error: TooCold.fields as any }), /misfit: error takes schemas/)
      assert.throws(() => Task.make("misfit", run, { args: Schema.Number as any }), /misfit: args must be an array/)
    })
  })

  it("carries errors of calls as what they are", async () => {
    const error: any = await run(errorOf(tasks.lost()))
    assert.instanceOf(error, ActorError.ActorError)
    assert.strictEqual(error.message, "test/Inner.work: the call was cancelled while it ran.")
  })

  describe("what cannot cross", () => {
    it("is told by the task and the argument", async () => {
      const { message } = await run(reasonOf(tasks.count(1, () => 2)))
      assert.match(
        message,
        /^count\.run: argument 2 cannot cross between threads: .*could not be cloned\. Pass plain data/
      )
      const result = await run(reasonOf(tasks.give("function")))
      assert.match(result.message, /^give\.run: the result cannot cross between threads: .*could not be cloned/)
    })

    it("is told of a Buffer of Node's pool, which does not move", async () => {
      const pooled = await run(reasonOf(sizeOf(WorkerHome.transfer(Buffer.from("pooled")))))
      assert.match(pooled.message, /^sizeOf\.run: an argument cannot cross between threads: [^:]+\. Pass plain data/)
    })

    it("is a ref inside an argument, settled or not", async () => {
      const messages = await run(
        Effect.gen(function* () {
          const pending = yield* forever.remote(memory())
          const values = [[ObjectRef.succeed(1)], { a: { b: [0, ObjectRef.fail("no")] } }, new Map([["k", pending]])]
          const reasons = yield* Effect.forEach(values, (value) => reasonOf(tasks.count("x", value)))
          yield* ObjectRef.cancel(pending)
          return reasons.map((reason) => [reason._tag, reason.mayHaveRun, reason.message.split(". ")[0]])
        })
      )
      const says = (where: string) => [
        "DecodeError",
        false,
        `count.run: argument 2 cannot cross between threads: it holds an ObjectRef at ${where}`
      ]
      assert.deepStrictEqual(messages, [says("[0]"), says(".a.b[1]"), says(".k")])
    })

    it("is a ref inside a result", async () => {
      const reason = await run(reasonOf(tasks.give("ref")))
      assert.deepStrictEqual([reason._tag, reason.mayHaveRun], ["DecodeError", true])
      assert.match(
        reason.message,
        /^give\.run: the result cannot cross between threads: it holds an ObjectRef at \.ref\./
      )
    })
  })

  it("carries defects with their name and stack", async () => {
    const cause = await run(Effect.flip(Effect.sandbox(die())))
    const defect: any = Cause.squash(cause)
    assert.deepStrictEqual([defect.name, defect.message], ["RangeError", "out of range"])
    assert.include(defect.stack, "tasks.worker")
  })

  it("interrupts the task in its thread when its call is cancelled", async () => {
    const shared = memory()
    const outcome = await run(
      Effect.gen(function* () {
        const ref = yield* forever.remote(shared)
        yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve))).pipe(
          Effect.repeat({ until: () => Atomics.load(shared, 0) === 1 })
        )
        return yield* ObjectRef.cancel(ref)
      })
    )
    assert.strictEqual(outcome, "Interrupted")
    assert.strictEqual(Atomics.load(shared, 0), 2)
  })

  it("moves arguments that are to be moved", async () => {
    const bytes = new Uint8Array(1000)
    assert.strictEqual(await run(sizeOf(WorkerHome.transfer(bytes))), 1000)
    assert.strictEqual(bytes.byteLength, 0)
  })

  it("fails the call of a task that ends its thread, and replaces the thread", async () => {
    const [error, after] = await run(
      Effect.gen(function* () {
        const error = yield* Effect.flip(crash())
        return [error, yield* Effect.all([square(2), square(3)], { concurrency: 2 })] as const
      })
    )
    assert.instanceOf(error, ActorError.ActorError)
    assert.match(error.message, new RegExp(`^crash\\.run: .*${exited(4)} while it ran crash`))
    assert.deepStrictEqual(after, [4, 9])
  })

  it("leaves out a thread that is not replaced any more, and when there is none, says of what the last one died", async () => {
    const [alive, death] = await run(
      Effect.gen(function* () {
        yield* Effect.flip(crash())
        const alive = [yield* square(2), yield* square(3)]
        yield* Effect.flip(crash())
        return [alive, yield* reasonOf(square(2))] as const
      }),
      { restart: Schedule.recurs(0) }
    )
    assert.deepStrictEqual(alive, [4, 9])
    assert.deepStrictEqual([death._tag, death.mayHaveRun], ["ActorDied", false])
    assert.match(
      death.message,
      new RegExp(`^square\\.run #\\d+: .*restart schedule ended.*${exited(4)} while it ran crash`)
    )
  })

  it("runs a call again after its thread was lost, as far as maxTaskRetries goes", async () => {
    assert.strictEqual(await run(crashOnce(memory()), { maxTaskRetries: 1 }), "survived")
  })

  it("10.2 a task whose thread was lost runs again, as far as its maxTaskRetries goes, or that of the call", async () => {
    assert.strictEqual(await run(crashOnceAgain(memory())), "survived")
    assert.strictEqual(await run(crashOnce.options({ maxTaskRetries: 1 })(memory())), "survived")
    const reason = await run(reasonOf(crashOnceAgain.options({ maxTaskRetries: 0 })(memory())))
    assert.deepStrictEqual([reason._tag, reason.mayHaveRun], ["ActorUnavailable", true])
  })

  it("counts the runs that were lost with threads together with those that failed", async () => {
    const shared = memory()
    const failure = await run(errorOf(crashThenFail.options({ retry: true, maxTaskRetries: 2 })(shared)))
    assert.strictEqual(failure, "failed")
    assert.strictEqual(Atomics.load(shared, 0), 3)
  })

  it("refuses to serve a value that is no task", () => {
    assert.throws(() => TaskPool.serve([(() => Effect.void) as any]), /Task\.make/)
  })

  it("fails to build when its threads do not come up", async () => {
    const exit = await Effect.runPromiseExit(
      Effect.provide(square(1), TaskPool.layer({ url: new URL("./none.ts", import.meta.url) }))
    )
    assert.include(String(exit), "WorkerFailed")
  })
})

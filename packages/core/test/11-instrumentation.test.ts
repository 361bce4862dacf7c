import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorSystem, Instrumentation, ObjectRef, Task } from "@troupe/core"
import { Cause, Effect, Exit, Fiber, Logger, Schedule, Scope } from "effect"
import { fork, Probe, settle, Worker } from "./support.ts"

/** Every test has a system of its own, in which no other test's instances show. */
const own = <A, E>(name: string, test: () => Effect.Effect<A, E, any>) =>
  it.effect(
    name,
    () => Effect.scoped(Effect.provide(test(), ActorSystem.layer, { local: true })) as Effect.Effect<A, E>
  )

/** A tool that writes down all that it is told. */
const recorder = () => {
  const log: Array<string> = []
  const line = (what: string) => (call: Instrumentation.Call) => void log.push(`${what} ${call.name}`)
  const tool: Instrumentation.Tool = {
    submitted: (call, asked) => void log.push(`${asked ? "asked" : "submitted"} ${call.name}`),
    refused: line("refused"),
    started: line("started"),
    requeued: line("requeued"),
    settled: (call, exit) => void log.push(`settled ${call.name} ${exit._tag}`),
    handled: line("handled"),
    instance: ({ _tag }) => void log.push(_tag)
  }
  return { log, tool }
}

describe("Instrumentation.attach", () => {
  own("tells the way of a call and the life of an instance", () =>
    Effect.gen(function* () {
      const { log, tool } = recorder()
      yield* Instrumentation.attach(tool)
      yield* Effect.scoped(
        Effect.gen(function* () {
          const worker = yield* Worker.spawn()
          yield* worker.note("x")
          yield* yield* worker.note.remote("y")
        })
      )
      assert.deepStrictEqual(log, [
        "InstanceStarted",
        "asked note",
        "started note",
        "settled note Success",
        "submitted note",
        "started note",
        "settled note Success",
        "InstanceDied",
        "InstanceGone"
      ])
    })
  )

  own("tells of calls that are refused, and of those that run again", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const { log, tool } = recorder()
      const worker = yield* Worker.options({ maxConcurrency: 1, maxPendingCalls: 1 }).spawn(probe)
      yield* Instrumentation.attach(tool)
      const first = yield* worker.work.remote("a")
      yield* Effect.exit(worker.note("x"))
      yield* probe.open("a")
      yield* first
      let attempts = 0
      const flaky = Effect.suspend(() => (++attempts === 1 ? Effect.fail("once") : Effect.succeed(attempts)))
      yield* worker.run.options({ maxTaskRetries: 1, retry: true })(flaky)
      assert.deepStrictEqual(log, [
        "submitted work",
        "refused note",
        "started work",
        "settled work Success",
        "asked run",
        "started run",
        "requeued run",
        "started run",
        "settled run Success"
      ])
    })
  )

  own("tells why an instance restarts and why it dies, with the cause itself", () =>
    Effect.gen(function* () {
      const news: Array<Instrumentation.InstanceNews> = []
      yield* Instrumentation.attach({ instance: (it) => void news.push(it) })
      const worker = yield* Worker.options({ name: "one", restart: Schedule.recurs(1) }).spawn()
      const bug = new Error("bug")
      yield* Effect.exit(worker.die(bug))
      yield* worker.note("x")
      yield* Actor.kill(worker)
      const { actor, instance } = news[0]!
      assert.isTrue(news.every((it) => it.actor === actor && it.instance === instance))
      assert.deepStrictEqual(
        news.map(({ actor: _, instance: __, ...it }) => it),
        [
          { _tag: "InstanceStarted", name: "one", key: undefined, client: false },
          { _tag: "InstanceRestarting", cause: (news[1] as { cause: Cause.Cause<unknown> }).cause },
          { _tag: "InstanceRestarted", restarts: 1 },
          { _tag: "InstanceDied", why: "it was killed", cause: undefined },
          { _tag: "InstanceGone" }
        ] as ReadonlyArray<unknown>
      )
      assert.strictEqual(Cause.squash((news[1] as { cause: Cause.Cause<unknown> }).cause), bug)
    })
  )

  own("shows where a call is, also later, by the numbers that snapshots show", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const seen: Array<Instrumentation.Call> = []
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      yield* Instrumentation.attach({ submitted: (call) => void seen.push(call) })
      const refs = [yield* worker.work.remote("a"), yield* worker.work.remote("b")]
      yield* settle
      const stages = () => seen.map(({ attempts, stage }) => `${stage} ${attempts}`)
      assert.deepStrictEqual(stages(), ["running 1", "waiting 0"])
      const { calls } = yield* ActorSystem.snapshot({ actor: "test/Worker" })
      assert.deepStrictEqual(
        seen.map(({ actor, id, instance, method, stage }) => ({ actor, id, instance, method, stage })),
        calls.map(({ actor, id, instance, method, stage }) => ({ actor, id, instance, method, stage: stage as string }))
      )
      yield* probe.open("a", "b")
      yield* Effect.forEach(refs, (ref) => ref)
      assert.deepStrictEqual(stages(), ["settled 1", "settled 1"])
    })
  )

  own("tells that a call settles before its waiters go on", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const order: Array<string> = []
      const worker = yield* Worker.spawn(probe)
      yield* Instrumentation.attach({ settled: (_, exit) => void order.push(`settled ${exit._tag}`) })
      const waiter = yield* fork(Effect.tap(worker.work("a"), () => Effect.sync(() => order.push("the waiter"))))
      yield* probe.open("a")
      yield* Fiber.join(waiter)
      assert.deepStrictEqual(order, ["settled Success", "the waiter"])
    })
  )

  own(
    "tells of failures that need no report: of waiters, of those who look later, and of calls that were cancelled",
    () =>
      Effect.gen(function* () {
        const { log, tool } = recorder()
        const probe = new Probe()
        const worker = yield* Worker.spawn(probe)
        yield* Instrumentation.attach({ handled: tool.handled! })
        yield* Effect.exit(worker.fail("asked"))
        assert.deepStrictEqual(log.splice(0), ["handled fail"])
        const ref = yield* worker.fail.remote("remote")
        yield* settle
        assert.deepStrictEqual(log.splice(0), [], "the failure has reached no one")
        yield* Effect.exit(ref)
        assert.deepStrictEqual(log.splice(0), ["handled fail"])
        const cancelled = yield* worker.work.remote("a")
        yield* probe.started("a")
        yield* ObjectRef.cancel(cancelled)
        assert.deepStrictEqual(log.splice(0), ["handled work"])
      })
  )

  own("ends with its Scope, and then the system is not watched any more", () =>
    Effect.gen(function* () {
      const { log, tool } = recorder()
      const registry = (yield* ActorSystem.ActorSystem)[ActorSystem.TypeId] as { readonly hub: unknown }
      const worker = yield* Worker.spawn()
      const scope = yield* Scope.make()
      yield* Scope.provide(Instrumentation.attach(tool), scope)
      yield* worker.note("x")
      const length = log.length
      assert.isAbove(length, 0)
      assert.isDefined(registry.hub)
      yield* Scope.close(scope, Exit.void)
      yield* worker.note("y")
      assert.lengthOf(log, length)
      assert.isUndefined(registry.hub)
    })
  )

  own("several tools and watchers hear the same, and one that goes leaves the others", () =>
    Effect.gen(function* () {
      const first = recorder()
      const second = recorder()
      let events = 0
      yield* Instrumentation.attach(first.tool)
      yield* ActorSystem.watch(() => void events++)
      const worker = yield* Worker.spawn()
      const scope = yield* Scope.make()
      yield* Scope.provide(Instrumentation.attach(second.tool), scope)
      yield* worker.note("x")
      yield* Scope.close(scope, Exit.void)
      yield* worker.note("y")
      assert.deepStrictEqual(first.log.slice(1, 4), second.log)
      assert.lengthOf(first.log, 7)
      assert.strictEqual(events, 7)
    })
  )

  it("a tool that is no object is refused, in a sentence", () => {
    for (const tool of [1, "x", null, undefined, () => {}]) {
      assert.throws(
        () => Instrumentation.attach(tool as never),
        TypeError,
        /^Instrumentation.attach: a tool is an object with methods like "started" and "settled", but this is /
      )
    }
  })

  const moments = ["submitted", "refused", "started", "requeued", "settled", "handled", "instance"] as const
  for (const moment of moments) {
    own(`a tool that throws when it is told of "${moment}" harms neither the call nor other tools`, () =>
      Effect.gen(function* () {
        const probe = new Probe()
        const logged: Array<unknown> = []
        const logger = Logger.layer([
          Logger.make(({ cause, message }) => void logged.push(`${message} ${Cause.pretty(cause)}`))
        ])
        const { log, tool } = recorder()
        let thrown = 0
        const bad: Instrumentation.Tool = {
          [moment]: () => {
            thrown++
            throw new Error("a bug in a tool")
          }
        }
        let attempts = 0
        const flaky = Effect.suspend(() => (++attempts === 1 ? Effect.fail("once") : Effect.succeed(attempts)))
        const program = Effect.gen(function* () {
          yield* Instrumentation.attach(bad)
          yield* Instrumentation.attach(tool)
          const worker = yield* Worker.options({ maxConcurrency: 1, maxPendingCalls: 1 }).spawn(probe)
          const exits = [
            yield* Effect.exit(worker.note("x")),
            yield* Effect.exit(worker.fail("typed")),
            yield* Effect.exit(worker.run.options({ maxTaskRetries: 1, retry: true })(flaky))
          ]
          const held = yield* worker.work.remote("a")
          exits.push(yield* Effect.exit(worker.note("y")))
          yield* probe.open("a")
          exits.push(yield* Effect.exit(held))
          return exits.map(({ _tag }) => _tag)
        })
        const tags = yield* Effect.scoped(Effect.provide(program, logger))
        assert.deepStrictEqual(tags, ["Success", "Failure", "Success", "Failure", "Success"])
        assert.strictEqual(thrown, 1, "it is told nothing more")
        assert.lengthOf(logged, 1)
        assert.match(String(logged[0]), /A tool of Instrumentation.attach threw.*a bug in a tool/)
        assert.strictEqual(log.filter((it) => it.startsWith("settled")).length, 4)
        assert.include(log, "InstanceGone")
      })
    )
  }

  own("tells of tasks, unless the tool wants to hear of the system only", () =>
    Effect.gen(function* () {
      const all = recorder()
      const some = recorder()
      const hello = Task.make("test/instrumented", () => Effect.succeed("hello"))
      yield* Instrumentation.attach(all.tool)
      yield* Instrumentation.attach(some.tool, { tasks: false })
      assert.strictEqual(yield* hello(), "hello")
      assert.include(all.log, "InstanceStarted")
      assert.isTrue(all.log.some((it) => it.startsWith("settled")))
      assert.deepStrictEqual(some.log, [])
    })
  )

  own("knows the call that a fiber works for", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const inside = yield* worker.run(
        Effect.context<never>().pipe(Effect.map((it) => Instrumentation.callIn(it)?.name))
      )
      assert.strictEqual(inside, "run")
      assert.isUndefined(Instrumentation.callIn(yield* Effect.context<never>()))
    })
  )
})

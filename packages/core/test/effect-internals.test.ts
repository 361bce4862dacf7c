/**
 * What we rely on of Effect that it does not promise: each part in a sentence, and what becomes of actors when it is gone.
 */
import { readdirSync, readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Context, Deferred, Effect, Effectable, Exit, Fiber, Latch, Metric, Scope, Stream } from "effect"
import { afterEach, beforeEach, vi } from "vitest"
import * as door from "../src/internal/base/effectInternals.ts"
import * as names from "../src/internal/base/effectNames.ts"
import { fork, range, settle } from "./support.ts"

describe("Effect has the insides that we know", () => {
  /** The sentence is what the test says when it fails. */
  const part = (sentence: string, holds: Effect.Effect<boolean, unknown, Scope.Scope>) =>
    it.effect(sentence, () => Effect.map(holds, (holds) => assert.isTrue(holds, `Not any more: ${sentence}`)))

  const never: any = Effect.never

  part(
    `an Exit has the property "${names.EXIT}", and no other effect has`,
    Effect.sync(() => names.EXIT in Exit.void && names.EXIT in Exit.die("") && !(names.EXIT in never))
  )

  part(
    `"${names.IDENTIFIER}" of what Effect.sync and Effect.suspend give is "Sync" and "Suspend", and "${names.ARGS}" is their function`,
    Effect.sync(() => {
      const make = () => Effect.void
      const [sync, suspend]: [any, any] = [Effect.sync(make), Effect.suspend(make)]
      const are = sync[names.IDENTIFIER] === "Sync" && suspend[names.IDENTIFIER] === "Suspend"
      return are && sync[names.ARGS] === make && suspend[names.ARGS] === make
    })
  )

  part(
    `a printed cause leaves out a function named "${names.BELOW_USERS}", and what called it`,
    Effect.sync(() => {
      const { [names.BELOW_USERS]: below } = { [names.BELOW_USERS]: (make: () => Error) => make() }
      const make = function ofUser() {
        return new Error("a bug")
      }
      const text = Cause.pretty(Cause.die(below!(make)))
      return text.includes("ofUser") && !text.includes(names.BELOW_USERS) && text.split("\n").length === 2
    })
  )

  part(
    `a fiber runs an effect by calling "${names.EVALUATE}" with itself, and goes on with what that returns`,
    Effect.gen(function* () {
      const latch = Latch.makeUnsafe()
      const wait: any = Effect.as(latch.await, "waited")
      const fiber = yield* fork(Effect.withFiber<string>((fiber) => wait[names.EVALUATE](fiber)))
      yield* latch.open
      return (yield* Fiber.join(fiber)) === "waited"
    })
  )

  part(
    `"${names.INTERRUPTIBLE}" is a property of a fiber that Effect sets: to false where a region begins that cannot be interrupted, and to true at its end, when "${names.STACK}" has what is left to do`,
    Effect.gen(function* () {
      const latch = Latch.makeUnsafe()
      const fiber: any = yield* fork(Effect.andThen(Effect.uninterruptible(latch.await), Effect.void))
      if (fiber[names.INTERRUPTIBLE] !== false) return false
      const seen: Array<unknown> = []
      Object.defineProperty(fiber, names.INTERRUPTIBLE, {
        get: () => false,
        set: (value) => seen.push(value, fiber[names.STACK].length)
      })
      yield* latch.open
      yield* Fiber.join(fiber as Fiber.Fiber<void>)
      return seen[0] === true && seen[1] === 1
    })
  )

  part(
    `"${names.CHILDREN}" of a fiber is the Set of what it has forked and has not ended, or undefined`,
    Effect.gen(function* () {
      const latch = Latch.makeUnsafe()
      const own: any = yield* Effect.withFiber((fiber) => Effect.succeed(fiber))
      const before = own[names.CHILDREN]
      const child = yield* fork(latch.await)
      yield* Effect.forkScoped(latch.await)
      const during = [...own[names.CHILDREN]]
      yield* latch.open
      yield* Fiber.join(child)
      return before === undefined && during.length === 1 && during[0] === child && own[names.CHILDREN].size === 0
    })
  )

  part(
    `"${names.FINALIZERS}" of the state of a Scope is, once there are two, the Map by key of what it runs when it closes, the last one first`,
    Effect.sync(() => {
      const scope = Scope.makeUnsafe()
      const [first, second] = [Scope.forkUnsafe(scope), Scope.forkUnsafe(scope)]
      const finalizers: Map<object, () => Effect.Effect<void>> = (scope.state as any)[names.FINALIZERS]
      const keys = [...finalizers.keys()]
      const log: Array<string> = []
      for (const key of ["1", "2", "3"]) finalizers.set({ key }, () => Effect.sync(() => void log.push(key)))
      finalizers.delete([...finalizers.keys()][3]!)
      Effect.runSync(Scope.close(scope, Exit.void))
      return keys[0] === first && keys[1] === second && log.join() === "3,1" && !(names.FINALIZERS in scope.state)
    })
  )

  part(
    `a Deferred has two properties: "${names.EFFECT}", what it was completed with, and "${names.RESUMES}", the callbacks that wait for it and take an Exit`,
    Effect.gen(function* () {
      const deferred: any = Deferred.makeUnsafe<string>()
      const fibers = [yield* fork(Deferred.await(deferred)), yield* fork(Deferred.await(deferred))]
      const [first] = deferred[names.RESUMES]
      if (Object.keys(deferred).length !== 2 || deferred[names.RESUMES].length !== 2) return false
      first(Exit.succeed("called"))
      yield* Deferred.succeed(deferred, "done")
      const results = yield* Effect.forEach(fibers, Fiber.join)
      return results.join() === "called,done" && Exit.isExit(deferred[names.EFFECT])
    })
  )

  part(
    "FiberRuntimeMetrics, which takes the place of what a fiber has forked, is told that a fiber begins on the stack of the one that forks it, with the context of both",
    Effect.gen(function* () {
      const parents: Array<boolean> = []
      const service: Metric.FiberRuntimeMetricsService = {
        recordFiberStart: (context) => void parents.push(Fiber.getCurrent()?.context === context),
        recordFiberEnd: () => {}
      }
      yield* Effect.provideService(
        Effect.andThen(fork(Effect.void), Effect.forkScoped(Effect.void)),
        Metric.FiberRuntimeMetrics,
        service
      )
      return parents.length === 2 && parents.every((isParent) => isParent)
    })
  )

  it("so that all of it is used", () => {
    assert.notStrictEqual(door.isExit as unknown, Exit.isExit)
    assert.isTrue(Exit.isExit(door.runSync(Effect.sync(() => 1))))
    assert.isDefined(door.inPlace)
    assert.strictEqual(door.watchingForks(Context.empty()), Context.empty())
  })
})

/** An effect of a user, which calls itself what Effect calls its own. */
const labelled: Effect.Effect<string> = Effectable.Prototype<Effect.Effect<string>>({
  label: "Sync",
  evaluate: () => Effect.succeed("own")
})

/** A program that uses what has a fallback, with a core of its own. Returns what it has found. */
const program = async () => {
  const { Actor, ActorError, ObjectRef } = await import("@troupe/core")
  const service = (make: Effect.Effect<any>, options: object = {}) =>
    (Actor.Service as any)()("test/Changed", { make, shutdownTimeout: 0, ...options }).spawn()
  const latch = Latch.makeUnsafe()
  const log: Array<string> = []
  const methods = {
    sync: (n: number) => Effect.sync(() => n + 1),
    lazy: (n: number) => Effect.suspend(() => Effect.sync(() => n + 2)),
    labelled: () => labelled,
    fail: () => Effect.fail("failed"),
    run: (effect: Effect.Effect<any, any>) => effect,
    items: () => Stream.fromIterable(range(3)),
    hold: () => Effect.onInterrupt(latch.await, () => Effect.sync(() => void log.push("interrupted"))),
    masked: () => Effect.uninterruptible(Effect.as(latch.await, "masked"))
  }
  const tagOf = (exit: Exit.Exit<any, any>): string => {
    if (Exit.isSuccess(exit)) return String(exit.value)
    const error: any = Cause.squash(exit.cause)
    return ActorError.isActorError(error) ? error.reason._tag : String(error)
  }
  const tag = (effect: Effect.Effect<any, any, any>) => Effect.map(Effect.exit(effect), tagOf)
  return Effect.gen(function* () {
    const one: any = yield* service(Effect.succeed(methods), { maxConcurrency: 1 })
    const many: any = yield* service(Effect.succeed(methods))
    const found: Record<string, unknown> = {}

    found.asks = [yield* many.sync(1), yield* many.lazy(1), yield* many.labelled(), yield* tag(many.fail())]
    const ref = yield* many.sync.remote(2)
    found.remotes = [yield* ref, yield* Deferred.await(ObjectRef.asDeferred(ref))]
    found.streams = yield* Stream.runCollect(many.items())

    const held = yield* many.hold.remote()
    const waiters = yield* Effect.forEach([0, 1], () => fork(Deferred.await(ObjectRef.asDeferred(held))))
    yield* Fiber.interrupt(waiters[0]!)
    yield* settle
    found.forged = yield* tag(Deferred.succeed(ObjectRef.asDeferred(held) as any, "forged"))
    found.outcome = yield* ObjectRef.cancel(held)
    found.cancelled = [yield* tag(held), yield* tag(Fiber.join(waiters[1]!))]

    const asker = yield* fork(many.hold())
    yield* Fiber.interrupt(asker)
    found.interrupted = log.splice(0)

    found.deadlock = yield* tag(one.run(Effect.suspend(() => one.sync(1))))
    const saved = one.run(
      Effect.gen(function* () {
        const behind = yield* one.sync.remote(3)
        yield* Effect.forkChild(Effect.andThen(latch.await, ObjectRef.cancel(behind)))
        return yield* Effect.exit(behind)
      })
    )
    const forked = yield* fork(saved)
    const masked = yield* many.masked.remote()
    yield* settle
    const cancelling = yield* fork(ObjectRef.cancel(masked))
    yield* latch.open
    found.savedByAFork = tagOf((yield* Fiber.join(forked)) as any)
    yield* Fiber.join(cancelling)
    found.masked = yield* tag(masked)
    return found
  })
}

describe("an Effect that has renamed", () => {
  const parts = Object.keys(names) as Array<keyof typeof names>

  beforeEach(() => {
    vi.resetModules()
    // What is loaded next is the first copy, which knows the other Effect.
    Reflect.deleteProperty(globalThis, Symbol.for("troupe/copies"))
  })
  afterEach(() => vi.doUnmock("../src/internal/base/effectNames.ts"))

  const expected = {
    asks: [2, 3, "own", "failed"],
    remotes: [3, 3],
    streams: [0, 1, 2],
    forged: /TypeError/,
    outcome: "Interrupted",
    cancelled: ["TaskCancelled", "TaskCancelled"],
    interrupted: ["interrupted", "interrupted"],
    deadlock: "Deadlock",
    savedByAFork: "TaskCancelled"
  }

  const changes: ReadonlyArray<readonly [what: string, gone: ReadonlyArray<keyof typeof names>]> = [
    ["nothing", []],
    ...parts.map((part) => [part, [part]] as const),
    ["all of it", parts]
  ]
  for (const [what, gone] of changes) {
    it.effect(`${what} changes no result`, () =>
      Effect.gen(function* () {
        const changed = { ...names, ...Object.fromEntries(gone.map((part) => [part, `gone/${part}`])) }
        vi.doMock("../src/internal/base/effectNames.ts", () => changed)
        const run = yield* Effect.promise(program)
        const { forged, masked, ...found } = yield* Effect.scoped(run as Effect.Effect<any, unknown, Scope.Scope>)
        const { forged: refusal, ...wanted } = expected
        assert.match(String(forged), refusal)
        assert.deepStrictEqual(found, wanted)
        // Effect itself drops it, and without these parts nobody can keep it from that.
        const isKept = !gone.includes("INTERRUPTIBLE") && !gone.includes("STACK")
        assert.strictEqual(masked, isKept ? "masked" : "TaskCancelled")
      })
    )
  }
})

describe("Effect's insides are named nowhere but", () => {
  const packages = new URL("../..", import.meta.url).pathname
  const doors = [
    "core/src/internal/base/effectNames.ts",
    "testing/src/internal/effectNames.ts",
    "testing/src/internal/effectInternals.ts",
    "cluster/src/internal/engineInternals.ts",
    "cluster/src/internal/base/schemaFacts.ts",
    "worker/src/internal/values/schemaFacts.ts"
  ]
  // Fields of fibers, type ids and keys as texts, tables and texts of the engine.
  const fields = "children|stack|parent|running|interruptedCause|exit|observers|yielded|dispatcher|deferredInterrupt"
  const insides = new RegExp(
    `~effect/|\\b_(${fields})\\b|["'\`.]interruptible["'\`]|\\.interruptible\\s*=|SingleShotGen|cacheRoot|` +
      "[\"'`]effect/[A-Za-z/]+[\"'`]|`effect/|\\bcluster_[a-z]+|not registered\\$"
  )
  const imports = /^(import|export) .* from "effect\/[\w/]+"$|import\("effect\/[\w/]+"\)/

  const sources = readdirSync(packages, { recursive: true, encoding: "utf8" }).filter(
    (file) => /^\w+\/src\/.*\.ts$/.test(file) && !file.includes("pageFiles")
  )

  it(`the ${doors.length} doors`, () => {
    const found = sources.flatMap((file) => {
      const lines = readFileSync(`${packages}/${file}`, "utf8").split("\n")
      return lines.flatMap((line, index) => {
        const isCode = !/^\s*(\*|\/\/|\/\*)/.test(line) && !imports.test(line)
        return isCode && insides.test(line) && !doors.includes(file) ? [`${file}:${index + 1} ${line.trim()}`] : []
      })
    })
    assert.isAbove(sources.length, 100)
    assert.deepStrictEqual(found, [])
    for (const door of doors) assert.match(readFileSync(`${packages}/${door}`, "utf8"), insides, door)
  })

  it("and only effectInternals.ts reads core's names of them", () => {
    const readers = sources.filter((file) => readFileSync(`${packages}/${file}`, "utf8").includes("/effectNames.ts"))
    assert.deepStrictEqual(readers.sort(), [
      "core/src/internal/base/effectInternals.ts",
      "testing/src/internal/effectInternals.ts"
    ])
  })
})

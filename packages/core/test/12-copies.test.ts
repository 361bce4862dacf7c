import { readFileSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import path from "node:path"
import { pathToFileURL } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import * as own from "@troupe/core"
import { Cause, Effect, Exit, Layer, Metric, type Scope, Stream } from "effect"
import { build } from "esbuild"
import { afterAll, beforeAll, vi } from "vitest"
import { version } from "../src/internal/base/version.ts"
import { defectOf, reasonOf, settle } from "./support.ts"

type Core = typeof own

const root = path.resolve(import.meta.dirname, "..")

/** The package once more, as it is loaded when a module system has forgotten it. */
const loadAgain = (): Promise<Core> => {
  vi.resetModules()
  return import("@troupe/core")
}

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(import.meta.dirname, "bundles-"))
})
afterAll(() => rm(folder, { recursive: true }))

/** The package as a bundler copies it into each of its outputs, with its own Effect or without. */
const bundled = async (name: string, external: Array<string>): Promise<Core> => {
  const outfile = path.join(folder, `${name}.mjs`)
  await build({
    entryPoints: [path.join(root, "src/index.ts")],
    outfile,
    bundle: true,
    minify: true,
    format: "esm",
    platform: "node",
    conditions: ["@troupe/source"],
    external
  })
  return import(/* @vite-ignore */ pathToFileURL(outfile).href)
}

const copies: Readonly<Record<string, () => Promise<Core>>> = {
  "loaded again": loadAgain,
  bundled: () => bundled("core", ["effect", "effect/*"]),
  "bundled with an Effect of its own": () => bundled("all", [])
}

/** An actor of one copy that does what a test asks for. */
const actorOf = ({ Actor }: Core, id: string, options: { readonly maxConcurrency?: number } = {}) =>
  class Doer extends Actor.Service<Doer>()(`test/${id}`, {
    ...options,
    shutdownTimeout: 0,
    make: Effect.succeed({
      add: (a: number, b: number) => Effect.succeed(a + b),
      fail: (error: unknown) => Effect.fail(error),
      run: (effect: Effect.Effect<any, any>) => effect,
      items: (count: number) => Stream.range(1, count)
    })
  }) {}

for (const [how, load] of Object.entries(copies)) {
  describe(`12.1 two copies of one version, the second ${how}`, () => {
    let other: Core
    // All of Effect may be bundled, which takes its time on a busy machine.
    beforeAll(async () => {
      other = await load()
      assert.notStrictEqual(other.Actor.Service, own.Actor.Service)
    }, 120_000)

    const bothWays = (
      sentence: string,
      test: (one: Core, two: Core) => Effect.Effect<unknown, unknown, Scope.Scope>
    ) => {
      it.effect(sentence, () => test(own, other))
      it.effect(`${sentence}, the other way round`, () => test(other, own))
    }

    bothWays("a gap of one is a gap for the other, and no item", (one, two) =>
      Effect.sync(() => {
        const gap = new one.Broadcast.Resync({ reason: "Restarted" })
        assert.isTrue(two.Broadcast.isResync(gap))
        assert.isFalse(two.Broadcast.isItem(gap))
        assert.isTrue(two.Broadcast.isItem({ _tag: "Resync" }))
      })
    )

    bothWays("12.1 a ref of one is an argument of calls of the other", (one, two) =>
      Effect.gen(function* () {
        const [a, b] = [yield* actorOf(one, "A").spawn(), yield* actorOf(two, "B").spawn()]
        const ref = yield* a.add.remote(1, 2)
        assert.strictEqual(yield* b.add(ref, yield* b.add.remote(ref, 4)), 10)
        assert.strictEqual(yield* b.add(one.ObjectRef.succeed(1), two.ObjectRef.succeed(2)), 3)
      })
    )

    bothWays("12.1 all operations on refs take refs of both", (one, two) =>
      Effect.gen(function* () {
        const [a, b] = [yield* actorOf(one, "A").spawn(), yield* actorOf(two, "B").spawn()]
        const refs = [yield* a.add.remote(1, 2), yield* b.add.remote(3, 4)]
        assert.isTrue(refs.every(one.ObjectRef.isObjectRef) && refs.every(two.ObjectRef.isObjectRef))
        assert.notStrictEqual(refs[0]!.id, refs[1]!.id)
        assert.deepStrictEqual(yield* one.ObjectRef.all(refs), [3, 7])
        assert.deepStrictEqual(yield* Effect.provide(two.ObjectRef.get(refs), one.Driver.layer), [3, 7])
        const [running, background] = [yield* a.run.remote(Effect.never), yield* one.ObjectRef.fromEffect(Effect.never)]
        yield* settle
        assert.include(yield* two.ObjectRef.explain(running), "running")
        assert.deepStrictEqual(yield* two.ObjectRef.cancelAll([running, background]), ["Interrupted", "Interrupted"])
      })
    )

    bothWays("12.1 errors of one are errors of the other", (one, two) =>
      Effect.gen(function* () {
        const a = yield* actorOf(one, "A").spawn()
        yield* two.Actor.kill(a)
        const error = yield* Effect.flip(a.add(1, 2))
        assert.isTrue(two.ActorError.isActorError(error) && error instanceof two.ActorError.ActorError)
        assert.instanceOf((error as own.ActorError.ActorError).reason, two.ActorError.ActorDied)
        assert.isFalse(error instanceof two.ActorError.ActorDied)
        assert.isFalse(two.ActorError.isActorError(new Error("no")))
        const made = new two.ActorError.ActorError({ reason: (error as own.ActorError.ActorError).reason })
        assert.isTrue(one.ActorError.isActorError(made))
        assert.strictEqual(
          yield* Effect.catchReason(a.add(1, 2), "ActorError", "ActorDied", ({ why }) => Effect.succeed(why)),
          "it was killed"
        )
      })
    )

    bothWays("12.1 a deadlock that leads through both is found", (one, two) =>
      Effect.gen(function* () {
        const a = yield* actorOf(one, "A", { maxConcurrency: 1 }).spawn()
        const b = yield* actorOf(two, "B", { maxConcurrency: 1 }).spawn()
        const reason = yield* reasonOf(a.run(b.run(a.add(1, 2))))
        assert.strictEqual(reason._tag, "Deadlock")
        const late = yield* reasonOf(
          a.run(Effect.flatMap(a.add.remote(1, 2), (ref) => b.run(two.ObjectRef.all([ref]))))
        )
        assert.strictEqual(late._tag, "Deadlock")
      })
    )

    bothWays("12.1 so is one that leads through the reader of a stream", (one, two) =>
      Effect.gen(function* () {
        const a = yield* actorOf(one, "A", { maxConcurrency: 1 }).spawn()
        const read = Stream.runForEach(a.items(3), () =>
          Effect.flatMap(a.add.remote(1, 2), (ref) => two.ObjectRef.all([ref]))
        )
        assert.strictEqual((yield* reasonOf(read))._tag, "Deadlock")
      })
    )

    bothWays("12.1 an instance is in the snapshot, under its name and in the metrics of the other", (one, two) =>
      Effect.gen(function* () {
        const Named = actorOf(one, "Named")
        const a = yield* Named.options({ name: "the one" }).spawn()
        const b = yield* actorOf(two, "B").spawn()
        const { instances } = yield* two.ActorSystem.snapshot()
        const numbers = instances.map(({ instance }) => instance)
        assert.includeMembers(
          instances.map(({ actor }) => actor),
          ["test/Named", "test/B"]
        )
        assert.strictEqual(new Set(numbers).size, numbers.length)
        assert.strictEqual(yield* two.ActorSystem.get(Named, "the one"), a)
        yield* a.add(1, 2)
        yield* b.add(1, 2)
        const { text } = yield* Effect.map(Metric.snapshot, (metrics) => ({
          text: JSON.stringify(metrics.filter(({ id }) => id === "troupe_calls_total"))
        }))
        assert.include(text, "test/Named")
        assert.include(text, "test/B")
      }).pipe(Effect.provide(Layer.fresh(two.ActorSystem.layerMetrics())), withMetrics)
    )

    bothWays("12.1 the call of one is the current call of the other", (one, two) =>
      Effect.gen(function* () {
        const [a, b] = [yield* actorOf(one, "A").spawn(), yield* actorOf(two, "B").spawn()]
        const current = Effect.withFiber(({ context }) => Effect.succeed(two.Instrumentation.callIn(context)?.method))
        assert.strictEqual(yield* a.run(current), "test/A.run")
        // What it submits ends with it.
        const inner: Array<own.ObjectRef.ObjectRef<unknown, unknown>> = []
        const outer = yield* a.run.remote(
          Effect.flatMap(b.run.remote(Effect.never), (ref) => {
            inner.push(ref)
            return ref
          })
        )
        yield* settle
        yield* two.ObjectRef.cancel(outer)
        assert.strictEqual((yield* reasonOf(inner[0]!))._tag, "TaskCancelled")
        // And it may not block.
        const defect = yield* defectOf(
          a.run(Effect.provide(two.ObjectRef.get(two.ObjectRef.succeed(1)), two.Driver.layer))
        )
        assert.strictEqual((defect as own.ActorError.BlockingGetError)._tag, "BlockingGetError")
      })
    )

    bothWays("12.1 handles, tasks and pools of one serve the operations of the other", (one, two) =>
      Effect.gen(function* () {
        const A = actorOf(one, "A")
        const a = yield* A.spawn()
        assert.isTrue(two.Actor.isHandle(a))
        const eager: own.AsyncHandle.AsyncHandle<typeof a> = two.AsyncHandle.make(one.AsyncHandle.make(a) as any)
        assert.strictEqual(yield* eager.add(1, 2), 3)
        const pool = yield* two.ActorPool.make({ spawn: A.spawn(), size: 1 })
        assert.strictEqual(yield* pool.run((member) => member.add(1, 2)), 3)
        const task = one.Task.make("test/task", (n: number) => Effect.succeed(n))
        yield* two.Task.resize(task, 1)
        assert.strictEqual(yield* task(5), 5)
        yield* two.Actor.stop(a)
        assert.strictEqual((yield* reasonOf(a.add(1, 2)))._tag, "ActorDied")
      })
    )

    bothWays("12.1 two actors of one id are refused together, also where they are of two copies", (one, two) =>
      Effect.gen(function* () {
        const both = Layer.mergeAll(actorOf(one, "A").layer, actorOf(two, "A").layer)
        const exit = yield* Effect.exit(Effect.provide(Effect.void, both))
        assert.isTrue(Exit.isFailure(exit))
        if (Exit.isFailure(exit)) assert.include(Cause.pretty(exit.cause), "two actors of this id")
      })
    )
  })
}

const withMetrics = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.provideService(effect, Metric.MetricRegistry, new Map())

describe("12.2 copies of two versions", () => {
  let other: Core
  const said: Array<string> = []
  beforeAll(async () => {
    const log = vi.spyOn(console, "log").mockImplementation((...parts) => void said.push(parts.join(" ")))
    vi.doMock("../src/internal/base/version.ts", () => ({ version: "99.0.0" }))
    other = await loadAgain()
    // A second copy of that version.
    await loadAgain()
    vi.doUnmock("../src/internal/base/version.ts")
    await Effect.runPromise(settle)
    log.mockRestore()
  }, 60_000)

  const bothWays = (sentence: string, test: (one: Core, two: Core) => Effect.Effect<unknown, unknown, Scope.Scope>) => {
    it.effect(sentence, () => test(own, other))
    it.effect(`${sentence}, the other way round`, () => test(other, own))
  }

  /** What is said of what comes from the other version. */
  const theirs = /It is of @troupe\/core \S+, which does not work together with \S+: there are/

  const refused = (operate: () => unknown) =>
    Effect.sync(() => {
      assert.throws(operate, theirs)
    })

  it("12.2 say so once, with both versions and where they were loaded from", () => {
    assert.strictEqual(said.length, 1)
    assert.match(
      said[0]!,
      /WARN.*@troupe\/core is loaded in 2 versions, which do not work together: 0\.0\.0 from \S+copies\.ts, 99\.0\.0 from \S+copies\.ts\. Install one/
    )
    assert.include(said[0], `${version} from`)
  })

  bothWays("12.2 each works by itself, also inside a call of the other", (one, two) =>
    Effect.gen(function* () {
      const [a, b] = [yield* actorOf(one, "Apart").spawn(), yield* actorOf(two, "B").spawn()]
      assert.strictEqual(yield* a.run(b.run(a.add(1, yield* a.add.remote(1, 1)))), 3)
      const { instances } = yield* two.ActorSystem.snapshot()
      assert.isFalse(instances.some(({ actor, state }) => actor === "test/Apart" && state !== "dead"))
    })
  )

  bothWays("12.2 a ref of one is no argument of calls of the other, which say so", (one, two) =>
    Effect.gen(function* () {
      const b = yield* actorOf(two, "B").spawn()
      const defect = yield* defectOf(b.add(1, one.ObjectRef.succeed(2)))
      assert.match(String(defect), /TypeError: argument 2 of test\/B\.add is ObjectRef\(#\d+, succeeded\)\. It is of/)
      assert.match(String(defect), theirs)
      const unrun: any = (yield* actorOf(one, "A").spawn()).add.remote(1, 2)
      assert.match(String(yield* defectOf(b.add(1, unrun))), theirs)
      assert.strictEqual(yield* b.add(1, 2), 3)
    })
  )

  bothWays("12.2 operations refuse refs, handles and tasks of the other", (one, two) =>
    Effect.gen(function* () {
      const ref = one.ObjectRef.succeed(1)
      assert.isFalse(two.ObjectRef.isObjectRef(ref))
      const { all, allSettled, race }: Record<string, any> = two.ObjectRef
      for (const operate of [all, race, allSettled])
        assert.match(String(yield* defectOf(Effect.suspend((): Effect.Effect<unknown> => operate([ref])))), theirs)
      assert.match(String(yield* defectOf(two.ObjectRef.cancel(ref))), theirs)
      const a = yield* actorOf(one, "A").spawn()
      assert.isFalse(two.Actor.isHandle(a))
      yield* refused(() => two.Actor.stop(a))
      yield* refused(() => two.Actor.watch(a))
      yield* refused(() => two.AsyncHandle.make(a))
      yield* refused(() => two.Task.resize(one.Task.make("test/t", Effect.succeed), 1))
    })
  )

  bothWays("12.2 errors are known by the other all the same", (one, two) =>
    Effect.gen(function* () {
      const a = yield* actorOf(one, "A").spawn()
      yield* one.Actor.kill(a)
      assert.isTrue(two.ActorError.isActorError(yield* Effect.flip(a.add(1, 2))))
    })
  )
})

it("12.1 the version that copies go by is that of the package", () => {
  assert.strictEqual(JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")).version, version)
})

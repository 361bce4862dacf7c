/**
 * What the end of one instance, or of their thread, costs the other instances on that thread, as docs/homes.md says.
 */
import { assert, describe, it } from "@effect/vitest"
import { Actor, ObjectRef } from "@troupe/core"
import { TaskPool, WorkerHome } from "@troupe/worker"
import { Effect, Exit, Fiber, Schedule, type Scope, Stream } from "effect"
import { fork, range, reasonOf } from "../../core/test/support.ts"
import { end, hasBegun, makeHold } from "./fixtures/hold.ts"
import { Neighbour } from "./fixtures/Neighbour.ts"
import * as tasks from "./fixtures/tasks.ts"
import { bundle } from "./support.ts"

const url = await bundle("neighbour.worker")
const tasksUrl = await bundle("tasks.worker")

type Handle = ReturnType<Neighbour["Service"]["get"]>

const begun = (memory: Int32Array) => Effect.repeat(Effect.sleep(1), { until: () => hasBegun(memory) })

/** Longer than a thread has to show that it listens when the only instance on it is killed. */
const aWhile = Effect.sleep("1300 millis")

const atOnce = { restart: Schedule.recurs(5) }

const test = (
  name: string,
  body: (
    get: Neighbour["Service"]["get"],
    service: Neighbour["Service"]
  ) => Effect.Effect<unknown, unknown, Scope.Scope>,
  options: Partial<WorkerHome.HomeOptions> = {}
) =>
  it.live(
    name,
    () =>
      Effect.flatMap(Neighbour, (service) => body(service.get, service)).pipe(
        Effect.scoped,
        Effect.provide(WorkerHome.layer(Neighbour, { url, ...atOnce, ...options }))
      ),
    30_000
  )

describe("10.2 while a thread computes for one instance", () => {
  /** `a` holds the thread, and `ending` is under way. What others submit meanwhile is answered, on the same thread. */
  const spares = (
    name: string,
    ending: (get: Neighbour["Service"]["get"], service: Neighbour["Service"]) => Effect.Effect<unknown, unknown>
  ) =>
    test(name, (get, service) =>
      Effect.gen(function* () {
        const memory = makeHold()
        const thread = yield* get("b").thread()
        yield* get("c").count()
        yield* get("a").hold.remote(memory)
        yield* begun(memory)
        const ended = yield* fork(ending(get, service))
        const refs = [yield* get("c").count.remote(), yield* get("new").count.remote()]
        yield* aWhile
        end(memory)
        assert.deepStrictEqual(yield* ObjectRef.all(refs), [2, 1])
        yield* Fiber.join(ended)
        assert.strictEqual(yield* get("c").thread(), thread)
      })
    )

  spares("that one is killed, and its neighbours are spared", (get) => Actor.kill(get("a")))
  spares("that one is stopped, and its neighbours are spared", (get) => Actor.stop(get("a")))
  spares("another one is killed, and its neighbours are spared", (get) => Actor.kill(get("b")))
  spares("another one is stopped, and its neighbours are spared", (_, service) => service.stop("b"))
  spares("two are killed, and their neighbours are spared", (get) =>
    Effect.all([Actor.kill(get("a")), Actor.kill(get("b"))], { concurrency: 2 })
  )

  test("a key that comes first after the kill is spared, too", (get) =>
    Effect.gen(function* () {
      const memory = makeHold()
      yield* get("a").hold.remote(memory)
      yield* begun(memory)
      const killed = yield* fork(Actor.kill(get("a")))
      const ref = yield* get("b").count.remote()
      yield* aWhile
      end(memory)
      assert.strictEqual(yield* ref, 1)
      yield* Fiber.join(killed)
    }))

  test("all of them are killed, and none of the kills waits for the thread", (get) =>
    Effect.gen(function* () {
      const memory = makeHold()
      const refs = [yield* get("b").never.remote(), yield* get("a").hold.remote(memory)]
      yield* begun(memory)
      yield* Effect.all([Actor.kill(get("a")), Actor.kill(get("b"))], { concurrency: 2 })
      for (const ref of refs) assert.strictEqual((yield* reasonOf(ref))._tag, "ActorDied")
      assert.strictEqual(yield* get("a").count(), 1)
    }))
})

describe("10.2 when a thread is lost, a call that it has not begun", () => {
  const watched = { ...atOnce, unresponsiveAfter: "300 millis" } as const

  /** `a` never gives its thread back. */
  const hung = (get: Neighbour["Service"]["get"]) =>
    Effect.gen(function* () {
      const memory = makeHold()
      const ref = yield* get("a").hold.remote(memory)
      yield* begun(memory)
      return ref
    })

  test(
    "runs on the next one, in order",
    (get) =>
      Effect.gen(function* () {
        const ref = yield* hung(get)
        const names = range(10).map(String)
        const notes = yield* Effect.forEach(names, (name) => get("b").note.remote(name))
        assert.deepStrictEqual((yield* ObjectRef.all(notes)).at(-1), names)
        const reason = yield* reasonOf(ref)
        assert.deepStrictEqual([reason._tag, reason.mayHaveRun], ["ActorUnavailable", true])
      }),
    watched
  )

  test(
    "runs on the next one, as a stream",
    (get) =>
      Effect.gen(function* () {
        yield* hung(get)
        assert.deepStrictEqual([...(yield* Stream.runCollect(get("b").items()))], [1, 2, 3])
      }),
    watched
  )

  test(
    "can be cancelled meanwhile, and has not run",
    (get) =>
      Effect.gen(function* () {
        yield* hung(get)
        const ref = yield* get("b").count.remote()
        yield* Effect.sleep(1)
        yield* ObjectRef.cancel(ref)
        const reason = yield* reasonOf(ref)
        assert.deepStrictEqual([reason._tag, reason.mayHaveRun], ["TaskCancelled", false])
      }),
    watched
  )

  test(
    "fails with ActorDied if there is no next one, and has not run",
    (get) =>
      Effect.gen(function* () {
        yield* hung(get)
        const reason = yield* reasonOf(get("b").count())
        assert.deepStrictEqual([reason._tag, reason.mayHaveRun], ["ActorDied", false])
      }),
    { ...watched, restart: Schedule.recurs(0) }
  )

  test("runs on the next one, although it was in the same batch as what ended the thread", (get) =>
    Effect.gen(function* () {
      yield* get("a").count()
      const exit = yield* get("a").exit.remote()
      const counts = [yield* get("a").count.remote(), yield* get("a").count.remote()]
      assert.strictEqual((yield* reasonOf(exit))._tag, "ActorUnavailable")
      assert.deepStrictEqual(yield* ObjectRef.all(counts), [1, 2])
    }))

  it.live("runs on the next one, as a task", () =>
    Effect.gen(function* () {
      const crash = yield* tasks.crash.remote()
      const squares = yield* Effect.forEach(range(5), (n) => tasks.square.remote(n))
      assert.strictEqual((yield* reasonOf(crash))._tag, "ActorUnavailable")
      assert.deepStrictEqual(yield* ObjectRef.all(squares), [0, 1, 4, 9, 16])
    }).pipe(Effect.provide(TaskPool.layer({ url: tasksUrl, size: 1, ...atOnce })))
  )
})

describe("a batch of calls that ends", () => {
  /** As semantics 5 has it: the body of a call that is interrupted or cancelled in the same turn never runs. */
  const startsNone = (name: string, ending: (neighbour: Handle) => Effect.Effect<unknown, unknown>) =>
    test(
      `starts no call that waits: ${name}`,
      (get) =>
        Effect.gen(function* () {
          const neighbour = get("a")
          yield* neighbour.count()
          yield* ending(neighbour)
          assert.deepStrictEqual(yield* neighbour.note("after"), ["after"])
        }),
      { maxConcurrency: 2 }
    )

  const holders = (neighbour: Handle) => [neighbour.never(), neighbour.never()]
  const waiting = (neighbour: Handle) => range(8).map((n) => neighbour.note(String(n)))

  startsNone("a timeout around asks", (neighbour) =>
    Effect.timeoutOption(
      Effect.all<ReadonlyArray<Effect.Effect<unknown, unknown>>, { readonly concurrency: "unbounded" }>(
        [...holders(neighbour), ...waiting(neighbour)],
        { concurrency: "unbounded" }
      ),
      50
    )
  )

  startsNone("the cancellation of many refs", (neighbour) =>
    Effect.gen(function* () {
      const held = yield* Effect.forEach(range(2), () => neighbour.never.remote())
      const refs = yield* Effect.forEach(range(8), (n) => neighbour.note.remote(String(n)))
      yield* Effect.sleep(50)
      yield* Effect.forEach([...held, ...refs], (ref) => ObjectRef.cancel(ref), { concurrency: "unbounded" })
    })
  )

  startsNone("one AbortSignal for all", (neighbour) =>
    Effect.promise(async () => {
      const controller = new AbortController()
      const { signal } = controller
      const all = [...holders(neighbour), ...waiting(neighbour)].map((ask) =>
        Effect.runPromiseExit(ask as Effect.Effect<unknown, unknown>, { signal })
      )
      await new Promise((resolve) => setTimeout(resolve, 50))
      controller.abort()
      const exits = await Promise.all(all)
      assert.isTrue(exits.every(Exit.isFailure))
    })
  )

  describe("while the thread computes starts none of those that were sent there", () => {
    const computing =
      (ending: (neighbour: Handle) => Effect.Effect<unknown, unknown>) => (get: (key: string) => Handle) =>
        Effect.gen(function* () {
          const memory = makeHold()
          const neighbour = get("a")
          const held = yield* neighbour.hold.remote(memory)
          yield* begun(memory)
          const ended = yield* fork(ending(neighbour))
          yield* Effect.sleep(100)
          const after = yield* neighbour.note.remote("after")
          yield* Effect.sleep(10)
          end(memory)
          yield* Fiber.join(ended)
          yield* held
          assert.deepStrictEqual(yield* after, ["after"])
        })

    test(
      "a timeout around asks",
      computing((neighbour) => Effect.timeoutOption(Effect.all(waiting(neighbour), { concurrency: "unbounded" }), 30))
    )

    test(
      "the cancellation of many refs, which have not run",
      computing((neighbour) =>
        Effect.gen(function* () {
          const refs = yield* Effect.forEach(range(100), (n) => neighbour.note.remote(String(n)))
          yield* Effect.sleep(30)
          yield* Effect.forEach(refs, (ref) => ObjectRef.cancel(ref), { concurrency: "unbounded" })
          for (const ref of refs) {
            const reason = yield* reasonOf(ref)
            assert.deepStrictEqual([reason._tag, reason.mayHaveRun], ["TaskCancelled", false])
          }
        })
      )
    )

    test(
      "a timeout of each call",
      computing((neighbour) =>
        Effect.gen(function* () {
          const note = neighbour.note.options({ timeout: "30 millis" })
          const refs = yield* Effect.forEach(range(8), (n) => note.remote(String(n)))
          for (const ref of refs) assert.strictEqual((yield* reasonOf(ref))._tag, "TimedOut")
        })
      )
    )

    test(
      "a stream that is not wanted any more",
      computing((neighbour) => Effect.timeoutOption(Stream.runDrain(neighbour.noted("streamed")), 30))
    )

    it.live("tasks that are cancelled", () =>
      Effect.gen(function* () {
        const [memory, shared] = [makeHold(), new Int32Array(new SharedArrayBuffer(4))]
        const held = yield* tasks.hold.remote(memory)
        yield* begun(memory)
        const refs = yield* Effect.forEach(range(8), () => tasks.forever.remote(shared))
        yield* Effect.sleep(30)
        const cancelled = yield* fork(
          Effect.forEach(refs, (ref) => ObjectRef.cancel(ref), { concurrency: "unbounded" })
        )
        yield* Effect.sleep(30)
        end(memory)
        yield* Fiber.join(cancelled)
        yield* held
        assert.strictEqual(shared[0], 0)
      }).pipe(Effect.provide(TaskPool.layer({ url: tasksUrl, size: 1 })))
    )
  })
})

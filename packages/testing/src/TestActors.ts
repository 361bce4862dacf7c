/**
 * Helpers for tests of actors: an `ActorSystem` per test, and latches that wait for what instances do, without sleeps.
 *
 * Each latch checks at once, and again whenever a call of the same `ActorSystem` is submitted, starts or settles. It
 * fails at once if the instance is dead and the condition can no longer come true.
 *
 * **Example**
 *
 * ```ts
 * import { Actor } from "@troupe/core"
 * import { TestActors } from "@troupe/testing"
 * import { Effect, Latch } from "effect"
 *
 * const gate = Latch.makeUnsafe()
 * class Worker extends Actor.Service<Worker>()("Worker", {
 *   maxConcurrency: 2,
 *   make: Effect.succeed({ work: () => gate.await })
 * }) {}
 *
 * const test = Effect.gen(function* () {
 *   const worker = yield* Worker.spawn()
 *   for (let i = 0; i < 5; i++) yield* worker.work.remote()
 *   yield* TestActors.running(worker, 2)
 *   console.log((yield* TestActors.stateOf(worker)).permits.waiting) // => 3
 *   yield* gate.open
 *   yield* TestActors.idle(worker)
 * })
 *
 * await Effect.runPromise(Effect.scoped(test).pipe(Effect.provide(TestActors.layer)))
 * ```
 *
 * @since 0.1.0
 */
import { Actor, ActorSystem } from "@troupe/core"
import * as Home from "@troupe/core/Home"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { plural } from "./internal/show.ts"

/**
 * Gives a test its own `ActorSystem`, with its own names: when the Scope closes, a test that has left instances behind,
 * or calls that have not settled, dies with a list of them.
 *
 * @category layers
 * @since 0.1.0
 */
// Fresh: layers that are the same object are built once, and two tests would share it.
export const layer: Layer.Layer<never> = Layer.fresh(
  Layer.effect(ActorSystem.ActorSystem)(
    Effect.acquireRelease(ActorSystem.make, (system) =>
      Effect.flatMap(livingIn(system), (left) => {
        if (left.length === 0) return Effect.void
        const list = left.map(
          ({ actor, instance, pending }) => `${actor} (#${instance}, ${plural(pending, "unsettled call")})`
        )
        return Effect.die(
          new Error(
            `Instances outlive their test: ${list.join(", ")}. Close the Scopes that they are in before: test.pipe(Effect.scoped, Effect.provide(TestActors.layer))`
          )
        )
      })
    )
  )
)

/** The living instances of a system. Every system shows all tasks, which belong to none. */
const livingIn = (system: ActorSystem.ActorSystem): Effect.Effect<ReadonlyArray<ActorSystem.Instance>> =>
  Effect.gen(function* () {
    const tasks = new Set((yield* shownIn(yield* ActorSystem.make)).map(({ instance }) => instance))
    return (yield* shownIn(system)).filter(({ instance, state }) => state !== "dead" && !tasks.has(instance))
  })

const shownIn = (system: ActorSystem.ActorSystem): Effect.Effect<ReadonlyArray<ActorSystem.Instance>> =>
  ActorSystem.snapshot({ limit: Infinity }).pipe(
    Effect.provideService(ActorSystem.ActorSystem, system),
    Effect.map(({ instances }) => instances)
  )

/**
 * What an instance is doing now. Dies if the handle belongs to no living instance of this `ActorSystem`.
 *
 * @category latches
 * @since 0.1.0
 */
export const stateOf = (handle: object): Effect.Effect<ActorSystem.Instance> =>
  Effect.map(ActorSystem.snapshot(), ({ instances }) => {
    const found = instances.find(identityOf(handle))
    if (found !== undefined) return found
    throw new TypeError(`${Home.show(handle)} is not among the instances of this ActorSystem`)
  })

/** Finds the instance of a handle: by its number, or as the resident of a key. */
const identityOf = (handle: object): ((instance: ActorSystem.Instance) => boolean) => {
  if (!Actor.isHandle(handle)) throw new TypeError(`Not the handle of an actor: ${Home.show(handle)}`)
  const { actor, instance, key } = (handle as { toJSON(): any }).toJSON()
  if (instance !== undefined) return (other) => other.instance === instance
  return (other) => other.actor === actor && other.key === Home.keyText(key) && other.state !== "dead"
}

const sum = ({ groups, permits }: ActorSystem.Instance, count: (permits: ActorSystem.Permits) => number): number =>
  [permits, ...Object.values(groups)].reduce((total, permits) => total + count(permits), 0)

/**
 * Waits until an instance is in a state that a test asks for.
 *
 * @category latches
 * @since 0.1.0
 */
export const until = (
  handle: object,
  predicate: (state: ActorSystem.Instance) => boolean,
  what = "come into the state that the test waits for"
): Effect.Effect<void> =>
  Effect.scoped(
    Effect.gen(function* () {
      let changed = true
      let wake = () => {}
      yield* ActorSystem.watch(() => {
        changed = true
        wake()
      })
      // The notification comes on the stack of the change, so the fiber continues in its own turn.
      const change = Effect.callback<void>((resume) => {
        if (changed) return resume(Exit.void)
        wake = () => resume(Effect.yieldNow)
        return Effect.sync(() => {
          wake = () => {}
        })
      })
      for (;;) {
        changed = false
        const state = yield* stateOf(handle)
        if (predicate(state)) return
        if (state.state === "dead") {
          return yield* Effect.die(new Error(`${Home.show(handle)} will not ${what}: it is dead, ${state.death?.why}`))
        }
        yield* change
      }
    })
  )

/**
 * Waits until at least `count` calls of an instance are running.
 *
 * @category latches
 * @since 0.1.0
 */
export const running = (handle: object, count: number): Effect.Effect<void> =>
  until(handle, (state) => sum(state, ({ running }) => running) >= count, `run ${plural(count, "call")}`)

/**
 * Waits until at least `count` calls of an instance are in line.
 *
 * @category latches
 * @since 0.1.0
 */
export const waiting = (handle: object, count: number): Effect.Effect<void> =>
  until(handle, (state) => sum(state, ({ waiting }) => waiting) >= count, `have ${plural(count, "call")} in line`)

/**
 * Waits until no call of an instance is in line, whether or not calls are running.
 *
 * @category latches
 * @since 0.1.0
 */
export const queueEmpty = (handle: object): Effect.Effect<void> =>
  until(handle, (state) => sum(state, ({ waiting }) => waiting) === 0, "work off its line")

/**
 * Waits until an instance has no calls at all: none running, in line, or waiting for arguments.
 *
 * @category latches
 * @since 0.1.0
 */
export const idle = (handle: object): Effect.Effect<void> => until(handle, ({ pending }) => pending === 0, "be idle")

/**
 * Waits until at least `count` calls of an instance have settled since it was started, however they did.
 *
 * @category latches
 * @since 0.1.0
 */
export const settled = (handle: object, count: number): Effect.Effect<void> =>
  until(
    handle,
    ({ settled }) => Object.values(settled).reduce((total, n) => total + n, 0) >= count,
    `settle ${plural(count, "call")}`
  )

/**
 * What a timeout, an interruption and a cancellation do to a thread that computes: what docs/homes.md says of it.
 */
import { assert, describe, it } from "@effect/vitest"
import { type ActorError, ObjectRef } from "@troupe/core"
import { TaskPool, WorkerHome } from "@troupe/worker"
import { Effect, Exit, Fiber, Layer, Option, type Scope } from "effect"
import { fork, reasonOfExit } from "../../core/test/support.ts"
import { end, hasBegun, makeHold } from "./fixtures/hold.ts"
import { Odd } from "./fixtures/Odd.ts"
import * as tasks from "./fixtures/tasks.ts"
import { bundle } from "./support.ts"

const threads = Layer.mergeAll(
  TaskPool.layer({ url: await bundle("tasks.worker"), size: 1 }),
  WorkerHome.layer(Odd, { url: await bundle("odd.worker") })
)

/** What tasks and methods have in common. */
interface Hold {
  (memory: Int32Array): Effect.Effect<string, ActorError.ActorError>
  remote(memory: Int32Array): Effect.Effect<ObjectRef.ObjectRef<string, ActorError.ActorError>, ActorError.ActorError>
  options(options: {
    readonly timeout: "200 millis"
  }): (memory: Int32Array) => Effect.Effect<string, ActorError.ActorError>
}
type Exited = Exit.Exit<unknown, ActorError.ActorError>

/** The same for a task, and for a method of an actor. */
const both = (
  name: string,
  body: (hold: Hold, memory: Int32Array) => Effect.Effect<Exited, ActorError.ActorError, Scope.Scope>,
  check: { readonly task: (exit: Exited) => void; readonly actor: (exit: Exited) => void }
) => {
  const within = (hold: Effect.Effect<Hold, never, Odd>, check: (exit: Exited) => void) =>
    Effect.gen(function* () {
      check(yield* body(yield* hold, makeHold()))
    }).pipe(Effect.provide(threads))
  it.live(`${name}: a task`, () => within(Effect.succeed(tasks.hold), check.task), 30_000)
  it.live(
    `${name}: an actor`,
    () =>
      within(
        Effect.map(Odd, ({ hold }) => hold),
        check.actor
      ),
    30_000
  )
}

const begun = (memory: Int32Array) => Effect.repeat(Effect.sleep(1), { until: () => hasBegun(memory) })

/** Nothing comes for a while, longer than timeouts that a call has begun within. Then the work ends, and it does. */
const afterTheWork = <A>(fiber: Fiber.Fiber<A>, memory: Int32Array): Effect.Effect<A> =>
  Effect.gen(function* () {
    assert.isTrue(Option.isNone(yield* Effect.timeoutOption(Fiber.await(fiber), "400 millis")))
    end(memory)
    return yield* Fiber.join(fiber)
  })

const isComputed = (exit: Exited) => assert.deepStrictEqual(exit, Exit.succeed("computed"))

const isReason = (tag: string) => (exit: Exited) => {
  const reason = reasonOfExit(exit)
  assert.deepStrictEqual([reason._tag, reason.mayHaveRun], [tag, true])
}

describe("a thread that computes", () => {
  both(
    "a timeout of the call settles it once the thread yields",
    (hold, memory) =>
      Effect.gen(function* () {
        const call = yield* fork(Effect.exit(hold.options({ timeout: "200 millis" })(memory)))
        return yield* afterTheWork(call, memory)
      }),
    { task: isReason("TimedOut"), actor: isComputed }
  )

  both(
    "a cancellation settles it once the thread yields",
    (hold, memory) =>
      Effect.gen(function* () {
        const ref = yield* hold.remote(memory)
        yield* begun(memory)
        yield* afterTheWork(yield* fork(ObjectRef.cancel(ref)), memory)
        return yield* Effect.exit(ref)
      }),
    { task: isReason("TaskCancelled"), actor: isComputed }
  )

  both(
    "an interrupted ask ends once the thread yields",
    (hold, memory) =>
      Effect.gen(function* () {
        const asking = yield* fork(Effect.timeoutOption(hold(memory), "200 millis"))
        assert.isTrue(Option.isNone(yield* afterTheWork(yield* fork(Effect.orDie(Fiber.join(asking))), memory)))
        return Exit.succeed("computed")
      }),
    { task: isComputed, actor: isComputed }
  )

  both(
    "a wait for a ref ends in time, and the call goes on",
    (hold, memory) =>
      Effect.gen(function* () {
        const ref = yield* hold.remote(memory)
        yield* begun(memory)
        assert.isTrue(Option.isNone(yield* Effect.orDie(Effect.timeoutOption(ref, "10 millis"))))
        end(memory)
        return yield* Effect.exit(ref)
      }),
    { task: isComputed, actor: isComputed }
  )
})

/**
 * Checks that what callers of an actor saw could have come from one call after the other.
 *
 * {@link record} records when each call through a handle began and ended, and its result. {@link check} then looks for
 * an order of these calls in which no call comes before one that had ended when it began, and in which each has the
 * result that a sequential model gives it. If there is such an order, the history is *linearizable* (Herlihy and Wing,
 * 1990).
 *
 * The search is that of Wing and Gong, "Testing and Verifying Concurrent Objects", Journal of Parallel and Distributed
 * Computing 17 (1993), with the improvement of Lowe, "Testing for Linearizability", Concurrency and Computation 29
 * (2017): a point reached before, the same calls in the same state, is not examined again. It takes exponential time at
 * worst, and is for histories of some dozens of calls, such as the explorer makes.
 *
 * **Example**
 *
 * ```ts
 * import { Actor } from "@troupe/core"
 * import { Explore, History } from "@troupe/testing"
 * import { Effect, Ref } from "effect"
 *
 * class Counter extends Actor.Service<Counter>()("Counter", {
 *   make: Effect.gen(function* () {
 *     const count = yield* Ref.make(0)
 *     return { add: (by: number) => Ref.updateAndGet(count, (n) => n + by), get: () => Ref.get(count) }
 *   })
 * }) {}
 *
 * const program = Effect.gen(function* () {
 *   const { handle: counter, history } = History.record(yield* Counter.spawn())
 *   yield* Effect.all([counter.add(1), counter.add(2), counter.get()], { concurrency: "unbounded" })
 *   yield* History.check(history, {
 *     initial: 0,
 *     methods: { add: (n, by) => [n + by, n + by], get: (n) => [n, n] }
 *   })
 * })
 *
 * const report = await Effect.runPromise(Explore.check(program, { schedules: 200 }))
 * console.log(report.schedules) // => 200
 * ```
 *
 * @since 0.1.0
 */
import { Actor, type ObjectRef } from "@troupe/core"
import * as Home from "@troupe/core/Home"
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { linearize } from "./internal/linearize.ts"
import { isExit, tagOf } from "./internal/show.ts"

/**
 * One call of a history. Moments are counted, not timed: each beginning and each end is one more.
 *
 * @category models
 * @since 0.1.0
 */
export interface Operation {
  readonly method: string
  readonly args: ReadonlyArray<unknown>
  readonly began: number
  /** `Infinity` while it has not ended. */
  readonly ended: number
  /** How it ended. Absent while it has not, and if its end does not tell whether it happened: it was interrupted. */
  readonly exit: Exit.Exit<unknown, unknown> | undefined
}

/**
 * The calls through one recorded handle, in the order they began.
 *
 * @category models
 * @since 0.1.0
 */
export interface History<Shape> {
  readonly operations: ReadonlyArray<Operation>
  /** For types only. */
  readonly _Shape?: Shape
}

/**
 * A model of an actor, one call after the other: each method takes the state and its arguments, and returns the next
 * state and the result. A result that is an `Exit` stands for itself: `Exit.fail("empty")` for a call that fails.
 *
 * States and results are compared with `Equal.equals`, which looks into plain objects and arrays.
 *
 * @category models
 * @since 0.1.0
 */
export interface Model<S, Shape> {
  readonly initial: S
  readonly methods: {
    readonly [K in keyof Shape]?: Shape[K] extends
      | Actor.Method<infer Args, infer A, infer E>
      | Actor.GroupedMethod<infer Args, infer A, infer E, any>
      ? (state: S, ...args: Args) => readonly [state: S, result: A | Exit.Exit<A, E> | typeof anything]
      : never
  }
}

/**
 * In a model, a result that may be any value: for methods whose type is `void`, which may return anything at run time,
 * as `Ref.set` does.
 *
 * @category models
 * @since 0.1.0
 */
export const anything: unique symbol = Symbol.for("troupe/History/anything")

/**
 * No order of the calls explains what their callers saw. The message lists the calls, and the longest part of them that
 * an order explains.
 *
 * @category errors
 * @since 0.1.0
 */
export class NotLinearizable extends Data.TaggedError("NotLinearizable")<{
  readonly operations: ReadonlyArray<Operation>
  readonly message: string
}> {}

interface Entry extends Operation {
  ended: number
  exit: Exit.Exit<unknown, unknown> | undefined
}

class Recorder {
  readonly operations: Array<Entry> = []
  private moment = 0

  begin(method: string, args: ReadonlyArray<unknown>): Entry {
    const entry: Entry = { method, args, began: this.moment++, ended: Infinity, exit: undefined }
    this.operations.push(entry)
    return entry
  }

  end(entry: Entry, exit: Exit.Exit<unknown, unknown>): void {
    // A call that was cut short may have happened, in whole or in part, or not at all.
    if (isUncertain(exit)) return
    entry.ended = this.moment++
    entry.exit = exit
  }
}

const isUncertain = (exit: Exit.Exit<unknown, unknown>): boolean =>
  exit._tag === "Failure" &&
  exit.cause.reasons.some(
    (reason) => Cause.isInterruptReason(reason) || (Cause.isFailReason(reason) && tagOf(reason.error) === "ActorError")
  )

/**
 * Makes a handle whose calls are recorded: asks from when they are run to when they are answered, remote calls from their
 * submission until their ref settles. Methods that return Streams are passed on as they are.
 *
 * @category recording
 * @since 0.1.0
 */
export const record = <Shape extends object>(
  handle: Shape
): { readonly handle: Shape; readonly history: History<Shape> } => {
  if (!Actor.isHandle(handle))
    throw new TypeError(`History.record takes the handle of an actor, but got ${Home.show(handle)}`)
  const recorder = new Recorder()
  const methods = new Map<PropertyKey, unknown>()
  const recorded: Shape = new Proxy(handle, {
    get: (target, key) => {
      const method = Reflect.get(target, key)
      if (typeof key === "symbol" || typeof (method as any)?.remote !== "function") return method
      if (!methods.has(key)) methods.set(key, recordMethod(recorder, key, method))
      return methods.get(key)
    }
  })
  return { handle: recorded, history: { operations: recorder.operations } }
}

const recordMethod = (recorder: Recorder, name: string, method: any): unknown => {
  const ask = (...args: ReadonlyArray<unknown>) =>
    Effect.suspend(() => {
      const entry = recorder.begin(name, args)
      return Effect.onExit(method(...args) as Effect.Effect<unknown, unknown>, (exit) =>
        Effect.sync(() => recorder.end(entry, exit))
      )
    })
  const remote = (...args: ReadonlyArray<unknown>) =>
    Effect.withFiber((fiber) => {
      const entry = recorder.begin(name, args)
      return Effect.tap(
        method.remote(...args) as Effect.Effect<ObjectRef.ObjectRef<unknown, unknown>, unknown>,
        (ref) =>
          Effect.sync(() => {
            const note = Effect.map(Effect.exit(ref), (exit) => recorder.end(entry, exit))
            Effect.runForkWith(fiber.context)(note)
          })
      )
    })
  return Object.assign(ask, {
    remote,
    options: (options: object) => recordMethod(recorder, name, method.options(options))
  })
}

/**
 * Succeeds with an order of the calls that explains their results, if there is one. Calls that have not ended, or that
 * were cut short, may be part of it or not.
 *
 * @category checking
 * @since 0.1.0
 */
export const check = <S, Shape>(
  history: History<Shape>,
  model: Model<S, Shape>
): Effect.Effect<ReadonlyArray<Operation>, NotLinearizable> =>
  Effect.suspend(() => {
    const operations = [...history.operations]
    const apply = (state: S, { args, method }: Operation): readonly [S, Exit.Exit<unknown, unknown>] => {
      const step = (model.methods as any)[method]
      if (typeof step !== "function") throw new TypeError(`History.check: the model has no method "${method}"`)
      const [next, result] = step(state, ...args)
      return [next, isExit(result) ? result : Exit.succeed(result)]
    }
    const { longest, order } = linearize(operations, model.initial, apply, anything)
    if (order !== undefined) return Effect.succeed(order)
    return Effect.fail(new NotLinearizable({ operations, message: explain(operations, longest) }))
  })

const explain = (operations: ReadonlyArray<Operation>, longest: ReadonlyArray<Operation>): string =>
  [
    operations.length === 1
      ? "The model does not explain the result of this call:"
      : `No order of these ${operations.length} calls explains their results:`,
    ...operations.map((operation) => `  ${describe(operation)}`),
    longest.length === 0
      ? "Not even one of them can be the first."
      : `The longest part that an order explains: ${longest.map(nameOf).join(", then ")}.`
  ].join("\n")

const nameOf = ({ args, method }: Operation): string => `${method}(${args.map(Home.show).join(", ")})`

const describe = (operation: Operation): string => {
  const { began, ended, exit } = operation
  const span = `${String(began).padStart(3)} to ${ended === Infinity ? "  …" : String(ended).padStart(3)}`
  if (exit === undefined) return `${span}  ${nameOf(operation)} has no result`
  const result =
    exit._tag === "Success" ? `gave ${Home.show(exit.value)}` : `failed with ${Home.show(Cause.squash(exit.cause))}`
  return `${span}  ${nameOf(operation)} ${result}`
}

/**
 * A stand-in for an actor: it records its calls, and the test answers them.
 *
 * A probe has the type of the actor that it stands in for, and is an actor itself: calls have refs, can be cancelled,
 * and wait for refs among their arguments. The test decides what its methods do, call by call with {@link
 * ActorProbe.next}, or once and for all with {@link ActorProbe.on}. Use it to test an actor's callers; to test the
 * actor itself, use the actor.
 *
 * **Example**
 *
 * ```ts
 * import { Actor } from "@troupe/core"
 * import { ActorProbe } from "@troupe/testing"
 * import { Effect, Fiber } from "effect"
 *
 * class Bank extends Actor.Service<Bank>()("Bank", {
 *   make: Effect.succeed({ charge: (cents: number) => Effect.succeed(`receipt for ${cents}`) })
 * }) {}
 *
 * const buy = Effect.flatMap(Bank, (bank) => bank.charge(995))
 *
 * const test = Effect.gen(function* () {
 *   const bank = yield* ActorProbe.make(Bank)
 *   const buyer = yield* Effect.forkChild(Effect.provide(buy, bank.layer))
 *   const call = yield* bank.next("charge")
 *   console.log(call.args) // => [ 995 ]
 *   yield* call.succeed("thanks")
 *   console.log(yield* Fiber.join(buyer)) // => thanks
 * })
 *
 * await Effect.runPromise(Effect.scoped(test))
 * ```
 *
 * @since 0.1.0
 */
import { Actor } from "@troupe/core"
import type * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"

/**
 * The names of the methods of a handle.
 *
 * @category models
 * @since 0.1.0
 */
export type Name<Shape> = Extract<keyof Shape, string>

type Args<M> = M extends
  | Actor.Method<infer T, any, any>
  | Actor.GroupedMethod<infer T, any, any, any>
  | Actor.StreamMethod<infer T, any, any>
  ? T
  : never

type Result<M> =
  M extends Actor.StreamMethod<any, infer A, infer E> ? Stream.Stream<A, E> : Effect.Effect<Success<M>, Failure<M>>

type Success<M> = M extends Actor.Method<any, infer A, any> | Actor.GroupedMethod<any, infer A, any, any> ? A : never
type Failure<M> = M extends Actor.Method<any, any, infer E> | Actor.GroupedMethod<any, any, infer E, any> ? E : never

/**
 * A call that a probe has received. Any answer ends it; once it has ended, further answers do nothing.
 *
 * @category models
 * @since 0.1.0
 */
export interface Call<Shape, K extends Name<Shape> = Name<Shape>> {
  readonly method: K
  /** The arguments, with the values of refs in place of the refs. */
  readonly args: Args<Shape[K]>
  /** Answers with a value. */
  succeed(value: Success<Shape[K]>): Effect.Effect<void>
  /** Answers with one of the method's errors. */
  fail(error: Failure<Shape[K]>): Effect.Effect<void>
  /** Makes the method die. */
  die(defect: unknown): Effect.Effect<void>
  /** Answers with an Effect, which runs in the probe: `Effect.delay(..., "1 second")` answers late. */
  reply(effect: Effect.Effect<Success<Shape[K]>, Failure<Shape[K]>>): Effect.Effect<void>
  /** Succeeds when the call has ended, with whether it was answered or interrupted (cancelled or timed out). */
  readonly ended: Effect.Effect<"answered" | "interrupted">
}

/**
 * A stand-in for an actor whose handle has the type `Shape`.
 *
 * @category models
 * @since 0.1.0
 */
export interface ActorProbe<Self, Shape> {
  /** What callers get instead of the actor's handle. */
  readonly handle: Shape
  /** Provides the handle as the actor's service. */
  readonly layer: Layer.Layer<Self>
  /** All calls that have started so far, in order, answered or not. */
  readonly calls: ReadonlyArray<Call<Shape>>
  /**
   * Waits for the next call, of one method or of any: the first that has started and that the test has not taken yet.
   * Calls that {@link on} answers are recorded, but not taken.
   */
  next<K extends Name<Shape>>(method: K): Effect.Effect<Call<Shape, K>>
  next(): Effect.Effect<Call<Shape>>
  /** Makes a method answer by itself from now on. Methods that return Streams have to be answered like this. */
  on<K extends Name<Shape>>(method: K, answer: (...args: Args<Shape[K]>) => Result<Shape[K]>): Effect.Effect<void>
}

interface Taker {
  readonly method: string | undefined
  readonly give: (call: Record_) => void
}

/** A call in the books of a probe. */
interface Record_ extends Call<any, any> {
  taken: boolean
}

const makeCall = (method: string, args: ReadonlyArray<unknown>) => {
  const answer = Deferred.makeUnsafe<Effect.Effect<any, any>>()
  const ended = Deferred.makeUnsafe<"answered" | "interrupted">()
  const reply = (effect: Effect.Effect<any, any>) => Effect.asVoid(Deferred.succeed(answer, effect))
  const call: Record_ = {
    taken: false,
    method,
    args: args as any,
    succeed: (value) => reply(Exit.succeed(value)),
    fail: (error) => reply(Exit.fail(error)),
    die: (defect) => reply(Exit.die(defect)),
    reply,
    ended: Deferred.await(ended)
  }
  const run = Effect.onExit(Effect.flatten(Deferred.await(answer)), (exit) =>
    Deferred.succeed(ended, Exit.hasInterrupts(exit) ? "interrupted" : "answered")
  )
  return { call, run }
}

class Books {
  readonly calls: Array<Record_> = []
  readonly answers = new Map<string, (...args: ReadonlyArray<unknown>) => unknown>()
  private readonly takers = new Set<Taker>()

  /** What the probe does when one of its methods is called. */
  called(method: string, args: ReadonlyArray<unknown>): any {
    const { call, run } = makeCall(method, args)
    this.calls.push(call)
    const answer = this.answers.get(method)
    if (answer !== undefined) {
      call.taken = true
      return answer(...args)
    }
    for (const taker of this.takers) {
      if (taker.method !== undefined && taker.method !== method) continue
      this.takers.delete(taker)
      taker.give(call)
      break
    }
    return run
  }

  next(method: string | undefined): Effect.Effect<Record_> {
    return Effect.callback((resume) => {
      const give = (call: Record_) => {
        call.taken = true
        resume(Exit.succeed(call))
      }
      const call = this.calls.find((call) => !call.taken && (method === undefined || call.method === method))
      if (call !== undefined) return give(call)
      const taker = { method, give }
      this.takers.add(taker)
      return Effect.sync(() => {
        this.takers.delete(taker)
      })
    })
  }
}

/** The methods of a handle that has any: each is a call of the one method that probes have. */
const makeHandle = (id: string, known: ReadonlyArray<string> | undefined, inner: any): any => {
  const methods = new Map<string, unknown>()
  const method = (name: string): unknown => {
    const call = (options: object): any => {
      const target = inner.call.options({ name: `${id}.${name}`, ...options })
      return Object.assign((...args: ReadonlyArray<unknown>) => target(name, ...args), {
        remote: (...args: ReadonlyArray<unknown>) => target.remote(name, ...args),
        options: (more: object) => call({ ...options, ...more })
      })
    }
    if (!methods.has(name)) methods.set(name, call({}))
    return methods.get(name)
  }
  return new Proxy(inner, {
    get: (target, key) => {
      const own = Reflect.get(target, key)
      // Code that inspects any object, such as `await` and assertion libraries, must not find methods. To the handle, any
      // other name is that of a method.
      if (typeof key === "symbol") return own
      const isMethod = typeof own?.remote === "function"
      if (known === undefined) return isMethod ? method(key) : own
      if (known.includes(key)) return method(key)
      if (!isMethod) return own
      throw new TypeError(`${id} has no method "${key}", its contract has ${known.join(", ")}`)
    }
  })
}

/**
 * Makes a probe for an actor, which lives until the Scope closes. The actor's `maxConcurrency` does not apply: all
 * calls start at once.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <Self, Shape>(
  actor: Context.Key<Self, Shape> & { readonly methods?: object | undefined }
): Effect.Effect<ActorProbe<Self, Shape>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const books = new Books()
    const Probe = Actor.Service<any>()(actor.key, {
      maxConcurrency: Infinity,
      make: Effect.succeed({
        call: (method: string, ...args: ReadonlyArray<unknown>): Effect.Effect<any, any> => books.called(method, args)
      })
    })
    const inner = yield* Probe.spawn()
    const known = actor.methods === undefined ? undefined : Object.keys(actor.methods)
    const handle: Shape = makeHandle(actor.key, known, inner)
    return {
      handle,
      layer: Layer.succeed(actor, handle),
      calls: books.calls as any,
      next: (method?: string) => books.next(method) as any,
      on: (method, answer) => Effect.sync(() => void books.answers.set(method, answer as any))
    }
  })

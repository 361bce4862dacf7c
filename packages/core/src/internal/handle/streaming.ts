/**
 * Streaming methods (semantics 7.5).
 *
 * The call that stands for a stream runs on a fiber of the actor like any other, holds one permit, and can be cancelled
 * or killed like any other. It works only on demand: each pull of the consumer makes it pull once. When the stream ends
 * or fails, the call settles, and that is how the consumer hears of it.
 */
import * as Cause from "effect/Cause"
import type * as Channel from "effect/Channel"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Pull from "effect/Pull"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { shared } from "../base/copies.ts"
import { isEffect, noEffect } from "../base/evaluable.ts"
import * as stack from "../base/stack.ts"
import { Call, Misuse } from "../call/call.ts"
import { checkItem } from "../call/contract.ts"
import * as failure from "../call/failure.ts"
import type { Implementation, MethodSpec } from "../call/method.ts"
import * as waiters from "../call/waiters.ts"
import * as waiting from "../call/waiting.ts"
import { search, type Waiter } from "../call/waits.ts"
import type { Cell, Target } from "../instance/cell.ts"
import { submitAsked } from "./admit.ts"
import { cancelAndWait } from "./asker.ts"

type Chunk = readonly [unknown, ...Array<unknown>]

/** How subscriptions are read, which are no calls. It comes with `Broadcast`. */
export interface Reading {
  /** Whether a method of an instance is one, as far as that is known. */
  isOne(cell: Cell | undefined, method: MethodSpec): boolean
  read(target: Target, method: MethodSpec, args: ReadonlyArray<unknown>): Stream.Stream<unknown, unknown>
  /** A call was submitted that may turn out to be one, when its instance has been made. */
  whenMade(call: StreamCall): void
  /** What its consumer reads: if it has turned out to be one, that. */
  goOn(call: StreamCall, items: Stream.Stream<unknown, unknown>): Stream.Stream<unknown, unknown>
  /** Refuses options for the calls of what has none. */
  check(actor: string, implementation: Implementation, optioned: ReadonlyArray<string>): void
}

export const subscriptions: { reading: Reading | undefined } = /* @__PURE__ */ shared("subscriptions", {
  reading: undefined
})

export const readWith = (reading: Reading): void => {
  subscriptions.reading = reading
}

export class StreamCall extends Call {
  // No fields before they are used: a call of an `AsyncHandle` may turn out to be one, and most do not.
  /** How to answer the pull that is under way, if one is. */
  declare answer: ((chunk: Exit.Exit<any, any>) => void) | undefined
  /** Whether an answer is on its way: the reader has not been told of it yet, and does not pull before. */
  declare private answering: boolean
  /** How to wake the producer when it waits for a pull. */
  declare private wake: ((go: Exit.Exit<any, any>) => void) | undefined
  /** Who pulled last, and on which fiber. */
  declare private puller: Waiter | undefined
  declare private pulledOn: Fiber.Fiber<unknown, unknown> | undefined
  /** How many items the consumer has: where a retried call goes on. */
  declare private delivered: number
  /** Set if it was not known to be a subscription, and its caller reads on without it. */
  declare isReader: boolean
  /** Set if it has passed middleware by then. */
  declare hasPassed: boolean
  /** Whether it has turned out to be a stream. */
  declare private isOpen: boolean

  /** A stream does not go on without its consumer. */
  override spare(): void {}

  /** It turns out to be a subscription. */
  reads(): boolean {
    this.isReader = this.hasPassed = true
    return true
  }

  override accept(value: unknown): Effect.Effect<any, any> {
    if (subscriptions.reading?.isOne(this.line.cell as Cell, this.method) && this.reads()) return Exit.void
    if (Stream.isStream(value)) {
      this.isOpen = true
      return Effect.scoped(Effect.andThen(told(this), this.produce(value))) as Effect.Effect<any, any>
    }
    if (isEffect(value)) {
      // With a contract that promises a Stream the consumer is right.
      const Mistake = this.method.contract?.stream === true ? TypeError : Misuse
      return Exit.die(new Mistake(`${this.origin} returned no Stream: run it as an Effect`))
    }
    return Exit.die(new TypeError(`${this.origin} must return a Stream, but returned ${noEffect(value)}`))
  }

  private produce(stream: Stream.Stream<unknown, unknown, unknown>) {
    return Effect.gen({ self: this }, function* () {
      const pull = yield* Stream.toPull(this.delivered === 0 ? stream : Stream.drop(stream, this.delivered))
      while (true) {
        yield* this.demand()
        const exit = yield* Effect.exit(pull)
        if (exit._tag === "Failure") return Pull.isDoneCause(exit.cause) ? undefined : yield* exit
        const issue = this.issueWith(exit.value)
        if (issue !== undefined) return yield* failure.decode(this, issue)
        this.delivered += exit.value.length
        const { answer } = this
        this.answer = undefined
        if (answer === undefined) continue
        this.answering = true
        stack.notify([answer], Exit.succeed(exit.value as Chunk))
      }
    })
  }

  /** Whether it is a stream that keeps all other calls from starting. */
  get hasOnlyPermit(): boolean {
    return this.isOpen && this.line.limit === 1 && this.line.group === undefined
  }

  private issueWith(items: ReadonlyArray<unknown>): string | undefined {
    const { contract } = this.method
    if (contract === undefined) return undefined
    for (const item of items) {
      const issue = checkItem(contract, item)
      if (issue !== undefined) return issue
    }
  }

  /** Waits for a pull. */
  private demand(): Effect.Effect<void, any> {
    return Effect.callback((resume) => {
      if (this.answer !== undefined) return resume(Effect.void)
      this.wake = resume
      // Who is to pull may stand in line for the permit that this call holds.
      search.check(this)
    })
  }

  override get reader(): Waiter | undefined {
    const { puller } = this
    return this.wake !== undefined && !this.answering && puller?.fiber === this.pulledOn ? puller : undefined
  }

  /** Remembers who pulls. */
  private meet(puller: Fiber.Fiber<unknown, unknown> | undefined): void {
    if (puller === this.pulledOn) return
    if (this.puller !== undefined) waiters.leaves(this.puller)
    this.pulledOn = puller
    this.puller = puller && waiters.reads(this, puller)
  }

  override settle(exit: Exit.Exit<any, any>): boolean {
    this.meet(undefined)
    return super.settle(exit)
  }

  /** What the consumer reads: each pull of it is one of the producer's. */
  get items(): Stream.Stream<unknown, unknown> {
    const items = Stream.fromPull(Effect.succeed(Effect.callback<Chunk, any>((resume) => this.pull(resume))))
    return subscriptions.reading?.goOn(this, items) ?? items
  }

  /** One pull of the consumer. */
  private pull(resume: (chunk: Effect.Effect<Chunk, any>) => void): Effect.Effect<void> | undefined {
    const onExit = (exit: Exit.Exit<unknown, unknown>) =>
      resume(exit._tag === "Success" ? Cause.done() : Exit.failCause(exit.cause as Cause.Cause<any>))
    let leave = () => {}
    this.meet(Fiber.getCurrent())
    this.answer = (chunk) => {
      this.answering = false
      leave()
      resume(chunk)
    }
    const { wake } = this
    this.wake = undefined
    if (wake !== undefined) stack.notify([wake], Exit.void)
    // Last, since it looks for deadlocks. The answer may have come already.
    if (this.answer === undefined) return
    leave = waiting.observe(this, true, onExit)
    // It may have come while a deadlock was looked for, and resolved.
    if (this.answer === undefined) leave()
    return Effect.sync(() => {
      this.answer = undefined
      leave()
    })
  }
}

Object.assign(StreamCall.prototype, {
  answer: undefined,
  answering: false,
  wake: undefined,
  puller: undefined,
  pulledOn: undefined,
  delivered: 0,
  isReader: false,
  hasPassed: false,
  isOpen: false
})

/** How long a stream may have the only permit of its actor before that is said. */
const LONG = "1 minute"
/** The methods of which it has been said. */
const known = new Set<string>()

/** Warns once of a method whose stream keeps its actor from all other calls. One in a group of its own does not. */
const told = (call: StreamCall): Effect.Effect<unknown, never, Scope.Scope> => {
  const { kind } = call
  if (!call.hasOnlyPermit || known.has(kind)) return Effect.void
  const warn = Effect.suspend(() => {
    if (known.has(kind)) return Effect.void
    known.add(kind)
    return Effect.logWarning(
      `${call.origin} #${call.id} is a stream that has had the only permit of its actor for ${LONG}: make it a subscription, or give it a concurrency group of its own`
    )
  })
  return Effect.forkScoped(Effect.delay(warn, LONG))
}

export const toChannel = (
  target: Target,
  method: MethodSpec,
  args: ReadonlyArray<unknown>
): Channel.Channel<any, any, void, unknown, unknown, unknown> =>
  Stream.unwrap(
    Effect.withFiber((fiber) => {
      const { reading } = subscriptions
      if (reading !== undefined && (method.isSubscription || reading.isOne(target.resident, method)))
        return Effect.succeed(reading.read(target, method, args))
      let call: StreamCall | undefined
      const start = Effect.suspend(() => {
        const made = new StreamCall(target.resolve(), method, args, fiber.context, true)
        call = made
        return submitAsked(made, fiber, () => {
          reading?.whenMade(made)
          return Effect.succeed(made.items)
        })
      })
      // The end is arranged first, so that an interruption of the start finds it.
      return Effect.andThen(
        Effect.addFinalizer(() => cancelAndWait(call)),
        start
      )
    })
  ).channel as any

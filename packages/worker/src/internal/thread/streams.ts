/**
 * The streams that run in this thread, each only as far as the owner pulls it.
 */
import * as Home from "@troupe/core/Home"
import type * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Pull from "effect/Pull"
import * as Stream from "effect/Stream"
import type { MethodCodec } from "../values/contract.ts"
import { movedBy } from "../values/transfer.ts"
import { Word } from "../wire/memory.ts"
import type { CallId } from "../wire/protocol.ts"
import type { Answers } from "./answers.ts"
import type { Unpacked } from "./calls.ts"

export class Streams {
  private readonly shared: Int32Array
  private readonly answers: Answers
  private readonly running = new Map<CallId, PulledStream>()

  constructor(shared: Int32Array, answers: Answers) {
    this.shared = shared
    this.answers = answers
  }

  start({ args, context, id, instance, left, method }: Unpacked): void {
    const stream = new PulledStream(Home.stream(instance.handle, method.name, args, context, left), context, {
      items: (items) => this.answerPull(method, id, items),
      end: (exit) => {
        // A stream that was dropped has been answered.
        if (!this.running.delete(id)) return
        if (exit._tag === "Success") this.answers.done(id)
        else this.answers.fail(method, id, exit.cause, false)
      }
    })
    this.running.set(id, stream)
  }

  pull(id: CallId): void {
    Atomics.store(this.shared, Word.Started, id | 0)
    this.running.get(id)?.pull()
  }

  private answerPull(method: MethodCodec, id: CallId, items: ReadonlyArray<unknown>): void {
    let packed: ReadonlyArray<unknown>
    try {
      packed = items.map(method.success.pack)
    } catch (error) {
      this.drop(id)
      return this.answers.refuse(id, "an item", error, true)
    }
    this.answers.items(id, packed, movedBy(items))
  }

  /** The owner does not pull it any more. */
  interrupt(id: CallId): void {
    this.running.get(id)?.end()
  }

  /** Ends a stream whose end needs no answer: it gets another one. */
  drop(id: CallId): void {
    const stream = this.running.get(id)
    this.running.delete(id)
    stream?.end()
  }
}

interface StreamEvents {
  readonly items: (items: ReadonlyArray<unknown>) => void
  readonly end: (exit: Exit.Exit<void, unknown>) => void
}

/** A stream that goes on only when it is pulled. Nothing runs before the first pull. */
class PulledStream {
  private resume: (() => void) | undefined = undefined
  /** Whether a pull came while the stream was not waiting for one. */
  private pulled = false
  private readonly fiber: Fiber.Fiber<void, unknown>

  constructor(stream: Stream.Stream<unknown, unknown>, context: Context.Context<never>, on: StreamEvents) {
    const nextPull = Effect.callback<void>((resume) => {
      if (this.pulled) {
        this.pulled = false
        return resume(Effect.void)
      }
      this.resume = () => resume(Effect.void)
    })
    const work = Effect.gen(function* () {
      yield* nextPull
      const pull = yield* Stream.toPull(stream)
      while (true) {
        const exit = yield* Effect.exit(pull)
        if (exit._tag === "Success") on.items(exit.value)
        else if (Pull.isDoneCause(exit.cause)) return
        else return yield* Effect.failCause(exit.cause as Cause.Cause<unknown>)
        yield* nextPull
      }
    })
    this.fiber = Effect.runForkWith(context)(Effect.scoped(work))
    this.fiber.addObserver(on.end)
  }

  pull(): void {
    const { resume } = this
    this.resume = undefined
    if (resume === undefined) this.pulled = true
    else resume()
  }

  end(): void {
    this.fiber.interruptUnsafe()
  }
}

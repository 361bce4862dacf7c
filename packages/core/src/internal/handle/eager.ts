/**
 * The calls of an `AsyncHandle`. What the method gives, an Effect or a Stream, is known only once it runs, so such a call
 * is either: one that is awaited, or one that is iterated.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { Call } from "../call/call.ts"
import { cancel } from "../refs/cancelling.ts"
import { StreamCall } from "./streaming.ts"

const { accept, spare, then } = Call.prototype

export class EagerCall extends StreamCall {
  /** Set once it is iterated. `for await` takes the iterator before the call can start. */
  declare private iterated: boolean

  override accept(value: unknown): Effect.Effect<any, any> {
    return this.iterated ? super.accept(value) : accept.call(this, value)
  }

  override reads(): boolean {
    return this.iterated && super.reads()
  }

  override spare(): void {
    if (!this.iterated) spare.call(this)
  }

  /** At the end of a block with `await using` the call ends, if it has not settled by then. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Effect.runPromise(cancel(this))
  }

  /** The items of a streaming method. Leaving the loop ends the call, and waits for its finalizers. */
  [Symbol.asyncIterator](): AsyncIterator<unknown> {
    this.iterated = true
    const iterator = Stream.toAsyncIterable(this.items)[Symbol.asyncIterator]()
    const next = () => iterator.next()
    // As with an async generator, who asks for several items at once gets them one after the other.
    let last: Promise<unknown> = Promise.resolve()
    const end = async (result: Promise<IteratorResult<unknown>>) => {
      await result.finally(() => Effect.runPromise(cancel(this)))
      return result
    }
    return {
      next: () => (last = last.then(next, next)),
      return: (value) => end(iterator.return!(value)),
      throw: (error) => end(iterator.throw!(error))
    }
  }
}

// `then` stands here once more, where the engine finds it first: it takes a fifteenth of an `await` to look on.
Object.assign(EagerCall.prototype, { iterated: false, then })

/**
 * A client for an API that rejects clients that send too many requests. The actor keeps both rules of the API:
 * `maxConcurrency` limits how many requests are open at a time, and its state, a token bucket, limits how many start
 * per second.
 *
 *     npx node --conditions=@troupe/source examples/rate-limited-client.ts
 *
 * The API is a fake, and so is the clock: the seconds in the output pass at once.
 */
import { Actor } from "@troupe/core"
import { Clock, Console, Context, Effect, Fiber, Layer, Schema, Scope, Semaphore } from "effect"
import { TestClock } from "effect/testing"

class TooManyRequests extends Schema.TaggedError<TooManyRequests>()("TooManyRequests", {}) {}

/** Serves two requests at a time, and four in any second. Records which requests it served, and when they began. */
class Api extends Context.Service<Api>()("app/Api", {
  make: Effect.sync(() => {
    const served: Array<{ readonly path: string; readonly at: number }> = []
    let open = 0
    return {
      served,
      get: Effect.fnUntraced(function* (path: string) {
        const at = yield* Clock.currentTimeMillis
        const lastSecond = served.filter((request) => request.at > at - 1000)
        if (open === 2 || lastSecond.length === 4) return yield* new TooManyRequests()
        served.push({ path, at })
        open++
        yield* Effect.ensuring(
          Effect.sleep("300 millis"),
          Effect.sync(() => open--)
        )
        return `the answer to ${path}`
      })
    }
  })
}) {
  static readonly layer = Layer.effect(Api)(Api.make)
}

class Client extends Actor.Service<Client>()("app/Client", {
  maxConcurrency: 2,
  make: Effect.gen(function* () {
    const api = yield* Api
    const scope = yield* Scope.Scope // of this instance: fibers forked in it end with the instance
    const tokens = yield* Semaphore.make(4)
    const giveBackLater = Effect.forkIn(Effect.delay(tokens.release(1), "1 second"), scope)
    // A token that was taken always comes back, even if the call is cancelled at that very moment.
    const takeToken = Effect.uninterruptibleMask((restore) => Effect.andThen(restore(tokens.take(1)), giveBackLater))
    return {
      // A call that waits for a token keeps its permit, so requests leave in the order they were submitted.
      get: (path: string) => Effect.andThen(takeToken, api.get(path))
    }
  })
}) {}

const paths = Array.from({ length: 10 }, (_, i) => `/users/${i + 1}`)

/** Asks for all paths at once, and reports what the API served. */
const askForAll = Effect.fnUntraced(function* (get: (path: string) => Effect.Effect<string, unknown>) {
  yield* Effect.forEach(paths, (path) => Effect.exit(get(path)), { concurrency: "unbounded" })
  const { served } = yield* Api
  yield* Console.log(`${served.length} of ${paths.length} served`)
  for (const { at, path } of served) yield* Console.log(`  ${seconds(at - served[0]!.at)}  ${path}`)
})

const seconds = (millis: number) => `${(millis / 1000).toFixed(1)} s`

const withoutTheActor = Effect.gen(function* () {
  yield* Console.log("Without the actor")
  const api = yield* Api
  yield* askForAll(api.get)
}).pipe(Effect.provide(Api.layer))

const withTheActor = Effect.gen(function* () {
  yield* Console.log("With the actor")
  const client = yield* Client
  yield* askForAll(client.get)
}).pipe(Effect.provide(Layer.provideMerge(Client.layer, Api.layer)))

const inNoTime = Effect.gen(function* () {
  const fiber = yield* Effect.forkChild(Effect.andThen(withoutTheActor, withTheActor))
  yield* TestClock.adjust("1 minute")
  yield* Fiber.join(fiber)
}).pipe(Effect.provide(TestClock.layer()))

await Effect.runPromise(inNoTime)

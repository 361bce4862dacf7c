// What docs/workers-runtime.md says of requests and Durable Objects, for workerd to show.

import { DurableObject } from "cloudflare:workers"
import { Actor, Task } from "@troupe/core"
import { Effect, ManagedRuntime } from "effect"

class Counter extends Actor.Service()("app/Counter", {
  maxConcurrency: 1,
  make: Effect.sync(() => {
    let count = 0
    return {
      read: () => Effect.sync(() => count),
      add: (by) =>
        Effect.delay(
          Effect.sync(() => (count += by)),
          "50 millis"
        ),
      wait: () => Effect.sleep("2 seconds")
    }
  })
}) {}

const addTwice = Effect.gen(function* () {
  const counter = yield* Counter
  return yield* Effect.all([counter.add(1), counter.add(1)], { concurrency: 2 })
})

const perRequest = {
  async fetch(_request, _env, context) {
    const runtime = ManagedRuntime.make(Counter.layer)
    try {
      return Response.json(await runtime.runPromise(addTwice))
    } finally {
      context.waitUntil(runtime.dispose())
    }
  }
}

export class CounterObject extends DurableObject {
  runtime = ManagedRuntime.make(Counter.layer)

  async fetch() {
    return Response.json(await this.runtime.runPromise(addTwice))
  }
}

/** At module scope, where calls of several requests meet. */
const shared = ManagedRuntime.make(Counter.layer)
const forgotten = ManagedRuntime.make(Counter.layer)
const square = Task.make("app/square", (n) => Effect.delay(Effect.succeed(n * n), "50 millis"))

const routes = {
  "/request": perRequest.fetch,
  "/object": (request, env) => env.OBJECTS.getByName("one").fetch(request),
  "/shared": async () => Response.json(await shared.runPromise(addTwice)),
  "/task": async () => Response.json(await Effect.runPromise(square(7))),
  "/forget": async () => {
    await forgotten.runPromise(Effect.flatMap(Counter, (counter) => Effect.asVoid(counter.wait.remote())))
    return Response.json("answered before its call has ended")
  },
  "/remember": async () =>
    Response.json(await forgotten.runPromise(Effect.flatMap(Counter, (counter) => counter.read())))
}

export default {
  fetch: async (request, env, context) => {
    try {
      return await routes[new URL(request.url).pathname](request, env, context)
    } catch (error) {
      return new Response(error.message, { status: 500 })
    }
  }
}

/**
 * Requests of a platform that keeps them apart, which is Cloudflare Workers. It is played here; `npm run check:runtimes`
 * tries the same in workerd.
 */
import { assert, describe, it } from "@effect/vitest"
import type * as Core from "@troupe/core"
import { Deferred, Effect, Fiber, ManagedRuntime } from "effect"
import { afterAll, beforeAll, vi } from "vitest"

/** The request whose code runs. 0 is the top level of a module. */
let request = 0

/** What belongs to a request throws when another one looks at it. */
const AbortSignal = {
  abort() {
    if (request === 0) throw new Error("Disallowed operation called within global scope")
    const own = request
    return {
      get aborted() {
        if (request !== own) throw new Error("Cannot perform I/O on behalf of a different request")
        return true
      }
    }
  }
}

let core: typeof Core

beforeAll(async () => {
  vi.resetModules()
  vi.stubGlobal("navigator", { userAgent: "Cloudflare-Workers" })
  vi.stubGlobal("AbortSignal", AbortSignal)
  core = await import("@troupe/core")
  vi.unstubAllGlobals()
})
afterAll(() => vi.resetModules())

/** A worker whose calls wait until they are let go, at module scope. */
const make = (options: Core.Actor.InstanceOptions = {}) => {
  const gates = new Map<string, Deferred.Deferred<string>>()
  const ran: Array<string> = []
  class Worker extends core.Actor.Service<Worker>()("app/Worker", {
    make: Effect.succeed({
      wait: (name: string) =>
        Effect.suspend(() => {
          ran.push(name)
          const gate = Deferred.makeUnsafe<string>()
          gates.set(name, gate)
          return Deferred.await(gate)
        }),
      atOnce: () => Effect.succeed("done")
    })
  }) {}
  const runtime = ManagedRuntime.make(Worker.options(options).layer)
  const during = <A>(number: number, work: (worker: Worker["Service"]) => Effect.Effect<A, any, any>) => {
    request = number
    try {
      return runtime.runSync(
        Effect.flatMap(Worker, (worker) =>
          Effect.forkDetach(work(worker) as Effect.Effect<A>, { startImmediately: true })
        )
      )
    } finally {
      request = 0
    }
  }
  const finish = (number: number, name: string) => {
    request = number
    Effect.runSync(Deferred.succeed(gates.get(name)!, name))
    request = 0
  }
  return { during, finish, ran }
}

const refusal = (fiber: Fiber.Fiber<unknown, any>) =>
  Effect.map(Effect.flip(Fiber.join(fiber)), (error) => {
    assert.isTrue(core.ActorError.isActorError(error))
    assert.strictEqual(error.reason._tag, "ActorUnavailable")
    assert.strictEqual(error.reason.actor, "app/Worker")
    assert.isFalse(error.mayHaveRun)
    return error.message as string
  })

describe("2.9 where requests are kept apart", () => {
  it.effect(
    "2.9 a call that would wait in line for one of another request fails with the remedy, and does not run",
    () =>
      Effect.gen(function* () {
        const { during, finish, ran } = make({ maxConcurrency: 1 })
        const first = during(1, (worker) => worker.wait("first"))
        const message = yield* refusal(during(2, (worker) => worker.wait("second")))
        assert.match(
          message,
          /app\/Worker\.wait #\d+: .*another request.*make the runtime per request, or put the actor in a Durable Object/
        )
        yield* refusal(during(3, (worker) => Effect.flatMap(worker.wait.remote("third"), (ref) => ref)))
        finish(1, "first")
        assert.strictEqual(yield* Fiber.join(first), "first")
        assert.deepStrictEqual(ran, ["first"])
      })
  )

  it.effect("2.9 calls of one request wait for each other", () =>
    Effect.gen(function* () {
      const { during, finish, ran } = make({ maxConcurrency: 1 })
      const [first, second] = ["first", "second"].map((name) => during(1, (worker) => worker.wait(name)))
      finish(1, "first")
      finish(1, "second")
      assert.deepStrictEqual([yield* Fiber.join(first!), yield* Fiber.join(second!)], ["first", "second"])
      assert.deepStrictEqual(ran, ["first", "second"])
    })
  )

  it.effect("2.9 an instance without calls serves the next request, and a call that finds a permit starts", () =>
    Effect.gen(function* () {
      const { during, finish } = make({ maxConcurrency: 2 })
      assert.strictEqual(yield* Fiber.join(during(1, (worker) => worker.atOnce())), "done")
      const first = during(2, (worker) => worker.wait("first"))
      const second = during(3, (worker) => Effect.flatMap(worker.wait.remote("second"), (ref) => ref))
      // Its permit would come from one of two requests.
      yield* refusal(during(2, (worker) => worker.wait("third")))
      finish(2, "first")
      finish(3, "second")
      assert.deepStrictEqual([yield* Fiber.join(first), yield* Fiber.join(second)], ["first", "second"])
      const later = [during(4, (worker) => worker.wait("fourth")), during(4, (worker) => worker.wait("fifth"))]
      finish(4, "fourth")
      finish(4, "fifth")
      assert.deepStrictEqual([yield* Fiber.join(later[0]!), yield* Fiber.join(later[1]!)], ["fourth", "fifth"])
    })
  )

  it.effect("2.9 a call does not wait for room that calls of another request take", () =>
    Effect.gen(function* () {
      const { during, finish } = make({ maxPendingCalls: 1, overflow: "suspend" })
      const first = during(1, (worker) => worker.wait("first"))
      const own = during(1, (worker) => worker.atOnce())
      yield* refusal(during(2, (worker) => worker.atOnce()))
      finish(1, "first")
      assert.deepStrictEqual([yield* Fiber.join(first), yield* Fiber.join(own)], ["first", "done"])
    })
  )

  it.effect("2.9 a call does not wait for an instance that another request makes ready", () =>
    Effect.gen(function* () {
      const made = Deferred.makeUnsafe<void>()
      class Room extends core.Actor.Keyed<Room>()("app/Worker", {
        make: (name: string) => Effect.as(Deferred.await(made), { name: () => Effect.succeed(name) })
      }) {}
      const runtime = ManagedRuntime.make(Room.layer)
      const enter = (number: number) => {
        request = number
        try {
          return runtime.runSync(
            Effect.flatMap(Room, (rooms) => Effect.forkDetach(rooms.get("hall").name(), { startImmediately: true }))
          )
        } finally {
          request = 0
        }
      }
      const first = enter(1)
      assert.match(yield* refusal(enter(2)), /another request/)
      yield* Fiber.interrupt(first)
      assert.match(yield* refusal(enter(2)), /another request/)
      const own = enter(1)
      yield* Deferred.succeed(made, undefined)
      assert.strictEqual(yield* Fiber.join(own), "hall")
      assert.strictEqual(yield* Fiber.join(enter(2)), "hall")
    })
  )

  it.effect("2.9 a call at the top level of a module is of no request", () =>
    Effect.gen(function* () {
      const { during, finish } = make({ maxConcurrency: 1 })
      const first = during(0, (worker) => worker.wait("first"))
      const second = during(0, (worker) => worker.wait("second"))
      yield* refusal(during(1, (worker) => worker.atOnce()))
      finish(0, "first")
      finish(0, "second")
      assert.deepStrictEqual([yield* Fiber.join(first), yield* Fiber.join(second)], ["first", "second"])
    })
  )
})

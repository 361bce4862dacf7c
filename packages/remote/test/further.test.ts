/**
 * A server whose actor lives elsewhere itself: at another server here, on a thread or in a cluster just as well.
 */
import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorMiddleware, ActorPool, Broadcast, ObjectRef } from "@troupe/core"
import { RemoteHome } from "@troupe/remote"
import { Effect, Latch, Layer, Schema, Stream } from "effect"
import { client, listening } from "./support.ts"

class Denied extends Schema.TaggedError<Denied>()("Denied", {}) {}
class Auth extends ActorMiddleware.Service<Auth>()("test/Auth", { error: Denied }) {}
class Note extends ActorMiddleware.Service<Note>()("test/Note", { at: "caller" }) {}

class Vault extends Actor.Service<Vault>()("test/FurtherVault", {
  middleware: [Auth, Note],
  methods: { open: Actor.method({ success: Schema.Int }), opened: Actor.subscription({ item: Schema.Int }) }
}) {}

const VaultLive = Vault.toLayer(
  Effect.gen(function* () {
    const opened = yield* Broadcast.make<number>({ replay: 1 })
    let times = 0
    return Vault.of({ opened, open: () => Effect.as(opened.publish(++times), times) })
  })
)

describe("an actor that a server has from elsewhere", () => {
  it.live("13.4 has its calls and readers pass each middleware once: at the caller, and where it lives", () => {
    const passed: Array<string> = []
    const noting =
      (name: string) =>
      (next: Effect.Effect<any, any>, { method }: ActorMiddleware.Call) =>
        Effect.andThen(
          Effect.sync(() => passed.push(`${name} ${method}`)),
          next
        )
    const note = (name: string) => Layer.succeed(Note)(noting(name) as any)
    const expose = ["open", "opened"] as const
    const served = (path: `/${string}`) => RemoteHome.serve(Vault, { expose, path })
    const home = listening(
      served("/home").pipe(
        Layer.provide(VaultLive),
        Layer.provide(Layer.succeed(Auth)(noting("home") as any)),
        Layer.provide(note("home, as a caller"))
      )
    )
    const counter = listening(
      served("/counter").pipe(
        Layer.provide(client(Vault, { path: "/home" })),
        Layer.provide(note("counter")),
        Layer.provide(home)
      )
    )
    return Effect.gen(function* () {
      const vault = yield* Vault
      assert.strictEqual(yield* vault.open(), 1)
      assert.deepStrictEqual(yield* Stream.runCollect(Stream.take(vault.opened(), 1)), [1])
      assert.deepStrictEqual(passed, ["page open", "home open", "page opened", "home opened"])
    }).pipe(
      Effect.provide(client(Vault, { path: "/counter" }).pipe(Layer.provide(note("page")), Layer.provide(counter)))
    )
  })
})

describe("a pool of actors", () => {
  class Worker extends Actor.Service<Worker>()("test/PoolWorker", {
    make: Effect.map(Latch.make(), (begun) => ({
      hold: () => Effect.andThen(begun.open, Effect.never),
      begun: () => begun.await
    }))
  }) {}

  class Front extends Actor.Service<Front>()("test/PoolFront", {
    methods: { hold: Actor.method(), begun: Actor.method(), free: Actor.method({ success: Schema.Int }) }
  }) {}

  const FrontLive = Front.toLayer(
    Effect.gen(function* () {
      const pool = yield* ActorPool.make({ spawn: Worker.spawn(), size: 2 })
      let held = 0
      const holding = Effect.acquireUseRelease(
        Effect.sync(() => held++),
        () => pool.run((worker) => worker.hold()),
        () => Effect.sync(() => held--)
      )
      const begun = Effect.flatMap(pool.members, (workers) => Effect.all(workers.map((worker) => worker.begun())))
      return Front.of({
        hold: () => Effect.orDie(holding),
        begun: () => Effect.orDie(Effect.asVoid(begun)),
        free: () => Effect.sync(() => 2 - held)
      })
    })
  )

  it.live.each(["websocket", "http"] as const)(
    "is served by an actor in front of it: its calls spread, and are cancelled like others, over %s",
    (protocol) =>
      Effect.gen(function* () {
        const front = yield* Front
        const held = [yield* front.hold.remote(), yield* front.hold.remote()]
        yield* front.begun()
        assert.strictEqual(yield* front.free(), 0)
        yield* ObjectRef.cancelAll(held)
        yield* Effect.repeat(front.free(), { until: (free) => free === 2 })
      }).pipe(
        Effect.provide(
          Layer.provide(
            client(Front, { protocol }),
            listening(Layer.provide(RemoteHome.serve(Front, { expose: ["hold", "begun", "free"] }), FrontLive))
          )
        )
      )
  )

  it.live("is no actor: a server that is given one in the place of an actor is not made, and says what to do", () => {
    const pool = Layer.effect(Front)(ActorPool.make({ spawn: Worker.spawn(), size: 1 }) as any) as Layer.Layer<Front>
    const served = listening(Layer.provide(RemoteHome.serve(Front, { expose: ["free"] }), pool))
    return Effect.gen(function* () {
      const defect: any = yield* Effect.flip(Effect.catchDefect(Layer.build(served), Effect.fail))
      assert.instanceOf(defect, TypeError)
      assert.match(defect.message, /^test\/PoolFront: what is provided for it has no method "free"/)
    })
  })
})

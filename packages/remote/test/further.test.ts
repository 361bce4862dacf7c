/**
 * A server whose actor lives elsewhere itself: at another server here, on a thread or in a cluster just as well.
 */
import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorMiddleware, Broadcast } from "@troupe/core"
import { RemoteHome } from "@troupe/remote"
import { Effect, Layer, Schema, Stream } from "effect"
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

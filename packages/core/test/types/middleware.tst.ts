/**
 * What middleware does to the types of actors.
 */
import { Actor, type ActorError, ActorMiddleware, ActorSystem, AsyncHandle, Broadcast, Contract } from "@troupe/core"
import { Context, Effect, Layer, Schema, type Stream } from "effect"
import { describe, expect, test } from "tstyche"

class User extends Context.Service<User, { readonly name: string }>()("User") {}
class Db extends Context.Service<Db, { readonly get: Effect.Effect<string> }>()("Db") {}
class Denied extends Schema.TaggedError<Denied>()("Denied", {}) {}
class NotFound extends Schema.TaggedError<NotFound>()("NotFound", {}) {}

class Auth extends ActorMiddleware.Service<Auth, { provides: User }>()("Auth", { error: Denied }) {}
class Audit extends ActorMiddleware.Service<Audit>()("Audit") {}
class Brake extends ActorMiddleware.Service<Brake>()("Brake", { at: "caller" }) {}

class Notes extends Actor.Service<Notes>()("Notes", {
  middleware: [Audit, Auth],
  make: Effect.succeed({
    read: (_id: number) =>
      Effect.gen(function* () {
        yield* User
        yield* Db
        return yield* Effect.fail(new NotFound())
      })
  })
}) {}

const contract = {
  middleware: [Brake, Auth],
  methods: { read: Actor.method({ success: Schema.String, error: NotFound }) }
} as const
class Contracted extends Actor.Service<Contracted>()("Contracted", contract) {}
class Apart extends Contract.Keyed<Apart>()("Apart", { ...contract, key: Schema.String }) {}

class Room extends Actor.Service<Room>()("Room", {
  middleware: [Audit, Auth],
  make: Effect.map(Broadcast.make<string>(), (posts) => ({ posts }))
}) {}
class Board extends Actor.Service<Board>()("Board", {
  middleware: [Auth],
  methods: {
    posts: Actor.subscription({ item: Schema.String }),
    names: Actor.method({ success: Schema.String, stream: true })
  }
}) {}

describe("13.4 middleware", () => {
  test("13.4 its errors are those of the calls, and the method keeps its own", () => {
    const notes = undefined as unknown as Notes["Service"]
    expect(notes.read(1)).type.toBe<Effect.Effect<never, NotFound | Denied | ActorError.ActorError>>()
    const contracted = undefined as unknown as Contracted["Service"]
    expect(contracted.read()).type.toBe<Effect.Effect<string, NotFound | Denied | ActorError.ActorError>>()
  })

  test("13.5 its errors are those of readers, in make and in a contract", () => {
    const room = undefined as unknown as Room["Service"]
    expect(room.posts).type.toBe<Broadcast.Subscription<string, Denied>>()
    expect(room.posts()).type.toBe<Stream.Stream<string | Broadcast.Resync, Denied | ActorError.ActorError>>()
    const board = undefined as unknown as Board["Service"]
    expect(board.posts).type.toBe<Broadcast.Subscription<string, Denied>>()
    const plain = AsyncHandle.make(board)
    expect(plain.posts()).type.toBe<AsyncIterable<string | Broadcast.Resync>>()
    expect(plain.names()).type.toBe<AsyncIterable<string>>()
    expect(Board.of).type.toBeCallableWith({
      posts: undefined as unknown as Broadcast.Broadcast<string>,
      names: undefined as unknown as () => Stream.Stream<string>
    })
  })

  test("13.4 a Layer requires the middleware, and not what that provides", () => {
    expect(Notes.layer).type.toBe<Layer.Layer<Notes, never, Audit | Auth | Db>>()
    const live = Contracted.toLayer(Effect.succeed({ read: () => Effect.map(User, ({ name }) => name) }))
    expect(live).type.toBe<Layer.Layer<Contracted, never, Brake | Auth>>()
    const apart = Actor.toLayer(Apart, () => Effect.succeed({ read: () => Effect.map(User, ({ name }) => name) }))
    expect(apart).type.toBe<Layer.Layer<Apart, never, Brake | Auth>>()
  })

  test("13.4 it hands on the result of its call, and cannot make one", () => {
    expect(Layer.succeed(Audit)).type.toBeCallableWith((next: any) => next)
    expect(Layer.succeed(Auth)).type.not.toBeCallableWith((_: any) => Effect.succeed(1))
    expect(Layer.succeed(Audit)).type.not.toBeCallableWith((_: any) => Effect.fail(new Denied()))
  })

  test("13.4 what runs around all actors refuses no calls and provides nothing", () => {
    expect(ActorSystem.layerMiddleware(Audit)).type.toBe<Layer.Layer<never, never, Audit>>()
    expect(ActorSystem.layerMiddleware).type.not.toBeCallableWith(Auth)
  })

  test("13.4 anything but middleware does not compile", () => {
    expect(Actor.Service<unknown>()).type.not.toBeCallableWith("X", { middleware: [User], make: Effect.succeed({}) })
  })
})

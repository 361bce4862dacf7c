import { Actor, type ActorError, type Broadcast, Contract } from "@troupe/core"
import { RemoteHome } from "@troupe/remote"
import { Context, Duration, Effect, type Layer, Schema, Stream } from "effect"
import type { HttpRouter } from "effect/http"
import type { Rpc, RpcGroup } from "effect/rpc"
import { describe, expect, it } from "tstyche"

class Full extends Schema.TaggedError<Full>()("Full", {}) {}
class Closed extends Schema.TaggedError<Closed>()("Closed", {}) {}
class Users extends Context.Service<Users, { readonly find: Effect.Effect<string> }>()("Users") {}

class Room extends Actor.Keyed<Room>()("app/Room", {
  key: Schema.String,
  methods: {
    say: Actor.method({ args: [Schema.String], success: Schema.Int, error: Full }),
    move: Actor.method({ args: [Schema.Int, Schema.Int], error: Schema.Union([Full, Closed]) }),
    clear: Actor.method(),
    count: Actor.method({ args: [Schema.Int], success: Schema.Int, error: Full, stream: true }),
    said: Actor.subscription({ item: Schema.String })
  }
}) {}

class Clock extends Contract.Service<Clock>()("app/Clock", {
  methods: { now: Contract.method({ success: Schema.Date }) }
}) {}

class Plain extends Actor.Service<Plain>()("app/Plain", {
  make: Effect.succeed({ hi: () => Effect.succeed("hi") })
}) {}

describe("the keys of an actor", () => {
  it("are those of its contract, if it is keyed", () => {
    expect<RemoteHome.KeyOf<typeof Room>>().type.toBe<string>()
    expect<RemoteHome.KeyOf<typeof Clock>>().type.toBe<undefined>()
  })
})

describe("expose", () => {
  it("names methods and subscriptions of the contract, and no others", () => {
    expect<RemoteHome.MethodName<typeof Room>>().type.toBe<"say" | "move" | "clear" | "count" | "said">()
    expect(RemoteHome.serve(Room, { expose: ["say", "said"] })).type.toBe<
      Layer.Layer<never, never, HttpRouter.HttpRouter | Room>
    >()
    expect(RemoteHome.serve).type.not.toBeCallableWith(Room, { expose: ["sya"] })
    expect(RemoteHome.group).type.not.toBeCallableWith(Room, { expose: ["say", "sya"] })
    expect(RemoteHome.serve).type.not.toBeCallableWith(Room, {})
  })

  it("is of an actor with a contract", () => {
    expect(RemoteHome.group).type.not.toBeCallableWith(Plain, { expose: ["hi"] })
    expect(RemoteHome.client).type.not.toBeCallableWith(Plain, { url: "/actors" })
  })
})

describe("authorize", () => {
  it("gets the key, and fails with what callers of all exposed methods know", () => {
    RemoteHome.serve(Room, {
      expose: ["say", "move", "count"],
      authorize: (key, request) => {
        expect(key).type.toBe<string>()
        expect(request).type.toBe<RemoteHome.RemoteRequest>()
        return Effect.fail(new Full())
      }
    })
    expect(RemoteHome.group).type.toBeCallableWith(Room, {
      expose: ["move"],
      authorize: () => Effect.fail(new Closed())
    })
    expect(RemoteHome.group).type.toBeCallableWith(Room, { expose: ["clear"], authorize: () => RemoteHome.deny("no") })
  })

  it("fails with nothing that one of them does not know", () => {
    expect(RemoteHome.group).type.not.toBeCallableWith(Room, {
      expose: ["say", "move"],
      authorize: () => Effect.fail(new Closed())
    })
    expect(RemoteHome.group).type.not.toBeCallableWith(Room, {
      expose: ["clear"],
      authorize: () => Effect.fail(new Full())
    })
    expect(RemoteHome.group).type.not.toBeCallableWith(Room, {
      expose: ["said"],
      authorize: () => Effect.fail(new Full())
    })
  })

  it("has no key where the actor has none", () => {
    RemoteHome.serve(Clock, {
      expose: ["now"],
      authorize: (key) => {
        expect(key).type.toBe<undefined>()
        return Effect.void
      }
    })
  })

  it("needs what it needs, beside the actor", () => {
    const served = RemoteHome.serve(Room, {
      expose: ["say"],
      authorize: () => Effect.flatMap(Users, ({ find }) => find)
    })
    expect(served).type.toBe<Layer.Layer<never, never, HttpRouter.HttpRouter | Room | Users>>()
    const both = RemoteHome.serve([
      RemoteHome.group(Room, { expose: ["say"], authorize: () => Effect.asVoid(Users) }),
      RemoteHome.group(Clock, { expose: ["now"] })
    ])
    expect(both).type.toBe<Layer.Layer<never, never, HttpRouter.HttpRouter | Room | Users | Clock>>()
  })
})

describe("a group", () => {
  it("has an rpc for each exposed method, of what its contract says", () => {
    const rooms = RemoteHome.group(Room, { expose: ["say", "clear", "count", "said"] })
    type Of<Tag extends string> = Extract<RpcGroup.Rpcs<typeof rooms>, { readonly _tag: Tag }>
    expect<RpcGroup.Rpcs<typeof rooms>["_tag"]>().type.toBe<
      "app/Room.say" | "app/Room.clear" | "app/Room.count" | "app/Room.said"
    >()
    expect<Rpc.Payload<Of<"app/Room.say">>>().type.toBe<
      { readonly key: string } & { readonly args: readonly [string] }
    >()
    expect<Rpc.Success<Of<"app/Room.say">>>().type.toBe<number>()
    expect<Rpc.Error<Of<"app/Room.say">>>().type.toBe<Full | ActorError.ActorError>()
    expect<Rpc.Error<Of<"app/Room.clear">>>().type.toBe<ActorError.ActorError>()
    expect<Rpc.SuccessChunk<Of<"app/Room.count">>>().type.toBe<number>()
    expect<Rpc.SuccessChunk<Of<"app/Room.said">>>().type.toBe<RemoteHome.Read<string>>()
  })

  it("of an actor without keys has none in its payload", () => {
    const clocks = RemoteHome.group(Clock, { expose: ["now"] })
    expect<Rpc.Payload<RpcGroup.Rpcs<typeof clocks>>>().type.toBe<unknown>()
  })

  it("is served by handlers that need the actor", () => {
    expect(RemoteHome.handlers(RemoteHome.group(Clock, { expose: ["now"] }))).type.toBe<
      Layer.Layer<Rpc.Handler<"app/Clock.now">, never, Clock>
    >()
  })
})

describe("a client", () => {
  it("provides the service, and needs nothing", () => {
    expect(RemoteHome.client(Room, { url: "/actors" })).type.toBe<Layer.Layer<Room>>()
    expect(RemoteHome.client(Clock, { url: new URL("wss://example.com") })).type.toBe<Layer.Layer<Clock>>()
  })

  it("has headers from an Effect that needs nothing", () => {
    const options: RemoteHome.ClientOptions = {
      url: "/actors",
      headers: Effect.fail("no token"),
      unavailableAfter: Duration.seconds(1)
    }
    expect(RemoteHome.client).type.toBeCallableWith(Room, options)
    expect(RemoteHome.client).type.not.toBeCallableWith(Room, { url: "/actors", headers: Effect.as(Users, {}) })
    expect(RemoteHome.client).type.not.toBeCallableWith(Room, { url: "/actors", protocol: "ws" })
    expect(RemoteHome.client).type.not.toBeCallableWith(Room, {})
  })

  it("leaves call sites as they are", () => {
    const said = Effect.flatMap(Room.get("tea"), (room) => room.say("hi"))
    expect(said).type.toBe<Effect.Effect<number, Full | ActorError.ActorError, Room>>()
    expect(Effect.provide(said, RemoteHome.client(Room, { url: "/actors" }))).type.toBe<
      Effect.Effect<number, Full | ActorError.ActorError>
    >()
    const items = Stream.unwrap(Effect.map(Room.get("tea"), (room) => room.said()))
    expect(items).type.toBe<Stream.Stream<string | Broadcast.Resync, ActorError.ActorError, Room>>()
  })

  it("says how its connection is", () => {
    expect(RemoteHome.connection({ url: "/actors" })).type.toBe<Stream.Stream<RemoteHome.Connection>>()
    const connection = null as unknown as RemoteHome.Connection
    if (connection._tag === "Lost") expect(connection.since).type.toBe<number>()
    if (connection._tag === "Connected") expect(connection).type.not.toHaveProperty("why")
  })
})

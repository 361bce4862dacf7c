import { ClusterHome, Delivery } from "@troupe/cluster"
import { Actor, type ActorError, type ObjectRef } from "@troupe/core"
import { type Cause, Context, Effect, Layer, Schema, Stream } from "effect"
import { describe, expect, it } from "tstyche"

class Refused extends Schema.TaggedError<Refused>()("Refused", {}) {}
class Db extends Context.Service<Db, { readonly find: Effect.Effect<string> }>()("Db") {}

class Account extends Actor.Keyed<Account>()("app/Account", {
  key: Schema.String,
  methods: {
    deposit: Delivery.durable(Actor.method({ args: [Schema.Int], success: Schema.Int })),
    withdraw: Delivery.durable(Actor.method({ args: [Schema.Int], success: Schema.String, error: Refused })),
    items: Actor.method({ success: Schema.Int, stream: true })
  }
}) {}

class Plain extends Actor.Keyed<Plain>()("app/Plain", {
  make: (_key: string) => Effect.succeed({ hi: () => Effect.succeed("hi") })
}) {}

const AccountLive = Account.toLayer(() =>
  Effect.map(Db, (db) =>
    Account.of({
      deposit: (n: number) => Effect.as(db.find, n),
      withdraw: () => Effect.fail(new Refused()),
      items: () => Stream.make(1)
    })
  )
)

describe("layer", () => {
  it("provides the actor, and requires what the implementation does and a cluster", () => {
    expect(ClusterHome.layer(Account, AccountLive)).type.toBe<Layer.Layer<Account, never, Db | ClusterHome.Cluster>>()
  })

  it("takes an actor with a contract only", () => {
    expect(ClusterHome.layer).type.not.toBeCallableWith(Plain, Plain.layer)
    expect(ClusterHome.client).type.not.toBeCallableWith(Plain)
  })

  it("takes the implementation of that very actor", () => {
    expect(ClusterHome.layer).type.not.toBeCallableWith(Account, Layer.empty)
  })

  it("is satisfied by a node", () => {
    const live = Layer.provide(ClusterHome.client(Account), ClusterHome.layerLocal({ file: ":memory:" }))
    expect(live).type.toBe<Layer.Layer<Account, ClusterHome.ClusterStartError>>()
  })
})

describe("delivery", () => {
  it("changes nothing about the types of a method", () => {
    const method = Actor.method({ args: [Schema.Int], success: Schema.String, error: Refused })
    expect(Delivery.durable(method)).type.toBe(method)
    expect(Delivery.atLeastOnce(method)).type.toBe(method)
    expect(Delivery.atMostOnce(method)).type.toBe(method)
  })

  it("is at most once for streams", () => {
    const stream = Actor.method({ success: Schema.Int, stream: true })
    expect(Delivery.atMostOnce).type.toBeCallableWith(stream)
    expect(Delivery.durable).type.not.toBeCallableWith(stream)
    expect(Delivery.atLeastOnce).type.not.toBeCallableWith(stream)
  })

  it("makes an id of the arguments of the method", () => {
    const method = Actor.method({ args: [Schema.Int, Schema.String] })
    expect(Delivery.durable).type.toBeCallableWith(method, { id: (n: number, text: string) => `${n}${text}` })
    expect(Delivery.durable).type.not.toBeCallableWith(method, { id: (n: string) => n })
  })
})

describe("attach", () => {
  it("knows the types of the method that is named, else of all of them", () => {
    expect(ClusterHome.attach(Account, "a", "1", { method: "withdraw" })).type.toBe<
      Effect.Effect<
        ObjectRef.ObjectRef<string, Refused | ActorError.ActorError>,
        Cause.NoSuchElementError | ActorError.ActorError,
        ClusterHome.Cluster
      >
    >()
    expect(ClusterHome.attach(Account, "a", "1")).type.toBe<
      Effect.Effect<
        ObjectRef.ObjectRef<string | number, Refused | ActorError.ActorError>,
        Cause.NoSuchElementError | ActorError.ActorError,
        ClusterHome.Cluster
      >
    >()
  })

  it("knows the methods", () => {
    expect(ClusterHome.attach).type.not.toBeCallableWith(Account, "a", "1", { method: "none" as const })
  })
})

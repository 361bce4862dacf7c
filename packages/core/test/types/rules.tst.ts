import { Actor, type ActorError, AsyncHandle, Broadcast, Driver, ObjectRef, Task } from "@troupe/core"
import { Context, Effect, type Layer, Schema, type Scope, Stream } from "effect"
import { describe, expect, it } from "tstyche"

class Db extends Context.Service<Db, { readonly get: Effect.Effect<string, "db"> }>()("Db") {}

const define = Actor.Service<any>()
const defineKeyed = Actor.Keyed<any>()
const ref = ObjectRef.succeed(1)

describe("4.4 what blocks does not compile where the actor is defined", () => {
  it("a method", () => {
    expect(define).type.not.toBeCallableWith("A", { make: Effect.succeed({ get: () => ObjectRef.get(ref) }) })
    expect(define).type.toBeCallableWith("A", { make: Effect.succeed({ get: () => Effect.map(ref, (n) => n) }) })
  })

  it("wait, and a record of refs", () => {
    expect(define).type.not.toBeCallableWith("A", { make: Effect.succeed({ wait: () => ObjectRef.wait([ref]) }) })
    expect(define).type.not.toBeCallableWith("A", { make: Effect.succeed({ get: () => ObjectRef.get({ ref }) }) })
  })

  it("getSync, since the Driver that it takes is for the edge only", () => {
    const peek = () => Effect.map(Driver.Driver, (driver) => ObjectRef.getSync(ref, { driver }))
    expect(define).type.not.toBeCallableWith("A", { make: Effect.succeed({ peek }) })
    expect(ObjectRef.getSync).type.not.toBeCallableWith(ref, {})
  })

  it("a stream method", () => {
    expect(define).type.not.toBeCallableWith("A", {
      make: Effect.succeed({ items: () => Stream.fromEffect(ObjectRef.get(ref)) })
    })
    expect(define).type.toBeCallableWith("A", { make: Effect.succeed({ items: () => Stream.fromEffect(ref) }) })
  })

  it("a constructor", () => {
    const make = Effect.map(ObjectRef.get(ref), (n) => ({ n: () => Effect.succeed(n) }))
    expect(define).type.not.toBeCallableWith("A", { make })
    expect(define).type.not.toBeCallableWith("A", { make: (_: number) => make })
  })

  it("a task", () => {
    expect(Task.make).type.not.toBeCallableWith("t", () => ObjectRef.get(ref))
    expect(Task.make).type.toBeCallableWith("t", () => Effect.map(ref, (n) => n))
  })

  it("a keyed actor, and the implementation of a contract", () => {
    const contract = { methods: { get: Actor.method({ success: Schema.Number }) } }
    class C extends Actor.Service<C>()("C", contract) {}
    expect(defineKeyed).type.not.toBeCallableWith("K", {
      make: (_: string) => Effect.succeed({ get: () => ObjectRef.get(ref) })
    })
    expect(C.toLayer).type.not.toBeCallableWith(Effect.succeed({ get: () => ObjectRef.get(ref) }))
    expect(C.toLayer).type.toBeCallableWith(Effect.succeed({ get: () => Effect.map(ref, (n) => n) }))
  })

  it("outside it is allowed, and asks for Driver", () => {
    expect(ObjectRef.get([ref, ObjectRef.fail("no")])).type.toBe<
      Effect.Effect<[number, never], string, Driver.Driver>
    >()
    expect(Driver.layer).type.toBe<Layer.Layer<Driver.Driver>>()
  })
})

class Store extends Actor.Service<Store>()("Store", {
  concurrencyGroups: { io: { maxConcurrency: 2, methods: ["load"] } },
  make: (root: string) =>
    Effect.gen(function* () {
      yield* Effect.addFinalizer(() => Effect.void)
      if (root === "") return yield* Effect.fail("no root" as const)
      return {
        load: (id: string) => Effect.flatMap(Db, (db) => Effect.map(db.get, (value) => value + id)),
        end: () => Actor.exit,
        scoped: () => Effect.scope
      }
    })
}) {}

describe("requirements and errors of an actor", () => {
  it("flow into its Layer, but for what instances have of their own", () => {
    expect(Store.layerArgs("/")).type.toBe<Layer.Layer<Store, "no root", Db>>()
    expect(Store.spawn("/")).type.toBe<
      Effect.Effect<Actor.Handle<Effect.Success<ReturnType<typeof makeStore>>, "io">, "no root", Db | Scope.Scope>
    >()
    expect(Store.layerArgs).type.not.toBeCallableWith()
    expect<typeof Store.layer>().type.toBe<Actor.LayerNeedsArguments>()
    expect(Effect.provide).type.not.toBeCallableWith(Effect.void, Store.layer)
  })

  it("groups hide nothing from plain async code", () => {
    const store = AsyncHandle.make(null as unknown as Store["Service"])
    expect(store.load).type.toBeCallableWith("id")
    expect(store.load).type.not.toBeCallableWith(1)
    expect(store.load("id")).type.toBeAssignableTo<PromiseLike<string>>()
  })

  it("functions over any actor can make plain handles", () => {
    const plain = <H extends Actor.AnyHandle>(handle: H) => AsyncHandle.make(handle)
    expect(plain(null as unknown as Store["Service"]).load).type.toBeCallableWith("id")
  })

  it("retry gets the errors of its method, where the actor is defined, too", () => {
    class Busy extends Schema.TaggedError<Busy>()("Busy", { ms: Schema.Number }) {}
    const load = (_id: number): Effect.Effect<string, Busy> => Effect.fail(new Busy({ ms: 1 }))
    class Made extends Actor.Service<Made>()("Made", {
      methodOptions: { load: { maxTaskRetries: 1, retry: (error) => error.ms > 1 } },
      make: Effect.gen(function* () {
        yield* Effect.void
        return { load }
      })
    }) {}
    class Called extends Actor.Keyed<Called>()("Called", {
      methodOptions: { load: { maxTaskRetries: 1, retry: (error) => error.ms > 1 } },
      make: (_key: string) => Effect.succeed({ load })
    }) {}
    expect<Made["Service"]["load"]>().type.toBe<Actor.Method<[_id: number], string, Busy>>()
    expect<ReturnType<Called["Service"]["get"]>["load"]>().type.toBe<Actor.Method<[_id: number], string, Busy>>()
    expect(define).type.not.toBeCallableWith("A", {
      methodOptions: { load: { maxTaskRetries: 1, retry: (error: { readonly code: number }) => error.code > 1 } },
      make: Effect.succeed({ load })
    })
    class Contract extends Actor.Service<Contract>()("Contract", {
      methods: { load: Actor.method({ success: Schema.String, error: Busy }) }
    }) {}
    expect(Contract.toLayer).type.toBeCallableWith(Effect.succeed({ load: () => load(1) }), {
      methodOptions: { load: { maxTaskRetries: 1, retry: (error: Busy) => error.ms > 1 } }
    })
    expect(Contract.toLayer).type.not.toBeCallableWith(Effect.succeed({ load: () => load(1) }), {
      methodOptions: { load: { maxTaskRetries: 1, retry: (error: { readonly code: number }) => error.code > 1 } }
    })
  })

  it("where the constructor is a call that hides its methods from retry, it takes any error, and harms no inference", () => {
    class Retried extends Actor.Service<Retried>()("Retried", {
      methodOptions: { load: { maxTaskRetries: 1, retry: (error) => error === "busy" } },
      make: Effect.fnUntraced(function* (key: string) {
        yield* Effect.void
        return { load: (_id: number) => (key === "" ? Effect.fail("busy" as const) : Effect.succeed(key)) }
      })
    }) {}
    expect<Retried["Service"]["load"]>().type.toBe<Actor.Method<[_id: number], string, "busy">>()
    const load: Actor.Method<[], string, "busy"> = null as never
    expect(load.options).type.toBeCallableWith({ retry: (error: "busy") => error === "busy" })
    expect(load.options).type.not.toBeCallableWith({ retry: (error: { readonly code: number }) => error.code === 1 })
  })

  it("what is no handle cannot be stopped, killed, watched or resized", () => {
    const store = null as unknown as Store["Service"]
    for (const end of [Actor.stop, Actor.kill, Actor.watch]) {
      expect(end).type.toBeCallableWith(store)
      expect(end).type.not.toBeCallableWith(Store)
      expect(end).type.not.toBeCallableWith(new Date())
      expect(end).type.not.toBeCallableWith(null as unknown as Actor.KeyedHandle<string, Record<string, never>>)
      expect(end).type.not.toBeCallableWith(Task.make("task", () => Effect.void))
    }
    expect(Actor.resize).type.toBeCallableWith(store, 2)
    expect(Actor.resize).type.not.toBeCallableWith(Store, 2)
  })

  it("a name adds its error", () => {
    expect(Store.options({ name: "a" }).layerArgs("/")).type.toBe<
      Layer.Layer<Store, "no root" | ActorError.ActorNameTaken, Db>
    >()
    expect(Store.options({ maxConcurrency: 2 }).layerArgs("/")).type.toBe<Layer.Layer<Store, "no root", Db>>()
  })

  it("Actor.exit needs the inside of an actor", () => {
    expect(Effect.runPromise).type.not.toBeCallableWith(Actor.exit)
  })
})

declare const makeStore: (root: string) => Effect.Effect<{
  load: (id: string) => Effect.Effect<string, "db", Db>
  end: () => typeof Actor.exit
  scoped: () => typeof Effect.scope
}>

describe("1.6 what does not exist does not compile", () => {
  const store = null as unknown as Store["Service"]

  it("methods, arguments, groups", () => {
    expect(store).type.not.toHaveProperty("save")
    expect(store.load).type.not.toBeCallableWith(1)
    expect(store.load).type.not.toBeCallableWith("a", "b")
    expect(store.load.options).type.toBeCallableWith({ concurrencyGroup: "io" })
    expect(store.load.options).type.not.toBeCallableWith({ concurrencyGroup: "cpu" })
  })

  it("methods in options", () => {
    const make = Effect.succeed({ ping: () => Effect.void })
    expect(define).type.not.toBeCallableWith("A", {
      make,
      concurrencyGroups: { io: { maxConcurrency: 1, methods: ["pong"] } }
    })
    expect(define).type.not.toBeCallableWith("A", { make, methodOptions: { pong: {} } })
    expect(define).type.toBeCallableWith("A", { make, methodOptions: { ping: { maxTaskRetries: 1 } } })
  })
})

describe("3 refs", () => {
  it("3.3 are covariant Effects and Promises", () => {
    expect<ObjectRef.ObjectRef<1, "e">>().type.toBeAssignableTo<ObjectRef.ObjectRef<number, string>>()
    expect<ObjectRef.ObjectRef<1, "e">>().type.toBeAssignableTo<Effect.Effect<number, string>>()
    expect<Awaited<ObjectRef.ObjectRef<1, "e">>>().type.toBe<1>()
    expect(ref.then((n) => `${n}`)).type.toBe<Promise<string>>()
    expect(ref.then((n) => n).catch((error: Error) => error.name)).type.toBe<Promise<number | string>>()
    expect(ref.catch(() => "no").finally(() => {})).type.toBe<Promise<number | string>>()
    expect(ref).type.toBeAssignableTo<Promise<number>>()
  })

  it("3.4 a promise of a ref is a promise of its value", () => {
    const task = Task.make("t", (n: number) => Effect.succeed(n))
    const promise = Effect.runPromise(task.remote(1))
    expect<Awaited<typeof promise>>().type.toBe<number>()
  })

  it("combinators keep the shape", () => {
    expect(ObjectRef.all([ref, ObjectRef.succeed("a")])).type.toBe<Effect.Effect<[number, string]>>()
    expect(ObjectRef.all({ a: ref, b: ObjectRef.fail(false as const) })).type.toBe<
      Effect.Effect<{ a: number; b: never }, false>
    >()
  })
})

describe("a contract", () => {
  class Counter extends Actor.Service<Counter>()("Counter", {
    methods: {
      add: Actor.method({ args: [Schema.Int], success: Schema.Int, error: Schema.String }),
      reset: Actor.method(),
      set: Actor.method({ payload: { to: Schema.Int } }),
      ticks: Actor.method({ args: [Schema.Int], success: Schema.Int, stream: true })
    }
  }) {}
  const counter = null as unknown as Counter["Service"]

  it("types its methods, and what is left out of them", () => {
    expect(counter.add(1)).type.toBe<Effect.Effect<number, string | ActorError.ActorError>>()
    expect(counter.reset()).type.toBe<Effect.Effect<void, ActorError.ActorError>>()
    expect(counter.set({ to: 1 })).type.toBe<Effect.Effect<void, ActorError.ActorError>>()
    expect(counter.ticks(3)).type.toBe<Stream.Stream<number, ActorError.ActorError>>()
  })

  it("takes or leaves arguments whose schemas are optional, and come last", () => {
    const add = Actor.method({ args: [Schema.Int, Schema.optional(Schema.Int)], success: Schema.Int })
    const find = Actor.method({ args: [Schema.optionalKey(Schema.String)] })
    class Sum extends Actor.Service<Sum>()("Sum", { methods: { add, find } }) {}
    const sum = null as unknown as Sum["Service"]
    expect(sum.add).type.toBe<Actor.Method<[number, (number | undefined)?], number, never>>()
    expect(sum.add).type.toBeCallableWith(1)
    expect(sum.add).type.toBeCallableWith(1, 2)
    expect(sum.add).type.toBeCallableWith(1, ref)
    expect(sum.add).type.not.toBeCallableWith()
    expect(sum.add).type.not.toBeCallableWith(1, "2")
    expect(sum.add.remote).type.toBeCallableWith(1)
    expect(AsyncHandle.make(sum).add).type.toBeCallableWith(1)
    expect(sum.find).type.toBeCallableWith()
    expect(Sum.of).type.toBeCallableWith({
      add: (a: number, b?: number) => Effect.succeed(a + (b ?? 0)),
      find: () => Effect.void
    })
    expect(Sum.of).type.not.toBeCallableWith({
      add: (a: number, b: number) => Effect.succeed(a + b),
      find: () => Effect.void
    })
  })

  it("holds implementations to it", () => {
    expect(Counter.of).type.not.toBeCallableWith({ add: (n: number) => Effect.succeed(n) })
  })

  it("holds those of a keyed actor to it, and takes nothing else", () => {
    class Account extends Actor.Keyed<Account>()("Account", {
      key: Schema.String,
      methods: { add: Actor.method({ args: [Schema.Int], success: Schema.Int }), get: Actor.method() }
    }) {}
    const handle = null as unknown as Account["Service"]
    expect(
      Account.of({
        get: () => Effect.void,
        add: (n) => {
          expect(n).type.toBe<number>()
          return Effect.succeed(n)
        }
      })
    ).type.toBe<{
      readonly get: () => Effect.Effect<void>
      readonly add: (n: number) => Effect.Effect<number>
    }>()
    expect(Account.of).type.not.toBeCallableWith({ add: (n: number) => Effect.succeed(n) })
    expect(Account.of).type.not.toBeCallableWith(handle)
    expect(Account).type.toBeAssignableTo<Context.Service<Account, Account["Service"]>>()
  })
})

describe("7.10 a subscription", () => {
  class Room extends Actor.Service<Room>()("Room", {
    make: Effect.map(Broadcast.make<string>({ replay: 1 }), (messages) => ({ messages }))
  }) {}
  class Board extends Actor.Service<Board>()("Board", {
    methods: { post: Actor.method({ args: [Schema.String] }), messages: Actor.subscription({ item: Schema.String }) }
  }) {}
  const room = null as unknown as Room["Service"]
  const board = null as unknown as Board["Service"]
  type Items = Stream.Stream<string | Broadcast.Resync, ActorError.ActorError>

  it("is a stream of its items, and of Resync", () => {
    expect(room.messages()).type.toBe<Items>()
    expect(board.messages({ maxPendingItems: 1, overflow: "suspend" })).type.toBe<Items>()
    expect(room.messages).type.toBe<Broadcast.Subscription<string>>()
    expect(Stream.filter(room.messages(), Broadcast.isItem)).type.toBe<Stream.Stream<string, ActorError.ActorError>>()
  })

  it('may fail with FellBehind where overflow is "fail"', () => {
    expect(board.messages({ overflow: "fail" })).type.toBe<
      Stream.Stream<string | Broadcast.Resync, ActorError.ActorError | Broadcast.FellBehind>
    >()
  })

  it("has no remote and no options of calls", () => {
    expect(room.messages).type.not.toHaveProperty("remote")
    expect(room.messages).type.not.toBeCallableWith({ timeout: 1 })
  })

  it("is an AsyncIterable in plain code", () => {
    expect(AsyncHandle.make(room).messages()).type.toBe<AsyncIterable<string | Broadcast.Resync>>()
  })

  it("is implemented by a Broadcast of its items", () => {
    const implemented = (messages: unknown) => ({ post: () => Effect.void, messages })
    expect(Board.of).type.toBeCallableWith({
      post: () => Effect.void,
      messages: null as never as Broadcast.Broadcast<string>
    })
    expect(Board.of).type.not.toBeCallableWith({
      post: () => Effect.void,
      messages: null as never as Broadcast.Broadcast<number>
    })
    expect(Board.of).type.not.toBeCallableWith({ post: () => Effect.void, messages: () => Stream.make("a") })
    expect(Board.of).type.not.toBeCallableWith(implemented(1))
  })
})

/**
 * Middleware in a home (semantics 13.4): what is refused, what is provided, and on which side it runs.
 */
import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorMiddleware, AsyncHandle, Broadcast, Carried, ObjectRef } from "@troupe/core"
import { Context, Effect, Fiber, Layer, Option, Schema, Stream } from "effect"
import { fork, reasonOf, settle } from "../support.ts"

export const Token = Carried.Reference("conformance/Token", { schema: Schema.String, defaultValue: () => "" })

class User extends Context.Service<User, { readonly name: string }>()("conformance/User") {}

export class Denied extends Schema.TaggedError<Denied>()("Denied", { method: Schema.String }) {}
export class TooMany extends Schema.TaggedError<TooMany>()("TooMany", {}) {}

/** Lets in those with a token. */
class Doorman extends ActorMiddleware.Service<Doorman, { provides: User }>()("conformance/Doorman", {
  error: Denied
}) {}

/** Keeps calls from being made. */
export class Brake extends ActorMiddleware.Service<Brake>()("conformance/Brake", { error: TooMany, at: "caller" }) {}

export class Guarded extends Actor.Service<Guarded>()("conformance/Guarded", {
  middleware: [Brake, Doorman],
  methods: {
    who: Actor.method({ success: Schema.String }),
    names: Actor.method({ success: Schema.String, stream: true }),
    wait: Actor.method(),
    news: Actor.subscription({ item: Schema.String }),
    post: Actor.method({ args: [Schema.String] }),
    readers: Actor.method({ success: Schema.Int }),
    /** What ran around calls, and methods that were run, where the actor lives. */
    log: Actor.method({ success: Schema.Array(Schema.String) })
  }
}) {}

const log: Array<string> = []

/** Everybody may call these, and that is not noted. */
const open = new Set(["log", "post", "readers"])

const DoormanLive = Layer.succeed(Doorman)((next, { actor, method }) =>
  Effect.flatMap(Token, (name) => {
    if (open.has(method)) return Effect.provideService(next, User, { name })
    log.push(`${actor}.${method} by ${name}`)
    if (name === "") return Effect.fail(new Denied({ method }))
    return Effect.provideService(next, User, { name })
  })
)

const named = Effect.map(User, ({ name }) => {
  log.push(`served ${name}`)
  return name
})

/** Serves one call at a time. */
export const GuardedLive = Guarded.toLayer(
  Effect.gen(function* () {
    const news = yield* Broadcast.make<string>({ replay: 1 })
    return Guarded.of({
      who: () => named,
      names: () => Stream.fromEffect(named),
      wait: () => Effect.never,
      news,
      post: (text) => news.publish(text),
      readers: () => news.readers,
      log: () => Effect.sync(() => log.splice(0))
    })
  }),
  {
    maxConcurrency: 1,
    concurrencyGroups: { open: { maxConcurrency: 1, methods: ["log", "post", "readers"] } },
    shutdownTimeout: 0
  }
).pipe(Layer.provide(DoormanLive))

/** For homes, where the brake of the callers is elsewhere. */
export const GuardedServed = Layer.provide(
  GuardedLive,
  Layer.succeed(Brake)(() => Effect.die("it runs where the calls are made"))
)

/** The same, with an instance for each key. */
export class GuardedBox extends Actor.Keyed<GuardedBox>()("conformance/GuardedBox", {
  middleware: [Brake, Doorman],
  key: Schema.String,
  methods: {
    who: Actor.method({ success: Schema.String }),
    news: Actor.subscription({ item: Schema.String }),
    post: Actor.method({ args: [Schema.String] }),
    readers: Actor.method({ success: Schema.Int })
  }
}) {}

export const GuardedBoxLive = GuardedBox.toLayer(
  (key) =>
    Effect.gen(function* () {
      const news = yield* Broadcast.make<string>({ replay: 1 })
      return GuardedBox.of({
        who: () => Effect.map(named, (name) => `${name} of ${key}`),
        news,
        post: (text) => news.publish(`${key}: ${text}`),
        readers: () => news.readers
      })
    }),
  { maxConcurrency: 1, shutdownTimeout: 0 }
).pipe(Layer.provide(DoormanLive))

export const GuardedBoxServed = Layer.provide(
  GuardedBoxLive,
  Layer.succeed(Brake)(() => Effect.die("it runs where the calls are made"))
)

const as = (name: string) => Effect.provideService(Token, name)

/** Tests a home. `layer` is given the brake of the callers. */
export const guardedSuite = (
  layer: Layer.Layer<Guarded, unknown, Brake>,
  /** Whether permits are given before a call gets to where the actor lives. */
  { permitFirst = false }: { readonly permitFirst?: boolean } = {}
): void => {
  const braked: Array<string> = []
  const brake = Layer.succeed(Brake)((next, { method }) =>
    Effect.suspend(() => {
      braked.push(method)
      return braked.length > 100 ? Effect.fail(new TooMany()) : next
    })
  )

  describe("13.4 middleware", () => {
    it.effect(
      "13.4 refuses calls and provides for them where the actor lives, and where they are made",
      () =>
        Effect.gen(function* () {
          const guarded = yield* Guarded
          const denied = yield* Effect.flip(guarded.who())
          assert.instanceOf(denied, Denied)
          assert.strictEqual((denied as Denied).method, "who")
          assert.instanceOf(yield* Effect.flip(Stream.runCollect(guarded.names())), Denied)
          assert.strictEqual(yield* as("Ada")(guarded.who()), "Ada")
          assert.strictEqual(yield* yield* as("Bob")(guarded.who.remote()), "Bob")
          assert.deepStrictEqual(yield* as("Eve")(Stream.runCollect(guarded.names())), ["Eve"])
          assert.deepStrictEqual(yield* guarded.log(), [
            "conformance/Guarded.who by ",
            "conformance/Guarded.names by ",
            "conformance/Guarded.who by Ada",
            "served Ada",
            "conformance/Guarded.who by Bob",
            "served Bob",
            "conformance/Guarded.names by Eve",
            "served Eve"
          ])
          assert.deepStrictEqual(braked, ["who", "names", "who", "who", "names", "log"])
          braked.length = 100
          assert.instanceOf(yield* Effect.flip(as("Ada")(guarded.who())), TooMany)
          braked.length = 0
          assert.deepStrictEqual(yield* guarded.log(), [], "a call that is refused where it is made is not sent")
        }).pipe(Effect.provide(layer), Effect.provide(brake)),
      20_000
    )

    it.effect(
      "13.4 refuses without a permit, and its calls are cancelled like others",
      () =>
        Effect.gen(function* () {
          const guarded = yield* Guarded
          const holder = yield* as("Ada")(guarded.wait.remote())
          yield* settle
          const refused = yield* fork(Effect.flip(guarded.who()))
          if (!permitFirst) assert.instanceOf(yield* Fiber.join(refused), Denied)
          else assert.isUndefined(refused.pollUnsafe())
          yield* ObjectRef.cancel(holder)
          assert.instanceOf(yield* Fiber.join(refused), Denied)
          assert.strictEqual((yield* reasonOf(holder))._tag, "TaskCancelled")
          assert.strictEqual(yield* as("Bob")(guarded.who()), "Bob")
        }).pipe(Effect.provide(layer), Effect.provide(brake)),
      20_000
    )

    it.effect(
      "13.5 a reader passes it as a call does, on both sides, and is refused before it joins; it takes no permit",
      () =>
        Effect.gen(function* () {
          const guarded = yield* Guarded
          const first = Stream.runHead(guarded.news())
          yield* guarded.log()
          yield* guarded.post("secret")
          const holder = yield* as("Ada")(guarded.wait.remote())
          yield* settle
          braked.length = 0
          const denied = yield* Effect.flip(first)
          assert.instanceOf(denied, Denied)
          assert.strictEqual((denied as Denied).method, "news")
          const plain = AsyncHandle.make(guarded)
          const loop = async () => {
            for await (const item of plain.news()) return item
          }
          assert.instanceOf(yield* Effect.promise(() => loop().catch((error) => error)), Denied)
          assert.strictEqual(Option.getOrThrow(yield* as("Ada")(first)), "secret")
          yield* Effect.repeat(guarded.readers(), { until: (there) => there === 0 })
          assert.deepStrictEqual(yield* guarded.log(), [
            "conformance/Guarded.wait by Ada",
            "conformance/Guarded.news by ",
            "conformance/Guarded.news by ",
            "conformance/Guarded.news by Ada"
          ])
          assert.deepStrictEqual(
            braked.filter((method) => method === "news"),
            ["news", "news", "news"]
          )
          braked.length = 100
          assert.instanceOf(yield* Effect.flip(as("Ada")(first)), TooMany)
          braked.length = 0
          assert.deepStrictEqual(yield* guarded.log(), [], "a reader that is refused where it is made is not sent")
          yield* ObjectRef.cancel(holder)
        }).pipe(Effect.provide(layer), Effect.provide(brake)),
      20_000
    )
  })
}

/** Tests a home of instances that have a key each. */
export const guardedBoxSuite = (layer: Layer.Layer<GuardedBox, unknown, Brake>): void => {
  const braked: Array<string> = []
  const brake = Layer.succeed(Brake)((next, { key, method }) =>
    Effect.suspend(() => {
      braked.push(`${method} of ${key}`)
      return next
    })
  )

  describe("13.4 middleware of keys", () => {
    it.effect(
      "13.4 the first calls of a key pass it on the same sides as all others, while its instance starts",
      () =>
        Effect.gen(function* () {
          const box = yield* GuardedBox.get("a")
          const first = yield* as("Ada")(box.who.remote())
          const second = yield* box.who.remote()
          const third = yield* as("Eve")(box.who.remote())
          assert.strictEqual(yield* first, "Ada of a")
          assert.instanceOf(yield* Effect.flip(second), Denied)
          assert.strictEqual(yield* third, "Eve of a")
          assert.strictEqual(yield* as("Bob")(box.who()), "Bob of a")
          assert.deepStrictEqual(braked.splice(0), ["who of a", "who of a", "who of a", "who of a"])
        }).pipe(Effect.provide(layer), Effect.provide(brake)),
      20_000
    )

    it.effect(
      "13.5 so does a reader that is the first to come",
      () =>
        Effect.gen(function* () {
          const box = yield* GuardedBox.get("b")
          const denied = yield* fork(Effect.flip(Stream.runHead(box.news())))
          const reading = yield* fork(as("Ada")(Stream.runHead(box.news())))
          assert.instanceOf(yield* Fiber.join(denied), Denied)
          yield* Effect.repeat(box.readers(), { until: (there) => there === 1 })
          yield* box.post("hello")
          assert.deepStrictEqual(yield* Fiber.join(reading), Option.some("b: hello"))
          assert.deepStrictEqual(
            braked.filter((call) => call === "news of b"),
            ["news of b", "news of b"]
          )
        }).pipe(Effect.provide(layer), Effect.provide(brake)),
      20_000
    )
  })
}

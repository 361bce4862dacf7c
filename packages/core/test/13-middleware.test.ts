/**
 * Middleware around calls, within a process. What homes do with it is in their own tests.
 */
import { assert, describe, it } from "@effect/vitest"
import {
  Actor,
  ActorMiddleware,
  ActorPool,
  ActorSystem,
  AsyncHandle,
  Broadcast,
  Carried,
  ObjectRef,
  Task
} from "@troupe/core"
import { Context, Effect, Exit, Fiber, Latch, Layer, Schedule, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import { defectOf, fork, Probe, reasonOf, settle } from "./support.ts"

const Token = Carried.Reference("test/Token", { schema: Schema.String, defaultValue: () => "" })

class CurrentUser extends Context.Service<CurrentUser, { readonly name: string }>()("test/CurrentUser") {}
class Denied extends Schema.TaggedError<Denied>()("Denied", { method: Schema.String }) {}

class Auth extends ActorMiddleware.Service<Auth, { provides: CurrentUser }>()("test/Auth", { error: Denied }) {}
const AuthLive = Layer.succeed(Auth)((next, { method }) =>
  Effect.flatMap(Token, (name) =>
    name === "" ? Effect.fail(new Denied({ method })) : Effect.provideService(next, CurrentUser, { name })
  )
)

const probe = { now: new Probe() }
const who = Effect.map(CurrentUser, ({ name }) => name)

/** Guarded by what lets in those with a token. */
class Desk extends Actor.Service<Desk>()("test/Desk", {
  middleware: [Auth],
  maxConcurrency: 1,
  make: Effect.sync(() => {
    const own = probe.now
    return {
      who: () => who,
      work: (id: string) => Effect.andThen(who, own.work(id)),
      names: () => Stream.fromEffect(who),
      add: (a: number, b: number) => Effect.sync(() => a + b)
    }
  })
}) {}

/** Lets a test hold calls before they stand in line, and after their methods have ended. */
class Held extends ActorMiddleware.Service<Held>()("test/Held") {}
const heldBy = (outer: Probe) =>
  Layer.succeed(Held)((next, { args: [id] }) =>
    outer.work(`${id} before`).pipe(
      Effect.andThen(next),
      Effect.onExit((exit) => outer.note(`${id} ${Exit.isSuccess(exit) ? "went well" : "failed"}`)),
      Effect.tap(() => outer.work(`${id} after`))
    )
  )

class Line extends Actor.Service<Line>()("test/Line", {
  middleware: [Held],
  shutdownTimeout: 0,
  maxConcurrency: 1,
  make: (inner: Probe) =>
    Effect.succeed({
      work: inner.work,
      stubborn: (id: string) => Effect.uninterruptible(inner.work(id))
    })
}) {}

const line = Effect.gen(function* () {
  const [outer, inner] = [new Probe(), new Probe()]
  const handle = yield* Effect.provide(Line.spawn(inner), heldBy(outer))
  return { handle, outer, inner }
})

const as = (name: string) => Effect.provideService(Token, name)

describe("13.4 middleware", () => {
  it.effect("13.4 a call that is refused fails with its error, whichever way it is called; it never runs", () =>
    Effect.gen(function* () {
      probe.now = new Probe()
      const desk = yield* Effect.provide(Desk.spawn(), AuthLive)
      const refusals = [
        yield* Effect.flip(desk.who()),
        yield* Effect.flip(yield* desk.work.remote("a")),
        yield* Effect.flip(Stream.runCollect(desk.names())),
        yield* Effect.promise(() => Promise.resolve(AsyncHandle.make(desk).who()).then(String, (error) => error))
      ]
      assert.deepStrictEqual(
        refusals.map((error: any) => [error._tag, error.method]),
        [
          ["Denied", "who"],
          ["Denied", "work"],
          ["Denied", "names"],
          ["Denied", "who"]
        ]
      )
      assert.deepStrictEqual(probe.now.log, [])
    })
  )

  it.effect("13.4 a call that is let through has what the middleware provides", () =>
    Effect.gen(function* () {
      const desk = yield* Effect.provide(Desk.spawn(), AuthLive)
      const all = Effect.gen(function* () {
        return [yield* desk.who(), yield* yield* desk.who.remote(), ...(yield* Stream.runCollect(desk.names()))]
      })
      assert.deepStrictEqual(yield* as("Ada")(all), ["Ada", "Ada", "Ada"])
      const pool = yield* Effect.provide(ActorPool.make({ spawn: Desk.spawn(), size: 2 }), AuthLive)
      assert.strictEqual(yield* as("Bob")(pool.run((member) => member.who())), "Bob")
    })
  )

  it.effect("13.4 a refusal needs no permit: it comes while all are taken", () =>
    Effect.gen(function* () {
      probe.now = new Probe()
      const desk = yield* Effect.provide(Desk.spawn(), AuthLive)
      const holder = yield* as("Ada")(desk.work.remote("a"))
      yield* probe.now.started("a")
      assert.strictEqual((yield* Effect.flip(desk.who()))._tag, "Denied")
      yield* probe.now.open("a")
      assert.strictEqual(yield* holder, "a")
    })
  )

  it.effect("13.4 middleware sees the arguments as the method gets them, refs among them resolved", () =>
    Effect.gen(function* () {
      const seen: Array<unknown> = []
      const noting = Layer.succeed(Auth)((next, call) =>
        Effect.andThen(
          Effect.sync(() => void seen.push(call)),
          Effect.provideService(next, CurrentUser, { name: "" })
        )
      )
      const desk = yield* Effect.provide(Desk.spawn(), noting)
      const one = yield* desk.add.remote(0, 1)
      assert.strictEqual(yield* desk.add(one, 2), 3)
      assert.deepStrictEqual(seen, [
        { actor: "test/Desk", key: undefined, method: "add", args: [0, 1] },
        { actor: "test/Desk", key: undefined, method: "add", args: [1, 2] }
      ])
    })
  )

  it.effect("13.4 calls start in the order in which they were submitted, however long their middleware takes", () =>
    Effect.gen(function* () {
      const { handle, inner, outer } = yield* line
      const refs = yield* Effect.forEach(["a", "b", "c"], (id) => handle.work.remote(id))
      yield* inner.open("a", "b", "c")
      yield* outer.open("a after", "b after", "c after", "c before", "b before")
      yield* settle
      // The middleware of all of them runs, and no permit is held meanwhile.
      assert.deepStrictEqual(outer.startOrder, ["a before", "b before", "c before"])
      assert.deepStrictEqual(inner.log, [])
      yield* outer.open("a before")
      assert.deepStrictEqual(yield* ObjectRef.all(refs), ["a", "b", "c"])
      assert.deepStrictEqual(inner.startOrder, ["a", "b", "c"])
    })
  )

  it.effect("13.4 a call that is ended on its way lets those behind it pass, and has not run", () =>
    Effect.gen(function* () {
      const { handle, inner, outer } = yield* line
      const [a, b] = [yield* handle.work.remote("a"), yield* handle.work.options({ timeout: "1 second" }).remote("b")]
      const c = yield* handle.work.remote("c")
      yield* inner.open("c")
      yield* outer.open("c before", "c after")
      yield* outer.started("a before")
      assert.strictEqual(yield* ObjectRef.cancel(a), "NotStarted")
      assert.deepInclude(yield* reasonOf(a), { _tag: "TaskCancelled", mayHaveRun: false })
      yield* TestClock.adjust("1 second")
      assert.deepInclude(yield* reasonOf(b), { _tag: "TimedOut", mayHaveRun: false })
      assert.strictEqual(yield* c, "c")
      assert.include(outer.log, "a before cut")
      assert.deepStrictEqual(inner.startOrder, ["c"])
    })
  )

  it.effect("13.4 it runs on when its method has ended, without a permit, and the call settles after it", () =>
    Effect.gen(function* () {
      const { handle, inner, outer } = yield* line
      yield* outer.open("a before", "b before", "b after")
      yield* inner.open("a", "b")
      const a = yield* handle.work.remote("a")
      assert.strictEqual(yield* handle.work("b"), "b")
      assert.deepStrictEqual(inner.log, ["a start", "a end", "b start", "b end"])
      assert.strictEqual(yield* ObjectRef.cancel(a), "Interrupted")
      assert.include(outer.log, "a after cut")
      const c = yield* handle.work.remote("c")
      yield* outer.open("c before")
      yield* inner.open("c")
      yield* outer.started("c after")
      yield* Actor.kill(handle)
      assert.deepInclude(yield* reasonOf(c), { _tag: "ActorDied", mayHaveRun: true })
    })
  )

  it.effect(
    "13.4 it is told how its call has ended: cancelled in line, cancelled as it ran, or with a true result",
    () =>
      Effect.gen(function* () {
        const { handle, inner, outer } = yield* line
        const ids = ["a", "b", "s"]
        yield* outer.open(...ids.flatMap((id) => [`${id} before`, `${id} after`]))
        const a = yield* handle.work.remote("a")
        const b = yield* handle.work.remote("b")
        yield* inner.started("a")
        assert.strictEqual(yield* ObjectRef.cancel(b), "NotStarted")
        assert.strictEqual(yield* ObjectRef.cancel(a), "Interrupted")
        assert.deepStrictEqual(
          outer.log.filter((event) => event.endsWith("failed")),
          ["b failed", "a failed"]
        )
        const stubborn = yield* handle.stubborn.remote("s")
        yield* inner.started("s")
        const cancelling = yield* fork(ObjectRef.cancel(stubborn))
        yield* inner.open("s")
        assert.strictEqual(yield* Fiber.join(cancelling), "AlreadyDone")
        assert.strictEqual(yield* stubborn, "s")
      })
  )

  it.effect("13.4 interrupting an asker ends its call on the way, and waits for its finalizers", () =>
    Effect.gen(function* () {
      const { handle, outer } = yield* line
      const asker = yield* fork(handle.work("a"))
      yield* outer.started("a before")
      yield* Fiber.interrupt(asker)
      assert.deepStrictEqual(outer.log, ["a before start", "a before cut", "a failed"])
    })
  )

  it.effect("13.4 stop lets calls on their way finish, kill ends them", () =>
    Effect.gen(function* () {
      const { handle, inner, outer } = yield* line
      const a = yield* handle.work.remote("a")
      yield* outer.started("a before")
      const stopping = yield* fork(Actor.stop(handle))
      yield* settle
      yield* inner.open("a")
      yield* outer.open("a before", "a after")
      assert.strictEqual(yield* a, "a")
      yield* Fiber.join(stopping)
      const other = yield* line
      const b = yield* other.handle.work.remote("b")
      yield* other.outer.started("b before")
      yield* Actor.kill(other.handle)
      assert.deepInclude(yield* reasonOf(b), { _tag: "ActorDied", mayHaveRun: false })
    })
  )

  it.effect("13.4 it may run its call again, and give it up", () =>
    Effect.gen(function* () {
      class Retry extends ActorMiddleware.Service<Retry>()("test/Retry") {}
      let tries = 0
      const log: Array<string> = []
      class Moody extends Actor.Service<Moody>()("test/Moody", {
        middleware: [Retry],
        maxConcurrency: 1,
        make: Effect.succeed({
          moody: () => Effect.suspend(() => (++tries < 3 ? Effect.fail("no" as const) : Effect.succeed(tries))),
          slow: () => Effect.onInterrupt(Effect.never, () => Effect.sync(() => void log.push("cut")))
        })
      }) {}
      const retrying = Layer.succeed(Retry)((next, { method }) =>
        method === "slow" ? Effect.orDie(Effect.timeout(next, "1 second")) : Effect.retry(next, { times: 5 })
      )
      const moody = yield* Effect.provide(Moody.spawn(), retrying)
      assert.strictEqual(yield* moody.moody(), 3)
      const slow = yield* fork(Effect.exit(moody.slow()))
      yield* settle
      yield* TestClock.adjust("1 second")
      assert.isTrue(Exit.hasDies(yield* Fiber.join(slow)))
      assert.deepStrictEqual(log, ["cut"])
      assert.strictEqual(yield* moody.moody(), 4)
    })
  )

  it.effect("13.4 several run in the order written, those of the system first; a defect ends its call alone", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const noting =
        (name: string) =>
        (next: Effect.Effect<any, any>, { key, method }: ActorMiddleware.Call) =>
          Effect.suspend(() => {
            log.push(`${name} ${method} ${key}`)
            if (method === "bad" && name === "two") throw new RangeError("two")
            return Effect.ensuring(
              next,
              Effect.sync(() => log.push(`${name} over`))
            )
          })
      class One extends ActorMiddleware.Service<One>()("test/One") {}
      class Two extends ActorMiddleware.Service<Two>()("test/Two") {}
      class All extends ActorMiddleware.Service<All>()("test/All", { at: "caller" }) {}
      class Room extends Actor.Keyed<Room>()("test/Room", {
        middleware: [One, Two],
        make: (_: string) => Effect.succeed({ ok: () => Effect.succeed(1), bad: () => Effect.succeed(2) })
      }) {}
      const system = Layer.provide(ActorSystem.layerMiddleware(All), Layer.succeed(All)(noting("all")))
      const own = Layer.merge(Layer.succeed(One)(noting("one")), Layer.succeed(Two)(noting("two")))
      const live = Room.layer.pipe(Layer.provide(own), Layer.provide(system))
      yield* Effect.gen(function* () {
        const room = yield* Room.get("r")
        assert.strictEqual(yield* room.ok(), 1)
        assert.instanceOf(yield* defectOf(room.bad()), RangeError)
        assert.strictEqual(yield* room.ok(), 1)
      }).pipe(Effect.provide(live))
      const ok = ["all ok r", "one ok r", "two ok r", "two over", "one over", "all over"]
      assert.deepStrictEqual(log, [...ok, "all bad r", "one bad r", "two bad r", "one over", "all over", ...ok])
    })
  )

  it.effect("13.4 it may ask the actor that it guards: that call does not wait behind the one that it is for", () =>
    Effect.gen(function* () {
      class Curious extends ActorMiddleware.Service<Curious>()("test/Curious") {}
      const self: { handle?: any } = {}
      class Asked extends Actor.Service<Asked>()("test/Asked", {
        middleware: [Curious],
        maxConcurrency: 1,
        make: Effect.succeed({ one: () => Effect.succeed(1), two: () => Effect.succeed(2) })
      }) {}
      const live = Layer.succeed(Curious)((next, { method }) =>
        method === "one" ? next : Effect.andThen(Effect.orDie(self.handle.one() as Effect.Effect<number>), next)
      )
      const asked = yield* Effect.provide(Asked.spawn(), live)
      self.handle = asked
      assert.strictEqual(yield* asked.two(), 2)
    })
  )

  it.effect(
    "13.4 one that is not provided ends the call with an error that says what to provide",
    () =>
      Effect.gen(function* () {
        const desk = yield* Desk.spawn() as Effect.Effect<Desk["Service"], never, any>
        const defect = yield* defectOf(desk.who())
        assert.match(
          String(defect),
          /test\/Desk: its middleware test\/Auth is not provided: give its Layer to that of the/
        )
      }) as unknown as Effect.Effect<void>
  )

  it("13.4 what is no middleware is refused where it is written", () => {
    const make = Actor.Service<any>() as any
    const refused = /test\/X: middleware must be an array of classes made with ActorMiddleware\.Service/
    assert.throws(() => make("test/X", { make: Effect.succeed({}), middleware: [1] }), refused)
    assert.throws(() => make("test/X", { methods: {}, middleware: Auth }), refused)
    const service = ActorMiddleware.Service<any>() as any
    assert.throws(() => service("test/M", { at: "home" }), /at must be "actor" or "caller"/)
    assert.throws(() => service("test/M", { error: String }), /test\/M: error must be a Schema of its errors/)
  })
})

/** What the tests see of the inside. */
const news: { board?: Broadcast.Broadcast<string> } = {}
const readersNow = Effect.suspend(() => news.board!.readers)

const publishing = Effect.gen(function* () {
  const board = yield* Broadcast.make<string>({ replay: 1 })
  news.board = board
  return {
    board,
    post: (text: string) => board.publish(text),
    hold: () => Effect.never,
    crash: () => Effect.die("boom")
  }
})

class Paper extends Actor.Service<Paper>()("test/Paper", {
  middleware: [Auth],
  restart: Schedule.recurs(3),
  make: publishing
}) {}

class Papers extends Actor.Keyed<Papers>()("test/Papers", {
  middleware: [Auth],
  maxConcurrency: 1,
  make: (_key: string) => publishing
}) {}

/** Says who may read, once the gate is open, and notes who asks. */
const guard = () => {
  const log: Array<unknown> = []
  const gate = Latch.makeUnsafe(true)
  const allowed = { now: true }
  const live = Layer.succeed(Auth)((next, { args, key, method }) => {
    if (method !== "board") return Effect.provideService(next, CurrentUser, { name: "" })
    log.push([method, key, ...args])
    const decide = Effect.suspend(() =>
      allowed.now ? Effect.provideService(next, CurrentUser, { name: "" }) : Effect.fail(new Denied({ method }))
    )
    return Effect.tap(Effect.andThen(gate.await, decide), () => Effect.sync(() => log.push("through")))
  })
  return { log, gate, allowed, live }
}

const following = <A, E>(stream: Stream.Stream<A, E>) =>
  Effect.gen(function* () {
    const items: Array<A> = []
    const fiber = yield* fork(Effect.flip(Stream.runForEach(stream, (item) => Effect.sync(() => items.push(item)))))
    yield* settle
    return { items, fiber }
  })

describe("13.5 readers of subscriptions pass middleware", () => {
  it.effect("13.5 it sees the subscription and what the reader asks for, and has ended before the reader joins", () =>
    Effect.gen(function* () {
      const { gate, live, log } = guard()
      const paper = yield* Effect.provide(Paper.spawn(), live)
      yield* gate.close
      const reader = yield* following(paper.board({ maxPendingItems: 3 }))
      assert.deepStrictEqual(log, [["board", undefined, { maxPendingItems: 3 }]])
      assert.strictEqual(yield* readersNow, 0)
      yield* gate.open
      yield* settle
      assert.strictEqual(yield* readersNow, 1)
      yield* paper.post("a")
      yield* settle
      assert.deepStrictEqual(reader.items, ["a"])
      assert.deepStrictEqual(log.slice(1), ["through"])
    })
  )

  it.effect("13.5 one that is refused fails with its error, has never joined, and has got nothing", () =>
    Effect.gen(function* () {
      const { allowed, live } = guard()
      const paper = yield* Effect.provide(Paper.spawn(), live)
      yield* paper.post("secret")
      allowed.now = false
      const { fiber, items } = yield* following(paper.board())
      assert.instanceOf(yield* Fiber.join(fiber), Denied)
      assert.deepStrictEqual(items, [])
      assert.strictEqual(yield* readersNow, 0)
    })
  )

  it.effect("13.5 it passes anew when its instance restarts, and is refused then if it may not read any more", () =>
    Effect.gen(function* () {
      const { allowed, live, log } = guard()
      const paper = yield* Effect.provide(Paper.spawn(), live)
      const { fiber, items } = yield* following(paper.board())
      yield* paper.post("a")
      yield* Effect.exit(paper.crash())
      yield* settle
      assert.deepStrictEqual(log, [["board", undefined, {}], "through", ["board", undefined, {}], "through"])
      assert.strictEqual(yield* readersNow, 1)
      allowed.now = false
      yield* Effect.exit(paper.crash())
      assert.instanceOf(yield* Fiber.join(fiber), Denied)
      assert.deepStrictEqual(
        items.map((item) => (Broadcast.isResync(item) ? item.reason : item)),
        ["a", "Restarted"]
      )
      assert.strictEqual(yield* readersNow, 0)
    })
  )

  it.effect("13.5 one whose instance restarts or ends while it passes reads the next life, or hears of the end", () =>
    Effect.gen(function* () {
      const { gate, live } = guard()
      const paper = yield* Effect.provide(Paper.spawn(), live)
      yield* gate.close
      const { fiber, items } = yield* following(paper.board())
      yield* Effect.exit(paper.crash())
      yield* settle
      yield* gate.open
      yield* settle
      yield* paper.post("new")
      yield* settle
      assert.deepStrictEqual(items.filter(Broadcast.isItem), ["new"])
      yield* gate.close
      const late = yield* following(paper.board())
      yield* Actor.kill(paper)
      yield* gate.open
      assert.deepInclude(yield* reasonOf(Effect.flip(Fiber.join(fiber))), { _tag: "ActorDied" })
      assert.deepInclude(yield* reasonOf(Effect.flip(Fiber.join(late.fiber))), { _tag: "ActorDied" })
    })
  )

  it.effect("13.5 a reader of a key whose instance is not up yet passes once, and takes no permit", () =>
    Effect.gen(function* () {
      for (const slow of [false, true]) {
        const { gate, live, log } = guard()
        yield* Effect.gen(function* () {
          const paper = yield* Papers.get("k")
          const held = yield* paper.hold.remote()
          if (slow) yield* gate.close
          const { items } = yield* following(paper.board())
          yield* gate.open
          yield* settle
          assert.strictEqual(yield* readersNow, 1)
          yield* news.board!.publish("a")
          yield* settle
          assert.deepStrictEqual(items, ["a"])
          assert.deepStrictEqual(
            log.filter((event) => event === "through"),
            ["through"]
          )
          yield* ObjectRef.cancel(held)
        }).pipe(Effect.provide(Layer.provide(Papers.layer, live)))
      }
    })
  )

  it.effect("13.5 one that leaves while it passes ends its middleware", () =>
    Effect.gen(function* () {
      const { gate, live, log } = guard()
      const paper = yield* Effect.provide(Paper.spawn(), live)
      yield* gate.close
      const { fiber } = yield* following(paper.board())
      yield* Fiber.interrupt(fiber)
      yield* gate.open
      yield* settle
      assert.deepStrictEqual(log, [["board", undefined, {}]])
      assert.strictEqual(yield* readersNow, 0)
    })
  )

  it.effect("13.5 middleware that ends without next lets nobody read", () =>
    Effect.gen(function* () {
      const paper = yield* Effect.provide(Paper.spawn(), Layer.succeed(Auth)((() => Effect.void) as any))
      const defect = yield* defectOf(Stream.runDrain(paper.board()))
      assert.match(String(defect), /test\/Paper\.board: its middleware has ended without next/)
      assert.strictEqual(yield* readersNow, 0)
    })
  )

  it.effect("13.5 that of the system runs around readers, too, and around no task, which has no actor", () =>
    Effect.gen(function* () {
      const seen: Array<string> = []
      class All extends ActorMiddleware.Service<All>()("test/AllReaders") {}
      const noting = Layer.succeed(All)((next, { actor, method }) =>
        Effect.suspend(() => {
          seen.push(`${actor}.${method}`)
          return next
        })
      )
      class Open extends Actor.Service<Open>()("test/Open", { make: publishing }) {}
      const double = Task.make("test/double", (n: number) => Effect.succeed(n * 2))
      const program = Effect.gen(function* () {
        const open = yield* Open
        yield* open.post("a")
        assert.deepStrictEqual(yield* Stream.runCollect(Stream.take(open.board(), 1)), ["a"])
        assert.strictEqual(yield* double(2), 4)
        assert.strictEqual(yield* yield* double.remote(3), 6)
      })
      const system = Layer.provide(ActorSystem.layerMiddleware(All), noting)
      yield* program.pipe(Effect.provide(Open.layer), Effect.provide(system))
      assert.deepStrictEqual(seen, ["test/Open.post", "test/Open.board"])
    })
  )
})

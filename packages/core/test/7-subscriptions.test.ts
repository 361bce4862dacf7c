/**
 * Subscriptions: what an actor publishes, and its readers.
 */
import { getEventListeners } from "node:events"
import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorSystem, AsyncHandle, Broadcast, ObjectRef } from "@troupe/core"
import { Deferred, Effect, Fiber, Latch, References, Schedule, Schema, type Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { fork, range, reasonOf, settle } from "./support.ts"

/** What the tests see of the inside. */
const boards: Array<Broadcast.Broadcast<string>> = []
const lastBoard = () => boards[boards.length - 1]!

const inside = (replay: number, start: Effect.Effect<void> = Effect.void) =>
  Effect.gen(function* () {
    yield* start
    const messages = yield* Broadcast.make<string>({ replay })
    boards.push(messages)
    const gate = Latch.makeUnsafe()
    return {
      messages,
      post: (text: string) => messages.publish(text),
      postAll: (texts: ReadonlyArray<string>) =>
        Effect.forEach(texts, (text) => messages.publish(text), { discard: true }),
      hold: () => gate.await,
      release: () => gate.open,
      crash: () => Effect.die("boom")
    }
  })

class Room extends Actor.Service<Room>()("test/Room", {
  maxConcurrency: 1,
  shutdownTimeout: 0,
  concurrencyGroups: { release: { maxConcurrency: 1, methods: ["release"] } },
  make: (replay = 0) => inside(replay)
}) {}

class Rooms extends Actor.Keyed<Rooms>()("test/Rooms", {
  maxConcurrency: 1,
  idleTimeToLive: "1 minute",
  make: (_key: string) => inside(1)
}) {}

/** Begins to read. What it has got so far is in `items`. */
const read = <A, E>(stream: Stream.Stream<A, E>) =>
  Effect.gen(function* () {
    const items: Array<A> = []
    const fiber = yield* fork(Stream.runForEach(stream, (item) => Effect.sync(() => items.push(item))))
    return { items, fiber }
  })

const resync = (fields: Omit<Broadcast.Resync, "_tag">) => new Broadcast.Resync(fields)
const RESTARTED = resync({ reason: "Restarted" })

describe("7.7 a subscription is read as a Stream", () => {
  it.effect("7.7 each reader gets what is published while it reads, in order, and first what is replayed", () =>
    Effect.gen(function* () {
      const room = yield* Room.spawn(2)
      yield* room.postAll(["a", "b", "c"])
      const one = yield* read(room.messages())
      yield* settle
      yield* room.post("d")
      const two = yield* read(room.messages())
      yield* settle
      yield* room.post("e")
      yield* settle
      assert.deepStrictEqual(one.items, ["b", "c", "d", "e"])
      assert.deepStrictEqual(two.items, ["c", "d", "e"])
    })
  )

  it.effect("7.7 a thousand readers take no permit and no room: at limit 1 the next call starts at once", () =>
    Effect.gen(function* () {
      const room = yield* Room.options({ maxPendingCalls: 1 }).spawn()
      const readers = yield* Effect.forEach(range(1000), () => read(room.messages()))
      yield* settle
      assert.strictEqual(yield* lastBoard().readers, 1000)
      yield* room.post("hello")
      yield* settle
      for (const { items } of readers) assert.deepStrictEqual(items, ["hello"])
      const [instance] = (yield* ActorSystem.snapshot()).instances.filter(({ actor }) => actor === "test/Room")
      assert.strictEqual(instance?.pending, 0)
    })
  )

  it.effect("7.7 a reader comes while a call holds the only permit", () =>
    Effect.gen(function* () {
      const room = yield* Room.spawn(1)
      yield* room.post("before")
      const held = yield* room.hold.remote()
      const { items } = yield* read(room.messages())
      yield* settle
      assert.deepStrictEqual(items, ["before"])
      yield* room.release()
      yield* held
    })
  )

  it.effect("7.7 so does one that comes while the constructor of a key runs, and is there before the calls start", () =>
    Effect.gen(function* () {
      const gate = Latch.makeUnsafe()
      class Slow extends Actor.Keyed<Slow>()("test/Slow", {
        maxConcurrency: 1,
        make: (_key: string) => inside(0, gate.await)
      }) {}
      yield* Effect.gen(function* () {
        const slow = yield* Slow.get("a")
        const held = yield* slow.hold.remote()
        const { items } = yield* read(slow.messages())
        const plain = AsyncHandle.make(slow)
        const first = fork(
          Effect.promise(async () => {
            for await (const item of plain.messages()) return item
          })
        )
        const loop = yield* first
        yield* settle
        yield* gate.open
        yield* settle
        assert.strictEqual(yield* lastBoard().readers, 2)
        yield* lastBoard().publish("held")
        yield* settle
        assert.deepStrictEqual(items, ["held"])
        assert.strictEqual(yield* Fiber.join(loop), "held")
        yield* ObjectRef.cancel(held)
      }).pipe(Effect.provide(Slow.layer))
    })
  )

  it.effect("7.7 a reader that leaves in the middle is gone, and the others read on", () =>
    Effect.gen(function* () {
      const room = yield* Room.spawn()
      const [leaver, stayer] = [yield* read(room.messages()), yield* read(room.messages())]
      const short = yield* read(Stream.take(room.messages(), 1))
      yield* settle
      yield* room.post("a")
      yield* settle
      yield* Fiber.interrupt(leaver.fiber)
      yield* Fiber.join(short.fiber)
      assert.strictEqual(yield* lastBoard().readers, 1)
      yield* room.post("b")
      yield* settle
      assert.deepStrictEqual(leaver.items, ["a"])
      assert.deepStrictEqual(stayer.items, ["a", "b"])
      yield* Fiber.interrupt(stayer.fiber)
      assert.strictEqual(yield* lastBoard().readers, 0)
    })
  )

  it.effect("7.7 after thousands of joins and leaves no reader is left", () =>
    Effect.gen(function* () {
      const room = yield* Room.spawn(1)
      yield* room.post("a")
      for (let n = 0; n < 2000; n++) yield* Stream.runHead(room.messages())
      assert.strictEqual(yield* lastBoard().readers, 0)
    })
  )

  it.effect("7.7 inside the actor the broadcast is itself such a stream", () =>
    Effect.gen(function* () {
      const messages = yield* Broadcast.make<number>({ replay: 1 })
      yield* messages.publish(1)
      assert.deepStrictEqual(yield* Stream.runCollect(Stream.take(messages(), 1)), [1])
    })
  )
})

describe("7.7 a broadcast lives as long as its instance", () => {
  const born = (make: Effect.Effect<any, never, Scope.Scope>): Effect.Effect<any, never, Scope.Scope> =>
    (Actor.Service as any)()("test/Elsewhere", { onDefect: "restart", make }).spawn()
  const failure = (actor: any) =>
    Effect.map(Effect.exit(Stream.runHead(actor.messages() as Stream.Stream<any>)), String)

  it.effect("7.7 readers of one that was made elsewhere are told so, and do not wait for what will not come", () =>
    Effect.gen(function* () {
      const messages = yield* Broadcast.make<string>({ replay: 1 })
      const actor = yield* born(Effect.succeed({ messages }))
      yield* messages.publish("a")
      assert.match(
        yield* failure(actor),
        /test\/Elsewhere\.messages gives out a broadcast that was not made by the const/
      )
    })
  )

  it.effect("7.7 so are those of one that has ended already, with an inner Scope or with an earlier life", () =>
    Effect.gen(function* () {
      const scoped = Effect.scoped(Effect.map(Broadcast.make<string>(), (messages) => ({ messages })))
      assert.match(yield* failure(yield* born(scoped)), /its broadcast has ended before its instance/)
      let first: Broadcast.Broadcast<string> | undefined
      const kept = Effect.gen(function* () {
        const messages: Broadcast.Broadcast<string> = first ?? (yield* Broadcast.make<string>({ replay: 1 }))
        first = messages
        yield* messages.publish("a")
        return { messages, crash: () => Effect.die("boom") }
      })
      const actor = yield* born(kept)
      const reader = yield* read(actor.messages() as Stream.Stream<any>)
      yield* Effect.exit(actor.crash() as Effect.Effect<void>)
      yield* TestClock.adjust("1 second")
      assert.match(String(yield* Effect.exit(Fiber.join(reader.fiber))), /its broadcast has ended before its instance/)
      assert.deepStrictEqual(reader.items, ["a", RESTARTED, "a"])
    })
  )
})

describe("7.8 a gap is never silent", () => {
  /** A reader that is stuck with its first item. */
  const slow = (room: Room["Service"], options?: Broadcast.ReaderOptions) =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const items: Array<unknown> = []
      const fiber = yield* fork(
        Stream.runForEach(room.messages(options!), (item) => {
          items.push(item)
          return items.length === 1 ? Deferred.await(gate) : Effect.void
        })
      )
      yield* settle
      yield* room.post("first")
      yield* settle
      return { items, fiber, go: Effect.andThen(Deferred.succeed(gate, undefined), settle) }
    })

  it.effect("7.8 a reader that is too slow loses the oldest items, and is told how many", () =>
    Effect.gen(function* () {
      const room = yield* Room.spawn()
      const reader = yield* slow(room, { maxPendingItems: 2 })
      const quick = yield* read(room.messages())
      yield* settle
      yield* room.postAll(["a", "b", "c", "d", "e"])
      yield* reader.go
      assert.deepStrictEqual(reader.items, ["first", resync({ reason: "Missed", missed: 3 }), "d", "e"])
      assert.deepStrictEqual(quick.items, ["a", "b", "c", "d", "e"])
    })
  )

  it.effect('7.8 with overflow: "suspend" the publisher waits for it, and for nobody who has left', () =>
    Effect.gen(function* () {
      const room = yield* Room.spawn()
      const reader = yield* slow(room, { maxPendingItems: 2, overflow: "suspend" })
      const publishing = yield* fork(room.postAll(["a", "b", "c", "d"]))
      yield* settle
      assert.isUndefined(publishing.pollUnsafe())
      yield* reader.go
      yield* Fiber.join(publishing)
      yield* settle
      assert.deepStrictEqual(reader.items, ["first", "a", "b", "c", "d"])

      const leaver = yield* slow(room, { maxPendingItems: 1, overflow: "suspend" })
      const second = yield* fork(room.postAll(["x", "y", "z"]))
      yield* settle
      assert.isUndefined(second.pollUnsafe())
      yield* Fiber.interrupt(leaver.fiber)
      yield* Fiber.join(second)
    })
  )

  it.effect('7.8 with overflow: "fail" its stream fails after the items that waited', () =>
    Effect.gen(function* () {
      const room = yield* Room.spawn()
      const reader = yield* slow(room, { maxPendingItems: 2, overflow: "fail" })
      yield* room.postAll(["a", "b", "c", "d"])
      yield* reader.go
      assert.deepStrictEqual(reader.items, ["first", "a", "b"])
      const error = yield* Effect.flip(Fiber.join(reader.fiber))
      assert.instanceOf(error, Broadcast.FellBehind)
      assert.match(error.message, /more than 2 items/)
      assert.strictEqual(yield* lastBoard().readers, 0)
    })
  )

  it.effect("7.8 one whose instance restarts reads on with the next life, and is told so", () =>
    Effect.gen(function* () {
      const room = yield* Room.options({ onDefect: "restart" }).spawn(1)
      yield* room.post("old")
      const { items } = yield* read(room.messages())
      yield* settle
      const first = lastBoard()
      yield* Effect.exit(room.crash())
      yield* TestClock.adjust("1 second")
      yield* settle
      yield* room.post("new")
      yield* settle
      assert.deepStrictEqual(items, ["old", RESTARTED, "new"])
      assert.strictEqual(yield* first.readers, 0)
      assert.strictEqual(yield* lastBoard().readers, 1)
    })
  )

  it.effect(
    "7.8 what is published once the reader is told of a restart is not lost, however long it takes to read on",
    () =>
      Effect.gen(function* () {
        const room = yield* Room.options({ onDefect: "restart" }).spawn()
        const items: Array<unknown> = []
        const reader = yield* fork(
          Stream.runForEach(Stream.take(room.messages(), 3), (item) => {
            items.push(item)
            return Broadcast.isResync(item)
              ? Effect.andThen(room.post("meanwhile"), Effect.sleep("1 minute"))
              : Effect.void
          })
        )
        yield* settle
        yield* room.post("old")
        yield* Effect.exit(room.crash())
        yield* TestClock.adjust("1 hour")
        yield* Fiber.join(reader)
        assert.deepStrictEqual(items, ["old", RESTARTED, "meanwhile"])
      })
  )

  it.effect("7.8 one that comes during a restart reads the next life, and has missed nothing", () =>
    Effect.gen(function* () {
      const room = yield* Room.options({ onDefect: "restart" }).spawn(1)
      yield* room.post("old")
      yield* Effect.exit(room.crash())
      const { items } = yield* read(room.messages())
      yield* settle
      assert.deepStrictEqual(items, [])
      yield* TestClock.adjust("1 second")
      yield* room.post("new")
      yield* settle
      assert.deepStrictEqual(items, ["new"])
    })
  )

  it.effect("7.8 when the instance ends, each stream fails with ActorDied, after what was published", () =>
    Effect.gen(function* () {
      for (const end of [Actor.stop, Actor.kill]) {
        const room = yield* Room.spawn()
        const { fiber, items } = yield* read(room.messages())
        yield* settle
        yield* room.post("last")
        yield* end(room)
        const reason = yield* reasonOf(Fiber.join(fiber))
        assert.strictEqual(reason._tag, "ActorDied")
        assert.deepStrictEqual(items, ["last"])
        assert.strictEqual((yield* reasonOf(Stream.runDrain(room.messages())))._tag, "ActorDied")
      }
    })
  )

  it.effect("7.8 calls that finish while the instance stops still publish; afterwards to publish does nothing", () =>
    Effect.gen(function* () {
      class Late extends Actor.Service<Late>()("test/Late", {
        make: (gate: Latch.Latch) =>
          Effect.gen(function* () {
            const messages = yield* Broadcast.make<string>()
            boards.push(messages)
            return { messages, post: () => Effect.andThen(gate.await, messages.publish("late")) }
          })
      }) {}
      const gate = Latch.makeUnsafe()
      const late = yield* Late.spawn(gate)
      const { fiber, items } = yield* read(late.messages())
      yield* settle
      const ref = yield* late.post.remote()
      const stopping = yield* fork(Actor.stop(late))
      yield* settle
      yield* gate.open
      yield* ref
      yield* Fiber.join(stopping)
      assert.strictEqual((yield* reasonOf(Fiber.join(fiber)))._tag, "ActorDied")
      assert.deepStrictEqual(items, ["late"])
      yield* lastBoard().publish("after")
      assert.deepStrictEqual(yield* Stream.runCollect(lastBoard()()), [])
    })
  )

  it.effect("7.8 when the restart schedule ends, so does the stream", () =>
    Effect.gen(function* () {
      const room = yield* Room.options({ restart: Schedule.recurs(1) }).spawn()
      const { fiber, items } = yield* read(room.messages())
      yield* settle
      yield* Effect.exit(room.crash())
      yield* settle
      yield* Effect.exit(room.crash())
      assert.strictEqual((yield* reasonOf(Fiber.join(fiber)))._tag, "ActorDied")
      assert.deepStrictEqual(items, [RESTARTED])
    })
  )
})

describe("7.9 a key that is read is not idle", () => {
  const keyed = <A, E>(body: Effect.Effect<A, E, Rooms | Scope.Scope>) => Effect.provide(body, Rooms.layer)

  it.effect("7.9 its instance stays for its readers, and ends once they have gone and it has been idle", () =>
    keyed(
      Effect.gen(function* () {
        const room = yield* Rooms.get("a")
        const { fiber, items } = yield* read(room.messages())
        yield* settle
        yield* room.post("first")
        yield* TestClock.adjust("10 minutes")
        yield* room.post("second")
        yield* settle
        assert.deepStrictEqual(items, ["first", "second"])
        yield* Fiber.interrupt(fiber)
        const { keys } = yield* Rooms
        yield* TestClock.adjust("59 seconds")
        assert.deepStrictEqual(yield* keys, ["a"])
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* keys, [])
      })
    )
  )

  it.effect("7.9 a reader that is interrupted as it begins leaves its key idle, at whatever operation that is", () =>
    Effect.gen(function* () {
      const rooms = yield* Rooms
      const room = rooms.get("a")
      for (const operations of range(60)) {
        yield* room.post("a")
        const reader = yield* Stream.runDrain(room.messages()).pipe(
          Effect.provideService(References.MaxOpsBeforeYield, operations + 3),
          Effect.forkChild
        )
        // The fiber is held up twice, after so many operations each time.
        yield* Effect.yieldNow
        yield* Effect.yieldNow
        yield* Fiber.interrupt(reader)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* rooms.keys, [], `after ${operations + 3} operations`)
      }
    }).pipe(Effect.provide(Rooms.layer))
  )

  it.effect("7.9 with keepAlive: false it ends all the same, and the stream with it", () =>
    keyed(
      Effect.gen(function* () {
        const room = yield* Rooms.get("a")
        const { fiber } = yield* read(room.messages({ keepAlive: false }))
        yield* settle
        yield* TestClock.adjust("1 minute")
        yield* Fiber.join(fiber)
        const { keys } = yield* Rooms
        assert.deepStrictEqual(yield* keys, [])
      })
    )
  )

  it.effect("7.9 a reader brings up the instance, and hears of its end when it is stopped", () =>
    keyed(
      Effect.gen(function* () {
        const room = yield* Rooms.get("a")
        const { fiber } = yield* read(room.messages())
        yield* settle
        const rooms = yield* Rooms
        assert.deepStrictEqual(yield* rooms.keys, ["a"])
        yield* rooms.stop("a")
        assert.strictEqual((yield* reasonOf(Fiber.join(fiber)))._tag, "ActorDied")
      })
    )
  )
})

describe("7.8 what readers are told names what they read", () => {
  it.effect("7.8 FellBehind and ActorDied name the instance and the subscription, and speak of readers", () =>
    Effect.gen(function* () {
      const rooms = yield* Rooms
      const room = rooms.get("a")
      const slow = yield* fork(
        Effect.flip(
          Stream.runForEach(room.messages({ maxPendingItems: 1, overflow: "fail" }), () =>
            Effect.never.pipe(Effect.timeout(1), Effect.ignore)
          )
        )
      )
      yield* settle
      yield* room.postAll(["a", "b", "c", "d"])
      yield* TestClock.adjust(10)
      const behind = yield* Fiber.join(slow)
      assert.include(String(behind), "test/Rooms(a).messages: the reader fell behind: more than 1 items")
      const reader = yield* read(room.messages())
      yield* settle
      yield* rooms.stop("a")
      const died = yield* Effect.flip(Fiber.join(reader.fiber))
      assert.match(
        died.message,
        /^test\/Rooms\(a\)\.messages: the actor died at \S+ because it was stopped\. Its readers have all that it published\./
      )
      assert.deepInclude(died.reason, { _tag: "ActorDied", isReader: true, mayHaveRun: false })
      assert.notMatch(died.stack!, /\n\s+at /)
    }).pipe(Effect.provide(Rooms.layer))
  )

  it.effect("7.8 a signal that has fired lets nobody read, and one that fires ends the reader", () =>
    Effect.gen(function* () {
      const room = yield* Room.spawn(1)
      yield* room.post("a")
      const controller = new AbortController()
      const plain = AsyncHandle.make(room, { signal: controller.signal })
      const items: Array<unknown> = []
      const follow = async () => {
        for await (const item of plain.messages()) items.push(item)
      }
      const reading = follow().catch((error) => error)
      yield* settle
      controller.abort()
      const error = yield* Effect.promise(() => reading)
      assert.strictEqual(error.message, "test/Room.messages: the reader was ended by its signal.")
      assert.deepInclude(error.reason, { _tag: "TaskCancelled", mayHaveRun: false })
      assert.strictEqual((yield* Effect.promise(() => follow().catch((error) => error))).reason._tag, "TaskCancelled")
      assert.deepStrictEqual(items, ["a"])
      assert.deepStrictEqual(getEventListeners(controller.signal, "abort"), [])
    })
  )

  it.effect("11.1 a snapshot tells how many read, whether they keep the instance or not", () =>
    Effect.gen(function* () {
      const room = yield* Room.spawn()
      const readersOf = Effect.map(ActorSystem.snapshot(), ({ instances }) => instances[0]!.readers)
      assert.isUndefined(yield* readersOf)
      const one = yield* read(room.messages())
      yield* read(room.messages({ keepAlive: false }))
      yield* settle
      assert.strictEqual(yield* readersOf, 2)
      yield* Fiber.interrupt(one.fiber)
      assert.strictEqual(yield* readersOf, 1)
    }).pipe(Effect.provide(ActorSystem.layer))
  )
})

describe("8.1 deadlocks through readers", () => {
  it.effect("8.1 a reader that publishers wait for and that waits for them is a deadlock", () =>
    Effect.gen(function* () {
      const room = yield* Room.spawn()
      const asking = yield* fork(
        Effect.flip(
          Stream.runForEach(room.messages({ overflow: "suspend", maxPendingItems: 1 }), () => room.post("again"))
        )
      )
      yield* settle
      yield* room.postAll(["a", "b", "c", "d"])
      const error = yield* Fiber.join(asking)
      assert.deepInclude((error as any).reason, {
        _tag: "Deadlock",
        cycle: [
          "test/Room.postAll",
          "a slow reader of test/Room.messages",
          "the reader of test/Room.messages",
          "test/Room.post (maxConcurrency 1)",
          "test/Room.postAll"
        ]
      })
    })
  )

  it.effect("8.1 it is found when other readers have read, and not while one of them may", () =>
    Effect.gen(function* () {
      const room = yield* Room.spawn()
      const gate = yield* Latch.make(false)
      const bounds = { overflow: "suspend", maxPendingItems: 1 } as const
      const asking = yield* fork(Effect.flip(Stream.runForEach(room.messages(bounds), () => room.post("again"))))
      const other = yield* read(Stream.tap(room.messages(bounds), () => gate.await))
      yield* settle
      const posting = yield* room.postAll.remote(["a", "b", "c", "d"])
      yield* settle
      assert.isUndefined(asking.pollUnsafe())
      assert.include(yield* ObjectRef.explain(posting), "waiting on a slow reader of test/Room.messages")
      yield* gate.open
      assert.deepInclude((yield* Fiber.join(asking)) as any, { _tag: "ActorError" })
      yield* posting
      yield* settle
      assert.deepStrictEqual(other.items, ["a", "b", "c", "d"])
    })
  )
})

describe("7.10 subscriptions in contracts and in plain code", () => {
  class Board extends Actor.Service<Board>()("test/Board", {
    methods: {
      post: Actor.method({ args: [Schema.String] }),
      messages: Actor.subscription({ item: Schema.String })
    }
  }) {}

  const make = Effect.gen(function* () {
    const messages = yield* Broadcast.make<string>({ replay: 1 })
    boards.push(messages)
    return Board.of({ messages, post: (text) => messages.publish(text) })
  })

  it.effect("7.10 what would have no effect is refused: other options of calls than a signal, further arguments", () =>
    Effect.gen(function* () {
      const room = (yield* Room.spawn(1)) as any
      yield* room.post("a") as Effect.Effect<void>
      const defect = (stream: Stream.Stream<unknown, unknown>) =>
        Effect.map(Effect.exit(Stream.runHead(stream)), String)
      const start = "TypeError: test/Room.messages is a subscription: "
      const optioned = room.messages.options({ timeout: 1 })
      assert.include(yield* defect(optioned()), `${start}of the options of calls it has "signal", and no "timeout"`)
      assert.include(yield* defect(room.messages({}, "Reconnected")), `${start}it takes one argument`)
    })
  )

  it.effect("7.10 a contract names the items, and its implementation gives what Broadcast.make gives", () =>
    Effect.gen(function* () {
      const board = yield* Board
      yield* board.post("a")
      assert.deepStrictEqual(yield* Stream.runCollect(Stream.take(board.messages(), 1)), ["a"])
    }).pipe(Effect.provide(Board.toLayer(make)))
  )

  it.effect("7.10 anything else is refused when the instance is made", () =>
    Effect.gen(function* () {
      const failure = (make: any, options?: any): Effect.Effect<string, never, Scope.Scope> =>
        Effect.map(Effect.exit(Board.toFactory(make, options).spawn()), String) as any
      assert.match(
        yield* failure(Effect.succeed({ post: () => Effect.void, messages: () => Stream.make("a") })),
        /"messages" must be what Broadcast\.make gives if, and only if, its contract says so/
      )
      assert.match(
        yield* failure(Effect.map(Broadcast.make(), (messages) => ({ post: messages, messages }))),
        /"post" must be what Broadcast\.make gives if, and only if/
      )
      assert.match(
        yield* failure(Effect.succeed({ post: () => Effect.void, messages: Broadcast.make() })),
        /"messages" is an Effect that has not run \(is a yield\* missing\?\)/
      )
      assert.match(
        yield* failure(make, { methodOptions: { messages: { timeout: 1 } } }),
        /its options name "messages", a subscription: it has no calls that they would apply to/
      )
    })
  )

  it.effect("7.10 with validate: true an item that does not fit the contract fails the stream", () =>
    Effect.gen(function* () {
      const board = yield* Board
      yield* lastBoard().publish(1 as any)
      const reason = yield* reasonOf(Stream.runHead(board.messages()))
      assert.strictEqual(reason._tag, "DecodeError")
    }).pipe(Effect.provide(Board.toLayer(make, { validate: true })))
  )

  it.effect("7.10 for await reads it, and leaving the loop ends the reader", () =>
    Effect.gen(function* () {
      const room = yield* Room.spawn(1)
      const plain = AsyncHandle.make(room)
      yield* room.post("a")
      const items = yield* Effect.promise(async () => {
        const items: Array<string> = []
        for await (const item of plain.messages()) {
          if (Broadcast.isResync(item)) continue
          items.push(item)
          if (items.length === 3) break
          await plain.post(`${item}${item}`)
        }
        return items
      })
      assert.deepStrictEqual(items, ["a", "aa", "aaaa"])
      assert.strictEqual(yield* lastBoard().readers, 0)
    })
  )

  it.effect("7.10 an AbortSignal ends it, and leaves nothing behind", () =>
    Effect.gen(function* () {
      const room = yield* Room.spawn()
      const abort = new AbortController()
      const plain = AsyncHandle.make(room, { signal: abort.signal })
      const loop = Promise.allSettled([
        (async () => {
          for await (const _ of plain.messages());
        })()
      ])
      yield* settle
      assert.strictEqual(yield* lastBoard().readers, 1)
      abort.abort()
      const [result] = yield* Effect.promise(() => loop)
      assert.strictEqual(result.status === "rejected" && result.reason.reason._tag, "TaskCancelled")
      assert.strictEqual(yield* lastBoard().readers, 0)
    })
  )

  it.effect("7.10 what is wrong with options is said; run as an Effect, it says what to write", () =>
    Effect.gen(function* () {
      const room: any = yield* Room.spawn()
      const failure = (options: unknown) =>
        Effect.map(Effect.exit(Stream.runHead(room.messages(options) as Stream.Stream<unknown>)), String)
      assert.match(
        yield* failure({ maxPendingItems: 0 }),
        /test\/Room\.messages: maxPendingItems must be an integer of at least 1, but is 0/
      )
      assert.match(yield* failure({ overflow: "drop" }), /overflow must be "dropOldest" or "suspend" or "fail"/)
      assert.match(yield* failure({ buffer: 1 }), /there is no option "buffer"/)
      assert.match(yield* failure({ keepAlive: "no" }), /keepAlive must be a boolean, but is "no"/)
      assert.match(
        String(yield* Effect.exit(Broadcast.make({ replay: -1 }))),
        /replay must be an integer of at least 0/
      )
      assert.match(
        String(yield* Effect.exit(room.messages() as Effect.Effect<unknown>)),
        /gives a Stream, and was run as an Effect/
      )
      assert.throws(() => Actor.subscription({ item: String } as any), /must be a Schema, like Schema\.String or/)
      assert.throws(() => Actor.subscription({} as any), /must be a Schema, like Schema\.String or/)
    })
  )
})

/**
 * What holds in the place of the guarantees that actors elsewhere do not give: each is named after its row in
 * docs/remote.md, "What differs from one process".
 */
import { assert, describe, it } from "@effect/vitest"
import { Actor, Broadcast, ObjectRef } from "@troupe/core"
import { RemoteHome } from "@troupe/remote"
import { Duration, Effect, Fiber, Layer, Option, Stream } from "effect"
import { Desk, Point, Tenant } from "../../core/test/conformance/actors.ts"
import { type DeskName, fixtures } from "../../core/test/conformance/live.ts"
import { defectOf, range, reasonOf, settle } from "../../core/test/support.ts"
import { over } from "./conformanceServers.ts"
import { EXPOSED, Room, roomLive, Desk as Tests } from "./rooms.ts"
import { client, listening } from "./support.ts"

type Protocol = "websocket" | "http"
type Body<A> = (handle: A, id: string) => Effect.Effect<unknown, unknown>

let lastId = 0
const fresh = () => `differs-${++lastId}.`

const withDesk = (protocol: Protocol, fixture: DeskName, body: Body<Desk["Service"]>) => {
  const calls = Effect.flatMap(Desk, (desk) => body(desk, fresh()))
  return Effect.provide(calls, over(protocol).desk(fixture))
}

/** Waits until something has been noted. */
const noted = (desk: Desk["Service"], note: string) =>
  Effect.repeat(desk.log(note), { until: (log) => log.includes(note) })

describe("calls", () => {
  it.live("1.2, 5.1, 5.3, 5.8 over HTTP a cancelled call ends soon, and what it has called", () =>
    withDesk("http", "plain", (desk, id) =>
      Effect.gen(function* () {
        const ref = yield* desk.nested.remote(id)
        yield* desk.started(id)
        assert.strictEqual(yield* ObjectRef.cancel(ref), "Interrupted")
        yield* noted(desk, `${id} cut`)
        const abort = new AbortController()
        const signalled = yield* desk.work.options({ signal: abort.signal }).remote(`${id}b`)
        yield* desk.started(`${id}b`)
        abort.abort()
        assert.strictEqual((yield* reasonOf(signalled))._tag, "TaskCancelled")
        yield* noted(desk, `${id}b cut`)
      })
    )
  )

  it.live("1.4 over HTTP calls start in any order, and all run once", () =>
    withDesk("http", "one", (desk, id) =>
      Effect.gen(function* () {
        const notes = range(20).map((n) => `${id} ${n}`)
        yield* ObjectRef.all(yield* Effect.forEach(notes, (note) => desk.note.remote(note)))
        assert.sameMembers([...(yield* desk.log(id))], notes)
      })
    )
  )

  it.live("2.4, 2.5, 2.7 limits are those of the implementation, at the server", () =>
    withDesk("websocket", "bounded", (desk, id) =>
      Effect.gen(function* () {
        yield* desk.work.remote(`${id}a`)
        yield* desk.work.remote(`${id}b`)
        assert.strictEqual((yield* reasonOf(desk.count()))._tag, "PendingCallsLimitExceeded")
      })
    )
  )

  it.live("2.4 resize bounds what this client has under way, and nothing at the server", () =>
    withDesk("websocket", "one", (desk, id) =>
      Effect.gen(function* () {
        yield* desk.work.remote(`${id}a`)
        yield* desk.work.remote(`${id}b`)
        yield* Actor.resize(desk, 3)
        yield* desk.started(`${id}a`)
        assert.deepStrictEqual(yield* desk.log(id), [`${id}a start`])
        yield* Actor.resize(desk, 2)
        const third = yield* Effect.forkChild(desk.open(`${id}a`), { startImmediately: true })
        yield* settle
        assert.isUndefined(third.pollUnsafe())
        yield* Actor.resize(desk, Infinity)
        yield* Fiber.join(third)
      })
    )
  )

  it.live("3.7 values are written: what arrives is equal, and another one", () =>
    withDesk("websocket", "plain", (desk) =>
      Effect.gen(function* () {
        const sent = { point: new Point({ x: 1, y: 2 }), maybe: Option.none(), wait: Duration.zero, when: new Date(3) }
        const got = yield* desk.values(sent)
        assert.deepStrictEqual(got, sent)
        assert.notStrictEqual(got.when, sent.when)
      })
    )
  )

  it.live("5.1, 5.2 over HTTP a cancelled call counts as interrupted, whatever becomes of it", () =>
    withDesk("http", "one", (desk, id) =>
      Effect.gen(function* () {
        const running = yield* desk.stubborn.remote(id)
        const waiting = yield* desk.work.remote(`${id} second`)
        yield* desk.started(id)
        assert.strictEqual(yield* ObjectRef.cancel(waiting), "Interrupted")
        const reason = yield* reasonOf(waiting)
        assert.strictEqual(reason._tag, "TaskCancelled")
        assert.isTrue(reason.mayHaveRun)
        assert.strictEqual(yield* ObjectRef.cancel(running), "Interrupted")
        yield* desk.open(id)
        assert.strictEqual((yield* reasonOf(running))._tag, "TaskCancelled")
        yield* noted(desk, `${id} end`)
      })
    )
  )
})

describe("instances", () => {
  /** Two clients of one server, one after the other. */
  const served = (tests: Tests) =>
    listening(Layer.provide(RemoteHome.serve(Room, { expose: EXPOSED }), roomLive(tests)))

  it.live(
    "6.3, 6.9 stop, kill and watch concern what stands in this client: it ends its calls, and the instance goes on",
    () => {
      const tests = new Tests()
      return Effect.gen(function* () {
        yield* Effect.gen(function* () {
          const room = yield* Room.get("tea")
          yield* room.say("1")
          const held = yield* room.hold.remote()
          yield* tests.has("begun")
          const watcher = yield* Effect.forkChild(Actor.watch(room), { startImmediately: true })
          yield* Actor.kill(room)
          assert.strictEqual((yield* reasonOf(held))._tag, "ActorDied")
          assert.strictEqual((yield* Fiber.join(watcher)).why, "it was killed")
          yield* tests.has("cut")
          assert.deepStrictEqual(yield* room.history(), ["1"], "another one stands for it")
        }).pipe(Effect.provide(client(Room)))
        yield* Effect.gen(function* () {
          const rooms = yield* Room
          assert.deepStrictEqual(yield* rooms.keys, [], "7.2 keys are those that this client has called")
          const room = rooms.get("tea")
          yield* room.say("2")
          yield* Actor.stop(room)
          assert.deepStrictEqual(yield* room.history(), ["1", "2"])
          assert.deepStrictEqual(yield* rooms.keys, ["tea"])
        }).pipe(Effect.provide(client(Room)))
        assert.deepStrictEqual(
          tests.notes.filter((note) => note === "tea made"),
          ["tea made"]
        )
      }).pipe(Effect.provide(served(tests)))
    }
  )

  it.live.each(["websocket", "http"] as const)(
    "6.5, 6.6, 6.7 where an instance ends calls fail with ActorDied, and what stands for it goes on, over %s",
    (protocol) =>
      Effect.gen(function* () {
        yield* withDesk(protocol, "plain", (desk) =>
          Effect.gen(function* () {
            const watcher = yield* Effect.forkChild(Actor.watch(desk), { startImmediately: true })
            assert.strictEqual((yield* reasonOf(desk.exit()))._tag, "ActorDied")
            assert.strictEqual((yield* reasonOf(desk.count()))._tag, "ActorDied")
            assert.isUndefined(watcher.pollUnsafe())
          })
        )
        yield* withDesk(protocol, "stopping", (desk) =>
          Effect.gen(function* () {
            yield* Effect.exit(desk.die("boom"))
            const reason: any = yield* reasonOf(desk.count())
            assert.strictEqual(reason._tag, "ActorDied")
            assert.match(String(reason.cause), /boom/)
          })
        )
      })
  )

  it.live("6.5, 7.9 the end of an instance ends its readers with ActorDied", () =>
    withDesk("websocket", "plain", (desk) =>
      Effect.gen(function* () {
        const reader = yield* Effect.forkChild(Stream.runDrain(desk.posts()))
        yield* Effect.repeat(desk.readers(), { until: (there) => there === 1 })
        assert.strictEqual((yield* reasonOf(desk.exit()))._tag, "ActorDied")
        assert.strictEqual((yield* reasonOf(Fiber.join(reader)))._tag, "ActorDied")
      })
    )
  )

  it.live(
    "6.8 failures are retried as the implementation says, whatever a call asks for, and then as the call does",
    () =>
      withDesk("websocket", "retrying", (desk, id) =>
        Effect.gen(function* () {
          assert.strictEqual(yield* desk.moody.options({ retry: false })(id, 2), 3)
          const patient = desk.moody.options({ retry: true, maxTaskRetries: 1 })
          assert.strictEqual(yield* patient(`${id}b`, 5), 6)
        })
      )
  )
})

describe("streams and subscriptions", () => {
  it.live("7.5 over HTTP a stream runs ahead, and ends soon after its consumer", () =>
    withDesk("http", "plain", (desk, id) =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* Stream.runCollect(Stream.take(desk.endless(id), 3)), [1, 2, 3])
        yield* noted(desk, `${id} over`)
        assert.isAtLeast((yield* desk.log(id)).length, 4)
      })
    )
  )

  it.live("7.8 over HTTP a reader that is slow has what buffers hold, without a gap that it is not told", () =>
    withDesk("http", "plain", (desk) =>
      Effect.gen(function* () {
        const got: Array<number> = []
        let gaps = 0
        const slow = yield* Effect.forkChild(
          Stream.runForEachWhile(desk.posts({ maxPendingItems: 2 }), (read) => {
            if (Broadcast.isResync(read)) gaps++
            else got.push(Number(read.text))
            return Effect.as(desk.count(), got.at(-1) !== 49)
          })
        )
        yield* Effect.repeat(desk.readers(), { until: (there) => there === 1 })
        yield* Effect.forEach(range(50), (n) => desk.post(String(n)))
        yield* Fiber.join(slow)
        const jumps = got.filter((n, i) => n !== (got[i - 1] ?? -1) + 1)
        assert.isAtMost(jumps.length, gaps)
      })
    )
  )
})

describe("what crosses", () => {
  it.live("8.1 a deadlock within the process of the server is found, and its caller is told", () => {
    class Selfish extends Actor.Service<Selfish>()("test/Selfish", { methods: { again: Actor.method() } }) {}
    const SelfishLive = Selfish.toLayer(
      Effect.succeed({ again: () => Effect.flatMap(Actor.self(Selfish), (self) => Effect.orDie(self.again())) }),
      { maxConcurrency: 1 }
    )
    const live = listening(
      Layer.provide(RemoteHome.serve(Selfish, { expose: ["again"], defects: "shown" }), SelfishLive)
    )
    return Effect.gen(function* () {
      const cause = yield* Effect.flip(Effect.sandbox((yield* Selfish).again()))
      assert.match(String(cause), /deadlock, these calls wait for each other/)
    }).pipe(Effect.provide(Layer.provide(client(Selfish), live)))
  })

  it.live(
    "9.2, 9.3 a defect that is told is an Error with its name, message and stack, and of its class if the language has it",
    () => {
      class Odd extends Error {
        override readonly name = "Odd"
      }
      class Fragile extends Actor.Service<Fragile>()("test/Fragile", { methods: { die: Actor.method() } }) {}
      const FragileLive = Fragile.toLayer(
        Effect.succeed({ die: () => Effect.die(new Odd("boom", { cause: new RangeError("why") })) })
      )
      const live = listening(
        Layer.provide(RemoteHome.serve(Fragile, { expose: ["die"], defects: "shown" }), FragileLive)
      )
      return Effect.gen(function* () {
        const defect = (yield* defectOf((yield* Fragile).die())) as Error
        assert.strictEqual(Object.getPrototypeOf(defect), Error.prototype)
        assert.deepStrictEqual([defect.name, defect.message], ["Odd", "boom"])
        assert.match(String(defect.stack), /Odd: boom/)
        assert.instanceOf(defect.cause, RangeError)
      }).pipe(Effect.provide(Layer.provide(client(Fragile), live)))
    }
  )

  it.live("13.1, 13.2 carried references and log annotations are passed over that the server does not accept", () => {
    const live = listening(
      Layer.provide(RemoteHome.serve(Desk, { expose: ["surroundings"] }), fixtures.plain.layer) as Layer.Layer<
        never,
        any,
        any
      >
    )
    return Effect.gen(function* () {
      const ask = Effect.flatMap(Desk, (desk) => desk.surroundings()).pipe(
        Effect.provideService(Tenant, { name: "acme", since: new Date(7) }),
        Effect.annotateLogs({ request: "r1" })
      )
      for (const { annotations, tenant } of yield* ask) {
        assert.strictEqual(tenant.name, "nobody")
        assert.notProperty(annotations, "request")
      }
    }).pipe(Effect.provide(Layer.provide(client(Desk), live)))
  })
})

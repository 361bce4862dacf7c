import { once } from "node:events"
import { connect, type Socket } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { type Inspector, Timeline } from "@troupe/inspector"
import { Effect, References, type Scope } from "effect"
import { settings } from "../src/internal/server/options.ts"
import { serve } from "../src/internal/server/serve.ts"
import { ask, Updates } from "./http.ts"
import { inspect, ownSystem, promise, Room, Worker } from "./inspectorSupport.ts"

/** An inspector that loses its patience with silent clients in no time. */
const impatient = (patience: number, options: Inspector.Options = {}) =>
  Effect.provideService(serve({ ...settings({ port: 0, ...options }), patience }), References.MinimumLogLevel, "Error")

/** A connection that says this and then nothing, and what it has heard when it is closed. */
class Raw {
  readonly socket: Socket
  private heard = ""
  private readonly closed: Promise<string>

  constructor(port: number, text: string) {
    this.socket = connect(port, "127.0.0.1")
    this.socket.on("data", (chunk) => {
      this.heard += chunk.toString("latin1")
    })
    this.closed = new Promise((resolve) => this.socket.on("close", () => resolve(this.heard)))
    this.socket.on("error", () => {}).write(text)
  }

  static open = (port: number, text: string): Effect.Effect<Raw, never, Scope.Scope> =>
    Effect.acquireRelease(
      Effect.sync(() => new Raw(port, text)),
      ({ socket }) => Effect.sync(() => socket.destroy())
    )

  /** What it has heard when the server has closed it. */
  get end(): Effect.Effect<string> {
    return promise(() => this.closed)
  }
}

const get = (path: string, more = "") => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`
const CLOSE = "Connection: close\r\n"

const range = (length: number) => Array.from({ length }, (_, i) => i)

/** Asks until the answer is this one: places become free when the server has noticed that a client is gone. */
const untilStatus = (port: number, path: string, status: number) =>
  Effect.gen(function* () {
    for (;;) {
      const reply = yield* promise(() => ask(port, path))
      if (reply.status === status) return reply
    }
  })

describe("recordings", () => {
  it.live("beyond maxRecordings are refused with 429 and a sentence, and there is room when one has been read", () =>
    Effect.gen(function* () {
      const { port } = yield* inspect({ maxRecordings: 1 })
      const first = ask(port, "/api/timeline?seconds=1")
      const refused = yield* untilStatus(port, "/api/timeline?seconds=1", 429)
      assert.include(refused.body.error, "a recording is in progress already")
      assert.include(refused.body.error, "maxRecordings")
      assert.strictEqual((yield* promise(() => first)).status, 200)
      assert.strictEqual((yield* promise(() => ask(port, "/api/timeline?seconds=1"))).status, 200)
    }).pipe(ownSystem)
  )

  it.live("end when the client that asked for them is gone", () =>
    Effect.gen(function* () {
      const { port } = yield* inspect({ maxRecordings: 1 })
      const { socket } = yield* Raw.open(port, get("/api/timeline?seconds=60"))
      yield* untilStatus(port, "/api/timeline?seconds=60", 429)
      socket.destroy()
      // What can not be understood takes no place, so nothing is recorded to find out.
      const again = yield* Raw.open(port, "")
      again.socket.write(get("/api/timeline?seconds=1"))
      yield* untilStatus(port, "/api/timeline?seconds=1", 200)
    }).pipe(ownSystem)
  )

  it.effect("keep the last events that fit into maxBytes, and say how many they dropped", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const recording = yield* Timeline.record({ maxBytes: 6000 })
      const small = yield* Timeline.record({ maxBytes: 1000 })
      for (let i = 0; i < 20; i++) yield* Effect.exit(worker.fail(`${i} ${"x".repeat(2000)}`))
      const { dropped, events } = yield* recording.recorded
      const settled = events.flatMap((event) => (event._tag === "Settled" ? [event.error!.slice(0, 9)] : []))
      assert.deepStrictEqual(settled.at(-1), "Error: 19")
      assert.isAtMost(settled.length, 5)
      assert.strictEqual(dropped + events.length, 60)
      // An event that would need all of it and more is dropped as well, and not kept for its own sake.
      assert.deepStrictEqual((yield* small.recorded).events, [])
    }).pipe(ownSystem)
  )
})

describe("pages", () => {
  it.live("beyond maxPages are refused with 429 and a sentence, and there is room when one is closed", () =>
    Effect.gen(function* () {
      const { port } = yield* inspect({ maxPages: 2 })
      const [first, second] = [yield* promise(() => Updates.open(port)), yield* promise(() => Updates.open(port))]
      const refused = yield* promise(() => ask(port, "/api/feed"))
      assert.strictEqual(refused.status, 429)
      assert.include(refused.body.error, "2 pages are open already")
      assert.include(refused.body.error, "maxPages")
      assert.isDefined(yield* promise(() => second.next()))
      first.close()
      for (;;) {
        const third = yield* promise(() => Updates.open(port))
        const frame = yield* promise(() => third.next().catch(() => undefined))
        third.close()
        if (frame?.version !== undefined) break
      }
      second.close()
    }).pipe(ownSystem)
  )

  it.live("that do not read are cut off, and others take their places", () =>
    Effect.gen(function* () {
      // One update of all of them is more than the sockets of both sides hold.
      const greet = (key: string) => Effect.flatMap(Room.get(key), (room) => room.greet())
      yield* Effect.forEach(range(20_000), (i) => greet(`${i}-${"x".repeat(180)}`))
      const { port } = yield* impatient(1000, { maxPages: 1, maxInstances: 100_000 })
      const deaf = yield* Raw.open(port, get("/api/feed"))
      yield* promise(() => once(deaf.socket, "data"))
      deaf.socket.pause()
      for (;;) {
        const page = yield* promise(() => Updates.open(port))
        const frame = yield* promise(() => page.next().catch(() => undefined))
        page.close()
        if (frame !== undefined) break
        yield* Effect.sleep(50)
      }
    }).pipe(Effect.provide(Room.layer), ownSystem)
  )

  it.live("to which there is nothing to tell are not cut off", () =>
    Effect.gen(function* () {
      const { port } = yield* impatient(100, { interval: 1000 })
      const page = yield* promise(() => Updates.open(port))
      const [first, second] = [yield* promise(() => page.next()), yield* promise(() => page.next())]
      assert.isAbove(second!.version, first!.version)
      page.close()
    }).pipe(ownSystem)
  )
})

describe("clients", () => {
  it.live("that say nothing, or stop in the middle of a request, are cut off", () =>
    Effect.gen(function* () {
      const { port } = yield* impatient(100)
      const halves = ["", "GET", "GET /api/info HTTP/1.1\r\n", "GET /api/info HTTP/1.1\r\nHost: localh", "\r\n"]
      const ends = yield* Effect.forEach(halves, (half) => Raw.open(port, half))
      yield* Effect.forEach(ends, ({ end }) => end)
    }).pipe(ownSystem)
  )

  it.live("whose body has no end get their answer, and are cut off", () =>
    Effect.gen(function* () {
      const { port } = yield* impatient(100)
      const head = "GET /api/info HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n"
      const client = yield* Raw.open(port, head + "x".repeat(1_000_000))
      assert.match(yield* client.end, /^HTTP\/1.1 200 /)
    }).pipe(ownSystem)
  )

  it.live("are answered in the order in which they asked on one connection", () =>
    Effect.gen(function* () {
      const { port } = yield* impatient(100)
      const client = yield* Raw.open(port, get("/api/info") + get("/api/waits") + get("/nothing", CLOSE))
      const statuses = [...(yield* client.end).matchAll(/HTTP\/1.1 (\d+)/g)].map(([, status]) => status)
      assert.deepStrictEqual(statuses, ["200", "200", "404"])
    }).pipe(ownSystem)
  )

  it.live("that ask on and on without reading are cut off, and their places become free", () =>
    Effect.gen(function* () {
      const { port } = yield* inspect({ maxPages: 3 })
      yield* Effect.forEach(
        Array.from({ length: 10 }, () => get("/api/feed").repeat(500)),
        (text) => Effect.flatMap(Raw.open(port, text), ({ end }) => end),
        { concurrency: 5 }
      )
      for (let i = 0; i < 3; i++) {
        const page = yield* promise(() => Updates.open(port))
        assert.isArray((yield* promise(() => page.next()))?.rows)
        yield* Effect.addFinalizer(() => Effect.sync(() => page.close()))
      }
    }).pipe(ownSystem)
  )

  it.live("that wish for another protocol get the answer to the request that it also is", () =>
    Effect.gen(function* () {
      const { port } = yield* impatient(100)
      for (const protocol of ["websocket", "h2c", "nonsense"]) {
        const upgrade = `Connection: Upgrade, close\r\nUpgrade: ${protocol}\r\nSec-WebSocket-Key: x\r\n`
        const client = yield* Raw.open(port, get("/api/info", upgrade))
        assert.match(yield* client.end, /^HTTP\/1.1 200 /)
      }
    }).pipe(ownSystem)
  )
})

describe("answers", () => {
  it.live("tell of no more instances than maxInstances, whatever the request says", () =>
    Effect.gen(function* () {
      for (let i = 0; i < 20; i++) yield* Effect.flatMap(Room.get(`room ${i}`), (room) => room.greet())
      const { port } = yield* inspect({ maxInstances: 10 })
      const { body } = yield* promise(() => ask(port, "/api/snapshot?limit=1000000"))
      assert.strictEqual(body.instances.length, 10)
    }).pipe(Effect.provide(Room.layer), ownSystem)
  )
})

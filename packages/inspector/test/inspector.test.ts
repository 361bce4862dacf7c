import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorSystem } from "@troupe/core"
import { Inspector } from "@troupe/inspector"
import { Effect, Exit, Fiber, Latch, Redacted, Schema, Scope } from "effect"
import type { Frame } from "../src/internal/live/frame.ts"
import type { InstanceView } from "../src/internal/server/views.ts"
import { ask, Updates } from "./http.ts"
import { inspect, ownSystem, promise, Room, Single, Tiny, Worker } from "./inspectorSupport.ts"

const get = (port: number, path: string) =>
  Effect.map(
    promise(() => ask(port, path)),
    ({ body }) => body
  )
const fork = Effect.forkChild({ startImmediately: true })

const open = (port: number) =>
  Effect.acquireRelease(
    promise(() => Updates.open(port)),
    (updates) => Effect.sync(() => updates.close())
  )

/** Waits for an update like this. What does not come fails by the time limit of the test. */
const until = (updates: Updates, condition: (frame: Frame) => boolean) => promise(() => updates.until(condition))

describe("the inspectors of other nodes", () => {
  it.live("are asked with their tokens, and those that refuse or do not answer say why", () =>
    Effect.gen(function* () {
      const other = yield* ownSystem(inspect({ control: true, title: "other" }))
      const refusing = `http://127.0.0.1:${other.port}/#token=another-token`
      const none = Effect.map(inspect(), ({ port }) => `http://127.0.0.1:${port}/`)
      const gone = yield* ownSystem(Effect.scoped(none))
      let asked = 0
      const peers = Effect.sync(() => {
        asked++
        return [other.url, refusing, gone]
      })
      const { port } = yield* inspect({ peers, title: "mine" })
      // They are asked when somebody looks.
      assert.strictEqual(asked, 0)
      const [mine, theirs, refused, away] = yield* get(port, "/api/nodes")
      assert.deepInclude(mine.summary, { title: "mine", instances: 0, partial: false })
      assert.deepInclude(theirs.summary, { title: "other", actors: [] })
      assert.strictEqual(theirs.address, `http://127.0.0.1:${other.port}/`)
      assert.include(refused.why, "401")
      assert.include(away.why, "ECONNREFUSED")
      // Many pages ask for it at about the same time.
      yield* get(port, "/api/nodes")
      assert.strictEqual(asked, 1)
      assert.isTrue((yield* get(port, "/api/info")).peers)
    }).pipe(ownSystem)
  )

  it("have addresses", () => {
    const message = "Inspector.layer: peers must be addresses like http://10.0.0.2:4680/, but one is node-2"
    assert.throws(() => Inspector.layer({ peers: ["node-2"] }), message)
  })
})

describe("questions", () => {
  it.live("the snapshot is the one of core, with its filters", () =>
    Effect.gen(function* () {
      const gate = Latch.makeUnsafe()
      const worker = yield* Worker.options({ name: "first" }).spawn()
      yield* Worker.spawn()
      yield* worker.wait.remote(gate)
      const { port } = yield* inspect()
      const decode = Schema.decodeUnknownEffect(ActorSystem.Snapshot)
      const all = yield* Effect.flatMap(get(port, "/api/snapshot"), decode)
      assert.strictEqual(all.totals.instances, 2)
      assert.strictEqual(all.calls[0]?.method, "test/Worker.wait")
      const named = yield* Effect.flatMap(get(port, "/api/snapshot?name=first&state=running,dead&limit=5"), decode)
      assert.deepStrictEqual(
        named.instances.map(({ name }) => name),
        ["first"]
      )
      assert.strictEqual((yield* get(port, "/api/snapshot?actor=nobody")).totals.instances, 0)
      gate.openUnsafe()
    }).pipe(ownSystem)
  )

  it.live("what cannot be understood is refused with a sentence, not with a stack", () =>
    Effect.gen(function* () {
      const { port } = yield* inspect()
      const refused = (path: string) => promise(() => ask(port, path))
      const cases: ReadonlyArray<readonly [string, number, string]> = [
        ["/api/snapshot?state=asleep", 400, "starting, running, restarting, stopping, dead"],
        ["/api/snapshot?limit=-1", 400, "limit must be a whole number"],
        ["/api/snapshot?instance=x", 400, "instance must be a whole number"],
        ["/api/instance/x", 400, "instance must be a whole number"],
        ["/api/instance/999999999", 404, "999999999"],
        ["/api/timeline?seconds=0", 400, "at least 1"],
        ["/api/timeline?seconds=3600", 400, "at most 60"],
        ["/api/nothing", 404, "nothing here"],
        ["/nothing", 404, "nothing here"]
      ]
      for (const [path, status, words] of cases) {
        const reply = yield* refused(path)
        assert.strictEqual(reply.status, status, path)
        assert.include(reply.body.error, words, path)
      }
    }).pipe(ownSystem)
  )

  it.live("an instance is told with its calls: those that run, those in line and their places", () =>
    Effect.gen(function* () {
      const gate = Latch.makeUnsafe()
      const worker = yield* Worker.spawn()
      for (let i = 0; i < 4; i++) yield* worker.wait.remote(gate)
      yield* worker.slow.remote(gate)
      const { port } = yield* inspect()
      const [{ instance }] = (yield* ActorSystem.snapshot()).instances as [ActorSystem.Instance]
      // Those that have been submitted start with the next turn.
      const view: InstanceView = yield* get(port, `/api/instance/${instance}`)
      assert.deepStrictEqual(view.instance.permits, { running: 2, waiting: 2, limit: 2 })
      assert.deepStrictEqual(view.instance.groups.slow, { running: 1, waiting: 0, limit: 1 })
      assert.strictEqual(view.total, 5)
      const places = view.calls.flatMap(({ position }) => (position === undefined ? [] : [position]))
      assert.deepStrictEqual(places, [1, 2])
      for (let i = 0; i < 4; i++) yield* worker.wait.remote(gate)
      // Of each line the first three.
      const { calls, total } = yield* get(port, "/api/calls")
      assert.deepStrictEqual([calls.length, total], [6, 9])
      gate.openUnsafe()
    }).pipe(ownSystem)
  )

  it.live("a call is explained by its number, for as long as it is unsettled", () =>
    Effect.gen(function* () {
      const gate = Latch.makeUnsafe()
      const single = yield* Single.spawn()
      const first = yield* single.run.remote(gate.await)
      const second = yield* single.echo.remote("later")
      const { port } = yield* inspect()
      const { calls } = yield* ActorSystem.snapshot()
      const ids = calls.map(({ id }) => id)
      const { call, text } = yield* get(port, `/api/explain/${ids[1]}`)
      assert.strictEqual(call, ids[1])
      assert.match(text, /test\/Single\.echo #\d+: waiting .* first in line behind `test\/Single\.run` #\d+/)
      gate.openUnsafe()
      yield* first
      yield* second
      const { body, status } = yield* promise(() => ask(port, `/api/explain/${ids[1]}`))
      assert.strictEqual(status, 404)
      assert.include(body.error, `${ids[1]}`)
    }).pipe(ownSystem)
  )

  it.live("a recording is a Chrome trace of the calls of that time", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const { port } = yield* inspect()
      const recording = yield* fork(promise(() => ask(port, "/api/timeline?seconds=1")))
      // Until the recording has begun, calls are not in it.
      const calls = yield* fork(Effect.forever(Effect.andThen(worker.echo("hello"), Effect.sleep("20 millis"))))
      const { body, headers } = yield* Fiber.join(recording)
      yield* Fiber.interrupt(calls)
      assert.include(headers["content-disposition"], "troupe-trace.json")
      assert.isTrue(
        body.traceEvents.some((event: { name: string; ph: string }) => event.name === "echo" && event.ph === "X")
      )
    }).pipe(ownSystem)
  )
})

describe("updates", () => {
  it.live("begin with everything, and tell only what has changed then", () =>
    Effect.gen(function* () {
      const gate = Latch.makeUnsafe()
      const quiet = yield* Worker.options({ name: "quiet" }).spawn()
      const busy = yield* Worker.options({ name: "busy" }).spawn()
      yield* quiet.echo("once")
      const { port } = yield* inspect()
      const updates = yield* open(port)
      const first = yield* until(updates, () => true)
      assert.isTrue(first.reset)
      assert.deepStrictEqual(
        first.rows.map(({ good, name, state }) => [name, state, good]),
        [
          ["quiet", "running", 1],
          ["busy", "running", 0]
        ]
      )
      for (let i = 0; i < 3; i++) yield* busy.wait.remote(gate)
      const next = yield* until(updates, ({ rows }) => rows.some(({ waiting }) => waiting === 1))
      assert.isFalse(next.reset)
      assert.deepStrictEqual(
        next.rows.map(({ limit, name, running, waiting }) => [name, running, waiting, limit]),
        [["busy", 2, 1, 2]]
      )
      gate.openUnsafe()
      yield* Actor.kill(quiet)
      const last = yield* until(updates, ({ rows }) => rows.some(({ name }) => name === "quiet"))
      assert.deepInclude(
        last.rows.find(({ name }) => name === "quiet"),
        { state: "dead", death: "it was killed" }
      )
    }).pipe(ownSystem)
  )

  it.live("tell of methods: how many calls, how they ended, how long they waited and ran", () =>
    Effect.gen(function* () {
      const single = yield* Single.spawn()
      const { port } = yield* inspect()
      const updates = yield* open(port)
      yield* until(updates, () => true)
      const gate = Latch.makeUnsafe()
      const held = yield* single.run.remote(gate.await)
      const waiting = yield* single.echo.remote("later")
      yield* Effect.sleep("30 millis")
      gate.openUnsafe()
      yield* held
      yield* waiting
      yield* Effect.exit(single.run(Effect.fail("no")))
      const all = new Map<string, Frame["methods"][number]>()
      yield* until(updates, ({ methods }) => {
        for (const method of methods) all.set(method.method, method)
        return all.get("run")?.calls === 2 && all.has("echo")
      })
      const run = all.get("run")!
      const echo = all.get("echo")!
      assert.deepInclude(run, { actor: "test/Single", errors: 1, cancelled: 0 })
      assert.deepInclude(echo, { calls: 1, errors: 0 })
      // It did nothing but wait for the other one. The limits are the sleep, and the width of a bucket.
      assert.isAtLeast(echo.wait50, 25)
      assert.isAtLeast(run.p99, 25)
      assert.isBelow(echo.p50, run.p99)
    }).pipe(ownSystem)
  )

  it.live("tell of submissions that were refused: of the instance, and of the method", () =>
    Effect.gen(function* () {
      const gate = Latch.makeUnsafe()
      const tiny = yield* Tiny.spawn()
      const { port } = yield* inspect()
      const updates = yield* open(port)
      const first = yield* until(updates, () => true)
      assert.strictEqual(first.rows[0]!.refused, 0)
      for (let i = 0; i < 2; i++) yield* tiny.wait.remote(gate)
      for (let i = 0; i < 3; i++) yield* Effect.flip(tiny.wait(gate))
      const seen = { row: 0, method: 0 }
      yield* until(updates, ({ methods, rows }) => {
        for (const { refused } of rows) seen.row = refused
        for (const { refused } of methods) seen.method = refused
        return seen.row === 3 && seen.method === 3
      })
      gate.openUnsafe()
      // They are no calls, and so none that failed.
      const last = yield* until(updates, ({ methods }) => methods.some(({ calls }) => calls === 2))
      assert.deepInclude(last.methods[0], { method: "wait", calls: 2, errors: 0, refused: 3 })
    }).pipe(ownSystem)
  )

  it.live("tell of restarts with their reasons, of deaths, and of dead letters", () =>
    Effect.gen(function* () {
      const gate = Latch.makeUnsafe()
      const worker = yield* Worker.spawn()
      const { port } = yield* inspect()
      const updates = yield* open(port)
      yield* until(updates, () => true)
      yield* Effect.exit(worker.die("the disk is full"))
      const news: Array<Frame["news"][number]> = []
      const collect = (kind: string) =>
        until(updates, (frame) => {
          news.push(...frame.news)
          return news.some((one) => one.kind === kind)
        })
      yield* collect("restarted")
      // That it was about to restart is told only if it took longer than until the next update.
      assert.deepInclude(news.at(-1), { kind: "restarted", label: `test/Worker #${news.at(-1)!.instance}` })
      assert.include(news.at(-1)!.text, "the disk is full")
      for (let i = 0; i < 3; i++) yield* worker.wait.remote(gate).pipe(Effect.map((ref) => ref.then(null, () => 0)))
      const late = yield* fork(until(updates, ({ deadLetters }) => (deadLetters?.length ?? 0) > 0))
      yield* Actor.kill(worker)
      const { deadLetters } = yield* Fiber.join(late)
      // Whatever runs is not a dead letter.
      assert.isAtLeast(deadLetters!.length, 1)
      assert.include(deadLetters![0]!.why, "it was killed")
    }).pipe(ownSystem)
  )

  it.live("a page that opens later hears of deaths from before", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.options({ name: "early" }).spawn()
      yield* Actor.kill(worker)
      const { port } = yield* inspect()
      const updates = yield* open(port)
      const { news } = yield* until(updates, () => true)
      assert.deepStrictEqual(
        news.map(({ kind, label, text }) => [kind, label, text]),
        [["died", "test/Worker “early”", "it was killed"]]
      )
    }).pipe(ownSystem)
  )

  it.live("cost nothing while no page is open: the system is not even watched", () =>
    Effect.gen(function* () {
      const registry = (yield* ActorSystem.ActorSystem)[ActorSystem.TypeId] as { readonly hub: unknown }
      const { port } = yield* inspect()
      yield* get(port, "/api/info")
      yield* get(port, "/api/snapshot")
      assert.isUndefined(registry.hub)
      const updates = yield* open(port)
      yield* until(updates, () => true)
      assert.isDefined(registry.hub)
    }).pipe(ownSystem)
  )

  it.live(
    "a slow page gets the newest state, and never a growing queue",
    () =>
      Effect.gen(function* () {
        // An update of all of them is more than two megabytes, and eight of these are more than sockets hold.
        const rooms = Array.from({ length: 6000 }, (_, i) => `${i}-${"x".repeat(180)}`)
        const program = Effect.gen(function* () {
          const greet = Effect.forEach(rooms, (room) => Effect.flatMap(Room.get(room), (it) => it.greet()))
          yield* greet
          const { port } = yield* inspect()
          const slow = yield* open(port)
          const fast = yield* open(port)
          // The slow page reads nothing, while the other reads eight updates of everything.
          let version = 0
          for (let round = 0; round < 8; round++) {
            yield* greet
            version = (yield* until(fast, ({ rows }) => rows.length === rooms.length)).version
          }
          const seen: Array<number> = []
          const last = yield* until(slow, (frame) => {
            seen.push(frame.version)
            return frame.version >= version
          })
          assert.isBelow(seen.length, version, "it has missed states in between")
          assert.deepStrictEqual(
            seen,
            seen.toSorted((a, b) => a - b)
          )
          // What it has missed is in what it gets.
          const good = last.rows.map((row) => row.good)
          assert.isTrue(good.every((calls) => calls === 9))
        })
        yield* Effect.provide(program, Room.layer)
      }).pipe(ownSystem),
    60_000
  )

  it.live("closing the Layer ends open updates at once", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const { port } = yield* Scope.provide(inspect(), scope)
      const updates = yield* open(port)
      yield* until(updates, () => true)
      yield* Scope.close(scope, Exit.void)
      const end = yield* promise(async () => {
        for (;;) if ((await updates.next()) === undefined) return "ended"
      })
      assert.strictEqual(end, "ended")
      const refused = yield* Effect.exit(Effect.tryPromise(() => ask(port, "/")))
      assert.isTrue(Exit.isFailure(refused))
    }).pipe(ownSystem)
  )

  it.live("no more instances are told than maxInstances, but how many there are", () =>
    Effect.gen(function* () {
      const program = Effect.gen(function* () {
        for (let i = 0; i < 30; i++) yield* Effect.flatMap(Room.get(`room ${i}`), (room) => room.greet())
        const { port } = yield* inspect({ maxInstances: 10 })
        const { rows, totals } = yield* until(yield* open(port), () => true)
        assert.strictEqual(rows.length, 10)
        assert.strictEqual(totals.instances, 30)
      })
      yield* Effect.provide(program, Room.layer)
    }).pipe(ownSystem)
  )
})

describe("text that programs made", () => {
  const evil = `\u001b[2J\u202emoc.live\n\ud800${"x".repeat(100_000)}`

  it.live("is bounded in updates, and turns and breaks nothing", () =>
    Effect.gen(function* () {
      yield* Effect.flatMap(Room.get(evil), (room) => room.greet())
      const worker = yield* Worker.options({ name: evil }).spawn()
      const { port } = yield* inspect()
      const updates = yield* open(port)
      const { rows } = yield* until(updates, () => true)
      for (const { key, name } of rows) {
        const text = key ?? name!
        assert.isAtMost(text.length, 200)
        assert.match(text, /^( |\\u001b)\[2J( |\\u202e)moc\.live( |\\u000a)(\\ud800)?x+…$/)
      }
      yield* Effect.exit(worker.die(evil))
      const { news } = yield* until(updates, ({ news }) => news.some(({ kind }) => kind === "restarted"))
      const { text } = news.find(({ kind }) => kind === "restarted")!
      assert.isAtMost(text.length, 2000)
      assert.include(text, " [2J moc.live ")
    }).pipe(Effect.provide(Room.layer), ownSystem)
  )

  it.live("is bounded in a trace, and turns and breaks nothing", () =>
    Effect.gen(function* () {
      const { port } = yield* inspect()
      const recording = ask(port, "/api/timeline?seconds=1")
      const worker = yield* Worker.options({ name: evil }).spawn()
      yield* Effect.sleep(500)
      yield* Effect.exit(worker.fail(evil))
      const { text } = yield* promise(() => recording)
      assert.include(text, " [2J moc.live x")
      assert.isBelow(text.length, 20_000)
      assert.notMatch(text, /[\u202e\ud800]|\\u001b|(?<!\\)\\ud800|\\n/)
    }).pipe(ownSystem)
  )
})

describe("who waits for whom", () => {
  it.live("a cycle of waits that only a timeout can end is found, and told as calls", () =>
    Effect.gen(function* () {
      const a = yield* Single.options({ name: "a" }).spawn()
      const b = yield* Single.options({ name: "b" }).spawn()
      const both = Latch.makeUnsafe()
      const entered = Latch.makeUnsafe()
      const locked = (inside: Effect.Effect<unknown, unknown>, latch: Latch.Latch) =>
        Effect.andThen(
          Effect.andThen(
            Effect.sync(() => latch.openUnsafe()),
            both.await
          ),
          Effect.timeout(inside, "1 minute")
        )
      yield* a.run.remote(locked(b.echo("from a"), entered))
      yield* entered.await
      const enteredB = Latch.makeUnsafe()
      yield* b.run.remote(locked(a.echo("from b"), enteredB))
      yield* enteredB.await
      const { port } = yield* inspect()
      const updates = yield* open(port)
      const before = yield* until(updates, () => true)
      assert.strictEqual(before.cycles, 0)
      both.openUnsafe()
      yield* until(updates, ({ cycles }) => cycles === 1)
      const waits = yield* get(port, "/api/waits")
      assert.strictEqual(waits.cycles[0].length, 5)
      assert.match(
        waits.cycles[0].join(" -> "),
        /test\/Single\.run #\d+ -> test\/Single\.echo #\d+ in line -> test\/Single\.run #\d+ -> test\/Single\.echo #\d+ in line/
      )
      assert.deepStrictEqual(
        waits.edges.map((edge: { kind: string }) => edge.kind),
        ["cycle", "cycle"]
      )
    }).pipe(ownSystem)
  )

  it.live("a wait that goes back to an actor with a free permit is no cycle", () =>
    Effect.gen(function* () {
      const gate = Latch.makeUnsafe()
      const worker = yield* Worker.spawn()
      const single = yield* Single.spawn()
      yield* worker.run.remote(single.run(worker.wait(gate)))
      const { port } = yield* inspect()
      const updates = yield* open(port)
      yield* until(updates, ({ totals }) => totals.calls === 3)
      const waits = yield* get(port, "/api/waits")
      assert.deepStrictEqual(waits.cycles, [])
      assert.strictEqual(waits.edges.length, 2)
      gate.openUnsafe()
    }).pipe(ownSystem)
  )
})

describe("control", () => {
  const controlled = Effect.map(inspect({ control: true }), ({ port, token }) => {
    const headers = { authorization: `Bearer ${Redacted.value(token!)}` }
    return (path: string) => promise(() => ask(port, `/api/${path}`, { method: "POST", headers }))
  })

  it.live("cancels the call, and says what happened", () =>
    Effect.gen(function* () {
      const gate = Latch.makeUnsafe()
      const single = yield* Single.spawn()
      const running = yield* single.run.remote(gate.await)
      const waiting = yield* single.echo.remote("never")
      const post = yield* controlled
      const { calls } = yield* ActorSystem.snapshot()
      const idOf = (method: string) => calls.find((call) => call.method === method)!.id
      assert.deepStrictEqual((yield* post(`cancel/${idOf("test/Single.echo")}`)).body, { result: "NotStarted" })
      assert.deepStrictEqual((yield* post(`cancel/${idOf("test/Single.run")}`)).body, { result: "Interrupted" })
      assert.isTrue(Exit.isFailure(yield* Effect.exit(running)))
      assert.isTrue(Exit.isFailure(yield* Effect.exit(waiting)))
      const again = yield* post(`cancel/${idOf("test/Single.run")}`)
      assert.strictEqual(again.status, 404)
      assert.include(again.body.error, "no unsettled call")
    }).pipe(ownSystem)
  )

  it.live("kills and stops instances, and says so when there is none", () =>
    Effect.gen(function* () {
      const gate = Latch.makeUnsafe()
      const first = yield* Worker.spawn()
      const second = yield* Worker.spawn()
      yield* Effect.map(first.wait.remote(gate), (ref) => ref.then(null, () => 0))
      const post = yield* controlled
      const [a, b] = (yield* ActorSystem.snapshot()).instances as [ActorSystem.Instance, ActorSystem.Instance]
      assert.strictEqual((yield* post(`kill/${a.instance}`)).status, 200)
      assert.strictEqual((yield* post(`stop/${b.instance}`)).status, 200)
      assert.strictEqual((yield* Actor.watch(first)).message.includes("it was killed from the inspector"), true)
      yield* Actor.watch(second)
      const late = yield* post(`kill/${a.instance}`)
      assert.strictEqual(late.status, 404)
      assert.include(late.body.error, `${a.instance}`)
    }).pipe(ownSystem)
  )

  it.live("resizes an actor, or one of its groups", () =>
    Effect.gen(function* () {
      yield* Worker.spawn()
      const post = yield* controlled
      const look = Effect.map(ActorSystem.snapshot(), ({ instances }) => instances[0]!)
      const { instance } = yield* look
      assert.strictEqual((yield* post(`resize/${instance}?limit=7`)).status, 200)
      assert.strictEqual((yield* post(`resize/${instance}?limit=3&group=slow`)).status, 200)
      const { groups, permits } = yield* look
      assert.deepStrictEqual([permits.limit, groups.slow!.limit], [7, 3])
      assert.strictEqual((yield* post(`resize/${instance}?limit=0`)).status, 400)
      assert.strictEqual((yield* post(`resize/${instance}?limit=many`)).status, 400)
      assert.strictEqual((yield* post(`resize/${instance}?limit=3&group=nobody`)).status, 400)
    }).pipe(ownSystem)
  )
})

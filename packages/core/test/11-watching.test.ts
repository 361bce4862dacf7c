import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorContext, ActorPool, ActorSystem, AsyncHandle, Home, ObjectRef, Task } from "@troupe/core"
import { Cause, Context, Effect, Fiber, Latch, Layer, Logger, Schedule, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import { errorOf, fork, Probe, range, reasonOf, settle, Worker } from "./support.ts"

/** Every test has a system of its own, in which nobody else's instances show. */
const alone = <A, E, R>(test: Effect.Effect<A, E, R>) => Effect.provide(test, ActorSystem.layer, { local: true })

const own = <A, E>(name: string, test: () => Effect.Effect<A, E, any>) =>
  it.effect(name, () => Effect.scoped(alone(test())) as Effect.Effect<A, E>)

/** The one instance of the worker, and all its calls. */
const look = Effect.map(ActorSystem.snapshot({ actor: "test/Worker" }), ({ calls, instances }) => ({
  calls,
  instance: instances[0]!
}))

/** Runs an effect that does not wait, and counts the steps that iterators of collections take meanwhile. */
const countingSteps = <A>(effect: Effect.Effect<A>) =>
  Effect.withFiber(({ context }) => {
    const iterators = [new Map().values(), new Set().values(), [].values()].map((it) => Object.getPrototypeOf(it))
    const originals = iterators.map(({ next }) => next)
    let steps = 0
    for (const [i, iterator] of iterators.entries()) {
      iterator.next = function (...args: ReadonlyArray<unknown>) {
        steps++
        return originals[i].apply(this, args)
      }
    }
    try {
      const result = Effect.runSyncWith(context)(effect)
      return Effect.succeed({ result, steps })
    } finally {
      for (const [i, iterator] of iterators.entries()) iterator.next = originals[i]
    }
  })

const none = { succeeded: 0, failed: 0, died: 0, cancelled: 0, timedOut: 0, unavailable: 0, actorDied: 0 }

describe("11.1 ActorSystem.snapshot", () => {
  own("lists every instance: name, state, running, waiting, settled counts, limit, restarts, since when", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1000)
      const probe = new Probe()
      const worker = yield* Worker.options({ name: "the one", maxConcurrency: 2, maxPendingCalls: 9 }).spawn(probe)
      yield* worker.note("x")
      yield* Effect.exit(worker.fail("typed"))
      yield* Effect.exit(worker.die(new Error("bug")))
      for (const id of ["a", "b", "c"]) yield* worker.work.remote(id)
      yield* probe.started("b")
      const { instance } = yield* look
      assert.deepStrictEqual(instance, {
        actor: "test/Worker",
        instance: instance.instance,
        name: "the one",
        state: "running",
        since: 1000,
        permits: { running: 2, waiting: 1, limit: 2 },
        groups: {},
        pending: 3,
        maxPendingCalls: 9,
        suspended: 0,
        settled: { ...none, succeeded: 1, failed: 1, died: 1 },
        refused: 0,
        restarts: 0,
        lastError: { call: "test/Worker.die", at: 1000, message: "Error: bug" }
      })
    })
  )

  own("counts what it refused for want of room, however it was submitted", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.options({ maxPendingCalls: 1 }).spawn(new Probe())
      yield* worker.work.remote("held")
      assert.strictEqual((yield* reasonOf(worker.note("a")))._tag, "PendingCallsLimitExceeded")
      assert.strictEqual((yield* reasonOf(worker.note.remote("b")))._tag, "PendingCallsLimitExceeded")
      const ref = AsyncHandle.make(worker).note("c")
      assert.strictEqual((yield* reasonOf(ref))._tag, "PendingCallsLimitExceeded")
      const { instance } = yield* look
      assert.strictEqual(instance.refused, 3)
      assert.deepStrictEqual(instance.settled, none, "a refused call was never one of its own")
      yield* Actor.kill(worker)
      assert.strictEqual((yield* look).instance.refused, 3)
    })
  )

  own("counts each call once, by how it came to its end", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const options = { maxConcurrency: 1, maxTaskRetries: 0, restart: Schedule.spaced("1 second") }
      const worker = yield* Worker.options(options).spawn(probe)
      yield* worker.note("x")
      yield* worker.work.remote("held")
      const cancelled = yield* worker.note.remote("y")
      const late = yield* worker.note.options({ timeout: "1 second" }).remote("z")
      yield* ObjectRef.cancel(cancelled)
      yield* TestClock.adjust("1 second")
      yield* Effect.exit(late)
      yield* probe.open("held")
      yield* settle
      yield* Effect.exit(worker.run(Effect.interrupt))
      yield* Effect.exit(worker.fail("no"))
      yield* worker.work.remote("killed")
      yield* probe.started("killed")
      yield* worker.note.remote("in line")
      yield* Actor.kill(worker)
      yield* Effect.exit(worker.note("too late"))
      const { instance } = yield* look
      assert.deepStrictEqual(instance.settled, {
        ...none,
        succeeded: 2,
        cancelled: 2,
        timedOut: 1,
        failed: 1,
        actorDied: 3
      })
      assert.strictEqual(instance.state, "dead")
    })
  )

  own("says which state an instance is in, from start to end", () =>
    Effect.gen(function* () {
      const gate = Latch.makeUnsafe()
      const probe = new Probe()
      class Slow extends Actor.Service<Slow>()("test/Slow", {
        restart: Schedule.spaced("1 second"),
        make: Effect.as(gate.await, { work: probe.work, die: () => Effect.die("bug") })
      }) {}
      const state = Effect.map(ActorSystem.snapshot({ actor: "test/Slow" }), ({ instances }) => instances[0]!)
      const starting = yield* fork(Slow.spawn())
      assert.strictEqual((yield* state).state, "starting")
      yield* gate.open
      const slow = yield* Fiber.join(starting)
      assert.strictEqual((yield* state).state, "running")
      yield* Effect.exit(slow.die())
      assert.strictEqual((yield* state).state, "restarting")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([(yield* state).state, (yield* state).restarts], ["running", 1])
      yield* slow.work.remote("a")
      yield* probe.started("a")
      const stopping = yield* fork(Actor.stop(slow))
      assert.deepStrictEqual([(yield* state).state, (yield* state).death?.why], ["stopping", "it was stopped"])
      yield* probe.open("a")
      yield* Fiber.join(stopping)
      assert.deepStrictEqual([(yield* state).state, (yield* state).death?.why], ["dead", "it was stopped"])
    })
  )

  own("shows the calls of a key's resident under the actor's id, and the key", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      class Account extends Actor.Keyed<Account>()("Account", {
        make: (_: string) => Effect.succeed({ work: probe.work })
      }) {}
      const program = Effect.gen(function* () {
        yield* (yield* Account.get("anna")).work.remote("a")
        yield* settle
        const { calls, instances } = yield* ActorSystem.snapshot({ actor: "Account" })
        assert.deepStrictEqual(
          instances.map(({ actor, key }) => [actor, key]),
          [["Account", "anna"]]
        )
        assert.strictEqual(calls[0]!.method, "Account(anna).work")
        yield* probe.open("a")
      })
      yield* Effect.provide(program, Account.layer)
    })
  )

  own("shows groups apart, with their own permits", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      class Grouped extends Actor.Service<Grouped>()("test/Worker", {
        concurrencyGroups: { io: { maxConcurrency: 1, methods: ["work"] } },
        shutdownTimeout: 0,
        make: Effect.succeed({ work: probe.work })
      }) {}
      const worker = yield* Grouped.spawn()
      yield* worker.work.remote("a")
      yield* worker.work.remote("b")
      yield* settle
      const { calls, instance } = yield* look
      assert.deepStrictEqual(instance.permits, { running: 0, waiting: 0, limit: 1000 })
      assert.deepStrictEqual(instance.groups, { io: { running: 1, waiting: 1, limit: 1 } })
      assert.deepStrictEqual(
        calls.map(({ group, stage }) => [group, stage]),
        [
          ["io", "running"],
          ["io", "waiting"]
        ]
      )
    })
  )

  own("explains every unsettled call: where in line, since when, waiting on what, submitted by whom", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const options = { maxConcurrency: 1, maxPendingCalls: 4, overflow: "suspend" } as const
      const worker = yield* Worker.options(options).spawn(probe)
      const other = yield* Worker.options({ name: "other" }).spawn(probe)
      const parent = yield* worker.run.remote(other.work("child"))
      yield* settle
      yield* TestClock.adjust("2 seconds")
      yield* worker.note.remote("first")
      yield* worker.note.remote("second")
      yield* worker.note.remote(parent as any)
      yield* fork(worker.note("no room"))
      const { calls } = yield* ActorSystem.snapshot()
      const child = calls.find(({ method }) => method === "test/Worker.work")!
      const show = calls.map(({ attempts, method, parent, position, since, stage, waitingOn }) => ({
        method: method.slice("test/Worker.".length),
        stage,
        since,
        attempts,
        ...(position && { position }),
        ...(parent && { parent }),
        ...(waitingOn.length > 0 && { waitingOn: waitingOn.map(({ ref }) => ref) })
      }))
      assert.deepStrictEqual(show, [
        { method: "run", stage: "running", since: 0, attempts: 1, waitingOn: [child.id] },
        { method: "note", stage: "waiting", since: 2000, attempts: 0, position: 1 },
        { method: "note", stage: "waiting", since: 2000, attempts: 0, position: 2 },
        { method: "note", stage: "preparing", since: 2000, attempts: 0, waitingOn: [parent.id] },
        { method: "note", stage: "suspended", since: 2000, attempts: 0 },
        { method: "work", stage: "running", since: 0, attempts: 1, parent: parent.id }
      ])
    })
  )

  own("filters by actor, name, instance and state, and says how many there are beyond its limit", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      class Other extends Actor.Service<Other>()("test/Other", { make: Effect.succeed({}) }) {}
      const workers = yield* Effect.forEach(range(3), (i) => Worker.options({ name: `w${i}` }).spawn(probe))
      yield* Other.spawn()
      for (const id of range(10)) yield* workers[0]!.work.remote(String(id))
      yield* Actor.kill(workers[2]!)
      const names = (options: ActorSystem.SnapshotOptions) =>
        Effect.map(ActorSystem.snapshot(options), ({ instances }) => instances.map(({ actor, name }) => name ?? actor))
      assert.deepStrictEqual(yield* names({ actor: "test/Worker" }), ["w0", "w1", "w2"])
      assert.deepStrictEqual(yield* names({ actor: "test/Other" }), ["test/Other"])
      assert.deepStrictEqual(yield* names({ name: "w1" }), ["w1"])
      assert.deepStrictEqual(yield* names({ actor: "test/Worker", state: "running" }), ["w0", "w1"])
      assert.deepStrictEqual(yield* names({ state: ["dead", "stopping"] }), ["w2"])
      const few = yield* ActorSystem.snapshot({ actor: "test/Worker", limit: 2 })
      assert.deepStrictEqual([few.instances.length, few.calls.length], [2, 2])
      assert.deepStrictEqual(few.totals, { instances: 2, dead: 1, calls: 10 })
      const nothing = yield* ActorSystem.snapshot({ instance: -1 })
      assert.deepStrictEqual(nothing.totals, { instances: 0, dead: 0, calls: 0 })
    })
  )

  own("a long line does not use up the limit: instances take turns, running calls before waiting ones", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const Narrow = Worker.options({ maxConcurrency: 1 })
      const [crowded, ...others] = yield* Effect.all([Narrow.spawn(probe), Narrow.spawn(probe), Narrow.spawn(probe)])
      yield* Worker.spawn()
      for (const id of range(1000)) yield* crowded.work.remote(`crowded ${id}`)
      for (const [i, other] of others.entries()) {
        for (const id of range(i + 2)) yield* other.work.remote(`other ${i} ${id}`)
      }
      yield* settle
      const take = (limit: number) =>
        Effect.map(ActorSystem.snapshot({ actor: "test/Worker", limit }), ({ calls, instances, totals }) => ({
          total: totals.calls,
          places: instances.map(({ instance }) =>
            calls.filter((call) => call.instance === instance).map(({ position = 0 }) => position)
          ),
          grouped: calls.map(({ instance }) => instances.findIndex((one) => one.instance === instance))
        }))
      // The limit is for instances as well, so that this is the least that shows all of them.
      assert.deepStrictEqual(yield* take(4), {
        total: 1005,
        places: [[0, 1], [0], [0], []],
        grouped: [0, 0, 1, 2]
      })
      assert.deepStrictEqual((yield* take(6)).places, [[0, 1], [0, 1], [0, 1], []])
      // Those that have few leave the rest to the others.
      assert.deepStrictEqual((yield* take(10)).places, [[0, 1, 2, 3, 4], [0, 1], [0, 1, 2], []])
      assert.deepStrictEqual((yield* take(0)).places, [])
      const all = (yield* take(1005)).places
      assert.deepStrictEqual(all, [range(1000), [0, 1], [0, 1, 2], []])
    })
  )

  own("looks at no more instances than its limit says, however many there are", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const workers = yield* Effect.forEach(range(3000), () => Worker.spawn(probe))
      for (const [i, worker] of workers.entries()) if (i % 2 === 0) yield* worker.work.remote(String(i))
      yield* settle
      const takeFew = ActorSystem.snapshot({ limit: 10 })
      const { result: few, steps } = yield* countingSteps(takeFew)
      assert.isBelow(steps, 200)
      assert.deepStrictEqual([few.instances.length, few.calls.length], [10, 10])
      assert.isAtLeast(few.totals.instances, 3000)
      assert.strictEqual(few.totals.calls, 1500)
      const one = ActorSystem.snapshot({ instance: few.instances[9]!.instance })
      assert.isBelow((yield* countingSteps(one)).steps, 200)
      const all = yield* countingSteps(ActorSystem.snapshot({ actor: "test/Worker", limit: 10 }))
      assert.isAtLeast(all.steps, 3000, "which shows that steps are counted")
    })
  )

  own("if there are more instances than its limit, leaves idle ones out before those with calls", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const workers = yield* Effect.forEach(range(6), (i) => Worker.options({ name: `w${i}` }).spawn(probe))
      yield* workers[3]!.work.remote("a")
      yield* workers[5]!.work.remote("b")
      yield* settle
      const names = (limit: number) =>
        Effect.map(ActorSystem.snapshot({ limit }), ({ instances, totals }) => {
          assert.strictEqual(totals.instances, 6)
          return instances.map(({ name }) => name)
        })
      assert.sameMembers(yield* names(1), ["w3"])
      assert.deepStrictEqual(yield* names(2), ["w3", "w5"])
      assert.deepStrictEqual(yield* names(4), ["w0", "w1", "w3", "w5"])
      assert.deepStrictEqual(yield* names(6), ["w0", "w1", "w2", "w3", "w4", "w5"])
    })
  )

  own("counts those that are there, and apart from them the dead that it remembers", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      yield* Effect.scoped(Effect.forEach(range(150), () => Worker.spawn(probe)))
      const worker = yield* Worker.spawn(probe)
      const totals = (options: ActorSystem.SnapshotOptions) =>
        Effect.map(ActorSystem.snapshot(options), ({ totals }) => totals)
      assert.deepStrictEqual(yield* totals({ limit: 10 }), { instances: 1, dead: 100, calls: 0 })
      assert.deepStrictEqual(yield* totals({ state: "running" }), { instances: 1, dead: 0, calls: 0 })
      assert.deepStrictEqual(yield* totals({ state: "dead", limit: 0 }), { instances: 0, dead: 100, calls: 0 })
      yield* Actor.stop(worker)
      assert.deepStrictEqual(yield* totals({}), { instances: 0, dead: 100, calls: 0 })
    })
  )

  own("searches actors, keys, names and numbers for words, living and dead, beyond the limit", () =>
    Effect.gen(function* () {
      class Room extends Actor.Keyed<Room>()("test/Room", {
        make: (_key: string) => Effect.succeed({ greet: () => Effect.void })
      }) {}
      const program = Effect.gen(function* () {
        const probe = new Probe()
        const rooms = yield* Room
        for (const key of ["attic", "cellar", "Attic window"]) yield* rooms.get(key).greet()
        const worker = yield* Worker.options({ name: "attic fan" }).spawn(probe)
        yield* Actor.kill(worker)
        const find = (search: string, limit?: number) =>
          Effect.map(ActorSystem.snapshot({ search, limit }), ({ instances, totals }) => ({
            found: instances.map(({ key, name }) => key ?? name),
            total: totals.instances + totals.dead
          }))
        assert.deepStrictEqual(yield* find("ATTIC"), { found: ["attic", "Attic window", "attic fan"], total: 3 })
        assert.deepStrictEqual(yield* find("room attic"), { found: ["attic", "Attic window"], total: 2 })
        assert.deepStrictEqual(yield* find("room", 1), { found: ["attic"], total: 3 })
        const [cellar] = (yield* ActorSystem.snapshot({ search: "cellar" })).instances
        assert.deepStrictEqual(yield* find(`#${cellar!.instance}`), { found: ["cellar"], total: 1 })
        assert.deepStrictEqual(yield* find("kitchen"), { found: [], total: 0 })
      })
      yield* Effect.provide(program, Room.layer)
    })
  )

  own("refuses a limit that is none", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(ActorSystem.snapshot({ limit: Number.NaN }))
      assert.match(String(exit), /limit must be at least 0, but is NaN/)
    })
  )

  own("remembers the calls that a dead instance never ran", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      yield* worker.work.remote("runs")
      const inLine = yield* worker.note.remote("in line")
      yield* probe.started("runs")
      yield* Actor.kill(worker)
      const late = yield* worker.note.remote("late")
      const { deadLetters } = yield* ActorSystem.snapshot({ actor: "test/Worker" })
      assert.deepStrictEqual(
        deadLetters.map(({ id, method, why }) => [id, method, why]),
        [
          [inLine.id, "test/Worker.note", "it was killed"],
          [late.id, "test/Worker.note", "it was killed"]
        ]
      )
    })
  )

  own("remembers a bounded number of them, and of instances that have ended", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      yield* Actor.kill(worker)
      for (const id of range(1000)) yield* worker.note.remote(String(id))
      for (const _ of range(1000)) yield* Effect.scoped(Worker.spawn())
      const { deadLetters, instances } = yield* ActorSystem.snapshot({ actor: "test/Worker" })
      assert.deepStrictEqual([deadLetters.length, instances.length], [100, 100])
    })
  )

  own("shows pools, and tasks, which belong to every system", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const task = Task.make("test/crunch", probe.work)
      const pool = yield* ActorPool.make({ spawn: Worker.spawn(probe), size: 2 })
      yield* task.remote("a")
      yield* pool.remote((worker) => worker.work("b"))
      yield* settle
      const { calls } = yield* ActorSystem.snapshot()
      const methods = calls.map(({ method }) => method)
      for (const method of ["test/crunch", "ActorPool", "test/Worker.work"]) assert.include(methods, method)
      yield* probe.open("a", "b")
    })
  )

  own("asks the residence in whose context an instance was made where it is, unless the instance has a home", () =>
    Effect.gen(function* () {
      const residence: Home.Residence = {
        describe: (actor, key) =>
          actor === "test/Room" ? { kind: "cluster", node: "a:1", key: String(key) } : undefined
      }
      const room = { make: (_key: number) => Effect.succeed({ enter: () => Effect.void }), shutdownTimeout: 0 }
      class Room extends Actor.Keyed<Room>()("test/Room", room) {}
      const rooms = yield* Effect.map(Layer.build(Room.layer), (context) => Context.get(context, Room)).pipe(
        Effect.provideService(Home.Residence, residence)
      )
      yield* rooms.get(7).enter()
      yield* Effect.provideService(Worker.spawn(), Home.Residence, residence)
      class Linked extends Actor.Service<Linked>()("test/Room", {
        make: Effect.map(ActorContext.ActorContext, (self) => {
          Home.link(self, { describe: () => ({ kind: "worker", thread: 3 }) })
          return { enter: () => Effect.void }
        }),
        shutdownTimeout: 0
      }) {}
      yield* Effect.provideService(Linked.spawn(), Home.Residence, residence)
      const { instances } = yield* ActorSystem.snapshot()
      assert.deepStrictEqual(
        instances.filter(({ actor }) => actor !== "test/crunch").map(({ actor, home }) => [actor, home]),
        [
          ["test/Room", { kind: "cluster", node: "a:1", key: "7" }],
          ["test/Worker", undefined],
          ["test/Room", { kind: "worker", thread: 3 }]
        ]
      )
    })
  )

  own("is plain data with a schema, and survives JSON", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.options({ maxConcurrency: Infinity }).spawn()
      yield* Effect.exit(worker.fail({ some: "object" }))
      yield* Actor.kill(worker)
      yield* Worker.spawn()
      const snapshot = yield* ActorSystem.snapshot()
      const decoded = yield* Schema.decodeUnknownEffect(ActorSystem.Snapshot)(JSON.parse(JSON.stringify(snapshot)))
      assert.deepStrictEqual(decoded, snapshot)
    })
  )

  own("2.6 never queues behind calls: it shows a saturated actor at once", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      for (const id of range(10_000)) yield* worker.work.remote(String(id))
      yield* probe.started("0")
      const { calls, instance } = yield* look
      assert.deepStrictEqual([instance.permits.running, instance.permits.waiting], [1, 9999])
      assert.deepStrictEqual([calls.length, calls.at(-1)!.position], [1000, 999])
    })
  )
})

describe("ActorSystem.events", () => {
  own("keeps the newest events for a reader that is slow", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const reading = yield* Latch.make()
      const seen: Array<string> = []
      const read = (event: ActorSystem.Event) =>
        Effect.andThen(
          reading.await,
          Effect.sync(() => seen.push("name" in event ? `${event._tag} ${event.name}` : event._tag))
        )
      yield* fork(Stream.runForEach(ActorSystem.events({ capacity: 8 }), read))
      yield* settle
      for (const id of range(5)) {
        yield* worker.note(`${id}`)
        yield* settle
      }
      yield* worker.echo("the last one")
      yield* reading.open
      yield* settle
      assert.include(seen, "Settled echo")
      assert.isBelow(seen.length, 12, "the others are gone")
    })
  )
})

describe("11.1 ObjectRef.explain", () => {
  const withoutNumbers = (text: string) => text.replaceAll(/#\d+/g, "#n")
  const explain = (ref: ObjectRef.Any) => Effect.map(ObjectRef.explain(ref), withoutNumbers)

  it.effect("counts places in line in words, up to ten", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn()
      yield* worker.run.remote(Effect.never)
      yield* settle
      const refs = yield* Effect.forEach(range(11), () => worker.run.remote(Effect.never))
      const places = yield* Effect.forEach(refs, (ref) =>
        Effect.map(ObjectRef.explain(ref), (text) => / (number 11|\S+) in line/.exec(text)?.[1])
      )
      assert.deepStrictEqual(places, [
        ...["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"],
        "number 11"
      ])
    })
  )

  own("says where in line a call is, behind what, running since when, and waiting on what", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      class Store extends Actor.Service<Store>()("Store", {
        maxConcurrency: 1,
        shutdownTimeout: 0,
        make: Effect.succeed({ import: (body: Effect.Effect<any, any>) => body, save: probe.work })
      }) {}
      class Db extends Actor.Service<Db>()("Db", { make: Effect.succeed({ query: probe.work }), shutdownTimeout: 0 }) {}
      const store = yield* Store.spawn()
      const db = yield* Db.spawn()
      const running = yield* store.import.remote(db.query("q"))
      yield* probe.started("q")
      yield* TestClock.adjust("4800 millis")
      for (const id of ["a", "b"]) yield* store.save.remote(id)
      const third = yield* store.save.remote("c")
      yield* TestClock.adjust("4200 millis")
      assert.strictEqual(
        yield* explain(third),
        "Store.save #n: waiting 4.2 s: third in line behind `Store.import` #n (running 9.0 s, waiting on `Db.query` #n (running 9.0 s))"
      )
      assert.strictEqual(
        yield* explain(running),
        "Store.import #n: running 9.0 s, waiting on `Db.query` #n (running 9.0 s)"
      )
      yield* probe.open("q")
      yield* running
      assert.strictEqual(yield* explain(running), "Store.import #n: succeeded")
    })
  )

  own("names a few of many", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 5 }).spawn(probe)
      for (const id of range(5)) yield* worker.work.remote(String(id))
      const ref = yield* worker.note.remote("x")
      yield* settle
      const holder = "`test/Worker.work` #n (running 0 ms)"
      assert.strictEqual(
        yield* explain(ref),
        `test/Worker.note #n: waiting 0 ms: first in line behind ${holder}, ${holder}, ${holder} and 2 more`
      )
    })
  )

  own("knows calls that wait for arguments, for room, for a restart, and those told to end", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const options = { maxConcurrency: 1, restart: Schedule.spaced("1 second") }
      const worker = yield* Worker.options(options).spawn(probe)
      const promise = ObjectRef.fromPromise(new Promise(() => {}))
      const preparing = yield* worker.echo.remote(promise)
      assert.strictEqual(yield* explain(preparing), "test/Worker.echo #n: waiting 0 ms for its arguments: #n")
      assert.strictEqual(yield* explain(promise), "#n: pending, and no call of an actor")

      yield* Effect.exit(worker.die("bug"))
      const restarting = yield* worker.note.remote("x")
      assert.strictEqual(
        yield* explain(restarting),
        "test/Worker.note #n: waiting 0 ms: first in line of test/Worker, which is restarting"
      )
      yield* TestClock.adjust("1 second")
      yield* restarting

      const gate = Latch.makeUnsafe()
      const ending = yield* worker.run.remote(Effect.onInterrupt(Effect.never, () => gate.await))
      yield* settle
      yield* fork(ObjectRef.cancel(ending))
      assert.strictEqual(yield* explain(ending), "test/Worker.run #n: running 0 ms, told to end")
      yield* gate.open

      const full = yield* Worker.options({ maxPendingCalls: 1, overflow: "suspend" }).spawn(probe)
      yield* full.work.remote("a")
      yield* probe.started("a")
      yield* fork(Effect.exit(full.note("y")))
      const { calls } = yield* ActorSystem.snapshot()
      assert.isTrue(calls.some(({ stage }) => stage === "suspended"))
    })
  )

  own("does not run in circles", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn()
      const body = Effect.timeout(worker.note("x"), "1 hour")
      const ref = yield* worker.run.remote(body)
      yield* settle
      assert.strictEqual(
        yield* explain(ref),
        "test/Worker.run #n: running 0 ms, waiting on `test/Worker.note` #n (waiting 0 ms: first in line behind `test/Worker.run` #n again)"
      )
    })
  )

  own("takes refs only", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(ObjectRef.explain({} as any))
      assert.match(String(exit), /ObjectRef.explain takes ObjectRefs/)
    })
  )
})

describe("11 ActorSystem.watch", () => {
  const brief = (event: ActorSystem.Event): string => {
    const method = "method" in event ? ` ${event.name}` : ""
    return `${event._tag}${method}`
  }

  own("tells what happens to calls and instances, in order", () =>
    Effect.gen(function* () {
      const log: Array<ActorSystem.Event> = []
      yield* ActorSystem.watch((event) => log.push(event))
      const probe = new Probe()
      yield* Effect.scoped(
        Effect.gen(function* () {
          const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
          yield* worker.note("inline")
          const ref = yield* worker.run.remote(Effect.yieldNow)
          yield* ref
          const held = yield* worker.work.remote("held")
          const waiting = yield* worker.note.remote("cancelled")
          yield* probe.started("held")
          yield* ObjectRef.cancel(waiting)
          yield* probe.open("held")
          yield* held
          yield* Effect.exit(worker.fail("no"))
        })
      )
      assert.deepStrictEqual(log.map(brief), [
        "InstanceStarted",
        "Submitted note",
        "Started note",
        "Settled note",
        "Submitted run",
        "Started run",
        "Settled run",
        "Submitted work",
        "Submitted note",
        "Started work",
        "Settled note",
        "Settled work",
        "Submitted fail",
        "Started fail",
        "Settled fail",
        "InstanceDied",
        "InstanceGone"
      ])
    })
  )

  own("measures waiting and running apart, and names the submitter", () =>
    Effect.gen(function* () {
      const log: Array<ActorSystem.Event> = []
      yield* ActorSystem.watch((event) => log.push(event))
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      const other = yield* Worker.spawn(probe)
      yield* worker.work.remote("first")
      const parent = yield* other.run.remote(worker.work("second"))
      yield* probe.started("first")
      yield* TestClock.adjust("2 seconds")
      yield* probe.open("first")
      yield* probe.started("second")
      yield* TestClock.adjust("3 seconds")
      yield* probe.open("second")
      yield* parent
      assert.deepInclude(
        log.findLast((event) => event._tag === "Submitted"),
        { parent: parent.id, asked: true }
      )
      assert.deepInclude(
        log.findLast((event) => event._tag === "Started"),
        { waited: 2000, attempt: 1, at: 2000 }
      )
      assert.deepInclude(
        log.findLast((event) => event._tag === "Settled" && event.name === "work"),
        { outcome: "succeeded", waited: 2000, ran: 3000, error: undefined }
      )
    })
  )

  own("tells of restarts, calls that run again, and calls that are refused", () =>
    Effect.gen(function* () {
      const log: Array<ActorSystem.Event> = []
      yield* ActorSystem.watch((event) => log.push(event))
      let left = 1
      const flaky = Effect.suspend(() => (left-- > 0 ? Effect.die(new Error("bug")) : Effect.void))
      const options = { restart: Schedule.spaced("1 second"), maxTaskRetries: 1, maxPendingCalls: 1 }
      const worker = yield* Worker.options(options).spawn()
      const ref = yield* worker.run.remote(flaky)
      yield* settle
      yield* errorOf(worker.note("no room"))
      yield* TestClock.adjust("1 second")
      yield* ref
      assert.deepStrictEqual(log.map(brief), [
        "InstanceStarted",
        "Submitted run",
        "Started run",
        "Requeued run",
        "InstanceRestarting",
        "Refused note",
        "InstanceRestarted",
        "Started run",
        "Settled run"
      ])
      assert.deepInclude(
        log.find((event) => event._tag === "InstanceRestarting"),
        { error: "Error: bug" }
      )
      assert.deepInclude(
        log.findLast((event) => event._tag === "Started"),
        { attempt: 2, waited: 1000 }
      )
    })
  )

  own("ends with its Scope, and costs a field after that", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const worker = yield* Worker.spawn()
      const watched = Effect.andThen(
        ActorSystem.watch((event) => log.push(brief(event))),
        worker.note("a")
      )
      yield* Effect.scoped(watched)
      yield* worker.note("b")
      assert.deepStrictEqual(log, ["Submitted note", "Started note", "Settled note"])
    })
  )

  own("drops a watcher that throws, and spares the call and the other watchers", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const logged: Array<unknown> = []
      let thrown = 0
      const bad = ActorSystem.watch(() => {
        thrown++
        throw new Error("a bug in a watcher")
      })
      const logger = Logger.make(({ cause, logLevel, message }) =>
        logged.push(logLevel, `${message} ${Cause.pretty(cause)}`)
      )
      yield* Effect.provide(bad, Logger.layer([logger]))
      yield* ActorSystem.watch((event) => log.push(brief(event)))
      const worker = yield* Worker.spawn()
      assert.strictEqual(yield* worker.note("a"), "a")
      assert.deepStrictEqual([thrown, log.length], [1, 4])
      assert.deepStrictEqual(logged[0], "Error")
      assert.match(String(logged[1]), /A watcher of ActorSystem.watch threw.*a bug in a watcher/)
    })
  )

  own("hears nothing of other systems", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      yield* ActorSystem.watch((event) => log.push(brief(event)))
      yield* alone(Effect.scoped(Effect.flatMap(Worker.spawn(), (worker) => worker.note("a"))))
      assert.deepStrictEqual(log, [])
    })
  )

  own("finds calls that were under way before, too", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      const first = yield* worker.work.remote("a")
      const second = yield* worker.note.remote("b")
      yield* probe.started("a")
      yield* TestClock.adjust("1 second")
      const log: Array<ActorSystem.Event> = []
      yield* ActorSystem.watch((event) => log.push(event))
      yield* probe.open("a")
      yield* Effect.all([first, second])
      assert.deepStrictEqual(log.map(brief), ["Settled work", "Started note", "Settled note"])
      assert.deepInclude(log[0], { ran: 1000 })
      assert.deepInclude(log[1], { waited: 1000 })
    })
  )

  own("gives the same as a Stream", () =>
    Effect.gen(function* () {
      const fiber = yield* fork(ActorSystem.events().pipe(Stream.map(brief), Stream.take(3), Stream.runCollect))
      yield* settle
      yield* Effect.flatMap(Worker.spawn(), (worker) => worker.note("a"))
      assert.deepStrictEqual(yield* Fiber.join(fiber), ["InstanceStarted", "Submitted note", "Started note"])
    })
  )
})

describe("11.5 a stream that has the only permit of its actor", () => {
  class Feed extends Actor.Service<Feed>()("test/Feed", {
    shutdownTimeout: 0,
    concurrencyGroups: { apart: { maxConcurrency: 1, methods: ["apart"] } },
    make: Effect.succeed({
      changes: () => Stream.never,
      apart: () => Stream.never,
      post: () => Effect.void
    })
  }) {}

  own("11.5 is named where a call is explained, and in a warning once it has been open for a minute", () =>
    Effect.gen(function* () {
      const logged: Array<string> = []
      const logger = Logger.make(({ logLevel, message }) => void logged.push(`${logLevel} ${String(message)}`))
      yield* Effect.gen(function* () {
        const feeds = [
          yield* Feed.options({ maxConcurrency: 1 }).spawn(),
          yield* Feed.options({ maxConcurrency: 1 }).spawn(),
          yield* Feed.options({ maxConcurrency: 2 }).spawn()
        ]
        for (const feed of feeds)
          for (const items of [feed.changes(), feed.apart()]) yield* fork(Stream.runDrain(items))
        yield* settle
        const text = yield* ObjectRef.explain(yield* feeds[0]!.post.remote())
        assert.match(
          text,
          /first in line behind `test\/Feed\.changes` #\d+ \(running .*, a stream that has the only permit until it ends\)/
        )
        yield* TestClock.adjust("59 seconds")
        assert.deepStrictEqual(logged, [])
        yield* TestClock.adjust("1 hour")
      }).pipe(Effect.provide(Logger.layer([logger])))
      assert.strictEqual(logged.length, 1)
      assert.match(
        logged[0]!,
        /^Warn test\/Feed\.changes #\d+ is a stream that has had the only permit of its actor for 1 minute/
      )
    })
  )

  own("11.5 one that ends in time is not", () =>
    Effect.gen(function* () {
      const logged: Array<unknown> = []
      const logger = Logger.make(({ message }) => void logged.push(message))
      class Short extends Actor.Service<Short>()("test/Short", {
        maxConcurrency: 1,
        make: Effect.succeed({ items: () => Stream.never })
      }) {}
      yield* Effect.gen(function* () {
        const short = yield* Short.spawn()
        const reader = yield* fork(Stream.runDrain(short.items()))
        yield* TestClock.adjust("50 seconds")
        yield* Fiber.interrupt(reader)
        yield* TestClock.adjust("1 hour")
      }).pipe(Effect.provide(Logger.layer([logger])))
      assert.deepStrictEqual(logged, [])
    })
  )
})

import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorPool, ActorSystem, ObjectRef } from "@troupe/core"
import { Effect, Exit, Fiber, References, Schedule, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { db, defectOf, errorOf, fork, Probe, range, reasonOf, settle, Worker, withDb } from "./support.ts"

/** Starts a pool of workers that one probe holds. */
const poolOf = (
  probe: Probe,
  size: number,
  options: Pick<ActorPool.PoolOptions<object, never, never>, "callsPerMember" | "onDeath"> = {}
) => ActorPool.make({ spawn: Worker.spawn(probe), size, ...options })

type Member = Effect.Success<ReturnType<typeof Worker.spawn>>

describe("7.4", () => {
  it.effect("7.4 it spreads calls over instances, least busy first", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const pool = yield* poolOf(probe, 3, { callsPerMember: 2 })
      const on = new Map<Member, number>()
      for (const i of range(6)) {
        yield* pool.remote((member) => {
          on.set(member, (on.get(member) ?? 0) + 1)
          return member.work(`${i}`)
        })
        yield* settle
        const counts = [...on.values()]
        assert.isAtMost(Math.max(...counts) - (on.size < 3 ? 0 : Math.min(...counts)), 1)
      }
      assert.deepStrictEqual([...on.values()], [2, 2, 2])
      yield* probe.open("1")
      yield* settle
      let chosen: Member | undefined
      const [free] = yield* pool.members
      yield* pool.run((member) => {
        chosen = member
        return member.echo(1)
      })
      assert.strictEqual(chosen, free)
    })
  )

  it.effect(
    "7.4 a member has at most callsPerMember pieces of work, 1 unless told otherwise; the rest wait in line",
    () =>
      Effect.gen(function* () {
        for (const callsPerMember of [1, 2]) {
          const probe = new Probe()
          const pool = yield* poolOf(probe, 2, { callsPerMember })
          const ids = range(10).map(String)
          const refs = yield* Effect.forEach(ids, (id) => pool.remote((member) => member.work(id)))
          yield* settle
          assert.strictEqual(probe.running, 2 * callsPerMember)
          yield* probe.open(...ids)
          assert.deepStrictEqual(yield* ObjectRef.all(refs), ids)
          assert.deepStrictEqual(probe.startOrder, ids, "in order")
          assert.strictEqual(probe.peak, 2 * callsPerMember)
        }
      })
  )

  it.effect("7.4 map gives results in the order of the items", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const pool = yield* poolOf(probe, 3)
      const all = yield* fork(Stream.runCollect(pool.map(["a", "b", "c", "d"], (member, id) => member.work(id))))
      for (const id of ["c", "b", "d", "a"]) {
        yield* probe.open(id)
        yield* settle
      }
      assert.deepStrictEqual(yield* Fiber.join(all), ["a", "b", "c", "d"])
    })
  )

  it.effect("7.4 mapUnordered gives each result as soon as it is there", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const pool = yield* poolOf(probe, 3)
      const seen: Array<string> = []
      const all = yield* fork(
        Stream.runForEach(
          pool.mapUnordered(["a", "b", "c", "d"], (member, id) => member.work(id)),
          (id) => Effect.sync(() => seen.push(id))
        )
      )
      for (const id of ["c", "b", "d", "a"]) {
        yield* probe.open(id)
        yield* settle
        assert.strictEqual(seen.at(-1), id)
      }
      yield* Fiber.join(all)
    })
  )

  it.effect("7.4 map takes a Stream, and fails with its error, or that of the work", () =>
    Effect.gen(function* () {
      const pool = yield* poolOf(new Probe(), 2)
      const doubled = pool.map(Stream.range(1, 5), (member, n) => member.add(n, n))
      assert.deepStrictEqual(yield* Stream.runCollect(doubled), [2, 4, 6, 8, 10])
      const broken = pool.map(Stream.concat(Stream.make(1), Stream.fail("source")), (member, n) => member.echo(n))
      assert.strictEqual(yield* errorOf(Stream.runDrain(broken)), "source")
      const failing = pool.map([1, 2], (member, n) => member.fail(`work ${n}`))
      assert.strictEqual(yield* errorOf(Stream.runDrain(failing)), "work 1")
      assert.deepStrictEqual(yield* Stream.runCollect(pool.map([], (member) => member.echo(1))), [])
    })
  )

  for (const kind of ["map", "mapUnordered"] as const) {
    it.effect(`7.4 ${kind} is backpressured: items are taken as members have room`, () =>
      Effect.gen(function* () {
        const probe = new Probe()
        const pool = yield* poolOf(probe, 2)
        let taken = 0
        const endless = (function* () {
          for (;;) yield `${taken++}`
        })()
        const results = pool[kind](endless, (member, id) => member.work(id))
        yield* settle
        assert.strictEqual(taken, 0, "nothing before the stream is run")
        const some = yield* fork(Stream.runCollect(Stream.take(results, 4)))
        yield* settle
        assert.deepStrictEqual(probe.startOrder, ["0", "1"])
        assert.isAtMost(taken, 4, "no more than the members have, and the next")
        yield* probe.open("0", "1")
        yield* settle
        assert.deepStrictEqual(probe.startOrder, ["0", "1", "2", "3"])
        assert.isAtMost(taken, 6)
        yield* probe.open("2", "3")
        assert.sameMembers(yield* Fiber.join(some), ["0", "1", "2", "3"])
        yield* settle
        assert.strictEqual(probe.running, 0, "what was begun beyond the four is cancelled")
      })
    )
  }

  it.effect("7.4 a consumer that is interrupted cancels the work of its map", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const pool = yield* poolOf(probe, 2)
      const consumer = yield* fork(Stream.runDrain(pool.map(["a", "b", "c"], (member, id) => member.work(id))))
      yield* probe.started("b")
      yield* Fiber.interrupt(consumer)
      assert.strictEqual(probe.running, 0)
      assert.deepStrictEqual(probe.startOrder, ["a", "b"])
      assert.strictEqual(yield* pool.run((member) => member.echo(1)), 1)
    })
  )

  it.effect("7.4 the refs of a pool can be awaited and cancelled, running or in line", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const pool = yield* poolOf(probe, 1)
      const running = yield* pool.remote((member) => member.work("running"))
      const waiting = yield* pool.remote((member) => member.work("waiting"))
      const last = yield* pool.remote((member) => member.work("last"))
      yield* probe.started("running")
      assert.strictEqual(yield* ObjectRef.cancel(waiting), "NotStarted")
      assert.strictEqual(yield* ObjectRef.cancel(running), "Interrupted")
      assert.strictEqual((yield* reasonOf(running))._tag, "TaskCancelled")
      yield* probe.open("last")
      assert.strictEqual(yield* last, "last")
      assert.deepStrictEqual(probe.log, ["running start", "running cut", "last start", "last end"])
    })
  )

  it.effect("7.4 interrupting run cancels its work on the member", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const pool = yield* poolOf(probe, 1)
      const asker = yield* fork(pool.run((member) => member.work("a")))
      yield* probe.started("a")
      yield* Fiber.interrupt(asker)
      assert.deepStrictEqual(probe.log, ["a start", "a cut"])
    })
  )

  it.effect("7.4 work has the services of its caller, not those that were there when the pool was made", () =>
    Effect.gen(function* () {
      const pool = yield* withDb(poolOf(new Probe(), 1), "pool")
      assert.strictEqual(
        yield* withDb(
          pool.run(() => db),
          "caller"
        ),
        "caller"
      )
      const ref = yield* withDb(
        pool.remote(() => db),
        "caller"
      )
      assert.strictEqual(yield* ref, "caller")
    })
  )

  it.effect("7.4 what work acquires in the Scope of its caller is released with that Scope", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const pool = yield* poolOf(probe, 1)
      yield* Effect.scoped(
        pool.run((member) =>
          Effect.andThen(
            Effect.addFinalizer(() => probe.note("released")),
            member.note("worked")
          )
        )
      )
      assert.deepStrictEqual(probe.log, ["worked", "released"])
    })
  )

  it.effect("7.4 a dead member is replaced", () =>
    Effect.gen(function* () {
      const pool = yield* poolOf(new Probe(), 2)
      const before = yield* pool.members
      yield* Actor.kill(before[0]!)
      yield* settle
      const after = yield* pool.members
      assert.strictEqual(after.length, 2)
      assert.include(after, before[1])
      assert.notInclude(after, before[0])
      assert.deepStrictEqual(yield* Stream.runCollect(pool.map(range(10), (member, n) => member.echo(n))), range(10))
    })
  )

  it.effect("7.4 with onDeath: drop it goes on with those left, and with less work at a time", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const pool = yield* poolOf(probe, 3, { onDeath: "drop" })
      const [first, ...rest] = yield* pool.members
      yield* Actor.kill(first!)
      yield* settle
      assert.sameMembers([...(yield* pool.members)], rest)
      const ids = range(6).map(String)
      const refs = yield* Effect.forEach(ids, (id) => pool.remote((member) => member.work(id)))
      yield* settle
      assert.strictEqual(probe.running, 2)
      yield* probe.open(...ids)
      assert.deepStrictEqual(yield* ObjectRef.all(refs), ids)
    })
  )

  for (const onDeath of ["replace", "drop"] as const) {
    it.effect(`7.4 no work of a dead member is lost silently (onDeath: "${onDeath}")`, () =>
      Effect.gen(function* () {
        const probe = new Probe()
        const pool = yield* poolOf(probe, 2, { onDeath })
        const ids = range(8).map(String)
        const on = new Map<string, Member>()
        const refs = yield* Effect.forEach(ids, (id) =>
          pool.remote((member) => {
            on.set(id, member)
            return member.work(id)
          })
        )
        yield* probe.started("1")
        yield* Actor.kill(on.get("0")!)
        const died = yield* reasonOf(refs[0]!)
        assert.deepInclude(died, { _tag: "ActorDied", mayHaveRun: true }, "it was running, and is not run again")
        yield* probe.open(...ids)
        assert.deepStrictEqual(yield* ObjectRef.all(refs.slice(1)), ids.slice(1))
        assert.deepStrictEqual(probe.startOrder.toSorted(), ids, "each ran once")
      })
    )
  }

  it.effect("7.4 work that fails since its member died before it could run goes to another member", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      // Each worker runs one call at a time, so a second one waits in the line of its member.
      const pool = yield* ActorPool.make({
        spawn: Worker.options({ maxConcurrency: 1 }).spawn(probe),
        size: 1,
        callsPerMember: 2
      })
      const running = yield* pool.remote((member) => member.work("running"))
      const waiting = yield* pool.remote((member) => member.note("waiting"))
      yield* probe.started("running")
      yield* settle
      yield* Actor.kill((yield* pool.members)[0]!)
      assert.strictEqual((yield* reasonOf(running))._tag, "ActorDied")
      assert.strictEqual(yield* waiting, "waiting")
      assert.deepStrictEqual(probe.log, ["running start", "running cut", "waiting"])
    })
  )

  it.effect("7.4 work that has run in part when its member dies is not run again", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const pool = yield* poolOf(probe, 1)
      const ref = yield* pool.remote((member) =>
        Effect.gen(function* () {
          yield* member.note("first half")
          yield* probe.work("between")
          yield* member.note("second half")
        })
      )
      yield* probe.started("between")
      yield* Actor.kill((yield* pool.members)[0]!)
      yield* probe.open("between")
      assert.strictEqual((yield* reasonOf(ref))._tag, "ActorDied")
      assert.strictEqual(probe.log.filter((event) => event === "first half").length, 1)
    })
  )

  it.effect("7.4 a member that is ending gets no work, counts as no member, and leaves its room to nobody", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      class Ending extends Actor.Service<Ending>()("test/Ending", {
        shutdownTimeout: 0,
        make: Effect.as(
          Effect.addFinalizer(() => probe.gate("end")),
          { work: probe.work }
        )
      }) {}
      const pool = yield* ActorPool.make({ spawn: Ending.spawn(), size: 2, onDeath: "drop" })
      yield* Effect.addFinalizer(() => probe.open("a", "b", "end"))
      const [first, second] = yield* pool.members
      const kill = yield* fork(Actor.kill(first!))
      assert.deepStrictEqual(yield* pool.members, [second!])
      for (const id of ["a", "b"]) yield* pool.remote((member) => member.work(id))
      yield* settle
      assert.strictEqual(probe.running, 1, "callsPerMember is 1, and one member is left")
      yield* probe.open("a", "b", "end")
      yield* Fiber.join(kill)
    })
  )

  it.effect("7.4 when all are dead and dropped, its work fails with ActorDied, waiting and new", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const pool = yield* poolOf(probe, 2, { onDeath: "drop" })
      const refs = yield* Effect.forEach(["a", "b", "c"], (id) => pool.remote((member) => member.work(id)))
      yield* probe.started("b")
      for (const member of yield* pool.members) yield* Actor.kill(member)
      for (const ref of refs) assert.strictEqual((yield* reasonOf(ref))._tag, "ActorDied")
      const reason = yield* reasonOf(pool.run((member) => member.echo(1)))
      if (reason._tag !== "ActorDied") return assert.fail(reason._tag)
      assert.match(reason.why, /all its members have died/)
      assert.deepStrictEqual(yield* pool.members, [])
      assert.strictEqual(
        (yield* reasonOf(Stream.runDrain(pool.map([1], (member, n) => member.echo(n)))))._tag,
        "ActorDied"
      )
    })
  )

  it.effect("7.4 when a dead member cannot be replaced, it goes on with those left", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      let spawned = 0
      const spawn = Effect.suspend(() => (++spawned > 2 ? Effect.fail("no more") : Worker.spawn(probe)))
      const pool = yield* ActorPool.make({ spawn, size: 2, restart: Schedule.recurs(1) })
      const [first, second] = yield* pool.members
      yield* Actor.kill(first!)
      yield* settle
      assert.deepStrictEqual(yield* pool.members, [second!])
      assert.strictEqual(yield* pool.run((member) => member.echo(1)), 1)
      yield* Actor.kill(second!)
      yield* settle
      assert.strictEqual((yield* reasonOf(pool.run((member) => member.echo(1))))._tag, "ActorDied")
    })
  )

  it.effect("7.4 work waits for the replacement of the only member", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      let spawned = 0
      const spawn = Effect.suspend(() =>
        ++spawned > 1 ? Effect.andThen(probe.gate("replacement"), Worker.spawn(probe)) : Worker.spawn(probe)
      )
      const pool = yield* ActorPool.make({ spawn, size: 1 })
      yield* Actor.kill((yield* pool.members)[0]!)
      const ref = yield* pool.remote((member) => member.echo(1))
      const given = yield* pool.remote((member) => member.echo(2))
      yield* settle
      assert.strictEqual(yield* ObjectRef.cancel(given), "NotStarted")
      yield* probe.open("replacement")
      assert.strictEqual(yield* ref, 1)
    })
  )

  it.effect("7.4 a pool whose members cannot be started fails as they do, and leaves none behind", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      let spawned = 0
      const spawn = Effect.suspend(() => (++spawned === 3 ? Effect.fail("third") : Worker.spawn(probe)))
      assert.strictEqual(yield* errorOf(Effect.scoped(ActorPool.make({ spawn, size: 5 }))), "third")
      assert.strictEqual(spawned, 3)
    })
  )

  it.effect("7.4 a pool ends with its Scope: work is interrupted after the members' shutdown, and members die", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const scope = yield* Scope.make()
      const pool = yield* Scope.provide(poolOf(probe, 2), scope)
      const members = yield* pool.members
      const ref = yield* pool.remote((member) => member.work("a"))
      yield* probe.started("a")
      const close = yield* fork(Scope.close(scope, Exit.void))
      yield* TestClock.adjust("5 seconds")
      yield* Fiber.join(close)
      assert.strictEqual((yield* reasonOf(ref))._tag, "ActorDied")
      for (const member of members) assert.strictEqual((yield* reasonOf(member.echo(1)))._tag, "ActorDied")
      assert.strictEqual((yield* reasonOf(pool.run((member) => member.echo(1))))._tag, "ActorDied")
      assert.strictEqual(probe.running, 0)
    })
  )

  it.effect("7.4 a pool whose maker is interrupted leaves nothing behind, at whatever operation that is", () =>
    Effect.gen(function* () {
      for (const operations of range(60)) {
        const maker = yield* Effect.scoped(poolOf(new Probe(), 2)).pipe(
          Effect.provideService(References.MaxOpsBeforeYield, operations + 3),
          Effect.forkChild
        )
        yield* Effect.yieldNow
        yield* Fiber.interrupt(maker)
        const { instances } = yield* ActorSystem.snapshot()
        assert.isTrue(
          instances.every(({ state }) => state === "dead"),
          `after ${operations + 3} operations`
        )
      }
    }).pipe(Effect.provide(ActorSystem.layer))
  )

  it.effect("7.4 a pool whose members were all replaced ends as the first one would: accepted work finishes", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const scope = yield* Scope.make()
      const spawn = Worker.options({ shutdownTimeout: "5 seconds" }).spawn(probe)
      const pool = yield* Scope.provide(ActorPool.make({ spawn, size: 2 }), scope)
      for (const _ of range(4)) {
        yield* Actor.kill((yield* pool.members)[0]!)
        yield* TestClock.adjust("1 second")
      }
      const refs = yield* Effect.forEach(["a", "b", "c", "d", "e"], (id) => pool.remote((member) => member.work(id)))
      yield* probe.started("b")
      const close = yield* fork(Scope.close(scope, Exit.void))
      yield* settle
      yield* probe.open("a", "b", "c", "d", "e")
      yield* Fiber.join(close)
      assert.deepStrictEqual(yield* ObjectRef.all(refs), ["a", "b", "c", "d", "e"])
    })
  )

  it.effect("7.4 bad options die with a RangeError that names them", () =>
    Effect.gen(function* () {
      for (const size of [0, -1, 1.5]) {
        assert.match(String(yield* defectOf(poolOf(new Probe(), size))), /RangeError: ActorPool: size must be/)
      }
      const defect = yield* defectOf(poolOf(new Probe(), 1, { callsPerMember: 0 }))
      assert.match(String(defect), /RangeError: ActorPool: callsPerMember must be/)
      const policy = yield* defectOf(poolOf(new Probe(), 1, { onDeath: "mourn" as never }))
      assert.match(String(policy), /RangeError: ActorPool: onDeath must be "replace" or "drop"/)
      assert.match(String(yield* defectOf(poolOf(new Probe(), Infinity))), /RangeError: ActorPool: size/)
    })
  )
})

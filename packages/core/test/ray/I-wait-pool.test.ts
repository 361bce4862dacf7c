import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorPool, Driver, ObjectRef, Task } from "@troupe/core"
import { Cause, Deferred, Effect, Exit, Fiber, Option, Queue, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { defectOf, errorOf, fork, Probe, range, reasonOf, settle, Worker } from "../support.ts"

const drive = Effect.provide(Driver.layer)

describe("I: wait", () => {
  it.effect("test_wait: at most numReturns ready refs, both lists in input order, failed refs are ready", () =>
    Effect.gen(function* () {
      const never = yield* ObjectRef.fromEffect(Effect.never)
      const [one, failed, three] = [ObjectRef.succeed(1), ObjectRef.fail("failed"), ObjectRef.succeed(3)]
      const refs = [never, one, failed, three]
      assert.deepStrictEqual(yield* ObjectRef.wait(refs), [[one], [never, failed, three]])
      assert.deepStrictEqual(yield* ObjectRef.wait(refs, { numReturns: 2 }), [
        [one, failed],
        [never, three]
      ])
      assert.deepStrictEqual(yield* ObjectRef.wait(refs, { numReturns: 4, timeout: 0 }), [
        [one, failed, three],
        [never]
      ])
      assert.deepStrictEqual(yield* ObjectRef.wait([]), [[], []])
    }).pipe(drive)
  )

  it.effect("test_wait: it waits until numReturns are ready, in whatever order they get ready", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const refs = yield* Effect.forEach(["a", "b", "c"], (id) => worker.work.remote(id))
      const waiting = yield* fork(ObjectRef.wait(refs, { numReturns: 2 }))
      yield* probe.open("c")
      yield* settle
      assert.isUndefined(waiting.pollUnsafe())
      yield* probe.open("a")
      assert.deepStrictEqual(yield* Fiber.join(waiting), [[refs[0]!, refs[2]!], [refs[1]!]])
    }).pipe(drive)
  )

  it.effect("test_wait_timeout: it gives what is ready then, and disturbs nothing", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const nap = (millis: number) => worker.run.remote(Effect.as(Effect.sleep(millis), millis) as Effect.Effect<any>)
      const refs = [yield* nap(3000), yield* nap(100)]
      const waiting = yield* fork(ObjectRef.wait(refs, { numReturns: 2, timeout: "1 second" }))
      yield* settle
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* Fiber.join(waiting), [[refs[1]!], [refs[0]!]])
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(yield* refs[0]!, 3000)
    }).pipe(drive)
  )

  it.effect("test_wait_validation: what makes no sense dies with a RangeError that says which and why", () =>
    Effect.gen(function* () {
      const refs = [ObjectRef.succeed(1), ObjectRef.succeed(2)]
      const wait = (...args: Parameters<typeof ObjectRef.wait>) =>
        Effect.map(defectOf(Effect.suspend(() => ObjectRef.wait(...args))), (defect) => {
          assert.instanceOf(defect, RangeError)
          return (defect as RangeError).message
        })
      const must = "ObjectRef.wait: numReturns must be an integer from 1 to the number of refs (2), but is"
      for (const numReturns of [0, -1, 3, 1.5, Number.NaN]) {
        assert.strictEqual(yield* wait(refs, { numReturns }), `${must} ${numReturns}`)
      }
      assert.include(yield* wait([refs[0]!, refs[0]!]), "the refs must be distinct")
      assert.include(
        yield* wait(refs, { timeout: -1 }),
        'timeout must be a duration of at least 0, like "5 seconds", but is -1'
      )
    }).pipe(drive)
  )

  it.effect("test_wait_validation: a single ref, or what is no ref, does not compile and is refused", () =>
    Effect.gen(function* () {
      // @ts-expect-error -- a list of refs
      const single = yield* Effect.exit(Effect.suspend(() => ObjectRef.wait(ObjectRef.succeed(1))))
      assert.isTrue(Exit.isFailure(single))
      // @ts-expect-error -- a list of refs
      const numbers = yield* Effect.exit(Effect.suspend(() => ObjectRef.wait([1, 2])))
      assert.isTrue(Exit.isFailure(numbers))
      assert.include(String(numbers), "TypeError")
    }).pipe(drive)
  )

  it.effect("wait over 1000 refs, one at a time, gives each once", () =>
    Effect.gen(function* () {
      const identity = Task.make("identity", (n: number) => Effect.as(Effect.yieldNow, n))
      let pending: ReadonlyArray<ObjectRef.Any> = yield* Effect.forEach(range(1000), (i) => identity.remote(i))
      const seen: Array<number> = []
      while (pending.length > 0) {
        const [ready, rest] = yield* ObjectRef.wait(pending)
        seen.push(yield* ObjectRef.get(ready[0]!))
        pending = rest
      }
      assert.deepStrictEqual(
        seen.sort((a, b) => a - b),
        range(1000)
      )
    }).pipe(drive)
  )
})

describe("I: get", () => {
  it.effect("test_get: values in the shape of the refs: one, a list, (stronger) a tuple, a record; none", () =>
    Effect.gen(function* () {
      const [one, two] = [ObjectRef.succeed(1), ObjectRef.succeed("two")]
      assert.strictEqual(yield* ObjectRef.get(one), 1)
      const values: [number, string] = yield* ObjectRef.get([one, two])
      assert.deepStrictEqual(values, [1, "two"])
      assert.deepStrictEqual(yield* ObjectRef.get({ one, two }), { one: 1, two: "two" })
      assert.deepStrictEqual(yield* ObjectRef.get([]), [])
      assert.deepStrictEqual(yield* ObjectRef.get([one, one]), [1, 1])
    }).pipe(drive)
  )

  it.effect("test_get_with_failure: the first failure is thrown without waiting for a 3 s call", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const slow = yield* worker.run.remote(Effect.sleep("3 seconds") as Effect.Effect<any>)
      const failing = yield* worker.fail.remote("failed")
      assert.strictEqual(yield* errorOf(ObjectRef.get([slow, failing])), "failed")
    }).pipe(drive)
  )

  it.effect("test_get_timeout: how many of how many were not ready; the call goes on; 0 takes what is ready", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const ref = yield* worker.run.remote(Effect.as(Effect.sleep("3 seconds"), "late") as Effect.Effect<any>)
      const getting = yield* fork(errorOf(ObjectRef.get([ref, ObjectRef.succeed(1)], { timeout: "100 millis" })))
      yield* settle
      yield* TestClock.adjust("100 millis")
      const error = yield* Fiber.join(getting)
      assert.isTrue(Cause.isTimeoutError(error))
      assert.strictEqual((error as Error).message, "ObjectRef.get: 1 of 2 refs was not ready within 100ms")
      assert.isTrue(Cause.isTimeoutError(yield* errorOf(ObjectRef.get(ref, { timeout: 0 }))))
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(yield* ObjectRef.get(ref, { timeout: 0 }), "late")
    }).pipe(drive)
  )

  it.effect("(differs) a negative timeout is no infinite one: it is refused", () =>
    Effect.gen(function* () {
      const defect = yield* defectOf(Effect.suspend(() => ObjectRef.get(ObjectRef.succeed(1), { timeout: -1 })))
      assert.instanceOf(defect, RangeError)
    }).pipe(drive)
  )
})

describe("I: pool", () => {
  const pool = (probe = new Probe(), size = 2, onDeath: "replace" | "drop" = "replace") =>
    ActorPool.make({ spawn: Worker.spawn(probe), size, onDeath })

  it.effect("test_get_next: submit and take the results in order", () =>
    Effect.gen(function* () {
      const workers = yield* pool()
      const refs = yield* Effect.forEach(range(5), (i) => workers.remote((worker) => worker.echo(i)))
      for (const i of range(5)) assert.strictEqual(yield* refs[i]!, i)
    })
  )

  it.effect("test_get_next_unordered, test_map_unordered: as they come; test_map: in order", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const workers = yield* pool(probe)
      const run = (unordered: boolean, prefix: string) =>
        Effect.gen(function* () {
          const items = [`${prefix}0`, `${prefix}1`, `${prefix}2`, `${prefix}3`]
          const work = (worker: Worker["Service"], id: string) => worker.work(id)
          const stream = unordered ? workers.mapUnordered(items, work) : workers.map(items, work)
          const fiber = yield* fork(Stream.runCollect(stream))
          for (const id of [1, 0, 3, 2].map((i) => items[i]!)) {
            yield* settle
            yield* probe.open(id)
          }
          return (yield* Fiber.join(fiber)).map((id) => Number(id.slice(1)))
        })
      assert.deepStrictEqual(yield* run(false, "a"), [0, 1, 2, 3])
      assert.deepStrictEqual(yield* run(true, "b"), [1, 0, 3, 2])
    })
  )

  it.effect(
    "test_map_eager: (differs) map is a Stream: it submits when it is run, no more than members have room for",
    () =>
      Effect.gen(function* () {
        const probe = new Probe()
        const workers = yield* pool(probe)
        const taken: Array<number> = []
        const items = Stream.tap(Stream.fromIterable(range(100), { chunkSize: 1 }), (i) =>
          Effect.sync(() => taken.push(i))
        )
        const stream = workers.map(items, (worker, i) => worker.work(`${i}`))
        yield* settle
        assert.deepStrictEqual(taken, [])
        yield* fork(Stream.runDrain(stream))
        yield* settle
        assert.strictEqual(probe.running, 2)
        assert.isAtMost(taken.length, 4)
      })
  )

  it.effect("test_get_next_timeout: a wait of 0.1 s fails with a TimeoutError, the work goes on", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const workers = yield* pool(probe)
      const ref = yield* workers.remote((worker) => worker.work("slow"))
      const waiting = yield* fork(errorOf(Effect.timeout(ref, "100 millis")))
      yield* settle
      yield* TestClock.adjust("100 millis")
      assert.isTrue(Cause.isTimeoutError(yield* Fiber.join(waiting)))
      yield* probe.open("slow")
      assert.strictEqual(yield* ref, "slow")
    })
  )

  it.effect("test_multiple_returns: results can be tuples", () =>
    Effect.gen(function* () {
      const workers = yield* pool()
      const results = workers.map([1, 2], (worker, i) => worker.echo([i, i + 1]))
      assert.deepStrictEqual(yield* Stream.runCollect(results), [
        [1, 2],
        [2, 3]
      ])
    })
  )

  it.effect("work waits in line while all members are busy, and starts when one is free", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const workers = yield* pool(probe)
      yield* Effect.forEach(["a", "b", "c"], (id) => workers.remote((worker) => worker.work(id)))
      yield* settle
      assert.deepStrictEqual(probe.startOrder, ["a", "b"])
      yield* probe.open("b")
      yield* settle
      assert.deepStrictEqual(probe.startOrder, ["a", "b", "c"])
      yield* probe.open("a", "c")
    })
  )

  it.effect("a dead member: its running work fails with ActorDied, the rest goes to the others, it is replaced", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const workers = yield* pool(probe)
      const [victim] = yield* workers.members
      const refs = yield* Effect.forEach(["a", "b", "c"], (id) => workers.remote((worker) => worker.work(id)))
      yield* settle
      yield* Actor.kill(victim!)
      yield* settle
      yield* probe.open("a", "b", "c")
      const exits = yield* ObjectRef.allSettled(refs)
      assert.strictEqual(exits.filter(Exit.isFailure).length, 1)
      assert.isTrue(Exit.isSuccess(exits[2]!))
      const members = yield* workers.members
      assert.strictEqual(members.length, 2)
      assert.notInclude(members, victim)
    })
  )

  it.effect("without members and with onDeath: 'drop', work fails and does not hang", () =>
    Effect.gen(function* () {
      const workers = yield* pool(new Probe(), 1, "drop")
      const waiting = yield* workers.remote((worker) => worker.work("a"))
      yield* settle
      for (const member of yield* workers.members) yield* Actor.kill(member)
      yield* settle
      assert.strictEqual((yield* reasonOf(waiting))._tag, "ActorDied")
      assert.strictEqual((yield* reasonOf(workers.run((worker) => worker.echo(1))))._tag, "ActorDied")
    })
  )

  it.effect("cancelling the ref of pooled work, or interrupting who waits for it, ends it on its member", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const workers = yield* pool(probe)
      const ref = yield* workers.remote((worker) => worker.work("a"))
      yield* settle
      assert.strictEqual(yield* ObjectRef.cancel(ref), "Interrupted")
      const asker = yield* fork(workers.run((worker) => worker.work("b")))
      yield* settle
      yield* Fiber.interrupt(asker)
      assert.deepStrictEqual(probe.log, ["a start", "a cut", "b start", "b cut"])
      assert.strictEqual(yield* workers.run((worker) => worker.echo(1)), 1)
    })
  )

  it.effect("a pool that cannot start fails with the error of its members' constructor; its size is checked", () =>
    Effect.gen(function* () {
      const broken = Effect.fail("broken") as Effect.Effect<Worker["Service"], string>
      assert.strictEqual(yield* errorOf(ActorPool.make({ spawn: broken, size: 2 })), "broken")
      for (const size of [0, -1, 1.5]) {
        const exit = yield* Effect.exit(Effect.suspend(() => ActorPool.make({ spawn: broken, size })))
        assert.include(String(exit), `ActorPool: size must be an integer of at least 1, but is ${size}`)
      }
    })
  )

  it.effect("a Scope that closes lets pooled work finish, then the pool takes no more", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const scope = yield* Scope.make()
      const workers = yield* Scope.provide(pool(probe), scope)
      const ref = yield* workers.remote((worker) => worker.work("last"))
      yield* settle
      yield* probe.open("last")
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(yield* ref, "last")
      assert.strictEqual((yield* reasonOf(workers.run((worker) => worker.echo(1))))._tag, "ActorDied")
    })
  )

  it.effect("a failing item ends a map, and the pool goes on", () =>
    Effect.gen(function* () {
      const workers = yield* pool()
      const results = workers.map([1, 2, 3], (worker, i) => (i === 2 ? worker.fail("two") : worker.echo(i)))
      assert.strictEqual(yield* errorOf(Stream.runDrain(results)), "two")
      assert.strictEqual(yield* workers.run((worker) => worker.echo(1)), 1)
    })
  )
})

/** Ray's `ray.util.queue.Queue` is an actor around a queue, and so can ours be. */
class QueueActor extends Actor.Service<QueueActor>()("ray/Queue", {
  shutdownTimeout: 0,
  make: (capacity: number) =>
    Effect.map(Queue.bounded<number>(capacity), (queue) => ({
      put: (item: number) => Queue.offer(queue, item),
      get: () => Queue.take(queue),
      getNowait: () => Queue.poll(queue),
      size: () => Queue.size(queue)
    }))
}) {}

describe("I: a queue in an actor", () => {
  it.effect("test_get, test_put: getters wait for putters, putters for room, in order", () =>
    Effect.gen(function* () {
      const queue = yield* QueueActor.spawn(1)
      assert.isTrue(Option.isNone(yield* queue.getNowait()))
      const getting = yield* queue.get.remote()
      yield* queue.put(0)
      assert.strictEqual(yield* getting, 0)
      yield* queue.put(1)
      const putting = yield* queue.put.remote(2)
      yield* settle
      assert.include(String(putting), "running")
      assert.deepStrictEqual([yield* queue.get(), yield* queue.get()], [1, 2])
      assert.isTrue(yield* putting)
      assert.strictEqual(yield* queue.size(), 0)
    })
  )

  it.effect("test_get_async, test_put_async: a timeout of 0.2 s around a get takes the getter out of the queue", () =>
    Effect.gen(function* () {
      const queue = yield* QueueActor.spawn(1)
      const getting = yield* fork(errorOf(Effect.timeout(queue.get(), "200 millis")))
      yield* settle
      yield* TestClock.adjust("200 millis")
      assert.isTrue(Cause.isTimeoutError(yield* Fiber.join(getting)))
      yield* queue.put(1)
      assert.strictEqual(yield* queue.get(), 1)
    })
  )

  it.effect("1000 getters and putters at once: none is lost", () =>
    Effect.gen(function* () {
      const queue = yield* QueueActor.options({ maxConcurrency: Infinity }).spawn(10)
      const getters = yield* Effect.forEach(range(1000), () => queue.get.remote())
      const putters = yield* Effect.forEach(range(1000), (i) => queue.put.remote(i))
      yield* ObjectRef.all(putters)
      assert.deepStrictEqual(yield* ObjectRef.all(getters), range(1000))
    })
  )
})

describe("I: how an actor shows itself", () => {
  it.effect("test_basic_states: running, waiting and dead are told apart; a call says how long it waits or runs", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      const gate = yield* Deferred.make<void>()
      assert.match(String(worker), /^test\/Worker\(#\d+, 0 running, 0 waiting\)$/)
      const running = yield* worker.run.remote(Deferred.await(gate))
      const waiting = yield* worker.note.remote("waiting")
      yield* settle
      yield* TestClock.adjust("2 seconds")
      assert.match(String(worker), /1 running, 1 waiting/)
      assert.match(String(running), /test\/Worker\.run, running 2\.0 s/)
      assert.match(String(waiting), /test\/Worker\.note, waiting 2\.0 s/)
      yield* Deferred.succeed(gate, undefined)
      yield* waiting
      assert.match(String(running), /succeeded/)
      yield* Actor.kill(worker)
      assert.match(String(worker), /dead: it was killed/)
    })
  )
})

/**
 * The conformance suite (semantics 10.1): what an actor promises, whatever its home. Every home runs it.
 *
 * A test knows only contracts. It holds calls, and sees what happened, by calls of the actors themselves, so it makes no
 * assumption about where they live; what it notes has an id that no other test uses. Time on the caller's side is a test
 * clock's, and time where the actor lives is not looked at.
 */
import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorError, AsyncHandle, Broadcast, ObjectRef } from "@troupe/core"
import {
  Cause,
  Context,
  Deferred,
  Duration,
  Effect,
  Exit,
  Fiber,
  type Layer,
  Logger,
  Option,
  type Scope,
  Stream
} from "effect"
import { TestClock } from "effect/testing"
import { defectOf, fork, range, reasonOf, settle } from "../support.ts"
import { Box, Desk, Overflow, Point, Tenant } from "./actors.ts"
import type { BoxName, DeskName } from "./live.ts"

/** What the suite needs of a home. */
export interface Home {
  readonly name: string
  /** Provides the fixture of this name. */
  desk(fixture: DeskName): Layer.Layer<Desk, unknown>
  box(fixture: BoxName): Layer.Layer<Box, unknown>
  /** Starts an instance in the current Scope, if the home has a way to. */
  readonly spawn?: ((fixture: DeskName) => Effect.Effect<Desk["Service"], unknown, Scope.Scope>) | undefined
  /** How many items of a stream it may make beyond those that were asked for. Default none. */
  readonly ahead?: number | undefined
  /** The tests that it does not pass, by name. Each has a line in its fidelity table, and a test of what holds instead. */
  readonly without?: ReadonlyArray<string> | undefined
}

type Handle = Desk["Service"]

const LIMIT = { timeout: 20_000 }

let lastId = 0

/** An id that no other test uses, nor begins with. */
const fresh = (): string => `${process.pid}-${++lastId}.`

/** What was noted by an id, once all that is under way has arrived. */
const logOf = (desk: Handle, id: string) => Effect.andThen(settle, desk.log(id))

/** What of the notes of `work` is about its start, in order. */
const startsOf = (desk: Handle, id: string) =>
  Effect.map(logOf(desk, id), (log) => log.flatMap((event) => (event.endsWith(" start") ? [event.slice(0, -6)] : [])))

const isOverflow = (error: unknown, at: number): void => {
  assert.instanceOf(error, Overflow)
  assert.strictEqual(error.at, at)
  assert.deepStrictEqual(error.when, new Date(1))
  assert.deepStrictEqual(error.note, Option.some("too much"))
}

/** Defines the tests of a home. */
export const suite = (home: Home): void => {
  const left = new Set(home.without)

  const test = (name: string, body: () => Effect.Effect<unknown, unknown, Scope.Scope>) => {
    if (!left.delete(name)) it.effect(name, body, LIMIT)
  }

  /** A test with an instance of its own. */
  const withDesk = (
    name: string,
    fixture: DeskName,
    body: (desk: Handle, id: string) => Effect.Effect<unknown, unknown, Scope.Scope>
  ) =>
    test(name, () =>
      Effect.provide(
        Effect.flatMap(Desk, (desk) => body(desk, fresh())),
        home.desk(fixture)
      )
    )

  const withBox = (
    name: string,
    fixture: BoxName,
    body: (box: Box["Service"], id: string) => Effect.Effect<unknown, unknown, Scope.Scope>
  ) =>
    test(name, () =>
      Effect.provide(
        Effect.flatMap(Box, (box) => body(box, fresh())),
        home.box(fixture)
      )
    )

  describe(home.name, () => {
    describe("calls", () => {
      withDesk("1.1 an ask submits a call each time it is run, and none before", "plain", (desk) =>
        Effect.gen(function* () {
          const ask = desk.count()
          assert.strictEqual(yield* desk.count(), 1)
          assert.strictEqual(yield* ask, 2)
          assert.strictEqual(yield* ask, 3)
        })
      )

      for (const fixture of ["plain", "validating"] as const) {
        withDesk(`1.6 arguments whose schemas are optional may be left out (${fixture})`, fixture, (desk) =>
          Effect.gen(function* () {
            assert.strictEqual(yield* desk.sum(1), 11)
            assert.strictEqual(yield* desk.sum(1, 2), 3)
            assert.strictEqual(yield* desk.sum(1, undefined), 11)
            assert.strictEqual(yield* yield* desk.sum.remote(2), 12)
            assert.strictEqual(yield* Effect.promise(async () => await AsyncHandle.make(desk).sum(3)), 13)
          })
        )
      }

      withDesk(
        "1.2 interrupting an asker cancels its call, and waits until its finalizers have run",
        "plain",
        (desk, id) =>
          Effect.gen(function* () {
            const asker = yield* fork(desk.tidy(id))
            yield* desk.started(id)
            yield* Fiber.interrupt(asker)
            assert.deepStrictEqual(yield* desk.log(id), [`${id} tidy`])
          })
      )

      withDesk("1.3 remote gives a ref at once, and the ref its value any number of times", "plain", (desk, id) =>
        Effect.gen(function* () {
          const ref = yield* desk.work.remote(id)
          yield* desk.started(id)
          assert.isFalse(yield* Deferred.isDone(ObjectRef.asDeferred(ref)))
          yield* desk.open(id)
          assert.strictEqual(yield* ref, id)
          assert.strictEqual(yield* ref, id)
          assert.strictEqual(yield* Effect.promise(() => Promise.resolve(ref)), id)
        })
      )

      withDesk("1.4 calls start in the order in which they were submitted", "one", (desk, id) =>
        Effect.gen(function* () {
          const refs = yield* Effect.forEach(range(50), (n) => desk.note.remote(`${id} ${n}`))
          yield* ObjectRef.all(refs)
          assert.deepStrictEqual(
            yield* desk.log(id),
            range(50).map((n) => `${id} ${n}`)
          )
        })
      )

      withDesk(
        "1.5 a ref among the arguments is resolved before the call, which holds no permit meanwhile",
        "one",
        (desk, id) =>
          Effect.gen(function* () {
            assert.strictEqual(yield* desk.add(yield* desk.add.remote(1, 2), ObjectRef.succeed(10)), 13)
            const held = yield* desk.work.remote(id)
            const noted = yield* desk.note.remote(held)
            yield* desk.open(id)
            yield* noted
            assert.deepStrictEqual(yield* desk.log(id), [`${id} start`, `${id} end`, id])
          })
      )

      withDesk("1.5 a call whose argument fails never runs, and fails with the same error", "plain", (desk, id) =>
        Effect.gen(function* () {
          const failing = yield* desk.moody.remote(id, 99)
          const error = yield* Effect.flip(desk.add(failing, 1))
          isOverflow(error, 99)
          assert.strictEqual(error, yield* Effect.flip(failing))
        })
      )

      withDesk("1.6 an unknown method fails its call alone", "plain", (desk) =>
        Effect.gen(function* () {
          assert.throws(() => (desk as any).nope(), /nope/)
          assert.strictEqual(yield* desk.count(), 1)
        })
      )
    })

    describe("limits", () => {
      withDesk("2.1 at most maxConcurrency calls are between start and settle", "two", (desk, id) =>
        Effect.gen(function* () {
          const ids = range(4).map((n) => `${id}${n}`)
          const refs = yield* Effect.forEach(ids, (id) => desk.work.remote(id))
          yield* desk.started(ids[1]!)
          assert.deepStrictEqual(yield* startsOf(desk, id), ids.slice(0, 2))
          yield* desk.open(ids[0]!)
          yield* refs[0]!
          yield* desk.started(ids[2]!)
          assert.deepStrictEqual(yield* startsOf(desk, id), ids.slice(0, 3))
          yield* Effect.forEach(ids, (id) => desk.open(id))
          assert.deepStrictEqual(yield* ObjectRef.all(refs), ids)
        })
      )

      withDesk("2.3 with one permit the next call starts after the finalizers of the one before", "one", (desk, id) =>
        Effect.gen(function* () {
          const tidy = yield* desk.tidy.remote(id)
          yield* desk.started(id)
          const next = yield* desk.note.remote(`${id} next`)
          yield* ObjectRef.cancel(tidy)
          yield* next
          assert.deepStrictEqual(yield* desk.log(id), [`${id} tidy`, `${id} next`])
        })
      )

      withDesk("2.4 resize starts waiting calls", "one", (desk, id) =>
        Effect.gen(function* () {
          const ids = [`${id}a`, `${id}b`]
          const refs = yield* Effect.forEach(ids, (id) => desk.work.remote(id))
          yield* desk.started(ids[0]!)
          assert.deepStrictEqual(yield* startsOf(desk, id), [ids[0]!])
          yield* Actor.resize(desk, 2)
          yield* desk.started(ids[1]!)
          yield* Effect.forEach(ids, (id) => desk.open(id))
          assert.deepStrictEqual(yield* ObjectRef.all(refs), ids)
        })
      )

      withDesk("2.5 a full group never delays another", "groups", (desk, id) =>
        Effect.gen(function* () {
          const [a, b] = [yield* desk.io.remote(`${id}a`), yield* desk.io.remote(`${id}b`)]
          yield* desk.started(`${id}a`)
          yield* desk.note(`${id} note`)
          assert.deepStrictEqual(yield* desk.log(id), [`${id}a start`, `${id} note`])
          yield* Effect.forEach([`${id}a`, `${id}b`], (id) => desk.open(id))
          assert.deepStrictEqual(yield* ObjectRef.all([a, b]), [`${id}a`, `${id}b`])
        })
      )

      withDesk("2.7 a submission beyond maxPendingCalls fails, until there is room", "bounded", (desk, id) =>
        Effect.gen(function* () {
          const refs = yield* Effect.forEach([1, 2], (n) => desk.work.remote(`${id}${n}`))
          const reason = yield* reasonOf(desk.count())
          assert.strictEqual(reason._tag, "PendingCallsLimitExceeded")
          assert.isFalse(reason.mayHaveRun)
          yield* ObjectRef.cancel(refs[0]!)
          assert.strictEqual(yield* desk.count(), 1)
        })
      )

      withDesk('2.7 with overflow: "suspend" it waits for room', "suspending", (desk, id) =>
        Effect.gen(function* () {
          const refs = yield* Effect.forEach([1, 2], (n) => desk.work.remote(`${id}${n}`))
          const third = yield* fork(desk.count())
          yield* settle
          assert.isUndefined(third.pollUnsafe())
          yield* ObjectRef.cancel(refs[0]!)
          assert.strictEqual(yield* Fiber.join(third), 1)
        })
      )
    })

    describe("refs", () => {
      withDesk("3.1 interrupting a waiter does not disturb the call", "plain", (desk, id) =>
        Effect.gen(function* () {
          const ref = yield* desk.work.remote(id)
          const waiter = yield* fork(ref)
          yield* Fiber.interrupt(waiter)
          yield* desk.open(id)
          assert.strictEqual(yield* ref, id)
        })
      )

      withDesk("3.6 a failure that nobody looked at is reported once", "plain", (desk) =>
        Effect.gen(function* () {
          const reports: Array<string> = []
          const logger = Logger.make(({ message }) => {
            reports.push(String(message))
          })
          const drop = Effect.gen(function* () {
            yield* desk.fail.remote(1)
            // Its answer is here when that of a later call is.
            yield* desk.count()
          })
          yield* Effect.provide(drop, Logger.layer([logger]))
          yield* Effect.promise(() => collected(() => reports.length > 0))
          assert.strictEqual(reports.length, 1)
          assert.match(reports[0]!, /conformance\/Desk\.fail has failed, and its ref was dropped without being awaited/)
        })
      )
    })

    describe("cancellation", () => {
      withDesk("5.1 cancel tells what happened", "one", (desk, id) =>
        Effect.gen(function* () {
          const [running, waiting] = [yield* desk.work.remote(id), yield* desk.work.remote(`${id} second`)]
          yield* desk.started(id)
          assert.strictEqual(yield* ObjectRef.cancel(waiting), "NotStarted")
          assert.strictEqual(yield* ObjectRef.cancel(running), "Interrupted")
          assert.strictEqual(yield* ObjectRef.cancel(running), "AlreadyDone")
          assert.deepStrictEqual(yield* desk.log(id), [`${id} start`, `${id} cut`])
          for (const [ref, mayHaveRun] of [
            [waiting, false],
            [running, true]
          ] as const) {
            const reason = yield* reasonOf(ref)
            assert.strictEqual(reason._tag, "TaskCancelled")
            assert.strictEqual(reason.mayHaveRun, mayHaveRun)
          }
        })
      )

      withDesk("5.1 cancel returns when the finalizers of the call have finished", "plain", (desk, id) =>
        Effect.gen(function* () {
          const ref = yield* desk.tidy.remote(id)
          yield* desk.started(id)
          yield* ObjectRef.cancel(ref)
          assert.deepStrictEqual(yield* desk.log(id), [`${id} tidy`])
        })
      )

      withDesk("5.2 a method that finishes in an uninterruptible region keeps its true result", "plain", (desk, id) =>
        Effect.gen(function* () {
          const ref = yield* desk.stubborn.remote(id)
          yield* desk.started(id)
          const cancel = yield* fork(ObjectRef.cancel(ref))
          yield* desk.open(id)
          assert.strictEqual(yield* Fiber.join(cancel), "AlreadyDone")
          assert.strictEqual(yield* ref, id)
        })
      )

      withDesk("5.3 cancellation reaches the calls that the call made", "plain", (desk, id) =>
        Effect.gen(function* () {
          const ref = yield* desk.nested.remote(id)
          yield* desk.started(id)
          yield* ObjectRef.cancel(ref)
          assert.deepStrictEqual(yield* desk.log(id), [`${id} start`, `${id} cut`])
        })
      )

      withDesk("5.6 of a batch that is interrupted, what stands in line never runs", "two", (desk, id) =>
        Effect.gen(function* () {
          const calls = range(40).map((n) => desk.work(`${id} ${n}`))
          const batch = yield* fork(Effect.all(calls, { concurrency: "unbounded" }))
          yield* desk.started(`${id} 1`)
          yield* Fiber.interrupt(batch)
          assert.deepStrictEqual(yield* startsOf(desk, id), [`${id} 0`, `${id} 1`])
        })
      )

      withDesk("5.7 of many that are cancelled at once, what stands in line never runs", "two", (desk, id) =>
        Effect.gen(function* () {
          const refs = yield* Effect.forEach(range(40), (n) => desk.work.remote(`${id} ${n}`))
          yield* desk.started(`${id} 1`)
          yield* ObjectRef.cancelAll(refs)
          assert.deepStrictEqual(yield* startsOf(desk, id), [`${id} 0`, `${id} 1`])
        })
      )

      withDesk("5.8 a signal cancels what runs, what waits, and what comes later", "one", (desk, id) =>
        Effect.gen(function* () {
          const abort = new AbortController()
          const work = desk.work.options({ signal: abort.signal })
          const refs = [yield* work.remote(id), yield* work.remote(`${id} second`)]
          yield* desk.started(id)
          abort.abort()
          refs.push(yield* work.remote(`${id} third`))
          const [first, second, third] = yield* Effect.forEach(refs, reasonOf)
          assert.deepInclude(first, { _tag: "TaskCancelled", mayHaveRun: true })
          // Where calls travel, their callers cannot know.
          assert.strictEqual(second!._tag, "TaskCancelled")
          assert.deepInclude(third, { _tag: "TaskCancelled", mayHaveRun: false })
          assert.deepStrictEqual(yield* desk.log(id), [`${id} start`, `${id} cut`])
        })
      )

      withDesk("5.4 only that call is touched", "plain", (desk, id) =>
        Effect.gen(function* () {
          const [a, b] = [yield* desk.work.remote(`${id}a`), yield* desk.work.remote(`${id}b`)]
          yield* desk.started(`${id}b`)
          yield* ObjectRef.cancel(a)
          yield* desk.open(`${id}b`)
          assert.strictEqual(yield* b, `${id}b`)
        })
      )

      withDesk("a call whose time is over is interrupted, and fails with TimedOut", "hasty", (desk, id) =>
        Effect.gen(function* () {
          const ref = yield* desk.work.remote(id)
          yield* desk.started(id)
          yield* TestClock.adjust("1 second")
          assert.strictEqual((yield* reasonOf(ref))._tag, "TimedOut")
          assert.deepStrictEqual(yield* desk.log(id), [`${id} start`, `${id} cut`])
        })
      )
    })

    describe("life and death", () => {
      withDesk("6.3 stop lets accepted calls finish", "one", (desk, id) =>
        Effect.gen(function* () {
          const [a, b] = [yield* desk.work.remote(id), yield* desk.add.remote(1, 2)]
          yield* desk.started(id)
          yield* desk.open(id)
          yield* Actor.stop(desk)
          assert.strictEqual(yield* a, id)
          assert.strictEqual(yield* b, 3)
          assert.strictEqual((yield* reasonOf(desk.count()))._tag, "ActorDied")
        })
      )

      withDesk("6.3 kill interrupts running calls, and fails those that wait", "one", (desk, id) =>
        Effect.gen(function* () {
          const [running, waiting] = [yield* desk.work.remote(id), yield* desk.work.remote(`${id} second`)]
          yield* desk.started(id)
          yield* Actor.kill(desk)
          for (const [ref, mayHaveRun] of [
            [running, true],
            [waiting, false]
          ] as const) {
            const reason = yield* reasonOf(ref)
            assert.strictEqual(reason._tag, "ActorDied")
            assert.strictEqual(reason.mayHaveRun, mayHaveRun)
          }
          const late = yield* reasonOf(desk.count())
          assert.strictEqual(late._tag, "ActorDied")
          assert.match(late.message, /it was killed/)
        })
      )

      withDesk("6.5 exit ends the instance", "plain", (desk) =>
        Effect.gen(function* () {
          assert.strictEqual((yield* reasonOf(desk.exit()))._tag, "ActorDied")
          const late = yield* reasonOf(desk.count())
          assert.strictEqual(late._tag, "ActorDied")
          assert.match(late.message, /Actor\.exit/)
        })
      )

      withBox("6.5 exit lets the other running calls of the instance finish", "box", (box, id) =>
        Effect.gen(function* () {
          const one = box.get(id)
          const ref = yield* one.work.remote(id)
          yield* one.started(id)
          assert.strictEqual((yield* reasonOf(one.exit()))._tag, "ActorDied")
          // It is held where it lives, and one of so many keys lives there, too.
          yield* Effect.forEach(range(20), (n) => box.get(`${id} ${n}`).open(id), { concurrency: "unbounded" })
          assert.strictEqual(yield* ref, id)
        })
      )

      withDesk("6.6 a failure and a defect fail their calls alone", "plain", (desk) =>
        Effect.gen(function* () {
          yield* desk.count()
          yield* Effect.exit(desk.fail(1))
          yield* Effect.exit(desk.die("boom"))
          assert.strictEqual(yield* desk.count(), 2)
        })
      )

      withDesk('6.6 onDefect: "stop" ends the instance, and says why', "stopping", (desk) =>
        Effect.gen(function* () {
          yield* Effect.exit(desk.die("boom"))
          const reason = yield* reasonOf(desk.count())
          assert.strictEqual(reason._tag, "ActorDied")
          assert.match(String((reason as ActorError.ActorDied).cause), /boom/)
        })
      )

      withDesk("6.9 watch tells the reason of the end", "plain", (desk) =>
        Effect.gen(function* () {
          const watcher = yield* fork(Actor.watch(desk))
          yield* Actor.kill(desk)
          assert.strictEqual((yield* Fiber.join(watcher)).why, "it was killed")
        })
      )

      withDesk("6.9 watch tells of an end that nobody here has asked for", "stopping", (desk) =>
        Effect.gen(function* () {
          const watcher = yield* fork(Actor.watch(desk))
          yield* Effect.exit(desk.die("boom"))
          assert.match(String((yield* Fiber.join(watcher)).cause), /boom/)
        })
      )

      test("6.1 the instance ends with its Scope", () =>
        Effect.gen(function* () {
          const desk = yield* Effect.provide(Desk, home.desk("plain"))
          assert.strictEqual((yield* reasonOf(desk.count()))._tag, "ActorDied")
        }))

      test("6.2 a constructor that fails is known where the actor is provided", () =>
        Effect.gen(function* () {
          const exit = yield* Effect.exit(Effect.provide(Desk, home.desk("broken")))
          assert.isTrue(Exit.isFailure(exit))
          assert.match(String(Exit.isFailure(exit) && Cause.squash(exit.cause)), /lp0 is out of paper/)
        }))

      const { spawn } = home
      if (spawn !== undefined) {
        test("6.1 spawned instances have nothing in common, and end with their Scope", () =>
          Effect.gen(function* () {
            const desk = yield* Effect.scoped(
              Effect.gen(function* () {
                const [a, b] = yield* Effect.all([spawn("plain"), spawn("plain")], { concurrency: 2 })
                yield* a.count()
                assert.strictEqual(yield* a.count(), 2)
                assert.strictEqual(yield* b.count(), 1)
                return a
              })
            )
            assert.strictEqual((yield* reasonOf(desk.count()))._tag, "ActorDied")
          }))
      }
    })

    describe("restarts and retries", () => {
      withDesk("6.7 a defect makes the instance anew", "restarting", (desk) =>
        Effect.gen(function* () {
          yield* desk.count()
          assert.strictEqual(yield* desk.count(), 2)
          yield* Effect.exit(desk.die("boom"))
          assert.strictEqual(yield* desk.count(), 1)
        })
      )

      withDesk("6.7 calls that wait stay in line, in order", "restartingOne", (desk, id) =>
        Effect.gen(function* () {
          const held = yield* desk.work.remote(id)
          const dies = yield* desk.die.remote("boom")
          const noted = yield* Effect.forEach(range(5), (n) => desk.note.remote(`${id} ${n}`))
          yield* desk.open(id)
          yield* ObjectRef.all(noted)
          assert.instanceOf(yield* defectOf(dies), Error)
          yield* held
          const log = yield* desk.log(id)
          assert.deepStrictEqual(log, [`${id} start`, `${id} end`, ...range(5).map((n) => `${id} ${n}`)])
        })
      )

      withDesk("6.7 a call that runs then fails with ActorUnavailable", "restarting", (desk, id) =>
        Effect.gen(function* () {
          const running = yield* desk.work.remote(id)
          yield* desk.started(id)
          yield* Effect.exit(desk.die("boom"))
          const reason = yield* reasonOf(running)
          assert.strictEqual(reason._tag, "ActorUnavailable")
          assert.isTrue(reason.mayHaveRun)
        })
      )

      withDesk("6.7 when the schedule ends, the instance dies with the last cause", "restarting", (desk) =>
        Effect.gen(function* () {
          for (const n of [1, 2, 3]) {
            yield* Effect.exit(desk.die(`boom ${n}`))
            if (n < 3) yield* desk.count()
          }
          const reason = yield* reasonOf(desk.count())
          assert.strictEqual(reason._tag, "ActorDied")
          assert.match(String((reason as ActorError.ActorDied).cause), /boom 3/)
        })
      )

      withDesk("6.8 a call runs again after a restart, as far as maxTaskRetries goes", "restarting", (desk, id) =>
        Effect.gen(function* () {
          assert.strictEqual(yield* desk.shaky.options({ maxTaskRetries: 1 })(`${id}a`, 1), 2)
          assert.match(String(yield* defectOf(desk.shaky(`${id}b`, 1))), /shaky 1/)
        })
      )

      withDesk("6.8 a call runs again after a failure, if it says so", "retrying", (desk, id) =>
        Effect.gen(function* () {
          assert.strictEqual(yield* desk.moody(`${id}a`, 2), 3)
          isOverflow(yield* Effect.flip(desk.moody(`${id}b`, 3)), 3)
          isOverflow(yield* Effect.flip(desk.moody.options({ retry: false })(`${id}c`, 1)), 1)
          const picky = desk.moody.options({ retry: (error) => error instanceof Overflow && error.at === 2 })
          assert.strictEqual(yield* picky(`${id}d`, 2), 3)
          isOverflow(yield* Effect.flip(picky(`${id}e`, 1)), 1)
        })
      )
    })

    describe("keyed actors", () => {
      withBox("7.2 a key has one instance, made by the first call", "box", (box, id) =>
        Effect.gen(function* () {
          const [a, b] = [box.get(`${id}a`), box.get(`${id}b`)]
          const counts = yield* Effect.all([a.count(), a.count(), a.count()], { concurrency: "unbounded" })
          assert.deepStrictEqual([...counts].sort(), [1, 2, 3])
          assert.strictEqual(yield* b.count(), 1)
          assert.strictEqual(yield* box.get(`${id}a`).count(), 4)
          assert.sameMembers([...(yield* box.keys)], [`${id}a`, `${id}b`])
        })
      )

      withBox("7.2 keys spread, and each keeps its instance", "box", (box, id) =>
        Effect.gen(function* () {
          const keys = range(20).map((n) => `${id}${n}`)
          for (const count of [1, 2, 3]) {
            const counts = yield* Effect.forEach(keys, (key) => box.get(key).count(), { concurrency: "unbounded" })
            assert.deepStrictEqual(
              counts,
              keys.map(() => count)
            )
          }
        })
      )

      withBox(
        "7.2 an instance without calls ends after idleTimeToLive, and is made again on demand",
        "passivating",
        (box, id) =>
          Effect.gen(function* () {
            const desk = box.get(id)
            yield* desk.count()
            assert.strictEqual(yield* desk.count(), 2)
            yield* settle
            yield* TestClock.adjust("9 seconds")
            assert.strictEqual(yield* desk.count(), 3)
            yield* settle
            yield* TestClock.adjust("10 seconds")
            assert.strictEqual(yield* desk.count(), 1)
          })
      )

      withBox("7.2 stop ends the instance of a key, and the next call makes it again", "box", (box, id) =>
        Effect.gen(function* () {
          const reader = yield* fork(Stream.runDrain(box.get(id).posts()))
          yield* Effect.repeat(box.get(id).readers(), { until: (there) => there === 1 })
          yield* box.get(id).count()
          yield* box.stop(id)
          assert.strictEqual((yield* reasonOf(Fiber.join(reader)))._tag, "ActorDied")
          assert.strictEqual(yield* box.get(id).count(), 1)
        })
      )

      withBox("7.2 when a constructor fails, the calls that wait for it fail with ActorDied", "brokenBox", (box, id) =>
        Effect.gen(function* () {
          for (const _ of [1, 2]) {
            const reason = yield* reasonOf(box.get(id).count())
            assert.strictEqual(reason._tag, "ActorDied")
            assert.match(String((reason as ActorError.ActorDied).cause), /is out of paper/)
          }
        })
      )

      withBox("6.5 exit ends the instance of one key", "box", (box, id) =>
        Effect.gen(function* () {
          const [a, b] = [box.get(`${id}a`), box.get(`${id}b`)]
          yield* Effect.all([a.count(), b.count()])
          assert.strictEqual((yield* reasonOf(a.exit()))._tag, "ActorDied")
          assert.strictEqual(yield* a.count(), 1)
          assert.strictEqual(yield* b.count(), 2)
        })
      )
    })

    describe("streams", () => {
      withDesk("7.5 a failure comes after the items before it, as what it is", "plain", (desk) =>
        Effect.gen(function* () {
          const items: Array<number> = []
          const error = yield* Effect.flip(Stream.runForEach(desk.ticks(100), (n) => Effect.sync(() => items.push(n))))
          assert.deepStrictEqual(
            items,
            range(100).map((n) => n + 1)
          )
          isOverflow(error, 100)
        })
      )

      withDesk("7.5 a stream is pulled on demand, and ends when its consumer stops", "plain", (desk, id) =>
        Effect.gen(function* () {
          const taken = yield* Stream.runCollect(Stream.take(desk.endless(id), 3))
          assert.deepStrictEqual([...taken], [1, 2, 3])
          const made = range(3).map((n) => `${id} made ${n + 1}`)
          assert.deepStrictEqual(yield* desk.log(id), [...made, `${id} over`])
        })
      )

      withDesk("7.6 in plain code it is a loop, whose end is that of the stream", "plain", (desk, id) =>
        Effect.gen(function* () {
          const plain = AsyncHandle.make(desk)
          const seen: Array<unknown> = []
          yield* Effect.promise(async () => {
            for await (const item of plain.endless(id)) if (seen.push(item) === 3) break
            const failed = async () => {
              for await (const item of plain.ticks(2)) seen.push(item)
            }
            await failed().catch((error) => seen.push(error))
          })
          assert.deepStrictEqual(seen.slice(0, 5), [1, 2, 3, 1, 2])
          isOverflow(seen[5], 2)
          assert.include(yield* desk.log(id), `${id} over`)
        })
      )

      for (const capacity of [0, 3, 10]) {
        // What the consumer has taken from the buffer at once and not looked at yet, the buffer, and one that waits for room.
        const [least, most] = capacity === 0 ? [0, 0] : [capacity + 1, 2 * capacity]
        const { ahead: more = 0 } = home
        const name =
          capacity === 0
            ? `7.5 while its consumer is at work, a stream makes ${more === 0 ? "nothing" : `${more} items at most`}`
            : `7.5 with Stream.buffer({ capacity: ${capacity} }) a stream is ${least} to ${most + more} items ahead`
        withDesk(name, "plain", (desk, id) =>
          Effect.gen(function* () {
            const stream = capacity === 0 ? desk.endless(id) : Stream.buffer(desk.endless(id), { capacity })
            let got = 0
            yield* fork(Stream.runForEach(stream, () => (++got < 3 ? Effect.void : Effect.never)))
            const ahead = Effect.map(logOf(desk, id), (log) => log.length - got)
            yield* Effect.repeat(ahead, { until: (n) => got === 3 && n >= least })
            for (let i = 0; i < 10; i++) assert.isAtMost(yield* ahead, most + more)
          })
        )
      }

      withDesk("7.5 a stream that is not run makes nothing", "plain", (desk, id) =>
        Effect.gen(function* () {
          desk.endless(id)
          assert.deepStrictEqual(yield* logOf(desk, id), [])
        })
      )

      withDesk("7.5 a stream holds one permit until its end", "one", (desk, id) =>
        Effect.gen(function* () {
          const first = yield* fork(Stream.runHead(Stream.mapEffect(desk.endless(id), () => desk.started(id))))
          const second = yield* fork(desk.note(`${id} next`))
          assert.notInclude(yield* logOf(desk, id), `${id} next`)
          yield* Fiber.interrupt(first)
          yield* Fiber.join(second)
          assert.deepStrictEqual((yield* desk.log(id)).slice(-2), [`${id} over`, `${id} next`])
        })
      )

      withDesk("7.5 a stream ends when its instance is killed", "plain", (desk, id) =>
        Effect.gen(function* () {
          const first = yield* fork(Stream.runForEach(desk.endless(id), () => desk.started(id)))
          yield* logOf(desk, id)
          yield* Actor.kill(desk)
          assert.strictEqual((yield* reasonOf(Fiber.join(first)))._tag, "ActorDied")
        })
      )
    })

    describe("what travels with a call", () => {
      const acme = { name: "acme", since: new Date(7) }

      /** The surroundings of a method that is called in each way, of a stream, and of what the method calls. */
      const everywhere = (desk: Handle) =>
        Effect.gen(function* () {
          const asked = yield* desk.surroundings()
          const remote = yield* yield* desk.surroundings.remote()
          const streamed = yield* Stream.runCollect(desk.surroundingsOfStream())
          return [...asked, ...remote, ...streamed]
        })

      withDesk("13.1 a carried reference reaches the method, and what it calls in turn", "plain", (desk) =>
        Effect.gen(function* () {
          for (const { tenant } of yield* Effect.provideService(everywhere(desk), Tenant, acme))
            assert.deepStrictEqual(tenant, acme)
          for (const { tenant } of yield* everywhere(desk))
            assert.deepStrictEqual(tenant, { name: "nobody", since: new Date(0) })
        })
      )

      withBox("13.1 to the instance of a key as well, also to one that the call brings up", "box", (box, id) =>
        Effect.gen(function* () {
          const ask = Effect.orDie(box.get(id).surroundings())
          const [first] = yield* Effect.provideService(ask, Tenant, acme)
          assert.deepStrictEqual(first.tenant, acme)
          const [second] = yield* Effect.provideService(ask, Tenant, { ...acme, name: "other" })
          assert.deepStrictEqual(second.tenant.name, "other")
        })
      )

      withDesk("13.2 log annotations reach the method, and what it calls in turn", "plain", (desk) =>
        Effect.gen(function* () {
          for (const { annotations } of yield* Effect.annotateLogs(everywhere(desk), { request: "r1", tries: 2 }))
            assert.deepInclude(annotations, { request: "r1", tries: 2 })
          for (const { annotations } of yield* everywhere(desk)) assert.notProperty(annotations, "request")
        })
      )

      withDesk("13.3 the method and what it calls know how much time the caller has left", "plain", (desk) =>
        Effect.gen(function* () {
          const timed = yield* desk.surroundings.options({ timeout: "10 seconds" })()
          for (const { left } of timed) {
            assert.isAtMost(left!, 10_000)
            assert.isAbove(left!, 0)
          }
          for (const { left } of yield* everywhere(desk)) assert.isNull(left)
        })
      )
    })

    describe("subscriptions", () => {
      /** Reads until the text has come, and gives all that came: texts, and the reasons of gaps. */
      const reading = (
        desk: Handle,
        last: string,
        options?: Broadcast.ReaderOptions,
        pause: Effect.Effect<void, unknown> = Effect.void
      ) =>
        Effect.gen(function* () {
          const got: Array<string> = []
          yield* Stream.runForEachWhile(desk.posts(options!), (item) => {
            if (Broadcast.isResync(item)) got.push(item.reason)
            else {
              assert.deepStrictEqual(item.at, new Date(1))
              got.push(item.text)
            }
            return Effect.as(pause, got.at(-1) !== last)
          })
          return got
        })

      const readers = (desk: Handle, count: number) =>
        Effect.repeat(desk.readers(), { until: (there) => there === count })

      withDesk("7.7 a reader takes no permit, and gets what is replayed and what is published", "one", (desk, id) =>
        Effect.gen(function* () {
          const held = yield* desk.work.remote(id)
          yield* desk.started(id)
          yield* desk.post("before")
          const fibers = [yield* fork(reading(desk, "b")), yield* fork(reading(desk, "b"))]
          yield* readers(desk, 2)
          yield* desk.post("a")
          yield* desk.post("b")
          for (const fiber of fibers) assert.deepStrictEqual(yield* Fiber.join(fiber), ["before", "a", "b"])
          yield* readers(desk, 0)
          yield* desk.open(id)
          assert.strictEqual(yield* held, id)
        })
      )

      withDesk("7.8 a reader that is too slow is told that it has missed items", "plain", (desk, id) =>
        Effect.gen(function* () {
          const slow = yield* fork(reading(desk, "last", { maxPendingItems: 2 }, desk.started(id)))
          yield* readers(desk, 1)
          const texts = range(50).map((n) => `item ${n}`)
          yield* Effect.forEach([...texts, "last"], (text) => desk.post(text))
          const work = yield* desk.work.remote(id)
          const got = yield* Fiber.join(slow)
          assert.strictEqual(got[0], "item 0")
          assert.include(got, "Missed")
          assert.strictEqual(got.at(-1), "last")
          yield* desk.open(id)
          yield* work
        })
      )

      withDesk('7.8 with overflow: "fail" its stream fails with FellBehind', "plain", (desk, id) =>
        Effect.gen(function* () {
          const options = { maxPendingItems: 2, overflow: "fail" } as const
          const slow = yield* fork(reading(desk, "last", options, desk.started(id)))
          yield* readers(desk, 1)
          yield* Effect.forEach(range(50), (n) => desk.post(`item ${n}`))
          const work = yield* desk.work.remote(id)
          const error = yield* Effect.flip(Fiber.join(slow))
          assert.instanceOf(error, Broadcast.FellBehind)
          assert.strictEqual(error.maxPendingItems, 2)
          yield* desk.open(id)
          yield* work
        })
      )

      withDesk(
        "7.8 a reader goes on through a restart, and is told so before it misses anything",
        "restarting",
        (desk) =>
          Effect.gen(function* () {
            const fiber = yield* fork(reading(desk, "new"))
            yield* readers(desk, 1)
            yield* desk.post("old")
            yield* Effect.exit(desk.die("boom"))
            yield* readers(desk, 1)
            yield* desk.post("new")
            assert.deepStrictEqual(yield* Fiber.join(fiber), ["old", "Restarted", "new"])
          })
      )

      withBox("7.9 the end of the instance ends its readers with ActorDied", "box", (box, id) =>
        Effect.gen(function* () {
          const fiber = yield* fork(reading(box.get(id), "never"))
          yield* readers(box.get(id), 1)
          assert.strictEqual((yield* reasonOf(box.get(id).exit()))._tag, "ActorDied")
          assert.strictEqual((yield* reasonOf(Fiber.join(fiber)))._tag, "ActorDied")
        })
      )

      withDesk("7.10 for await reads it, and leaving the loop ends the reader", "plain", (desk) =>
        Effect.gen(function* () {
          yield* desk.post("a")
          const plain = AsyncHandle.make(desk)
          const loop = async () => {
            for await (const item of plain.posts()) return Broadcast.isItem(item) ? item.text : item.reason
          }
          assert.strictEqual(yield* Effect.promise(loop), "a")
          yield* readers(desk, 0)
        })
      )
    })

    describe("values and errors", () => {
      withDesk("3.7 values arrive as what they are, there and back", "plain", (desk) =>
        Effect.gen(function* () {
          const values = {
            point: new Point({ x: 3, y: 4 }),
            maybe: Option.some(1),
            wait: Duration.seconds(2),
            when: new Date(3)
          }
          const got = yield* desk.values(values)
          assert.deepStrictEqual(got, values)
          assert.instanceOf(got.point, Point)
          assert.strictEqual(got.point.length, 5)
          const bare = yield* desk.values({ ...values, maybe: Option.none(), wait: Duration.infinity, text: "text" })
          assert.isTrue(Option.isNone(bare.maybe))
          assert.deepStrictEqual(bare.wait, Duration.infinity)
          assert.strictEqual(bare.text, "text")
        })
      )

      withDesk("9.1 what does not fit the contract fails its call with DecodeError", "validating", (desk) =>
        Effect.gen(function* () {
          const wrong = yield* reasonOf(desk.add("1" as any, 2))
          assert.strictEqual(wrong._tag, "DecodeError")
          assert.isFalse(wrong.mayHaveRun)
          const misfit = yield* reasonOf(desk.misfit())
          assert.strictEqual(misfit._tag, "DecodeError")
          assert.isTrue(misfit.mayHaveRun)
        })
      )

      withDesk("9.2 the errors of a method arrive as the same class, with their fields", "plain", (desk) =>
        Effect.gen(function* () {
          const error = yield* Effect.flip(desk.fail(7))
          isOverflow(error, 7)
          const caught = yield* Effect.catchTag(desk.fail(8), "Overflow", ({ at }) => Effect.succeed(at))
          assert.strictEqual(caught, 8)
        })
      )

      withDesk("9.3 a defect keeps its name, its message and the stack of where it was thrown", "plain", (desk) =>
        Effect.gen(function* () {
          const defect = yield* defectOf(desk.die("boom"))
          assert.instanceOf(defect, RangeError)
          assert.strictEqual(defect.message, "boom")
          assert.match(String(defect.stack), /RangeError: boom[\s\S]*\bdie\b/)
        })
      )

      withDesk("9.3 the cause of a failure names the call", "plain", (desk) =>
        Effect.gen(function* () {
          const exit = yield* Effect.exit(desk.fail(1))
          assert.isTrue(Exit.isFailure(exit))
          const annotations = Exit.isFailure(exit) ? Cause.annotations(exit.cause) : Context.empty()
          const call = Context.getOption(annotations as Context.Context<never>, ActorError.FailedCall as any) as any
          assert.strictEqual(Option.getOrThrow<{ call: string }>(call).call, "conformance/Desk.fail")
        })
      )

      withDesk(
        "9.3 a printed cause and the stack of its error have the call, and then what asked for it",
        "plain",
        (desk) =>
          Effect.gen(function* () {
            for (const asks of [() => desk.fail(1), () => desk.die("boom")]) {
              const exit = yield* Effect.exit(Effect.fn("asks")(asks)())
              const cause = Exit.isFailure(exit) ? exit.cause : Cause.empty
              const error = Cause.squash(cause)
              for (const text of [Cause.pretty(cause), `${error instanceof Error && error.stack}`]) {
                assert.match(text, /\n {4}at conformance\/Desk\.(fail|die) #\d+.*\n {4}at asks /)
                assert.strictEqual(text.split("at asks (").length, 3, "the line that asks, and the definition")
              }
            }
          })
      )
    })

    it("leaves out only tests that there are", () => assert.deepStrictEqual([...left], []))
  })
}

/** Makes the engine collect garbage until it has found what it was to find, and a bit more. */
const collected = async (found: () => boolean): Promise<void> => {
  const { setFlagsFromString } = await import("node:v8")
  const { runInNewContext } = await import("node:vm")
  setFlagsFromString("--expose-gc")
  const gc: () => void = runInNewContext("gc")
  for (let turn = 0, more = 5; turn < 1000 && more > 0; turn++) {
    if (found()) more--
    gc()
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/**
 * What the tests of core share: a probe that holds calls where a test wants them, and short ways to look at outcomes.
 */
import { assert } from "@effect/vitest"
import { Actor, ActorError } from "@troupe/core"
import { Cause, Context, Effect, Exit, Latch, Random } from "effect"

/** Lets a test see what an actor does, and hold its calls as long as it wants. */
export class Probe {
  /** What happened, in order. */
  readonly log: Array<string> = []
  /** Calls between start and end, finalizers included. */
  running = 0
  /** The most that `running` has been. */
  peak = 0
  private readonly starts = new Map<string, Latch.Latch>()
  private readonly gates = new Map<string, Latch.Latch>()

  private latch(latches: Map<string, Latch.Latch>, id: string): Latch.Latch {
    const latch = latches.get(id) ?? Latch.makeUnsafe()
    latches.set(id, latch)
    return latch
  }

  readonly note = (event: string): Effect.Effect<void> => Effect.sync(() => this.log.push(event))

  /** Logs "id start", waits until `open(id)`, logs "id end". If it ends in another way, it logs that it was "cut". */
  readonly work = (id: string): Effect.Effect<string> =>
    Effect.suspend(() => {
      this.log.push(`${id} start`)
      this.peak = Math.max(this.peak, ++this.running)
      this.latch(this.starts, id).openUnsafe()
      return Effect.as(this.gate(id), id)
    }).pipe(
      Effect.onExit((exit) =>
        Effect.sync(() => {
          this.running--
          this.log.push(Exit.isSuccess(exit) ? `${id} end` : `${id} cut`)
        })
      )
    )

  /** Waits until `open(id)`. */
  readonly gate = (id: string): Effect.Effect<void> => Effect.suspend(() => this.latch(this.gates, id).await)

  /** Waits until `work(id)` has started. */
  readonly started = (id: string): Effect.Effect<void> => Effect.suspend(() => this.latch(this.starts, id).await)

  readonly open = (...ids: ReadonlyArray<string>): Effect.Effect<void> =>
    Effect.sync(() => {
      for (const id of ids) this.latch(this.gates, id).openUnsafe()
    })

  /** The ids that have started, in order. */
  get startOrder(): Array<string> {
    return this.log.flatMap((event) => (event.endsWith(" start") ? [event.slice(0, -" start".length)] : []))
  }
}

/** An actor for tests that are not about the actor. It dies at once with its Scope, so that no test waits for it. */
export class Worker extends Actor.Service<Worker>()("test/Worker", {
  shutdownTimeout: 0,
  make: (probe: Probe = new Probe()) =>
    Effect.succeed({
      /** Held by the probe. */
      work: probe.work,
      /** Logs and ends on the spot. */
      note: (id: string) => Effect.as(probe.note(id), id),
      echo: <A>(value: A) => Effect.succeed(value),
      add: (a: number, b: number) => Effect.sync(() => a + b),
      fail: (error: unknown) => Effect.fail(error),
      die: (defect: unknown) => Effect.die(defect),
      /** Runs whatever the test wants to run inside an actor. */
      run: (effect: Effect.Effect<any, any>) => effect
    })
}) {}

/** Logs its life, and counts for as long as an instance lives. */
export class Diary extends Actor.Service<Diary>()("test/Diary", {
  make: (probe: Probe) =>
    Effect.gen(function* () {
      yield* Effect.acquireRelease(probe.note("made"), () => probe.note("gone"))
      let count = 0
      return {
        count: () => Effect.sync(() => ++count),
        note: (event: string) => probe.note(event),
        work: probe.work,
        die: (defect: unknown) => Effect.die(defect),
        fail: (error: string) => Effect.fail(error),
        run: (effect: Effect.Effect<any, any>) => effect,
        exit: () => Effect.andThen(probe.note("exits"), Actor.exit)
      }
    })
}) {}

/** What a caller provides to work that needs it. */
export class Db extends Context.Service<Db, { readonly name: string }>()("test/Db") {}

/** The name of the database that the caller provides. */
export const db = Effect.map(Db, ({ name }) => name)
export const withDb = <A, E, R>(effect: Effect.Effect<A, E, R>, name: string) =>
  Effect.provideService(effect, Db, { name })

/** Lets everything run that is scheduled now, and what that schedules, some levels deep. */
export const settle: Effect.Effect<void> = Effect.repeat(Effect.yieldNow, { times: 20 })

/** The error with which an effect fails. */
export const errorOf = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<E, A, R> => Effect.flip(effect)

/** The reason of the ActorError with which an effect fails. */
export const reasonOf = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<ActorError.Reason, never, R> =>
  Effect.map(Effect.exit(effect), reasonOfExit)

export const reasonOfExit = (exit: Exit.Exit<unknown, unknown>): ActorError.Reason => {
  if (Exit.isSuccess(exit)) assert.fail(`expected an ActorError, but it succeeded with ${String(exit.value)}`)
  const fail = exit.cause.reasons.find(Cause.isFailReason)
  if (!ActorError.isActorError(fail?.error)) assert.fail(`expected an ActorError, but got ${Cause.pretty(exit.cause)}`)
  return fail.error.reason
}

/** The defect with which an effect dies. */
export const defectOf = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<unknown, never, R> =>
  Effect.map(Effect.exit(effect), (exit) => {
    const die = Exit.isFailure(exit) ? exit.cause.reasons.find(Cause.isDieReason) : undefined
    if (die === undefined) assert.fail(`expected a defect, but got ${String(exit)}`)
    return die.defect
  })

/** Starts an effect on a fiber of its own, and returns when it first waits. */
export const fork = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.forkChild(effect, { startImmediately: true })

/** Random numbers that a failed test can be repeated with: it prints its seed. */
export const seeded = <A, E, R>(test: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    const seed = Number(process.env.TROUPE_SEED ?? (yield* Random.nextIntBetween(0, 2 ** 31)))
    const tell = Effect.sync(() => console.error(`Repeat this with TROUPE_SEED=${seed}`))
    return yield* Effect.onError(Random.withSeed(test, seed), () => tell)
  })

export const range = (n: number): Array<number> => Array.from({ length: n }, (_, i) => i)

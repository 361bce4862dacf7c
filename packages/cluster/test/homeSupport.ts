/**
 * What the tests of the cluster home share: an actor whose calls a test holds as long as it wants, and short ways to
 * look at outcomes.
 */
import { assert } from "@effect/vitest"
import { ClusterHome, Delivery } from "@troupe/cluster"
import { Actor, ActorError } from "@troupe/core"
import { Cause, Effect, Exit, Latch, Schema, Stream } from "effect"

/** What the instance of a key does, and what holds it. */
export class Probe {
  readonly log: Array<string> = []
  running = 0
  peak = 0
  private readonly latches = new Map<string, Latch.Latch>()

  private latch(name: string): Latch.Latch {
    const latch = this.latches.get(name) ?? Latch.makeUnsafe()
    this.latches.set(name, latch)
    return latch
  }

  readonly note = (event: string): Effect.Effect<void> =>
    Effect.sync(() => {
      this.log.push(event)
      this.latch(`log ${event}`).openUnsafe()
    })

  /** Waits until something has been noted. */
  readonly noted = (event: string): Effect.Effect<void> => Effect.suspend(() => this.latch(`log ${event}`).await)

  /** Notes "id start", waits until `open(id)`, notes "id end", or "id cut" if it ends in another way. */
  readonly work = (id: string): Effect.Effect<string> =>
    Effect.suspend(() => {
      this.peak = Math.max(this.peak, ++this.running)
      return Effect.andThen(this.note(`${id} start`), Effect.as(this.latch(id).await, id))
    }).pipe(
      Effect.onExit((exit) => {
        this.running--
        return this.note(Exit.isSuccess(exit) ? `${id} end` : `${id} cut`)
      })
    )

  readonly open = (...ids: ReadonlyArray<string>): Effect.Effect<void> =>
    Effect.sync(() => {
      for (const id of ids) this.latch(id).openUnsafe()
    })

  count(event: string): number {
    return this.log.filter((each) => each === event).length
  }
}

const probes = new Map<string, Probe>()

export const probeOf = (key: string): Probe => {
  const probe = probes.get(key) ?? new Probe()
  probes.set(key, probe)
  return probe
}

let lastKey = 0

/** A key that no other test has. */
export const freshKey = (): string => `key-${++lastKey}`

export class Refused extends Schema.TaggedError<Refused>()("Refused", { why: Schema.String, at: Schema.Date }) {}

const method = { args: [Schema.String], success: Schema.String }

export class Worker extends Actor.Keyed<Worker>()("test/Worker", {
  key: Schema.String,
  methods: {
    work: Actor.method(method),
    grouped: Actor.method(method),
    durable: Delivery.durable(Actor.method(method)),
    other: Delivery.durable(Actor.method(method)),
    byArgument: Delivery.durable(Actor.method({ args: [Schema.String, Schema.String], success: Schema.String }), {
      id: (id) => id
    }),
    callId: Delivery.durable(Actor.method({ success: Schema.UndefinedOr(Schema.String) })),
    sum: Delivery.durable(Actor.method({ args: [Schema.Record(Schema.String, Schema.Int)], success: Schema.Int })),
    repeat: Delivery.durable(Actor.method({ args: [Schema.String, Schema.Int], success: Schema.String })),
    note: Actor.method(method),
    refuse: Actor.method({ args: [Schema.String], error: Refused }),
    refuseDurably: Delivery.durable(Actor.method({ args: [Schema.String], error: Refused })),
    die: Actor.method({ args: [Schema.String] }),
    exit: Actor.method(),
    exitApart: Actor.method(),
    flaky: Actor.method({ success: Schema.Int, error: Refused }),
    hasty: Actor.method({ success: Schema.Void }),
    misfit: Actor.method({ success: Schema.Int }),
    revoked: Actor.method({ success: Schema.Unknown }),
    when: Actor.method({ args: [Schema.Date], success: Schema.Date }),
    items: Actor.method({ args: [Schema.Int], success: Schema.Int, error: Refused, stream: true }),
    endless: Actor.method({ success: Schema.Int, stream: true })
  }
}) {}

const refused = (why: string) => new Refused({ why, at: new Date(0) })

export const makeWorker = (key: string) =>
  Effect.gen(function* () {
    const probe = probeOf(key)
    yield* probe.note("up")
    yield* Effect.addFinalizer(() => probe.note("down"))
    if (key.startsWith("broken") && probe.count("up") === 1) yield* Effect.fail("no such thing")
    let tries = 0
    return Worker.of({
      work: probe.work,
      grouped: probe.work,
      durable: probe.work,
      other: probe.work,
      byArgument: (id: string, what: string) => Effect.as(probe.note(`${id} ${what}`), what),
      callId: () => Effect.map(ClusterHome.DurableCall, (call) => call?.id),
      sum: (parts: Readonly<Record<string, number>>) =>
        Effect.succeed(Object.values(parts).reduce((sum, part) => sum + part, 0)),
      repeat: (text: string, times: number) => Effect.succeed(text.repeat(times)),
      note: (id: string) => Effect.as(probe.note(id), id),
      refuse: (why: string) => Effect.fail(refused(why)),
      refuseDurably: (why: string) => Effect.andThen(probe.note(why), Effect.fail(refused(why))),
      die: (why: string) => Effect.die(new TypeError(why)),
      exit: () => Actor.exit,
      exitApart: () => Actor.exit,
      flaky: () => Effect.suspend(() => (++tries < 3 ? Effect.fail(refused("not yet")) : Effect.succeed(tries))),
      hasty: () => Effect.asVoid(probe.work("hasty")),
      misfit: () => Effect.succeed("no number" as any),
      revoked: () =>
        Effect.sync((): unknown => {
          const { proxy, revoke } = Proxy.revocable({}, {})
          revoke()
          return proxy
        }),
      when: (date: Date) => Effect.succeed(date),
      items: (count: number) => Stream.concat(Stream.range(1, count), Stream.fail(refused("no more"))),
      endless: () => Stream.range(1, Infinity).pipe(Stream.rechunk(1), Stream.ensuring(probe.note("endless over")))
    })
  })

export const WorkerLive = Worker.toLayer(makeWorker, {
  maxConcurrency: 2,
  concurrencyGroups: { apart: { maxConcurrency: 1, methods: ["grouped", "exitApart"] } },
  methodOptions: { flaky: { maxTaskRetries: 5, retry: true }, hasty: { timeout: "20 millis" } },
  validate: true
})

// --- looking at outcomes ---------------------------------------------------------------------------------------------

export const errorOf = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<any, never, R> =>
  Effect.flatMap(Effect.exit(effect), (exit) =>
    Effect.sync(() => {
      if (Exit.isSuccess(exit)) return assert.fail(`succeeded with ${String(exit.value)}`)
      const fail = exit.cause.reasons.find(Cause.isFailReason)
      return fail === undefined ? assert.fail(Cause.pretty(exit.cause)) : fail.error
    })
  )

export const defectOf = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<any, never, R> =>
  Effect.flatMap(Effect.exit(effect), (exit) =>
    Effect.sync(() => {
      const die = Exit.isFailure(exit) ? exit.cause.reasons.find(Cause.isDieReason) : undefined
      return die === undefined ? assert.fail(String(exit)) : die.defect
    })
  )

/** The reason of the `ActorError` that an effect fails with. */
export const reasonOf = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<any, never, R> =>
  Effect.map(errorOf(effect), (error) => {
    if (ActorError.isActorError(error)) return error.reason
    return assert.fail(`not an ActorError: ${String(error)}`)
  })

/**
 * What implements the actors of the conformance suite, under the options that its tests need. It runs where the actor
 * lives: in the test's own process, or somewhere else.
 */
import { Actor, ActorContext, Broadcast } from "@troupe/core"
import { Duration, Effect, Exit, Latch, Layer, Option, References, Schedule, Schema, Stream } from "effect"
import { Box, Desk, type methods, Overflow, Tenant } from "./actors.ts"
import { Guarded, GuardedBox, GuardedBoxServed, GuardedServed } from "./guarded.ts"

// What has been noted outlives instances, so it is here and not in them.
const journal: Array<string> = []
const attempts = new Map<string, number>()
const starts = new Map<string, Latch.Latch>()
const gates = new Map<string, Latch.Latch>()

const latch = (latches: Map<string, Latch.Latch>, id: string): Latch.Latch => {
  const known = latches.get(id)
  if (known !== undefined) return known
  const made = Latch.makeUnsafe()
  latches.set(id, made)
  return made
}

const note = (event: string) =>
  Effect.sync(() => {
    journal.push(event)
  })

const work = (id: string): Effect.Effect<string> =>
  Effect.suspend(() => {
    journal.push(`${id} start`)
    latch(starts, id).openUnsafe()
    return Effect.as(latch(gates, id).await, id)
  }).pipe(Effect.onExit((exit) => note(Exit.isSuccess(exit) ? `${id} end` : `${id} cut`)))

const overflow = (at: number) => new Overflow({ at, when: new Date(1), note: Option.some("too much") })

/** How often this was run, this time included. */
const attempt = (id: string): number => {
  const n = (attempts.get(id) ?? 0) + 1
  attempts.set(id, n)
  return n
}

const surroundings = Effect.gen(function* () {
  const left = yield* ActorContext.timeLeft
  return {
    tenant: yield* Tenant,
    annotations: yield* References.CurrentLogAnnotations,
    left: Option.getOrNull(Option.map(left, Duration.toMillis))
  }
})

/** An actor that lives next to the one that is called. */
class Helper extends Actor.Service<Helper>()("conformance/Helper", {
  make: Effect.succeed({ work, surroundings: () => surroundings })
}) {}

const implementation = Effect.gen(function* () {
  const helper = yield* Helper
  yield* Effect.addFinalizer(() => note("finalized"))
  let count = 0
  const posts = yield* Broadcast.make<{ readonly at: Date; readonly text: string }>({ replay: 1 })
  return Desk.of({
    add: (a, b) => Effect.sync(() => a + b),
    sum: (a, b = 10) => Effect.sync(() => a + b),
    values: (values) => Effect.succeed(values),
    note,
    count: () => Effect.sync(() => ++count),
    work,
    io: work,
    stubborn: (id) => Effect.uninterruptible(work(id)),
    tidy: (id) =>
      Effect.onInterrupt(Effect.sync(() => latch(starts, id).openUnsafe()).pipe(Effect.andThen(Effect.never)), () =>
        Effect.andThen(Effect.repeat(Effect.yieldNow, { times: 20 }), note(`${id} tidy`))
      ),
    nested: (id) => helper.work(id) as Effect.Effect<string>,
    surroundings: () => Effect.all([surroundings, Effect.orDie(helper.surroundings())]),
    surroundingsOfStream: () => Stream.fromEffect(surroundings),
    fail: (at) => Effect.fail(overflow(at)),
    die: (message) => Effect.die(new RangeError(message)),
    moody: (id, times) =>
      Effect.suspend(() => (attempt(id) <= times ? Effect.fail(overflow(times)) : Effect.succeed(attempts.get(id)!))),
    shaky: (id, times) =>
      Effect.suspend(() => {
        const n = attempt(id)
        return n <= times ? Effect.die(new RangeError(`shaky ${n}`)) : Effect.succeed(n)
      }),
    exit: () => Actor.exit,
    misfit: () => Effect.succeed("no number" as any),
    ticks: (n) => Stream.concat(Stream.range(1, n), Stream.fail(overflow(n))),
    endless: (id) =>
      Stream.iterate(1, (n) => n + 1).pipe(
        Stream.rechunk(1),
        Stream.tap((n) => note(`${id} made ${n}`)),
        Stream.ensuring(note(`${id} over`))
      ),
    posts,
    post: (text) => posts.publish({ at: new Date(1), text }),
    readers: () => posts.readers,
    open: (id) => Effect.sync(() => latch(gates, id).openUnsafe()),
    started: (id) => latch(starts, id).await,
    log: (prefix) => Effect.sync(() => journal.filter((event) => event.startsWith(prefix)))
  })
})

/** Calls with which tests look on never wait for a permit. */
const controls = { maxConcurrency: Infinity, methods: ["open", "started", "log", "post", "readers"] } as const

class OutOfPaper extends Schema.TaggedError<OutOfPaper>()("OutOfPaper", { printer: Schema.String }) {
  override get message() {
    return `${this.printer} is out of paper`
  }
}

type Options = Actor.ActorOptions<Actor.MethodsOf<typeof methods>, string>

const desk = (options: Options = {}) => ({
  actor: Desk,
  layer: Layer.provide(
    Desk.toLayer(implementation, { concurrencyGroups: { controls }, shutdownTimeout: 0, ...options }),
    Helper.layer
  )
})

const box = (options: Options & Actor.KeyedOptions = {}) => ({
  actor: Box,
  layer: Layer.provide(
    Box.toLayer(() => implementation, { concurrencyGroups: { controls }, shutdownTimeout: 0, ...options }),
    Helper.layer
  )
})

/** The actors of the suite, by what is special about them. */
export const fixtures = {
  plain: desk(),
  one: desk({ maxConcurrency: 1 }),
  two: desk({ maxConcurrency: 2 }),
  groups: desk({ maxConcurrency: 1, concurrencyGroups: { controls, io: { maxConcurrency: 1, methods: ["io"] } } }),
  bounded: desk({ maxPendingCalls: 2 }),
  suspending: desk({ maxPendingCalls: 2, overflow: "suspend" }),
  restarting: desk({ restart: Schedule.recurs(2) }),
  restartingOne: desk({ maxConcurrency: 1, restart: Schedule.recurs(2) }),
  stopping: desk({ onDefect: "stop" }),
  retrying: desk({ maxTaskRetries: 2, retry: true }),
  hasty: desk({ methodOptions: { work: { timeout: "1 second" } } }),
  validating: desk({ validate: true }),
  guarded: { actor: Guarded, layer: GuardedServed },
  guardedBox: { actor: GuardedBox, layer: GuardedBoxServed },
  broken: {
    actor: Desk,
    layer: Desk.toLayer(
      Effect.andThen(Effect.fail(new OutOfPaper({ printer: "lp0" })), Effect.provide(implementation, Helper.layer))
    )
  },
  box: box(),
  passivating: box({ idleTimeToLive: Duration.seconds(10) }),
  brokenBox: { actor: Box, layer: Box.toLayer((key) => Effect.die(new OutOfPaper({ printer: key }))) }
}

export type DeskName = {
  [K in keyof typeof fixtures]: (typeof fixtures)[K]["actor"] extends typeof Desk ? K : never
}[keyof typeof fixtures]
export type BoxName = Exclude<keyof typeof fixtures, DeskName | "guarded" | "guardedBox">

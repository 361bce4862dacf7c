/**
 * Carries out the steps of a sequence on a real actor, and tells what can be seen of it in the model's words.
 */
import { Actor, ActorError, ObjectRef } from "@troupe/core"
import { Cause, Effect, Exit, Fiber, Latch, Schedule, Scope } from "effect"
import { TestClock } from "effect/testing"
import { cellOf } from "../../src/internal/handle/handle.ts"
import { type Config, type Group, groups, type Submission } from "./commands.ts"
import type { Step } from "./model.ts"

interface Call {
  readonly id: number
  readonly spec: Submission
  readonly args: ReadonlyArray<number>
  readonly gate: Latch.Latch
  attempts: number
  /** The one who asks, or who submits. */
  fiber: Fiber.Fiber<unknown, unknown> | undefined
  ref: ObjectRef.ObjectRef<number, unknown> | undefined
  /** How the ref settled, each time it did. */
  readonly exits: Array<Exit.Exit<unknown, unknown>>
}

/** Enough turns of the scheduler for everything that follows from one step. */
const settle = Effect.repeat(Effect.yieldNow, { times: 60 })

const fork = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.forkChild(effect, { startImmediately: true })

/** Counts the fibers that are alive, through what Effect offers for metrics. */
export class Fibers {
  alive = 0
  recordFiberStart(): void {
    this.alive++
  }
  recordFiberEnd(): void {
    this.alive--
  }
}

export class Machine {
  private readonly calls: Array<Call> = []
  private readonly starts: Record<Group, Array<number>> = { main: [], io: [] }
  private readonly running: Record<Group, number> = { main: 0, io: 0 }
  private readonly limits: Record<Group, number>
  private readonly cancels: Array<{
    readonly id: number
    readonly finds: string
    readonly fiber: Fiber.Fiber<string>
  }> = []
  /** What went wrong between steps. */
  readonly violations: Array<string> = []
  /** How many constructors have run, and how many of their Scopes have closed. */
  private made = 0
  private closed = 0
  private handle!: Effect.Success<ReturnType<Machine["spawn"]>>

  private readonly config: Config

  constructor(config: Config) {
    this.config = config
    this.limits = { ...config.limits }
  }

  private spawn() {
    const { config } = this
    const run = (id: number, ...args: ReadonlyArray<number>) => this.body(this.calls[id]!, args)
    class Real extends Actor.Service<Real>()("test/Real", {
      maxConcurrency: config.limits.main,
      concurrencyGroups: { io: { maxConcurrency: config.limits.io, methods: ["io"] } },
      maxPendingCalls: config.maxPendingCalls,
      overflow: config.overflow,
      onDefect: config.onDefect,
      restart:
        config.onDefect === "restart"
          ? Schedule.max([Schedule.spaced(config.restartDelay), Schedule.recurs(config.maxRestarts)])
          : undefined,
      maxTaskRetries: config.maxTaskRetries,
      retry: config.retry,
      make: Effect.acquireRelease(
        Effect.sync(() => this.made++),
        () => Effect.sync(() => this.closed++)
      ).pipe(Effect.as({ main: run, io: run }))
    }) {}
    return Real.spawn()
  }

  /** Starts the actor, and ends it with the Scope. Time has to go by for that, since interrupted calls may take some. */
  readonly start: Effect.Effect<void, never, Scope.Scope> = Effect.gen({ self: this }, function* () {
    const scope = yield* Scope.make()
    this.handle = yield* Scope.provide(this.spawn(), scope)
    yield* Effect.addFinalizer(() =>
      Effect.gen({ self: this }, function* () {
        const ends = yield* fork(Effect.andThen(Actor.kill(this.handle), Scope.close(scope, Exit.void)))
        yield* TestClock.adjust("1 hour")
        yield* Fiber.join(ends)
      })
    )
    // The test clock forgets to warn that nobody moves it.
    yield* TestClock.adjust(0)
  })

  /** What the method does. */
  private body(call: Call, args: ReadonlyArray<number>): Effect.Effect<number, string> {
    const { badAttempts, group, outcome, slowEnd, wait } = call.spec
    return Effect.suspend(() => {
      const attempt = ++call.attempts
      this.starts[group].push(call.id)
      if (++this.running[group] > this.limits[group]) this.violations.push(`#${call.id} started beyond the limit`)
      if (args.join() !== call.args.join()) this.violations.push(`#${call.id} got the arguments ${args.join()}`)
      const waits = wait === "nothing" ? Effect.void : wait === "gate" ? call.gate.await : Effect.sleep(wait)
      const ends: Effect.Effect<number, string> =
        attempt > badAttempts || outcome === "ok"
          ? Effect.succeed(call.id)
          : outcome === "fail"
            ? Effect.fail(`error of #${call.id}`)
            : Effect.die(new Error(`defect of #${call.id}`))
      const work = Effect.andThen(waits, ends)
      return slowEnd === 0 ? work : Effect.onInterrupt(work, () => Effect.sleep(slowEnd))
    }).pipe(Effect.ensuring(Effect.sync(() => this.running[group]--)))
  }

  // --- steps ---------------------------------------------------------------------------------------------------------

  apply(step: Step): Effect.Effect<void> {
    return Effect.andThen(this.carryOut(step), settle)
  }

  private carryOut(step: Step): Effect.Effect<unknown> {
    switch (step.type) {
      case "submit":
        return Effect.forEach(step.calls, ({ args, id, spec }) => this.submit(id, args, spec))
      case "open":
        return this.calls[step.id]!.gate.open
      case "cancel":
        return this.cancel(this.calls[step.id]!, step.finds)
      case "look":
        return this.look(this.calls[step.id]!)
      case "tick":
        return TestClock.adjust(step.millis)
      case "resize":
        this.limits[step.group] = step.limit
        return Actor.resize(this.handle, step.limit, step.group === "io" ? { concurrencyGroup: "io" } : undefined)
      case "stop":
        return fork(Actor.stop(this.handle))
      case "kill":
        return fork(Actor.kill(this.handle))
      case "nothing":
        return Effect.void
    }
  }

  private submit(id: number, args: ReadonlyArray<number>, spec: Submission): Effect.Effect<void> {
    const call: Call = {
      id,
      spec,
      args,
      gate: Latch.makeUnsafe(),
      attempts: 0,
      fiber: undefined,
      ref: undefined,
      exits: []
    }
    this.calls.push(call)
    const plain = this.handle[spec.group]
    const method = spec.timeout === undefined ? plain : plain.options({ timeout: spec.timeout })
    const refs = args.map((arg) => this.calls[arg]!.ref!)
    const submit: Effect.Effect<unknown, unknown> = spec.ask
      ? method(id, ...(refs as any))
      : Effect.tap(method.remote(id, ...(refs as any)), (ref) =>
          Effect.sync(() => {
            call.ref = ref as any
            internalsOf(ref).observe((exit) => call.exits.push(exit))
          })
        )
    return Effect.map(fork(submit), (fiber) => {
      call.fiber = fiber
    })
  }

  /** Whoever has a ref cancels it; other callers are interrupted. */
  private cancel({ fiber, id, ref }: Call, finds: string | undefined): Effect.Effect<unknown> {
    if (ref === undefined) return fork(Fiber.interrupt(fiber!))
    return Effect.map(fork(ObjectRef.cancel(ref)), (fiber) => this.cancels.push({ id, finds: finds ?? "", fiber }))
  }

  /** Waits for a ref for a while, and gives up. */
  private look({ ref }: Call): Effect.Effect<unknown> {
    if (ref === undefined) return Effect.void
    return Effect.flatMap(fork(Effect.exit(ref)), (fiber) => Effect.andThen(settle, Fiber.interrupt(fiber)))
  }

  // --- what can be seen ----------------------------------------------------------------------------------------------

  snapshot(): Array<string> {
    const cell = cellOf(this.handle)
    return [
      `${cell.pending} pending, ${cell.restarts} restarts${cell.death === undefined ? "" : ", no new calls"}`,
      ...groups.map((group) => {
        const { running, waiting } = cell.line(group === "main" ? undefined : group)
        const count =
          running === this.running[group] ? `${running}` : `${running} permits held and ${this.running[group]}`
        return `${group}: ${count} running, ${waiting} waiting, started ${this.starts[group].join(" ")}`
      }),
      ...this.calls.map((call) => `#${call.id} ${status(call)}`)
    ]
  }

  /** What is left behind when all is over. */
  leaks(fibers: Fibers): Array<string> {
    const cell: any = cellOf(this.handle)
    const facts: ReadonlyArray<[fact: string, value: unknown, expected: unknown]> = [
      ["the instance is gone", cell.life.isGone, true],
      ["pending calls", cell.pending, 0],
      ["tracked calls", cell.running.length, 0],
      ["calls that wait for arguments", cell.preparing?.calls().length ?? 0, 0],
      ["timers", cell.timers?.size ?? 0, 0],
      ["suspended submitters", cell.room?.size ?? 0, 0],
      ["watchers", cell.watchers?.size ?? 0, 0],
      ["open Scopes", this.made - this.closed, 0],
      ["fibers", fibers.alive, 0],
      ...this.cancels.map(({ fiber, finds, id }): [string, unknown, unknown] => [
        `cancel #${id} found`,
        Exit.getSuccess(fiber.pollUnsafe() ?? Exit.die("nothing yet")).pipe((found) => (found as any).value),
        finds
      ]),
      ...this.calls.flatMap(
        ({ exits, id, ref }): Array<[string, unknown, unknown]> =>
          ref === undefined
            ? []
            : [
                [`times that #${id} settled`, exits.length, 1],
                [`observers of #${id}`, internalsOf(ref).waiters?.length ?? 0, 0],
                [`children of #${id}`, internalsOf(ref).children?.size ?? 0, 0]
              ]
      )
    ]
    return facts.flatMap(([fact, value, expected]) =>
      value === expected ? [] : [`${fact}: ${value}, not ${expected}`]
    )
  }
}

interface Internals {
  readonly waiters: ReadonlyArray<unknown> | undefined
  readonly children: ReadonlySet<unknown> | undefined
  readonly observe: (observer: (exit: Exit.Exit<unknown, unknown>) => void) => void
}

const internalsOf = (ref: object): Internals => ref as any

/** One of the observers of each ref is ours, and one each of those who cancel it and wait. */
const status = (call: Call): string => {
  const { exits, fiber, ref, spec } = call
  if (ref !== undefined) {
    const [exit] = exits
    return exit === undefined ? `pending, ${argumentsOn(ref)} arguments` : describe(exit, call.id)
  }
  const exit = fiber!.pollUnsafe()
  return exit === undefined
    ? "pending"
    : spec.ask || Exit.isFailure(exit)
      ? describe(exit, call.id)
      : "submitted without a ref"
}

/** Who waits for a ref as an argument is known by its name, among all who observe it. */
const argumentsOn = (ref: object): number =>
  (internalsOf(ref).waiters ?? []).filter((observer) => (observer as Function).name === "onExit").length

const describe = (exit: Exit.Exit<unknown, unknown>, id: number): string => {
  if (Exit.isSuccess(exit)) return exit.value === id ? "ok" : `succeeded with ${String(exit.value)}`
  const { reasons } = exit.cause
  const error = reasons.find(Cause.isFailReason)?.error
  if (ActorError.isActorError(error)) return error.reason._tag
  if (error !== undefined) return String(error)
  const defect = reasons.find(Cause.isDieReason)?.defect
  if (defect !== undefined) return defect instanceof Error ? defect.message : String(defect)
  return "Interrupted"
}

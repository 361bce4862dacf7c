/**
 * A pool is an actor whose one method runs work on a member: queueing, limits, refs and cancellation are the cell's.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { ActorError } from "../ActorError.ts"
import type { PoolOptions } from "../ActorPool.ts"
import { Cell } from "./cell.ts"
import { cellOf, makeMethod } from "./handle.ts"
import * as life from "./life.ts"
import type { MethodSpec } from "./method.ts"
import * as options from "./options.ts"

type Work = (member: object) => Effect.Effect<any, any>

interface Member {
  readonly handle: object
  readonly cell: Cell
  busy: number
}

class Pool {
  readonly members: Array<Member> = []
  /** Work that has its permit while the last living member has just died. */
  private readonly waiting = new Set<() => void>()

  /** Runs work on the least busy living member. Work that its member died before starting goes to another. */
  run(work: Work): Effect.Effect<any, any> {
    return Effect.suspend(() => {
      const member = this.leastBusy()
      if (member === undefined) return Effect.andThen(this.change(), this.run(work))
      member.busy++
      const done = Effect.sync(() => {
        member.busy--
      })
      return Effect.catchIf(
        Effect.ensuring(
          Effect.suspend(() => work(member.handle)),
          done
        ),
        (error) => diedUnstarted(member, error),
        () => this.run(work)
      )
    })
  }

  leastBusy(): Member | undefined {
    let best: Member | undefined
    for (const member of this.members) {
      if (member.cell.death === undefined && (best === undefined || member.busy < best.busy)) best = member
    }
    return best
  }

  add(handle: object): Member {
    const member = { handle, cell: cellOf(handle), busy: 0 }
    this.members.push(member)
    this.changed()
    return member
  }

  remove(member: Member): void {
    this.members.splice(this.members.indexOf(member), 1)
    this.changed()
  }

  private changed(): void {
    for (const resume of this.waiting) resume()
    this.waiting.clear()
  }

  /** Waits until members come or go. */
  private change(): Effect.Effect<void> {
    return Effect.callback((resume) => {
      const go = () => resume(Effect.void)
      this.waiting.add(go)
      return Effect.sync(() => {
        this.waiting.delete(go)
      })
    })
  }
}

const diedUnstarted = ({ cell }: Member, error: unknown): boolean =>
  cell.death !== undefined &&
  error instanceof ActorError &&
  error.reason._tag === "ActorDied" &&
  error.reason.actor === cell.actor &&
  !error.mayHaveRun

const method: MethodSpec = {
  actor: "ActorPool",
  name: "run",
  label: "ActorPool.run",
  group: undefined,
  maxTaskRetries: 0,
  retry: false,
  timeout: undefined,
  contract: undefined
}

export const make = Effect.fnUntraced(function* (input: PoolOptions<object, any, Scope.Scope>) {
  const { onDeath = "replace", spawn } = input
  const size = options.limit("ActorPool", "size", input.size)
  const perMember = options.limit("ActorPool", "callsPerMember", input.callsPerMember ?? 1)
  const scope = yield* Scope.Scope
  const pool = new Pool()
  const run = (work: Work) => pool.run(work)
  const normalized = options.normalize("ActorPool", { maxConcurrency: size * perMember })
  const cell = new Cell(
    "ActorPool",
    Effect.succeed({ run }),
    normalized,
    Context.omit(Scope.Scope)(yield* Effect.context<any>())
  )

  /** Starts a member, and looks after it until it dies. */
  const start: Effect.Effect<void, any, any> = Effect.gen(function* () {
    const handle = yield* Scope.provide(spawn, scope)
    const member = pool.add(handle)
    yield* Effect.forkIn(
      Effect.andThen(
        life.watch(handle),
        Effect.suspend(() => bury(member))
      ),
      scope
    )
  })
  const bury = (member: Member): Effect.Effect<void, never, any> => {
    pool.remove(member)
    const next = onDeath === "replace" ? start : Effect.void
    return Effect.catchCause(next, (cause) =>
      Effect.logWarning("ActorPool: a dead member could not be replaced", cause)
    ).pipe(Effect.andThen(Effect.sync(() => adjust())))
  }
  /** As many permits as the members have room; without members, there is no hope. */
  const adjust = () => {
    if (pool.members.length === 0) cell.kill("all its members have died", undefined)
    else cell.resize(cell.main, pool.members.length * perMember)
  }

  yield* cell.boot()
  yield* Effect.forEach(Array.from({ length: size }), () => start, { discard: true })
  // Added last, so that the pool ends before its members do.
  yield* Scope.addFinalizer(scope, life.shutdown(cell))
  const ask: any = makeMethod(() => cell.main, method)
  const map = (unordered: boolean) => (items: any, work: (member: object, item: unknown) => Effect.Effect<any, any>) =>
    Stream.mapEffect(
      Stream.isStream(items) ? items : Stream.fromIterable(items),
      (item) => ask((member: object) => work(member, item)) as Effect.Effect<any, any>,
      { concurrency: size * perMember, unordered }
    )
  return {
    run: ask,
    remote: ask.remote,
    map: map(false),
    mapUnordered: map(true),
    members: Effect.sync(() => [...pool.members].sort((a, b) => a.busy - b.busy).map(({ handle }) => handle))
  }
})

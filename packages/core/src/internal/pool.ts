/**
 * A pool is an actor whose one method runs work on a member: queueing, limits, refs and cancellation are the cell's.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { identity } from "effect/Function"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { ActorError } from "../ActorError.ts"
import type { PoolOptions } from "../ActorPool.ts"
import { Ask } from "./ask.ts"
import { current, within } from "./call.ts"
import { Cell } from "./cell.ts"
import { cellOf, makeMethod } from "./handle.ts"
import * as life from "./life.ts"
import * as options from "./options.ts"
import { registryIn } from "./registry.ts"
import { singleMethod } from "./task.ts"

type Work = (member: object) => Effect.Effect<any, any>

interface Member {
  readonly handle: object
  readonly cell: Cell
  busy: number
}

const isAlive = ({ cell }: Member): boolean => cell.death === undefined

class Members {
  private readonly all = new Set<Member>()
  private readonly perMember: number
  /** Work that has a permit, but found no member with room: one is dying, and its successor is not there yet. */
  private waiting = new Set<() => void>()

  constructor(perMember: number) {
    this.perMember = perMember
  }

  get size(): number {
    return this.all.size
  }

  /** The living ones, the least busy first. */
  living(): Array<Member> {
    return [...this.all].filter(isAlive).sort((a, b) => a.busy - b.busy)
  }

  add(handle: object): Member {
    const member = { handle, cell: cellOf(handle), busy: 0 }
    this.all.add(member)
    this.changed()
    return member
  }

  remove(member: Member): void {
    this.all.delete(member)
    this.changed()
  }

  /** Runs work on the least busy member. Work that its member died before starting goes to another. */
  run(work: Work): Effect.Effect<any, any> {
    return Effect.uninterruptibleMask((restore) => {
      const member = this.leastBusy()
      if (member === undefined) return restore(Effect.andThen(this.change(), this.run(work)))
      member.busy++
      const release = Effect.sync(() => {
        member.busy--
        this.changed()
      })
      const effect = work(member.handle)
      return Effect.catchIf(
        Effect.ensuring(restore(effect), release),
        (error) => diedUnstarted(member, effect, error),
        () => restore(this.run(work))
      )
    })
  }

  private leastBusy(): Member | undefined {
    let best: Member | undefined
    for (const member of this.all) {
      if (isAlive(member) && member.busy < this.perMember && (best === undefined || member.busy < best.busy))
        best = member
    }
    return best
  }

  private changed(): void {
    if (this.waiting.size === 0) return
    const { waiting } = this
    // Those who find no room this time, either, wait in the new set.
    this.waiting = new Set()
    for (const resume of waiting) resume()
  }

  /** Waits until there may be room. */
  private change(): Effect.Effect<void> {
    return Effect.callback((resume) => {
      // It may have come since the look that found none.
      if (this.leastBusy() !== undefined) return resume(Effect.void)
      const go = () => resume(Effect.void)
      this.waiting.add(go)
      return Effect.sync(() => {
        this.waiting.delete(go)
      })
    })
  }
}

/** Only work that is a single call is known not to have run in part when a call of it did not run. */
const diedUnstarted = ({ cell }: Member, work: Effect.Effect<any, any>, error: unknown): boolean =>
  work instanceof Ask &&
  cell.death !== undefined &&
  error instanceof ActorError &&
  error.reason._tag === "ActorDied" &&
  error.reason.actor === cell.actor &&
  !error.mayHaveRun

/** Work runs as if its submitter ran it, in the submitter's own context and Scope. */
const asSubmitter = (work: Work) => (member: object) => {
  const effect = work(member)
  if (effect instanceof Ask) return effect
  return Effect.updateContext(effect, (context) => {
    const call = current(context)!
    return within(call.context, call)
  }) as Effect.Effect<any, any>
}

export const make = Effect.fnUntraced(function* (input: PoolOptions<object, any, Scope.Scope>) {
  options.onlyKnown("ActorPool", input, { spawn: true, size: true, callsPerMember: true, onDeath: true })
  const size = options.size("ActorPool", "size", input.size)
  const perMember = options.limit("ActorPool", "callsPerMember", input.callsPerMember ?? 1)
  const onDeath = options.oneOf("ActorPool", "onDeath", ["replace", "drop"], input.onDeath ?? "replace")
  const scope = yield* Scope.Scope
  // Members that come later belong to it, too, so that all of them end after the pool.
  const ofMembers = yield* Scope.fork(scope)
  const members = new Members(perMember)
  const implementation = { run: (work: Work) => members.run(asSubmitter(work)) }
  const normalized = options.normalize("ActorPool", { maxConcurrency: size * perMember }, options.ofTasks)
  const cell = new Cell("ActorPool", Effect.succeed(implementation), normalized, Context.empty(), {
    registry: registryIn(yield* Effect.context<never>())
  })

  /** Starts a member, and looks after it until it dies. */
  const start: Effect.Effect<void, any, Scope.Scope> = Effect.gen(function* () {
    const own = yield* Scope.fork(ofMembers)
    const member = members.add(yield* Scope.provide(input.spawn, own))
    const died = Effect.andThen(life.watch(member.handle), Scope.close(own, Exit.void))
    yield* Effect.forkIn(Effect.andThen(died, replace(member)), ofMembers)
  })
  const replace = (member: Member) =>
    Effect.suspend(() => {
      members.remove(member)
      return onDeath === "replace" ? start : Effect.void
    }).pipe(
      Effect.catchCause((cause) => Effect.logWarning("ActorPool: a dead member could not be replaced", cause)),
      Effect.andThen(Effect.sync(() => members.size === 0 && cell.kill("all its members have died", undefined)))
    )

  yield* cell.boot(identity)
  yield* Effect.forEach(Array.from({ length: size }), () => start, { discard: true })
  // Added after the Scope of the members, so that the pool ends before they do.
  yield* Scope.addFinalizer(scope, life.shutdown(cell))
  const run: any = makeMethod(() => cell.main, singleMethod("ActorPool", normalized))
  const map = (unordered: boolean) => (items: any, work: (member: object, item: unknown) => Effect.Effect<any, any>) =>
    Stream.mapEffect(
      Stream.isStream(items) ? items : Stream.fromIterable(items, { chunkSize: 1 }),
      (item) => run((member: object) => work(member, item)) as Effect.Effect<any, any>,
      { concurrency: size * perMember, unordered }
    )
  return {
    run,
    remote: run.remote,
    map: map(false),
    mapUnordered: map(true),
    members: Effect.sync(() => members.living().map(({ handle }) => handle))
  }
})

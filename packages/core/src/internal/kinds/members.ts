/**
 * The members of a pool, and which of them gets the next piece of work.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import { isActorError } from "../../ActorError.ts"
import { Vacancy } from "../call/vacancy.ts"
import { observe } from "../call/waiting.ts"
import type { Waiter } from "../call/waits.ts"
import { Ask } from "../handle/ask.ts"
import { cellOf, checkHandle, isAddress } from "../handle/handle.ts"
import type { Cell } from "../instance/cell.ts"

export type Work = (member: object) => Effect.Effect<any, any>

export interface Member {
  readonly handle: object
  /** Not that of the address of a key: it has one now and then, is never dead, and needs no successor. */
  readonly cell: Cell | undefined
  /** What it was started in. */
  readonly scope: Scope.Closeable
  busy: number
}

/** Whether a Scope is part of another one. */
const isWithin = (scope: Scope.Scope | undefined, outer: Scope.Scope): boolean =>
  scope !== undefined && (scope === outer || isWithin(scope.parent, outer))

const isAlive = ({ cell }: Member): boolean => cell?.death === undefined

/** The members that are up, and the work that they have. */
export class Members {
  private readonly all = new Set<Member>()
  declare private readonly perMember: number
  /** What work waits for that has a permit, but found no member with room: one is dying, and its successor is not there yet. */
  private vacancy: Vacancy | undefined = undefined
  /** How many places have a member, or will have one. */
  declare places: number

  /** The longest `shutdownTimeout` of a member. */
  patience: Duration.Duration | undefined = undefined

  constructor(perMember: number, places: number) {
    this.perMember = perMember
    this.places = places
  }

  /** The living ones, the least busy first. */
  living(): Array<Member> {
    return [...this.all].filter(isAlive).sort((a, b) => a.busy - b.busy)
  }

  add(handle: object, scope: Scope.Closeable): Member {
    checkHandle("ActorPool: spawn", handle)
    const cell = isAddress(handle) ? undefined : cellOf(handle)
    const member = { handle, cell, scope, busy: 0 }
    this.all.add(member)
    if (cell !== undefined) this.patience = Duration.max(this.patience ?? Duration.zero, cell.options.shutdownTimeout)
    this.changed()
    return member
  }

  remove(member: Member): void {
    this.all.delete(member)
    this.changed()
  }

  /** Ends those whose end takes too long. A member that was there before the pool goes on after it. */
  kill(why: string): void {
    for (const { cell, scope } of this.all) {
      if (cell !== undefined && isWithin(cell.life.tie, scope)) cell.life.kill(why)
    }
  }

  /** Runs work on the least busy member. Work that its member died before starting goes to another. */
  run(work: Work): Effect.Effect<any, any> {
    return Effect.uninterruptibleMask((restore) => {
      const member = this.leastBusy()
      if (member === undefined) return restore(Effect.andThen(this.change(), this.run(work)))
      return Effect.withFiber((fiber) => {
        const release = this.occupy(member)
        // A fiber that comes upon what is no Effect ends on the spot, without its finalizers.
        fiber.addObserver(release)
        const effect = work(member.handle)
        return Effect.catchIf(
          Effect.ensuring(restore(effect), Effect.sync(release)),
          (error) => diedUnstarted(member, effect, error),
          () => restore(this.run(work))
        )
      })
    })
  }

  /** Takes a place of the member, and gives what frees it, once. */
  private occupy(member: Member): () => void {
    let taken = true
    member.busy++
    return () => {
      if (!taken) return
      taken = false
      member.busy--
      this.changed()
    }
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
    const { vacancy } = this
    // Those who find no room this time, either, wait for the next one.
    this.vacancy = undefined
    vacancy?.settle(Exit.void)
  }

  /** Waits until there may be room. */
  private change(): Effect.Effect<void, any> {
    return Effect.callback((resume) => {
      // It may have come since the look that found none.
      if (this.leastBusy() !== undefined) return resume(Effect.void)
      this.vacancy ??= new Vacancy(this)
      return Effect.sync(observe(this.vacancy, false, resume))
    })
  }

  /** The ends of all members, if that is all there is to wait for. */
  *blockers(): Generator<Waiter | undefined> {
    if (this.all.size < this.places) yield undefined
    for (const { cell } of this.all) yield cell?.death === undefined ? undefined : cell.life.end
  }

  /** Room on a member. Where all of them are dying, it comes when one of them has ended. */
  readonly missing = "a member of the pool"
}

/** Only work that is a single call is known not to have run in part when a call of it did not run. */
const diedUnstarted = ({ cell }: Member, work: Effect.Effect<any, any>, error: unknown): boolean =>
  work instanceof Ask &&
  cell?.death !== undefined &&
  isActorError(error) &&
  error.reason._tag === "ActorDied" &&
  error.reason.actor === cell.actor &&
  !error.mayHaveRun

/**
 * The places of a pool. Each has a member, and gets another one when that has died: this is how a pool heals, and ends.
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { ActorError } from "../../ActorError.ts"
import type { PoolOptions } from "../../ActorPool.ts"
import { Minutely } from "../base/minutely.ts"
import * as options from "../base/options.ts"
import { printable } from "../base/show.ts"
import { watch } from "../handle/operations.ts"
import type { Cell } from "../instance/cell.ts"
import * as pacer from "../instance/pacer.ts"
import { close, hurried } from "../instance/shutdown.ts"
import type { Member, Members } from "./members.ts"

/** How long members of a place have to last until the death of one counts as the first again. */
const LASTING = Duration.toMillis("1 minute")
const FIRST_PAUSE = 100
const LONGEST_PAUSE = Duration.toMillis("10 seconds")

/**
 * How members are replaced unless told otherwise: the first at once, the next after 100 ms, each further one after twice
 * as long, up to 10 s. It never ends: a pool that was without its database for an hour is whole again after it.
 */
const defaultRestart = Schedule.fromStep(
  Effect.sync(() => {
    let deaths = 0
    let last = Number.NEGATIVE_INFINITY
    return (now: number) => {
      deaths = now - last > LASTING ? 1 : deaths + 1
      last = now
      const pause = deaths === 1 ? 0 : Math.min(FIRST_PAUSE * 2 ** (deaths - 2), LONGEST_PAUSE)
      return Effect.succeed([deaths, Duration.millis(pause)] as [number, Duration.Duration])
    }
  })
)

/** How members are replaced, if they are. */
export const restartOf = ({
  onDeath = "replace",
  restart
}: PoolOptions<object, any, any>): pacer.Restart | undefined => {
  options.oneOf("replace", "drop")("ActorPool", "onDeath", onDeath)
  const schedule = restart === undefined ? undefined : options.schedule("ActorPool", "restart", restart)
  if (onDeath === "replace") return schedule ?? defaultRestart
  if (schedule === undefined) return undefined
  throw new RangeError(
    'ActorPool: restart says how members are replaced, and onDeath: "drop" replaces none: give one of them'
  )
}

/** Keeps the members up: each has a place, in which another one comes when it has died. */
export class Places {
  /** Members come and go, and all of them end after the pool, together. */
  private readonly ofMembers = Scope.makeUnsafe("parallel")
  private readonly ofPlaces = Scope.makeUnsafe("parallel")
  declare private readonly failures: Minutely<Cause.Cause<unknown>>

  declare private readonly members: Members
  declare readonly cell: Cell
  declare private readonly size: number
  declare private readonly spawn: Effect.Effect<object, any, Scope.Scope>
  declare private readonly restart: pacer.Restart | undefined

  constructor(
    members: Members,
    cell: Cell,
    input: PoolOptions<object, any, Scope.Scope>,
    restart: pacer.Restart | undefined,
    context: Context.Context<never>
  ) {
    this.members = members
    this.cell = cell
    this.size = input.size
    this.spawn = input.spawn
    this.restart = restart
    this.failures = new Minutely(context, (count, cause) => this.logFailures(count, cause))
  }

  /** Starts the first member of a place. */
  start(): Effect.Effect<void, any> {
    return Effect.andThen(this.startMember(), (member) => Effect.forkIn(this.keep(member), this.ofPlaces))
  }

  private startMember(): Effect.Effect<Member, any> {
    return Effect.suspend(() => {
      const own = Scope.forkUnsafe(this.ofMembers)
      const member = Effect.map(Scope.provide(this.spawn, own), (handle) => this.members.add(handle, own))
      return Effect.onError(member, (cause) => Scope.close(own, Exit.failCause(cause)))
    })
  }

  /** Looks after a place, for as long as there is a member, or one on its way. */
  private keep(first: Member): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const pace = this.restart && pacer.make(this.restart)
      let why = yield* this.end(first)
      while (pace !== undefined) {
        const pause = yield* pace(why)
        if (pause === undefined) break
        yield* Effect.sleep(pause)
        const exit = yield* Effect.exit(this.startMember())
        if (exit._tag === "Failure") this.failures.note(exit.cause)
        why = exit._tag === "Failure" ? exit.cause : yield* this.end(exit.value)
      }
      return yield* this.vacate(why)
    }).pipe(Effect.catchCause((cause) => (Cause.hasInterruptsOnly(cause) ? Effect.void : this.vacate(cause))))
  }

  /** Waits for the end of a member, and succeeds with the cause of it. */
  private end(member: Member): Effect.Effect<Cause.Cause<unknown>> {
    return Effect.gen({ self: this }, function* () {
      const reason = yield* member.cell === undefined ? Effect.never : watch(member.handle)
      yield* Effect.catchCause(Scope.close(member.scope, Exit.void), (cause) =>
        Effect.logError("ActorPool: what a member was started with could not be released", printable(cause))
      )
      this.members.remove(member)
      return Cause.fail(new ActorError({ reason }))
    })
  }

  /** No more member comes in a place. */
  private vacate(why: Cause.Cause<unknown>): Effect.Effect<void> {
    return Effect.suspend(() => {
      const left = --this.members.places
      if (left === 0) this.cell.life.kill("all its members have died", why)
      if (this.restart === undefined) return Effect.void
      const are = `${left} of ${this.size} ${left === 1 ? "is" : "are"} left`
      return Effect.logWarning(
        `ActorPool: a member is not replaced any more, its restart schedule ended: ${are}. It died of`,
        printable(why)
      )
    })
  }

  private logFailures(count: number, cause: Cause.Cause<unknown>): Effect.Effect<void> {
    const times = count === 1 ? "" : ` (${count} attempts)`
    const living = this.members.living().length
    const up = `${living} of ${this.size} ${living === 1 ? "is" : "are"} up`
    const next = "It is tried again as its restart schedule says. It failed with"
    return Effect.logWarning(`ActorPool: a dead member could not be replaced${times}, ${up}. ${next}`, printable(cause))
  }

  /** Ends the pool, then its members together, all within the `shutdownTimeout` of the members. */
  shutdown(scope: Scope.Scope): Effect.Effect<void> {
    return Effect.withFiber((fiber) => {
      const { cell, members } = this
      this.failures.stop()
      close(cell)
      const orderly = cell.life
        .ended()
        .pipe(
          Effect.andThen(Scope.close(this.ofPlaces, Exit.void)),
          Effect.andThen(Scope.close(this.ofMembers, Exit.void))
        )
      const patience = members.patience ?? cell.options.shutdownTimeout
      return hurried(fiber, scope, cell, patience, orderly, (why) => members.kill(why))
    })
  }
}

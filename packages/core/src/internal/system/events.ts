/**
 * What happens in a system, as dated events for those who watch it (semantics 11.2).
 *
 * The times of calls under way are kept here, so that a call need not be larger for the sake of those who watch.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Event } from "../../ActorSystem.ts"
import type { News } from "../../Instrumentation.ts"
import { elapsedIn, liveClock } from "../base/time.ts"
import type { Call } from "../call/call.ts"
import { current } from "../call/currentCall.ts"
import { outcomeOf } from "../instance/books.ts"
import type { Hub, Subject } from "../instance/hub.ts"
import { listen } from "./hub.ts"
import { messageOf } from "./snapshot.ts"

type Watcher = (event: Event) => void

/** When a call was submitted or was to run again, and when it started, as `elapsedIn` counts. */
interface Times {
  waiting: number
  started: number | undefined
  waited: number
}

/**
 * Tells one watcher. Events are spelled out, since spreading what they share takes longer than the rest of an event.
 */
class Events implements Hub {
  private readonly times = new Map<Call, Times>()
  declare private readonly tell: Watcher

  constructor(watcher: Watcher) {
    this.tell = watcher
  }

  submitted(call: Call, asked: boolean): void {
    const now = elapsedIn(call.context)
    const parent = current(call.context)
    this.times.set(call, { waiting: now, started: undefined, waited: 0 })
    this.tell({
      _tag: "Submitted",
      at: dateOf(now, call.context),
      call: call.id,
      method: call.method.label,
      name: call.method.name,
      actor: call.line.cell.id,
      instance: call.line.cell.instance,
      parent: parent?.id,
      asked
    })
  }

  refused(call: Call): void {
    this.tell({
      _tag: "Refused",
      at: dateOf(elapsedIn(call.context), call.context),
      call: call.id,
      method: call.method.label,
      name: call.method.name,
      actor: call.line.cell.id,
      instance: call.line.cell.instance
    })
  }

  started(call: Call): void {
    const now = elapsedIn(call.context)
    const times = this.timesOf(call, now, false)
    const waited = now - times.waiting
    times.started = now
    times.waited += waited
    this.tell({
      _tag: "Started",
      at: dateOf(now, call.context),
      call: call.id,
      method: call.method.label,
      name: call.method.name,
      actor: call.line.cell.id,
      instance: call.line.cell.instance,
      attempt: call.attempts,
      waited
    })
  }

  requeued(call: Call, exit: Exit.Failure<unknown, unknown>): void {
    const now = elapsedIn(call.context)
    const times = this.timesOf(call, now, call.attempts > 0)
    const ran = now - (times.started ?? now)
    times.waiting = now
    times.started = undefined
    this.tell({
      _tag: "Requeued",
      at: dateOf(now, call.context),
      call: call.id,
      method: call.method.label,
      name: call.method.name,
      actor: call.line.cell.id,
      instance: call.line.cell.instance,
      ran,
      error: messageOf(exit.cause)
    })
  }

  settled(call: Call, exit: Exit.Exit<unknown, unknown>): void {
    const now = elapsedIn(call.context)
    const times = this.timesOf(call, now, call.attempts > 0)
    this.times.delete(call)
    const ran = times.started === undefined ? undefined : now - times.started
    const waited = ran === undefined ? times.waited + now - times.waiting : times.waited
    const error = exit._tag === "Failure" ? messageOf(exit.cause) : undefined
    this.tell({
      _tag: "Settled",
      at: dateOf(now, call.context),
      call: call.id,
      method: call.method.label,
      name: call.method.name,
      actor: call.line.cell.id,
      instance: call.line.cell.instance,
      outcome: outcomeOf(call, exit),
      waited,
      ran,
      error
    })
  }

  /** Of a call that was under way before anybody watched, not all is known. */
  private timesOf(call: Call, now: number, running: boolean): Times {
    const known = this.times.get(call)
    if (known !== undefined) return known
    const since = now - call.age
    const times: Times = { waiting: since, started: running ? since : undefined, waited: 0 }
    this.times.set(call, times)
    return times
  }

  handled(): void {}

  instance({ context, id, instance }: Subject, news: News): void {
    const about = { at: dateOf(elapsedIn(context), context), actor: id, instance }
    switch (news._tag) {
      case "InstanceRestarting":
        return this.tell({ _tag: news._tag, ...about, error: messageOf(news.cause) })
      case "InstanceDied":
        return this.tell({ _tag: news._tag, ...about, why: news.why, error: news.cause && messageOf(news.cause) })
      default:
        return this.tell({ ...news, ...about })
    }
  }
}

/** How far dates may be from the wall clock until they are set by it, in milliseconds. */
const ASTRAY = 1000
/** How often the dates are compared with the wall clock, in milliseconds. */
const COMPARE_EVERY = 100

/** When the clock began that counts for most, as a date, and when that was last compared with the wall clock. */
let origin = Number.NaN
let compared = Number.NEGATIVE_INFINITY

/** The date of a moment as `elapsedIn` counts: finer than milliseconds, and that of the wall clock where it is set. */
const dateOf = (now: number, context: Context.Context<never>): number => {
  const clock = Context.get(context, Clock.Clock)
  if (clock !== liveClock) return Number(clock.currentTimeNanosUnsafe()) / 1e6
  if (now - compared >= COMPARE_EVERY) {
    const wall = clock.currentTimeMillisUnsafe()
    if (!(Math.abs(origin + now - wall) <= ASTRAY)) origin = wall - now
    compared = now
  }
  return origin + now
}

export const watch = (watcher: Watcher): Effect.Effect<void, never, Scope.Scope> =>
  Effect.suspend(() => listen(new Events(watcher), "A watcher of ActorSystem.watch", true))

const DEFAULT_CAPACITY = 16_384

export const events = (options: { readonly capacity?: number | undefined } = {}): Stream.Stream<Event> =>
  Stream.callback<Event>(
    (queue) =>
      Effect.andThen(
        watch((event) => void Queue.offerUnsafe(queue, event)),
        Effect.never
      ),
    {
      bufferSize: options.capacity ?? DEFAULT_CAPACITY,
      strategy: "sliding"
    }
  )

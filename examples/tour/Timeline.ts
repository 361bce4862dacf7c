/**
 * Records when calls start and end. The actors of the tour wrap the work of each call in a lane:
 *
 *     Effect.sleep("1 second").pipe(timeline.lane("call 7"))
 */
import { Clock, Context, Effect, Exit } from "effect"

export class Timeline extends Context.Service<
  Timeline,
  {
    /** Records the start and the end of `work` under this name. */
    readonly lane: (name: string | number) => <A, E, R>(work: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
    /** What has happened so far, in order. */
    readonly events: Effect.Effect<ReadonlyArray<Event>>
  }
>()("examples/Timeline") {
  static readonly make = Effect.sync((): Timeline["Service"] => {
    const events: Array<Event> = []
    const record = (event: Omit<Event, "at">) =>
      Effect.map(Clock.currentTimeMillis, (at) => {
        events.push({ ...event, at })
      })
    return {
      lane: (name) => (work) =>
        record({ type: "start", lane: String(name) }).pipe(
          Effect.andThen(work),
          Effect.onExit((exit) =>
            record({
              type: Exit.isSuccess(exit) ? "end" : "failure",
              lane: String(name)
            })
          )
        ),
      events: Effect.sync(() => events)
    }
  })
}

export interface Event {
  readonly type: "start" | "end" | "failure"
  readonly lane: string
  /** In milliseconds. */
  readonly at: number
}

/** The most calls that were running at one moment. */
export const peak = (events: ReadonlyArray<Event>): number => {
  let running = 0
  let most = 0
  for (const event of events) {
    running += event.type === "start" ? 1 : -1
    most = Math.max(most, running)
  }
  return most
}

/**
 * How many calls started in each wave. Calls that start before any call has ended are the first wave; a call that
 * starts when calls of wave `n` have ended belongs to wave `n + 1`. Only the order of events counts, no clock.
 */
export const waves = (events: ReadonlyArray<Event>): ReadonlyArray<number> => {
  const sizes: Array<number> = []
  const waveOf = new Map<string, number>()
  let current = 0
  for (const event of events) {
    if (event.type === "start") {
      waveOf.set(event.lane, current)
      sizes[current] = (sizes[current] ?? 0) + 1
    } else {
      current = Math.max(current, waveOf.get(event.lane)! + 1)
    }
  }
  return sizes
}

/** The lanes in the order they started. */
export const started = (events: ReadonlyArray<Event>): ReadonlyArray<string> =>
  events.filter((event) => event.type === "start").map((event) => event.lane)

/** The lanes in the order they ended. */
export const ended = (events: ReadonlyArray<Event>): ReadonlyArray<string> =>
  events.filter((event) => event.type !== "start").map((event) => event.lane)

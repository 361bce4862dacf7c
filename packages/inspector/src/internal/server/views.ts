/**
 * Answers to single requests of the page: an instance, the calls, a recording.
 */
import * as ActorSystem from "@troupe/core/ActorSystem"
import * as ByNumber from "@troupe/core/ByNumber"
import * as Effect from "effect/Effect"
import * as Timeline from "../../Timeline.ts"
import type { Inspect } from "../base/inspect.ts"
import { causesOf, type RootCause } from "../live/causes.ts"
import type { Found } from "../live/frame.ts"
import { rowOf } from "../live/rows.ts"
import { record } from "../trace/recording.ts"
import { type Refused, refuse } from "./reply.ts"

/** How many calls an answer lists, and how many of them it explains. */
const MOST_CALLS = 200
const MOST_EXPLAINED = 40

export interface CallView extends ActorSystem.UnsettledCall {
  readonly explained?: string
  /** Where they may be shown. */
  readonly args?: string
}

export interface InstanceView {
  readonly at: number
  readonly instance: ActorSystem.Instance
  readonly calls: ReadonlyArray<CallView>
  /** How many unsettled calls there are, listed or not. */
  readonly total: number
}

export interface CallsView {
  readonly at: number
  /** What most calls wait for in the end. */
  readonly causes: ReadonlyArray<RootCause>
  readonly calls: ReadonlyArray<CallView>
  readonly total: number
}

const explained = (
  calls: ReadonlyArray<ActorSystem.UnsettledCall>,
  inspect: Inspect | undefined
): Effect.Effect<ReadonlyArray<CallView>> =>
  Effect.forEach(calls, (call, i) =>
    i >= MOST_EXPLAINED
      ? Effect.succeed(call)
      : Effect.gen(function* () {
          const text = yield* ByNumber.explain(call.id, { instance: call.instance })
          const args = inspect && (yield* ByNumber.args(call.id, { instance: call.instance }))
          // It may have settled in the meantime.
          if (text === undefined) return call
          const shown = args && inspect(args, { actor: call.actor, method: nameOf(call), what: "args" })
          // The page has a heading with the call.
          const explained = text.replace(`${call.method} #${call.id}: `, "")
          return shown === undefined ? { ...call, explained } : { ...call, explained, args: shown }
        })
  )

/** The name of a method behind that of its actor. */
const nameOf = ({ method }: ActorSystem.UnsettledCall): string => method.slice(method.lastIndexOf(".") + 1)

export const instance = (id: number, inspect: Inspect | undefined): Effect.Effect<InstanceView, Refused> =>
  Effect.gen(function* () {
    const { at, calls, instances, totals } = yield* ActorSystem.snapshot({ instance: id, limit: MOST_CALLS })
    const found = instances[0]
    if (found === undefined) {
      return yield* refuse(404, `there is no instance #${id}, or it ended long ago`)
    }
    return { at, instance: found, calls: yield* explained(calls, inspect), total: totals.calls }
  })

/** How many calls of each line are listed. Those behind them wait for the same, and would push out all others. */
const MOST_IN_LINE = 3

/** The unsettled calls that have been in their stage for the longest time, but only the first few of each line. */
export const calls = (options: ActorSystem.SnapshotOptions, inspect: Inspect | undefined): Effect.Effect<CallsView> =>
  Effect.gen(function* () {
    const { at, calls, totals } = yield* ActorSystem.snapshot({ ...options, limit: options.limit ?? 2000 })
    const first = calls.filter(({ position = 0 }) => position <= MOST_IN_LINE)
    const oldest = first.toSorted((a, b) => a.since - b.since).slice(0, MOST_CALLS)
    return { at, causes: causesOf(calls, at), calls: yield* explained(oldest, inspect), total: totals.calls }
  })

/** How many instances a search shows at most. */
const MOST_FOUND = 200

/** Instances with these words in their names, whether the page knows them or not. */
export const find = (search: string): Effect.Effect<Found> =>
  Effect.map(ActorSystem.snapshot({ search, limit: MOST_FOUND }), ({ instances, totals }) => {
    return { search, rows: instances.map(rowOf), total: totals.instances + totals.dead }
  })

/** Records for a while, and returns a Chrome trace as text. */
export const recording = (seconds: number, maxBytes: number): Effect.Effect<string> =>
  Effect.scoped(
    Effect.gen(function* () {
      const recording = yield* record({ maxBytes })
      yield* Effect.sleep(seconds * 1000)
      return Timeline.stringify(yield* recording.trace)
    })
  )

/**
 * What a process of a cluster tells tools of the whole cluster, and the count of what failed for good.
 */
import { type Cluster, CurrentCluster } from "@troupe/core/ClusterView"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as DurableCalls from "../../DurableCalls.ts"
import * as Reminders from "../../Reminders.ts"
import * as calls from "../calls/failed.ts"
import { type MessageStorage, Sharding } from "../engine.ts"
import { CurrentMembers } from "../node/members.ts"
import { sql as reminderStore } from "../reminders/sql.ts"
import { InspectorTable } from "../sql/inspectorTable.ts"
import * as failedWork from "./failedWork.ts"

/** The prefix of the table that `Reminders.layer` makes. */
const REMINDERS = "troupe"
/** How often what failed for good is counted. */
const COUNT_PAUSE = Duration.minutes(1)
/** The pause is longer where counting takes so long that it would be more than this share of the time. */
const COUNT_SHARE = 1 / 50

type Needs = MessageStorage.MessageStorage | Sharding.Sharding | SqlClient.SqlClient

/** A node or a client, and what it tells. */
export const told = <A, E, R>(process: Layer.Layer<A | Needs, E, R>): Layer.Layer<A | Needs, E, R> =>
  Layer.provideMerge(Layer.effect(CurrentCluster)(make), process)

/** The same for a node, which also counts if it falls to it. */
export const counted = <A, E, R>(process: Layer.Layer<A | Needs, E, R>): Layer.Layer<A | Needs, E, R> =>
  Layer.provideMerge(layerCount, told(process))

const make: Effect.Effect<Cluster, never, Needs> = Effect.gen(function* () {
  const context = yield* Effect.context<Needs>()
  const members = yield* CurrentMembers
  const table = new InspectorTable((yield* SqlClient.SqlClient).withoutTransforms())
  // The program need not use reminders: their table is made by the first question for it.
  const own = yield* Effect.cached(reminderStore(REMINDERS))
  /** The storage of reminders of the program, if it is to be seen where the question comes from. */
  const reminders = Effect.flatMap(Effect.serviceOption(Reminders.ReminderStorage), (found) =>
    Option.isSome(found) ? Effect.succeed(found.value) : own
  )
  const here = <A>(work: Effect.Effect<A, SqlError, Needs | Reminders.ReminderStorage>): Effect.Effect<A, SqlError> =>
    Effect.provide(Effect.provideServiceEffect(work, Reminders.ReminderStorage, reminders), context)
  return {
    node: members?.self,
    shards: members?.shards ?? (() => []),
    nodes: Effect.gen(function* () {
      const inspectors = yield* Effect.orElseSucceed(table.all, () => new Map<string, string>())
      return ((yield* members?.nodes ?? Effect.succeed([])) as ReadonlyArray<string>).map((node) => ({
        node,
        inspector: inspectors.get(node)
      }))
    }),
    tell: (inspector) => {
      const node = members?.self
      if (node === undefined) return Effect.void
      const put = Effect.andThen(table.create, table.put(node, inspector))
      return Effect.asVoid(Effect.acquireRelease(Effect.ignore(put), () => Effect.ignore(table.remove(node))))
    },
    stored: here(
      Effect.gen(function* () {
        const unfinished = yield* DurableCalls.unfinished
        return {
          calls: unfinished.map(({ oldest, ...counts }) => ({ ...counts, oldest: DateTime.toEpochMillis(oldest) })),
          reminders: yield* Reminders.count()
        }
      })
    ),
    failed: (limit) => here(failedWork.failed(limit)),
    retry: (id) => here(failedWork.retry(id)),
    drop: (id) => here(failedWork.drop(id))
  }
})

/** One node of a cluster counts, so that the sum over all of them is right. */
const layerCount: Layer.Layer<never, never, Needs> = Layer.effectDiscard(
  Effect.gen(function* () {
    const sharding = yield* Sharding.Sharding
    yield* sharding.registerSingleton("troupe/dead", count)
  })
)

const count: Effect.Effect<void, never, SqlClient.SqlClient> = Effect.suspend(() => {
  const known = new Set<string>()
  const once = Effect.map(Effect.timed(Effect.ignore(calls.gauge(known))), ([took]) =>
    Duration.max(COUNT_PAUSE, Duration.times(took, 1 / COUNT_SHARE))
  )
  return Effect.ensuring(Effect.forever(Effect.flatMap(once, Effect.sleep)), calls.forget(known))
})

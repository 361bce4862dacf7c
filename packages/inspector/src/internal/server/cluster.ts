/**
 * What is to be said of a cluster as a whole: its nodes, what moves between them, and the work that its storage holds.
 */
import type { Cluster, FailedWork } from "@troupe/core/ClusterView"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { MOST_OF_AN_ERROR, safe, shown } from "../base/shown.ts"
import type { ClusterView, FailedView, NodeView, StoredView } from "../live/frame.ts"
import { Moves } from "./moves.ts"
import { type Refused, refuse } from "./reply.ts"

/** A storage that takes longer is in trouble. */
const PATIENCE = "5 seconds"
/** An answer serves all pages for this long. */
const FRESH = "1 second"
/** How many failures of each kind are listed. */
const MOST_FAILED = 200

export interface Whole {
  readonly cluster: Effect.Effect<ClusterView>
  readonly failed: Effect.Effect<FailedView>
  readonly retry: (id: string) => Effect.Effect<string, Refused>
  readonly drop: (id: string) => Effect.Effect<string, Refused>
}

/** Asked once for all pages that ask at about the same time. */
export const make = (
  cluster: Cluster | undefined,
  nodes: Effect.Effect<ReadonlyArray<NodeView>>
): Effect.Effect<Whole> =>
  Effect.gen(function* () {
    const moves = new Moves()
    const all = Effect.gen(function* () {
      const [views, stored] = yield* Effect.all([nodes, storedIn(cluster)], { concurrency: 2 })
      return { nodes: views, stored, moves: moves.take(views, yield* Clock.currentTimeMillis) }
    })
    return {
      cluster: yield* Effect.cachedWithTTL(all, FRESH),
      failed: yield* Effect.cachedWithTTL(failedIn(cluster), FRESH),
      retry: (id) => changed(cluster?.retry(id), "it runs again"),
      drop: (id) => changed(cluster?.drop(id), "it is gone")
    }
  })

const storedIn = (cluster: Cluster | undefined): Effect.Effect<StoredView | undefined> =>
  cluster === undefined
    ? Effect.undefined
    : Effect.gen(function* () {
        const at = yield* Clock.currentTimeMillis
        return yield* Effect.match(answer(cluster.stored), {
          onSuccess: (stored): StoredView => ({ at, ...stored }),
          onFailure: (error): StoredView => ({ at, why: shown(String(error), MOST_OF_AN_ERROR) })
        })
      })

const failedIn = (cluster: Cluster | undefined): Effect.Effect<FailedView> =>
  Effect.gen(function* () {
    const at = yield* Clock.currentTimeMillis
    if (cluster === undefined) return { at, failed: [] }
    return yield* Effect.match(answer(cluster.failed(MOST_FAILED)), {
      onSuccess: (failed): FailedView => ({ at, failed: failed.map(cut) }),
      onFailure: (error): FailedView => ({ at, failed: [], why: shown(String(error), MOST_OF_AN_ERROR) })
    })
  })

const cut = (work: FailedWork): FailedWork => ({
  ...work,
  key: work.key && shown(work.key),
  method: shown(work.method),
  cause: safe(work.cause.slice(0, MOST_OF_AN_ERROR))
})

const changed = (change: Effect.Effect<boolean, unknown> | undefined, done: string): Effect.Effect<string, Refused> =>
  change === undefined
    ? Effect.fail(refuse(404, "this program is in no cluster"))
    : Effect.flatMap(
        Effect.mapError(answer(change), (error) => refuse(503, `the storage does not answer: ${String(error)}`)),
        (found) =>
          found
            ? Effect.succeed(done)
            : Effect.fail(refuse(404, "nothing that failed, and is not under way, has this id"))
      )

const answer = <A>(question: Effect.Effect<A, unknown>): Effect.Effect<A, unknown> =>
  Effect.catchDefect(
    Effect.timeoutOrElse(question, {
      duration: PATIENCE,
      orElse: () => Effect.fail(new Cause.TimeoutError(`no answer within ${PATIENCE}`))
    }),
    Effect.fail
  )

/**
 * The order of durable calls in a simulated cluster: one caller's calls of a key run in the order in which they were made,
 * whatever their size, and however slow the storage is.
 */
import { ClusterHome, Delivery } from "@troupe/cluster"
import * as SimulatedCluster from "@troupe/cluster/SimulatedCluster"
import { Actor } from "@troupe/core"
import { Effect, Schema } from "effect"

class Diary extends Actor.Keyed<Diary>()("test/Diary", {
  key: Schema.String,
  methods: { write: Delivery.durable(Actor.method({ args: [Schema.Int, Schema.String] })) }
}) {}

const KEYS = ["a", "b"]
/** In characters. What is stored together has half a million: the second and the third are never stored together. */
const SIZES = [1, 300_000, 300_000, 1]
const ROUNDS = 2

/** A node that cannot renew its locks in time gives its keys up, and the order ends with the instance. */
const hasMoved = (history: ReadonlyArray<SimulatedCluster.Event>): boolean =>
  history.some(({ what }) => what.startsWith("logs ERROR Shard lock storage is unhealthy"))

/** For faults that leave each key on its node. */
export const orders = (faults: SimulatedCluster.Faults) =>
  Effect.gen(function* () {
    const written = new Map<string, Array<number>>(KEYS.map((key) => [key, []]))
    const DiaryLive = Diary.toLayer(
      (key) => Effect.succeed(Diary.of({ write: (page) => Effect.sync(() => void written.get(key)!.push(page)) })),
      { maxConcurrency: 1 }
    )
    const cluster = yield* SimulatedCluster.make({
      actors: ClusterHome.layer(Diary, DiaryLive),
      client: ClusterHome.client(Diary),
      faults
    })
    // By then the nodes have shared the keys.
    yield* Effect.sleep("5 seconds")
    const write = Effect.fnUntraced(function* (key: string) {
      const diary = yield* Diary.get(key)
      for (let round = 0; round < ROUNDS; round++) {
        const refs = yield* Effect.forEach(SIZES, (size, index) =>
          diary.write.remote(round * SIZES.length + index, "x".repeat(size))
        )
        yield* Effect.forEach(refs, (ref) => ref)
      }
    })
    yield* cluster.run(Effect.forEach(KEYS, write, { concurrency: "unbounded", discard: true }))
    yield* cluster.settled()
    if (hasMoved(cluster.history)) return
    for (const [key, pages] of written) {
      // A page is written again where the storage was too slow to confirm that its node has the key.
      const first = [...new Set(pages)]
      if (first.some((page, index) => page !== index)) {
        yield* Effect.die(new Error(`the pages of ${key} were written in the order ${pages.join(", ")}`))
      }
    }
  })

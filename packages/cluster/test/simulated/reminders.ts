/**
 * Reminders in a simulated cluster: each fires at least once, whatever happens to the nodes, and once where nothing does.
 */
import { ClusterHome, Delivery, Reminders } from "@troupe/cluster"
import * as SimulatedCluster from "@troupe/cluster/SimulatedCluster"
import { Actor } from "@troupe/core"
import { Effect, Layer, Schema } from "effect"

class Alarm extends Actor.Keyed<Alarm>()("test/Alarm", {
  key: Schema.String,
  methods: {
    set: Delivery.durable(Actor.method({ args: [Schema.Int] })),
    ring: Delivery.durable(Actor.method({ args: [Schema.Int] })),
    chime: Actor.method({ args: [Schema.Int] })
  }
}) {}

const KEYS = ["a", "b", "c"]
const DELAYS = [
  ["ring", 500],
  ["chime", 700],
  ["ring", 3000]
] as const

/** For how long alarms may ring, in milliseconds. Where nothing is wrong, they would ring twice by then. */
const PATIENCE = 30_000

export const reminders = (faults: SimulatedCluster.Faults) =>
  Effect.gen(function* () {
    const rung = new Map<string, Set<string>>()
    // A call that sets an alarm may run again. An alarm that has rung rings once more then.
    const wasSet: Array<string> = []
    // Nor is it rung twice where its call runs again, which has the same id then.
    const ringing = Effect.fnUntraced(function* (key: string, delay: number) {
      yield* Effect.sleep("20 millis")
      const call = yield* ClusterHome.DurableCall
      const alarm = `${key} ${delay}`
      const times = rung.get(alarm) ?? new Set()
      rung.set(alarm, times.add(call?.id ?? `${times.size}`))
    })
    const live = Alarm.toLayer((key) =>
      Effect.map(Reminders.self, (reminders) =>
        Alarm.of({
          set: (delay) => {
            wasSet.push(`${key} ${delay}`)
            const [method] = DELAYS.find(([, millis]) => millis === delay)!
            return Effect.orDie(Effect.retry(reminders.after(`${delay}`, delay, method, [delay]), { times: 5 }))
          },
          ring: (delay) => ringing(key, delay),
          chime: (delay) => ringing(key, delay)
        })
      )
    )
    const hosted = ClusterHome.layer(Alarm, live)
    const cluster = yield* SimulatedCluster.make({
      actors: Reminders.deliver(Alarm, { pollInterval: "500 millis" }).pipe(
        Layer.provideMerge(hosted),
        Layer.provide(Reminders.layer)
      ),
      client: ClusterHome.client(Alarm),
      faults
    })
    const set = (key: string, delay: number) => Effect.flatMap(Alarm.get(key), (alarm) => alarm.set(delay))
    const all = KEYS.flatMap((key) => DELAYS.map(([, delay]) => set(key, delay)))
    yield* cluster.run(Effect.all(all, { concurrency: "unbounded" }))
    yield* Effect.sleep("5 seconds")
    yield* cluster.calm
    const undisturbed = Object.keys(faults).length === 0
    const hasRung = () => KEYS.every((key) => DELAYS.every(([, delay]) => rung.has(`${key} ${delay}`)))
    for (let waited = 0; waited < PATIENCE && (undisturbed || !hasRung()); waited += 500) yield* Effect.sleep(500)
    yield* cluster.settled()
    for (const key of KEYS) {
      for (const [, delay] of DELAYS) {
        const alarm = `${key} ${delay}`
        const times = rung.get(alarm)?.size ?? 0
        if (times === 0 || (undisturbed && times > wasSet.filter((other) => other === alarm).length)) {
          yield* Effect.die(new Error(`the alarm ${key} ${delay} rang ${times} times`))
        }
      }
    }
  })

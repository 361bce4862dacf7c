import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as ClusterHome from "@troupe/cluster/ClusterHome"
import * as Delivery from "@troupe/cluster/Delivery"
import * as DurableState from "@troupe/cluster/DurableState"
import * as Reminders from "@troupe/cluster/Reminders"
import { Actor } from "@troupe/core"
import { Context, Effect, Exit, Layer, Queue, Schema, Scope } from "effect"

class Alarm extends Actor.Keyed<Alarm>()("test/Alarm", {
  key: Schema.Int,
  methods: {
    set: Actor.method({ args: [Schema.Number], error: Schema.Unknown }),
    ring: Delivery.durable(Actor.method({ args: [Schema.Date], error: DurableState.DurableStateError })),
    rings: Actor.method({ success: Schema.Int, error: DurableState.DurableStateError })
  }
}) {}

/** What rings, in which process soever. */
const rung = Effect.runSync(Queue.unbounded<readonly [number, Date]>())

const AlarmLive = Alarm.toLayer((room) =>
  Effect.gen(function* () {
    const rings = yield* DurableState.make(Schema.Int, { initial: 0 })
    const storage = yield* Reminders.ReminderStorage
    // An actor with a contract may remind itself with it.
    const mine = Reminders.to(Alarm, room)
    return Alarm.of({
      set: (at) =>
        Effect.provideService(mine.at("alarm", at, "ring", [new Date(at)]), Reminders.ReminderStorage, storage),
      ring: (at) =>
        Effect.andThen(
          rings.update((n) => n + 1),
          Queue.offer(rung, [room, at] as const)
        ),
      rings: () => rings.get
    })
  })
)

const nodeOn = (file: string, forgetful = false) => {
  const reminders = forgetful ? Layer.effect(Reminders.ReminderStorage, forgetting) : Reminders.layer
  return Reminders.deliver(Alarm, { pollInterval: "50 millis", lease: "300 millis" }).pipe(
    Layer.provideMerge(ClusterHome.layer(Alarm, Layer.provide(AlarmLive, DurableState.layer))),
    Layer.provide(reminders),
    Layer.provide(ClusterHome.layerLocal({ file }))
  )
}

/** How often a firing has ended on the forgetful node. */
const ended = Effect.runSync(Queue.unbounded<void>())

/** Reminders of a node that dies, the first time, between the call and the note that it was made. */
const forgetting = Effect.gen(function* () {
  const storage = Context.get(yield* Layer.build(Reminders.layer), Reminders.ReminderStorage)
  let settled = 0
  return Reminders.ReminderStorage.of({
    ...storage,
    settle: (...args) =>
      Effect.andThen(settled++ === 0 ? Effect.void : storage.settle(...args), Queue.offer(ended, undefined))
  })
})

const scratch = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "troupe-alarm-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  ),
  (folder) => join(folder, "alarm.db")
)

describe("reminders in a cluster", () => {
  it.live(
    "fire after a restart of the only node, through the service of the actor",
    () =>
      Effect.gen(function* () {
        const file = yield* scratch
        const first = yield* Scope.make()
        const before = yield* Layer.buildWithScope(nodeOn(file), first)
        const at = Date.now() + 1000
        yield* Context.get(before, Alarm).get(7).set(at)
        yield* Scope.close(first, Exit.void)
        assert.strictEqual(yield* Queue.size(rung), 0)
        yield* Layer.build(nodeOn(file))
        assert.deepStrictEqual(yield* Queue.take(rung), [7, new Date(at)])
      }),
    60_000
  )

  it.live(
    "that fire twice call a durable method once",
    () =>
      Effect.gen(function* () {
        const context = yield* Layer.build(nodeOn(yield* scratch, true))
        const alarm = Context.get(context, Alarm).get(8)
        yield* alarm.set(0)
        yield* Queue.take(rung)
        // When the lease is over, it fires again.
        yield* Queue.takeN(ended, 2)
        assert.strictEqual(yield* alarm.rings(), 1)
        assert.strictEqual(yield* Queue.size(rung), 0)
      }),
    60_000
  )
})

/** An Effect `Queue` of messages and as many worker fibers as calls may run at a time. */
import { Deferred, Effect, Queue } from "effect"
import { type Contender, type EffectCounter, effectMethod, idle, type Settings, scopedLifecycle } from "./contender.ts"

interface Message {
  readonly by: number
  readonly reply: Deferred.Deferred<number>
}

const open = Effect.fnUntraced(function* (settings: Settings) {
  const mailbox = yield* Effect.acquireRelease(Queue.unbounded<Message>(), Queue.shutdown)
  const increment = effectMethod(settings)

  const worker = Queue.take(mailbox).pipe(
    Effect.flatMap(({ by, reply }) => Deferred.into(increment(by), reply)),
    Effect.forever
  )
  for (let i = 0; i < settings.limit; i++) yield* Effect.forkScoped(worker)

  const submit = Effect.fnUntraced(function* (by: number) {
    const reply = yield* Deferred.make<number>()
    yield* Queue.offer(mailbox, { by, reply })
    return reply
  })

  const counter: EffectCounter = {
    dialect: "effect",
    ask: (by) => Effect.flatMap(submit(by), Deferred.await),
    remote: (by) => Effect.map(submit(by), Deferred.await)
  }
  return counter
})

export const queue: Contender = {
  name: "queue",
  open,
  lifecycle: scopedLifecycle({
    spawn: Effect.suspend(() => open({ ...idle, limit: 1 })),
    counter: (counter) => counter
  }),
  notes: { actors: "one worker, so one call at a time" }
}

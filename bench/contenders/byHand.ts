/** A detached fiber, a `Deferred` and a semaphore permit per call: what an Effect user writes without any library. */
import { Deferred, Effect, Semaphore } from "effect"
import { type Contender, type EffectCounter, effectMethod, idle, type Settings, scopedLifecycle } from "./contender.ts"

const open = Effect.fnUntraced(function* (settings: Settings) {
  const semaphore = yield* Semaphore.make(settings.limit)
  const increment = effectMethod(settings)

  const submit = Effect.fnUntraced(function* (by: number) {
    const reply = yield* Deferred.make<number>()
    yield* Effect.forkDetach(Deferred.into(semaphore.withPermit(increment(by)), reply))
    return reply
  })

  const counter: EffectCounter = {
    dialect: "effect",
    ask: (by) => Effect.flatMap(submit(by), Deferred.await),
    remote: (by) => Effect.map(submit(by), Deferred.await)
  }
  return counter
})

/** One more method: what it takes to ask it and to submit it. */
const closures = ({ ask, remote }: EffectCounter) => ({
  ask: (by: number) => ask(by),
  remote: (by: number) => remote(by)
})

export const byHand: Contender = {
  name: "by hand",
  open,
  lifecycle: scopedLifecycle({
    spawn: Effect.suspend(() => open(idle)),
    counter: (counter) => counter
  }),
  variants: {
    "12 methods": scopedLifecycle({
      spawn: Effect.suspend(() =>
        Effect.map(open(idle), (counter) => ({ counter, methods: Array.from({ length: 11 }, () => closures(counter)) }))
      ),
      counter: ({ counter }) => counter
    })
  },
  notes: { actors: "a semaphore and two closures: nothing runs, nothing to stop" }
}

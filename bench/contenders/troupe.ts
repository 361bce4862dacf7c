/** Troupe. */
import { Actor } from "@troupe/core"
import { Effect } from "effect"
import { type Contender, type EffectCounter, effectMethod, type Settings, scopedLifecycle } from "./contender.ts"

class Counter extends Actor.Service<Counter>()("bench/Counter", {
  make: (settings: Settings) => Effect.sync(() => ({ increment: effectMethod(settings) }))
}) {}

/** The idle actor: state, one method, no settings. */
class IdleCounter extends Actor.Service<IdleCounter>()("bench/IdleCounter", {
  make: Effect.sync(() => {
    let count = 0
    return {
      increment: (by: number) =>
        Effect.sync(() => {
          count += by
          return count
        })
    }
  })
}) {}

export const troupe: Contender = {
  name: "troupe",
  open: Effect.fnUntraced(function* (settings) {
    const { increment } = yield* Counter.options({ maxConcurrency: settings.limit }).spawn(settings)
    const counter: EffectCounter = { dialect: "effect", ask: increment, remote: increment.remote }
    return counter
  }),
  lifecycle: scopedLifecycle({
    spawn: IdleCounter.spawn(),
    counter: ({ increment }) => ({ dialect: "effect", ask: increment, remote: increment.remote })
  })
}

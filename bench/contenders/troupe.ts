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

/** The same with options, as those write it who come from Ray. */
const withOptions = Effect.suspend(() => IdleCounter.options({ maxConcurrency: 10 }).spawn())

const count = (by: number) => Effect.succeed(by)

/** An idle actor of twelve methods. */
class Twelve extends Actor.Service<Twelve>()("bench/Twelve", {
  make: Effect.succeed({
    increment: count,
    m1: count,
    m2: count,
    m3: count,
    m4: count,
    m5: count,
    m6: count,
    m7: count,
    m8: count,
    m9: count,
    m10: count,
    m11: count
  })
}) {}

const callsOf = ({ increment }: IdleCounter["Service"]): EffectCounter => ({
  dialect: "effect",
  ask: increment,
  remote: increment.remote
})

export const troupe: Contender = {
  name: "troupe",
  open: Effect.fnUntraced(function* (settings) {
    const { increment } = yield* Counter.options({ maxConcurrency: settings.limit }).spawn(settings)
    const counter: EffectCounter = { dialect: "effect", ask: increment, remote: increment.remote }
    return counter
  }),
  lifecycle: scopedLifecycle({ spawn: IdleCounter.spawn(), counter: callsOf }),
  variants: {
    options: scopedLifecycle({ spawn: withOptions, counter: callsOf }),
    "12 methods": scopedLifecycle({ spawn: Twelve.spawn(), counter: callsOf })
  }
}

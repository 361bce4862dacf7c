/**
 * A client that is up knows which nodes there are. One that did not would store its first durable call without telling the
 * node whose it is, which finds it when it next looks into the storage, seconds later.
 */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import { RunnerStorage } from "../engine.ts"

/** A storage that takes longer is in trouble: the client is up without it. */
const PATIENCE = "2 seconds"

/** An engine that is up once it has read which nodes there are. */
export const layer = <A, E, R>(
  engine: Layer.Layer<A, E, R | RunnerStorage.RunnerStorage>
): Layer.Layer<A, E, R | RunnerStorage.RunnerStorage> =>
  Layer.unwrap(
    Effect.map(RunnerStorage.RunnerStorage, (storage) => {
      const read = Latch.makeUnsafe()
      const told: typeof storage = {
        ...storage,
        // Whoever waits goes on in a turn of its own: by then the engine knows what it has read.
        getRunners: Effect.tap(storage.getRunners, () => read.open)
      }
      return Layer.effectDiscard(Effect.timeoutOption(read.await, PATIENCE)).pipe(
        Layer.provideMerge(engine),
        Layer.provide(Layer.succeed(RunnerStorage.RunnerStorage)(told))
      )
    })
  )

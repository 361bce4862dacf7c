/**
 * Whether a node may join: it does not start if the nodes of the cluster refuse its connections.
 *
 * It would report that it is ready and get keys that no caller could reach. Which of two nodes has the wrong secret
 * cannot be told, so the one that comes later gives in.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { ClusterStartError } from "../../ClusterStartError.ts"
import { RunnerStorage } from "../engine.ts"
import { type Address, nameOf } from "../net/address.ts"
import * as connections from "../net/connection.ts"
import { Network } from "../net/network.ts"
import type { Register } from "./departure.ts"

const STORAGE_TIMEOUT = "5 seconds"
/** A node that ends while it is asked closes the connection as well, so one refusal is not enough. */
const TRIES = 2

/** A storage that takes longer is in trouble, and the node starts without asking again. */
const REGISTERED_WITHIN = "5 seconds"
/** How long a node that has given in takes at most to close. */
const GONE_WITHIN = "2 seconds"

type Joining = Layer.Layer<never, ClusterStartError, RunnerStorage.RunnerStorage>

/** Asks the registered nodes, before anything is opened. */
export const layerBefore = (self: Address, options: connections.ConnectionOptions): Joining =>
  Layer.effectDiscard(Effect.flatMap(ask(self, options), yieldTo))

/** Asks again when the node is in the register: two that start at the same time have not seen each other before. */
export const layerAfter = (self: Address, options: connections.ConnectionOptions, register: Register): Joining =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      yield* Effect.timeoutOption(register.registered, REGISTERED_WITHIN)
      const refusals = yield* ask(self, options)
      const [first, ...others] = refusals
      if (first === undefined) return
      if (others.length > 0 || nameOf(self) > first.name) return yield* yieldTo(refusals)
      // If they see each other, one of them stays: the other is gone in a moment.
      yield* yieldTo(yield* Effect.delay(ask(self, options), GONE_WITHIN))
    })
  )

interface Refusal {
  readonly name: string
  readonly why: string
}

/** Gives in to the nodes that refuse, if there are any. */
const yieldTo = (refusals: ReadonlyArray<Refusal>): Effect.Effect<void, ClusterStartError> => {
  if (refusals.length === 0) return Effect.void
  const all = refusals.map(({ name, why }) => `${name}: ${why}`).join("; ")
  return Effect.fail(new ClusterStartError({ why: `the nodes that share its storage do not let it in. ${all}` }))
}

/** The nodes that refuse, unless another node lets this one in. Nodes that do not answer do not count. */
const ask = (self: Address, options: connections.ConnectionOptions) =>
  Effect.gen(function* () {
    const storage = yield* RunnerStorage.RunnerStorage
    const runners = yield* Effect.orElseSucceed(Effect.timeout(storage.getRunners, STORAGE_TIMEOUT), () => [])
    const others = runners.map(([{ address }]) => address).filter((address) => nameOf(address) !== nameOf(self))
    const answers = yield* Effect.forEach(others, (address) => probe(address, options), { concurrency: 10 })
    return answers.includes(true) ? [] : answers.filter((answer) => typeof answer === "object")
  })

const probe = (address: Address, options: connections.ConnectionOptions): Effect.Effect<boolean | Refusal> =>
  Effect.flatMap(Network, (network) => network.probe(address, options)).pipe(
    Effect.retry({ times: TRIES - 1, while: connections.isRefusal }),
    Effect.match({
      onFailure: (error) =>
        connections.isRefusal(error) ? { name: nameOf(address), why: connections.whyOf(error) } : false,
      onSuccess: () => true
    })
  )

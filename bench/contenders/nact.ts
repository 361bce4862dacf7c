/**
 * nact: one actor handles one message at a time, and `query` is its ask. A query's id is 32 random bits, and of two in
 * flight with the same id one is never answered: with thousands in flight that is a matter of minutes. So only the row
 * with one call in flight uses `query`; in the others the message carries its own way to answer.
 */
import { Effect } from "effect"
import { type ActorSystemRef, dispatch, query, type Ref, spawn, start, stop } from "nact"
import {
  type Contender,
  type Lifecycle,
  type PromiseCounter,
  plainLifecycle,
  promiseMethod,
  type Settings
} from "./contender.ts"

interface Message {
  readonly by: number
  readonly reply: (count: number) => void
}

interface Query {
  readonly by: number
  readonly sender: Ref<number>
}

/** A query must name a timeout; no row comes near it. */
const TIMEOUT_MS = 600_000

const send = (actor: Ref<Message>, by: number): Promise<number> =>
  new Promise((reply) => dispatch(actor, { by, reply }))

const ask = (actor: Ref<Query>, by: number): Promise<number> =>
  query(actor, (sender: Ref<number>): Query => ({ by, sender }), TIMEOUT_MS)

const actor = (system: ActorSystemRef, increment: (by: number) => number | Promise<number>): Ref<Message> =>
  spawn(system, async (state: undefined, { by, reply }: Message) => {
    reply(await increment(by))
    return state
  })

const queried = (system: ActorSystemRef, name?: string): Ref<Query> =>
  spawn(
    system,
    (count: number, { by, sender }: Query) => {
      dispatch(sender, count + by)
      return count + by
    },
    name,
    { initialState: 0 }
  )

const open = Effect.fnUntraced(function* (settings: Settings) {
  const system = yield* Effect.acquireRelease(Effect.sync(start), (system) => Effect.sync(() => stop(system)))
  const increment = promiseMethod(settings)
  // A synchronous method needs no more than one actor.
  const size = settings.work === "count" ? 1 : settings.limit
  const actors = Array.from({ length: size }, () => actor(system, increment))
  const single = queried(system)
  let turn = 0

  const counter: PromiseCounter = {
    dialect: "promise",
    ask: (by) => ask(single, by),
    call: (by) => send(actors[turn++ % size]!, by)
  }
  return counter
})

const lifecycle = (): Lifecycle<Ref<Query>> => {
  const system = start()
  let last = 0
  return plainLifecycle({
    // The names nact makes up are 31 random bits; among ten thousand actors two may get the same, and it throws.
    start: () => queried(system, `counter-${++last}`),
    stop,
    counter: (actor) => ({ dialect: "promise", call: (by) => ask(actor, by) })
  })
}

export const nact: Contender = {
  name: "nact",
  open,
  lifecycle: lifecycle(),
  notes: {
    remote: "the message carries its own reply: `query` loses answers when many are in flight (see README)",
    hop: "has no limit above one: 10 actors, taken in turn",
    sleep: "has no limit above one: 1000 actors, taken in turn"
  }
}

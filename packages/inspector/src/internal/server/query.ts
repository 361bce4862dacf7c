/**
 * Parameters of requests: in the path, or after the question mark.
 */
import * as ActorSystem from "@troupe/core/ActorSystem"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Schema from "effect/Schema"
import { type Refused, refuse } from "./reply.ts"

const isState = Schema.is(ActorSystem.State)

/** The parameters after the question mark. */
export const search: Effect.Effect<URLSearchParams, never, HttpServerRequest.HttpServerRequest> = Effect.map(
  HttpServerRequest.HttpServerRequest,
  // Not by `new URL`: a request target need not be an address, `*` and `//` are targets, too.
  ({ url }) => new URLSearchParams(/\?([^#]*)/.exec(url)?.[1])
)

/** A number of the path, such as `:call`. */
export const idIn = (name: string): Effect.Effect<number, Refused, HttpRouter.RouteContext> =>
  Effect.flatMap(HttpRouter.params, (params) => whole(name, params[name] ?? ""))

/** Longer searches are cut, in characters. */
export const LONGEST_SEARCH = 500

/** An integer of at least `least`. */
export const whole = (name: string, text: string, least = 0): Effect.Effect<number, Refused> => {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (value >= least) return Effect.succeed(value)
  const wanted = least === 0 ? "a whole number" : `a whole number of at least ${least}`
  return Effect.fail(refuse(400, `${name} must be ${wanted}, but is ${JSON.stringify(text.slice(0, 50))}`))
}

const statesIn = (text: string): Effect.Effect<ReadonlyArray<ActorSystem.State>, Refused> => {
  const states = text.split(",").map((one) => one.trim())
  const wrong = states.find((state) => !isState(state))
  if (wrong === undefined) return Effect.succeed(states as Array<ActorSystem.State>)
  const known = ActorSystem.State.literals.join(", ")
  return Effect.fail(refuse(400, `state must be one or more of ${known}, but is ${JSON.stringify(wrong.slice(0, 50))}`))
}

/** Options of a snapshot of at most `most` instances: `?actor=&name=&instance=&state=running,dead&search=&limit=`. */
export const snapshotOptions = (
  most: number
): Effect.Effect<ActorSystem.SnapshotOptions, Refused, HttpServerRequest.HttpServerRequest> =>
  Effect.gen(function* () {
    const query = yield* search
    const given = (name: string) => query.get(name) || undefined
    const instance = given("instance")
    const state = given("state")
    const limit = given("limit")
    return {
      actor: given("actor"),
      name: given("name"),
      instance: instance === undefined ? undefined : yield* whole("instance", instance),
      search: given("search")?.slice(0, LONGEST_SEARCH),
      state: state === undefined ? undefined : yield* statesIn(state),
      limit: limit === undefined ? undefined : Math.min(most, yield* whole("limit", limit))
    }
  })

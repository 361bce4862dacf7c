/**
 * Calls and instances by their numbers, which is how they are known over HTTP.
 */
import * as ActorSystem from "@troupe/core/ActorSystem"
import * as Effect from "effect/Effect"
import { type Refused, refuse } from "./reply.ts"

const system = ActorSystem as any

const lookUp = <A>(name: string, ...args: ReadonlyArray<unknown>): Effect.Effect<A, Refused> =>
  typeof system[name] === "function"
    ? Effect.suspend(() => system[name](...args))
    : Effect.fail(refuse(501, `ActorSystem.${name} does not exist in this version`))

const found = <A>(what: string, id: number, result: A | undefined | false): Effect.Effect<A, Refused> =>
  result === undefined || result === false
    ? Effect.fail(refuse(404, `there is no ${what} with the number ${id} (any more)`))
    : Effect.succeed(result)

/** One sentence on why an unsettled call is where it is. */
export const explain = (call: number): Effect.Effect<string, Refused> =>
  Effect.flatMap(lookUp<string | undefined>("explain", call), (text) => found("unsettled call", call, text))

export const cancel = (call: number, recursive: boolean): Effect.Effect<string, Refused> =>
  Effect.flatMap(lookUp<string | undefined>("cancel", call, { recursive }), (what) =>
    found("unsettled call", call, what)
  )

export const end = (how: "kill" | "stop", instance: number): Effect.Effect<string, Refused> =>
  Effect.flatMap(lookUp<boolean>(how, instance), (done) =>
    Effect.as(found("living instance", instance, done), how === "kill" ? "killed" : "stopped")
  )

export const resize = (instance: number, limit: number, group: string | undefined): Effect.Effect<string, Refused> =>
  Effect.flatMap(lookUp<boolean>("resize", instance, limit, { concurrencyGroup: group }), (done) =>
    Effect.as(found("living instance", instance, done), "resized")
  )

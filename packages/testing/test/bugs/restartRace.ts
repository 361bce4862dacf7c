// A client signs in and then sends. In between the actor may have restarted, and know nobody.
import { Actor } from "@troupe/core"
import { Effect, Schedule } from "effect"
import type { Bug } from "./bug.ts"

const program = (lasting: boolean) =>
  Effect.gen(function* () {
    const registered = new Set<string>()
    class Gateway extends Actor.Service<Gateway>()("Gateway", {
      onDefect: "restart",
      restart: Schedule.recurs(3),
      maxTaskRetries: 3,
      make: Effect.sync(() => {
        const sessions = lasting ? registered : new Set<string>()
        return {
          signIn: (user: string) => Effect.sync(() => void sessions.add(user)),
          send: (user: string) =>
            Effect.suspend(() => (sessions.has(user) ? Effect.succeed("sent") : Effect.fail("who are you?"))),
          crash: () => Effect.die("a bad message")
        }
      })
    }) {}
    const gateway = yield* Gateway.spawn()
    const client = Effect.gen(function* () {
      yield* gateway.signIn("Ada")
      yield* gateway.send("Ada")
    })
    const crash = Effect.exit(gateway.crash.options({ maxTaskRetries: 0 })())
    yield* Effect.all([client, crash], { concurrency: "unbounded" })
  })

export const restartRace: Bug = {
  name: "restart racing with submit",
  broken: program(false),
  fixed: program(true),
  kind: "Failure",
  within: 100
}

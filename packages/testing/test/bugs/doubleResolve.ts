// A desk answers a question with what the expert says, or with "no idea" when that takes too long. Both look whether the
// question is still open, write to the log, and answer.
import { Actor } from "@troupe/core"
import { Deferred, Effect, Ref } from "effect"
import type { Bug } from "./bug.ts"

const program = (once: boolean) =>
  Effect.gen(function* () {
    const answers: Array<string> = []
    const lines = yield* Ref.make<ReadonlyArray<string>>([])
    const log = (line: string) => Ref.update(lines, (lines) => [...lines, line])
    class Desk extends Actor.Service<Desk>()("Desk", {
      make: Effect.gen(function* () {
        const question = yield* Deferred.make<string>()
        const answer = (text: string) =>
          Effect.gen(function* () {
            if (yield* Deferred.isDone(question)) return
            yield* log(text)
            const first = yield* Deferred.succeed(question, text)
            if (first || !once) answers.push(text)
          })
        return {
          expert: () => Effect.andThen(Effect.sleep("1 second"), answer("42")),
          giveUp: () => Effect.andThen(Effect.sleep("1 second"), answer("no idea"))
        }
      })
    }) {}
    const desk = yield* Desk.spawn()
    yield* Effect.all([desk.expert(), desk.giveUp()], { concurrency: "unbounded" })
    if (answers.length !== 1) return yield* Effect.die(new Error(`one question got the answers ${answers.join(", ")}`))
  })

export const doubleResolve: Bug = {
  name: "double resolve",
  broken: program(false),
  fixed: program(true),
  kind: "Failure",
  within: 150
}

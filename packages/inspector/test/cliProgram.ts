/** A program with an inspector, for tests of the command: prints the address, and goes on until it is ended. */
import { Actor } from "@troupe/core"
import { Inspector } from "@troupe/inspector"
import { Effect, Layer } from "effect"

class Db extends Actor.Service<Db>()("app/Db", {
  maxConcurrency: 1,
  shutdownTimeout: 0,
  make: Effect.succeed({ query: (millis: number) => Effect.sleep(millis) })
}) {}

const program = Effect.gen(function* () {
  const db = yield* Db
  const { port } = yield* Inspector.Inspector
  yield* db.query.remote(1_000_000)
  yield* db.query.remote(1_000_000)
  console.log(`listening at http://127.0.0.1:${port}/#token=test-token`)
  return yield* Effect.never
})

Effect.runFork(Effect.provide(program, Layer.merge(Db.layer, Inspector.layer({ port: 0, token: "test-token" }))))

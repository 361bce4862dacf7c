// A cache that loads what it does not have. Who asks while it loads makes it load once more.
import { Actor, type ObjectRef } from "@troupe/core"
import { Effect } from "effect"
import type { Bug } from "./bug.ts"

class Database extends Actor.Service<Database>()("Database", {
  make: Effect.sync(() => {
    let queries = 0
    return {
      query: (key: string) => Effect.sync(() => `${key}: ${++queries}`),
      queries: () => Effect.sync(() => queries)
    }
  })
}) {}

const program = (single: boolean) =>
  Effect.gen(function* () {
    const database = yield* Database.spawn()
    class Cache extends Actor.Service<Cache>()("Cache", {
      make: Effect.sync(() => {
        const values = new Map<string, string>()
        const loads = new Map<string, ObjectRef.ObjectRef<string, unknown>>()
        return {
          get: Effect.fnUntraced(function* (key: string) {
            const known = values.get(key)
            if (known !== undefined) return known
            const value = yield* database.query(key)
            values.set(key, value)
            return value
          }),
          getOnce: Effect.fnUntraced(function* (key: string) {
            const load = loads.get(key)
            if (load !== undefined) return yield* load
            // Nothing can come between looking and writing down that it is being loaded.
            const ref = Effect.runSync(database.query.remote(key))
            loads.set(key, ref)
            return yield* ref
          })
        }
      })
    }) {}
    const cache = yield* Cache.spawn()
    const get = single ? cache.getOnce : cache.get
    yield* Effect.forEach(["a", "a", "a"], (key) => get(key), { concurrency: "unbounded" })
    const queries = yield* database.queries()
    if (queries !== 1) return yield* Effect.die(new Error(`one key was loaded ${queries} times`))
  })

export const cacheStampede: Bug = {
  name: "cache stampede",
  broken: program(false),
  fixed: program(true),
  kind: "Failure",
  within: 50
}

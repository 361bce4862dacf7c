/**
 * Keeps a second process off a file that one process has for itself.
 *
 * The lock is one of SQLite on a file next to it. It belongs to the process: when that dies, however it does, it is gone.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { ClusterStartError } from "../../ClusterStartError.ts"
import { needsSqlite } from "./sqlite.ts"

export const layer = (file: string): Layer.Layer<never, ClusterStartError> => {
  // No other process can see a database in memory.
  if (file === "" || file === ":memory:") return Layer.empty
  return Layer.effectDiscard(
    Effect.acquireRelease(acquire(file), (lock) =>
      Effect.sync(() => {
        lock.close()
      })
    )
  )
}

const acquire = (file: string) =>
  Effect.tryPromise({
    try: async () => {
      const { DatabaseSync } = await import("node:sqlite")
      const lock = new DatabaseSync(`${file}.lock`, { timeout: 0 })
      try {
        lock.exec("BEGIN EXCLUSIVE")
        return lock
      } catch (cause) {
        lock.close()
        throw cause
      }
    },
    catch: (cause: any) => new ClusterStartError({ why: whyNot(file, cause), cause })
  })

const whyNot = (file: string, cause: any): string => {
  if (cause?.code === "ERR_UNKNOWN_BUILTIN_MODULE") return needsSqlite
  return /locked/.test(String(cause?.message))
    ? `another process runs on the file ${file}. End that one, or let several processes share it with ClusterHome.layerNode`
    : `the file ${file} cannot be locked: ${cause?.message}`
}

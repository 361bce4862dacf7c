/**
 * The tables of the engine, which each process makes where they are missing.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as SqlClient from "effect/sql/SqlClient"
import { type RunnerStorage, SqlMessageStorage, SqlRunnerStorage } from "../engine.ts"
import { ContractTable } from "./contractTable.ts"
import { withTable } from "./table.ts"

/** Whether the tables are there, so that a process need not look. */
export const AreThere: Context.Reference<boolean> = Context.Reference("troupe/cluster/TablesAreThere", {
  defaultValue: () => false
})

/** The storage of runners, whose tables are there. */
export const runners: Layer.Layer<RunnerStorage.RunnerStorage, any, any> = Layer.unwrap(
  Effect.map(AreThere, (areThere) => (areThere ? SqlRunnerStorage.layerStorage({}) : SqlRunnerStorage.layer))
)

/** The storage of messages as it is encoded, whose tables are there. */
export const messages = Effect.flatMap(AreThere, (areThere) =>
  areThere ? SqlMessageStorage.makeEncodedStorage() : SqlMessageStorage.makeEncoded()
)

/** Makes all of them. */
export const make: Effect.Effect<void, any, SqlClient.SqlClient> = Effect.scoped(
  Layer.build(Layer.mergeAll(SqlRunnerStorage.layerMigrations({}), SqlMessageStorage.layerMigrations({})))
).pipe(Effect.andThen(withTable((sql) => new ContractTable(sql))))

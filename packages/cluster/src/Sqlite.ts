/**
 * Effect's `SqlClient` over the SQLite that Node brings along: a database in a file, without a driver to install.
 *
 * It is what a node of a cluster uses when its storage is a file. Use it for durable state and reminders in a program
 * that is no cluster, and for tables of your own beside them. Several processes may share a file on one machine; for
 * more than one machine, use Postgres.
 *
 * It needs Node 22.19 or later; where Node has no SQLite, the layer fails and says so.
 *
 * One statement runs at a time, on the thread of the event loop. It is made for small and quick statements.
 *
 * @since 0.1.0
 */
import type * as Layer from "effect/Layer"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as internal from "./internal/sql/sqlite.ts"

/**
 * A client for the database in a file, which is created if there is none. `:memory:` gives a database that lasts as
 * long as the Layer.
 *
 * The file is in WAL mode: readers do not wait for the writer. A statement that finds the file locked by another
 * process is tried again for 10 seconds, the event loop turning, then it fails with a lock timeout. Transactions begin
 * with `BEGIN IMMEDIATE`, so they wait at their beginning and never fail halfway because another process was faster.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: (file: string) => Layer.Layer<SqlClient.SqlClient, SqlError> = internal.layer

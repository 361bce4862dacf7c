/**
 * Effect's `SqlClient` over Node's built-in SQLite: a database in a file, without a driver to install.
 *
 * A cluster node uses it when its storage is a file. Use it for durable state and reminders without a cluster, and for
 * your own tables next to them. Several processes may share a file on one machine; for more than one machine, use
 * Postgres.
 *
 * It needs Node 22.19 or later; if Node has no SQLite, the layer fails and says so.
 *
 * One statement runs at a time, on the event loop's thread, so keep statements small and quick.
 *
 * @since 0.1.0
 */
import type * as Layer from "effect/Layer"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as internal from "./internal/sql/sqlite.ts"

/**
 * A client for the database in a file, which is created if necessary. `:memory:` gives a database that lasts as long as
 * the Layer.
 *
 * The file is in WAL mode: readers do not wait for the writer. A statement that finds the file locked by another
 * process is retried for 10 seconds while the event loop turns, then fails with a lock timeout. Transactions begin with
 * `BEGIN IMMEDIATE`, so they wait at the beginning and never fail halfway because another process was faster.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: (file: string) => Layer.Layer<SqlClient.SqlClient, SqlError> = internal.layer

/**
 * Where the inspectors of the nodes are, in a table that all processes of the cluster read.
 */
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type * as Statement from "effect/sql/Statement"
import { createTable } from "./table.ts"

const TABLE = "troupe_inspectors"

export class InspectorTable {
  private readonly sql: SqlClient.SqlClient
  private readonly table: Statement.Identifier

  constructor(sql: SqlClient.SqlClient) {
    this.sql = sql
    this.table = sql(TABLE)
  }

  get create(): Effect.Effect<void, SqlError> {
    const { sql, table } = this
    return createTable(
      sql,
      sql`CREATE TABLE IF NOT EXISTS ${table} (node VARCHAR(255) NOT NULL PRIMARY KEY, address TEXT NOT NULL)`
    )
  }

  put(node: string, address: string): Effect.Effect<void, SqlError> {
    const { sql, table } = this
    return Effect.andThen(
      this.remove(node),
      Effect.asVoid(sql`INSERT INTO ${table} (node, address) VALUES (${node}, ${address})`)
    )
  }

  remove(node: string): Effect.Effect<void, SqlError> {
    return Effect.asVoid(this.sql`DELETE FROM ${this.table} WHERE node = ${node}`)
  }

  /** By node. Those of nodes that died are among them, until a node has the same name again. */
  get all(): Effect.Effect<ReadonlyMap<string, string>, SqlError> {
    return Effect.map(
      this.sql<{ readonly node: string; readonly address: string }>`SELECT node, address FROM ${this.table}`,
      (rows) => new Map(rows.map(({ address, node }) => [node, address]))
    )
  }
}

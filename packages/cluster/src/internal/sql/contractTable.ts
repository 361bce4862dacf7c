/**
 * Which contracts the nodes of a cluster host, in a table that all its processes read. A node has one row for each actor,
 * and one without an actor from the moment that it has told all of them.
 */
import type { ContractShape } from "@troupe/core/ContractShape"
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type * as Statement from "effect/sql/Statement"
import { createTable } from "./table.ts"

const TABLE = "troupe_contracts"
/** The row of a node that has told all. */
const COMPLETE = ""

/** What a node hosts, as far as it has told. */
export interface Hosted {
  readonly shapes: ReadonlyMap<string, ContractShape>
  readonly complete: boolean
}

export class ContractTable {
  private readonly sql: SqlClient.SqlClient
  private readonly table: Statement.Identifier

  constructor(sql: SqlClient.SqlClient) {
    this.sql = sql.withoutTransforms()
    this.table = sql(TABLE)
  }

  get create(): Effect.Effect<void, SqlError> {
    const { sql, table } = this
    return createTable(
      sql,
      sql`CREATE TABLE IF NOT EXISTS ${table} (
        node VARCHAR(255) NOT NULL,
        actor VARCHAR(255) NOT NULL,
        shape TEXT NOT NULL,
        PRIMARY KEY (node, actor)
      )`
    )
  }

  /** Forgets what a node has told. */
  clear(node: string): Effect.Effect<void, SqlError> {
    return Effect.asVoid(this.sql`DELETE FROM ${this.table} WHERE node = ${node}`)
  }

  /** Forgets what all others have told. */
  keep(nodes: ReadonlyArray<string>): Effect.Effect<void, SqlError> {
    if (nodes.length === 0) return Effect.void
    return Effect.asVoid(this.sql`DELETE FROM ${this.table} WHERE NOT (${this.sql.in("node", nodes)})`)
  }

  put(node: string, shape: ContractShape): Effect.Effect<void, SqlError> {
    return this.write(node, shape.actor, JSON.stringify(shape))
  }

  complete(node: string): Effect.Effect<void, SqlError> {
    return this.write(node, COMPLETE, "")
  }

  of(node: string): Effect.Effect<Hosted, SqlError> {
    const rows = this.sql<{ readonly actor: string; readonly shape: string }>`
      SELECT actor, shape FROM ${this.table} WHERE node = ${node}`
    return Effect.map(rows, (rows) => ({
      shapes: new Map(
        rows.filter(({ actor }) => actor !== COMPLETE).map(({ actor, shape }) => [actor, JSON.parse(shape)])
      ),
      complete: rows.some(({ actor }) => actor === COMPLETE)
    }))
  }

  /** The contracts of an actor on all nodes, by node. */
  ofActor(actor: string): Effect.Effect<ReadonlyMap<string, ContractShape>, SqlError> {
    const rows = this.sql<{ readonly node: string; readonly shape: string }>`
      SELECT node, shape FROM ${this.table} WHERE actor = ${actor}`
    return Effect.map(rows, (rows) => new Map(rows.map(({ node, shape }) => [node, JSON.parse(shape)])))
  }

  private write(node: string, actor: string, shape: string): Effect.Effect<void, SqlError> {
    const { sql, table } = this
    return Effect.asVoid(
      Effect.andThen(
        sql`DELETE FROM ${table} WHERE node = ${node} AND actor = ${actor}`,
        sql`INSERT INTO ${table} (node, actor, shape) VALUES (${node}, ${actor}, ${shape})`
      )
    )
  }
}

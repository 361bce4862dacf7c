/**
 * The SQL storage that all nodes of a cluster share.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as SqlClient from "effect/sql/SqlClient"
import type { ClusterOptions } from "../ClusterHome.ts"
import { ClusterStartError } from "./settings.ts"

/** A client for what `storage` says. */
export const layer = (storage: ClusterOptions["storage"]): Layer.Layer<SqlClient.SqlClient, ClusterStartError> => {
  if (Layer.isLayer(storage)) return failing("its storage", storage as Layer.Layer<SqlClient.SqlClient, unknown>)
  if (typeof storage === "object" && storage !== null && "file" in storage) return sqlite(storage.file)
  if (typeof storage === "object" && storage !== null && "url" in storage) return postgres(storage.url)
  return failed(`storage must be { file }, { url } or a Layer of SqlClient, but is ${String(storage)}`)
}

export const sqlite = (file: string): Layer.Layer<SqlClient.SqlClient, ClusterStartError> =>
  failing(
    `its storage, the file ${file},`,
    // Node's SQLite is loaded with the first node that wants it.
    Layer.unwrap(
      Effect.map(
        Effect.promise(() => import("./sqlite.ts")),
        ({ layer }) => layer(file)
      )
    )
  )

const postgres = (url: string | Redacted.Redacted<string>): Layer.Layer<SqlClient.SqlClient, ClusterStartError> => {
  const redacted = Redacted.isRedacted(url) ? url : Redacted.make(url)
  if (!/^postgres(ql)?:\/\//.test(Redacted.value(redacted))) {
    return failed("the url of its storage must begin with postgres://")
  }
  return Layer.unwrap(
    Effect.map(
      Effect.tryPromise({
        try: () => import("@effect/sql-pg/PgClient"),
        catch: (cause) =>
          new ClusterStartError({ why: "its storage is Postgres, which needs the package @effect/sql-pg", cause })
      }),
      (PgClient) =>
        failing(
          "its storage, a Postgres database,",
          PgClient.layer({
            url: redacted,
            applicationName: "troupe",
            // A statement that cannot be sent within this time is one of a storage that is away.
            connectTimeout: "5 seconds"
          }) as Layer.Layer<SqlClient.SqlClient, unknown>
        )
    )
  )
}

const failed = (why: string) => Layer.effectContext(Effect.fail(new ClusterStartError({ why })))

/** Names what did not start in whatever goes wrong with it. */
export const failing = <A, E, R>(what: string, layer: Layer.Layer<A, E, R>): Layer.Layer<A, ClusterStartError, R> =>
  Layer.catchCause(layer, (cause) =>
    Layer.effectContext(
      Effect.fail(new ClusterStartError({ why: `${what} cannot be opened: ${messageOf(cause)}`, cause }))
    )
  )

const messageOf = (cause: any): string => {
  const error = cause.reasons?.[0]?.error ?? cause.reasons?.[0]?.defect ?? cause
  return String(error?.reason?.message ?? error?.message ?? error)
}

/**
 * The SQL storage that all nodes of a cluster share.
 */
import * as Home from "@troupe/core/Home"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as SqlClient from "effect/sql/SqlClient"
import type { ClusterOptions } from "../../ClusterHome.ts"
import { ClusterStartError } from "../../ClusterStartError.ts"
import * as sqlite_ from "./sqlite.ts"

/** A client for what `storage` says. */
export const layer = (storage: ClusterOptions["storage"]): Layer.Layer<SqlClient.SqlClient, ClusterStartError> => {
  if (Layer.isLayer(storage)) return failing("its storage", storage as Layer.Layer<SqlClient.SqlClient, unknown>)
  if (typeof storage === "object" && storage !== null && "file" in storage) return sqlite(storage.file)
  if (typeof storage === "object" && storage !== null && "url" in storage) return postgres(storage.url)
  return failed(`storage must be { file }, { url } or a Layer of SqlClient, but is ${Home.show(storage)}`)
}

export const sqlite = (file: string): Layer.Layer<SqlClient.SqlClient, ClusterStartError> =>
  failing(`its storage, the file ${file},`, sqlite_.layer(file))

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

/** Says in every error what could not be opened. `explain` knows better words for some errors. */
export const failing = <A, E, R>(
  what: string,
  layer: Layer.Layer<A, E, R>,
  explain: (error: unknown) => string | undefined = () => undefined
): Layer.Layer<A, ClusterStartError, R> =>
  Layer.catchCause(layer, (cause) => {
    const errors = chainOf(Cause.squash(cause))
    const why = errors.map(explain).find((words) => words !== undefined) ?? wordsOf(errors)
    return Layer.effectContext(Effect.fail(new ClusterStartError({ why: `${what} cannot be opened: ${why}`, cause })))
  })

/** Errors are not nested deeper in practice, and an error may be its own cause. */
const MAX_CAUSES = 5

/** An error and what caused it. Errors of Effect have both in their `reason`. */
const chainOf = (error: any): ReadonlyArray<any> => {
  const chain: Array<any> = []
  for (let next = error; next != null && chain.length < MAX_CAUSES; next = next.cause) {
    if (next.reason?.message !== undefined) next = next.reason
    chain.push(next)
  }
  return chain
}

/** What each of them adds to those before it: an error of a socket says "Open", and its cause says why it does not. */
const wordsOf = (errors: ReadonlyArray<any>): string => {
  const words: Array<string> = []
  for (const error of errors) {
    const said = String(error.message ?? error)
    if (!words.some((before) => before.includes(said))) words.push(said)
  }
  return words.join(": ")
}

/** The storage as a person may read it: without the password of a database. */
export const nameOf = (storage: ClusterOptions["storage"]): string => {
  if ("file" in storage) return `the file ${storage.file}`
  if (!("url" in storage)) return "a SqlClient of the program"
  const text = Redacted.isRedacted(storage.url) ? Redacted.value(storage.url) : storage.url
  if (!URL.canParse(text)) return "a Postgres database"
  const { host, pathname, protocol } = new URL(text)
  return `${protocol}//${host}${pathname}`
}

/**
 * What homes ask of schemas.
 */
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { partOf, textOf } from "./shape.ts"

/** The errors of a method stand beside each other: one among many is written as it is alone, so that there may be more. */
export const errorsOf = (error: Schema.Top): ReadonlyArray<Schema.Top> => {
  const { ast } = error
  if (ast._tag === "Never") return []
  const isPlainUnion = ast._tag === "Union" && ast.checks === undefined && ast.encoding === undefined
  return isPlainUnion && "members" in error ? (error.members as ReadonlyArray<Schema.Top>) : [error]
}

/** What is wrong with a value, from what its schema threw. */
export const issueText = (error: any): string =>
  SchemaIssue.isIssue(error?.cause) ? new Schema.SchemaError(error.cause).message : String(error?.message ?? error)

/** A schema as text: what it takes, and after `<-` what that is written as, where this is something else. */
export const schemaText = (schema: Schema.Top): string => textOf(partOf(schema))

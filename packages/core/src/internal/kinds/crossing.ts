/**
 * What homes ask of failures that cross, and of schemas.
 *
 * Reading an error makes a new one, whose stack tells how it was read. Defects cross with their own stacks, so that it is
 * seen where they come from; an error of a contract is what its schema writes, and has none.
 */
import * as Cause from "effect/Cause"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaTransformation from "effect/SchemaTransformation"
import { framesOfUsers, withoutStack } from "../base/errors.ts"
import { isAnnotated } from "../call/failure.ts"
import { partOf, textOf } from "./shape.ts"

const defects = /* @__PURE__ */ Schema.Defect({ includeStack: true })
const read = /* @__PURE__ */ Schema.decodeSync(defects)
const write = /* @__PURE__ */ Schema.encodeSync(defects)

/** A defect, and what caused it, with the stacks of the process that it is from: the frames of its users. */
export const SentDefect = /* @__PURE__ */ Schema.Json.pipe(
  /* @__PURE__ */ Schema.decodeTo(
    Schema.Unknown,
    /* @__PURE__ */ SchemaTransformation.transform<unknown, Schema.Json>({
      decode: (json) => withoutStack(() => read(json)),
      encode: (defect) => ofUsers(write(defect))
    })
  )
)

const ofUsers = (json: Schema.Json): Schema.Json => {
  const { cause, stack } = (json ?? {}) as { readonly cause?: Schema.Json; readonly stack?: unknown }
  if (typeof stack !== "string") return json
  const own = { ...(json as Schema.JsonObject), stack: framesOfUsers(stack) }
  return cause === undefined ? own : { ...own, cause: ofUsers(cause) }
}

/** Takes the way that they were read from the errors of a cause. What failed in this process has noted its call. */
export const received = <E>(cause: Cause.Cause<E>): Cause.Cause<E> => {
  for (const reason of cause.reasons) {
    if (Cause.isFailReason(reason) && !isAnnotated(reason)) strip(reason.error)
  }
  return cause
}

/** Chains of causes may be long, or cycles. */
const MAX_CAUSES = 8

const strip = (error: unknown, depth = 0): void => {
  if (!(error instanceof Error) || depth > MAX_CAUSES) return
  const { cause, reason, stack } = error as Error & { readonly reason?: unknown }
  // What is in a field may have come with its stack, if its schema says so.
  if (typeof stack === "string" && (depth === 0 || READ.test(stack)))
    Object.defineProperty(error, "stack", {
      configurable: true,
      writable: true,
      value: stack.replace(/(\n +at .*)+$/, "")
    })
  strip(cause, depth + 1)
  strip(reason, depth + 1)
}

/** Where Effect makes an error of what it has read. */
const READ = /^ +at (?:decodeJsonError|makeClassTrusted) /m

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

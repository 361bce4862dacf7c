/**
 * Defects, and the stacks of what crosses.
 *
 * Reading an error makes a new one, whose stack tells how it was read. A defect crosses with its own stack, if the server
 * tells defects at all; an error of a contract is what its schema writes, and has none.
 */
import { FailedCall } from "@troupe/core/ActorError"
import * as Home from "@troupe/core/Home"
import type * as Cause from "effect/Cause"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"

/** With stacks. */
export const Defect = Schema.Defect({ includeStack: true })

const read = Schema.decodeSync(Defect)

/** How a defect crosses, and what caused it. */
export const crossing = (write: (defect: unknown) => Schema.Json): Schema.Codec<unknown, Schema.Json> =>
  Schema.Json.pipe(
    Schema.decodeTo(
      Schema.Unknown,
      SchemaTransformation.transform<unknown, Schema.Json>({
        decode: (json) => Home.withoutStack(() => classed(read(json))),
        encode: write
      })
    )
  )

/** Errors of the language stay what they are. */
const classed = (defect: unknown): unknown => {
  if (defect instanceof Error) {
    if (/^(Eval|Range|Reference|Syntax|Type|URI)Error$/.test(defect.name))
      Object.setPrototypeOf(defect, (globalThis as any)[defect.name].prototype)
    classed(defect.cause)
  }
  return defect
}

/** Takes the way that they were read from the errors of a cause. */
export const received = <E>(cause: Cause.Cause<E>): Cause.Cause<E> => {
  for (const reason of cause.reasons) {
    if (reason._tag === "Fail" && !reason.annotations.has(FailedCall.key)) strip(reason.error)
  }
  return cause
}

/** Chains of causes may be long, or cycles. */
const MAX_CAUSES = 8

const strip = (error: unknown, depth = 0): void => {
  if (!(error instanceof Error) || depth > MAX_CAUSES) return
  const { cause, reason, stack } = error as Error & { readonly reason?: unknown }
  if (typeof stack === "string") error.stack = stack.replace(/(\n +at .*)+$/, "")
  strip(cause, depth + 1)
  strip(reason, depth + 1)
}

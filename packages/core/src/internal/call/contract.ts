/**
 * Holds calls to the contract of their method, where `validate: true` asks for it. Values are checked as they are, not
 * encoded and decoded: inside one process they pass by reference.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { onlyKnown } from "../base/options.ts"
import { errorText, plural } from "../base/show.ts"
import type { MethodSpec } from "./method.ts"

type Contract = NonNullable<MethodSpec["contract"]>

const PARTS = { args: true, payload: true, success: true, error: true, stream: true } as const

/** `Actor.method`. */
export const method = (parts: any = {}) => {
  onlyKnown("Actor.method", parts, PARTS)
  return {
    args: parts.payload === undefined ? (parts.args ?? []) : [Schema.Struct(parts.payload)],
    success: parts.success ?? Schema.Void,
    error: parts.error ?? Schema.Never,
    stream: parts.stream ?? false,
    "~troupe/ContractMethod": true
  }
}

/** What is wrong with the arguments of a call, if anything. */
export const checkArgs = ({ args: schemas }: Contract, args: ReadonlyArray<unknown>): string | undefined => {
  if (args.length !== schemas.length) return `takes ${plural(schemas.length, "argument")}, but got ${args.length}`
  for (const [index, schema] of schemas.entries()) {
    const issue = check(schema, args[index])
    if (issue !== undefined) return `argument ${index + 1} does not fit the contract: ${issue}`
  }
}

/** What is wrong with the result of a call, if anything. */
export const checkSuccess = ({ stream, success }: Contract, value: unknown): string | undefined => {
  // The call of a stream succeeds with nothing. Its items are checked one by one.
  if (stream) return undefined
  return checkItem(success, value)
}

/** What is wrong with a result, or with an item of a stream, if anything. */
export const checkItem = (success: Schema.Top, value: unknown): string | undefined => {
  const issue = check(success, value)
  return issue === undefined ? undefined : `its result does not fit the contract: ${issue}`
}

const check = (schema: Schema.Top, value: unknown): string | undefined => {
  const decode = Schema.decodeUnknownResult(Schema.toType(schema) as Schema.Codec<unknown>)
  // The checks of a schema may be user code, and so is what it says of the value.
  const issue = Result.try(() => {
    const result = decode(value)
    return Result.isFailure(result) ? String(result.failure) : undefined
  })
  return Result.isFailure(issue) ? `its schema threw ${errorText(issue.failure)}` : issue.success
}

/**
 * A method of a contract, and how calls are held to it, where `validate: true` asks for that. Values are checked as they
 * are, not encoded and decoded: inside one process they pass by reference.
 */
import type * as Cause from "effect/Cause"
import * as Schema from "effect/Schema"
import { onlyKnown } from "../base/options.ts"
import { errorText, plural, show } from "../base/show.ts"
import { type Checks, holdTo } from "./contract.ts"

const PARTS = { args: true, payload: true, success: true, error: true, stream: true, since: true } as const

/** `Actor.method`. */
export const method = (parts: any = {}) => {
  onlyKnown("Actor.method", parts, PARTS)
  checkParts(parts)
  return {
    args: parts.payload === undefined ? (parts.args ?? []) : [Schema.Struct(parts.payload)],
    success: parts.success ?? Schema.Void,
    error: parts.error ?? Schema.Never,
    stream: parts.stream ?? false,
    ...(parts.since && { since: parts.since }),
    "~troupe/ContractMethod": true
  }
}

/** `Actor.subscription`. As far as contracts go, it is a method that returns a Stream. */
export const subscription = ({ item, ...parts }: any) => ({
  ...method({ ...parts, success: item ?? null, stream: true }),
  subscription: true
})

/** In untyped code `String` is easily written for `Schema.String`, and would be found out by the first call. */
const checkParts = ({ args, error, payload, stream, success }: any): void => {
  if (args !== undefined && !Array.isArray(args))
    throw wrong("args", "an array of Schemas, one for each argument", args)
  if (payload !== undefined && args !== undefined) throw new TypeError("Actor.method: give args or payload, not both")
  if (stream !== undefined && typeof stream !== "boolean") throw wrong("stream", "true or false", stream)
  const schemas = { success, error, ...payload, ...args }
  for (const [name, schema] of Object.entries(schemas)) {
    if (schema === undefined || Schema.isSchema(schema)) continue
    const part = name in { success, error } ? name : payload === undefined ? `args[${name}]` : `payload.${name}`
    throw wrong(part, "a Schema, like Schema.String or Schema.Union([A, B])", schema)
  }
}

const wrong = (part: string, what: string, value: unknown): TypeError =>
  new TypeError(`Actor.method: ${part} must be ${what}, but is ${show(value)}`)

const checkArgs: Checks["args"] = ({ args: schemas }, args) => {
  if (args.length !== schemas.length && !schemas[args.length]?.ast.context?.isOptional)
    return `takes ${plural(schemas.length, "argument")}, but got ${args.length}`
  for (const [index, arg] of args.entries()) {
    const issue = check(schemas[index]!, arg)
    if (issue) return `argument ${index + 1} does not fit the contract: ${issue}`
  }
}

const checkResult: Checks["result"] = ({ success }, value) => {
  const issue = check(success, value)
  return issue && `its result does not fit the contract: ${issue}`
}

const check = (schema: Schema.Top, value: unknown): string | undefined => {
  // The checks of a schema may be user code, and so is what it says of the value.
  try {
    const exit = Schema.decodeUnknownExit(Schema.toType(schema) as Schema.Codec<unknown>)(value)
    if (exit._tag === "Success") return
    const [reason] = exit.cause.reasons as readonly [Cause.Fail<unknown> | Cause.Die]
    if (reason._tag === "Fail") return String(reason.error)
    throw reason.defect
  } catch (error) {
    return `its schema threw ${errorText(error)}`
  }
}

holdTo({ args: checkArgs, result: checkResult })

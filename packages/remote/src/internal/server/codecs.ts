/**
 * How the server reads and writes what crosses: a schema that throws, as a transformation of the contract may, fails what it
 * was to read or write. `RpcServer` takes it for a bug of its own, and ends with the connections of all peers.
 */
import * as Home from "@troupe/core/Home"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"
import * as SchemaTransformation from "effect/SchemaTransformation"
import { RpcSerialization } from "./engine.ts"

type Parse = (value: unknown, options: SchemaAST.ParseOptions) => Effect.Effect<unknown, SchemaIssue.Issue, any>

export const codecFor = ((schema) => {
  const codec = RpcSerialization.json.codecFor(schema as Schema.Top)
  const safely = SchemaTransformation.transformEffect<unknown, unknown, any, any>({
    decode: held(SchemaParser.decodeUnknownEffect(codec)),
    encode: held(SchemaParser.encodeUnknownEffect(codec))
  })
  return Schema.decodeTo(Schema.Unknown, safely)(Schema.Unknown)
}) as RpcSerialization.CodecFor

const held =
  (parse: Parse): Parse =>
  (value, options) => {
    try {
      const parsed = parse(value, options)
      // What is read at once costs no Effect.
      return Exit.isExit(parsed) && Exit.isSuccess(parsed) ? parsed : Effect.catchDefect(parsed, failed)
    } catch (error) {
      return failed(error)
    }
  }

const failed = (error: unknown) =>
  Exit.fail(new SchemaIssue.InvalidValue({ message: `its schema threw ${Home.errorText(error)}` }))

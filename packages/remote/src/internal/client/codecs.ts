/**
 * How the calls of one method are written, and their answers read.
 */
import type * as Exit from "effect/Exit"
import { memoize } from "effect/Function"
import * as Schema from "effect/Schema"
import { exitSchema, isStreamSchema } from "../engine.ts"
import type { Payload, WireMethod } from "../wire/wire.ts"

export interface Codecs {
  readonly payload: (payload: Payload) => unknown
  readonly exit: (exit: unknown) => Exit.Exit<any, any>
  readonly items: (values: unknown) => ReadonlyArray<unknown>
}

/** They are compiled with the first call of the method. */
export const codecsOf = memoize(({ rpc }: WireMethod): Codecs => {
  const stream = isStreamSchema(rpc.successSchema) ? rpc.successSchema.success : undefined
  const json = (schema: Schema.Top) => Schema.toCodecJson(schema) as unknown as Schema.Codec<any, unknown>
  return {
    payload: Schema.encodeUnknownSync(json(rpc.payloadSchema)),
    exit: Schema.decodeUnknownSync(json(exitSchema(rpc as any) as unknown as Schema.Top)),
    items: Schema.decodeUnknownSync(json(Schema.Array(stream ?? Schema.Unknown)))
  }
})

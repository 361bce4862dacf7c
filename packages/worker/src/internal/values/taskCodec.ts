/**
 * How the values of a task cross: through its schemas where it has some, else as they are, and failures as defects do.
 */
import * as Home from "@troupe/core/Home"
import { memoize } from "effect/Function"
import * as Schema from "effect/Schema"
import { type PackedDefect, packDefect, stackOf, unpackDefect, withStack } from "./causes.ts"
import { anyArgs, argsCodec, type Codec, codecOf } from "./codec.ts"
import { attempt } from "./guard.ts"

export interface TaskCodec {
  readonly args: Codec
  readonly success: Codec
  readonly failure: Codec
}

/** A failure that the task's schema covers, or any other one, whose fields cross. */
export type PackedFailure =
  | { readonly covered: unknown; readonly stack: string | undefined }
  | { readonly other: PackedDefect }

export const taskCodec = memoize((task: Home.TaskDefinition): TaskCodec => {
  const args = task.args as ReadonlyArray<Schema.Top> | undefined
  return {
    args: args === undefined ? anyArgs : argsCodec(args),
    success: codecOf((task.success as Schema.Top | undefined) ?? Schema.Any),
    failure: failureCodec(task.error as Schema.Top | undefined)
  }
})

const failureCodec = (schema: Schema.Top = Schema.Never): Codec => {
  const covers = Schema.is(Schema.toType(schema) as Schema.Schema<unknown>)
  const { pack, unpack } = codecOf(schema)
  return {
    pack: (failure): PackedFailure =>
      attempt(() => covers(failure), false)
        ? { covered: pack(failure), stack: stackOf(failure) }
        : { other: packDefect(failure) },
    unpack: (packed: PackedFailure) =>
      Home.withoutStack(() =>
        "covered" in packed ? withStack(unpack(packed.covered), packed.stack) : unpackDefect(packed.other)
      )
  }
}

/**
 * The methods of a contract, made ready to cross.
 */
import type * as Schema from "effect/Schema"
import { argsCodec, type Codec, codecOf } from "./codec.ts"

/** What the classes that `Actor.Service` and `Actor.Keyed` make for a contract have at run time. */
export interface Contract {
  readonly key: string
  readonly methods: Readonly<Record<string, ContractMethod>>
  readonly keySchema?: Schema.Top | undefined
}

interface ContractMethod {
  readonly args: ReadonlyArray<Schema.Top>
  readonly success: Schema.Top
  readonly error: Schema.Top
  readonly stream: boolean
}

/** How one method crosses. */
export interface Way {
  readonly name: string
  readonly index: number
  readonly stream: boolean
  readonly args: Codec
  readonly success: Codec
  readonly error: Codec
}

const ways = new WeakMap<object, ReadonlyArray<Way>>()

/** How the methods of a contract cross, in the order of their names: the index stands for the name. */
export const waysOf = ({ methods }: Contract): ReadonlyArray<Way> => {
  const known = ways.get(methods)
  if (known !== undefined) return known
  const made = Object.keys(methods)
    .sort()
    .map((name, index) => {
      const { args, error, stream, success } = methods[name]!
      return { name, index, stream, args: argsCodec(args), success: codecOf(success), error: codecOf(error) }
    })
  ways.set(methods, made)
  return made
}

/**
 * The methods of a contract, made ready to cross.
 */
import type * as Schema from "effect/Schema"
import { argsCodec, type Codec, codecOf } from "./codec.ts"
import type { Greeting } from "./protocol.ts"

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
  /** What both sides have to agree on. */
  readonly signature: string
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
      const signature = `${name}(${args.length})${stream ? ": stream" : ""}`
      return { name, signature, index, stream, args: argsCodec(args), success: codecOf(success), error: codecOf(error) }
    })
  ways.set(methods, made)
  return made
}

/** Why a thread cannot serve a contract, if it cannot. */
export const mismatch = (contract: Contract, greeting: Greeting): string | undefined => {
  if (greeting.actor !== contract.key) return `it serves ${greeting.actor}. Is it the right file?`
  const here = waysOf(contract).map(({ signature }) => signature)
  const there = new Set(greeting.methods)
  const missing = here.filter((signature) => !there.delete(signature))
  if (missing.length === 0 && there.size === 0) return undefined
  const only = (side: string, signatures: Iterable<string>) => {
    const list = [...signatures].join(", ")
    return list === "" ? [] : [`only ${side} has ${list}`]
  }
  return `the contract is not the same on both sides: ${[...only("this side", missing), ...only("the thread", there)].join(", ")}. Build both from the same sources.`
}

/**
 * How values cross. Structured clone carries plain data, dates, maps and bytes as they are, and at the speed of the
 * engine; only where a schema speaks of something that it would flatten (classes, tagged errors, Option, Duration) do
 * values go through the schema, and there only these parts of them.
 */
import * as Cause from "effect/Cause"
import { memoize } from "effect/Function"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import { describe, messageOf } from "./guard.ts"
import { refuseRefs } from "./heldRef.ts"
import { isCloneable, isOpen } from "./schemaFacts.ts"
import { sparing } from "./sparing.ts"

/** How values of one schema are made fit to cross, and what they are made into again. */
export interface Codec {
  readonly pack: (value: any) => unknown
  readonly unpack: (value: any) => any
}

const asTheyAre: Codec = { pack: (value) => value, unpack: (value) => value }

/** For values that no schema describes. They may hold refs, which structured clone would take for plain data. */
const undescribed: Codec = {
  pack: (value) => {
    refuseRefs(value)
    return value
  },
  unpack: asTheyAre.unpack
}

/** The value of a method without a result is dropped. */
const nothing: Codec = { pack: () => undefined, unpack: () => undefined }

export const codecOf = ({ ast }: Schema.Top): Codec => codecOfAst(ast)

const codecOfAst = memoize((ast: SchemaAST.AST): Codec => codecFor(SchemaAST.toType(ast)))

const codecFor = (ast: SchemaAST.AST): Codec => {
  if (ast._tag === "Void") return nothing
  const open = isOpen(ast)
  if (isCloneable(ast)) return open ? undescribed : asTheyAre
  const { pack, unpack } = throughSchema(ast)
  return { pack: open ? (value) => pack(undescribed.pack(value)) : pack, unpack }
}

const throughSchema = (ast: SchemaAST.AST): Codec => {
  const json = Schema.toCodecJson(Schema.make(sparing(ast))) as unknown as Schema.Codec<unknown>
  return { pack: telling(Schema.encodeSync(json)), unpack: telling(Schema.decodeSync(json)) as (value: any) => any }
}

/** Where the code of a schema throws, Effect has that in a cause. */
const telling =
  (use: (value: any) => unknown) =>
  (value: any): unknown => {
    try {
      return use(value)
    } catch (error: any) {
      throw Cause.isCause(error?.cause) ? new Error(`its schema threw ${describe(Cause.squash(error.cause))}`) : error
    }
  }

// --- arguments -------------------------------------------------------------------------------------------------------

/** An argument that cannot cross. */
export class Misfit extends Error {
  readonly index: number

  constructor(index: number, cause: unknown) {
    super(messageOf(cause), { cause })
    this.index = index
  }
}

const positional = (codecAt: (index: number) => Codec): Codec => {
  const map = (direction: keyof Codec) => (args: ReadonlyArray<unknown>) =>
    args.map((arg, index) => {
      try {
        return codecAt(index)[direction](arg)
      } catch (error) {
        throw new Misfit(index, error)
      }
    })
  return { pack: map("pack"), unpack: map("unpack") }
}

/** How the arguments of a method cross, all of them as one array. */
export const argsCodec = (schemas: ReadonlyArray<Schema.Top>): Codec => {
  const each = schemas.map(codecOf)
  return each.every((codec) => codec === asTheyAre) ? asTheyAre : positional((index) => each[index] ?? asTheyAre)
}

/** How arguments cross that no schema describes. */
export const anyArgs: Codec = positional(() => undescribed)

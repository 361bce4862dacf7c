/**
 * How values cross. Structured clone carries plain data, dates, maps and bytes as they are, and at the speed of the
 * engine; only where a schema speaks of something that it would flatten (classes, tagged errors, Option, Duration) do
 * values go through the schema.
 */
import * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"

/** How values of one schema are made fit to cross, and what they are made into again. */
export interface Codec {
  readonly pack: (value: any) => unknown
  readonly unpack: (value: any) => any
}

const asTheyAre: Codec = { pack: (value) => value, unpack: (value) => value }

const codecs = new WeakMap<SchemaAST.AST, Codec>()

export const codecOf = (schema: Schema.Top): Codec => {
  const known = codecs.get(schema.ast)
  if (known !== undefined) return known
  const type = Schema.toType(schema)
  const codec = isCloneable(type.ast, new Set()) ? asTheyAre : throughSchema(type)
  codecs.set(schema.ast, codec)
  return codec
}

const throughSchema = (schema: Schema.Top): Codec => {
  const json = Schema.toCodecJson(schema) as unknown as Schema.Codec<unknown>
  return { pack: Schema.encodeSync(json), unpack: Schema.decodeSync(json) as (value: any) => any }
}

/** Built-in classes that structured clone carries as what they are. */
const carried = new Set(
  ["Date", "RegExp", "Uint8Array", "ReadonlyMap", "ReadonlySet"].map((id) => `effect/schema/${id}`)
)

/** Whether structured clone carries all values of a schema as they are. */
const isCloneable = (ast: SchemaAST.AST, seen: Set<SchemaAST.AST>): boolean => {
  // A schema that refers to itself is as cloneable as its other parts.
  if (seen.has(ast)) return true
  seen.add(ast)
  const all = (parts: ReadonlyArray<SchemaAST.AST>) => parts.every((part) => isCloneable(part, seen))
  switch (ast._tag) {
    case "Symbol":
    case "UniqueSymbol":
      return false
    case "Declaration":
      return isCloneableDeclaration(ast) && all(ast.typeParameters)
    case "Arrays":
      return all([...ast.elements, ...ast.rest])
    case "Objects":
      return (
        all(ast.propertySignatures.map(({ type }) => type)) &&
        all(ast.indexSignatures.flatMap(({ parameter, type }) => [parameter, type]))
      )
    case "Union":
      return all(ast.types)
    case "Suspend":
      return isCloneable(ast.thunk(), seen)
    default:
      return true
  }
}

const isCloneableDeclaration = ({ annotations }: SchemaAST.Declaration): boolean => {
  const id = (annotations?.representation as { readonly id?: string } | undefined)?.id
  if (id !== undefined && carried.has(id)) return true
  // Nothing but structured clone could carry it.
  return annotations?.toCodecJson === undefined && annotations?.toCodec === undefined
}

/** How the arguments of a method cross, all of them as one array. */
export const argsCodec = (schemas: ReadonlyArray<Schema.Top>): Codec => {
  const each = schemas.map(codecOf)
  if (each.every((codec) => codec === asTheyAre)) return asTheyAre
  const map = (direction: keyof Codec) => (args: ReadonlyArray<unknown>) =>
    args.map((arg, index) => {
      const codec = each[index]
      return codec === undefined ? arg : codec[direction](arg)
    })
  return { pack: map("pack"), unpack: map("unpack") }
}

/**
 * How values cross. Structured clone carries plain data, dates, maps and bytes as they are, and at the speed of the
 * engine; only where a schema speaks of something that it would flatten (classes, tagged errors, Option, Duration) do
 * values go through the schema, and there only these parts of them.
 */
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"

/** How values of one schema are made fit to cross, and what they are made into again. */
export interface Codec {
  readonly pack: (value: any) => unknown
  readonly unpack: (value: any) => any
}

const asTheyAre: Codec = { pack: (value) => value, unpack: (value) => value }

/** What a method without a result happens to give interests nobody. */
const nothing: Codec = { pack: () => undefined, unpack: () => undefined }

const codecs = new WeakMap<SchemaAST.AST, Codec>()

export const codecOf = (schema: Schema.Top): Codec => {
  const known = codecs.get(schema.ast)
  if (known !== undefined) return known
  const { ast } = Schema.toType(schema)
  const codec = ast._tag === "Void" ? nothing : isCloneable(ast, new Set()) ? asTheyAre : throughSchema(ast)
  codecs.set(schema.ast, codec)
  return codec
}

const throughSchema = (ast: SchemaAST.AST): Codec => {
  const json = Schema.toCodecJson(Schema.make(sparing(ast, false))) as unknown as Schema.Codec<unknown>
  return { pack: Schema.encodeSync(json), unpack: Schema.decodeSync(json) as (value: any) => any }
}

// --- what structured clone carries -----------------------------------------------------------------------------------

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
  return linkOf(annotations) === undefined
}

// --- schemas of which only parts have to be encoded ------------------------------------------------------------------

type ToLink = (typeParameters: ReadonlyArray<Schema.Top>) => SchemaAST.Link | undefined

const linkOf = (annotations: Schema.Annotations.Annotations | undefined): ToLink | undefined =>
  (annotations?.toCodecJson ?? annotations?.toCodec) as ToLink | undefined

const spared = new WeakMap<SchemaAST.AST, SchemaAST.AST>()
const sparedExactly = new WeakMap<SchemaAST.AST, SchemaAST.AST>()

/**
 * The same schema, but its JSON codec leaves alone what structured clone carries. Without it, bytes next to an Option
 * would become base64. `exactly` is for members of unions: they have to stay what they are, down to their parts, so that
 * they can be told apart.
 */
const sparing = (ast: SchemaAST.AST, exactly: boolean): SchemaAST.AST => {
  const memo = exactly ? sparedExactly : spared
  const known = memo.get(ast)
  if (known !== undefined) return known
  const made = ast.encoding === undefined ? spare(ast, exactly) : ast
  memo.set(ast, made)
  return made
}

const spare = (ast: SchemaAST.AST, exactly: boolean): SchemaAST.AST => {
  const { annotations, checks, context } = ast
  const part = (ast: SchemaAST.AST) => (exactly ? sparing(ast, true) : sparePart(ast))
  switch (ast._tag) {
    case "Unknown":
    case "ObjectKeyword":
      return anything(context)
    case "Declaration":
      return spareDeclaration(ast, exactly)
    case "Arrays": {
      const { elements, isMutable, rest } = ast
      return new SchemaAST.Arrays(
        isMutable,
        elements.map(part),
        rest.map(part),
        annotations,
        checks,
        undefined,
        context
      )
    }
    case "Objects": {
      const { indexSignatures, propertySignatures } = ast
      const properties = propertySignatures.map(({ name, type }) => new SchemaAST.PropertySignature(name, part(type)))
      const indexes = indexSignatures.map((index) => new SchemaAST.IndexSignature(index.parameter, part(index.type)))
      return new SchemaAST.Objects(properties, indexes, annotations, checks, undefined, context)
    }
    case "Union": {
      const members = ast.types.map((member) => sparing(member, true))
      return new SchemaAST.Union(members, ast.options, annotations, checks, undefined, context)
    }
    case "Suspend":
      return new SchemaAST.Suspend(() => sparing(ast.thunk(), exactly), annotations, checks, undefined, context)
    default:
      return ast
  }
}

/** Of a part that is cloneable nothing needs to be known. */
const sparePart = (ast: SchemaAST.AST): SchemaAST.AST =>
  ast.encoding === undefined && isCloneable(ast, new Set()) ? anything(ast.context) : sparing(ast, false)

const anything = (context: SchemaAST.Context | undefined) => new SchemaAST.Any(undefined, undefined, undefined, context)

/**
 * What a class is encoded to, which is among its type parameters or in its link, has to stay a record of its fields,
 * however cloneable these are: an instance is not.
 */
const spareDeclaration = (ast: SchemaAST.Declaration, exactly: boolean): SchemaAST.AST => {
  const { annotations, checks, context, run, typeParameters } = ast
  const toLink = linkOf(annotations)
  const whole = (ast: SchemaAST.AST) => sparing(ast, exactly)
  const toCodecJson: ToLink = (parameters) => {
    const link = isCloneableDeclaration(ast) ? undefined : toLink?.(parameters)
    return link && new SchemaAST.Link(whole(link.to), link.transformation)
  }
  const own = { ...annotations, toCodecJson } as Schema.Annotations.Annotations
  return new SchemaAST.Declaration(typeParameters.map(whole), run, own, checks, undefined, context)
}

// --- arguments -------------------------------------------------------------------------------------------------------

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

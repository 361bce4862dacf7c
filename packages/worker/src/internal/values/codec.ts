/**
 * How values cross. Structured clone carries plain data, dates, maps and bytes as they are, and at the speed of the
 * engine; only where a schema speaks of something that it would flatten (classes, tagged errors, Option, Duration) do
 * values go through the schema, and there only these parts of them.
 */
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import { messageOf } from "./guard.ts"
import { refuseRefs } from "./heldRef.ts"

/** How values of one schema are made fit to cross, and what they are made into again. */
export interface Codec {
  readonly pack: (value: any) => unknown
  readonly unpack: (value: any) => any
}

const asTheyAre: Codec = { pack: (value) => value, unpack: (value) => value }

/** For values that nobody has described: they may hold what must not cross, and would not be noticed. */
const undescribed: Codec = {
  pack: (value) => {
    refuseRefs(value)
    return value
  },
  unpack: asTheyAre.unpack
}

/** What a method without a result happens to give interests nobody. */
const nothing: Codec = { pack: () => undefined, unpack: () => undefined }

const codecs = new WeakMap<SchemaAST.AST, Codec>()

export const codecOf = (schema: Schema.Top): Codec => {
  const known = codecs.get(schema.ast)
  if (known !== undefined) return known
  const { ast } = Schema.toType(schema)
  const codec = codecFor(ast)
  codecs.set(schema.ast, codec)
  return codec
}

const codecFor = (ast: SchemaAST.AST): Codec => {
  if (ast._tag === "Void") return nothing
  const open = isOpen(ast, new Set())
  if (isCloneable(ast, new Set())) return open ? undescribed : asTheyAre
  const { pack, unpack } = throughSchema(ast)
  return { pack: open ? (value) => pack(undescribed.pack(value)) : pack, unpack }
}

const throughSchema = (ast: SchemaAST.AST): Codec => {
  const json = Schema.toCodecJson(Schema.make(sparing(ast, false))) as unknown as Schema.Codec<unknown>
  return { pack: Schema.encodeSync(json), unpack: Schema.decodeSync(json) as (value: any) => any }
}

// --- what nobody has described ---------------------------------------------------------------------------------------

const PACKED = "troupe/worker/packed"

/** Anything that is fit to cross as it is, since somebody has seen to that. */
export const Packed = Schema.Any.annotate({ [PACKED]: true })

/** Whether values of a schema can hold anything, refs included. Where every part is described, nobody has to look. */
const isOpen = (ast: SchemaAST.AST, seen: Set<SchemaAST.AST>): boolean => {
  if (seen.has(ast)) return false
  seen.add(ast)
  switch (ast._tag) {
    case "Any":
    case "Unknown":
    case "ObjectKeyword":
      return ast.annotations?.[PACKED] !== true
    case "Declaration":
      if (ast.typeParameters.length === 0) return !isBuiltIn(ast) && linkOf(ast.annotations) === undefined
      return ast.typeParameters.some((part) => isOpen(part, seen))
    default:
      return partsOf(ast).some((part) => isOpen(part, seen))
  }
}

/** The schemas that a schema consists of. */
const partsOf = (ast: SchemaAST.AST): ReadonlyArray<SchemaAST.AST> => {
  switch (ast._tag) {
    case "Declaration":
      return ast.typeParameters
    case "Arrays":
      return [...ast.elements, ...ast.rest]
    case "Objects":
      return [
        ...ast.propertySignatures.map(({ type }) => type),
        ...ast.indexSignatures.flatMap(({ parameter, type }) => [parameter, type])
      ]
    case "Union":
      return ast.types
    case "Suspend":
      return [ast.thunk()]
    default:
      return []
  }
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
  switch (ast._tag) {
    case "Symbol":
    case "UniqueSymbol":
      return false
    case "Declaration":
      if (!isCloneableDeclaration(ast)) return false
  }
  return partsOf(ast).every((part) => isCloneable(part, seen))
}

// Nothing but structured clone could carry what has no link.
const isCloneableDeclaration = (ast: SchemaAST.Declaration): boolean =>
  isBuiltIn(ast) || linkOf(ast.annotations) === undefined

const isBuiltIn = ({ annotations }: SchemaAST.Declaration): boolean => {
  const id = (annotations?.representation as { readonly id?: string } | undefined)?.id
  return id !== undefined && carried.has(id)
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

/** How arguments cross of which nothing is known. */
export const anyArgs: Codec = positional(() => undescribed)

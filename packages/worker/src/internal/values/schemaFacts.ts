/**
 * What a schema says about how its values cross: whether it describes all of a value, and whether structured clone carries
 * it as it is.
 */
import * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"

// --- parts that a schema leaves open ---------------------------------------------------------------------------------

const PACKED = "troupe/worker/packed"

/** A value that its sender has made fit to cross. */
export const Packed = Schema.Any.annotate({ [PACKED]: true })

/** Whether values of a schema can hold anything, refs included. Otherwise they need not be searched for refs. */
export const isOpen = (ast: SchemaAST.AST, seen: Set<SchemaAST.AST> = new Set()): boolean => {
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

// --- values that structured clone carries ----------------------------------------------------------------------------

/** Built-in classes that structured clone carries as what they are. */
const carried = new Set(
  ["Date", "RegExp", "Uint8Array", "ReadonlyMap", "ReadonlySet"].map((id) => `effect/schema/${id}`)
)

/** Whether structured clone carries all values of a schema as they are. */
export const isCloneable = (ast: SchemaAST.AST, seen: Set<SchemaAST.AST> = new Set()): boolean => {
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

// A declaration without a link has no encoding: only structured clone could carry its values.
export const isCloneableDeclaration = (ast: SchemaAST.Declaration): boolean =>
  isBuiltIn(ast) || linkOf(ast.annotations) === undefined

const isBuiltIn = ({ annotations }: SchemaAST.Declaration): boolean => {
  const id = (annotations?.representation as { readonly id?: string } | undefined)?.id
  return id !== undefined && carried.has(id)
}

export type ToLink = (typeParameters: ReadonlyArray<Schema.Top>) => SchemaAST.Link | undefined

/** How a declaration is encoded, if its schema says so. */
export const linkOf = (annotations: Schema.Annotations.Annotations | undefined): ToLink | undefined =>
  (annotations?.toCodecJson ?? annotations?.toCodec) as ToLink | undefined

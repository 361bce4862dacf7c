/**
 * Schemas of which only parts have to be encoded.
 */
import type * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import { isCloneable, isCloneableDeclaration, linkOf, type ToLink } from "./schemaFacts.ts"

const spared = new WeakMap<SchemaAST.AST, SchemaAST.AST>()
const sparedExactly = new WeakMap<SchemaAST.AST, SchemaAST.AST>()

/**
 * The same schema, but its JSON codec leaves alone what structured clone carries. Without it, bytes next to an Option
 * would become base64. `exactly` is for members of unions: they have to stay what they are, down to their parts, so that
 * they can be told apart.
 */
export const sparing = (ast: SchemaAST.AST, exactly = false): SchemaAST.AST => {
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

/** A part that is cloneable needs no schema. */
const sparePart = (ast: SchemaAST.AST): SchemaAST.AST =>
  ast.encoding === undefined && isCloneable(ast) ? anything(ast.context) : sparing(ast)

const anything = (context: SchemaAST.Context | undefined) => new SchemaAST.Any(undefined, undefined, undefined, context)

/**
 * The encoded form of a class, among its type parameters or in its link, has to stay a record of its fields, however
 * cloneable these are: an instance of the class is not.
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

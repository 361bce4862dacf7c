/**
 * Schemas whose own code may throw.
 *
 * A transformation, a check or a class of a contract is code of users, and what it throws is no answer that the engine
 * expects: it waits for ever, or asks the storage again and again. Here what is thrown becomes an issue, like a value that
 * does not fit.
 */
import * as Home from "@troupe/core/Home"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { memoize } from "effect/Function"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as SchemaGetter from "effect/SchemaGetter"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"
import * as SchemaTransformation from "effect/SchemaTransformation"
import { isOfEffect } from "./schemaFacts.ts"

/** The same schema, which says what its code throws. One that has no code of users is left as it is. */
export const contained = <S extends Schema.Top>(schema: S): S => {
  const ast = containedAst(schema.ast)
  return ast === schema.ast ? schema : (Schema.make(ast) as unknown as S)
}

const containedAst = memoize((ast: SchemaAST.AST): SchemaAST.AST => {
  const changes: Partial<SchemaAST.AST> = { ...ofNode(ast), ...partsOf(ast), ...ofDeclaration(ast) }
  return changed(ast, changes)
})

/** The same object where nothing is new. */
const changed = <A extends object>(part: A, changes: Partial<A>): A =>
  Object.entries(changes).every(([name, value]) => value === part[name as keyof A])
    ? part
    : Object.assign(Object.create(Object.getPrototypeOf(part)), part, changes)

const mapped = <A, All extends ReadonlyArray<A>>(all: All & ReadonlyArray<A>, f: (each: A) => A): All => {
  const made = all.map(f)
  return made.every((each, index) => each === all[index]) ? all : (made as unknown as All)
}

/** What any part of a schema may have. */
const ofNode = (ast: SchemaAST.AST) => ({
  checks: ast.checks && mapped(ast.checks, checking),
  encoding: ast.encoding && mapped(ast.encoding, linking),
  ...("encodingChecks" in ast && { encodingChecks: ast.encodingChecks && mapped(ast.encodingChecks, checking) })
})

const partsOf = (ast: SchemaAST.AST): object | undefined => {
  switch (ast._tag) {
    case "Declaration":
      return { typeParameters: mapped(ast.typeParameters, containedAst) }
    case "Arrays":
      return { elements: mapped(ast.elements, containedAst), rest: mapped(ast.rest, containedAst) }
    case "Objects":
      return {
        propertySignatures: mapped(ast.propertySignatures, typed),
        indexSignatures: mapped(ast.indexSignatures, (index) =>
          changed(typed(index), { parameter: containedAst(index.parameter) as typeof index.parameter })
        )
      }
    case "Union":
      return { types: mapped(ast.types, containedAst) }
    case "Suspend":
      return { thunk: () => containedAst(ast.thunk()) }
  }
}

const typed = <A extends { readonly type: SchemaAST.AST }>(signature: A): A =>
  changed(signature, { type: containedAst(signature.type) } as Partial<A>)

const checking = (check: SchemaAST.Check<any>): SchemaAST.Check<any> => {
  if (isOfEffect(check)) return check
  if (check._tag === "FilterGroup") return new SchemaAST.FilterGroup(mapped(check.checks, checking), check.annotations)
  const { annotations, aborted, run } = check
  const guarded: typeof run = (input, ast, options) => {
    try {
      return run(input, ast, options)
    } catch (error) {
      return thrown(error)
    }
  }
  return new SchemaAST.Filter(guarded, annotations, aborted)
}

const linking = ({ to, transformation }: SchemaAST.Link): SchemaAST.Link =>
  new SchemaAST.Link(containedAst(to), transforming(transformation))

const transforming = (transformation: SchemaAST.Link["transformation"]): SchemaAST.Link["transformation"] =>
  transformation._tag === "Middleware"
    ? new SchemaTransformation.Middleware<any, any, any, any, any, any>(
        (effect, options) => attempted(() => transformation.decode(effect, options)),
        (effect, options) => attempted(() => transformation.encode(effect, options))
      )
    : new SchemaTransformation.Transformation(getting(transformation.decode), getting(transformation.encode))

const getting = <T, E>(getter: SchemaGetter.Getter<T, E, any>): SchemaGetter.Getter<T, E, any> =>
  getter._tag === "Passthrough"
    ? getter
    : SchemaGetter.transformOptionalEffect((input, options) =>
        attempted(() => SchemaGetter.run(getter, input, options))
      )

/** Its own parser, and how it says that it is written. */
const ofDeclaration = (ast: SchemaAST.AST): object | undefined => {
  if (ast._tag !== "Declaration" || isOfEffect(ast)) return undefined
  const { annotations = {}, encodingRun, run } = ast
  return {
    run: running(run),
    encodingRun: encodingRun && running(encodingRun),
    annotations: { ...annotations, ...written(annotations, "toCodecJson"), ...written(annotations, "toCodec") }
  }
}

const running =
  (run: SchemaAST.Declaration["run"]): SchemaAST.Declaration["run"] =>
  (parameters) => {
    const parse = run(parameters)
    return (input, ast, options) => attempted(() => parse(input, ast, options))
  }

const written = (annotations: Schema.Annotations.Annotations, name: "toCodec" | "toCodecJson") => {
  const toLink = annotations[name]
  if (typeof toLink !== "function") return undefined
  const own = (...parameters: ReadonlyArray<unknown>) => {
    const link = toLink(...parameters)
    return link && linking(link)
  }
  return { [name]: own }
}

/**
 * The same for what comes back, and throws when it is read. `codecFor` says how a schema is written as bytes. Arguments are an
 * array: `runners.ts` says which of them throws.
 */
export const wholly = (codecFor: (schema: Schema.Top) => Schema.Top): ((schema: Schema.Top) => Schema.Top) =>
  memoize((schema) => {
    const codec = codecFor(schema) as Schema.Codec<unknown, unknown>
    if (schema.ast._tag === "Arrays") return codec
    const decode = SchemaParser.decodeUnknownEffect(codec)
    const encode = SchemaParser.encodeUnknownEffect(codec)
    return Schema.Any.pipe(
      Schema.encodeTo(Schema.Any, {
        decode: SchemaGetter.transformEffect((bytes, options) => attempted(() => decode(bytes, options))),
        encode: SchemaGetter.transformEffect((value, options) => attempted(() => encode(value, options)))
      })
    )
  })

/** Nearly always done on the spot. */
const attempted = <A, R>(
  parse: () => Effect.Effect<A, SchemaIssue.Issue, R>
): Effect.Effect<A, SchemaIssue.Issue, R> => {
  try {
    const parsed = parse()
    if (!Exit.isExit(parsed)) return Effect.catchCause(parsed, saying)
    return Exit.isSuccess(parsed) ? parsed : saying(parsed.cause as Cause.Cause<SchemaIssue.Issue>)
  } catch (error) {
    return Effect.fail(thrown(error))
  }
}

const saying = (cause: Cause.Cause<SchemaIssue.Issue>): Effect.Effect<never, SchemaIssue.Issue> => {
  const die = cause.reasons.find(Cause.isDieReason)
  return die === undefined ? Effect.failCause(cause) : Effect.fail(thrown(die.defect))
}

/** What a schema has thrown out of a function of Effect that is not an Effect: an issue, or what its code threw. */
export const issueIn = (error: any): string =>
  Cause.isCause(error?.cause) ? textOf(Cause.squash(error.cause)) : Home.issueText(error)

const textOf = (error: unknown): string => `its schema threw ${Home.errorText(error)}`

const thrown = (error: unknown): SchemaIssue.Issue => new SchemaIssue.InvalidValue({ message: textOf(error) })

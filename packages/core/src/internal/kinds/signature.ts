/**
 * Contracts as text, for two sides of a wire to compare. Equal text means equal schemas, as far as a schema can be looked
 * into: what a check or a declaration of the user's own does is code, which has no text that both sides share. So names of
 * classes and functions, which bundlers change, are not part of it.
 */
import type * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import type { ContractText, TaskDefinition } from "../../Home.ts"

interface Method {
  readonly args: ReadonlyArray<Schema.Top>
  readonly success: Schema.Top
  readonly error: Schema.Top
  readonly stream: boolean
  readonly subscription?: true | undefined
}

interface Contract {
  readonly key: string
  readonly methods: Readonly<Record<string, Method>>
  readonly keySchema?: Schema.Top | undefined
}

/** The contract of a class that `Actor.Service` or `Actor.Keyed` made. */
export const contractText = ({ key, keySchema, methods }: Contract): ContractText => ({
  actor: key,
  key: keySchema && schemaText(keySchema),
  methods: Object.fromEntries(Object.entries(methods).map(([name, method]) => [name, methodText(method)]))
})

/** `(string, number): string ! NotFound<...>` */
export const methodText = ({ args, error, stream, subscription, success }: Method): string => {
  if (subscription) return `Subscription of ${schemaText(success)}`
  const result = `${stream ? "Stream of " : ""}${schemaText(success)}`
  const failure = schemaText(error)
  return `(${args.map(schemaText).join(", ")}): ${result}${failure === "never" ? "" : ` ! ${failure}`}`
}

/** The same for a task. What has no schema is not known. */
export const taskText = ({ args, error, success }: TaskDefinition): string => {
  const textOf = (schema: unknown) => (schema === undefined ? "?" : schemaText(schema as Schema.Top))
  return `(${args === undefined ? "?" : args.map(textOf).join(", ")}): ${textOf(success)} ! ${textOf(error)}`
}

// --- differences -----------------------------------------------------------------------------------------------------

type Sides = Pick<ContractText, "key" | "methods">

/** What is not the same, in words, if anything. `there` is how people call the other side: "in the thread". */
export const difference = (here: Sides, there: Sides, where: string): string | undefined => {
  const names = new Set([...Object.keys(here.methods), ...Object.keys(there.methods)])
  const methods = [...names].sort().map((name) => compare(name, here.methods[name], there.methods[name], where))
  const found = [compare("its key", here.key, there.key, where), ...methods].filter((issue) => issue !== undefined)
  if (found.length === 0) return undefined
  const more = found.length > MOST_SHOWN ? `; and ${found.length - MOST_SHOWN} more` : ""
  return `${found.slice(0, MOST_SHOWN).join("; ")}${more}`
}

/** How many differences people are shown. */
const MOST_SHOWN = 5

const compare = (
  what: string,
  here: string | undefined,
  there: string | undefined,
  where: string
): string | undefined => {
  if (here === there) return undefined
  if (there === undefined) return `${what} is only on this side, as ${excerpt(here!, 0)}`
  if (here === undefined) return `${what} is only ${where}, as ${excerpt(there, 0)}`
  const at = [...here].findIndex((char, index) => char !== there[index])
  return `${what} is ${excerpt(here, at)} here, and ${excerpt(there, at)} ${where}`
}

/** How much of a long text people are shown, in characters. */
const WINDOW = 160

/** What of a text can be read in a message: where it differs, if it is long. */
const excerpt = (text: string, at: number): string => {
  if (text.length <= WINDOW) return text
  const from = Math.max(0, Math.min(at, text.length) - WINDOW / 2)
  return `${from > 0 ? "..." : ""}${text.slice(from, from + WINDOW)}${from + WINDOW < text.length ? "..." : ""}`
}

// --- schemas ---------------------------------------------------------------------------------------------------------

/** A schema as text: what it takes, and after `<-` what that is encoded to, where this is something else. */
export const schemaText = (schema: Schema.Top): string => new Printer().print(schema.ast)

/** How many parts of a schema are told apart, which bounds schemas that make others without end. */
const MAX_PARTS = 10_000
const MAX_DEPTH = 100

class Printer {
  private parts = 0
  /** What is being printed: a schema that refers to itself is told by how far up it is. */
  private readonly path: Array<SchemaAST.AST> = []

  readonly print = (ast: SchemaAST.AST): string => {
    if (ast._tag === "Suspend") return this.print(ast.thunk())
    const above = this.path.lastIndexOf(ast)
    if (above >= 0) return `^${this.path.length - above}`
    if (this.path.length >= MAX_DEPTH || ++this.parts > MAX_PARTS) return "..."
    this.path.push(ast)
    const text = `${this.printType(ast)}${this.printChecks(ast.checks)}${this.printEncoding(ast)}`
    this.path.pop()
    return text
  }

  private printType(ast: SchemaAST.AST): string {
    switch (ast._tag) {
      case "Literal":
        return typeof ast.literal === "bigint" ? `${ast.literal}n` : JSON.stringify(ast.literal)
      case "UniqueSymbol":
        return String(ast.symbol)
      case "Enum":
        return `enum(${ast.enums.map(([name, value]) => `${name} = ${JSON.stringify(value)}`).join(", ")})`
      case "TemplateLiteral":
        return `template(${ast.parts.map(this.print).join(", ")})`
      case "Arrays":
        return this.printArrays(ast)
      case "Objects":
        return this.printObjects(ast)
      case "Union":
        return ast.types.map(this.print).join(" | ")
      case "Declaration":
        return this.printDeclaration(ast)
      default:
        return ast._tag.toLowerCase()
    }
  }

  private printArrays({ elements, rest }: SchemaAST.Arrays): string {
    const [items, ...after] = rest
    if (elements.length === 0 && items !== undefined && after.length === 0) return `Array<${this.print(items)}>`
    const fixed = elements.map((element) => `${this.print(element)}${isOptional(element) ? "?" : ""}`)
    const open = items === undefined ? [] : [`...${this.print(items)}`, ...after.map(this.print)]
    return `[${[...fixed, ...open].join(", ")}]`
  }

  private printObjects({ indexSignatures, propertySignatures }: SchemaAST.Objects): string {
    const fields = propertySignatures.map(
      ({ name, type }) => `${String(name)}${isOptional(type) ? "?" : ""}: ${this.print(type)}`
    )
    const indexed = indexSignatures.map(({ parameter, type }) => `[${this.print(parameter)}]: ${this.print(type)}`)
    const all = [...fields, ...indexed]
    return all.length === 0 ? "{}" : `{ ${all.join(", ")} }`
  }

  private printDeclaration({ annotations, typeParameters }: SchemaAST.Declaration): string {
    const name = nameOf(annotations) ?? "declaration"
    return typeParameters.length === 0 ? name : `${name}<${typeParameters.map(this.print).join(", ")}>`
  }

  private printChecks(checks: SchemaAST.Checks | undefined): string {
    return (checks ?? [])
      .map((check) =>
        check._tag === "FilterGroup" && nameOf(check.annotations) === undefined
          ? this.printChecks(check.checks)
          : ` & ${nameOf(check.annotations) ?? "check"}`
      )
      .join("")
  }

  private printEncoding(ast: SchemaAST.AST): string {
    // What a class is encoded to are its fields, which have been printed as its parameter.
    if (ast.encoding === undefined || ast._tag === "Declaration") return ""
    return ` <- ${this.print(SchemaAST.toEncoded(ast))}`
  }
}

const isOptional = ({ context }: SchemaAST.AST): boolean => context?.isOptional === true

/** How `effect` calls what it knows, with what is special about it, or how the user does. */
const nameOf = (annotations: Schema.Annotations.Annotations | undefined): string | undefined => {
  if (typeof annotations?.identifier === "string") return annotations.identifier
  const known = annotations?.representation as { readonly id: string; readonly payload?: unknown } | undefined
  if (known === undefined) return undefined
  const name = known.id.slice(known.id.lastIndexOf("/") + 1)
  const { payload } = known
  return payload === null || payload === undefined ? name : `${name}(${JSON.stringify(payload, plainly)})`
}

const plainly = (_: string, value: unknown): unknown => {
  if (SchemaAST.isAST(value)) return new Printer().print(value)
  return typeof value === "bigint" || value instanceof RegExp ? String(value) : value
}

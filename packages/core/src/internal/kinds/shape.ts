/**
 * The shape of a contract: what crosses a wire, as plain data that can be stored, sent and compared with that of another
 * version of the program.
 *
 * A shape says how values are written, so a class is its fields. What a check or a transformation of the user's own does is
 * code, of which only the name is known.
 */
import type * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import type { Check, ContractShape, Field, MethodShape, Part } from "../../ContractShape.ts"

interface Method {
  readonly args: ReadonlyArray<Schema.Top>
  readonly success: Schema.Top
  readonly error: Schema.Top
  readonly stream: boolean
  readonly subscription?: true | undefined
  readonly since?: string | undefined
  /** What `@troupe/cluster` notes on a method. */
  readonly "~troupe/delivery"?: { readonly kind: string } | undefined
}

interface Contract {
  readonly key: string
  readonly methods: Readonly<Record<string, Method>>
  readonly keySchema?: Schema.Top | undefined
  /** What a class says for `@troupe/cluster`. */
  readonly nodeGroup?: string | undefined
}

export const shapeOf = ({ key, keySchema, methods, nodeGroup }: Contract): ContractShape => ({
  actor: key,
  ...(nodeGroup === undefined || nodeGroup === "default" ? undefined : { nodeGroup }),
  ...(keySchema === undefined ? undefined : { key: partOf(keySchema) }),
  methods: Object.fromEntries(
    Object.entries(methods)
      .sort(byName)
      .map(([name, method]) => [name, methodOf(method)])
  )
})

const methodOf = (method: Method): MethodShape => ({
  args: method.args.map((schema) => fieldOf(schema.ast, new Describer())),
  success: partOf(method.success),
  error: partOf(method.error),
  stream: method.stream,
  ...(method.subscription ? { subscription: true } : undefined),
  durable: method["~troupe/delivery"]?.kind === "durable",
  ...(method.since === undefined ? undefined : { since: method.since })
})

export const partOf = (schema: Schema.Top): Part => new Describer().describe(schema.ast)

// --- schemas ---------------------------------------------------------------------------------------------------------

/** How many parts of a schema are told apart, which bounds schemas that make others without end. */
const MAX_PARTS = 10_000
const MAX_DEPTH = 100

class Describer {
  private parts = 0
  /** What is being described: a schema that refers to itself is told by how far up it is. */
  private readonly path: Array<SchemaAST.AST> = []

  readonly describe = (ast: SchemaAST.AST): Part => {
    if (ast._tag === "Suspend") return this.describe(ast.thunk())
    const above = this.path.lastIndexOf(ast)
    if (above >= 0) return { kind: "same", up: this.path.length - above }
    if (this.path.length >= MAX_DEPTH || ++this.parts > MAX_PARTS) return { kind: "named", name: "...", of: [] }
    this.path.push(ast)
    const part = this.written(ast)
    this.path.pop()
    return part
  }

  private written(ast: SchemaAST.AST): Part {
    if (isClass(ast)) return withChecks(this.describe(SchemaAST.toEncoded(ast)), ast.checks)
    const type = withChecks(this.typeOf(ast), ast.checks)
    return ast.encoding === undefined
      ? type
      : { kind: "coded", as: type, wire: this.describe(SchemaAST.toEncoded(ast)) }
  }

  private typeOf(ast: SchemaAST.AST): Part {
    switch (ast._tag) {
      case "Literal":
        return literal(ast.literal)
      case "Enum":
        return { kind: "union", of: ast.enums.map(([, value]) => literal(value)) }
      case "TemplateLiteral":
        return { kind: "string", checks: [{ name: "template", with: ast.parts.map(this.describe) }] }
      case "Arrays":
        return {
          kind: "list",
          elements: ast.elements.map((element) => fieldOf(element, this)),
          rest: ast.rest.map(this.describe)
        }
      case "Objects":
        return this.structOf(ast)
      case "Union":
        return { kind: "union", of: ast.types.map(this.describe) }
      case "Declaration":
        return {
          kind: "named",
          name: nameOf(ast.annotations) ?? "declaration",
          of: ast.typeParameters.map(this.describe)
        }
      case "UniqueSymbol":
        return { kind: "named", name: String(ast.symbol), of: [] }
      default:
        return { kind: KINDS[ast._tag as keyof typeof KINDS] ?? "any" }
    }
  }

  private structOf({ indexSignatures, propertySignatures }: SchemaAST.Objects): Part {
    const fields = propertySignatures.map(({ name, type }) => [String(name), fieldOf(type, this)] as const).sort(byName)
    return {
      kind: "struct",
      fields: Object.fromEntries(fields),
      rest: indexSignatures.map(({ parameter, type }) => [this.describe(parameter), this.describe(type)])
    }
  }
}

const KINDS = {
  String: "string",
  Number: "number",
  Boolean: "boolean",
  BigInt: "bigint",
  Symbol: "symbol",
  Null: "null",
  Undefined: "undefined",
  Void: "void",
  Never: "never"
} as const

const fieldOf = (ast: SchemaAST.AST, describer: Describer): Field => {
  const part = describer.describe(ast)
  return isOptional(SchemaAST.toEncoded(ast)) ? { part, optional: true } : { part }
}

const literal = (value: string | number | boolean | bigint): Part =>
  typeof value === "bigint" ? { kind: "literal", value: `${value}`, bigint: true } : { kind: "literal", value }

/** What `Schema.Class` makes declares its class around a struct, and writes the struct. */
const isClass = (ast: SchemaAST.AST): boolean =>
  ast._tag === "Declaration" && ast.typeParameters.length === 1 && ast.encoding?.[0].to === ast.typeParameters[0]

const isOptional = ({ context }: SchemaAST.AST): boolean => context?.isOptional === true

const byName = ([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number =>
  one < other ? -1 : 1

const withChecks = (part: Part, checks: SchemaAST.Checks | undefined): Part =>
  checks === undefined ? part : ({ ...part, checks: [...(part.checks ?? []), ...checks.flatMap(checkOf)] } as Part)

const checkOf = (check: SchemaAST.Check<any>): ReadonlyArray<Check> => {
  const known = representationOf(check.annotations)
  if (known !== undefined) return [known]
  const inside = check._tag === "FilterGroup" ? check.checks.flatMap(checkOf) : []
  // Integers are laid out in their own way, whatever the user calls them.
  if (typeof check.annotations?.identifier === "string")
    return [{ name: check.annotations.identifier }, ...inside.filter(({ name }) => name === "isInt")]
  return check._tag === "FilterGroup" ? inside : [{ name: "check" }]
}

/** How the user calls what he declares, or `effect` what it knows. */
const nameOf = (annotations: Schema.Annotations.Annotations | undefined): string | undefined => {
  if (typeof annotations?.identifier === "string") return annotations.identifier
  const known = representationOf(annotations)
  return known && `${known.name}${known.with === undefined ? "" : `(${JSON.stringify(known.with)})`}`
}

/** How `effect` calls what it knows, with what is special about it. */
const representationOf = (annotations: Schema.Annotations.Annotations | undefined): Check | undefined => {
  const known = annotations?.representation as { readonly id: string; readonly payload?: unknown } | undefined
  if (known === undefined) return undefined
  const name = known.id.slice(known.id.lastIndexOf("/") + 1)
  return known.payload == null ? { name } : { name, with: JSON.parse(JSON.stringify(known.payload, plainly)) }
}

const plainly = (_: string, value: unknown): unknown => {
  if (SchemaAST.isAST(value)) return new Describer().describe(value)
  return typeof value === "bigint" || value instanceof RegExp ? String(value) : value
}

// --- for people ------------------------------------------------------------------------------------------------------

/** `(string, number): string ! { left: number }` */
export const methodText = ({ args, durable, error, since, stream, subscription, success }: MethodShape): string => {
  const failure = error.kind === "never" ? "" : ` ! ${textOf(error)}`
  if (subscription) return `subscription of ${textOf(success)}${failure}${sinceText(since)}`
  const taken = args.map(({ optional, part }) => `${textOf(part)}${optional === true ? "?" : ""}`).join(", ")
  return `${durable ? "durable " : ""}(${taken}): ${stream ? "Stream of " : ""}${textOf(success)}${failure}${sinceText(since)}`
}

const sinceText = (since: string | undefined): string => (since === undefined ? "" : ` (since ${since})`)

export const textOf = (part: Part): string => `${bare(part)}${(part.checks ?? []).map(checkText).join("")}`

const checkText = ({ name, with: details }: Check): string =>
  ` & ${name}${details === undefined ? "" : `(${JSON.stringify(details)})`}`

const bare = (part: Part): string => {
  switch (part.kind) {
    case "literal":
      return part.bigint === true ? `${part.value}n` : JSON.stringify(part.value)
    case "list":
      return listText(part)
    case "struct":
      return structText(part)
    case "union":
      return part.of.map(textOf).join(" | ")
    case "named":
      return part.of.length === 0 ? part.name : `${part.name}<${part.of.map(textOf).join(", ")}>`
    case "coded":
      return `${textOf(part.as)} <- ${textOf(part.wire)}`
    case "same":
      return `^${part.up}`
    default:
      return part.kind
  }
}

const listText = ({ elements, rest }: Extract<Part, { readonly kind: "list" }>): string => {
  const [items, ...after] = rest
  if (elements.length === 0 && items !== undefined && after.length === 0) return `Array<${textOf(items)}>`
  const fixed = elements.map(({ optional, part }) => `${textOf(part)}${optional === true ? "?" : ""}`)
  const open = items === undefined ? [] : [`...${textOf(items)}`, ...after.map(textOf)]
  return `[${[...fixed, ...open].join(", ")}]`
}

const structText = ({ fields, rest }: Extract<Part, { readonly kind: "struct" }>): string => {
  const named = Object.entries(fields).map(
    ([name, { optional, part }]) => `${name}${optional === true ? "?" : ""}: ${textOf(part)}`
  )
  const all = [...named, ...rest.map(([key, value]) => `[${textOf(key)}]: ${textOf(value)}`)]
  return all.length === 0 ? "{}" : `{ ${all.join(", ")} }`
}

// --- as a number -----------------------------------------------------------------------------------------------------

/** The same for the same shape, in 16 hexadecimal digits. It tells versions apart, and proves nothing. */
export const hashOf = (shape: unknown): string => {
  const text = JSON.stringify(shape)
  return [0x811c9dc5, 0x1b873593].map((seed) => fnv(text, seed).toString(16).padStart(8, "0")).join("")
}

const fnv = (text: string, seed: number): number => {
  let hash = seed
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return (hash ^ (hash >>> 15)) >>> 0
}

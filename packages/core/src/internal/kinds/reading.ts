/**
 * Whether one version of a program can read what another has written, by the shapes of both.
 *
 * Calls cross as bytes that are laid out by the writer's schema, and what is stored is JSON. Both have to work, and the
 * bytes are the stricter ones: they hold no marks for what is no union, so a text that becomes "a text or null" cannot be
 * read, however harmless that is in JSON.
 */
import type { Check, Field, MethodShape, Part } from "../../ContractShape.ts"
import { textOf } from "./shape.ts"

/** Something that cannot be read: where it is, and what each side has there, if it has it at all. */
export interface Obstacle {
  readonly path: string
  readonly reader: string | undefined
  readonly writer: string | undefined
}

/** What keeps a value that is written as one says from being read as the other does. */
export const obstacles = (reader: Part, writer: Part, path: string): ReadonlyArray<Obstacle> => {
  const reading = new Reading()
  reading.read(reader, writer, path)
  return reading.found
}

/** The same for the arguments of a method. */
export const obstaclesOfArgs = (
  reader: ReadonlyArray<Field>,
  writer: ReadonlyArray<Field>
): ReadonlyArray<Obstacle> => {
  const reading = new Reading()
  reading.readElements(reader, writer, "args")
  return reading.found
}

/** The same for what a method gives. A stream gives its items in lists. */
export const obstaclesOfResult = (reader: MethodShape, writer: MethodShape): ReadonlyArray<Obstacle> => {
  const reading = new Reading()
  if (reader.stream) reading.readItem(reader.success, writer.success, "success")
  else reading.read(reader.success, writer.success, "success")
  return reading.found
}

type Of<Kind extends Part["kind"]> = Extract<Part, { readonly kind: Kind }>

class Reading {
  readonly found: Array<Obstacle> = []
  /** What is being read, so that schemas that refer to themselves come to an end. */
  private readonly readers: Array<Part> = []
  private readonly writers: Array<Part> = []
  private readonly seen = new Map<Part, Set<Part>>()

  read(reader: Part, writer: Part, path: string): void {
    const [up, from] = [resolve(reader, this.readers), resolve(writer, this.writers)]
    const seen = this.seen.get(up) ?? new Set()
    if (seen.has(from)) return
    this.seen.set(up, seen.add(from))
    this.readers.push(up)
    this.writers.push(from)
    if (from.kind !== "never") this.readPart(up, from, path)
    this.readers.pop()
    this.writers.pop()
  }

  readElements(reader: ReadonlyArray<Field>, writer: ReadonlyArray<Field>, path: string): void {
    for (let index = 0; index < Math.max(reader.length, writer.length); index++) {
      const [to, from] = [reader[index], writer[index]]
      const place = `${path}[${index}]`
      if (to === undefined || from === undefined) this.refuse(place, to?.part, from?.part)
      else if (lieApart(to.part, from.part)) this.refuse(place, to.part, from.part)
      else this.readField(to, from, place)
    }
  }

  /** What a list, a set or a stream has many of. */
  readItem(reader: Part, writer: Part, path: string): void {
    if (lieApart(reader, writer)) this.refuse(path, reader, writer)
    else this.read(reader, writer, path)
  }

  private readField(reader: Field, writer: Field, path: string): void {
    if (writer.optional === true && reader.optional !== true) {
      this.found.push({ path, reader: textOf(reader.part), writer: `${textOf(writer.part)}, or nothing` })
    } else this.read(reader.part, writer.part, path)
  }

  private readPart(reader: Part, writer: Part, path: string): void {
    if (lacks(reader.checks, writer.checks)) return this.refuse(path, reader, writer)
    if (reader.kind === "coded" || writer.kind === "coded") return this.readCoded(reader, writer, path)
    const [values, written] = [literalsOf(reader), literalsOf(writer)]
    if (values !== undefined || written !== undefined) {
      if (!includes(values ?? reader.kind, written)) this.refuse(path, reader, writer)
      return
    }
    if (reader.kind !== writer.kind) return this.refuse(path, reader, writer)
    switch (reader.kind) {
      case "struct":
        return this.readStruct(reader, writer as Of<"struct">, path)
      case "list":
        return this.readList(reader, writer as Of<"list">, path)
      case "union":
        return this.readUnion(reader, writer as Of<"union">, path)
      case "named":
        return this.readNamed(reader, writer as Of<"named">, path)
    }
  }

  /** What has been transformed reads as what it was written as. What transforms it back must be the same on both sides. */
  private readCoded(reader: Part, writer: Part, path: string): void {
    if (writer.kind !== "coded") return this.refuse(path, reader, writer)
    if (reader.kind !== "coded") return this.read(reader, writer.wire, path)
    const before = this.found.length
    this.read(reader.as, writer.as, path)
    if (this.found.length === before) this.read(reader.wire, writer.wire, path)
  }

  private readStruct(reader: Of<"struct">, writer: Of<"struct">, path: string): void {
    for (const [name, field] of Object.entries(reader.fields)) {
      const from = Object.hasOwn(writer.fields, name) ? writer.fields[name] : undefined
      if (from !== undefined) this.readField(field, from, `${path}.${name}`)
      else if (field.optional !== true) this.refuse(`${path}.${name}`, field.part, undefined)
    }
    const extra = Object.keys(writer.fields).some((name) => !Object.hasOwn(reader.fields, name))
    if (reader.rest.length !== writer.rest.length || (reader.rest.length > 0 && extra)) {
      return this.refuse(path, reader, writer)
    }
    for (const [index, [key, value]] of reader.rest.entries()) {
      const [fromKey, fromValue] = writer.rest[index]!
      this.read(key, fromKey, `${path}[key]`)
      this.read(value, fromValue, `${path}[]`)
    }
  }

  private readList(reader: Of<"list">, writer: Of<"list">, path: string): void {
    if (reader.elements.length !== writer.elements.length || reader.rest.length !== writer.rest.length) {
      return this.refuse(path, reader, writer)
    }
    this.readElements(reader.elements, writer.elements, path)
    for (const [index, items] of reader.rest.entries()) this.readItem(items, writer.rest[index]!, `${path}[]`)
  }

  private readNamed(reader: Of<"named">, writer: Of<"named">, path: string): void {
    if (reader.name !== writer.name || reader.of.length !== writer.of.length) return this.refuse(path, reader, writer)
    for (const [index, part] of reader.of.entries()) this.readItem(part, writer.of[index]!, `${path}<${index}>`)
  }

  /** Each member that may be written needs one that reads it. Of structs that is the one with the same tag. */
  private readUnion(reader: Of<"union">, writer: Of<"union">, path: string): void {
    for (const member of writer.of) {
      const from = resolve(member, this.writers)
      const tag = tagOf(from)
      const twin = tag === undefined ? undefined : reader.of.find((to) => tagOf(resolve(to, this.readers)) === tag)
      if (twin !== undefined) this.read(twin, member, `${path}(${tag})`)
      else if (!reader.of.some((to) => this.canRead(to, member))) this.refuse(path, reader, member)
    }
  }

  private canRead(reader: Part, writer: Part): boolean {
    const before = this.found.length
    this.read(reader, writer, "")
    return this.found.splice(before).length === 0
  }

  private refuse(path: string, reader: Part | undefined, writer: Part | undefined): void {
    this.found.push({ path, reader: reader && textOf(reader), writer: writer && textOf(writer) })
  }
}

const resolve = (part: Part, path: ReadonlyArray<Part>): Part =>
  part.kind === "same" ? (path[path.length - part.up] ?? part) : part

/**
 * Whether numbers are laid out differently. A field says how its number is written. An argument and an item do not:
 * integers have a layout of their own there, and so have literals.
 */
const lieApart = (reader: Part, writer: Part): boolean => {
  const [to, from] = [layoutOf(reader), layoutOf(writer)]
  return to !== undefined && from !== undefined && to !== from
}

const layoutOf = (part: Part): "integer" | "number" | "literal" | undefined => {
  const wire = part.kind === "coded" ? part.wire : part
  if (typeof literalsOf(wire)?.[0] === "number") return "literal"
  if (wire.kind !== "number") return undefined
  return wire.checks?.some(({ name }) => name === "isInt") === true ? "integer" : "number"
}

type Literal = Of<"literal">

/** Literals of one type are written as that type is. */
const literalsOf = (part: Part): ReadonlyArray<Literal["value"]> | undefined => {
  const members = part.kind === "union" ? part.of : [part]
  const literals = members.filter(
    (member) => member.kind === "literal" && member.checks === undefined
  ) as Array<Literal>
  if (literals.length === 0 || literals.length < members.length) return undefined
  const values = literals.map(({ value }) => value)
  return typeOfAll(values) === undefined || literals.some(({ bigint }) => bigint === true) ? undefined : values
}

/** Whether the reader, which has literals or is of some kind, knows all that are written. */
const includes = (
  reader: ReadonlyArray<Literal["value"]> | string,
  written: ReadonlyArray<unknown> | undefined
): boolean => {
  if (written === undefined) return false
  return typeof reader === "string"
    ? reader === typeof written[0]
    : written.every((value) => (reader as ReadonlyArray<unknown>).includes(value))
}

const typeOfAll = (values: ReadonlyArray<Literal["value"]>): string | undefined =>
  values.every((value) => typeof value === typeof values[0]) ? typeof values[0] : undefined

/** What tells a struct from the other members of a union. */
const tagOf = (part: Part): string | undefined => {
  if (part.kind !== "struct") return undefined
  const tag = (part.fields._tag ?? part.fields.type ?? part.fields.kind)?.part
  return tag?.kind === "literal" ? String(tag.value) : undefined
}

/** Whether the reader checks something that the writer does not. */
const lacks = (reader: ReadonlyArray<Check> = [], writer: ReadonlyArray<Check> = []): boolean =>
  reader.some((check) => !writer.some((other) => implies(other, check)))

const implies = (one: Check, other: Check): boolean => {
  if (one.name === "isInt" && other.name === "isFinite") return true
  if (one.name !== other.name) return false
  if (JSON.stringify(one.with) === JSON.stringify(other.with)) return true
  const [tight, loose] = [one.with, other.with] as ReadonlyArray<any>
  return (
    isBound(tight) && isBound(loose) && Object.keys(loose).every((name) => isWithin(name, tight[name], loose[name]))
  )
}

const isBound = (details: unknown): details is Record<string, unknown> =>
  typeof details === "object" && details !== null && Object.keys(details).length > 0

/** `{ minLength: 3 }` lets through what `{ minLength: 2 }` does. */
const isWithin = (name: string, tight: unknown, loose: unknown): boolean => {
  if (typeof tight !== "number" || typeof loose !== "number") return tight === loose
  if (/^(exclusiveM|m)in/.test(name)) return tight >= loose
  return /^(exclusiveM|m)ax/.test(name) ? tight <= loose : tight === loose
}

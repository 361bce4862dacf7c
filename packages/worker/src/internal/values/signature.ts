/**
 * Contracts as text, for both sides of a thread to compare. Equal text means equal schemas, as far as a schema can be looked
 * into: what a check or a declaration of the user's own does is code, which has no text that both sides share. So names of
 * classes and functions, which bundlers change, are not part of it.
 */
import { schemaText, type TaskDefinition } from "@troupe/core/Home"
import type * as Schema from "effect/Schema"
import type { Contract, ContractMethod } from "./contract.ts"

export interface ContractText {
  /** The id of the actor. */
  readonly actor: string
  /** The schema of keys, if the actor is keyed. */
  readonly key: string | undefined
  readonly methods: Readonly<Record<string, string>>
}

/** The contract of a class that `Actor.Service` or `Actor.Keyed` made. */
export const contractText = ({ key, keySchema, methods }: Contract): ContractText => ({
  actor: key,
  key: keySchema && schemaText(keySchema),
  methods: Object.fromEntries(Object.entries(methods).map(([name, method]) => [name, methodText(method)]))
})

/** `(string, number): string ! { left: number }` */
const methodText = ({ args, error, stream, subscription, success }: ContractMethod): string => {
  const errors = schemaText(error)
  const failure = errors === "never" ? "" : ` ! ${errors}`
  if (subscription) return `Subscription of ${schemaText(success)}${failure}`
  const result = `${stream ? "Stream of " : ""}${schemaText(success)}`
  return `(${args.map(schemaText).join(", ")}): ${result}${failure}`
}

/** The same for a task. What has no schema is not known. */
export const taskText = ({ args, error, success }: TaskDefinition): string => {
  const known = (schema: unknown) => (schema === undefined ? "?" : schemaText(schema as Schema.Top))
  return `(${args === undefined ? "?" : args.map(known).join(", ")}): ${known(success)} ! ${known(error)}`
}

// --- differences -----------------------------------------------------------------------------------------------------

/** Why a thread that serves one contract cannot serve another, or `undefined` if it can. */
export const mismatch = (contract: Contract, serves: ContractText): string | undefined => {
  if (serves.actor !== contract.key) return `it serves ${serves.actor}. Is it the right file?`
  const issue = difference(contractText(contract), serves, "in the thread")
  return issue && `the contract is not the same on both sides: ${issue}. Build both from the same sources.`
}

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

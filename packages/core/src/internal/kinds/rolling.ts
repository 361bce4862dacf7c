/**
 * What changes between two versions of a contract, and whether programs of both can call each other meanwhile.
 *
 * Arguments are read by the node that serves a call, and results by its caller. While versions change, callers of either
 * one meet nodes of either one. So a change rolls in any order if both can read both; if only one direction works, it rolls
 * in one order. What is stored of durable calls is read by the newer version in any case.
 */
import type { Change, ContractShape, MethodShape, Mismatch, Order, Part } from "../../ContractShape.ts"
import { type Obstacle, obstacles, obstaclesOfArgs, obstaclesOfResult } from "./reading.ts"
import { methodText, textOf } from "./shape.ts"

// --- a caller and a node -----------------------------------------------------------------------------------------------

/** What keeps a caller from calling a method of a node, if anything. `node` is `undefined` where it lacks the method. */
export const mismatch = (caller: MethodShape, node: MethodShape | undefined): Mismatch | undefined => {
  if (node === undefined) return { field: "", here: methodText(caller), there: undefined }
  if (isOtherKind(caller, node)) {
    return { field: "", here: methodText(caller), there: methodText(node) }
  }
  const [args] = obstaclesOfArgs(node.args, caller.args)
  if (args !== undefined) return { field: args.path, here: args.writer, there: args.reader }
  const [result] = [...obstaclesOfResult(caller, node), ...obstaclesOfErrors(caller, node)]
  return result && { field: result.path, here: result.reader, there: result.writer }
}

/** Whether calls cross in another way. */
const isOtherKind = (one: MethodShape, other: MethodShape): boolean =>
  one.stream !== other.stream || one.durable !== other.durable || one.subscription !== other.subscription

/**
 * What keeps two sides from using the same instances. Each key has one text, and lives on the nodes of one group: if either
 * differs, it has two instances.
 */
export const wholeMismatch = (caller: ContractShape, node: ContractShape): Mismatch | undefined => {
  const [here, there] = [caller.key, node.key].map((part) => (part === undefined ? "no keys" : textOf(part)))
  if (here !== there) return { field: "key", here, there }
  const [group, other] = [caller, node].map(({ nodeGroup }) => nodeGroup ?? "default")
  return group === other ? undefined : { field: "nodeGroup", here: group, there: other }
}

/** An error that only the node knows fails its call when it comes. All others are read. */
const obstaclesOfErrors = (caller: MethodShape, node: MethodShape): ReadonlyArray<Obstacle> =>
  membersOf(node.error).flatMap((member) => {
    const found = membersOf(caller.error).map((known) => obstacles(known, member, pathOf(member)))
    if (found.some((issues) => issues.length === 0)) return []
    const twin = membersOf(caller.error).findIndex(
      (known) => tagOf(known) !== undefined && tagOf(known) === tagOf(member)
    )
    return twin < 0 ? [] : found[twin]!
  })

const membersOf = (error: Part): ReadonlyArray<Part> =>
  error.kind === "union" ? error.of : error.kind === "never" ? [] : [error]

const pathOf = (error: Part): string => {
  const tag = tagOf(error)
  return tag === undefined ? "error" : `error(${tag})`
}

const tagOf = (error: Part): string | undefined => {
  const tag = error.kind === "struct" ? error.fields._tag?.part : undefined
  return tag?.kind === "literal" ? String(tag.value) : undefined
}

// --- two versions ------------------------------------------------------------------------------------------------------

/** All changes between two versions of the contracts of a program, by the names of their actors. */
export const compare = (
  older: ReadonlyArray<ContractShape>,
  newer: ReadonlyArray<ContractShape>
): ReadonlyArray<Change> => {
  const actors = [...new Set([...older, ...newer].map(({ actor }) => actor))].sort()
  const find = (shapes: ReadonlyArray<ContractShape>, name: string) => shapes.find(({ actor }) => actor === name)
  return actors.flatMap((actor) => compareActors(actor, find(older, actor), find(newer, actor)))
}

const compareActors = (
  actor: string,
  older: ContractShape | undefined,
  newer: ContractShape | undefined
): ReadonlyArray<Change> => {
  if (older === undefined) return [added(actor, "", `has ${count(newer!)}`)]
  if (newer === undefined) return [removed(actor, "", `had ${count(older)}`, Object.values(older.methods))]
  const names = [...new Set([...Object.keys(older.methods), ...Object.keys(newer.methods)])].sort()
  const methods = names.flatMap((name) => compareMethods(actor, name, older.methods[name], newer.methods[name]))
  const whole = wholeMismatch(newer, older)
  return whole === undefined ? methods : [ofWhole(actor, whole), ...methods]
}

const compareMethods = (
  actor: string,
  method: string,
  older: MethodShape | undefined,
  newer: MethodShape | undefined
): ReadonlyArray<Change> => {
  if (older === undefined) return [added(actor, method, methodText(newer!))]
  if (newer === undefined) return [removed(actor, method, methodText(older), [older])]
  if (isOtherKind(older, newer)) return [ofKind(actor, method, older, newer)]
  const at: At = (...rest) => change(actor, method, ...rest)
  const changes = (what: Crossing, forward: ReadonlyArray<Obstacle>, back: ReadonlyArray<Obstacle>) =>
    merge(newer.durable ? { ...what, onlyForward: ["never", what.stored] } : what, forward, back, at)
  return [
    ...changes(ARGS, obstaclesOfArgs(newer.args, older.args), obstaclesOfArgs(older.args, newer.args)),
    ...changes(RESULTS, obstaclesOfResult(newer, older), obstaclesOfResult(older, newer)),
    ...changes(RESULTS, obstaclesOfErrors(newer, older), obstaclesOfErrors(older, newer)),
    ...strangers(newer, older).map((error) =>
      at(pathOf(error), "any", { older: textOf(error), newer: undefined }, unknownTo("newer", "older"))
    ),
    ...strangers(older, newer).map((error) =>
      at(pathOf(error), "any", { older: undefined, newer: textOf(error) }, unknownTo("older", "newer"))
    )
  ]
}

const unknownTo = (callers: string, nodes: string): string =>
  `${callers} callers do not know this error, and get a DecodeError for it from ${nodes} nodes`

interface Sides {
  readonly older: string | undefined
  readonly newer: string | undefined
}

type At = (field: string, order: Order, sides: Sides, why: string) => Change

type Verdict = readonly [order: Order, why: string]

/** What becomes of what only one version can read. */
interface Crossing {
  /** What the older version writes, and the newer one cannot read. */
  readonly onlyForward: Verdict
  /** The other way round. */
  readonly onlyBack: Verdict
  /** Why the newer version has to read what is stored. */
  readonly stored: string
}

const ARGS: Crossing = {
  onlyForward: ["callersFirst", "an older caller may send what a newer node cannot read"],
  onlyBack: ["nodesFirst", "a newer caller may send what an older node cannot read"],
  stored: "durable calls of older callers are stored, and a newer node cannot read them"
}

const RESULTS: Crossing = {
  onlyForward: ["nodesFirst", "a newer caller cannot read what an older node may give"],
  onlyBack: ["callersFirst", "an older caller cannot read what a newer node may give"],
  stored: "results of older nodes are stored, and a newer caller cannot read them"
}

/** The errors of a node that a caller does not know at all. */
const strangers = (caller: MethodShape, node: MethodShape): ReadonlyArray<Part> =>
  membersOf(node.error).filter((member) =>
    membersOf(caller.error).every((known) => {
      const [one, other] = [tagOf(known), tagOf(member)]
      return one === undefined || other === undefined ? obstacles(known, member, "").length > 0 : one !== other
    })
  )

/** One change for each place. What works in neither direction does not roll. */
const merge = (
  { onlyBack, onlyForward }: Crossing,
  forward: ReadonlyArray<Obstacle>,
  back: ReadonlyArray<Obstacle>,
  at: At
): ReadonlyArray<Change> => {
  const isIn = (obstacles: ReadonlyArray<Obstacle>, { path }: Obstacle) => obstacles.some((one) => one.path === path)
  const first = forward.map((obstacle) => {
    const { path, reader, writer } = obstacle
    const verdict = isIn(back, obstacle) ? NEITHER : onlyForward
    return at(path, verdict[0], { older: writer, newer: reader }, verdict[1])
  })
  const second = back
    .filter((obstacle) => !isIn(forward, obstacle))
    .map(({ path, reader, writer }) => at(path, onlyBack[0], { older: reader, newer: writer }, onlyBack[1]))
  return [...first, ...second]
}

const NEITHER: Verdict = ["never", "neither version can read what the other writes"]

const change = (
  actor: string,
  method: string,
  field: string,
  order: Order,
  { newer, older }: Sides,
  why: string
): Change => ({ actor, method, field, order, older, newer, why })

const added = (actor: string, method: string, newer: string): Change =>
  change(
    actor,
    method,
    "",
    "nodesFirst",
    { older: undefined, newer },
    "older nodes do not have it, and calls to them are refused"
  )

const removed = (actor: string, method: string, older: string, methods: ReadonlyArray<MethodShape>): Change => {
  const stored = methods.some(({ durable }) => durable) ? "; durable calls that are stored stay there" : ""
  const why = `newer nodes do not have it, and calls to them are refused${stored}`
  return change(actor, method, "", "callersFirst", { older, newer: undefined }, why)
}

const ofWhole = (actor: string, { field, here, there }: Mismatch): Change =>
  change(
    actor,
    "",
    field,
    "never",
    { older: there, newer: here },
    "the same key would have an instance of each version, and another state"
  )

const ofKind = (actor: string, method: string, older: MethodShape, newer: MethodShape): Change =>
  change(
    actor,
    method,
    "",
    "never",
    { older: methodText(older), newer: methodText(newer) },
    "calls cross in another way; add a method with another name"
  )

const count = ({ methods }: ContractShape): string => {
  const size = Object.keys(methods).length
  return size === 1 ? "1 method" : `${size} methods`
}

// --- all changes -------------------------------------------------------------------------------------------------------

/** In which order programs are replaced, such that all changes roll. */
export const orderOf = (changes: ReadonlyArray<Change>): Order => {
  const orders = new Set(changes.map(({ order }) => order))
  orders.delete("any")
  const [first = "any", ...others] = orders
  return others.length === 0 ? first : "never"
}

/** One change, as people read it. */
export const describe = ({ actor, field, method, newer, older, why }: Change): string => {
  const name = method === "" ? actor : `${actor}.${method}`
  const what = field === "" ? name : `${name}, ${field}`
  if (older === undefined) return `${what} is new: ${newer}. ${sentence(why)}`
  if (newer === undefined) return `${what} is gone, it was ${older}. ${sentence(why)}`
  return `${what} was ${older} and is ${newer}. ${sentence(why)}`
}

const sentence = (words: string): string => `${words.charAt(0).toUpperCase()}${words.slice(1)}.`

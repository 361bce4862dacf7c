/**
 * What happened in a chaos run, and whether it may have.
 *
 * Clients append operations to logs, one log for each key. Each log is the durable state of an actor. What a client saw
 * is in the history; what is in the logs at the end is the truth. The rules below hold however nodes die in between.
 */

/** How an operation is delivered. */
export type Kind = "durable" | "atMostOnce"

/** An operation as its client saw it. Times are of one clock, that of the client. */
export interface Operation {
  readonly id: string
  readonly key: string
  readonly kind: Kind
  /** The place in the order in which one client submitted to one key, and which client. */
  readonly client: string
  readonly sequence: number
  readonly submittedAt: number
  /** The fault that was going on. */
  readonly phase: string
  settledAt?: number
  outcome?: Outcome
}

export type Outcome =
  /** The position in the log that the method returned. */
  | { readonly _tag: "Done"; readonly position: number }
  | {
      readonly _tag: "Failed"
      readonly mayHaveRun: boolean
      /** Whether the method itself failed, rather than the call. */
      readonly byMethod: boolean
      readonly error: string
    }

/** An operation as it is in the log. */
export interface Entry {
  readonly op: string
  /** The instance that wrote it: unique for each time that an instance was made. */
  readonly writer: string
}

export interface Violation {
  readonly rule: string
  readonly what: string
}

export type Logs = ReadonlyMap<string, ReadonlyArray<Entry>>

/** All rules that a run has broken. */
export const check = (operations: ReadonlyArray<Operation>, logs: Logs): ReadonlyArray<Violation> => [
  ...settled(operations),
  ...once(logs),
  ...acknowledged(operations, logs),
  ...survived(operations),
  ...refused(operations, logs),
  ...ordered(operations, logs),
  ...oneWriter(logs)
]

/** Every ref settles. */
const settled = (operations: ReadonlyArray<Operation>): Array<Violation> =>
  operations
    .filter(({ outcome }) => outcome === undefined)
    .map((operation) => ({ rule: "every call settles", what: describe(operation) }))

/** Nothing is executed twice: durable operations since they are deduplicated, others since nobody sends them again. */
const once = (logs: Logs): Array<Violation> =>
  [...logs].flatMap(([key, log]) => {
    const seen = new Set<string>()
    return log
      .filter(({ op }) => seen.size === seen.add(op).size)
      .map(({ op, writer }) => ({ rule: "nothing is executed twice", what: `${op} of ${key}, again by ${writer}` }))
  })

/** What was acknowledged is in the log, where the acknowledgement said. */
const acknowledged = (operations: ReadonlyArray<Operation>, logs: Logs): Array<Violation> =>
  operations.flatMap((operation) => {
    const { id, key, outcome } = operation
    if (outcome?._tag !== "Done") return []
    const found = logs.get(key)?.[outcome.position]?.op
    return found === id
      ? []
      : [{ rule: "nothing acknowledged is lost", what: `${describe(operation)}, there is ${found} in its place` }]
  })

/** A durable call outlives its nodes: nothing but its method, and nobody but its caller, makes it fail. */
const survived = (operations: ReadonlyArray<Operation>): Array<Violation> =>
  operations
    .filter(({ kind, outcome }) => kind === "durable" && outcome?._tag === "Failed" && !outcome.byMethod)
    .map((operation) => ({ rule: "durable calls survive", what: describe(operation) }))

/** What certainly did not run is not in the log. */
const refused = (operations: ReadonlyArray<Operation>, logs: Logs): Array<Violation> =>
  operations.flatMap((operation) => {
    const { id, key, outcome } = operation
    if (outcome?._tag !== "Failed" || outcome.mayHaveRun) return []
    return logs.get(key)?.some(({ op }) => op === id) === true
      ? [{ rule: "what is said not to have run has not", what: describe(operation) }]
      : []
  })

/**
 * What one client submitted to one key is in the log in that order.
 *
 * Calls that were submitted without waiting for each other, and then held up by the same fault, may have changed places:
 * volatile ones look for a node each for itself, and what a frozen node had read already is read again by another after
 * what it had not. Of these, only those count that were submitted when the one before had settled.
 */
const ordered = (operations: ReadonlyArray<Operation>, logs: Logs): Array<Violation> => {
  const positions = new Map<string, number>()
  for (const log of logs.values()) for (const [position, { op }] of log.entries()) positions.set(op, position)
  const lines = Map.groupBy(operations, ({ client, key, kind }) => `${client}/${key}/${kind}`)
  return [...lines.values()].flatMap((line) => {
    const violations: Array<Violation> = []
    let last: Operation | undefined
    for (const operation of [...line].sort((one, other) => one.sequence - other.sequence)) {
      const position = positions.get(operation.id)
      if (position === undefined) continue
      if (last !== undefined && positions.get(last.id)! > position && comesAfter(operation, last)) {
        violations.push({
          rule: "the order of each key is kept",
          what: `${describe(operation)} before ${describe(last)}`
        })
      }
      last = operation
    }
    return violations
  })
}

/** Calls that take longer than this have been held up, in milliseconds. */
const HELD_UP = 1000

const comesAfter = (later: Operation, earlier: Operation): boolean => {
  if (later.submittedAt >= (earlier.settledAt ?? Infinity)) return true
  return later.kind === "durable" && duration(later) < HELD_UP && duration(earlier) < HELD_UP
}

const duration = ({ settledAt = Infinity, submittedAt }: Operation): number => settledAt - submittedAt

/** Of the instances of a key one writes at a time: when another has written, the one before never does again. */
const oneWriter = (logs: Logs): Array<Violation> =>
  [...logs].flatMap(([key, log]) => {
    const over = new Set<string>()
    return log.flatMap(({ op, writer }, position) => {
      const before = log[position - 1]?.writer
      if (before !== undefined && before !== writer) over.add(before)
      return over.has(writer) ? [{ rule: "one writer at a time", what: `${writer} wrote ${op} of ${key} late` }] : []
    })
  })

const describe = ({ id, key, kind, outcome, phase, settledAt, submittedAt }: Operation): string => {
  const took = settledAt === undefined ? "unsettled" : `${Math.round(settledAt - submittedAt)} ms`
  const end = outcome === undefined ? "" : outcome._tag === "Done" ? ` at ${outcome.position}` : `: ${outcome.error}`
  return `${id} (${kind}, ${key}, submitted at ${Math.round(submittedAt)} ms during ${phase}, ${took}${end})`
}

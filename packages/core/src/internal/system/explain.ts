/**
 * Saying in one sentence where a call is, and why it is not done (semantics 11.1).
 */
import * as Effect from "effect/Effect"
import { plural } from "../base/show.ts"
import { duration } from "../base/time.ts"
import { Call, type Line, Stage } from "../call/call.ts"
import { checkRefs, type Ref } from "../call/ref.ts"
import { StreamCall } from "../handle/streaming.ts"
import { waitedFor } from "./snapshot.ts"

/** How many of a kind are named before "and 5 more". */
const MAX_NAMED = 3
/** How far a chain of waits is followed. */
const MAX_DEPTH = 8

export const explain = (ref: Ref): Effect.Effect<string> =>
  Effect.sync(() => {
    checkRefs("explain", [ref])
    return ref instanceof Call ? explainCall(ref) : plain(ref)
  })

export const explainCall = (call: Call): string => `${call.origin} #${call.id}: ${state(call, new Set([call]))}`

const plain = (ref: Ref): string =>
  ref.exit === undefined ? `#${ref.id}: pending, and no call of an actor` : `#${ref.id}: ${ref.progress}`

const state = (call: Call, seen: ReadonlySet<Ref>): string => {
  if (call.exit !== undefined) return call.progress
  const time = duration(call.age)
  switch (call.stage) {
    case Stage.New:
      return `waiting ${time} for room: ${room(call.line)}`
    case Stage.Preparing:
      if (call.passage !== undefined) return passing(call, call.passage.behind, time, seen)
      return `waiting ${time} for its arguments: ${list(waitedFor(call), seen)}`
    case Stage.Waiting:
      return `waiting ${time}: ${place(call)} ${behind(call.line, seen)}`
    default: {
      const refs = waitedFor(call)
      const ending = call.stage === Stage.Running ? "" : ", told to end"
      const since = call.passage?.lingers === true ? "its method has ended, and its middleware has not: " : ""
      return `${since}running ${time}${ending}${isInTheWay(call) ? STREAM : ""}${refs.length === 0 ? "" : `, waiting on ${list(refs, seen)}`}`
    }
  }
}

const passing = (call: Call, behind: Call | undefined, time: string, seen: ReadonlySet<Ref>): string => {
  if (behind !== undefined)
    return `waiting ${time}, while calls before it are in their middleware: behind ${list([behind], seen)}`
  const refs = waitedFor(call)
  return `in its middleware for ${time}${refs.length === 0 ? "" : `, waiting on ${list(refs, seen)}`}`
}

const isInTheWay = (call: Call): boolean => call instanceof StreamCall && call.hasOnlyPermit

const STREAM = ", a stream that has the only permit until it ends"

const room = ({ cell }: Line): string =>
  `${plural(cell.pending, "call")} of ${cell.actor} ${cell.pending === 1 ? "is" : "are"} pending (maxPendingCalls ${cell.options.maxPendingCalls})`

const behind = (line: Line, seen: ReadonlySet<Ref>): string => {
  const { cell, group, limit, running } = line
  const { ready, restartsFor } = cell.life
  if (!ready) return `of ${cell.actor}, which is ${restartsFor === undefined ? "starting" : "restarting"}`
  if (running < limit) return "and about to start"
  const holders = cell.running.toArray().filter((call) => call.line === line && call.passage?.lingers !== true)
  const where = group === undefined ? "" : ` in group ${group}`
  return holders.length === 0 ? `behind what runs${where}` : `behind ${list(holders, seen)}${where}`
}

const place = (call: Call): string => {
  let position = 1
  for (let before = call.previous; before !== undefined; before = before.previous) position++
  return `${ordinals[position] ?? `number ${position}`} in line`
}

const ordinals = ["", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"]

const list = (refs: ReadonlyArray<Ref>, seen: ReadonlySet<Ref>): string => {
  const named = refs.slice(0, MAX_NAMED).map((ref) => mention(ref, seen))
  const more = refs.length - named.length
  if (more > 0) return `${named.join(", ")} and ${more} more`
  return named.length < 2 ? named.join("") : `${named.slice(0, -1).join(", ")} and ${named.at(-1)}`
}

const mention = (ref: Ref, seen: ReadonlySet<Ref>): string => {
  if (!(ref instanceof Call)) return ref.origin === "" ? `#${ref.id}` : ref.origin
  const name = `\`${ref.origin}\` #${ref.id}`
  if (seen.has(ref)) return `${name} again`
  return seen.size >= MAX_DEPTH ? `${name} (...)` : `${name} (${state(ref, new Set([...seen, ref]))})`
}

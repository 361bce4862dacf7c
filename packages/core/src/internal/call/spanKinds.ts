/**
 * The span kinds of calls that leave a process or arrive from another, by the semantic conventions of OpenTelemetry, and
 * the attributes that they ask for. Only homes need them: see `follow` in tracing.ts.
 */
import * as Context from "effect/Context"
import type { SpanKind } from "effect/Tracer"
import type { Call, Trace } from "./call.ts"
import { isElsewhere, Residence, SubmittedRemotely } from "./carried.ts"
import { current } from "./currentCall.ts"
import type { Convention } from "./tracing.ts"

/** How the semantic conventions name what carries calls. */
const SYSTEM = "troupe"

export const ofHomes: Convention = (call, trace) => {
  const kind = kindOf(call, trace)
  return { kind, attributes: attributesOf(kind, call) }
}

/** The conventions keep the kinds in pairs. A call within the process is `internal`, as it is without homes. */
const kindOf = (call: Call, { asked }: Trace): SpanKind => {
  if (isElsewhere(call.line.cell)) return asked ? "client" : "producer"
  if (!isServed(call)) return "internal"
  return Context.get(call.context, SubmittedRemotely) ? "consumer" : "server"
}

/**
 * Whether a home has brought the call to an instance that serves other processes: one that the home started, and no call
 * of this process submitted it, except for one that is carried and went no further than this process.
 */
const isServed = ({ context, line: { cell } }: Call): boolean => {
  if (Context.get(cell.context, Residence)?.describe(cell.id, cell.key) === undefined) return false
  const submitter = current(context)
  return submitter === undefined || isElsewhere(submitter.line.cell)
}

const attributesOf = (kind: SpanKind, { id, method, line: { cell } }: Call): Record<string, unknown> => {
  switch (kind) {
    case "client":
    case "server":
      return { "rpc.system.name": SYSTEM, "rpc.method": `${cell.id}.${method.name}` }
    case "producer":
    case "consumer":
      return {
        "messaging.system": SYSTEM,
        "messaging.operation.name": kind === "producer" ? "remote" : "process",
        "messaging.operation.type": kind === "producer" ? "send" : "process",
        "messaging.destination.name": cell.id,
        "messaging.message.id": String(id)
      }
    case "internal":
      return {}
  }
}

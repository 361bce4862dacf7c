/**
 * Calls and instances by their numbers, which is how they are known over HTTP, where nobody has their refs and handles.
 *
 * The register of a system is reached by way of its type here, and nowhere else in this package. Tasks belong to no
 * system, so their calls are not found.
 */
import * as ActorSystem from "@troupe/core/ActorSystem"
import * as ObjectRef from "@troupe/core/ObjectRef"
import * as Effect from "effect/Effect"
import { type Refused, refuse } from "./reply.ts"

type Registry = ActorSystem.ActorSystem[typeof ActorSystem.TypeId]
type Cell = Registry["cells"] extends Set<infer C> ? C : never
type Call = ReturnType<Cell["runningNow"]>[number]

const registry: Effect.Effect<Registry> = Effect.map(ActorSystem.ActorSystem, (system) => system[ActorSystem.TypeId])

function* callsOf(cell: Cell): Generator<Call> {
  yield* cell.runningNow()
  for (const queue of cell.queues()) {
    for (let call = queue.head; call !== undefined; call = call.next) yield call
  }
  yield* cell.preparingCalls()
  yield* cell.suspendedCalls()
}

/** `instance` is where it is known to be, if it is: the search is short then. */
const callBy = (id: number, instance?: number): Effect.Effect<ObjectRef.ObjectRef<unknown, unknown>, Refused> =>
  Effect.flatMap(registry, ({ cells }) => {
    for (const cell of cells) {
      if (instance !== undefined && cell.instance !== instance) continue
      for (const call of callsOf(cell)) {
        // A call is its own ref.
        if (call.id === id) return Effect.succeed(call as unknown as ObjectRef.ObjectRef<unknown, unknown>)
      }
    }
    return Effect.fail(refuse(404, `there is no unsettled call with the number ${id}, or not any more`))
  })

const cellBy = (id: number): Effect.Effect<Cell, Refused> =>
  Effect.flatMap(registry, ({ cells }) => {
    for (const cell of cells) if (cell.instance === id) return Effect.succeed(cell)
    return Effect.fail(refuse(404, `there is no living instance with the number ${id}, or not any more`))
  })

/** A sentence on where an unsettled call is, and why it is not done. */
export const explain = (call: number, instance?: number): Effect.Effect<string, Refused> =>
  Effect.flatMap(callBy(call, instance), ObjectRef.explain)

/** Succeeds when the call has settled. */
export const cancel = (call: number, recursive: boolean): Effect.Effect<string, Refused> =>
  Effect.flatMap(callBy(call), (ref) => ObjectRef.cancel(ref, { recursive }))

/** Succeeds when the instance is gone. */
export const kill = (instance: number): Effect.Effect<string, Refused> =>
  Effect.flatMap(cellBy(instance), (cell) => {
    cell.kill("it was killed by way of the inspector", undefined)
    return Effect.as(cell.ended(), "killed")
  })

/** Succeeds at once: calls that it has accepted may take as long as they like. */
export const stop = (instance: number): Effect.Effect<string, Refused> =>
  Effect.map(cellBy(instance), (cell) => {
    cell.stop("it was stopped by way of the inspector")
    return cell.gone ? "stopped" : "stopping"
  })

export const resize = (instance: number, limit: number, group: string | undefined): Effect.Effect<string, Refused> =>
  Effect.flatMap(cellBy(instance), (cell) =>
    Effect.try({
      try: () => {
        cell.resize(cell.queue(group), limit)
        return "resized"
      },
      // It knows no such group, and says which there are.
      catch: (error) => refuse(400, error instanceof Error ? error.message : String(error))
    })
  )

/**
 * `ObjectRef.getSync`: blocks the thread itself. Only what happens in another thread can end such a wait.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Fiber from "effect/Fiber"
import { ActorError, ActorUnavailable } from "../../ActorError.ts"
import type { Pump } from "../../Home.ts"
import type { GetSyncOptions } from "../../ObjectRef.ts"
import { onlyKnown } from "../base/options.ts"
import { elapsed, liveClock } from "../base/time.ts"
import { Call, Stage } from "../call/call.ts"
import { current, onStack } from "../call/currentCall.ts"
import { checkRefs, isRef, type Ref } from "../call/ref.ts"
import { refusal, timeoutOf } from "./blocking.ts"
import { permission } from "./permission.ts"

/** How long to sleep on one of several threads before looking at the others, in milliseconds. */
const TURN_MILLIS = 2

export const getSync = (ref: Ref, options: GetSyncOptions): unknown => {
  checkRefs("getSync", [ref])
  // From untyped code there may be no options.
  const given: Partial<GetSyncOptions> = options ?? {}
  onlyKnown("ObjectRef.getSync", given, { driver: true, timeout: true })
  const { driver, timeout } = given
  if ((driver as object) !== permission) {
    throw new TypeError(
      "ObjectRef.getSync blocks, which needs the Driver: ObjectRef.getSync(ref, { driver }), with driver = yield* Driver"
    )
  }
  // It looks like plain code, and may be part of an effect all the same.
  const context = Fiber.getCurrent()?.context ?? Context.empty()
  const refused = refusal("getSync", context, onStack.call ?? current(context))
  if (refused !== undefined) throw refused
  const limit = timeout === undefined ? undefined : timeoutOf("getSync", timeout)
  const deadline = limit === undefined ? Infinity : elapsed(liveClock) + Duration.toMillis(limit)
  while (ref.exit === undefined) {
    const left = deadline - elapsed(liveClock)
    if (left > 0) advance(ref, left)
    else
      throw new Cause.TimeoutError(`ObjectRef.getSync: ${ref.origin} was not ready within ${Duration.format(limit!)}`)
  }
  const exit = ref.look()!
  if (exit._tag === "Success") return exit.value
  throw Cause.squash(exit.cause)
}

/** Does all that can be done for a ref, then sleeps until there is news from the threads that it depends on. */
const advance = (ref: Ref, milliseconds: number): void => {
  const pumps = new Map<Pump, Call>()
  collect(ref, ref, pumps)
  for (const pump of pumps.keys()) pump.flush()
  if (ref.exit !== undefined) return
  const turn = pumps.size > 1 ? Math.min(milliseconds, TURN_MILLIS) : milliseconds
  for (const [pump, call] of pumps) {
    if (!pump.receive(turn) && ref.exit === undefined) throw ofCaller(lost(call))
  }
}

/** Gathers the threads that can settle a ref, and gets calls on their way that wait for the event loop only. */
const collect = (ref: Ref, wanted: Ref, pumps: Map<Pump, Call>): void => {
  if (!(ref instanceof Call)) throw wouldHang(ref, wanted)
  const { line, stage } = ref
  const { home, life } = line.cell
  if (home?.pump === undefined || (!life.ready && stage <= Stage.Waiting)) throw wouldHang(ref, wanted)
  if (stage === Stage.Preparing) {
    for (const arg of ref.args) if (isRef(arg) && arg.exit === undefined) collect(arg, wanted, pumps)
  }
  // The turn in which permits are handed on never comes to a thread that blocks.
  line.cell.handOn()
  line.drain(true)
  pumps.set(home.pump, ref)
}

const wouldHang = (ref: Ref, wanted: Ref): TypeError => {
  const where = ref === wanted ? "" : ` waits for ${ref}, which`
  return new TypeError(
    `ObjectRef.getSync: ${wanted}${where} can only be settled by the thread that would block, for ever. Use await or yield*, or give the actor a thread of its own with WorkerHome.`
  )
}

/** The caller is plain code, so the stack is where it is found. Our own part of it helps nobody. */
const ofCaller = (error: Error): Error => {
  ;(Error as { captureStackTrace?: (error: Error, from: Function) => void }).captureStackTrace?.(error, getSync)
  return error
}

const lost = ({ method }: Call): ActorError =>
  new ActorError({
    reason: new ActorUnavailable({
      actor: method.actor,
      method: method.name,
      why: "its thread ended, or hangs, while this thread was blocked on it",
      mayHaveRun: true
    })
  })

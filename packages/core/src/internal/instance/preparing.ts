/**
 * Calls that wait for refs among their arguments (semantics 1.5). They stand in no line and hold no permit yet.
 */
import * as Exit from "effect/Exit"
import * as asyncContext from "../base/asyncContext.ts"
import { stranger } from "../base/copies.ts"
import { Evaluable } from "../base/evaluable.ts"
import { attempt, isInstance } from "../base/show.ts"
import { type Call, type Dispatcher, type Instance, Stage } from "../call/call.ts"
import { isRef, type Observer, type Ref } from "../call/ref.ts"
import { depend, search } from "../call/waits.ts"

/** What cannot be given to a method as it is: a ref, whose value is, or a `.remote` call that was not run. */
interface Unready {
  readonly isUnready: true
  /** Why it is no argument at all, if it is none. */
  misplaced?(call: Call, place: number): TypeError
}

/** A Proxy that hides what it is counts as unready: the attempt to make it ready is what refuses it. */
const isUnready = (arg: unknown): arg is Unready =>
  typeof arg === "object" &&
  (isInstance(arg, Evaluable)
    ? !(attempt(() => (arg as Unready | { isUnready?: never }).isUnready !== true) ?? false)
    : isForeign(arg))

/** Whether it would be unready if it were of this version of the package. */
const isForeign = (arg: unknown): boolean =>
  stranger(arg) !== undefined && attempt(() => (arg as Unready).isUnready) === true

export const areReady = (args: ReadonlyArray<unknown>): boolean => {
  for (let i = 0; i < args.length; i++) if (isUnready(args[i])) return false
  return true
}

const misplaced = (call: Call): TypeError | undefined => {
  for (const [index, arg] of call.args.entries()) {
    if (!isUnready(arg)) continue
    const foreign = stranger(arg)
    if (foreign !== undefined) return new TypeError(`argument ${index + 1} of ${call.origin} is ${arg}. ${foreign}`)
    if (arg.misplaced !== undefined) return arg.misplaced(call, index + 1)
  }
}

/** What calls come from and go to. */
interface Submitted extends Instance {
  /** Puts a call in line whose arguments are there. */
  lineUp(call: Call, dispatcher: Dispatcher, asked: boolean): void
  /** Settles a call that does not run. */
  end(call: Call, exit: Exit.Exit<any, any>): void
}

export class Preparing {
  private readonly waits = new Map<Call, { readonly stop: () => void; readonly observer: Observer }>()

  declare private readonly cell: Submitted

  constructor(cell: Submitted) {
    this.cell = cell
  }

  /** Has a call wait for its arguments. Then it goes in line, or fails as the first of them that did. */
  take(call: Call, dispatcher: Dispatcher): void {
    const { cell } = this
    call.stage = Stage.Preparing
    call.stamp()
    try {
      this.start(call, (failed) => this.prepared(call, failed, dispatcher))
      // The callers that wait for room wait for its arguments from now on.
      if (cell.hasSuspended && (call.stage as Stage) === Stage.Preparing) search.check(call)
    } catch (defect) {
      // A Proxy of a ref, which is the user's.
      attempt(() => this.drop(call))
      cell.end(call, Exit.die(defect))
    }
  }

  private prepared(call: Call, failed: Exit.Failure<any, any> | undefined, dispatcher: Dispatcher): void {
    const { cell } = this
    if (failed !== undefined) cell.end(call, failed)
    else cell.lineUp(call, dispatcher, false)
    // A call may have waited for it all the while, and hold the permit that it needs now.
    if ((call.stage as Stage) !== Stage.Waiting) return
    search.check(call)
    // The callers that wait for room waited for its arguments so far, and wait for the calls before it now.
    if (cell.hasSuspended) search.checkRoom(cell)
  }

  /**
   * Calls back once: with nothing when the arguments of `call` are all there, and in it, or with the first failure.
   * Calls back at once if that is known already.
   */
  private start(call: Call, done: (failed: Exit.Failure<any, any> | undefined) => void): void {
    const refused = misplaced(call)
    if (refused !== undefined) return done(Exit.die(refused) as Exit.Failure<never, never>)
    const refs = call.args.filter(isRef)
    const failed = refs.find((ref) => ref.exit?._tag === "Failure")
    if (failed !== undefined) return done(failed.look() as Exit.Failure<any, any>)
    const open = refs.filter((ref) => ref.exit === undefined)
    let missing = open.length
    const ready = () => {
      call.args = call.args.map((arg) => (isRef(arg) ? (arg.exit as Exit.Success<any>).value : arg))
      done(undefined)
    }
    if (missing === 0) return ready()
    const onExit = (exit: Exit.Exit<any, any>) => {
      // It may have been dropped when the ref had settled, but had not told us yet.
      if (!this.waits.has(call)) return
      if (exit._tag === "Success" && --missing > 0) return search.check(call)
      this.drop(call)
      if (exit._tag === "Failure") done(exit)
      else ready()
    }
    const observer = asyncContext.bindResume(onExit)
    this.waits.set(call, { stop: () => stopWaiting(open, observer), observer })
    depend(open, 1)
    for (const ref of open) ref.observe(observer)
  }

  /** Forgets a call, which is then never called back for. */
  drop(call: Call): void {
    const wait = this.waits.get(call)
    this.waits.delete(call)
    wait?.stop()
  }

  /** Calls back now for calls whose refs have failed already, but have not told so yet. */
  flushFailures(): void {
    for (const [call, { observer }] of this.waits) {
      const failed = call.args.find((arg) => isRef(arg) && arg.exit?._tag === "Failure")
      if (failed !== undefined) observer((failed as Ref).look()!)
    }
  }

  calls(): Array<Call> {
    return [...this.waits.keys()]
  }
}

const stopWaiting = (refs: ReadonlyArray<Ref>, observer: (exit: Exit.Exit<any, any>) => void): void => {
  depend(refs, -1)
  for (const ref of refs) ref.unobserve(observer)
}

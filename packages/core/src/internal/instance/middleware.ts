/**
 * Calls and readers on their way through middleware (semantics 13.4, 13.5).
 *
 * The middleware of a call runs on a fiber of its own, before the call stands in line and after its method has ended. What
 * it gets as `next` lines the call up, and waits until the method has ended. It is reached through {@link gates}, so that
 * programs without middleware have none of this in their bundles.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type { Any, Middleware } from "../../ActorMiddleware.ts"
import { interrupt } from "../base/effectInternals.ts"
import { isEffect, kindOf, noEffect } from "../base/evaluable.ts"
import { checkId } from "../base/ids.ts"
import * as options from "../base/options.ts"
import { show } from "../base/show.ts"
import { type Call, type Dispatcher, type Passage as PassageOfCall, Stage } from "../call/call.ts"
import { isElsewhere } from "../call/carried.ts"
import { current, release } from "../call/currentCall.ts"
import * as deadlock from "../call/deadlock.ts"
import type { MethodSpec } from "../call/method.ts"
import { search } from "../call/waits.ts"
import type { Cell, CellLine } from "./cell.ts"
import { merge } from "./context.ts"
import { gates } from "./gates.ts"

/** `ActorMiddleware.Service<Self>()`. */
export const service = (id: string, given: any = {}): Any => {
  checkId("ActorMiddleware.Service", id)
  options.onlyKnown(id, given, { error: true, at: true })
  const { at = "actor", error = Schema.Never } = given
  if (!Schema.isSchema(error)) throw new TypeError(`${id}: error must be a Schema of its errors, but is ${show(error)}`)
  side(id, "at", at)
  gates.of = gateOf
  deadlock.install()
  return Object.assign((Context.Service as any)()(id), { error, at })
}

const side = /* @__PURE__ */ options.oneOf("actor", "caller")

/** Middleware, with what does its work where that is known. */
interface Guard extends Any {
  readonly work?: Middleware<never, any>
}

/** The middleware of all actors of a program, in the order in which it was given. */
const OfProgram = /* @__PURE__ */ Context.Reference<ReadonlyArray<Guard>>("troupe/Middleware", {
  defaultValue: () => []
})

/** `ActorSystem.layerMiddleware`. */
export const layer = (middleware: Any): Layer.Layer<never, never, any> => {
  options.middleware("ActorSystem.layerMiddleware", "middleware", [middleware])
  return Layer.effect(OfProgram)(
    Effect.gen(function* () {
      const work = yield* middleware as unknown as Effect.Effect<Middleware<never, any>>
      const { at, error, key } = middleware
      const outer = yield* OfProgram
      const guard = { key, error, at, work } as unknown as Guard
      // One that is there already is replaced where it stands, as any service is by a Layer further in.
      return outer.some((other) => other.key === key)
        ? outer.map((other) => (other.key === key ? guard : other))
        : [...outer, guard]
    })
  )
}

const gateOf = (cell: Cell): Gate | undefined => {
  const ofProgram = Context.get(cell.context, OfProgram)
  const own = cell.options.middleware ?? []
  const all = [...ofProgram, ...own.filter(({ key }) => !ofProgram.some((guard) => guard.key === key))]
  return all.length === 0 ? undefined : new Gate(cell, all)
}

/** Where the calls of one instance pass, each in its turn. */
class Gate {
  declare private readonly cell: Cell
  declare private readonly all: ReadonlyArray<Guard>
  declare private readonly atActor: ReadonlyArray<Guard>
  declare private readonly atCaller: ReadonlyArray<Guard>
  /** The calls that have not been let into line, as they were submitted. */
  private readonly queues = new Map<CellLine, Set<Call>>()

  constructor(cell: Cell, all: ReadonlyArray<Guard>) {
    this.cell = cell
    this.all = all
    this.atActor = all.filter(({ at }) => at === "actor")
    this.atCaller = all.filter(({ at }) => at === "caller")
  }

  /** The middleware that runs on this side of a call: none where it has come from elsewhere and goes on from here. */
  private chainFor(method: MethodSpec): ReadonlyArray<Guard> {
    const isServed = method.served === true
    if (isElsewhere(this.cell)) return isServed ? [] : this.atCaller
    return isServed ? this.atActor : this.all
  }

  take(call: Call, dispatcher: Dispatcher, asked: boolean): void {
    call.stage = Stage.Preparing
    call.stamp()
    const passage = new Passage(this.cell, this, call, dispatcher)
    call.passage = passage
    this.queueOf(call).add(call)
    passage.begin(this.chainFor(call.method), asked)
  }

  /** A reader stands in no line: its middleware runs on its own fiber, in the context of a method. */
  admit(method: MethodSpec, args: ReadonlyArray<unknown>, next: Effect.Effect<void>): Effect.Effect<void, any> {
    const { context, own } = this.cell.life
    const work = around(this.cell, this.chainFor(method), method.name, args, next)
    return Effect.updateContext(work, (caller: Context.Context<never>) => merge(caller, context, own))
  }

  private queueOf(call: Call): Set<Call> {
    const line = call.line as CellLine
    const queue = this.queues.get(line) ?? new Set<Call>()
    this.queues.set(line, queue)
    return queue
  }

  /** A call is let through. It stands in line when those before it do, unless one of them waits for it. */
  pass(call: Call): void {
    const queue = this.queueOf(call)
    if (isFor(queue, call)) {
      queue.delete(call)
      return call.passage!.lineUp()
    }
    this.flush(queue)
    if (queue.has(call)) search.check(call)
  }

  /** The call that holds up those behind it. */
  firstOf(line: CellLine): Call | undefined {
    return this.queues.get(line)?.values().next().value
  }

  /** A call will not pass. */
  leave(call: Call): void {
    const queue = this.queueOf(call)
    if (queue.delete(call)) this.flush(queue)
  }

  private flush(queue: Set<Call>): void {
    for (const call of queue) {
      // It may wait for one of those that are held up by none but it now.
      if (!call.passage!.isThrough) return search.check(call)
      queue.delete(call)
      call.passage!.lineUp()
    }
  }

  /** The calls that are on their way to the line. */
  calls(): Array<Call> {
    return [...this.queues.values()].flatMap((queue) => [...queue])
  }
}

/** Whether a call was made for one of these, by its middleware or further on. */
const isFor = (calls: ReadonlySet<Call>, call: Call): boolean => {
  for (let at = current(call.context); at !== undefined; at = current(at.context)) if (calls.has(at)) return true
  return false
}

/** What a call is that has turned out to be a reader. */
interface Reader {
  readonly isReader: boolean
  reads(): boolean
}

const turnsOutToRead = (call: Partial<Reader>): boolean => call.isReader === true && call.reads!()

/** What middleware makes of `next`. */
const around = (
  cell: Cell,
  chain: ReadonlyArray<Guard>,
  method: string,
  args: ReadonlyArray<unknown>,
  next: Effect.Effect<any, any>
): Effect.Effect<any, any> => {
  const about = { actor: cell.id, key: cell.key, method, args }
  return chain.reduceRight(
    (next, guard) => Effect.suspend(() => effectOf(cell, guard, implementationOf(cell, guard)(next as any, about))),
    next
  )
}

const effectOf = (cell: Cell, { key }: Guard, value: unknown): Effect.Effect<any, any> => {
  if (isEffect(value)) return value
  throw new TypeError(`${cell.actor}: its middleware ${key} must return an Effect, but returned ${noEffect(value)}`)
}

class Passage implements PassageOfCall {
  /** The context in which `next` was run: that of the method. */
  context: Context.Context<never> | undefined = undefined
  isThrough = false
  private isLinedUp = false
  private fiber: Fiber.Fiber<any, any> | undefined = undefined
  /** Set while it is on the stack of its submitter, where an ask may start at once. */
  private starting = false
  /** How `next` hears that the method has ended. */
  private resume: ((exit: Exit.Exit<any, any>) => void) | undefined = undefined
  private over = false
  /** What the call comes to, whatever its middleware does. */
  private verdict: Exit.Exit<any, any> | undefined = undefined
  lingers = false

  declare private readonly cell: Cell
  declare private readonly gate: Gate
  declare private readonly call: Call
  declare private readonly dispatcher: Dispatcher

  constructor(cell: Cell, gate: Gate, call: Call, dispatcher: Dispatcher) {
    this.cell = cell
    this.gate = gate
    this.call = call
    this.dispatcher = dispatcher
  }

  begin(chain: ReadonlyArray<Guard>, asked: boolean): void {
    const { call, cell } = this
    const context = cell.running.contextOf(call)
    const work = around(cell, chain, call.method.name, call.args, this.next)
    this.starting = asked
    const fiber = Effect.runForkWith(context)(work)
    this.starting = false
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) return this.end(exit, context)
    this.fiber = fiber
    if (this.lingers || !this.isLinedUp) call.fiber = fiber
    fiber.addObserver((exit) => this.end(exit, context))
    // It was told to end while it had no fiber that could be told.
    if (this.verdict !== undefined || call.stage > Stage.Running) interrupt(fiber)
  }

  private get next(): Effect.Effect<any, any> {
    return Effect.withFiber(({ context }) =>
      Effect.callback<any, any>((resume) => {
        if (this.over) return resume(Effect.die(misuse(this.call, "after its middleware had ended")))
        if (this.call.stage > Stage.Running) return resume(Effect.interrupt)
        if (this.resume !== undefined) return resume(Effect.die(misuse(this.call, "while it was running")))
        this.context = context
        this.resume = resume
        this.proceed()
        return this.withdrawn
      })
    )
  }

  private proceed(): void {
    const { call } = this
    if (!this.isThrough) {
      this.isThrough = true
      return this.gate.pass(call)
    }
    // Once more: where the call stood in line, before all that was submitted after it.
    this.rest()
    call.line.waitAgain(call)
    if ((call.stage as Stage) === Stage.Waiting) search.check(call)
  }

  get behind(): Call | undefined {
    return this.isThrough && !this.isLinedUp ? this.gate.firstOf(this.call.line as CellLine) : undefined
  }

  get place(): string {
    return this.behind === undefined ? " (in its middleware)" : " (behind calls in their middleware)"
  }

  lineUp(): void {
    const { call } = this
    this.isLinedUp = true
    call.fiber = undefined
    // It was not known to be a reader, which needs no permit.
    if (turnsOutToRead(call as Partial<Reader>)) this.cell.end(call, Exit.void)
    else if (this.starting) call.line.startOrWait(call, this.dispatcher)
    else call.line.wait(call, undefined)
    if ((call.stage as Stage) === Stage.Waiting) search.check(call)
  }

  /** Takes what the method, or the wait for it, has come to. Says whether the call goes on. */
  takes(exit: Exit.Exit<any, any>): boolean {
    if (this.over) return false
    const { resume } = this
    if (resume === undefined) {
      // It is ended on its way to the line, or it has withdrawn.
      if (!this.isLinedUp) this.verdict ??= exit
      this.interrupt()
      return true
    }
    this.resume = undefined
    this.linger()
    // A call that is told to end ends as one fiber would: of its middleware, finalizers run, and no handlers of failures.
    const ends = this.call.stage > Stage.Running
    if (ends && Exit.hasInterrupts(exit)) this.interrupt()
    resume(exit)
    if (ends) this.interrupt()
    return true
  }

  /** Ends it, where its method does not run. */
  interrupt(): void {
    if (this.fiber !== undefined) interrupt(this.fiber)
  }

  /** The method has ended, and the call has not settled: whoever ends running calls finds it. */
  private linger(): void {
    if (this.lingers) return
    this.lingers = true
    this.call.fiber = this.fiber
    this.cell.running.insert(this.call, undefined)
  }

  private rest(): void {
    this.call.fiber = undefined
    if (!this.lingers) return
    this.lingers = false
    this.cell.running.remove(this.call)
  }

  /** Its middleware does not wait for the method any more. A method that runs ends, and that is waited for. */
  private readonly withdrawn: Effect.Effect<void> = Effect.callback<void>((resume) => {
    const { call } = this
    if (this.resume === undefined) return resume(Effect.void)
    this.resume = undefined
    // It keeps its place among those that pass.
    if (!this.isLinedUp) this.isThrough = false
    else if (call.stage === Stage.Waiting) {
      call.line.remove(call)
      call.stage = Stage.Preparing
      call.fiber = this.fiber
    } else if (call.fiber !== undefined) {
      this.resume = () => resume(Effect.void)
      return interrupt(call.fiber)
    }
    resume(Effect.void)
  })

  /** Its middleware has ended, and with it the call. */
  private end(exit: Exit.Exit<any, any>, context: Context.Context<never>): void {
    this.over = true
    this.rest()
    release(context)
    this.gate.leave(this.call)
    this.cell.end(this.call, this.verdict ?? exit)
  }
}

const misuse = (call: Call, when: string): TypeError =>
  new TypeError(`${call.origin} #${call.id}: next was run ${when}. Middleware may run it again once it has ended`)

const implementationOf = (cell: Cell, { key, work }: Guard): Middleware<never, any> => {
  const found = work ?? cell.context.mapUnsafe.get(key)
  if (typeof found === "function") return found
  const why =
    found === undefined
      ? "is not provided: give its Layer to that of the actor"
      : `must be a function of next, but is ${kindOf(found)}`
  throw new TypeError(`${cell.actor}: its middleware ${key} ${why}`)
}

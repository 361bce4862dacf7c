/**
 * Tools that people write: what they see of calls, which is less than there is, and stays as it is.
 */
import type * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import type * as Instrumentation from "../../Instrumentation.ts"
import * as options_ from "../base/options.ts"
import { show } from "../base/show.ts"
import type { Call } from "../call/call.ts"
import { current } from "../call/currentCall.ts"
import { isQuiet } from "../call/unobserved.ts"
import type { Hub, Subject } from "../instance/hub.ts"
import { listen } from "./hub.ts"
import { stageOf } from "./snapshot.ts"

class View implements Instrumentation.Call {
  readonly #call: Call

  constructor(call: Call) {
    this.#call = call
  }

  get id(): number {
    return this.#call.id
  }

  get method(): string {
    return this.#call.method.label
  }

  get name(): string {
    return this.#call.method.name
  }

  get actor(): string {
    return this.#call.line.cell.id
  }

  get instance(): number {
    return this.#call.line.cell.instance
  }

  get stage(): Instrumentation.Call["stage"] {
    return this.#call.exit === undefined ? stageOf(this.#call) : "settled"
  }

  get attempts(): number {
    return this.#call.attempts
  }

  get args(): ReadonlyArray<unknown> {
    return this.#call.args
  }

  get context(): Context.Context<never> {
    return this.#call.context
  }
}

/** Tells a tool of calls by their views. */
class Listener implements Hub {
  declare private readonly tool: Instrumentation.Tool

  constructor(tool: Instrumentation.Tool) {
    this.tool = tool
  }

  submitted(call: Call, asked: boolean): void {
    this.tool.submitted?.(new View(call), asked)
  }

  refused(call: Call): void {
    this.tool.refused?.(new View(call))
  }

  started(call: Call): void {
    this.tool.started?.(new View(call))
  }

  requeued(call: Call, exit: Exit.Failure<unknown, unknown>): void {
    this.tool.requeued?.(new View(call), exit)
  }

  settled(call: Call, exit: Exit.Exit<unknown, unknown>): void {
    const view = new View(call)
    this.tool.settled?.(view, exit)
    if (exit._tag === "Failure" && (call.isAwaited || isQuiet(call.id, exit.cause))) this.tool.handled?.(view)
  }

  handled(call: Call): void {
    this.tool.handled?.(new View(call))
  }

  instance({ id, instance }: Subject, news: Instrumentation.News): void {
    this.tool.instance?.({ actor: id, instance, ...news })
  }
}

export const attach = (
  tool: Instrumentation.Tool,
  options: Instrumentation.AttachOptions = {}
): Effect.Effect<void, never, Scope.Scope> => {
  if (typeof tool !== "object" || tool === null) {
    throw new TypeError(
      `Instrumentation.attach: a tool is an object with methods like "started" and "settled", but this is ${show(tool)}`
    )
  }
  options_.onlyKnown("Instrumentation.attach", options, { tasks: true })
  return listen(new Listener(tool), "A tool of Instrumentation.attach", options.tasks ?? true)
}

export const callIn = (context: Context.Context<never>): Instrumentation.Call | undefined => {
  const call = current(context)
  return call && new View(call)
}

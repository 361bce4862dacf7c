/**
 * The listeners of a system, each behind a guard: one that throws harms neither the call that it is told of nor the
 * other listeners.
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import type { News } from "../../Instrumentation.ts"
import { printable } from "../base/show.ts"
import type { Call } from "../call/call.ts"
import type { Hub, Subject } from "../instance/hub.ts"
import { type Registry, registriesIn, registryIn } from "../instance/registry.ts"

type OnError = (error: unknown) => void

class Listeners implements Hub {
  private readonly all = new Map<Hub, OnError>()

  get size(): number {
    return this.all.size
  }

  add(listener: Hub, onError: OnError): void {
    this.all.set(listener, onError)
  }

  remove(listener: Hub): void {
    this.all.delete(listener)
  }

  private tell(news: (listener: Hub) => void): void {
    for (const [listener, onError] of this.all) {
      try {
        news(listener)
      } catch (error) {
        onError(error)
      }
    }
  }

  submitted(call: Call, asked: boolean): void {
    this.tell((listener) => listener.submitted(call, asked))
  }

  refused(call: Call): void {
    this.tell((listener) => listener.refused(call))
  }

  started(call: Call): void {
    this.tell((listener) => listener.started(call))
  }

  requeued(call: Call, exit: Exit.Failure<unknown, unknown>): void {
    this.tell((listener) => listener.requeued(call, exit))
  }

  settled(call: Call, exit: Exit.Exit<unknown, unknown>): void {
    this.tell((listener) => listener.settled(call, exit))
  }

  handled(call: Call): void {
    this.tell((listener) => listener.handled(call))
  }

  instance(subject: Subject, news: News): void {
    this.tell((listener) => listener.instance(subject, news))
  }
}

const join = (registry: Registry<any>, listener: Hub, onError: OnError): void => {
  registry.hub ??= new Listeners()
  listenersOf(registry).add(listener, onError)
}

const leave = (registry: Registry<any>, listener: Hub): void => {
  if (registry.hub === undefined) return
  const listeners = listenersOf(registry)
  listeners.remove(listener)
  if (listeners.size === 0) registry.hub = undefined
}

/** No hub is made but in {@link join}. */
const listenersOf = (registry: Registry<any>): Listeners => registry.hub as Listeners

/** Tells `listener` of the present system, and of tasks if it wants to hear of them, until the Scope closes. */
export const listen = (listener: Hub, what: string, tasks: boolean): Effect.Effect<void, never, Scope.Scope> =>
  Effect.withFiber(({ context }) => {
    const registries = tasks ? registriesIn(context) : [registryIn(context)]
    const stop = () => {
      for (const registry of registries) leave(registry, listener)
    }
    const onError = (error: unknown) => {
      stop()
      report(`${what} threw, and is told nothing more`, error, context)
    }
    const start = () => {
      for (const registry of registries) join(registry, listener, onError)
    }
    return Effect.acquireRelease(Effect.sync(start), () => Effect.sync(stop))
  })

const report = (message: string, error: unknown, context: Context.Context<never>): void => {
  Effect.runForkWith(context)(Effect.logError(message, printable(Cause.die(error))))
}

/**
 * A scheduler with one dispatcher for all fibers. Each fiber that yields makes a dispatcher of its own otherwise, and each
 * dispatcher a turn of the event loop; the calls of an actor that yield together take one turn together.
 */
import type * as Fiber from "effect/Fiber"
import type * as Scheduler from "effect/Scheduler"
import * as asyncContext from "./asyncContext.ts"
import { shared } from "./copies.ts"

export class OwnDispatcher implements Scheduler.Scheduler {
  declare readonly executionMode: "sync" | "async"
  declare readonly scheduler: Scheduler.Scheduler
  declare private readonly dispatcher: Scheduler.SchedulerDispatcher

  constructor(scheduler: Scheduler.Scheduler) {
    this.executionMode = scheduler.executionMode
    this.scheduler = scheduler
    this.dispatcher = new KeepingContexts(scheduler.makeDispatcher())
  }

  shouldYield(fiber: Fiber.Fiber<unknown, unknown>): boolean {
    return this.scheduler.shouldYield(fiber)
  }

  makeDispatcher(): Scheduler.SchedulerDispatcher {
    return this.dispatcher
  }
}

export const OneDispatcher = /* @__PURE__ */ shared("OneDispatcher", OwnDispatcher)

/** Fibers that take one turn together go on in the async contexts in which each of them yielded. */
class KeepingContexts implements Scheduler.SchedulerDispatcher {
  declare private readonly dispatcher: Scheduler.SchedulerDispatcher

  constructor(dispatcher: Scheduler.SchedulerDispatcher) {
    this.dispatcher = dispatcher
  }

  scheduleTask(task: () => void, priority: number): void {
    const context = asyncContext.capture()
    this.dispatcher.scheduleTask(asyncContext.stores.seen ? () => asyncContext.run(context, task) : task, priority)
  }

  flush(): void {
    this.dispatcher.flush()
  }
}

/**
 * Keeps chains of actors off the JavaScript stack.
 *
 * A call may start on its caller's stack, and a call that settles resumes its waiters on its own: that is what makes an
 * ask cheap. A chain of 100,000 actors would overflow the stack both ways, so beyond a small depth calls are left to the
 * scheduler, and waiters to a list that the outermost frame works off.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Scheduler from "effect/Scheduler"
import { shared } from "./copies.ts"
import { printable } from "./show.ts"

/** Deep enough to make the detour rare, shallow enough for methods that use much stack themselves. */
const MAX_DEPTH = 24

let depth = 0
/** How many lines of calls are being worked off on this stack. */
let batches = 0

interface Notice {
  readonly observers: ReadonlyArray<(exit: Exit.Exit<any, any>) => void>
  readonly exit: Exit.Exit<any, any>
}
let backlog: Array<Notice> = []

/** Has the scheduler do something soon. If it is a user's and throws, another one does it. */
export const later = (
  dispatcher: Scheduler.SchedulerDispatcher | undefined,
  context: Context.Context<never>,
  task: () => void
): void => {
  try {
    const turn = dispatcher ?? Context.get(context, Scheduler.Scheduler).makeDispatcher()
    turn.scheduleTask(task, 0)
  } catch {
    new Scheduler.MixedScheduler().makeDispatcher().scheduleTask(task, 0)
  }
}

/** What this copy of the package has, if it is the first one: the others count on the same stack. */
const own = {
  /** Whether what comes next should be left to the scheduler. */
  isDeep: (): boolean => depth >= MAX_DEPTH,

  /** Call before going one level deeper, and {@link leave} in a `finally`. */
  enter: (): void => {
    depth++
  },

  leave: (): void => {
    depth--
    if (depth === 0 && backlog.length > 0) workOff()
  },

  /**
   * Call before starting a batch of calls, and {@link endBatch} in a `finally`. Waiters hear of the results when the batch
   * is done: who waits for many calls is resumed once, not once for each of them.
   */
  startBatch: (): void => {
    depth++
    batches++
  },

  endBatch: (): void => {
    batches--
    leave()
  },

  /** Tells those who wait of what a batch has come to so far. */
  tellNow: (): void => {
    if (backlog.length > 0 && !isDeep()) workOff()
  },

  /** Tells everybody in `observers` about `exit`, now, or when the stack is shallow again. */
  notify: (observers: Notice["observers"], exit: Exit.Exit<any, any>): void => {
    if (batches > 0 || isDeep()) {
      backlog.push({ observers, exit })
      return
    }
    enter()
    try {
      for (let i = 0; i < observers.length; i++) tell(observers[i]!, exit)
    } finally {
      leave()
    }
  }
}

export const { endBatch, enter, isDeep, leave, notify, startBatch, tellNow } = /* @__PURE__ */ shared("stack", own)

/** Whoever waits may throw, in a callback of a fiber that ends with it: the others hear of the result all the same. */
const tell = (observer: Notice["observers"][number], exit: Exit.Exit<any, any>): void => {
  try {
    observer(exit)
  } catch (defect) {
    Effect.runFork(Effect.logError("A callback that was told of a result threw", printable(Cause.die(defect))))
  }
}

const workOff = (): void => {
  while (backlog.length > 0) {
    const notices = backlog
    backlog = []
    // Those who are told go on and may settle more. `depth` is held at one, so that they append to the backlog
    // rather than start working it off inside.
    depth++
    try {
      for (const { exit, observers } of notices) for (let i = 0; i < observers.length; i++) tell(observers[i]!, exit)
    } finally {
      depth--
    }
  }
}

/**
 * The scheduler that makes everything a choice: which task runs next, and whether a fiber goes on with its next
 * operation. Whoever asks for a dispatcher gets the same one, so that the drains of an actor's lines are tasks like the
 * continuations of fibers.
 */
import * as Fiber from "effect/Fiber"
import type * as Scheduler from "effect/Scheduler"
import { isRunning, mayBeInterrupted, parentOf } from "./effectInternals.ts"
import { type Preemption, placeOf, type Step } from "./plan.ts"
import { type Chooser, type Task, Thread } from "./thread.ts"
import type { Turn } from "./turns.ts"

/** The nearest of a thread and those that made it whose fiber is on the stack. */
const running = (thread: Thread): Thread | undefined => {
  for (let at: Thread | undefined = thread; at !== undefined; at = at.parent) {
    if (isRunning(at.fiber)) return at
  }
  return undefined
}

/** Sees what happens, for those who print it. */
export interface Witness {
  operation(thread: Thread): void
  preempted(thread: Thread): void
  resumed(thread: Thread): void
}

const note = (turns: Array<Turn>, { id, operations }: Thread): void => {
  const turn = { thread: id, until: operations }
  if (turns.at(-1)?.thread === id) turns[turns.length - 1] = turn
  else turns.push(turn)
}

export class ExplorerScheduler implements Scheduler.Scheduler, Scheduler.SchedulerDispatcher {
  readonly executionMode = "sync" as const
  readonly tasks: Array<Task> = []
  /** Every fiber that has begun. */
  readonly fibers = new Map<Fiber.Fiber<unknown, unknown>, Thread>()
  /** In what this schedule differs from the plain one. */
  readonly plan: Array<Step> = []
  /** Who ran when. Noted only if there is a list to note it in. */
  turns: Array<Turn> | undefined = undefined
  /** Operations and tasks so far. */
  steps = 0
  preemptions = 0
  /** Who runs, or ran last. */
  current: Thread
  /** The thread of the next new fiber, where that is known before the fiber is. */
  next: Thread | undefined = undefined
  /** Knows which thread a new fiber is, if it is not one of its own. */
  threadFor: (fiber: Fiber.Fiber<unknown, unknown>) => Thread | undefined = () => undefined
  witness: Witness | undefined = undefined

  readonly root = new Thread(undefined)
  private chooser: Chooser
  private maxSteps: number
  /** The fiber that has been told to yield, and whose next task is its own continuation. */
  private yielding: Fiber.Fiber<unknown, unknown> | undefined = undefined
  /** The thread that has nobody below it on the stack, when that is known. */
  private bottom: Thread | undefined = undefined
  /** The preemption that has just been, until somebody goes on. */
  private preemption: Preemption | undefined = undefined
  /** Whether no fiber has run since the present task began, and whether it is one that {@link Task.resumes}. */
  private fresh = false
  private resumes = false
  private lastFiber: Fiber.Fiber<unknown, unknown> | undefined = undefined
  private lastThread: Thread
  /** How many choices there were, by their names. */
  private readonly choices = new Map<string, number>()

  constructor(chooser: Chooser, maxSteps: number) {
    this.chooser = chooser
    this.maxSteps = maxSteps
    this.current = this.lastThread = this.root
  }

  makeDispatcher(): Scheduler.SchedulerDispatcher {
    return this
  }

  flush(): void {
    // Only for callers that cannot wait. There are none: whoever runs a schedule runs all of it.
  }

  get exhausted(): boolean {
    return this.steps > this.maxSteps
  }

  /** Called before each operation of each fiber. */
  shouldYield(fiber: Fiber.Fiber<unknown, unknown>): boolean {
    const thread = fiber === this.lastFiber ? this.lastThread : this.threadOf(fiber)
    this.current = thread
    this.preemption = undefined
    // A program that never ends stops here, and never gets its next turn.
    if (++this.steps > this.maxSteps) return this.stopFor(fiber)
    const { fresh } = this
    const resumes = fresh && this.resumes
    const { preempted } = thread
    this.fresh = false
    if (resumes) {
      this.bottom = thread
      this.witness?.resumed(thread)
    }
    thread.preempted = preempted === "resumes" && resumes ? "repeats" : undefined
    if (thread.preempted === "repeats") return false
    thread.operations++
    // It has just been chosen to run: to choose once more would make no difference.
    if (resumes) return this.goOn(thread)
    if (preempted === "repeats") return this.begins(thread)
    // A fiber that is interrupted before it began ends now. Were it preempted, Effect would begin it all the same.
    if (thread.operations === 1 && mayBeInterrupted(fiber)) return this.goOn(thread)
    // With nobody else to run, it would only be chosen again.
    const onTop = this.bottom !== thread
    if ((onTop || this.tasks.length > 0) && this.chooser.preempt(thread, this.tasks, onTop)) {
      this.preemptions++
      this.preemption = { _tag: "Preempt", thread: thread.id, operation: thread.operations }
      this.plan.push(this.preemption)
      this.witness?.preempted(thread)
      // It is still to begin.
      thread.operations--
      thread.preempted = "resumes"
      return this.stopFor(fiber)
    }
    return this.begins(thread)
  }

  private begins(thread: Thread): false {
    this.witness?.operation(thread)
    return this.goOn(thread)
  }

  private goOn(thread: Thread): false {
    if (this.turns !== undefined) note(this.turns, thread)
    return false
  }

  private stopFor(fiber: Fiber.Fiber<unknown, unknown>): true {
    this.yielding = fiber
    return true
  }

  private threadOf(fiber: Fiber.Fiber<unknown, unknown>): Thread {
    let thread = this.fibers.get(fiber)
    if (thread === undefined) {
      thread = this.next ?? this.threadFor(fiber) ?? this.newThread(fiber)
      this.next = undefined
      thread.fiber = fiber
      this.fibers.set(fiber, thread)
    }
    this.lastFiber = fiber
    this.lastThread = thread
    return thread
  }

  private newThread(fiber: Fiber.Fiber<unknown, unknown>): Thread {
    const { current } = this
    // A task that begins with a fiber nobody has seen is the start of a forked fiber: they are one thread.
    if (this.fresh && current.fiber === undefined && current !== this.root) return current
    const parent = parentOf(fiber)
    return this.make((parent && this.fibers.get(parent)) ?? running(current) ?? current)
  }

  /** Makes a thread on behalf of another one. */
  make(parent: Thread): Thread {
    const thread = new Thread(parent)
    this.chooser.made?.(thread)
    return thread
  }

  scheduleTask(run: () => void): void {
    const { yielding } = this
    this.yielding = undefined
    if (yielding !== undefined && Fiber.getCurrent() === yielding) {
      this.tasks.push({ run, thread: this.fibers.get(yielding)!, resumes: true })
    } else {
      // The fiber that runs now, which need not be the last that began an operation.
      const fiber = Fiber.getCurrent()
      const parent = (fiber && this.fibers.get(fiber)) ?? this.current
      this.tasks.push({ run, thread: this.make(parent), resumes: false })
    }
  }

  /** Adds a task on behalf of a thread that waits for it. */
  wake(waiter: Thread, run: () => void): void {
    this.tasks.push({ run, thread: this.make(waiter), resumes: true })
  }

  /** Adds a task that belongs to no fiber. */
  add(parent: Thread, run: () => void): void {
    this.tasks.push({ run, thread: this.make(parent), resumes: false })
  }

  /** Which of `options` outcomes happens at a place with this name. */
  choose(name: string, options: number, likelihood: number): number {
    const count = this.choices.get(name) ?? 0
    this.choices.set(name, count + 1)
    const outcome = this.chooser.choose(name, count, options, likelihood)
    if (outcome > 0) this.plan.push({ _tag: "Choose", place: placeOf(name, count), outcome })
    return outcome
  }

  /** Runs tasks until there are none, or there have been too many steps. */
  run(): void {
    const { tasks } = this
    while (tasks.length > 0 && this.steps <= this.maxSteps) {
      const index = tasks.length === 1 ? 0 : this.pick()
      const task = tasks[index]!
      this.preemption = undefined
      if (this.turns !== undefined) note(this.turns, task.thread)
      if (index === 0) tasks.shift()
      else tasks.splice(index, 1)
      this.steps++
      this.current = task.thread
      this.bottom = undefined
      this.fresh = true
      this.resumes = task.resumes
      this.yielding = undefined
      task.run()
    }
  }

  /** Ends the schedule: what still runs may take so many steps more, in whatever order. */
  release(steps: number): void {
    this.maxSteps = this.steps + steps
    this.chooser = { preempt: () => false, pick: () => 0, choose: () => 0 }
    this.witness = undefined
  }

  private pick(): number {
    const { current: previous, plan, preemption } = this
    const index = this.chooser.pick(this.tasks, previous, preemption !== undefined)
    if (index === 0) return index
    const next = this.tasks[index]!.thread.id
    // Who goes on after a preemption is a part of it: one choice, which is made or is not.
    if (preemption !== undefined) plan[plan.length - 1] = { ...preemption, next }
    else plan.push({ _tag: "Pick", thread: previous.id, operation: previous.operations, next })
    return index
  }
}

/**
 * What a schedule is made of: threads, the tasks in which they go on, and who chooses among these.
 */
import type * as Fiber from "effect/Fiber"
import { combine } from "./random.ts"

/**
 * One line of execution: a fiber, or a task that belongs to none. `id` follows from who made it and how many they had
 * made by then, so that it is the same in every schedule in which it is made the same way.
 */
export class Thread {
  readonly id: number
  readonly parent: Thread | undefined
  /** Its place among the threads that its parent made, counted from 1. */
  readonly index: number
  /** How many operations it has begun. It is the same however often it was preempted, so that plans can be changed. */
  operations = 0
  /**
   * After a preemption: `"resumes"` until it goes on, with an operation of the yield and not of the program, and `"repeats"`
   * until it begins the one before which it was preempted.
   */
  preempted: "resumes" | "repeats" | undefined = undefined
  children = 0
  /** For strategies to use. */
  priority = 0
  fiber: Fiber.Fiber<unknown, unknown> | undefined = undefined
  /** The name of its own, if it has one. */
  label: string | undefined = undefined

  constructor(parent: Thread | undefined) {
    this.parent = parent
    this.index = parent === undefined ? 0 : ++parent.children
    this.id = parent === undefined ? 1 : combine(parent.id, this.index)
  }

  /** What a person calls it: the program, a call, or a part of what one of these has started. */
  get name(): string {
    if (this.label !== undefined) return this.label
    return this.parent === undefined ? "start" : `${this.parent.name}/${this.index}`
  }
}

export interface Task {
  readonly run: () => void
  readonly thread: Thread
  /** Whether the task is known to go on with a fiber that had begun, and to do nothing else. */
  readonly resumes: boolean
}

/** Makes the choices of one schedule. */
export interface Chooser {
  /**
   * Whether `thread` is preempted before its next operation. Asked only where it makes a difference. `onTop` tells that
   * somebody else may be below it on the stack, who would go on then.
   */
  preempt(thread: Thread, tasks: ReadonlyArray<Task>, onTop: boolean): boolean
  /** Which of at least two tasks runs next, after `previous` has stopped, or was preempted. */
  pick(tasks: ReadonlyArray<Task>, previous: Thread, preempted: boolean): number
  /**
   * Which of `options` outcomes happens at a place: the one of this name before which there were `count`. 0 is what usually
   * happens. `likelihood` is that of all others together.
   */
  choose(name: string, count: number, options: number, likelihood: number): number
  /** A thread has been made. */
  made?(thread: Thread): unknown
}

/**
 * Which tasks the threads of a pool serve.
 */
import type * as Home from "@troupe/core/Home"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { difference, taskText } from "../values/signature.ts"
import type { Greeting } from "../wire/protocol.ts"
import { twoOfOneName } from "../wire/taskRunner.ts"

/** The tasks that the threads say that they serve, all of them the same, and the functions that callers know by these names. */
export class ServedTasks {
  private tasks: Greeting["tasks"] | undefined = undefined
  /** The function that each task was first called with. */
  private readonly runs = new Map<string, Home.TaskDefinition["run"]>()
  private readonly issues = new WeakMap<Home.TaskDefinition, { readonly issue: string | undefined }>()

  /** Checks the greeting of each thread, those that replace others included. */
  readonly agree = ({ tasks }: Greeting): string | undefined => {
    this.tasks ??= tasks
    const issue = differenceOf(this.tasks, tasks, "in the new thread")
    return issue && `it does not serve the tasks that the threads before it do: ${issue}`
  }

  get names(): ReadonlyArray<string> {
    return Object.keys(this.tasks!)
  }

  has(name: string): boolean {
    return Object.hasOwn(this.tasks!, name)
  }

  /** Why a task is not the one of that name which the threads serve, as far as that can be known. */
  issueWith(task: Home.TaskDefinition): string | undefined {
    const known = this.issues.get(task)
    if (known !== undefined) return known.issue
    const issue = this.findIssue(task)
    this.issues.set(task, { issue })
    return issue
  }

  private findIssue(task: Home.TaskDefinition): string | undefined {
    const { name, run } = task
    if (!this.runs.has(name)) this.runs.set(name, run)
    if (this.runs.get(name) !== run) return twoOfOneName(name)
    const issue = differenceOf({ [name]: taskText(task) }, { [name]: this.tasks![name]! }, "in the threads")
    return issue && `the task is not the same on both sides: ${issue}. Build both from the same sources.`
  }
}

const differenceOf = (here: Greeting["tasks"], there: Greeting["tasks"], where: string): string | undefined =>
  difference({ key: undefined, methods: here }, { key: undefined, methods: there }, where)

/** Nothing else would tell that such a task blocks its caller's thread, and that the pool idles. */
export const warnOnce = (served: ReadonlyArray<string>, context: Context.Context<never>) => {
  const warned = new Set<string>()
  return (task: string): void => {
    if (warned.has(task)) return
    warned.add(task)
    const known = served.length === 0 ? "none" : served.slice(0, 5).join(", ") + (served.length > 5 ? ", ..." : "")
    const message = `TaskPool: the threads do not serve the task "${task}", so it runs in, and may block, the thread of its caller. Add it to TaskPool.serve([...]) in their file (which serves ${known}), or say onUnserved: "run" if that is intended.`
    Effect.runForkWith(context)(Effect.logWarning(message))
  }
}

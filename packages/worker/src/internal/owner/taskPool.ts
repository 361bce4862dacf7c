/**
 * Sends the calls of tasks to the threads of a pool, each to the one that has least to do.
 */
import * as ActorError from "@troupe/core/ActorError"
import * as Home from "@troupe/core/Home"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { TaskPoolOptions } from "../../TaskPool.ts"
import type { WorkerFailed } from "../../WorkerFailed.ts"
import { argumentsCannotCross, cannotCross, decodeError, misfitAmong } from "../values/issues.ts"
import { type PackedFailure, taskCodec } from "../values/taskCodec.ts"
import { mark, movedBy } from "../values/transfer.ts"
import { TaskRunner, type TaskRunnerHandle } from "../wire/taskRunner.ts"
import { spawn } from "./homes.ts"
import { ServedTasks, warnOnce } from "./servedTasks.ts"
import { sizeOf, threadOptions } from "./settings.ts"

interface Member {
  readonly runner: TaskRunnerHandle
  /** The runner's method under the name of each task, for errors and spans to show. */
  readonly runs: Map<string, TaskRunnerHandle["run"]>
  /** How many calls it has. */
  busy: number
}

export const layer = (input: TaskPoolOptions): Layer.Layer<never, WorkerFailed> => {
  Home.checkOptions("TaskPool", input, { ...threadOptions, maxTaskRetries: true, restart: true, onUnserved: true })
  const { maxTaskRetries = 0, onUnserved = "warn", size = "max", ...options } = input
  if (onUnserved !== "warn" && onUnserved !== "run")
    throw new RangeError(`TaskPool: onUnserved must be "warn" or "run", but is ${String(onUnserved)}`)
  return Layer.effect(Home.Tasks)(
    Effect.gen(function* () {
      const home = { ...options, maxConcurrency: Infinity }
      const served = new ServedTasks()
      const start: Effect.Effect<TaskRunnerHandle, WorkerFailed, Scope.Scope> = spawn(
        TaskRunner as any,
        home,
        served.agree
      )
      const runners = yield* Effect.all(
        Array.from({ length: sizeOf("TaskPool", size) }, () => start),
        { concurrency: "unbounded" }
      )
      const members = runners.map((runner): Member => ({ runner, runs: new Map(), busy: 0 }))
      const context = yield* Effect.context<never>()
      const noteUnserved = onUnserved === "run" ? () => {} : warnOnce(served.names, context)
      return {
        find: (name, task) => {
          if (!served.has(name)) {
            noteUnserved(name)
            return undefined
          }
          const issue = served.issueWith(task)
          return issue === undefined
            ? (args) => Effect.contextWith((context) => run(members, task, args, Home.callIn(context)!, maxTaskRetries))
            : () => Effect.fail(decodeError(name, "run", issue, false))
        }
      }
    })
  )
}

const leastBusy = (members: ReadonlyArray<Member>): Member =>
  members.reduce((least, member) => (member.busy < least.busy ? member : least))

/**
 * Runs a call on the thread that has least to do, and again on another if it did not start there, or if the thread was lost
 * and the retries of the task allow it, or those of the pool.
 */
const run = (
  members: Array<Member>,
  task: Home.TaskDefinition,
  args: ReadonlyArray<unknown>,
  call: Home.Call,
  maxTaskRetries: number,
  mayHaveRun = false
): Effect.Effect<unknown, unknown> => {
  const member = leastBusy(members)
  const again = (error: unknown): boolean => {
    const reason = reasonOf(task, error)
    if (reason?._tag === "ActorDied") return !reason.mayHaveRun && leave(member, members)
    return reason?._tag === "ActorUnavailable" && Home.runsAgain(call, maxTaskRetries)
  }
  return Effect.catchIf(runOn(member, task, args, mayHaveRun), again, (error) =>
    run(members, task, args, call, maxTaskRetries, mayHaveRun || reasonOf(task, error)!.mayHaveRun)
  )
}

/** Counts the call for as long as it lasts: a caller that is interrupted must not leave its member busy for ever. */
const runOn = (member: Member, task: Home.TaskDefinition, args: ReadonlyArray<unknown>, mayHaveRun: boolean) =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      member.busy++
    }),
    () => send(member, task, args, mayHaveRun),
    () =>
      Effect.sync(() => {
        member.busy--
      })
  )

/** Why a call failed, if that was not the task itself, nor an actor that it called. */
const reasonOf = ({ name }: Home.TaskDefinition, error: unknown): ActorError.Reason | undefined =>
  ActorError.isActorError(error) && error.reason.actor === name ? error.reason : undefined

/** A thread that is not replaced any more gets no calls. The last one stays, so that its errors say of what it died. */
const leave = (member: Member, members: Array<Member>): boolean => {
  const at = members.indexOf(member)
  if (members.length === 1 && at === 0) return false
  if (at >= 0) members.splice(at, 1)
  return true
}

const send = (
  member: Member,
  task: Home.TaskDefinition,
  args: ReadonlyArray<unknown>,
  mayHaveRun: boolean
): Effect.Effect<unknown, unknown> => {
  const codec = taskCodec(task)
  let packed: ReadonlyArray<unknown>
  try {
    packed = codec.args.pack(args) as ReadonlyArray<unknown>
  } catch (error) {
    return Effect.fail(decodeError(task.name, "run", argumentsCannotCross(args, error), mayHaveRun))
  }
  const transferred = movedBy(args)
  const sent = transferred === undefined ? packed : mark([...packed], transferred)
  const answer = Effect.mapError(runOf(member, task.name)(task.name, sent), (failure: PackedFailure) =>
    ActorError.isActorError(failure) ? asOfTask(failure, task, packed) : codec.failure.unpack(failure)
  )
  return task.success === undefined ? answer : Effect.map(answer, codec.success.unpack)
}

const runOf = ({ runner, runs }: Member, name: string): TaskRunnerHandle["run"] => {
  const known = runs.get(name)
  if (known !== undefined) return known
  const run = runner.run.options({ name })
  runs.set(name, run)
  return run
}

/** Callers know nothing of our actor: an error of it becomes one of the task. */
const asOfTask = (
  error: ActorError.ActorError,
  task: Home.TaskDefinition,
  args: ReadonlyArray<unknown>
): ActorError.ActorError => {
  const { reason } = error
  if (reason.actor !== TaskRunner.key) return error
  if (reason._tag === "DecodeError") {
    const misfit = reason.mayHaveRun ? undefined : misfitAmong(args)
    const issue = misfit === undefined ? reason.issue : cannotCross("an argument", misfit)
    return decodeError(task.name, "run", issue, reason.mayHaveRun)
  }
  const Reason = reason.constructor as new (fields: object) => ActorError.Reason
  const because = "cause" in reason ? { cause: reason.cause } : undefined
  return Home.actorError(() => new Reason({ ...reason, ...because, actor: task.name }))
}

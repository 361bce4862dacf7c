/**
 * Tasks in threads. Each thread has one instance of an actor of ours, whose one method runs any task.
 */
import * as Actor from "@troupe/core/Actor"
import * as ActorError from "@troupe/core/ActorError"
import * as Home from "@troupe/core/Home"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { TaskPoolOptions } from "../../TaskPool.ts"
import type { WorkerFailed } from "../../WorkerFailed.ts"
import { serve as serveActor } from "../thread/serve.ts"
import { type PackedDefect, packDefect, unpackDefect } from "../values/causes.ts"
import { anyArgs, argsCodec, type Codec, codecOf, Packed } from "../values/codec.ts"
import { attempt } from "../values/guard.ts"
import { argumentsCannotCross, cannotCross, misfitAmong } from "../values/issues.ts"
import { mark, moved, movedBy } from "../values/transfer.ts"
import type { Greeting } from "../wire/protocol.ts"
import { spawn } from "./homes.ts"
import { ofThreads, sizeOf } from "./threads.ts"

class Runner extends Actor.Service<Runner>()("troupe/TaskPool", {
  methods: {
    // Only the task knows how its values cross, so they are packed here.
    run: Actor.method({ args: [Schema.String, Packed], success: Packed, error: Packed })
  }
}) {}

type RunnerHandle = Actor.Handle<Actor.MethodsOf<(typeof Runner)["methods"], never>>

// --- the caller's side -----------------------------------------------------------------------------------------------

interface Member {
  readonly runner: RunnerHandle
  /** What runs a task, under the name of the task. */
  readonly runs: Map<string, RunnerHandle["run"]>
  /** How many calls it has. */
  busy: number
}

export const layer = (input: TaskPoolOptions): Layer.Layer<never, WorkerFailed> => {
  Home.checkOptions("TaskPool", input, { ...ofThreads, maxTaskRetries: true, restart: true, onUnserved: true })
  const { maxTaskRetries = 0, onUnserved = "warn", size = "max", ...options } = input
  if (onUnserved !== "warn" && onUnserved !== "run")
    throw new RangeError(`TaskPool: onUnserved must be "warn" or "run", but is ${String(onUnserved)}`)
  return Layer.effect(Home.Tasks)(
    Effect.gen(function* () {
      const home = { ...options, maxConcurrency: Infinity, maxTaskRetries }
      const known = new Known()
      const start: Effect.Effect<RunnerHandle, WorkerFailed, Scope.Scope> = spawn(Runner as any, home, known.agree)
      const runners = yield* Effect.all(
        Array.from({ length: sizeOf("TaskPool", size) }, () => start),
        { concurrency: "unbounded" }
      )
      const members = runners.map((runner): Member => ({ runner, runs: new Map(), busy: 0 }))
      const context = yield* Effect.context<never>()
      const noteUnserved = onUnserved === "run" ? () => {} : warnOnce(known.names, context)
      return {
        find: (name, task) => {
          if (!known.serves(name)) {
            noteUnserved(name)
            return undefined
          }
          const issue = known.issueWith(task)
          return issue === undefined
            ? (args) => run(members, task, args)
            : () => Effect.fail(decodeError(task, issue, false))
        }
      }
    })
  )
}

/** What the threads say that they serve, which is to be the same for all of them, and what their owner calls. */
class Known {
  private tasks: Greeting["tasks"] | undefined = undefined
  /** The function that each task was first called with. */
  private readonly runs = new Map<string, Home.TaskDefinition["run"]>()
  private readonly issues = new WeakMap<Home.TaskDefinition, { readonly issue: string | undefined }>()

  /** Of each thread, those that replace others included. */
  readonly agree = ({ tasks }: Greeting): string | undefined => {
    this.tasks ??= tasks
    const difference = differenceOf(this.tasks, tasks, "in the new thread")
    return difference && `it does not serve the tasks that the threads before it do: ${difference}`
  }

  get names(): ReadonlyArray<string> {
    return Object.keys(this.tasks!)
  }

  serves(name: string): boolean {
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
    if (this.runs.get(name) !== run) return `${twoOfOneName(name)}`
    const difference = differenceOf({ [name]: Home.taskText(task) }, { [name]: this.tasks![name]! }, "in the threads")
    return difference && `the task is not the same on both sides: ${difference}. Build both from the same sources.`
  }
}

const differenceOf = (here: Greeting["tasks"], there: Greeting["tasks"], where: string): string | undefined =>
  Home.difference({ key: undefined, methods: here }, { key: undefined, methods: there }, where)

const twoOfOneName = (name: string): string =>
  `two tasks with different functions are called "${name}", and threads know them by their names. Give each its own name, or make it once, outside of functions.`

/** Nothing else would tell that such a task blocks its caller's thread, and that the pool idles. */
const warnOnce = (served: ReadonlyArray<string>, context: Context.Context<never>) => {
  const warned = new Set<string>()
  return (task: string): void => {
    if (warned.has(task)) return
    warned.add(task)
    const known = served.length === 0 ? "none" : served.slice(0, 5).join(", ") + (served.length > 5 ? ", ..." : "")
    const message = `TaskPool: the threads do not serve the task "${task}", so it runs in, and may block, the thread of its caller. Add it to TaskPool.serve([...]) in their file (which serves ${known}), or say onUnserved: "run" if that is intended.`
    Effect.runForkWith(context)(Effect.logWarning(message))
  }
}

const leastBusy = (members: ReadonlyArray<Member>): Member =>
  members.reduce((least, member) => (member.busy < least.busy ? member : least))

/** Counts the call for as long as it lasts, so that nobody who is interrupted leaves a member busy for ever. */
const run = (
  members: Array<Member>,
  task: Home.TaskDefinition,
  args: ReadonlyArray<unknown>
): Effect.Effect<unknown, unknown> => {
  const member = leastBusy(members)
  const call = Effect.acquireUseRelease(
    Effect.sync(() => {
      member.busy++
    }),
    () => send(member, task, args),
    () =>
      Effect.sync(() => {
        member.busy--
      })
  )
  return Effect.catchIf(
    call,
    (error) => diedUnstarted(task, error) && leave(member, members),
    () => run(members, task, args)
  )
}

const diedUnstarted = ({ name }: Home.TaskDefinition, error: unknown): boolean =>
  ActorError.isActorError(error) &&
  error.reason._tag === "ActorDied" &&
  error.reason.actor === name &&
  !error.reason.mayHaveRun

/** A thread that is not replaced any more gets no calls. The last one stays, to say of what it died. */
const leave = (member: Member, members: Array<Member>): boolean => {
  const at = members.indexOf(member)
  if (members.length === 1 && at === 0) return false
  if (at >= 0) members.splice(at, 1)
  return true
}

const send = (
  member: Member,
  task: Home.TaskDefinition,
  args: ReadonlyArray<unknown>
): Effect.Effect<unknown, unknown> => {
  const way = wayOf(task)
  let packed: ReadonlyArray<unknown>
  try {
    packed = way.args.pack(args) as ReadonlyArray<unknown>
  } catch (error) {
    return Effect.fail(decodeError(task, argumentsCannotCross(args, error), false))
  }
  const transferred = movedBy(args)
  const sent = transferred === undefined ? packed : mark([...packed], transferred)
  const answer = Effect.mapError(runOf(member, task.name)(task.name, sent), (failure: PackedFailure) =>
    ActorError.isActorError(failure) ? retold(failure, task, packed) : way.failure.unpack(failure)
  )
  return task.success === undefined ? answer : Effect.map(answer, way.success.unpack)
}

const runOf = ({ runner, runs }: Member, name: string): RunnerHandle["run"] => {
  const known = runs.get(name)
  if (known !== undefined) return known
  const run = runner.run.options({ name })
  runs.set(name, run)
  return run
}

/** What happens to our actor happens to the task, as far as callers can see. */
const retold = (
  error: ActorError.ActorError,
  task: Home.TaskDefinition,
  args: ReadonlyArray<unknown>
): ActorError.ActorError => {
  const { reason } = error
  if (reason.actor !== Runner.key) return error
  if (reason._tag === "DecodeError") {
    const misfit = reason.mayHaveRun ? undefined : misfitAmong(args)
    return decodeError(
      task,
      misfit === undefined ? reason.issue : cannotCross("an argument", misfit),
      reason.mayHaveRun
    )
  }
  const Reason = reason.constructor as new (fields: object) => ActorError.Reason
  const because = "cause" in reason ? { cause: reason.cause } : undefined
  return new ActorError.ActorError({ reason: new Reason({ ...reason, ...because, actor: task.name }) })
}

const decodeError = ({ name }: Home.TaskDefinition, issue: string, mayHaveRun: boolean): ActorError.ActorError =>
  new ActorError.ActorError({ reason: new ActorError.DecodeError({ actor: name, method: "run", issue, mayHaveRun }) })

// --- how a task crosses ----------------------------------------------------------------------------------------------

interface Way {
  readonly args: Codec
  readonly success: Codec
  readonly failure: Codec
}

/** A failure that the schema of the task covers, or another one, whose fields cross. */
type PackedFailure = { readonly covered: unknown } | { readonly other: PackedDefect }

const ways = new WeakMap<Home.TaskDefinition, Way>()

const wayOf = (task: Home.TaskDefinition): Way => {
  const known = ways.get(task)
  if (known !== undefined) return known
  const args = task.args as ReadonlyArray<Schema.Top> | undefined
  const way: Way = {
    args: args === undefined ? anyArgs : argsCodec(args),
    success: codecOf((task.success as Schema.Top | undefined) ?? Schema.Any),
    failure: failureCodec(task.error as Schema.Top | undefined)
  }
  ways.set(task, way)
  return way
}

const failureCodec = (schema: Schema.Top = Schema.Never): Codec => {
  const covers = Schema.is(Schema.toType(schema) as Schema.Schema<unknown>)
  const { pack, unpack } = codecOf(schema)
  return {
    pack: (failure): PackedFailure =>
      attempt(() => covers(failure), false) ? { covered: pack(failure) } : { other: packDefect(failure, 0) },
    unpack: (packed: PackedFailure) => ("covered" in packed ? unpack(packed.covered) : unpackDefect(packed.other))
  }
}

// --- in the thread ---------------------------------------------------------------------------------------------------

export const serve = (tasks: ReadonlyArray<unknown>, services: Layer.Layer<any, any> = Layer.empty as any): void => {
  const known = new Map<string, Home.TaskDefinition>()
  for (const task of tasks.map(checked)) {
    if ((known.get(task.name) ?? task).run !== task.run)
      throw new TypeError(`TaskPool.serve: ${twoOfOneName(task.name)}`)
    known.set(task.name, task)
  }
  const runner = Runner.toLayer(
    Effect.succeed(
      Runner.of({
        run: (name, packed) => perform(known.get(name)!, packed)
      })
    ),
    { maxConcurrency: Infinity }
  )
  const texts = [...known.values()].map((task) => [task.name, Home.taskText(task)])
  serveActor(Runner as any, Layer.provideMerge(runner, services), Object.fromEntries(texts))
}

const perform = (task: Home.TaskDefinition, packed: ReadonlyArray<unknown>): Effect.Effect<unknown, unknown> => {
  const way = wayOf(task)
  const crossing = <A>(what: string, mayHaveRun: boolean, cross: () => A) =>
    Effect.try({ try: cross, catch: (error) => decodeError(task, cannotCross(what, error), mayHaveRun) })
  const args = crossing("an argument", false, () => way.args.unpack(packed))
  const result = Effect.flatMap(args, (args) => Effect.scoped(task.run(...args)))
  return Effect.flatMap(
    Effect.mapError(result, (failure) => (ActorError.isActorError(failure) ? failure : way.failure.pack(failure))),
    (value) => crossing("the result", true, () => stillMoved(value, way.success.pack(value)))
  )
}

/** What was to move as a value moves as what it was packed into. */
const stillMoved = (value: unknown, packed: unknown): unknown => {
  const list = packed === value ? undefined : moved(value)
  return list === undefined ? packed : mark(packed as object, list)
}

const checked = (task: unknown): Home.TaskDefinition => {
  const known = Home.taskOf(task)
  if (known === undefined)
    throw new TypeError(`TaskPool.serve takes tasks made with Task.make, but got ${String(task)}`)
  return known
}

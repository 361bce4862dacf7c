/**
 * Tasks in threads. Each thread has one instance of an actor of ours, whose one method runs any task.
 */
import * as Actor from "@troupe/core/Actor"
import type { ActorError } from "@troupe/core/ActorError"
import * as Home from "@troupe/core/Home"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { TaskPoolOptions } from "../TaskPool.ts"
import type { WorkerFailed } from "../WorkerFailed.ts"
import { type PackedDefect, packDefect, unpackDefect } from "./causes.ts"
import { spawn } from "./homes.ts"
import { serve as serveActor } from "./serve.ts"
import { sizeOf } from "./threads.ts"
import { mark, movedBy } from "./transfer.ts"

class Runner extends Actor.Service<Runner>()("troupe/TaskPool", {
  methods: {
    names: Actor.method({ success: Schema.Array(Schema.String) }),
    run: Actor.method({
      args: [Schema.String, Schema.Array(Schema.Any)],
      success: Schema.Any,
      // Packed as defects are, by hand: there is no contract that could tell the class of a failure.
      error: Schema.Any
    })
  }
}) {}

type RunnerHandle = Actor.Handle<Actor.MethodsOf<(typeof Runner)["methods"], never>>

interface Member {
  readonly runner: RunnerHandle
  /** How many calls it has. */
  busy: number
}

export const layer = ({
  maxTaskRetries = 0,
  size = "max",
  ...options
}: TaskPoolOptions): Layer.Layer<never, WorkerFailed> =>
  Layer.effect(Home.Tasks)(
    Effect.gen(function* () {
      const home = { ...options, maxConcurrency: Infinity, maxTaskRetries }
      const start: Effect.Effect<RunnerHandle, WorkerFailed, Scope.Scope> = spawn(Runner as any, home)
      const runners = yield* Effect.all(
        Array.from({ length: sizeOf("TaskPool", size) }, () => start),
        { concurrency: "unbounded" }
      )
      const members = runners.map((runner): Member => ({ runner, busy: 0 }))
      const served = new Set(yield* Effect.orDie(members[0]!.runner.names()))
      return {
        find: (task: string) =>
          served.has(task) ? (args: ReadonlyArray<unknown>) => run(leastBusy(members), task, args) : undefined
      }
    })
  )

/** Counts the call for as long as it lasts, so that nobody who is interrupted leaves a member busy for ever. */
const run = (member: Member, task: string, args: ReadonlyArray<unknown>): Effect.Effect<unknown, unknown> =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      member.busy++
    }),
    () => send(member, task, args),
    () =>
      Effect.sync(() => {
        member.busy--
      })
  )

const send = ({ runner }: Member, task: string, args: ReadonlyArray<unknown>): Effect.Effect<unknown, unknown> => {
  const moved = movedBy(args)
  const call = runner.run.options({ name: task })(task, moved === undefined ? args : mark([...args], moved))
  return Effect.mapError(call, (error: PackedDefect | ActorError) => ("reason" in error ? error : unpackDefect(error)))
}

const leastBusy = (members: ReadonlyArray<Member>): Member =>
  members.reduce((least, member) => (member.busy < least.busy ? member : least))

export const serve = (tasks: ReadonlyArray<unknown>, services: Layer.Layer<any, any> = Layer.empty as any): void => {
  const known = new Map(tasks.map(checked).map((task) => [task.name, task]))
  const runner = Runner.toLayer(
    Effect.succeed(
      Runner.of({
        names: () => Effect.succeed([...known.keys()]),
        run: (name, args) =>
          Effect.mapError(Effect.scoped(known.get(name)!.run(...args) as Effect.Effect<unknown, unknown>), (error) =>
            packDefect(error, 0)
          )
      })
    ),
    { maxConcurrency: Infinity }
  )
  serveActor(Runner as any, Layer.provideMerge(runner, services))
}

const checked = (task: unknown) => {
  const known = Home.taskOf(task)
  if (known === undefined)
    throw new TypeError(`TaskPool.serve takes tasks made with Task.make, but got ${String(task)}`)
  return known
}

/**
 * Runs tasks in this thread.
 */
import * as ActorError from "@troupe/core/ActorError"
import * as Home from "@troupe/core/Home"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { cannotCross, decodeError } from "../values/issues.ts"
import { taskText } from "../values/signature.ts"
import { taskCodec } from "../values/taskCodec.ts"
import { mark, moved } from "../values/transfer.ts"
import { TaskRunner, twoOfOneName } from "../wire/taskRunner.ts"
import { serve } from "./serve.ts"

export const serveTasks = (
  tasks: ReadonlyArray<unknown>,
  services: Layer.Layer<any, any> = Layer.empty as any
): void => {
  if (!Array.isArray(tasks)) throw new TypeError(`TaskPool.serve takes tasks in an array, but got ${Home.show(tasks)}`)
  const known = new Map<string, Home.TaskDefinition>()
  for (const task of tasks.map(checked)) {
    if ((known.get(task.name) ?? task).run !== task.run)
      throw new TypeError(`TaskPool.serve: ${twoOfOneName(task.name)}`)
    known.set(task.name, task)
  }
  const runner = TaskRunner.toLayer(
    Effect.succeed(
      TaskRunner.of({
        run: (name, packed) => perform(known.get(name)!, packed)
      })
    ),
    { maxConcurrency: Infinity }
  )
  const texts = [...known.values()].map((task) => [task.name, taskText(task)])
  serve(TaskRunner as any, Layer.provideMerge(runner, services), Object.fromEntries(texts))
}

const checked = (task: unknown): Home.TaskDefinition => {
  const known = Home.taskOf(task)
  if (known === undefined)
    throw new TypeError(`TaskPool.serve takes tasks made with Task.make, but got ${Home.show(task)}`)
  return known
}

const perform = (task: Home.TaskDefinition, packed: ReadonlyArray<unknown>): Effect.Effect<unknown, unknown> => {
  const codec = taskCodec(task)
  const crossing = <A>(what: string, mayHaveRun: boolean, cross: () => A) =>
    Effect.try({
      try: cross,
      catch: (error) => decodeError(task.name, "run", cannotCross(what, error), mayHaveRun)
    })
  const args = crossing("an argument", false, () => codec.args.unpack(packed))
  const result = Effect.flatMap(args, (args) => {
    const effect: unknown = Home.callUsers(task.run, args)
    if (Effect.isEffect(effect)) return Effect.scoped(effect as Effect.Effect<any, any>)
    return Effect.die(new TypeError(`${task.name} must return an Effect, but returned ${Home.noEffect(effect)}`))
  })
  return Effect.flatMap(
    Effect.mapError(result, (failure) => (ActorError.isActorError(failure) ? failure : codec.failure.pack(failure))),
    (value) => crossing("the result", true, () => stillMoved(value, codec.success.pack(value)))
  )
}

/** A value that was marked to move moves in its packed form, too. */
const stillMoved = (value: unknown, packed: unknown): unknown => {
  const list = packed === value ? undefined : moved(value)
  return list === undefined ? packed : mark(packed as object, list)
}

/**
 * How tasks get to threads: each thread of a pool has one instance of this actor, whose one method runs any task.
 */
import * as Actor from "@troupe/core/Actor"
import * as Schema from "effect/Schema"
import { Packed } from "../values/schemaFacts.ts"

export class TaskRunner extends Actor.Service<TaskRunner>()("troupe/TaskPool", {
  methods: {
    // Only the task knows how its values cross, so they arrive here packed.
    run: Actor.method({ args: [Schema.String, Packed], success: Packed, error: Packed })
  }
}) {}

export type TaskRunnerHandle = Actor.Handle<Actor.MethodsOf<(typeof TaskRunner)["methods"], never>>

/** Threads know tasks by their names, so a name must mean one task. */
export const twoOfOneName = (name: string): string =>
  `two tasks with different functions are called "${name}", and threads know them by their names. Give each its own name, or make it once, outside of functions.`

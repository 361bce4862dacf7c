/** Tasks belong to no system and never leave, so they have a process of their own here. */
import { assert, describe, it } from "@effect/vitest"
import { ActorSystem, Task } from "@troupe/core"
import { Effect, Exit, Latch, Redacted } from "effect"
import { ask } from "./http.ts"
import { inspect, ownSystem, promise } from "./inspectorSupport.ts"

describe("tasks", () => {
  it.live("the call of a task is explained by its number", () =>
    Effect.gen(function* () {
      const gate = Latch.makeUnsafe()
      const task = Task.make("test/gated-task", () => gate.await, { maxConcurrency: 1 })
      const first = yield* task.remote()
      const second = yield* task.remote()
      const { port } = yield* inspect()
      const { text } = (yield* promise(() => ask(port, `/api/explain/${second.id}`))).body
      assert.match(text, /test\/gated-task #\d+: waiting .* first in line behind `test\/gated-task` #\d+/)
      const { calls } = (yield* promise(() => ask(port, "/api/calls?actor=test/gated-task"))).body
      assert.match(calls.find(({ id }: { id: number }) => id === second.id).explained, /^waiting .* first in line/)
      gate.openUnsafe()
      yield* first
      yield* second
    }).pipe(ownSystem)
  )

  it.live("a task can be resized and its calls cancelled, but it cannot be ended, and that is said", () =>
    Effect.gen(function* () {
      const task = Task.make("test/endless-task", () => Effect.never, { maxConcurrency: 1 })
      const ref = yield* task.remote()
      const { port, token } = yield* inspect({ control: true })
      const headers = { authorization: `Bearer ${Redacted.value(token!)}` }
      const post = (path: string) => promise(() => ask(port, `/api/${path}`, { method: "POST", headers }))
      const { instance } = (yield* ActorSystem.snapshot({ actor: "test/endless-task" })).instances[0]!
      for (const how of ["kill", "stop"]) {
        const { body, status } = yield* post(`${how}/${instance}`)
        assert.strictEqual(status, 400)
        assert.include(body.error, "test/endless-task is a task, which cannot be ended")
      }
      assert.strictEqual((yield* post(`resize/${instance}?limit=2`)).status, 200)
      assert.deepStrictEqual((yield* post(`cancel/${ref.id}`)).body, { result: "Interrupted" })
      assert.isTrue(Exit.isFailure(yield* Effect.exit(ref)))
    }).pipe(ownSystem)
  )
})

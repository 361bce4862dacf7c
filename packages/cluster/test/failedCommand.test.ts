import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it, vi } from "@effect/vitest"
import { ClusterHome, ClusterNode, Delivery, DurableCalls, Reminders } from "@troupe/cluster"
import { Actor } from "@troupe/core"
import { Console, Effect, Layer, Schema } from "effect"
import { Command } from "effect/cli"

vi.setConfig({ testTimeout: 60_000 })

class Desk extends Actor.Keyed<Desk>()("test/Desk", {
  key: Schema.String,
  methods: { burn: Delivery.durable(Actor.method({ success: Schema.String })), wake: Actor.method() }
}) {}

const live = Desk.toLayer(() =>
  Effect.succeed(Desk.of({ burn: () => Effect.die(new Error("a bug")), wake: () => Effect.die(new Error("broken")) }))
)

/** Runs `troupe failed`, and gives what it printed. */
const failed = (...args: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const out: Array<string> = []
    const err: Array<string> = []
    const console: Console.Console = {
      ...globalThis.console,
      log: (...parts) => void out.push(parts.join(" ")),
      error: (...parts) => void err.push(parts.join(" "))
    }
    yield* Command.runWith(ClusterNode.failed, { version: "0" })(args).pipe(
      Effect.provide(NodeServices.layer),
      Effect.provideService(Console.Console, console),
      Effect.exit
    )
    return { out: out.join("\n"), err: err.join("\n") }
  })

describe("troupe failed", () => {
  it.live("lists the durable calls and reminders that failed, runs them again, and deletes them", () =>
    Effect.gen(function* () {
      const folder = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "troupe-failed-"))),
        (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
      )
      const file = join(folder, "cluster.db")
      const base = Layer.provideMerge(Reminders.layer, ClusterHome.layerLocal({ file }))
      const firing = Reminders.deliver(Desk, { maxAttempts: 1, pollInterval: "10 millis" }).pipe(
        Layer.provideMerge(ClusterHome.layer(Desk, live)),
        Layer.provideMerge(base)
      )
      yield* Effect.gen(function* () {
        const desk = yield* Desk.get("a")
        yield* Effect.exit(ClusterHome.withId(desk.burn(), "once"))
        yield* Reminders.to(Desk, "a").at("b/c", 0, "wake", [])
        yield* Effect.repeat(Reminders.failing(), { until: (failing) => failing.length === 1 })
      }).pipe(Effect.provide(firing))

      const storage = ["--storage", file]
      const { out } = yield* failed(...storage)
      assert.match(
        out,
        /^\d+\n {2}test\/Desk\(a\)\.burn, a durable call\n {2}tried once, failed last at .*\n {2}Error: a bug/
      )
      assert.match(
        out,
        /\n\ntest%2FDesk\/a\/b%2Fc\n {2}test\/Desk\(a\)\.wake, a reminder due at .*\n {2}failed once, abandoned/
      )
      const [call, reminder] = JSON.parse((yield* failed(...storage, "--json")).out)
      assert.deepInclude(call, { kind: "call", callId: "once", attempts: 1, isDefect: true })
      assert.deepInclude(reminder, { kind: "reminder", attempts: 1, isAbandoned: true })
      assert.include((yield* failed(...storage, "--actor", "test/Other")).out, "has failed.")

      const retried = yield* failed("retry", call.id, reminder.id, ...storage)
      assert.strictEqual(retried.out, `${call.id} runs again\n${reminder.id} runs again`)
      assert.include((yield* failed("retry", call.id, ...storage)).err, call.id)
      yield* Effect.repeat(Effect.all([DurableCalls.failed(), Reminders.failing()]), {
        until: ([calls, reminders]) => calls[0]?.attempts === 2 && reminders[0]?.isAbandoned === true
      }).pipe(Effect.provide(firing))

      const dropped = yield* failed("drop", reminder.id, call.id, ...storage)
      assert.strictEqual(dropped.out, `${reminder.id} is gone\n${call.id} is gone`)
      assert.include((yield* failed(...storage)).out, "No durable call and no reminder has failed.")
    })
  )

  it.live("says what is wrong with the storage", () =>
    Effect.gen(function* () {
      assert.include((yield* failed("--storage", "mysql://x")).err, "postgres://")
      assert.include((yield* failed("--storage", ":memory:")).err, "cluster_messages")
    })
  )
})

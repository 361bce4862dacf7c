import { fork } from "node:child_process"
import { once } from "node:events"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fixture from "./fixtures/Purse.ts"
import { databases, node, open } from "./stateSupport.ts"

const { Purse } = fixture

/** A process that has a purse of its own making, as a node of a cluster would. */
const spawn = (place: fixture.Place) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const child = fork(new URL("./fixtures/purseProcess.ts", import.meta.url), [JSON.stringify(place)], {
        execArgv: ["--conditions=@troupe/source"]
      })
      await once(child, "message")
      return {
        child,
        /** Asks for an addition, and gives the answer, which may take as long as the process is frozen. */
        add: (n: number): Promise<any> => {
          const answer = once(child, "message").then(([message]) => message)
          child.send(n)
          return answer
        }
      }
    }),
    ({ child }) => Effect.sync(() => child.kill("SIGKILL"))
  )

describe.each(databases)("a frozen node, with %s", (name) => {
  it.live(
    "that wakes up when another has its key cannot write, says why, and its instance ends",
    () =>
      Effect.gen(function* () {
        const { layer: _, ...place } = yield* open(name)
        const frozen = yield* spawn(place)
        assert.deepStrictEqual(yield* Effect.promise(() => frozen.add(1)), { balance: 1 })
        frozen.child.kill("SIGSTOP")
        const other = yield* node(Purse, fixture.layer(place))
        assert.strictEqual(yield* other.get("alice").add(10), 11)
        // It is told to write while it cannot, and does so as soon as it can: nothing in there has told it anything yet.
        const answer = frozen.add(100)
        frozen.child.kill("SIGCONT")
        const { error } = yield* Effect.promise(() => answer)
        assert.match(error, /test\/Purse\.add.*died.*another instance of its key has taken over its durable state/)
        assert.strictEqual(yield* other.get("alice").add(10), 21)
        // The next call there makes an instance that has the right to write, and knows what was written.
        assert.deepStrictEqual(yield* Effect.promise(() => frozen.add(1000)), { balance: 1021 })
      }),
    60_000
  )
})

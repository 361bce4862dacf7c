import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Troupe } from "@troupe/cli"
import { Console, Effect, Layer } from "effect"
import { FetchHttpClient } from "effect/http"

/** Runs `troupe` in this process, and gives what it printed. */
const run = (...args: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const out: Array<string> = []
    const err: Array<string> = []
    const console: Console.Console = {
      ...globalThis.console,
      log: (...parts) => void out.push(parts.join(" ")),
      error: (...parts) => void err.push(parts.join(" "))
    }
    const exit = yield* Troupe.run(args).pipe(
      Effect.provide(Layer.merge(NodeServices.layer, FetchHttpClient.layer)),
      Effect.provideService(Console.Console, console),
      Effect.exit
    )
    return { exit, out: out.join("\n"), err: err.join("\n") }
  })

describe("Troupe.run", () => {
  it.effect("says which commands there are", () =>
    Effect.gen(function* () {
      const { exit, out } = yield* run("--help")
      assert.strictEqual(exit._tag, "Success")
      assert.match(out, /troupe <subcommand>/)
      assert.match(out, /inspect +See/)
      assert.match(out, /node +Start a node of a cluster/)
      assert.match(out, /failed +List what failed in a cluster/)
    })
  )

  it.effect("takes the address of an inspector before and behind the subcommand", () =>
    Effect.gen(function* () {
      for (const args of [
        ["ftp://x", "list"],
        ["list", "ftp://x"]
      ]) {
        const { err, exit } = yield* run("inspect", ...args)
        assert.strictEqual(exit._tag, "Failure")
        assert.include(err, '"ftp://x" is neither an http nor an https address')
      }
    })
  )

  it.effect("suggests a command for one that does not exist", () =>
    Effect.gen(function* () {
      const { err, exit } = yield* run("inspcet")
      assert.strictEqual(exit._tag, "Failure")
      assert.match(err, /inspcet[\s\S]*inspect/)
    })
  )

  it.effect("gives the command node of @troupe/cluster, with its own help", () =>
    Effect.gen(function* () {
      const { out } = yield* run("node", "--help")
      assert.include(out, "troupe node")
      assert.include(out, "--storage")
    })
  )

  it.effect("gives the command failed of @troupe/cluster, with its subcommands", () =>
    Effect.gen(function* () {
      const { out } = yield* run("failed", "--help")
      assert.match(out, /retry +Have some/)
      assert.match(out, /drop +Delete some/)
    })
  )
})

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
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
      assert.match(out, /contracts +Write the contracts of your actors/)
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

describe("troupe contracts", () => {
  /** A folder with modules, each of one version of a contract. */
  const folder = (modules: Readonly<Record<string, string>>) =>
    Effect.acquireRelease(
      Effect.sync(() => {
        // Within the repository, where modules find our packages.
        const path = mkdtempSync(join(import.meta.dirname, "contracts-"))
        for (const [name, source] of Object.entries(modules)) writeFileSync(join(path, name), source)
        return (name: string) => join(path, name)
      }),
      (at) => Effect.sync(() => rmSync(at("."), { recursive: true, force: true }))
    )

  const shop = (methods: string) => `
    import * as Contract from "@troupe/core/Contract"
    import { Schema } from "effect"
    export class Shop extends Contract.Keyed()("app/Shop", { key: Schema.String, methods: ${methods} }) {}
    export default "anything else"
  `
  const order = (fields: string) => `{ order: Contract.method({ payload: ${fields}, success: Schema.Int }) }`
  const first = shop(order("{ item: Schema.String }"))

  it.effect("writes the contracts that a module exports, and finds no change in them", () =>
    Effect.gen(function* () {
      const at = yield* folder({ "one.mjs": first })
      const { out } = yield* run("contracts", at("one.mjs"))
      const { contracts } = JSON.parse(out)
      assert.strictEqual(contracts[0].actor, "app/Shop")
      assert.deepStrictEqual(Object.keys(contracts[0].methods), ["order"])
      yield* run("contracts", at("one.mjs"), "--out", at("contracts.json"))
      assert.deepStrictEqual(JSON.parse(readFileSync(at("contracts.json"), "utf8")).contracts, contracts)
      const checked = yield* run("contracts", at("one.mjs"), "--check", at("contracts.json"))
      assert.strictEqual(checked.exit._tag, "Success")
      assert.match(checked.out, /^All changes roll out in any order/)
    })
  )

  it.effect("says in which order a change rolls out", () =>
    Effect.gen(function* () {
      const at = yield* folder({
        "one.mjs": first,
        "two.mjs": shop(order("{ item: Schema.String }").replace("}) }", "}), cancel: Contract.method() }"))
      })
      yield* run("contracts", at("one.mjs"), "--out", at("contracts.json"))
      const { exit, out } = yield* run("contracts", at("two.mjs"), "--check", at("contracts.json"))
      assert.strictEqual(exit._tag, "Success")
      assert.match(out, /replace the nodes first/)
      assert.match(out, /- nodes first: app\/Shop\.cancel is new: \(\): void\./)
    })
  )

  it.effect(
    "fails on a change that does not roll out, and names the actor, the method, the field and both versions",
    () =>
      Effect.gen(function* () {
        const at = yield* folder({ "one.mjs": first, "two.mjs": shop(order("{ item: Schema.Int }")) })
        yield* run("contracts", at("one.mjs"), "--out", at("contracts.json"))
        const { exit } = yield* run("contracts", at("two.mjs"), "--check", at("contracts.json"))
        assert.strictEqual(exit._tag, "Failure")
        assert.match(
          String(exit),
          /- does not roll out: app\/Shop\.order, args\[0\]\.item was string and is number & isInt\. Neither version/
        )
      })
  )

  it.effect("fails on changes that need different orders, and says to release them one after the other", () =>
    Effect.gen(function* () {
      const at = yield* folder({
        "one.mjs": first,
        "two.mjs": shop("{ cancel: Contract.method() }")
      })
      yield* run("contracts", at("one.mjs"), "--out", at("contracts.json"))
      const { exit } = yield* run("contracts", at("two.mjs"), "--check", at("contracts.json"))
      assert.match(
        String(exit),
        /need different orders[\s\S]*nodes first: app\/Shop\.cancel[\s\S]*callers first: app\/Shop\.order/
      )
    })
  )

  it.effect("says what is wrong with a module and a file", () =>
    Effect.gen(function* () {
      const at = yield* folder({ "one.mjs": first, "none.mjs": "export const a = 1", "old.json": "{}" })
      for (const [args, why] of [
        [[at("none.mjs")], /exports no contract: export the classes of your actors/],
        [[at("missing.mjs")], /missing\.mjs cannot be imported/],
        [
          [at("one.mjs"), "--check", at("old.json")],
          /old\.json cannot be read: it was not written by troupe contracts/
        ],
        [[at("one.mjs"), "--check", at("no.json")], /no\.json cannot be read/]
      ] as const) {
        const { exit } = yield* run("contracts", ...args)
        assert.match(String(exit), why)
      }
    })
  )
})

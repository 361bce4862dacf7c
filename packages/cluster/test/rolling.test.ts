/**
 * Two versions of an application, each built into a package of its own, roll forwards and back on three processes under
 * load. What the older one has stored, calls and states, the newer one goes on with, and the other way round.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { ClusterHome } from "@troupe/cluster"
import { Cause, Effect, Exit, Layer, type Scope } from "effect"
import { build } from "esbuild"
import { open } from "./chaos/database.ts"
import { freePort } from "./fixtures/node-processes.ts"

const FAILOVER = "1500 millis"
const KEYS = Array.from({ length: 6 }, (_, index) => `account-${index}`)
type Version = "one" | "two"

/** A folder with a package for each version, which has its own copy of ours. Only `effect` and drivers are shared. */
const packages = Effect.gen(function* () {
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(import.meta.dirname, "rolling-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
  )
  for (const version of ["one", "two"] as const) {
    yield* Effect.promise(() =>
      build({
        entryPoints: [fileURLToPath(new URL(`rolling/${version}.ts`, import.meta.url))],
        outfile: join(folder, version, "index.mjs"),
        bundle: true,
        minify: true,
        platform: "node",
        format: "esm",
        conditions: ["@troupe/source"],
        external: ["effect", "effect/*", "@effect/*"],
        logLevel: "silent"
      })
    )
    writeFileSync(join(folder, version, "package.json"), JSON.stringify({ name: `app-${version}`, type: "module" }))
  }
  return (version: Version) => join(folder, version, "index.mjs")
})

const database = Effect.acquireRelease(
  Effect.promise(() => open(process.env.DATABASE_URL)),
  (database) => Effect.promise(() => database.drop())
)

/** A place for a node, where one version follows another. */
const makePlace = (entry: (version: Version) => string, storage: object) =>
  Effect.gen(function* () {
    const port = yield* freePort
    let child: ChildProcess | undefined
    let output = ""
    const ended = (process_: ChildProcess) =>
      Effect.callback<void>((resume) => {
        if (process_.exitCode !== null || process_.signalCode !== null) return resume(Effect.void)
        process_.once("exit", () => resume(Effect.void))
      })
    const stop = (signal: NodeJS.Signals) =>
      Effect.suspend(() => {
        if (child === undefined) return Effect.void
        child.kill(signal)
        return ended(child)
      })
    yield* Effect.addFinalizer(() => stop("SIGKILL"))
    const replaceBy = (version: Version) =>
      Effect.gen(function* () {
        yield* stop("SIGTERM")
        const options = { port, storage, failover: FAILOVER, drainTimeout: "3 seconds" }
        const process_ = spawn(process.execPath, [entry(version), JSON.stringify(options)], {
          stdio: ["ignore", "pipe", "pipe", "ipc"]
        })
        child = process_
        for (const stream of [process_.stdout!, process_.stderr!]) {
          stream.on("data", (chunk) => (output = `${output}${chunk}`.slice(-20_000)))
        }
        yield* Effect.callback<void>((resume) => {
          process_.once("message", () => resume(Effect.void))
          process_.once("exit", () => resume(Effect.die(new Error(`Version ${version} did not come up:\n${output}`))))
        })
      })
    return { replaceBy, output: () => output }
  })

type Client = Readonly<Record<string, any>>

const clientOf = (entry: string, storage: any): Effect.Effect<(key: string) => Client, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const { Account } = yield* Effect.promise(() => import(entry))
    const layer = Layer.provideMerge(
      ClusterHome.client(Account),
      ClusterHome.layerClient({ storage, failover: FAILOVER })
    )
    const context = yield* Layer.build(layer as Layer.Layer<any, any>)
    const accounts: any = yield* Effect.provide(Account as Effect.Effect<any>, context as any) as Effect.Effect<any>
    return (key) => accounts.get(key)
  })

/** What callers of one version do all the time, and what they were told. */
class Load {
  over = false
  readonly paid = new Map<string, number>()
  readonly failures: Array<string> = []
  calls = 0
  private readonly client: (key: string) => Client
  private readonly version: Version

  constructor(version: Version, client: (key: string) => Client) {
    this.version = version
    this.client = client
  }

  /** One caller: it pays in again and again, and remembers what was confirmed. */
  readonly run = (key: string): Effect.Effect<void> =>
    Effect.gen({ self: this }, function* () {
      const account = this.client(key)
      while (!this.over) {
        const amount = 1 + (this.calls++ % 3)
        const extra = this.version === "two" ? { note: `by ${this.version}` } : {}
        const paid = yield* this.outcome(account.deposit!({ amount, ...extra }))
        if (paid) this.paid.set(key, (this.paid.get(key) ?? 0) + amount)
        yield* this.outcome(account.balance!())
        yield* this.outcome(account.take!({ amount: 1_000_000 }), "Empty")
        if (this.version === "two") yield* this.outcome(account.peek!(), "ContractMismatch", "ActorUnavailable")
        yield* Effect.sleep("20 millis")
      }
    })

  /** Whether a call succeeded. Any failure that is not expected is a finding. */
  private outcome(call: Effect.Effect<unknown, any>, ...expected: ReadonlyArray<string>): Effect.Effect<boolean> {
    return Effect.map(Effect.exit(call), (exit) => {
      if (Exit.isSuccess(exit)) return true
      const error: any = Cause.squash(exit.cause)
      const tag = error?.reason?._tag ?? error?._tag
      if (!expected.includes(tag)) this.failures.push(`${this.version}: ${Cause.pretty(exit.cause)}`)
      return false
    })
  }
}

describe("10.11 two versions of an application", () => {
  it.live(
    "roll forwards and back under load, and nothing is lost",
    () =>
      Effect.gen(function* () {
        const entry = yield* packages
        const { storage } = yield* database
        const places = yield* Effect.forEach([1, 2, 3], () => makePlace(entry, storage))
        yield* Effect.forEach(places, (place) => place.replaceBy("one"), { concurrency: 3 })
        const [older, newer] = [yield* clientOf(entry("one"), storage), yield* clientOf(entry("two"), storage)]
        const loads = [new Load("one", older), new Load("two", newer)]
        const working = yield* Effect.forkChild(
          Effect.forEach(
            loads.flatMap((load) => KEYS.map((key) => load.run(key))),
            (caller) => caller,
            { concurrency: "unbounded", discard: true }
          )
        )
        const gifts: Array<{ readonly key: string; readonly ref: Effect.Effect<number, any> }> = []
        const give = (keys: ReadonlyArray<string>) =>
          Effect.forEach(keys, (key) =>
            Effect.map(newer(key).gift!.remote({ amount: 1000 }) as Effect.Effect<any>, (ref) =>
              gifts.push({ key, ref })
            )
          )
        const roll = (version: Version) =>
          Effect.forEach(places, (place) => Effect.andThen(place.replaceBy(version), Effect.sleep("500 millis")))

        // Forwards. As soon as one node has the new method, calls of it are stored, wherever their keys are.
        yield* places[0]!.replaceBy("two")
        yield* give(KEYS)
        yield* roll("two")
        for (const key of KEYS) assert.strictEqual(yield* newer(key).version!(), 2)
        // Back, with calls under way that the older version does not know, and forwards again.
        yield* places[0]!.replaceBy("one")
        yield* give(KEYS)
        yield* Effect.forEach(places.slice(1), (place) => place.replaceBy("one"))
        for (const key of KEYS) assert.strictEqual(yield* older(key).version!(), 1)
        yield* roll("two")

        for (const load of loads) load.over = true
        yield* working.pipe((fiber) =>
          Effect.callback<void>((resume) => void fiber.addObserver(() => resume(Effect.void)))
        )
        yield* Effect.all(gifts.map(({ ref }) => ref))

        assert.deepStrictEqual(
          loads.flatMap(({ failures }) => failures),
          []
        )
        for (const key of KEYS) {
          const paid = loads.reduce((sum, load) => sum + (load.paid.get(key) ?? 0), 0)
          const given = gifts.filter((gift) => gift.key === key).length * 1000
          const { balance } = yield* newer(key).balance!()
          assert.strictEqual(balance, paid + given, `${key}\n${places.map(({ output }) => output()).join("\n")}`)
        }
        assert.isAbove(
          loads.reduce((sum, { calls }) => sum + calls, 0),
          100
        )
      }) as Effect.Effect<void, any, Scope.Scope>,
    180_000
  )
})

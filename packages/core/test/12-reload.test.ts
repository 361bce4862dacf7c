import { spawn } from "node:child_process"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Actor, type ActorError, AsyncHandle } from "@troupe/core"
import { Cause, Effect, type Exit, type Layer, Schema } from "effect"
import { createServer, createServerModuleRunner, defaultServerConditions, type ViteDevServer } from "vite"
import { afterAll, beforeAll } from "vitest"
import { reasonOf } from "./support.ts"

const newer = (id: string): RegExp =>
  new RegExp(`This instance is of an older version of the class ${id}, which was loaded anew since`)

/** What a reload makes of a class: the same id, and one method more. */
const counters = (id: string) => {
  const Old = class Counter extends Actor.Service<Counter>()(id, {
    make: Effect.succeed({ increment: () => Effect.succeed(1) })
  }) {}
  const New = class Counter extends Actor.Service<Counter>()(id, {
    make: Effect.succeed({ increment: () => Effect.succeed(1), decrement: () => Effect.succeed(-1) })
  }) {}
  return { Old, New }
}

/** The services of two classes with one id are one service. Only the compiler does not know. */
const within =
  (layer: unknown) =>
  <A, E>(effect: Effect.Effect<A, E, any>): Effect.Effect<A, E> =>
    Effect.provide(effect, layer as Layer.Layer<unknown>)

const defect = (exit: Exit.Exit<unknown, unknown>): string =>
  exit._tag === "Failure" ? String(Cause.squash(exit.cause)) : assert.fail("it succeeded")

describe("12.3", () => {
  it.effect("12.3 a method that only a newer class has: the error says that the instance is of an older one", () =>
    Effect.gen(function* () {
      const { New, Old } = counters("test/Reloaded")
      const stale: any = yield* within(Old.layer)(New)
      assert.throws(() => stale.decrement(), /test\/Reloaded has no method "decrement", it has increment\./)
      assert.throws(() => stale.decrement(), newer("test/Reloaded"))
      assert.throws(() => stale.decrement.remote(), newer("test/Reloaded"))
      assert.throws(() => AsyncHandle.make(stale).decrement(), newer("test/Reloaded"))
      const fresh: any = yield* New.spawn()
      assert.throws(() => fresh.reset(), /has no method "reset", it has increment, decrement$/)
    })
  )

  it.effect("12.3 so it is with keyed actors", () =>
    Effect.gen(function* () {
      const define = (methods: object) =>
        class Account extends Actor.Keyed<Account>()("test/Account", {
          make: (_: string) => Effect.succeed(methods)
        }) {}
      const get = () => Effect.succeed(0)
      const [Old, New] = [define({ get }), define({ get, put: get })]
      yield* Effect.gen(function* () {
        const stale: any = yield* New.get("a")
        yield* stale.get()
        assert.match(defect(yield* Effect.exit(stale.put())), newer("test/Account"))
      }).pipe(within(Old.layer))
    })
  )

  it.effect("12.3 and with those that have a contract", () =>
    Effect.gen(function* () {
      const get = Actor.method({ success: Schema.Number })
      class Old extends Actor.Keyed<Old>()("test/Contract", { key: Schema.String, methods: { get } }) {}
      class New extends Actor.Keyed<New>()("test/Contract", { key: Schema.String, methods: { get, put: get } }) {}
      const layer = Old.toLayer(() => Effect.succeed({ get: () => Effect.succeed(0) }))
      yield* Effect.gen(function* () {
        const stale: any = yield* New.get("a")
        assert.strictEqual(yield* stale.get(), 0)
        assert.throws(() => stale.put(), newer("test/Contract"))
      }).pipe(within(layer))
    })
  )

  it.effect("12.3 and with arguments that only the newer contract takes", () =>
    Effect.gen(function* () {
      const define = (arg: Schema.Schema<any>) =>
        class Checked extends Actor.Service<Checked>()("test/Checked", {
          methods: { set: Actor.method({ args: [arg as any] }) }
        }) {}
      const [Old, New] = [define(Schema.Number), define(Schema.String)]
      const layer = Old.toLayer(Effect.succeed({ set: () => Effect.void }) as any, { validate: true } as any)
      const set: any = Effect.flatMap(New, (stale: any) => stale.set("new"))
      const reason = yield* reasonOf(within(layer)(set))
      assert.match((reason as ActorError.DecodeError).issue ?? "", newer("test/Checked"))
    })
  )
})

/** A program in a folder of its own, whose files a test edits. */
const program = (files: Readonly<Record<string, string>>) => {
  const at = { folder: "" }
  const write = (name: string, text: string) => writeFile(path.join(at.folder, name), text)
  beforeAll(async () => {
    at.folder = await mkdtemp(path.join(import.meta.dirname, "reload-"))
    for (const [name, text] of Object.entries(files)) await write(name, text)
  })
  afterAll(() => rm(at.folder, { recursive: true }))
  return { at, write, file: (name: string) => path.join(at.folder, name) }
}

/** The second recipe of docs/hot-reload.md: it ends what the module before it has made, and takes over its state. */
const actors = (methods: string) => `
import { Actor } from "@troupe/core"
import { Effect, Layer, ManagedRuntime } from "effect"

const kept = (globalThis.kept ??= { count: 0 })
const ended = (kept.ended = Promise.all([kept.ended, kept.runtime?.dispose()]))

class Counter extends Actor.Service()("test/Kept", {
  make: Effect.gen(function* () {
    let { count } = kept
    yield* Effect.addFinalizer(() => Effect.sync(() => { kept.count = count }))
    return { increment: () => Effect.sync(() => ++count), ${methods} }
  })
}) {}

const endBefore = Layer.effectDiscard(Effect.promise(() => ended))
export const runtime = (kept.runtime = ManagedRuntime.make(Layer.provide(Counter.layer, endBefore)))
export const run = (method) => runtime.runPromise(Effect.flatMap(Counter, (counter) => counter[method]()))
`

describe("12.3 in a server of Vite", { timeout: 120_000 }, () => {
  const { at, file, write } = program({ "actors.js": actors("") })
  let server: ViteDevServer
  beforeAll(async () => {
    server = await createServer({
      root: at.folder,
      configFile: false,
      logLevel: "silent",
      appType: "custom",
      server: { middlewareMode: true, ws: false },
      ssr: { resolve: { conditions: ["@troupe/source", ...defaultServerConditions] } }
    })
  }, 60_000)
  afterAll(async () => {
    await (globalThis as any).kept.runtime.dispose()
    await server.close()
  })

  it("12.3 a module that is loaded anew ends the instances of the one before, and takes over their state", async () => {
    const first = await server.ssrLoadModule(file("actors.js"))
    assert.strictEqual(await first.run("increment"), 1)
    assert.strictEqual(await first.run("increment"), 2)
    await write("actors.js", actors("decrement: () => Effect.sync(() => --count)"))
    server.moduleGraph.invalidateAll()
    const second = await server.ssrLoadModule(file("actors.js"))
    assert.notStrictEqual(second.runtime, first.runtime)
    assert.strictEqual(await second.run("decrement"), 1)
    const late: Exit.Exit<unknown, unknown> = await Effect.runPromise(
      Effect.exit(Effect.promise(() => first.run("increment")))
    )
    assert.strictEqual(late._tag, "Failure")
  })

  it("12.3 import.meta.hot disposes of the runtime before the module is loaded anew", async () => {
    const hot = (text: string) => `
      import { Actor } from "@troupe/core"
      import { Effect, ManagedRuntime } from "effect"
      class Counter extends Actor.Service()("test/Hot", {
        make: Effect.gen(function* () {
          yield* Effect.addFinalizer(() => Effect.sync(() => globalThis.told("gone ${text}")))
          return { ask: () => Effect.succeed("${text}") }
        })
      }) {}
      const runtime = ManagedRuntime.make(Counter.layer)
      const answer = await runtime.runPromise(Effect.flatMap(Counter, (counter) => counter.ask()))
      globalThis.told("asked " + answer)
      import.meta.hot?.accept()
      import.meta.hot?.dispose(() => runtime.dispose())
    `
    const said: Array<string> = []
    let onSaid = () => {}
    ;(globalThis as any).told = (text: string) => {
      said.push(text)
      onSaid()
    }
    await write("hot.js", hot("one"))
    const runner = createServerModuleRunner(server.environments.ssr)
    await runner.import(file("hot.js"))
    const reloaded = new Promise<void>((resolve) => {
      onSaid = () => said.includes("asked two") && resolve()
    })
    await write("hot.js", hot("two"))
    server.watcher.emit("change", file("hot.js"))
    await reloaded
    assert.deepStrictEqual(said, ["asked one", "gone one", "asked two"])
    await runner.close()
  })
})

describe("12.3 in a process that is started anew", () => {
  const watched = (text: string) => `
    import { readFileSync, writeFileSync } from "node:fs"
    import { Actor } from "@troupe/core"
    import { Effect, ManagedRuntime } from "effect"
    const file = new URL("count.json", import.meta.url)
    class Counter extends Actor.Service()("test/Watched", {
      make: Effect.gen(function* () {
        let count = JSON.parse(readFileSync(file, "utf8"))
        yield* Effect.addFinalizer(() => Effect.sync(() => writeFileSync(file, JSON.stringify(count))))
        return { increment: () => Effect.sync(() => ++count) }
      })
    }) {}
    const runtime = ManagedRuntime.make(Counter.layer)
    process.once("SIGTERM", () => runtime.dispose().then(() => process.exit()))
    console.log("${text}", await runtime.runPromise(Effect.flatMap(Counter, (counter) => counter.increment())))
    setInterval(() => {}, 1000)
  `
  const { at, file, write } = program({ "count.json": "0", "main.js": watched("first") })

  it("12.3 node --watch lets finalizers run, and what they keep is there for the next process", {
    timeout: 120_000
  }, async () => {
    const child = spawn(process.execPath, ["--watch", "--conditions=@troupe/source", "main.js"], { cwd: at.folder })
    try {
      let output = ""
      const prints = (text: string) =>
        new Promise<void>((resolve) => {
          const look = () => output.includes(text) && resolve()
          child.stdout.on("data", look)
          look()
        })
      child.stdout.on("data", (chunk) => {
        output += chunk
      })
      await prints("first 1")
      await write("main.js", watched("second"))
      await prints("second 2")
      assert.strictEqual(await readFile(file("count.json"), "utf8"), "1")
    } finally {
      // The process that watches, and the one that it has started.
      const closed = new Promise((resolve) => child.once("close", resolve))
      child.kill()
      await closed
    }
  })
})

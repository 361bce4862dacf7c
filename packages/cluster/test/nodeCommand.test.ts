import { spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import * as Net from "node:net"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { ClusterHome, ClusterNode } from "@troupe/cluster"
import { ConfigProvider, Duration, Effect, Layer, Redacted, Schedule } from "effect"
import { nameOf } from "../src/internal/sql/storage.ts"
import { Actors, Journal } from "./fixtures/node-actors.ts"
import { clientOf, freePort, nodes } from "./fixtures/node-processes.ts"
import { errorOf } from "./homeSupport.ts"

const fixture = (name: string) => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url))

/** Runs `troupe node` with these arguments until it ends, or the Scope closes. */
const troupeNode = (...args: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const command = ["--conditions=@troupe/source", fixture("node-cli.ts"), ...args]
      const process_ = spawn(process.execPath, command, { stdio: ["ignore", "pipe", "pipe"] })
      let output = ""
      process_.stdout.on("data", (text) => (output += text))
      process_.stderr.on("data", (text) => (output += text))
      const ended = new Promise<void>((resolve) => process_.once("close", () => resolve()))
      return { process: process_, output: () => output, ended: Effect.promise(() => ended) }
    }),
    ({ ended, process: process_ }) =>
      Effect.andThen(
        Effect.sync(() => process_.kill("SIGKILL")),
        ended
      )
  )

const get = (port: number, path: string) =>
  Effect.promise(async () => {
    try {
      const response = await fetch(`http://127.0.0.1:${port}${path}`)
      return { status: response.status, body: await response.text() }
    } catch {
      return { status: 0, body: "" }
    }
  })

const until = (look: Effect.Effect<{ readonly status: number; readonly body: string }>, status: number) =>
  Effect.repeat(look, { until: (answer) => answer.status === status, schedule: Schedule.spaced("20 millis") })

describe("troupe node", () => {
  it.live(
    "hosts what a module exports, says how it is, and leaves when it is told to",
    () =>
      Effect.gen(function* () {
        const { storage } = yield* nodes
        const [port, health] = [yield* freePort, yield* freePort]
        const flags = ["--storage", storage.file, "--port", String(port), "--health-port", String(health)]
        const node = yield* troupeNode(fixture("node-module.ts"), ...flags)
        assert.strictEqual((yield* until(get(health, "/ready"), 200)).body, "ready\n")
        assert.strictEqual((yield* get(health, "/live")).status, 200)
        assert.match((yield* get(health, "/metrics")).body, /effect_cluster_shards/)
        assert.strictEqual((yield* get(health, "/else")).status, 404)
        yield* Effect.gen(function* () {
          const journal = yield* Journal.get("a")
          assert.strictEqual(yield* journal.where(), node.process.pid)
          const running = yield* journal.slow.remote("running", 500)
          yield* Effect.repeat(journal.note("is it up"), { times: 1 })
          node.process.kill("SIGTERM")
          // It is not ready from the moment it begins to leave, and alive until it is gone.
          assert.strictEqual((yield* until(get(health, "/ready"), 503)).body, "leaving\n")
          assert.strictEqual((yield* get(health, "/live")).status, 200)
          assert.strictEqual(yield* running, "running done")
        }).pipe(Effect.provide(clientOf(storage)))
        yield* node.ended
        const ready = `The node is ready at 127.0.0.1:${port}, storage is the file ${storage.file}, health is at http://127.0.0.1:${health}/ready`
        assert.include(node.output(), ready)
        assert.match(node.output(), /The node is ready[\s\S]*The node is leaving/)
        // Nobody is there to take over, which is no reason to warn.
        assert.notMatch(node.output(), /WARN|ERROR/)
      }),
    60_000
  )

  it.live(
    "says what is wrong with a module, or with what it is told",
    () =>
      Effect.gen(function* () {
        const failing = (...args: ReadonlyArray<string>) =>
          Effect.scoped(
            Effect.gen(function* () {
              const node = yield* troupeNode(...args)
              yield* node.ended
              assert.strictEqual(node.process.exitCode, 1)
              return node.output()
            })
          )
        const [none, other, wide] = yield* Effect.all(
          [
            failing("./no-such-module.ts"),
            failing(fixture("node-processes.ts")),
            failing(fixture("node-module.ts"), "--storage", "x.db", "--host", "10.0.0.1")
          ],
          { concurrency: 3 }
        )
        assert.match(none, /no-such-module\.ts cannot be imported/)
        assert.match(other, /default export.*only.*freePort/s)
        assert.match(wide, /TROUPE_SECRET/)
      }),
    60_000
  )

  it.effect("says what to change where it cannot listen", () =>
    Effect.gen(function* () {
      const { storage } = yield* nodes
      const taken = yield* Effect.acquireRelease(
        Effect.callback<Net.Server>((resume) => {
          const server = Net.createServer().listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
        }),
        (server) => Effect.sync(() => void server.close())
      )
      const { port: listening } = taken.address() as Net.AddressInfo
      const port = yield* freePort
      const failing = (options: object) => errorOf(ClusterNode.launch(Actors, { storage, port, ...options }))
      const { message: unknown } = yield* failing({ sekret: "a" })
      assert.match(unknown, /ClusterHome\.layerNode: there is no option "sekret"; the options are storage, secret, /)
      const [socket, health] = [
        yield* failing({ port: listening }),
        yield* failing({ health: { port: listening } })
      ].map(({ message }) => message)
      const why = "cannot be opened: something else listens there. Choose another port"
      assert.include(socket, `its socket 127.0.0.1:${listening} ${why} (--port, TROUPE_PORT)`)
      assert.include(health, `its health port 127.0.0.1:${listening} ${why} (--health-port, TROUPE_HEALTH_PORT)`)
      // An address for examples, which no machine has.
      const elsewhere = yield* failing({ host: "192.0.2.1", secret: "a secret of the tests" })
      assert.match(elsewhere.message, /192\.0\.2\.1.* does not have the address .*--host/)
    })
  )

  it.effect("names every variable in its help, also those that have no flag, and so does the guide", () =>
    Effect.gen(function* () {
      const node = yield* troupeNode("--help")
      yield* node.ended
      const textOf = (file: string) => readFileSync(fileURLToPath(new URL(file, import.meta.url)), "utf8")
      const sources = ["config.ts", "command.ts"].map((name) => textOf(`../src/internal/command/${name}`)).join()
      const variables = sources.match(/(?<=Config\.\w+\(")TROUPE_\w+/g) ?? []
      assert.isAbove(variables.length, 10)
      for (const text of [node.output(), textOf("../../../docs/cluster.md")]) {
        for (const variable of variables) assert.include(text, variable)
      }
    })
  )
})

describe("the name of a storage", () => {
  it("is what a person would call it, without passwords", () => {
    const secret = Redacted.make("postgres://somebody:secret@db:5433/app?sslmode=require")
    assert.strictEqual(nameOf({ url: secret }), "postgres://db:5433/app")
    assert.strictEqual(nameOf({ url: "postgres://somebody:sec ret" }), "a Postgres database")
    assert.strictEqual(nameOf({ file: "cluster.db" }), "the file cluster.db")
  })
})

describe("options", () => {
  const from = (env: Record<string, string>, given?: Partial<ClusterHome.NodeOptions>) =>
    Effect.provideService(ClusterNode.options(given), ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env }))

  it.effect("come from the environment", () =>
    Effect.gen(function* () {
      const options: any = yield* from({
        TROUPE_STORAGE: "postgres://somewhere/db",
        TROUPE_HOST: "0.0.0.0",
        TROUPE_PORT: "4000",
        TROUPE_ADVERTISE_HOST: "node-1",
        TROUPE_SECRET: "a secret of the tests",
        TROUPE_FAILOVER: "3 seconds",
        TROUPE_MAX_INSTANCES: "5"
      })
      assert.strictEqual(Redacted.value(options.storage.url), "postgres://somewhere/db")
      assert.deepInclude(options, { host: "0.0.0.0", port: 4000, maxInstances: 5 })
      assert.strictEqual(options.advertise.host, "node-1")
      assert.strictEqual(Redacted.value(options.secret), "a secret of the tests")
      assert.strictEqual(Duration.toMillis(options.failover), 3000)
    })
  )

  it.effect("that are given go first", () =>
    Effect.gen(function* () {
      const options = yield* from({ TROUPE_STORAGE: "a.db", TROUPE_PORT: "4000" }, { port: 5000, host: undefined })
      assert.deepInclude(options, { port: 5000, storage: { file: "a.db" }, host: undefined })
    })
  )

  it.effect("that are missing or wrong fail with what to change", () =>
    Effect.gen(function* () {
      assert.match((yield* errorOf(from({}))).message, /TROUPE_STORAGE/)
      assert.match((yield* errorOf(from({ TROUPE_STORAGE: "a", TROUPE_PORT: "many" }))).message, /TROUPE_PORT/)
      assert.match(
        (yield* errorOf(from({ TROUPE_STORAGE: "a", TROUPE_TLS_CA_FILE: "x" }))).message,
        /TROUPE_TLS_KEY_FILE/
      )
      const files = { TROUPE_TLS_KEY_FILE: "/no/key", TROUPE_TLS_CERT_FILE: "/no/cert", TROUPE_TLS_CA_FILE: "/no/ca" }
      assert.match((yield* errorOf(from({ TROUPE_STORAGE: "a", ...files }))).message, /\/no\/key/)
      const error = yield* errorOf(
        Layer.build(ClusterNode.layer).pipe(
          Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env: {} }))
        )
      )
      assert.instanceOf(error, ClusterHome.ClusterStartError)
    })
  )
})

/**
 * The compose file and the manifests of `docs/deploy`, as far as they can be tried without Docker and Kubernetes: nodes
 * are started with the commands, variables and ports that stand there, and asked and told to end as it is done there.
 */
import { spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { ClusterNode } from "@troupe/cluster"
import { ConfigProvider, Duration, Effect, Schedule, type Scope } from "effect"
import { parse, parseAllDocuments } from "yaml"
import * as settings from "../src/internal/node/settings.ts"
import { freePort } from "./fixtures/node-processes.ts"

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const textOf = (name: string) => readFileSync(file(`../../../docs/deploy/${name}`), "utf8")

type Env = Readonly<Record<string, string>>

/** All variables that a node reads. */
const variables = new Set(
  ["config.ts", "command.ts"].flatMap(
    (name) =>
      readFileSync(file(`../src/internal/command/${name}`), "utf8").match(/(?<=Config\.\w+\(")TROUPE_\w+/g) ?? []
  )
)

const assertRead = (names: Iterable<string>) => {
  for (const name of names) assert.isTrue(variables.has(name), `${name} is read by nobody`)
}

/** What a node makes of these variables. */
const settingsOf = (env: Env) =>
  Effect.flatMap(ClusterNode.options(), settings.node).pipe(
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env }))
  )

/** Runs a command with these variables alone, in a folder that has `troupe` and the module `./actors.js`. */
const start = ([command = "", ...args]: ReadonlyArray<string>, env: Env) =>
  Effect.gen(function* () {
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "troupe-deploy-"))),
      (path) => Effect.sync(() => rmSync(path, { recursive: true }))
    )
    symlinkSync(file("../../../node_modules"), join(folder, "node_modules"), "dir")
    const actors = new URL("./fixtures/node-module.ts", import.meta.url).href
    writeFileSync(join(folder, "actors.js"), `export { default } from ${JSON.stringify(actors)}\n`)
    const { PATH = "" } = process.env
    const storage = join(folder, "cluster.db")
    const node = spawn(command, args, { cwd: folder, env: { PATH, ...env, TROUPE_STORAGE: storage } })
    let output = ""
    for (const stream of [node.stdout, node.stderr]) stream.on("data", (text) => (output += text))
    const closed = new Promise<void>((resolve) => node.once("close", () => resolve()))
    yield* Effect.addFinalizer(() =>
      Effect.andThen(
        Effect.sync(() => node.kill("SIGKILL")),
        Effect.promise(() => closed)
      )
    )
    return { output: () => output, end: () => node.kill("SIGTERM"), ended: Effect.promise(() => closed) }
  })

/** What must hold of every way to start a node: it becomes `healthy`, and SIGTERM reaches it. */
const lives = (command: ReadonlyArray<string>, env: Env, healthy: Effect.Effect<boolean, never, Scope.Scope>) =>
  Effect.gen(function* () {
    const node = yield* start(command, env)
    yield* Effect.repeat(healthy, { until: (is) => is, schedule: Schedule.spaced("100 millis") }).pipe(
      Effect.timeoutOrElse({ duration: "20 seconds", orElse: () => Effect.die(new Error(node.output())) })
    )
    node.end()
    yield* node.ended
    assert.include(node.output(), "The node is leaving")
  })

const status = (port: number, path: string) =>
  Effect.promise(() =>
    fetch(`http://127.0.0.1:${port}${path}`).then(
      (response) => response.status,
      () => 0
    )
  )

describe("the compose file", () => {
  const given: Env = { POSTGRES_PASSWORD: "a-password", NODE_IMAGE: "an-image", TROUPE_SECRET: "a secret of the tests" }

  /** What compose makes of the text. */
  const read = (text: string): any =>
    parse(text.replaceAll(/\$\$|\$\{(\w+)(?::\?[^}]*)?\}/g, (_, name) => (name === undefined ? "$" : given[name]!)))

  const { node, storage } = read(textOf("docker-compose.yml")).services

  it.effect("sets what a node reads, to what it accepts", () =>
    Effect.gen(function* () {
      assertRead(Object.keys(node.environment))
      const inCommand = String(node.command).match(/TROUPE_\w+/g) ?? []
      assertRead(inCommand)
      assert.deepEqual(inCommand, ["TROUPE_ADVERTISE_HOST"])
      const { drainTimeout } = yield* settingsOf({ ...node.environment, TROUPE_ADVERTISE_HOST: "10.0.0.1" })
      const grace = Duration.toMillis(Duration.fromInputUnsafe(node.stop_grace_period.replace(/s$/, " seconds")))
      assert.isAbove(grace, drainTimeout)
    })
  )

  it("leads the nodes to its storage", () => {
    const url = new URL(node.environment.TROUPE_STORAGE)
    const { POSTGRES_DB, POSTGRES_PASSWORD, POSTGRES_USER } = storage.environment
    assert.deepEqual(
      [url.hostname, url.username, url.password, url.pathname, url.port],
      ["storage", POSTGRES_USER, POSTGRES_PASSWORD, `/${POSTGRES_DB}`, ""]
    )
    assert.strictEqual(node.depends_on.storage.condition, "service_healthy")
    assert.isDefined(storage.healthcheck)
  })

  // The image has the `hostname` of Linux, which tells addresses.
  it.live.skipIf(process.platform !== "linux")(
    "starts a node that its health check finds healthy, and that hears of its end",
    () =>
      Effect.gen(function* () {
        const health = yield* freePort
        const moved = read(textOf("docker-compose.yml").replaceAll("8080", String(health))).services.node
        const env: Env = { ...moved.environment, TROUPE_PORT: String(yield* freePort) }
        const [kind, command, ...args] = moved.healthcheck.test
        assert.deepEqual([kind, command], ["CMD", "node"])
        const healthy = Effect.callback<boolean>((resume) => {
          spawn(process.execPath, args).once("close", (code) => resume(Effect.succeed(code === 0)))
        })
        yield* lives(moved.command, env, healthy)
      }),
    60_000
  )
})

describe("the Kubernetes manifests", () => {
  const read = (text: string): Readonly<Record<string, any>> =>
    Object.fromEntries(parseAllDocuments(text).map((document) => [document.toJS().kind, document.toJS()]))

  const { Deployment, NetworkPolicy, PodDisruptionBudget } = read(textOf("kubernetes.yml"))
  const pod = Deployment.spec.template
  const [container] = pod.spec.containers
  const portNamed = (name: string) => container.ports.find((port: any) => port.name === name)?.containerPort

  /** The variables of the container. The Secret holds two, and the address of a pod is known when there is one. */
  const envOf = ({ env }: any): Env => ({
    TROUPE_STORAGE: "postgres://db/app",
    TROUPE_SECRET: "a secret of the tests",
    ...Object.fromEntries(env.map(({ name, value, valueFrom }: any) => [name, valueFrom ? "127.0.0.1" : value]))
  })

  it.effect("set what a node reads, to what it accepts", () =>
    Effect.gen(function* () {
      const env = envOf(container)
      assertRead(Object.keys(env))
      const addresses = container.env.filter(({ valueFrom }: any) => valueFrom !== undefined)
      assert.deepEqual(addresses, [
        { name: "TROUPE_ADVERTISE_HOST", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } }
      ])
      const { drainTimeout, listen } = yield* settingsOf(env)
      assert.isAbove(pod.spec.terminationGracePeriodSeconds * 1000, drainTimeout)
      assert.strictEqual(listen.port, portNamed("cluster"))
      assert.strictEqual(env.TROUPE_HEALTH_PORT, String(portNamed("health")))
      assert.strictEqual(pod.metadata.annotations["prometheus.io/port"], String(portNamed("health")))
      // The probes come from outside of the pod.
      assert.deepEqual([listen.host, env.TROUPE_HEALTH_HOST], ["0.0.0.0", "0.0.0.0"])
    })
  )

  it("are about the same pods and the same ports", () => {
    const { labels } = pod.metadata
    for (const selector of [
      Deployment.spec.selector,
      NetworkPolicy.spec.podSelector,
      PodDisruptionBudget.spec.selector
    ]) {
      assert.deepEqual(selector.matchLabels, labels)
    }
    const [cluster, health] = NetworkPolicy.spec.ingress
    assert.deepInclude(cluster.from, { podSelector: { matchLabels: labels } })
    for (const { port } of [...cluster.ports, ...health.ports]) assert.isDefined(portNamed(port))
  })

  it.live(
    "start a node that answers its probes, and that hears of its end",
    () =>
      Effect.gen(function* () {
        const health = yield* freePort
        const moved = read(textOf("kubernetes.yml").replaceAll("8080", String(health))).Deployment.spec.template
        const [{ command, env, livenessProbe, readinessProbe, startupProbe }] = moved.spec.containers
        const probes = [startupProbe, livenessProbe, readinessProbe].map(({ httpGet }) => httpGet)
        assert.isTrue(probes.every(({ port }) => port === "health"))
        const paths: ReadonlyArray<string> = [
          ...probes.map(({ path }) => path),
          moved.metadata.annotations["prometheus.io/path"]
        ]
        const healthy = Effect.map(
          Effect.forEach(paths, (path) => status(health, path)),
          (all) => all.every((one) => one === 200)
        )
        yield* lives(command, { ...envOf({ env }), TROUPE_PORT: String(yield* freePort) }, healthy)
      }),
    60_000
  )
})

import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import * as Net from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Duplex } from "node:stream"
import { assert, describe, it } from "@effect/vitest"
import { ClusterHome } from "@troupe/cluster"
import { Deferred, Effect, Exit, Fiber, Layer, Logger, Redacted } from "effect"
import { Socket, SocketServer } from "effect/socket"
import { TestClock } from "effect/testing"
import { Warnings } from "../src/internal/base/warnings.ts"
import * as connections from "../src/internal/net/connection.ts"
import * as handshake from "../src/internal/net/handshake.ts"
import * as netServer from "../src/internal/net/server.ts"
import * as settings from "../src/internal/node/settings.ts"
import { errorOf } from "./homeSupport.ts"

const SECRET = "a secret of the tests"
const storage = { file: ":memory:" }

describe("a node", () => {
  const refusal = (options: Partial<ClusterHome.NodeOptions>) =>
    Effect.map(errorOf(Layer.build(ClusterHome.layerNode({ storage, ...options }))), (error) => {
      assert.instanceOf(error, ClusterHome.ClusterStartError)
      return error.message as string
    })

  it.effect("listens on loopback unless told otherwise", () =>
    Effect.gen(function* () {
      const { advertise, listen } = yield* settings.node({ storage })
      assert.deepStrictEqual(listen, { host: "127.0.0.1", port: 34431 })
      assert.deepStrictEqual(advertise, listen)
    })
  )

  it.effect("does not listen elsewhere without a secret or certificates, and says so", () =>
    Effect.gen(function* () {
      assert.match(yield* refusal({ host: "10.0.0.1" }), /10\.0\.0\.1.*secret.*TROUPE_SECRET.*127\.0\.0\.1/)
      assert.match(yield* refusal({ host: "::", advertise: { host: "node-1" } }), /secret/)
      yield* settings.node({ storage, host: "10.0.0.1", secret: Redacted.make(SECRET) })
      yield* settings.node({ storage, host: "10.0.0.1", tls: { key: "", cert: "", ca: "" } })
    })
  )

  it.effect("wants to know where others find it when it listens everywhere", () =>
    Effect.gen(function* () {
      assert.match(yield* refusal({ host: "0.0.0.0", secret: SECRET }), /advertise/)
      const { advertise } = yield* settings.node({
        storage,
        host: "0.0.0.0",
        secret: SECRET,
        advertise: { host: "node-1" }
      })
      assert.deepStrictEqual(advertise, { host: "node-1", port: 34431 })
    })
  )

  it.effect("refuses a secret that can be guessed, and numbers that make no sense", () =>
    Effect.gen(function* () {
      assert.match(yield* refusal({ secret: "short" }), /at least 16/)
      assert.match(yield* refusal({ port: 0 }), /port/)
      assert.match(yield* refusal({ port: 70_000 }), /port/)
      assert.match(yield* refusal({ shards: 0.5 }), /shards/)
      assert.match(yield* refusal({ maxInstances: 0 }), /maxInstances/)
      assert.match(yield* refusal({ failover: "1 second" }), /failover/)
      assert.match(yield* refusal({ retention: "soon" as any }), /retention.*soon/)
      assert.match(yield* refusal({ storage: undefined as any }), /storage/)
      assert.match(yield* refusal({ storage: { url: "mysql://x" } }), /postgres:\/\//)
    })
  )

  it.effect("does not show its secret in what it says", () =>
    Effect.gen(function* () {
      assert.notInclude(yield* refusal({ secret: "mysecret" }), "mysecret")
    })
  )
})

/** A server whose handler notes what it is given, and how to connect to it. */
const serve = (options: connections.ConnectionOptions) =>
  Effect.gen(function* () {
    const context = yield* Layer.build(netServer.layer({ host: "127.0.0.1", port: 0 }, options))
    const server = yield* Effect.provide(SocketServer.SocketServer, context)
    const { port } = server.address as { readonly port: number }
    const handled = { connections: 0 }
    const received = yield* Deferred.make<string>()
    yield* Effect.forkScoped(
      server.run((socket) => {
        handled.connections++
        return Effect.scoped(
          Effect.gen(function* () {
            const { pull } = yield* socket.reader
            const chunks = yield* pull
            yield* Deferred.succeed(
              received,
              chunks.map((chunk) => Buffer.from(chunk as Uint8Array).toString()).join("")
            )
            yield* Effect.never
          })
        )
      })
    )
    return { port, handled, received, address: { host: "127.0.0.1", port } }
  })

/** Sends raw bytes, and waits until the server closes the connection. Gives what it sent. */
const intrude = (port: number, bytes: (hello: Buffer) => Buffer) =>
  Effect.callback<Buffer>((resume) => {
    const connection = Net.connect({ host: "127.0.0.1", port })
    const received: Array<Buffer> = []
    connection.once("data", (hello) => connection.write(bytes(hello)))
    connection.on("data", (data) => received.push(data))
    connection.on("error", () => {})
    connection.on("close", () => resume(Effect.succeed(Buffer.concat(received))))
  })

const plain = { secret: SECRET, tls: undefined }

describe("a connection", () => {
  it.live("with the right secret is let in, and what follows arrives whole", () =>
    Effect.gen(function* () {
      const { address, handled, received } = yield* serve(plain)
      const connection = yield* connections.open(address, plain, "messages")
      connection.write("first words")
      assert.strictEqual(yield* Deferred.await(received), "first words")
      assert.strictEqual(handled.connections, 1)
    })
  )

  it.live("that only looks whether a node is there is let in no further", () =>
    Effect.gen(function* () {
      const { address, handled } = yield* serve(plain)
      yield* Effect.scoped(connections.open(address, plain, "probe"))
      const refused = yield* Effect.exit(Effect.scoped(connections.open(address, { ...plain, secret: "x" }, "probe")))
      assert.isTrue(Exit.isFailure(refused))
      assert.strictEqual(handled.connections, 0)
    })
  )

  it.live("without the secret is cut off before anything that it sent is looked at", () =>
    Effect.gen(function* () {
      const { handled, port } = yield* serve(plain)
      const answers = yield* Effect.forEach(
        [Buffer.alloc(65), Buffer.alloc(100_000, 1), Buffer.from("GET / HTTP/1.1\r\n\r\n".repeat(10))],
        (bytes) => intrude(port, () => bytes)
      )
      // Nothing but the greeting has come back.
      for (const answer of answers) assert.strictEqual(answer.length, 40)
      assert.strictEqual(handled.connections, 0)
    })
  )

  it.live("with another secret is refused on both sides", () =>
    Effect.gen(function* () {
      const { address, handled } = yield* serve(plain)
      const error = yield* errorOf(
        connections.open(address, { ...plain, secret: "another secret, as long" }, "messages")
      )
      assert.isTrue(Socket.isSocketError(error))
      assert.match(String(error.reason.cause), /secret/)
      assert.strictEqual(handled.connections, 0)
    })
  )

  it.live("cannot use a proof that was heard on another connection", () =>
    Effect.gen(function* () {
      const { handled, port } = yield* serve(plain)
      // What an honest client sends, to a server that only listens.
      const heard = yield* Deferred.make<Buffer>()
      const ear = Net.createServer((connection) => {
        connection.write(Buffer.concat([Buffer.from("TROUPE\u0000\u0001"), Buffer.alloc(32)]))
        connection.once("data", (proof) => Deferred.doneUnsafe(heard, Exit.succeed(proof)))
      })
      yield* Effect.callback<void>((resume) => void ear.listen(0, "127.0.0.1", () => resume(Effect.void)))
      const address = { host: "127.0.0.1", port: (ear.address() as Net.AddressInfo).port }
      const honest = yield* Effect.forkScoped(Effect.scoped(connections.open(address, plain, "messages")))
      const proof = yield* Deferred.await(heard)
      assert.strictEqual((yield* intrude(port, () => proof)).length, 40)
      assert.strictEqual(handled.connections, 0)
      yield* Fiber.interrupt(honest)
      ear.close()
    })
  )

  it.live("to something that does not have the secret is given up", () =>
    Effect.gen(function* () {
      const { address } = yield* serve({ ...plain, secret: "" })
      const error = yield* errorOf(connections.open(address, plain, "messages"))
      assert.match(String(error.reason.cause), /secret/)
    })
  )

  it.effect("that says nothing is cut off after five seconds", () =>
    Effect.gen(function* () {
      const silent = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
      const accepting = yield* Effect.forkChild(errorOf(handshake.accept(silent, SECRET)), { startImmediately: true })
      yield* TestClock.adjust("5 seconds")
      assert.match((yield* Fiber.join(accepting)).message, /in time/)
    })
  )
})

/** Connections that say nothing, and come back when they are cut off, until the Scope closes. */
const silent = (port: number, count: number) =>
  Effect.gen(function* () {
    const sockets = new Set<Net.Socket>()
    let over = false
    const connect = (greeted: () => void) => {
      const socket = Net.connect({ host: "127.0.0.1", port }, greeted)
      sockets.add(socket)
      socket.on("error", () => {})
      socket.once("close", () => {
        sockets.delete(socket)
        if (!over) setImmediate(connect, () => {})
      })
    }
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        over = true
        for (const socket of sockets) socket.destroy()
      })
    )
    yield* Effect.callback<void>((resume) => {
      let left = count
      for (let i = 0; i < count; i++) connect(() => --left === 0 && resume(Effect.void))
    })
  })

describe("strangers", () => {
  it.live("that connect, say nothing and come back keep no peer out", () =>
    Effect.gen(function* () {
      const { address, port } = yield* serve(plain)
      yield* silent(port, 200)
      const probe = Effect.scoped(connections.open(address, plain, "probe"))
      yield* Effect.replicateEffect(probe, 50, { discard: true })
      yield* connections.open(address, plain, "messages")
    })
  )

  it.live("beyond their budget make room for others by going themselves, the oldest first", () =>
    Effect.gen(function* () {
      const { address, port } = yield* serve(plain)
      const peer = yield* connections.open(address, plain, "messages")
      const first = Net.connect({ host: "127.0.0.1", port })
      yield* Effect.callback<void>((resume) => void first.once("data", () => resume(Effect.void)))
      const cutOff = Effect.callback<void>((resume) => void first.once("close", () => resume(Effect.void)))
      yield* silent(port, 1100)
      yield* cutOff
      yield* Effect.scoped(connections.open(address, plain, "probe"))
      assert.isFalse(peer.destroyed)
    })
  )

  it.effect("are warned of at once, then once a minute with their number", () =>
    Effect.gen(function* () {
      const said: Array<unknown> = []
      const logger = Logger.make(({ message }) => void said.push(...(Array.isArray(message) ? message : [message])))
      const warnings = new Warnings()
      const warn = (subject: string) => warnings.warn(subject, `${subject} was refused.`)
      yield* Effect.gen(function* () {
        yield* Effect.replicateEffect(warn("10.0.0.1"), 120, { discard: true })
        yield* warn("10.0.0.2")
        yield* TestClock.adjust("1 minute")
        yield* warn("10.0.0.1")
        yield* warn("10.0.0.1")
        // However many addresses they have, they do not fill the log.
        yield* Effect.forEach(Array.from({ length: 1000 }), (_, i) => warn(`10.1.0.${i}`))
      }).pipe(Effect.provide(Logger.layer([logger])))
      assert.deepStrictEqual(said.slice(0, 3), [
        "10.0.0.1 was refused.",
        "10.0.0.2 was refused.",
        "10.0.0.1 was refused. (119 more like it since the last warning)"
      ])
      assert.isBelow(said.length, 100)
    })
  )
})

describe("with certificates", () => {
  const openssl = (() => {
    try {
      execFileSync("openssl", ["version"])
      return true
    } catch {
      return false
    }
  })()

  const certificates = (directory: string) => {
    const run = (...args: ReadonlyArray<string>) =>
      execFileSync("openssl", args as Array<string>, { cwd: directory, stdio: "ignore" })
    const read = (name: string) => readFileSync(join(directory, name), "utf8")
    const authority = (name: string) =>
      run(
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-keyout",
        `${name}.key`,
        "-out",
        `${name}.pem`,
        "-subj",
        `/CN=${name}`
      )
    const issue = (name: string, by: string) => {
      run(
        "req",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-keyout",
        `${name}.key`,
        "-out",
        `${name}.csr`,
        "-subj",
        `/CN=${name}`
      )
      run(
        "x509",
        "-req",
        "-in",
        `${name}.csr`,
        "-CA",
        `${by}.pem`,
        "-CAkey",
        `${by}.key`,
        "-CAcreateserial",
        "-out",
        `${name}.pem`
      )
      return { key: read(`${name}.key`), cert: read(`${name}.pem`) }
    }
    writeFileSync(join(directory, "empty"), "")
    authority("ours")
    authority("theirs")
    const ca = read("ours.pem")
    return { node: { ...issue("node", "ours"), ca }, stranger: { ...issue("stranger", "theirs"), ca } }
  }

  it.live.skipIf(!openssl)("of the same authority processes connect, and with those of another they do not", () =>
    Effect.gen(function* () {
      const directory = mkdtempSync(join(tmpdir(), "troupe-tls-"))
      yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(directory, { recursive: true })))
      const { node, stranger } = certificates(directory)
      const { address, handled, received } = yield* serve({ secret: "", tls: node })
      const connection = yield* connections.open(address, { secret: "", tls: node }, "messages")
      connection.write("first words")
      assert.strictEqual(yield* Deferred.await(received), "first words")
      yield* errorOf(connections.open(address, { secret: "", tls: stranger }, "messages"))
      assert.strictEqual(handled.connections, 1)
    })
  )
})

import { type AddressInfo, createServer, type Server } from "node:net"
import { format } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { ActorSystem } from "@troupe/core"
import { Inspector } from "@troupe/inspector"
import { Cause, Context, Effect, Exit, Layer, Logger, Redacted } from "effect"
import { ask } from "./http.ts"
import { inspect, ownSystem, promise, Worker } from "./inspectorSupport.ts"

const bearer = (token: Redacted.Redacted<string> | undefined) => ({
  authorization: `Bearer ${token === undefined ? "" : Redacted.value(token)}`
})

describe("an inspector that anybody on this machine may read", () => {
  it.live("serves its page on the loopback address only, with a policy that lets nothing in from elsewhere", () =>
    Effect.gen(function* () {
      const { host, port, token, url } = yield* inspect()
      assert.strictEqual(host, "127.0.0.1")
      assert.strictEqual(url, `http://127.0.0.1:${port}/`)
      assert.isUndefined(token)
      for (const path of ["/", "/app.js", "/style.css", "/icon.svg", "/api/info", "/nothing"]) {
        const { headers, status, text } = yield* promise(() => ask(port, path))
        assert.strictEqual(status, path === "/nothing" ? 404 : 200, path)
        assert.include(headers["content-security-policy"], "default-src 'none'", path)
        assert.include(headers["content-security-policy"], "frame-ancestors 'none'", path)
        assert.strictEqual(headers["x-content-type-options"], "nosniff", path)
        assert.strictEqual(headers["cache-control"], "no-store", path)
        assert.isUndefined(headers["access-control-allow-origin"], path)
        // Nothing on the page asks for anything elsewhere.
        assert.notMatch(text.replaceAll("http://www.w3.org/2000/svg", ""), /(src|href)="?(https?:)?\/\//, path)
      }
    }).pipe(ownSystem)
  )

  it.live("a request for a name that only points here is refused (DNS rebinding)", () =>
    Effect.gen(function* () {
      const { port } = yield* inspect()
      const names = [
        `attacker.example:${port}`,
        `attacker.example`,
        `127.0.0.1.attacker.example:${port}`,
        `localhost.attacker.example`,
        `localhost:${port}.attacker.example`,
        `attacker.example:80@127.0.0.1:${port}`,
        "localhost/attacker.example",
        `[::1]attacker.example:${port}`,
        " "
      ]
      for (const host of names) {
        for (const path of ["/", "/app.js", "/api/snapshot", "/api/feed"]) {
          const { body, status } = yield* promise(() => ask(port, path, { headers: { host } }))
          // Some of these are no host at all, which Node says itself.
          assert.include([400, 403], status, `${host} ${path}`)
          if (status === 403) assert.include(body.error, "not known here")
        }
      }
    }).pipe(ownSystem)
  )

  it.live("addresses, localhost and names that were allowed are known, with any port: there may be a tunnel", () =>
    Effect.gen(function* () {
      const { port } = yield* inspect({ allowedHosts: ["Box.Local"] })
      const names = [
        `127.0.0.1:${port}`,
        `localhost:${port}`,
        "localhost",
        "LOCALHOST:9000",
        "[::1]:9000",
        "10.1.2.3:80"
      ]
      for (const host of [...names, "box.local", `box.local:${port}`, "box.local."]) {
        const { status } = yield* promise(() => ask(port, "/api/info", { headers: { host } }))
        assert.strictEqual(status, 200, host)
      }
    }).pipe(ownSystem)
  )

  it.live("a request of a page of another origin is refused, one of its own page is not", () =>
    Effect.gen(function* () {
      const { port } = yield* inspect()
      const own = `127.0.0.1:${port}`
      const from = (origin: string) => promise(() => ask(port, "/api/snapshot", { headers: { host: own, origin } }))
      const others = ["http://attacker.example", "null", `http://localhost:${port}`, `http://127.0.0.1:${port + 1}`]
      for (const origin of [...others, `http://${own}.attacker.example`, `file://${own}`, "nonsense"]) {
        const { body, status } = yield* from(origin)
        assert.strictEqual(status, 403, origin)
        assert.include(body.error, "other origins")
      }
      assert.strictEqual((yield* from(`http://${own}`)).status, 200)
    }).pipe(ownSystem)
  )

  it.live("a request that the browser says comes from another site is refused, but a link to the page works", () =>
    Effect.gen(function* () {
      const { port } = yield* inspect()
      const get = (path: string, site: string) =>
        promise(() => ask(port, path, { headers: { "sec-fetch-site": site } }))
      assert.strictEqual((yield* get("/api/snapshot", "cross-site")).status, 403)
      assert.strictEqual((yield* get("/api/snapshot", "same-site")).status, 403)
      assert.strictEqual((yield* get("/api/snapshot", "same-origin")).status, 200)
      assert.strictEqual((yield* get("/api/snapshot", "none")).status, 200)
      assert.strictEqual((yield* get("/", "cross-site")).status, 200)
    }).pipe(ownSystem)
  )

  it.live("changes nothing, and says how to allow it", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const { port } = yield* inspect()
      const { instances } = yield* ActorSystem.snapshot()
      const id = instances[0]!.instance
      for (const path of [`kill/${id}`, `stop/${id}`, `resize/${id}?limit=1`, "cancel/1", "anything"]) {
        const { body, status } = yield* promise(() => ask(port, `/api/${path}`, { method: "POST" }))
        assert.strictEqual(status, 403, path)
        assert.include(body.error, "control: true")
      }
      assert.strictEqual(yield* worker.echo("still here"), "still here")
    }).pipe(ownSystem)
  )
})

describe("an inspector with a token", () => {
  it.live("control has one, and refuses all requests without it, reading ones too", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const { port, token, url } = yield* inspect({ control: true })
      assert.strictEqual(url, `http://127.0.0.1:${port}/#token=${Redacted.value(token!)}`)
      assert.isAtLeast(Redacted.value(token!).length, 20)
      const { instances } = yield* ActorSystem.snapshot()
      const paths = ["GET /api/snapshot", "GET /api/feed", "GET /api/info", `POST /api/kill/${instances[0]!.instance}`]
      const wrong = ["Bearer wrong-token", "Bearer ", "Basic abc", `Bearer ${Redacted.value(token!)}x`]
      for (const line of paths) {
        const [method, path] = line.split(" ") as [string, string]
        for (const authorization of [undefined, ...wrong]) {
          const headers = authorization === undefined ? {} : { authorization }
          const { body, status } = yield* promise(() => ask(port, path, { method, headers }))
          assert.strictEqual(status, 401, `${line} ${authorization}`)
          assert.include(body.error, "token")
        }
      }
      assert.strictEqual(yield* worker.echo("still here"), "still here")
      const known = yield* promise(() => ask(port, "/api/info", { headers: bearer(token) }))
      assert.strictEqual(known.status, 200)
      assert.isTrue(known.body.control)
      // The page itself holds nothing that is secret.
      assert.strictEqual((yield* promise(() => ask(port, "/"))).status, 200)
    }).pipe(ownSystem)
  )

  it.live("there is no other way to write a path that would need no token", () =>
    Effect.gen(function* () {
      yield* Worker.spawn()
      const { port } = yield* inspect({ control: true })
      const ways = ["/%61pi/snapshot", "//api/snapshot", "/API/snapshot", "/./api/snapshot", "/x/../api/snapshot"]
      const more = [
        "/api//snapshot",
        "/api/snapshot/",
        "/api/snapshot?/app.js",
        "/api/snapshot#/app.js",
        "/;/api/snapshot"
      ]
      for (const path of [...ways, ...more, `http://127.0.0.1:${port}/api/snapshot`, "/app.js/../api/snapshot"]) {
        const { status, text } = yield* promise(() => ask(port, path))
        assert.include([400, 401, 404], status, path)
        assert.notInclude(text, "test/Worker", path)
      }
    }).pipe(ownSystem)
  )

  it.live("the token does not help a page of another origin, nor a name that only points here", () =>
    Effect.gen(function* () {
      const { port, token } = yield* inspect({ control: true })
      const post = (headers: Record<string, string>) =>
        promise(() => ask(port, "/api/cancel/1", { method: "POST", headers: { ...bearer(token), ...headers } }))
      assert.strictEqual((yield* post({ origin: "http://attacker.example" })).status, 403)
      assert.strictEqual((yield* post({ host: `attacker.example:${port}` })).status, 403)
      assert.strictEqual((yield* post({ "sec-fetch-site": "cross-site" })).status, 403)
      assert.notStrictEqual((yield* post({})).status, 403)
    }).pipe(ownSystem)
  )

  it.live("beyond loopback there always is one", () =>
    Effect.gen(function* () {
      const { port, token, url } = yield* inspect({ host: "0.0.0.0" })
      assert.isDefined(token)
      assert.match(url, /^http:\/\/localhost:\d+\/#token=/)
      assert.strictEqual((yield* promise(() => ask(port, "/api/snapshot"))).status, 401)
      const { status } = yield* promise(() => ask(port, "/api/snapshot", { headers: bearer(token) }))
      assert.strictEqual(status, 200)
    }).pipe(ownSystem)
  )

  it.live("one that was made is logged with the address, one that was given is not", () =>
    Effect.gen(function* () {
      const lines: Array<string> = []
      const logger = Logger.make(({ message }) => void lines.push(String(message)))
      const start = (options: Inspector.Options) =>
        Layer.build(Inspector.layer({ port: 0, ...options })).pipe(Effect.provide(Logger.layer([logger])))
      yield* start({ control: true })
      yield* start({ token: Redacted.make("given-by-the-user") })
      assert.match(lines[0]!, /http:\/\/127\.0\.0\.1:\d+\/#token=\S{20,}/)
      assert.match(lines[1]!, /http:\/\/127\.0\.0\.1:\d+\/ /)
      assert.notInclude(lines[1], "given-by-the-user")
    }).pipe(ownSystem)
  )
})

describe("options", () => {
  it("that make no sense are refused where they are written", () => {
    const { layer } = Inspector
    assert.throws(() => layer({ port: 70_000 }), RangeError, /port must be an integer from 0 to 65535, but is 70000/)
    assert.throws(() => layer({ port: 1.5 }), RangeError, /port/)
    assert.throws(
      () => layer({ prot: 1 } as object),
      TypeError,
      /Inspector\.layer: there is no option "prot"; the options are port, /
    )
    assert.throws(() => layer({ interval: "1 millis" }), RangeError, /interval must be at least 50 milliseconds/)
    for (const option of ["maxInstances", "maxPages", "maxRecordings", "maxRecordingBytes"]) {
      assert.throws(() => layer({ [option]: 0 }), RangeError, `${option} must be an integer of at least 1, but is 0`)
    }
    assert.throws(() => layer({ onPortTaken: "warn" as any }), TypeError, /onPortTaken must be "another" or "fail"/)
    assert.throws(() => layer({ token: "short" }), TypeError, /token must be at least 8 characters/)
    assert.throws(() => layer({ token: "with a space in it" }), TypeError, /token/)
  })

  /** A port at which something else listens. */
  const taken = Effect.acquireRelease(
    promise(
      () =>
        new Promise<Server>((resolve) => {
          const server = createServer().listen(0, "127.0.0.1", () => resolve(server))
        })
    ),
    (server) => Effect.sync(() => server.close())
  ).pipe(Effect.map((server) => (server.address() as AddressInfo).port))

  it.live("a port that something else has does not end the program: the page is at another, as a warning says", () =>
    Effect.gen(function* () {
      const port = yield* taken
      const lines: Array<string> = []
      const logger = Logger.make(({ logLevel, message }) => void lines.push(`${logLevel}: ${message}`))
      const context = yield* Effect.provide(Layer.build(Inspector.layer({ port })), Logger.layer([logger]))
      const { port: other, url } = Context.get(context, Inspector.Inspector)
      assert.notStrictEqual(other, port)
      assert.deepStrictEqual(lines, [`Warn: Inspector: port ${port} is taken by another program, so open ${url}`])
      assert.strictEqual((yield* promise(() => ask(other, "/api/info"))).status, 200)
    }).pipe(ownSystem)
  )

  it.live("where others count on the port, the Layer fails with one sentence that says what to do", () =>
    Effect.gen(function* () {
      const port = yield* taken
      const exit = yield* Effect.exit(inspect({ port, onPortTaken: "fail" }))
      if (!Exit.isFailure(exit)) assert.fail("it did not fail")
      const sentence = `Inspector: port ${port} of 127.0.0.1 is taken by another program; give another port, or 0 for any`
      const error = Cause.squash(exit.cause)
      assert.instanceOf(error, Inspector.ListenError)
      assert.deepInclude(error, { port, host: "127.0.0.1", code: "EADDRINUSE", message: sentence })
      // However it is printed, there are no lines of a stack, which would lead into the inspector.
      assert.strictEqual(Cause.pretty(exit.cause), `ListenError: ${sentence}`)
      assert.strictEqual(format(error), `ListenError: ${sentence}`)
    }).pipe(ownSystem)
  )

  it.live("a Layer beside it that fails while it begins to listen leaves the port free", () =>
    Effect.gen(function* () {
      const port = yield* Effect.scoped(taken)
      const broken = Layer.merge(
        Inspector.layer({ port, onPortTaken: "fail" }),
        Layer.effectDiscard(Effect.fail("no database"))
      )
      assert.strictEqual(yield* Effect.flip(Effect.scoped(Layer.build(broken))), "no database")
      yield* Effect.scoped(inspect({ port, onPortTaken: "fail" }))
    }).pipe(ownSystem)
  )

  it.live("a host that is not of this machine fails the Layer, since another port would not help", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(inspect({ host: "192.0.2.1" }))
      assert.strictEqual(error.code, "EADDRNOTAVAIL")
      assert.include(error.message, "192.0.2.1 is not an address of this machine")
    }).pipe(ownSystem)
  )
})

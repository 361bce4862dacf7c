/**
 * What strangers on the internet try as peers: where they come from, how many they are, how slow they read, and whom they
 * say they are.
 */
import { once } from "node:events"
import * as Net from "node:net"
import { RemoteHome } from "@troupe/remote"
import { Effect } from "effect"
import { assert, describe, it } from "vitest"
import {
  call,
  connect,
  eventually,
  post,
  SECRET,
  type Site,
  stillServes,
  Tenant,
  upgrade,
  visited
} from "./hostileSupport.ts"

const reasonOf = (exit: any) => exit.cause?.[0]?.error?.reason ?? exit

const body = (method: string, payload: object = {}) => `${JSON.stringify(call(1, method, payload))}\n`

describe("origins", () => {
  const tried = async (site: Site, ...lines: ReadonlyArray<string>) => upgrade(site, lines)

  it("by default pages of the server's own host may open a WebSocket, and what is no page", () =>
    visited(async (site) => {
      const { port } = site
      assert.strictEqual(await tried(site), 101)
      assert.strictEqual(await tried(site, `origin: http://127.0.0.1:${port}`), 101)
      const others = [
        "null",
        "",
        "http://evil.example",
        "http://127.0.0.1",
        `http://127.0.0.1:${port + 1}`,
        `http://127.0.0.1:${port}.evil.example`,
        `http://evil.example#127.0.0.1:${port}`,
        `ftp://127.0.0.1:${port}`,
        `chrome-extension://127.0.0.1:${port}`,
        `http://127.0.0.1:${port}, http://evil.example`
      ]
      for (const origin of others) assert.strictEqual(await tried(site, `origin: ${origin}`), 403, origin)
      const two = [`origin: http://127.0.0.1:${port}`, "origin: http://evil.example"]
      // Node takes the first of several, as a browser never sends them.
      assert.include([101, 403], await tried(site, ...two))
      assert.strictEqual(await tried(site, ...two.reverse()), 403)
    }))

  it("named origins are compared as origins: in any case, with their port, and with nothing more", () =>
    visited(
      async (site) => {
        assert.strictEqual(await tried(site, "origin: https://app.example"), 101)
        assert.strictEqual(await tried(site, "origin: HTTPS://App.Example"), 101)
        for (const origin of [
          "http://app.example",
          "https://app.example:444",
          "https://x.app.example",
          "null",
          "https://app.example.evil.example"
        ])
          assert.strictEqual(await tried(site, `origin: ${origin}`), 403, origin)
      },
      { origins: ["https://app.example"] }
    ))

  it("a function that throws refuses", () =>
    visited(async (site) => assert.strictEqual(await tried(site, "origin: https://app.example"), 403), {
      origins: () => {
        throw new Error(SECRET)
      }
    }))

  it("over HTTP, another origin is refused before anything runs, and a browser that asks first is told so", () =>
    visited(
      async (site) => {
        const url = `http://127.0.0.1:${site.port}/actors`
        const asks = (origin: string) =>
          fetch(url, {
            method: "OPTIONS",
            headers: {
              origin,
              "access-control-request-method": "POST",
              "access-control-request-headers": "content-type"
            }
          })
        const evil = { headers: { origin: "https://evil.example", cookie: "session=1" } }
        const refused = await post(site, body("echo", { args: [1] }), evil)
        assert.strictEqual(refused.status, 403)
        assert.notInclude(await refused.text(), "evil")
        assert.deepStrictEqual(site.made, [])
        assert.strictEqual((await asks("https://evil.example")).status, 403)
        assert.isNull((await asks("https://evil.example")).headers.get("access-control-allow-origin"))
        const allowed = await asks("https://app.example")
        assert.strictEqual(allowed.status, 204)
        assert.strictEqual(allowed.headers.get("access-control-allow-origin"), "https://app.example")
        assert.strictEqual(allowed.headers.get("access-control-allow-credentials"), "true")
        const read = await post(site, body("echo", { args: [1] }), { headers: { origin: "https://app.example" } })
        assert.strictEqual(read.headers.get("access-control-allow-origin"), "https://app.example")
        assert.strictEqual(read.headers.get("vary"), "origin")
      },
      { origins: ["https://app.example"] }
    ))

  it('"any" lets every page read, and none send credentials', () =>
    visited(
      async (site) => {
        const read = await post(site, body("echo", { args: [1] }), { headers: { origin: "https://any.example" } })
        assert.strictEqual(read.status, 200)
        assert.isNull(read.headers.get("access-control-allow-credentials"))
      },
      { origins: "any" }
    ))
})

describe("bounds", () => {
  const limits = { calls: 3, streams: 2, subscriptions: 1, connectionsPerPeer: 2 }

  it("calls, streams and subscriptions over the limit are refused with its name, and the connection goes on", () =>
    visited(
      async (site) => {
        const stranger = await connect(site)
        const kinds = { calls: "never", streams: "stuck", subscriptions: "news" } as const
        for (const [kind, method] of Object.entries(kinds)) {
          const most = limits[kind as keyof typeof kinds]
          for (let i = 0; i < most; i++) stranger.send(call(`${kind}${i}`, method))
          const reason = reasonOf(await stranger.call(`${kind} over`, method))
          assert.strictEqual(reason._tag, "ActorUnavailable")
          assert.include(reason.why, `limits.${kind}`)
          assert.isFalse(reason.mayHaveRun)
          stranger.send({ _tag: "Interrupt", requestId: `${kind}0` })
          await stranger.exit(`${kind}0`)
        }
        assert.strictEqual((await stranger.call("after", "echo", { args: [1] })).value, 1)
        stranger.socket.terminate()
        await eventually(() => site.underWay.size === 0)
      },
      { limits }
    ))

  it("a client is told how long a message may be and how many calls and connections there may be before it sends one, unless there is no limit", () =>
    Promise.all(
      [1000, Infinity].map((most) => {
        const limits = { messageBytes: most, calls: most, connectionsPerPeer: most }
        return visited(
          async (site) => {
            const hello = await (await connect(site)).until(({ tag }) => tag === "troupe/hello")
            assert.deepStrictEqual(hello.payload.limits, most === 1000 ? limits : {})
          },
          { limits }
        )
      })
    ).then(() => {}))

  it("connections over the limit are refused, whatever they want, and there is room again when one has gone", () =>
    visited(
      async (site) => {
        const one = await connect(site)
        const two = await connect(site)
        assert.strictEqual(await upgrade(site, []), 429)
        const refused = await post(site, body("echo", { args: [1] }))
        assert.strictEqual(refused.status, 429)
        assert.include(await refused.text(), "limits.connectionsPerPeer")
        one.socket.terminate()
        two.socket.terminate()
        await one.closed
        while ((await upgrade(site, [])) === 429) await new Promise((resolve) => setImmediate(resolve))
      },
      { limits }
    ))

  it("a peer that does not read is cut off after slowAfter, however little waits for it, and its calls end", () =>
    visited(
      async (site) => {
        for (const length of [50_000, 3_000_000]) {
          const stranger = await connect(site)
          const socket = (stranger.socket as any)._socket as Net.Socket
          stranger.socket.pause()
          stranger.send(call("n", "never"))
          for (let i = 0; i < 300_000_000 / length / 10; i++) stranger.send(call(i, "big", { args: [length] }))
          await eventually(() => site.underWay.size === 1)
          await eventually(() => site.underWay.size === 0)
          socket.resume()
          await once(socket, "close")
        }
        await stillServes(site)
      },
      { limits: { slowAfter: 500, pendingBytes: 1_000_000 } }
    ))

  it("a peer that does not read its answer to a POST is cut off, too", () =>
    visited(
      async (site) => {
        const all = Array.from({ length: 20 }, (_, i) => JSON.stringify(call(i, "big", { args: [1_000_000] }))).join(
          "\n"
        )
        const socket = Net.connect({ port: site.port, host: "127.0.0.1" })
        socket.on("error", () => {})
        socket.pause()
        socket.write(`POST /actors HTTP/1.1\r\nhost: a\r\ncontent-length: ${all.length}\r\n\r\n${all}`)
        await eventually(() => site.big > 0)
        await stillServes(site)
        assert.isBelow(site.big, 20)
        await once(socket.resume(), "close")
      },
      { limits: { slowAfter: 500 } }
    ))

  it("a WebSocket of which nothing is heard is closed, and pings of the protocol below are no sign of life", () =>
    visited(
      async (site) => {
        const silent = await connect(site)
        silent.send(call(1, "never"))
        const pings = await connect(site)
        const timer = setInterval(() => pings.socket.ping(), 50)
        const { code, why } = await silent.closed
        assert.strictEqual(code, 1001)
        assert.include(why, "limits.idleAfter")
        assert.strictEqual((await pings.closed).code, 1001)
        clearInterval(timer)
        await eventually(() => site.underWay.size === 0)
      },
      { limits: { idleAfter: 600 } }
    ))

  it("the calls of a peer end with its connection, over HTTP as well", () =>
    visited(async (site) => {
      const control = new AbortController()
      const answer = post(site, body("never"), { signal: control.signal }).then((response) => response.text())
      await eventually(() => site.underWay.size === 1)
      control.abort()
      await answer.catch(() => {})
      await eventually(() => site.underWay.size === 0)
    }))
})

describe("authorize", () => {
  it("ten thousand refused keys make no instance, and all are told the same", () =>
    visited(
      async (site) => {
        const owner = await connect(site)
        await owner.call(1, "echo", { key: "mine", args: [1] }, { headers: [["authorization", "right"]] })
        const stranger = await connect(site)
        for (let i = 0; i < 10_000; i++) stranger.send(call(i, "echo", { key: `key ${i}`, args: [1] }))
        const why = reasonOf(await stranger.exit(9999)).why
        assert.strictEqual(why, "no")
        const mine = reasonOf(await stranger.call("mine", "echo", { key: "mine", args: [1] }))
        assert.deepStrictEqual({ ...mine, actor: "" }, { ...reasonOf(await stranger.exit(0)), actor: "" })
        assert.deepStrictEqual(site.made, ["mine"])
      },
      {
        limits: { calls: 100_000 },
        authorize: (_: string, { sent }: RemoteHome.RemoteRequest) =>
          sent.authorization === "right" ? Effect.void : RemoteHome.deny("no")
      }
    ))

  it("one that dies refuses, and tells nothing; one that throws, too", () =>
    visited(
      async (site) => {
        const stranger = await connect(site)
        for (const method of ["echo", "news", "count"] as const) {
          for (const key of ["dies", "throws", "fails"]) {
            const exit = await stranger.call(`${method} ${key}`, method, { key, args: [1] })
            assert.strictEqual(exit._tag, "Failure")
            assert.notInclude(JSON.stringify(stranger.received), "hunter2")
          }
        }
        assert.deepStrictEqual(site.made, [])
      },
      {
        authorize: (key: string) => {
          if (key === "throws") throw new Error(SECRET)
          return key === "dies" ? Effect.die(new Error(SECRET)) : Effect.fail(new Error(SECRET))
        }
      }
    ))

  it("one that hangs counts as a call, and ends with the connection", async () => {
    let waiting = 0
    await visited(
      async (site) => {
        const stranger = await connect(site)
        stranger.send(call(1, "echo", { args: [1] }), call(2, "echo", { args: [1] }))
        assert.include(reasonOf(await stranger.call(3, "echo", { args: [1] })).why, "limits.calls")
        assert.strictEqual(waiting, 2)
        stranger.socket.terminate()
        await eventually(() => waiting === 0)
        assert.deepStrictEqual(site.made, [])
      },
      {
        limits: { calls: 2 },
        authorize: () =>
          Effect.onExit(
            Effect.suspend(() => {
              waiting++
              return Effect.never
            }),
            () => Effect.sync(() => void waiting--)
          )
      }
    )
  })
})

describe("what is forged", () => {
  const baggage = (value: unknown) => ({ headers: [["troupe-baggage", JSON.stringify(value)]] })

  it("deadlines of any length neither end a call early, nor are waited for", () =>
    visited(async (site) => {
      const stranger = await connect(site)
      for (const left of [1e12, 1e308, 2 ** 31, 2 ** 31 - 1000, -1, null, "1", {}]) {
        const exit = await stranger.call(String(left), "echo", { args: [1] }, baggage({ left }))
        assert.strictEqual(exit.value, 1, String(left))
      }
      const infinite = { headers: [["troupe-baggage", '{"left":1e999}']] }
      assert.strictEqual((await stranger.call("i", "echo", { args: [1] }, infinite)).value, 1)
    }))

  it("a call whose deadline is said to be over ends", () =>
    visited(async (site) => {
      const stranger = await connect(site)
      assert.strictEqual(reasonOf(await stranger.call(1, "never", {}, baggage({ left: 0 })))._tag, "TimedOut")
      await eventually(() => site.underWay.size === 0)
    }))

  it("carried references that the server does not name are passed over, and those that do not fit are refused", async () => {
    const forged = baggage({ references: { [Tenant.key]: "admin" } })
    await visited(async (site) => {
      const stranger = await connect(site)
      assert.isUndefined((await stranger.call(1, "tenant", {}, forged)).value ?? undefined)
    })
    await visited(
      async (site) => {
        const stranger = await connect(site)
        assert.strictEqual((await stranger.call(1, "tenant", {}, forged)).value, "admin")
        const odd = baggage({ references: { [Tenant.key]: { toString: 1 } } })
        assert.strictEqual(reasonOf(await stranger.call(2, "tenant", {}, odd))._tag, "DecodeError")
      },
      { carried: [Tenant] }
    )
  })

  it("baggage that is none is refused, whatever it is", () =>
    visited(async (site) => {
      const stranger = await connect(site)
      const odd = ["", "{", "null", "1", '"x"', "[".repeat(100_000), '{"references":{"__proto__":1}}', '"\\ud800"']
      for (const [i, text] of odd.entries()) {
        const exit = await stranger.call(i, "echo", { args: [1] }, { headers: [["troupe-baggage", text]] })
        assert.isTrue(exit.value === 1 || reasonOf(exit)._tag === "DecodeError", text.slice(0, 20))
      }
      assert.strictEqual((await stranger.call("after", "echo", { args: [1] })).value, 1)
    }))

  it("a trace that is none is passed over", () =>
    visited(async (site) => {
      const stranger = await connect(site)
      const odd = [
        { traceId: "x\ny", spanId: "z" },
        { traceId: "a".repeat(100_000), spanId: "b" },
        { traceId: 1, spanId: {} }
      ]
      for (const [i, trace] of odd.entries())
        assert.strictEqual((await stranger.call(i, "echo", { args: [1] }, { ...trace, sampled: true })).value, 1)
    }))
})

describe("what is told of failures", () => {
  const methods = [
    ["boom", { args: ["error"] }],
    ["boom", { args: ["string"] }],
    ["boom", { args: ["object"] }],
    ["boom", { args: ["cause"] }],
    ["unfit", {}],
    ["boomStream", {}],
    ["unfitStream", {}],
    ["echo", { key: "unmakeable", args: [1] }],
    ["count", { key: "unmakeable", args: [1] }],
    ["news", { key: "unmakeable" }]
  ] as const

  it("no word of a defect, of a result that does not fit, or of a constructor that dies, and no stack", () =>
    visited(async (site) => {
      const stranger = await connect(site)
      for (const [i, [method, payload]] of methods.entries()) {
        stranger.send(call(i, method, payload))
        if (method === "boomStream") {
          await stranger.until(({ _tag, requestId }) => _tag === "Chunk" && requestId === i)
          stranger.send({ _tag: "Ack", requestId: i })
        }
        assert.strictEqual((await stranger.exit(i))._tag, "Failure", method)
        const answer = await (await post(site, body(method, payload))).text()
        for (const told of [JSON.stringify(stranger.received), answer]) {
          assert.notMatch(told, /hunter2|postgres|db\.internal/, method)
          assert.notMatch(told, /\.ts:\d+|node_modules| at /, method)
        }
      }
      // Those who run the server are told.
      assert.include(site.logs.join("\n"), "hunter2")
    }))

  it("what is wrong with arguments is told to their sender alone, and of nobody else's", () =>
    visited(async (site) => {
      const victim = await connect(site)
      await victim.call(1, "echo", { args: [SECRET] })
      const stranger = await connect(site)
      const odd = [{}, { args: [] }, { args: 7 }, { args: ["x", "y"] }, { key: 7 }, { key: null }, []]
      for (const [i, payload] of odd.entries()) {
        const reason = reasonOf(await stranger.call(i, "big", payload))
        assert.strictEqual(reason._tag, "DecodeError")
        assert.isFalse(reason.mayHaveRun)
        assert.isBelow(JSON.stringify(reason).length, 2000)
      }
      const long = reasonOf(await stranger.call("long", "big", { args: ["x".repeat(500_000)] }))
      assert.isBelow(JSON.stringify(long).length, 2000)
      assert.notInclude(JSON.stringify(stranger.received), "hunter2")
      assert.deepStrictEqual(site.logs, [])
    }))

  it("no key begins another line of the log, or moves the cursor of who reads it", () =>
    visited(async (site) => {
      const stranger = await connect(site)
      const key = "tea\n2026-01-01 FATAL the end\r\u001b[2J\u2028\u202e"
      await stranger.call(1, "boom", { key, args: ["error"] })
      const text = site.logs.join("\n")
      assert.include(text, "tea")
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not get through
      assert.isFalse(/^2026-01-01 FATAL|[\r\u001b\u2028\u202e]/m.test(text))
    }))

  it("log annotations of callers are few, short, plain, and on one line; by default there are none", async () => {
    const forged = { "a\nb": "x\r\n2026-01-01 FATAL", long: "y".repeat(10_000), deep: { a: 1 }, n: 7 }
    const more = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`more${i}`, i]))
    const headers = [["troupe-baggage", JSON.stringify({ annotations: { ...forged, ...more } })]]
    await visited(async (site) => {
      const stranger = await connect(site)
      await stranger.call(1, "log", {}, { headers })
      assert.notInclude(site.logs.join("\n"), "more1")
    })
    await visited(
      async (site) => {
        const stranger = await connect(site)
        await stranger.call(1, "log", {}, { headers })
        const text = site.logs.join("\n")
        assert.include(text, "n=7")
        assert.isFalse(/^2026-01-01 FATAL|\r|y{300}|more50|deep/m.test(text))
      },
      { logAnnotations: true }
    )
  })
})

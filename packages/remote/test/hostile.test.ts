/**
 * What strangers on the internet try with messages: sizes, ids, names, prototypes, text that is none.
 */
import { deflateRawSync } from "node:zlib"
import { assert, describe, it } from "vitest"
import { call, connect, eventually, exchanged, post, statusOf, stillServes, visited } from "./hostileSupport.ts"

const small = { limits: { messageBytes: 100_000 } }

const reasonOf = (exit: any) => exit.cause?.[0]?.error?.reason ?? exit

describe("sizes", () => {
  it("a message over the limit closes its connection, and says which limit", () =>
    visited(async (site) => {
      const stranger = await connect(site)
      stranger.send(call(1, "echo", { args: ["x".repeat(100_000)] }))
      const { code, why } = await stranger.closed
      assert.strictEqual(code, 1009)
      assert.include(why, "limits.messageBytes")
      assert.deepStrictEqual(site.made, [])
      await stillServes(site)
    }, small))

  it("bytes count, not characters", () =>
    visited(async (site) => {
      const stranger = await connect(site)
      stranger.send(call(1, "echo", { args: ["€".repeat(40_000)] }))
      assert.strictEqual((await stranger.closed).code, 1009)
    }, small))

  it("a message that goes on for ever is cut off while it comes, in one frame or in many", () =>
    visited(async (site) => {
      for (const fragment of [1_000_000, 10_000]) {
        const stranger = await connect(site)
        let sent = 0
        const chunk = Buffer.alloc(fragment, "x")
        while (stranger.socket.readyState === stranger.socket.OPEN && sent < 50_000_000) {
          stranger.socket.send(chunk, { fin: false })
          sent += fragment
          await new Promise((resolve) => setImmediate(resolve))
        }
        await stranger.closed
        // What is under way in the kernel comes on top.
        assert.isBelow(sent, 50_000_000)
      }
      await stillServes(site)
    }, small))

  it("a compressed bomb is stopped by maxPayload, and there is no compression unless the application turns it on", async () => {
    await visited(async (site) => {
      const stranger = await connect(site, { perMessageDeflate: true })
      assert.strictEqual(stranger.socket.extensions, "")
    }, small)
    await visited(
      async (site) => {
        const stranger = await connect(site, { perMessageDeflate: true })
        assert.include(stranger.socket.extensions, "permessage-deflate")
        stranger.send("x".repeat(50_000_000))
        assert.strictEqual((await stranger.closed).code, 1009)
        await stillServes(site)
      },
      small,
      { perMessageDeflate: true, maxPayload: 100_000 }
    )
  })

  it("a body over the limit is refused, whether its length is said or not", () =>
    visited(async (site) => {
      const body = "x".repeat(200_000)
      assert.strictEqual((await post(site, body)).status, 413)
      const head = "POST /actors HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
      const chunk = `10000\r\n${"x".repeat(0x10000)}\r\n`
      assert.strictEqual(statusOf(await exchanged(site.port, head, chunk, chunk, chunk)), 413)
      const bomb = deflateRawSync(body)
      assert.strictEqual((await post(site, bomb, { headers: { "content-encoding": "deflate" } })).status, 400)
      await stillServes(site)
    }, small))

  it("a body that comes too slowly is given up", () =>
    visited(
      async (site) => {
        const head = "POST /actors HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\n{"
        // Node ends the connection with the request that nobody reads any more: there is no answer.
        assert.strictEqual(await exchanged(site.port, head), "false")
        await stillServes(site)
      },
      { limits: { idleAfter: 300 } }
    ))

  it("what is nested too deep is refused, whatever the depth", () =>
    visited(async (site) => {
      for (const depth of [40, 400_000]) {
        const stranger = await connect(site)
        const nested = "[".repeat(depth) + "]".repeat(depth)
        stranger.send(`{"_tag":"Request","id":1,"tag":"test/Vault.echo","payload":{"key":"a","args":[${nested}]}}`)
        const reason = reasonOf(await stranger.exit(1))
        assert.strictEqual(reason._tag, "DecodeError")
        assert.include(reason.issue, "limits.depth")
        stranger.send(`{"_tag":"Ping","deep":${nested}}`)
        assert.strictEqual((await stranger.closed).code, 1008)
      }
      assert.deepStrictEqual(site.made, [])
      await stillServes(site)
    }))

  it("an array of a hundred thousand items is a value like any other", () =>
    visited(async (site) => {
      const stranger = await connect(site)
      const value = Array.from({ length: 100_000 }, () => 1)
      assert.strictEqual((await stranger.call(1, "echo", { args: [value] })).value.length, 100_000)
    }))

  it("a frame full of requests for the longest answers is not answered faster than it is read", () =>
    visited(
      async (site) => {
        const stranger = await connect(site)
        stranger.socket.pause()
        const all = Array.from({ length: 2000 }, (_, i) => JSON.stringify(call(i, "big", { args: [50_000] })))
        stranger.send(all.join("\n"))
        await eventually(() => site.big > 10)
        await stillServes(site)
        // What the kernel takes for it comes on top of limits.pendingBytes. All answers have 100 MB.
        assert.isBelow(site.big, 1000)
        stranger.socket.resume()
        assert.strictEqual((await stranger.exit(1999)).value.length, 50_000)
      },
      { limits: { pendingBytes: 1_000_000, calls: 10 } }
    ))
})

describe("text", () => {
  it("what is no UTF-8, no JSON, or no well-formed Unicode closes its connection", () =>
    visited(async (site) => {
      const bytes = (...odd: ReadonlyArray<number>) =>
        Buffer.concat([Buffer.from('{"_tag":"Request","id":1,"tag":"'), Buffer.from(odd), Buffer.from('"}')])
      const all = [
        '{"\\ud800":1}',
        bytes(0xc0, 0xaf),
        bytes(0xed, 0xa0, 0x80),
        bytes(0xf5, 0x80, 0x80, 0x80),
        bytes(0xe2, 0x82),
        Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from('{"_tag":"Ping"}')]),
        "\ufeff{}",
        "{",
        "NaN",
        "\u0000"
      ]
      for (const text of all) {
        const stranger = await connect(site)
        stranger.send(text)
        assert.strictEqual((await stranger.closed).code, 1007, JSON.stringify(String(text)))
      }
      for (const text of all) assert.strictEqual((await post(site, text as any)).status, 400)
      assert.deepStrictEqual(site.made, [])
      await stillServes(site)
    }))

  it("a request with half a character fails alone, before there is an instance of its key", () =>
    visited(async (site) => {
      const stranger = await connect(site)
      for (const [id, text] of ["\\ud800", "\\udc00\\ud800", "a\\ud83d"].entries()) {
        stranger.send(`{"_tag":"Request","id":${id},"tag":"test/Vault.echo","payload":{"key":"${text}"}}`)
        const reason = reasonOf(await stranger.exit(id))
        assert.strictEqual(reason._tag, "DecodeError")
        assert.include(reason.issue, "well-formed Unicode")
        assert.isFalse(reason.mayHaveRun)
      }
      assert.deepStrictEqual(site.made, [])
      await stillServes(site)
    }))

  it("binary frames are read as text frames are", () =>
    visited(async (site) => {
      const stranger = await connect(site)
      stranger.send(Buffer.from(JSON.stringify(call(1, "echo", { args: ["ü"] }))))
      assert.strictEqual((await stranger.exit(1)).value, "ü")
    }))
})

describe("names", () => {
  it("no prototype is polluted, through payloads, headers, baggage or ids", () =>
    visited(async (site) => {
      for (const field of ['"__proto__":{"polluted":1}', '"a":{"__proto__":{"polluted":1}}']) {
        const stranger = await connect(site)
        stranger.send(`{"_tag":"Request","id":1,"tag":"test/Vault.echo","payload":{"key":"a","args":[{${field}}]}}`)
        assert.strictEqual(reasonOf(await stranger.exit(1))._tag, "DecodeError")
        stranger.send(`{"_tag":"Ping",${field}}`)
        assert.strictEqual((await stranger.closed).code, 1008)
      }
      const stranger = await connect(site)
      const proto = [
        ["__proto__", "x"],
        ["constructor", "x"],
        ["toString", "x"],
        ["troupe-baggage", '{"references":{"constructor":{"prototype":{"polluted":1}},"toString":1}}']
      ]
      const inside = { constructor: { prototype: { polluted: 1 } }, toString: 1, hasOwnProperty: 2, then: 3 }
      const exit = await stranger.call("__proto__", "echo", { args: [inside] }, { headers: proto })
      assert.deepStrictEqual(exit.value, inside)
      const baggage = [["troupe-baggage", '{"references":{"__proto__":{"polluted":1}}}']]
      assert.strictEqual(reasonOf(await stranger.call(2, "tenant", {}, { headers: baggage }))._tag, "DecodeError")
      assert.strictEqual(({} as any).polluted, undefined)
    }))

  it("what is not exposed cannot be called, whatever it is called", () =>
    visited(async (site) => {
      const stranger = await connect(site)
      const names = ["hidden", "constructor", "__proto__", "toString", "valueOf", "get", "stop", "", "echo ", "Echo"]
      for (const [i, name] of names.entries()) {
        const reason = reasonOf(await stranger.call(`c${i}`, name))
        assert.strictEqual(reason._tag, "Denied", name)
      }
      const tags = ["__proto__", "constructor", "test/Vault", ".echo", "test/Vault.__proto__.echo", 7, null, {}, []]
      for (const [i, tag] of tags.entries())
        assert.strictEqual(reasonOf(await stranger.call(`t${i}`, "", {}, { tag }))._tag, "Denied")
      const shape = await stranger.call("s", "", { actor: "__proto__" }, { tag: "troupe/contract" })
      assert.hasAllKeys(shape.value, ["actors", "limits"])
      assert.deepStrictEqual(site.made, [])
    }))

  it("keys that are names of every object are keys", () =>
    visited(async (site) => {
      const stranger = await connect(site)
      const keys = ["constructor", "__proto__", "toString", "", "\n", "a".repeat(1000)]
      for (const [i, key] of keys.entries())
        assert.strictEqual((await stranger.call(i, "echo", { key, args: [key] })).value, key)
      assert.deepStrictEqual(site.made, keys)
    }))
})

describe("requests", () => {
  it("an id that is under way, or is none, closes the connection", () =>
    visited(async (site) => {
      for (const id of [null, {}, [], true, "x".repeat(101), 1.5, -1e300, 2 ** 60]) {
        const stranger = await connect(site)
        stranger.send(call(id, "echo", { args: [1] }))
        assert.strictEqual((await stranger.closed).code, 1008, String(id))
      }
      const stranger = await connect(site)
      stranger.send(call("same", "never"), call("same", "never"))
      assert.strictEqual((await stranger.closed).code, 1008)
      await eventually(() => site.underWay.size === 0)
      await stillServes(site)
    }))

  it("odd ids are ids: negative ones, zero, the empty text, and a number beside its text", () =>
    visited(async (site) => {
      const stranger = await connect(site)
      stranger.send(call(1, "never"))
      for (const id of [-1, 0, "", "1", "-0"])
        assert.strictEqual((await stranger.call(id, "echo", { args: [7] })).value, 7)
    }))

  it("an id is free again when its request is settled", () =>
    visited(async (site) => {
      const stranger = await connect(site)
      for (let i = 0; i < 3; i++) {
        stranger.received.length = 0
        assert.strictEqual((await stranger.call("again", "echo", { args: [i] })).value, i)
      }
    }))

  it("nobody acknowledges, or interrupts, what is another's", () =>
    visited(async (site) => {
      const victim = await connect(site)
      victim.send(call(1, "never"), call(2, "count", { args: [5000] }))
      await victim.until(({ _tag }) => _tag === "Chunk")
      const stranger = await connect(site)
      for (const requestId of [1, 2, "1", "2", -1, null, {}, "__proto__"])
        stranger.send({ _tag: "Ack", requestId }, { _tag: "Interrupt", requestId })
      assert.strictEqual((await stranger.call("sync", "echo", { args: [1] })).value, 1)
      assert.strictEqual((await victim.call("sync", "echo", { args: [2] })).value, 2)
      assert.strictEqual(site.underWay.size, 1)
      assert.strictEqual(victim.received.filter(({ _tag }) => _tag === "Chunk").length, 1)
      assert.isUndefined(victim.received.find(({ _tag, requestId }) => _tag === "Exit" && requestId !== "sync"))
    }))

  it("what is no message closes the connection, and what comes after it is not heard", () =>
    visited(async (site) => {
      for (const odd of ["1", "null", '"x"', "{}", "[[]]", '{"_tag":"Exit"}', '{"_tag":"__proto__"}', '{"_tag":7}']) {
        const stranger = await connect(site)
        stranger.send(`${odd}\n${JSON.stringify(call(1, "never"))}`)
        assert.strictEqual((await stranger.closed).code, 1008, odd)
      }
      assert.deepStrictEqual(site.made, [])
    }))

  it("a peer that has said its last word may say no more", () =>
    visited(async (site) => {
      const stranger = await connect(site)
      stranger.send(`{"_tag":"Eof"}\n${JSON.stringify(call(1, "never"))}`)
      await stranger.closed
      await eventually(() => site.underWay.size === 0)
      await stillServes(site)
    }))

  it("a hundred thousand signs of life in one frame are answered, and harm nobody", () =>
    visited(async (site) => {
      const stranger = await connect(site)
      stranger.send('{"_tag":"Ping"}\n'.repeat(50_000))
      await eventually(() => stranger.received.length > 50_000)
      await stillServes(site)
    }))

  it("a reader cannot ask for what is no number of items, nor hold up the actor", () =>
    visited(async (site) => {
      const stranger = await connect(site)
      for (const [i, maxPendingItems] of [0, -1, 0.5].entries()) {
        const reason = reasonOf(await stranger.call(i, "news", { reader: { maxPendingItems } }))
        assert.strictEqual(reason._tag, "DecodeError")
      }
      assert.strictEqual(reasonOf(await stranger.call("s", "news", { reader: { overflow: "suspend" } }))._tag, "Denied")
      assert.deepStrictEqual(site.logs, [])
    }))
})

import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Actor, ActorError, Contract, ObjectRef } from "@troupe/core"
import { RemoteHome } from "@troupe/remote"
import { Effect, Layer, Logger, Schema, Stream } from "effect"
import { FetchHttpClient, HttpRouter, HttpServer } from "effect/http"
import { RpcClient, RpcSerialization, RpcServer } from "effect/rpc"
import { Socket } from "effect/socket"
import { Network } from "./network.ts"
import { Desk, EXPOSED, Full, Room, roomLive } from "./rooms.ts"
import { client, listening, Url } from "./support.ts"

/** A server of rooms, and what a client of it does. */
const served = (
  options: Partial<RemoteHome.GroupOptions<typeof Room, any, any> & RemoteHome.ServeOptions> = {},
  desk = new Desk()
) => listening(Layer.provide(RemoteHome.serve(Room, { expose: EXPOSED, ...options } as any), roomLive(desk)))

const reasonOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), (error: any) => {
    assert.isTrue(ActorError.isActorError(error), String(error))
    return error.reason as ActorError.Reason
  })

const tea = Room.get("tea")

describe.each(["websocket", "http"] as const)("over %s", (protocol) => {
  const withRoom = <A, E>(
    body: (room: Effect.Success<typeof tea>) => Effect.Effect<A, E>,
    options: Parameters<typeof served>[0] = {},
    desk = new Desk(),
    own: Partial<RemoteHome.ClientOptions> = {}
  ) =>
    Effect.flatMap(tea, body).pipe(
      Effect.provide(Layer.provide(client(Room, { protocol, ...own }), served(options, desk)))
    )

  it.live("a typed error arrives as its class, and a method that is not exposed is denied", () =>
    withRoom((room) =>
      Effect.gen(function* () {
        yield* Effect.forEach(Array.from({ length: 100 }), (_, n) => room.say(`${n}`))
        assert.instanceOf(yield* Effect.flip(room.say("more")), Full)
        const reason = yield* reasonOf(room.secret())
        assert.strictEqual(reason._tag, "Denied")
        assert.isFalse(reason.mayHaveRun)
        assert.match(reason.message, /^test\/Room\(tea\)\.secret: denied, since the server does not expose this method/)
      })
    )
  )

  it.live("what a method dies of stays at the server, whose log has it under the number that the caller gets", () => {
    const logged: Array<string> = []
    const logger = Logger.layer([Logger.make(({ cause, message }) => void logged.push(`${message} ${cause}`))])
    return withRoom((room) =>
      Effect.gen(function* () {
        const defect: any = yield* Effect.flip(Effect.sandbox(room.die("the password is swordfish"))).pipe(
          Effect.map((cause) => cause.reasons.find(({ _tag }) => _tag === "Die"))
        )
        const text = `${defect.defect} ${defect.defect.stack}`
        assert.notMatch(text, /swordfish|rooms\.ts/)
        const id = /[0-9a-f-]{36}/.exec(text)![0]
        assert.isTrue(
          logged.some((line) => line.includes(id) && line.includes("swordfish")),
          logged.join("\n")
        )
      })
    ).pipe(Effect.provide(logger))
  })

  it.live("it is told where the server says so", () =>
    withRoom(
      (room) =>
        Effect.gen(function* () {
          const cause = yield* Effect.flip(Effect.sandbox(room.die("boom")))
          assert.match(String((cause.reasons[0] as any).defect), /RangeError: boom/)
        }),
      { defects: "shown" }
    )
  )

  it.live("a result that does not fit the contract fails its call with DecodeError", () =>
    withRoom((room) =>
      Effect.gen(function* () {
        const reason = yield* reasonOf(room.misfit())
        assert.strictEqual(reason._tag, "DecodeError")
        assert.isTrue(reason.mayHaveRun)
        assert.notMatch(reason.message, /no number/)
      })
    )
  )

  it.live("authorize refuses a caller before there is an instance of the key", () => {
    const desk = new Desk()
    const seen: Array<RemoteHome.RemoteRequest> = []
    return withRoom(
      (room) =>
        Effect.gen(function* () {
          const reason = yield* reasonOf(room.say("hi"))
          assert.strictEqual(reason._tag, "Denied")
          assert.match(reason.message, /^test\/Room\(tea\)\.say: denied, since you are not a member/)
          assert.strictEqual((yield* reasonOf(Stream.runCollect(room.count(1))))._tag, "Denied")
          assert.strictEqual((yield* reasonOf(Stream.runCollect(room.changes())))._tag, "Denied")
          assert.deepStrictEqual(desk.notes, [])
          const { actor, key, method, remoteAddress, sent } = seen[0]!
          assert.deepStrictEqual(
            { actor, key, method, remoteAddress, authorization: sent.authorization },
            {
              actor: "test/Room",
              key: "tea",
              method: "say",
              remoteAddress: "127.0.0.1",
              authorization: "Bearer token"
            }
          )
        }),
      {
        authorize: (_key, request) => {
          seen.push(request)
          return RemoteHome.deny("you are not a member")
        }
      },
      desk,
      { headers: Effect.succeed({ authorization: "Bearer token" }) }
    )
  })

  it.live("an authorize that is no Effect refuses, and what it rejects with does not end the server", () =>
    withRoom(
      (room) =>
        Effect.gen(function* () {
          const exit = yield* Effect.exit(room.say("hi"))
          assert.include(String(exit), "authorize must return an Effect, but returned a Promise")
        }),
      { expose: ["say"], authorize: () => Promise.reject(new Error("no")) as any, defects: "shown" }
    )
  )

  it.live("authorize may fail with an error of the contract, and knows what the client says of itself", () =>
    withRoom(
      (room) =>
        Effect.gen(function* () {
          assert.instanceOf(yield* Effect.flip(room.say("hi")), Full)
        }),
      { expose: ["say"], authorize: (room) => Effect.fail(new Full({ room: room as string })) }
    )
  )

  it.live("a method knows who called", () => {
    const Who = Actor.Service<any>()("test/Who", { methods: { am: Actor.method({ success: Schema.String }) } })
    const WhoLive = Who.toLayer(
      Effect.succeed({
        am: () =>
          Effect.map(
            RemoteHome.CurrentRequest,
            (request) => `${request?.method} ${request?.remoteAddress} ${request?.sent.name}`
          )
      })
    )
    const live = listening(Layer.provide(RemoteHome.serve(Who, { expose: ["am"] }), WhoLive))
    return Effect.gen(function* () {
      const who: any = yield* Who
      assert.strictEqual(yield* who.am(), "am 127.0.0.1 Ada")
    }).pipe(
      Effect.provide(Layer.provide(client(Who, { protocol, headers: { name: "Ada" } }), live))
    ) as Effect.Effect<void>
  })
})

describe("origins", () => {
  const post = (origin: string) =>
    Effect.flatMap(Url, (url) =>
      Effect.promise(() =>
        fetch(`${url}/actors`, { method: "POST", headers: { origin }, body: "" }).then(({ status }) => status)
      )
    )

  it.live("pages of other hosts are refused, for WebSockets as for requests", () =>
    Effect.gen(function* () {
      const url = yield* Url
      assert.strictEqual(yield* post("https://evil.example"), 403)
      assert.strictEqual(yield* post("null"), 403)
      assert.strictEqual(yield* post(url), 200)
    }).pipe(Effect.provide(served()))
  )

  it.live("those that are named may call", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* post("https://app.example"), 200)
      assert.strictEqual(yield* post("https://evil.example"), 403)
    }).pipe(Effect.provide(served({ origins: ["https://app.example"] })))
  )
})

describe("frames", () => {
  /** What a peer is answered that sends one frame, and why it is cut off. */
  const sent = (frame: string) =>
    Effect.flatMap(Url, (url) =>
      Effect.promise(
        () =>
          new Promise<{ readonly texts: ReadonlyArray<string>; readonly close: string | undefined }>((resolve) => {
            const socket = new WebSocket(`${url.replace("http", "ws")}/actors`)
            const texts: Array<string> = []
            socket.onmessage = ({ data }) => {
              texts.push(data)
              if (texts.length === 1) socket.send(frame)
              else {
                resolve({ texts: texts.slice(1), close: undefined })
                socket.close()
              }
            }
            socket.onclose = ({ code, reason }) => resolve({ texts: texts.slice(1), close: `${code} ${reason}` })
          })
      )
    )

  const say = (args: unknown, more: object = {}) =>
    JSON.stringify({ _tag: "Request", id: 1, tag: "test/Room.say", payload: { key: "a", args }, headers: [], ...more })

  it.live.each([
    ["that is no JSON", "{", "1007"],
    ["that is no message", "[1]", "1008"],
    ["that is too long", say(["x".repeat(2000)]), "1009"],
    [
      "that is nested too deep",
      JSON.stringify({ _tag: "Ping", deep: JSON.parse(`${"[".repeat(50)}1${"]".repeat(50)}`) }),
      "1008"
    ],
    ["with a field __proto__", '{"_tag":"Ping","__proto__":1}', "1008"],
    ["with half a character", '{"_tag":"Ping","a":"\\ud800"}', "1007"]
  ])("a frame %s cuts the peer off", ([, frame, code]) =>
    Effect.gen(function* () {
      const { close } = yield* sent(frame)
      assert.match(String(close), new RegExp(`^${code} `))
    }).pipe(Effect.provide(served({ limits: { messageBytes: 1000 } })))
  )

  it.live("a text with half a character, as of a sliced emoji, fails its call alone", () =>
    Effect.gen(function* () {
      const room = yield* tea
      const held = yield* room.hold.remote()
      const reason = yield* reasonOf(room.say("👍".slice(0, 1)))
      assert.strictEqual(reason._tag, "DecodeError")
      assert.isFalse(reason.mayHaveRun)
      assert.match(
        reason.message,
        /test\/Room\(tea\)\.say: .*well-formed Unicode \(toWellFormed makes it so\)\s+at \["args"\]\[0\]/
      )
      assert.strictEqual(yield* room.say("👍"), 1)
      assert.strictEqual(yield* ObjectRef.cancel(held), "Interrupted")
    }).pipe(Effect.provide(Layer.provide(client(Room), served())))
  )

  it.live("arguments that do not fit fail their call, and it has not run", () =>
    Effect.gen(function* () {
      const { texts } = yield* sent(say([1]))
      assert.match(texts[0]!, /"DecodeError"/)
      assert.match(texts[0]!, /"mayHaveRun":false/)
    }).pipe(Effect.provide(served()))
  )

  it.live("more calls than a connection may have under way wait for room, in order", () => {
    const desk = new Desk()
    return Effect.gen(function* () {
      const room = yield* tea
      const held = yield* room.hold.remote()
      yield* desk.has("begun")
      const said = yield* Effect.forEach(["1", "2", "3", "4"], (text) => room.say.remote(text))
      assert.strictEqual(yield* ObjectRef.cancel(said[1]!), "NotStarted")
      // Streams count for themselves.
      assert.deepStrictEqual(yield* Stream.runCollect(room.count(2)), [1, 2])
      desk.gate.openUnsafe()
      assert.strictEqual(yield* held, "held")
      assert.deepStrictEqual(yield* ObjectRef.all([said[0]!, said[2]!, said[3]!]), [1, 2, 3])
      assert.deepStrictEqual(yield* room.history(), ["1", "3", "4"])
    }).pipe(Effect.provide(Layer.provide(client(Room), served({ limits: { calls: 1 } }, desk))))
  })

  it.live("and fail if none ends for unavailableAfter, and have not run", () => {
    const desk = new Desk()
    return Effect.gen(function* () {
      const room = yield* tea
      yield* room.hold.remote()
      yield* desk.has("begun")
      const reason = yield* reasonOf(room.say("2"))
      assert.strictEqual(reason._tag, "ActorUnavailable")
      assert.isFalse(reason.mayHaveRun)
      assert.match(reason.message, /has 1 calls under way, .* \(limits\.calls\), and none ended within 50 ms/)
    }).pipe(
      Effect.provide(
        Layer.provide(client(Room, { unavailableAfter: "50 millis" }), served({ limits: { calls: 1 } }, desk))
      )
    )
  })
})

describe("a client over HTTP", () => {
  it.live("is told at once what the server refuses, with the status, the address and what it says", () =>
    Effect.gen(function* () {
      const reason = yield* reasonOf(yield* Effect.map(tea, (room) => room.say("hi")))
      assert.strictEqual(reason._tag, "ActorUnavailable")
      assert.isFalse(reason.mayHaveRun)
      assert.match(reason.message, /answered 404 at http:.*\/elsewhere\. The call did not run/)
    }).pipe(
      Effect.provide(client(Room, { protocol: "http", path: "/elsewhere", unavailableAfter: "1 hour" })),
      Effect.provide(served())
    )
  )
})

describe("a function from Request to Response", () => {
  const desk = new Desk()
  const { dispose, handler } = HttpRouter.toWebHandler(
    RemoteHome.serve(Room, { expose: EXPOSED }).pipe(
      Layer.provide(roomLive(desk)),
      Layer.provideMerge(HttpServer.layerServices)
    ),
    { disableLogger: true }
  )
  afterAll(dispose)

  const post = async (method: string, args: ReadonlyArray<unknown>, signal: AbortSignal | null = null) => {
    const call = { _tag: "Request", id: 1, tag: `test/Room.${method}`, payload: { key: "web", args }, headers: [] }
    const body = JSON.stringify(call)
    const response = await handler(new Request("http://localhost/actors", { method: "POST", body, signal }))
    return { status: response.status, text: () => response.text() }
  }

  it("serves calls and streams", async () => {
    const said = await post("say", ["hello"])
    assert.strictEqual(said.status, 200)
    assert.include(await said.text(), '"value":1')
    const counted = await post("count", [2])
    assert.match(await counted.text(), /"values":\[1\].*"values":\[2\].*"Exit"/s)
  })

  it("ends the call of a request that is aborted", async () => {
    const controller = new AbortController()
    const held = post("hold", [], controller.signal).then(({ text }) => text())
    await Effect.runPromise(desk.has("begun"))
    controller.abort()
    await Effect.runPromise(desk.has("cut"))
    await held.catch(() => {})
  })
})

describe("rpc", () => {
  const rooms = RemoteHome.group(Room, { expose: ["say", "count", "changes"] })

  it.live("clients of Effect's rpc call the same route, over a WebSocket and over HTTP", () =>
    Effect.gen(function* () {
      const url = yield* Url
      const protocols = [
        RpcClient.layerProtocolHttp({ url: `${url}/actors` }).pipe(Layer.provide(FetchHttpClient.layer)),
        RpcClient.layerProtocolSocket().pipe(
          Layer.provide(Socket.layerWebSocket(`${url.replace("http", "ws")}/actors`)),
          Layer.provide(Socket.layerWebSocketConstructorGlobal)
        )
      ]
      for (const protocol of protocols) {
        yield* Effect.gen(function* () {
          const rpc = yield* RpcClient.make(rooms)
          assert.isAbove(yield* rpc["test/Room.say"]({ key: "rpc", args: ["hi"] }), 0)
          assert.deepStrictEqual(yield* Stream.runCollect(rpc["test/Room.count"]({ key: "rpc", args: [2] })), [1, 2])
          const items = Stream.take(rpc["test/Room.changes"]({ key: "rpc" }), 1)
          assert.deepStrictEqual(yield* Stream.runCollect(items), [{ item: "hi" }])
        }).pipe(Effect.scoped, Effect.provide(protocol.pipe(Layer.provide(RpcSerialization.layerNdjson))))
      }
    }).pipe(Effect.provide(served()))
  )

  it.live("a group is served by an RpcServer of one's own, and a client of ours calls it", () => {
    const routes = RpcServer.layerHttp({ group: rooms, path: "/rpc", disableFatalDefects: true }).pipe(
      Layer.provide(RemoteHome.handlers(rooms)),
      Layer.provide(RpcSerialization.layerNdjson),
      Layer.provide(roomLive(new Desk()))
    )
    return Effect.gen(function* () {
      const room = yield* tea
      assert.strictEqual(yield* room.say("hi"), 1)
      assert.deepStrictEqual(yield* Stream.runCollect(room.count(3)), [1, 2, 3])
      assert.strictEqual((yield* reasonOf(room.secret()))._tag, "Denied")
    }).pipe(Effect.provide(Layer.provide(client(Room, { path: "/rpc" }), listening(routes))))
  })

  it.live("several actors share a path, and clients with the same options a connection", () => {
    class Clock extends Actor.Service<Clock>()("test/Clock", {
      methods: { now: Actor.method({ success: Schema.Int }) }
    }) {}
    const ClockLive = Clock.toLayer(Effect.succeed({ now: () => Effect.succeed(12) }))
    let made = 0
    const counting = Layer.succeed(Socket.WebSocketConstructor)((url) => {
      made++
      return new WebSocket(url) as any
    })
    const live = listening(
      RemoteHome.serve([rooms, RemoteHome.group(Clock, { expose: ["now"] })]).pipe(
        Layer.provide([ClockLive, roomLive(new Desk())])
      )
    )
    const clients = Layer.unwrap(
      Effect.map(Url, (url) => {
        const options = { url: `${url}/actors` }
        return Layer.merge(RemoteHome.client(Room, options), RemoteHome.client(Clock, options))
      })
    )
    return Effect.gen(function* () {
      const room = yield* tea
      assert.strictEqual(yield* room.say("hi"), 1)
      assert.strictEqual(yield* (yield* Clock).now(), 12)
      assert.strictEqual(made, 1)
    }).pipe(Effect.provide(clients.pipe(Layer.provide(counting), Layer.provide(live))))
  })
})

/** The address of a server that takes requests, and answers none. */
const silent = Effect.acquireRelease(
  Effect.callback<Server>((resume) => {
    const server = createServer(() => {})
    server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
  }),
  (server) => Effect.sync(() => server.close())
).pipe(Effect.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`))

describe("versions", () => {
  /** The contract of yesterday: an argument was a text, and `count` was not there. */
  class Yesterday extends Contract.Keyed<Yesterday>()("test/Room", {
    key: Schema.String,
    methods: {
      say: Contract.method({ args: [Schema.Int], success: Schema.Int }),
      history: Contract.method({ success: Schema.Array(Schema.String) }),
      gone: Contract.method()
    }
  }) {}

  it.live.each(["websocket", "http"] as const)(
    "over %s, what both understand works, and the rest is not sent",
    (protocol) =>
      Effect.gen(function* () {
        const room = yield* Yesterday.get("tea")
        assert.deepStrictEqual(yield* room.history(), [])
        const reason = yield* reasonOf(room.say(1))
        assert.strictEqual(reason._tag, "ContractMismatch")
        assert.match(reason.message, /test\/Room\(tea\)\.say: .*args\[0\].*number.* here, and string on the server at/)
        assert.strictEqual((yield* reasonOf(room.gone()))._tag, "ContractMismatch")
      }).pipe(
        Effect.provide(
          Layer.provide(client(Yesterday as any, { protocol }) as Layer.Layer<Yesterday, never, Url>, served())
        )
      )
  )

  it.live("a call over HTTP to a server that says nothing of its contracts fails, and has not run", () =>
    Effect.gen(function* () {
      const url = yield* silent
      const reason = yield* Effect.provide(
        Effect.flatMap(tea, (room) => reasonOf(room.history())),
        RemoteHome.client(Room, { url, protocol: "http", unavailableAfter: "50 millis" })
      )
      assert.strictEqual(reason._tag, "ActorUnavailable")
      assert.isFalse(reason.mayHaveRun)
      assert.match(reason.message, /because the server did not say which contracts it has/)
    })
  )

  it.live("a call that waits for the other version, which never comes, says so when it gives up", () => {
    const network = new Network()
    network.swallows = (text) => text.includes("troupe/contract")
    const yesterday = client(Yesterday as any, { unavailableAfter: "50 millis" }).pipe(
      Layer.provide(network.layer)
    ) as Layer.Layer<Yesterday, never, Url>
    return Effect.gen(function* () {
      const reason = yield* reasonOf((yield* Yesterday.get("tea")).history())
      assert.strictEqual(reason._tag, "ActorUnavailable")
      assert.isFalse(reason.mayHaveRun)
      assert.match(
        reason.message,
        /because the server has another version of its contract, and did not say which within 50 ms/
      )
    }).pipe(Effect.provide(Layer.provide(yesterday, served())))
  })
})

describe.each(["websocket", "http"] as const)("what does not fit its contract, over %s", (protocol) => {
  it.live("stands in the log of the server, where callers are not told", () => {
    const logged: Array<string> = []
    const logger = Logger.layer([Logger.make(({ message }) => void logged.push([message].flat().join(" ")))])
    return Effect.gen(function* () {
      const reason = yield* reasonOf((yield* tea).misfit())
      assert.match(reason.message, /its result does not fit the contract$/)
      assert.match(logged.join(), /test\/Room\(tea\)\.misfit: its result does not fit the contract: Expected/)
    }).pipe(Effect.provide(Layer.provide(client(Room, { protocol }), Layer.provide(served(), logger))))
  })
})

describe.each(["websocket", "http"] as const)("an actor in two groups, over %s", (protocol) => {
  it.live.each([false, true])("is called as the group of each method says, whichever is first", (isTurned) => {
    const open = RemoteHome.group(Room, { expose: ["history"] })
    const closed = RemoteHome.group(Room, {
      expose: ["say"],
      authorize: (_key, { sent }) => (sent.admin === "yes" ? Effect.void : RemoteHome.deny("for admins"))
    })
    const routes = RemoteHome.serve(isTurned ? [closed, open] : [open, closed])
    const said = Effect.flatMap(tea, (room) => room.say("1"))
    const history = Effect.flatMap(tea, (room) => room.history())
    return Effect.gen(function* () {
      const admin = client(Room, { protocol, headers: { admin: "yes" } })
      assert.strictEqual(yield* Effect.provide(said, admin), 1)
      const reason = yield* reasonOf(Effect.provide(said, client(Room, { protocol })))
      assert.match(reason.message, /for admins/)
      assert.deepStrictEqual(yield* Effect.provide(history, client(Room, { protocol })), ["1"])
    }).pipe(Effect.provide(Layer.provide(listening(routes), roomLive(new Desk()))))
  })
})

describe("mistakes", () => {
  it("are told where they are made", () => {
    const never = RemoteHome as any
    assert.throws(
      () => never.group(Room, { expose: ["sya"] }),
      /test\/Room: expose names "sya", and its contract has say, history/
    )
    assert.throws(() => never.group(Room, { expose: [] }), /test\/Room: expose must name the methods/)
    assert.throws(() => never.serve(Room, { expose: ["say"], orgins: "any" }), /orgins/)
    assert.throws(() => never.serve([Room]), /RemoteHome\.serve/)
    const saying = RemoteHome.group(Room, { expose: ["say"] })
    assert.throws(
      () => RemoteHome.serve([saying, RemoteHome.group(Room, { expose: ["history", "say"] })]),
      /test\/Room: two groups expose say: name it in expose of one of them/
    )
    assert.throws(() => never.client(Room, { url: "ftp://example.com" }), /url must be one like/)
    assert.throws(() => never.client(Actor, { url: "http://a" }), /needs a contract/)
  })

  it.live("stopping an instance of the server is refused", () =>
    Effect.gen(function* () {
      const cause = yield* Effect.flip(Effect.sandbox((yield* Room).stop("tea")))
      assert.match(String((cause.reasons[0] as any).defect), /a client cannot stop an instance of the server/)
    }).pipe(Effect.provide(Layer.provide(client(Room), served())))
  )
})

import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:http"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import path from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { DurableState, Sqlite } from "@troupe/cluster"
import { Actor, Broadcast } from "@troupe/core"
import { RemoteHome } from "@troupe/remote"
import { Context, Deferred, Effect, Exit, Layer, Scope, Stream } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import type { Browser, BrowserContextOptions, Page } from "playwright-core"
import { executable, launch, warnWithout } from "../../scripts/chromium.ts"
import { pages } from "../chat/pages.ts"
import { Room, type Said } from "../chat/Room.ts"
import { RoomLive } from "../chat/RoomLive.ts"
import { rooms } from "../chat/rooms.ts"
import { layerServer } from "../server.ts"
import { type Started, start } from "./started.ts"

warnWithout("the pages of the chat")

const folder = mkdtempSync(path.join(tmpdir(), "troupe-chat-"))
afterAll(() => rmSync(folder, { recursive: true }))

let files = 0
const newFile = () => path.join(folder, `${++files}.db`)

const startChat = (env: Record<string, string> = {}) => start("chat/main.ts", { CHAT_FILE: newFile(), ...env })

/** A visitor without a page. */
const visitor = <A, E>(url: string, visit: Effect.Effect<A, E, Room>): Promise<A> =>
  Effect.runPromise(Effect.provide(visit, RemoteHome.client(Room, { url: `${url}/actors` })))

/** Serves the chat in this process, until `end`. */
const serving = Effect.fnUntraced(function* (room: Layer.Layer<Room, unknown>, port = 0) {
  const scope = yield* Effect.flatMap(Effect.scope, Scope.fork)
  const chat = HttpRouter.serve(Layer.merge(rooms, pages), { disableLogger: true, disableListenLog: true }).pipe(
    Layer.provide(room),
    Layer.provideMerge(layerServer(createServer, { port, disablePreemptiveShutdown: true }))
  )
  const { address } = Context.get(yield* Layer.buildWithScope(chat, scope), HttpServer.HttpServer)
  return { url: HttpServer.formatAddress(address), end: Scope.close(scope, Exit.void) }
})

/** Rooms whose messages are in a file. */
const roomsOf = (file: string) => RoomLive.pipe(Layer.provide(DurableState.layer), Layer.provide(Sqlite.layer(file)))

/** A room that never answers who says something. */
const slowRooms = (say: Effect.Effect<never>) =>
  Actor.toLayer(
    Room,
    Effect.fnUntraced(function* () {
      return Room.of({
        messages: yield* Broadcast.make<Said>(),
        people: yield* Broadcast.make<ReadonlyArray<string>>(),
        history: () => Effect.succeed([]),
        stay: () => Stream.concat(Stream.succeed("here" as const), Stream.never),
        say: () => say
      })
    })
  )

const promise = <A>(evaluate: () => Promise<A>): Effect.Effect<A> => Effect.promise(evaluate)

describe("the chat example", () => {
  let chat: Started
  beforeAll(async () => {
    chat = await startChat()
    // It bundles the pages, and this machine may be busy.
  }, 60_000)
  afterAll(() => chat?.end())

  it("refuses pages of other sites, and names and messages that are none", async () => {
    const elsewhere = new WebSocket(`${chat.url.replace("http", "ws")}/actors`, {
      // Node's own WebSocket takes headers, too.
      headers: { origin: "http://elsewhere.example" }
    } as any)
    const [{ code }] = await once(elsewhere, "close")
    assert.strictEqual(code, 1006)
    const reasons = await visitor(
      chat.url,
      Effect.gen(function* () {
        const nowhere = yield* Effect.flip((yield* Room.get("x".repeat(31))).history())
        const kitchen = yield* Room.get("kitchen")
        const nothing = yield* Effect.flip(kitchen.say({ id: "1", who: "Eve", words: "" }))
        const much = yield* Effect.flip(kitchen.say({ id: "1", who: "Eve", words: "x".repeat(2001) }))
        return [nowhere, nothing, much].map(({ reason }) => reason._tag)
      })
    )
    assert.deepStrictEqual(reasons, ["DecodeError", "DecodeError", "DecodeError"])
  })

  it("has a message once that is sent twice, and tells who reads from when on", async () => {
    const message = { id: "once", who: "Ada", words: "Once" }
    const [first, again, all, last] = await visitor(
      chat.url,
      Effect.gen(function* () {
        const once = yield* Room.get("once")
        const first = yield* once.say(message)
        const again = yield* once.say(message)
        const [last] = yield* Stream.runCollect(Stream.take(once.messages(), 1))
        return [first, again, yield* once.history(), last]
      })
    )
    assert.deepStrictEqual(again, first)
    assert.deepStrictEqual(all, [first])
    assert.deepStrictEqual(last, first)
  })

  it("ends when it is told to, also while people are in it", async () => {
    const other = await startChat()
    const lost = visitor(
      other.url,
      Effect.gen(function* () {
        const room = yield* Room.get("kitchen")
        const told = Stream.runForEach(room.stay("Ada"), () => Effect.promise(() => other.end()))
        return yield* Effect.flip(told)
      })
    )
    assert.strictEqual(await other.end(), 0)
    assert.strictEqual((await lost).reason._tag, "ActorUnavailable")
  })

  it("ends also while a browser holds a connection on which it has asked for nothing yet", async () => {
    const other = await startChat()
    const silent = connect(Number(new URL(other.url).port), "127.0.0.1")
    silent.on("error", () => {})
    await once(silent, "connect")
    const closed = once(silent, "close")
    assert.strictEqual(await other.end(), 0)
    await closed
  })

  it("has what was said when it starts again after it was killed", async () => {
    const CHAT_FILE = newFile()
    const first = await startChat({ CHAT_FILE })
    const kitchen = Room.get("kitchen")
    const message = { id: "1", who: "Ada", words: "Hello" }
    const said = await visitor(
      first.url,
      Effect.flatMap(kitchen, (room) => room.say(message))
    )
    assert.strictEqual(await first.end("SIGKILL"), "SIGKILL")
    const second = await startChat({ CHAT_FILE })
    const history = await visitor(
      second.url,
      Effect.flatMap(kitchen, (room) => room.history())
    )
    assert.deepStrictEqual(history, [said])
    assert.strictEqual(await second.end(), 0)
  })

  let browser: Browser
  beforeAll(async () => {
    if (executable === undefined) return
    browser = await launch()
  }, 60_000)
  afterAll(() => browser?.close())

  describe.skipIf(executable === undefined).each([
    ["in plain TypeScript", "/"],
    ["in React", "/react"]
  ])("%s", (_, address) => {
    const contexts: Array<{ close: () => Promise<void> }> = []
    afterAll(() => Promise.all(contexts.map((context) => context.close())))

    const enter = async (who: string, room: string, url: string, options: BrowserContextOptions = {}) => {
      const context = await browser.newContext(options)
      contexts.push(context)
      const page = await context.newPage()
      page.setDefaultTimeout(20_000)
      await page.goto(`${url}${address}`)
      await page.getByLabel("Your name").fill(who)
      await page.getByLabel("Room").fill(room)
      await page.getByRole("button", { name: "Enter" }).click()
      await isConnected(page)
      return page
    }
    const isConnected = (page: Page) => page.getByRole("status").filter({ hasText: "Connected" }).waitFor()
    const isLost = (page: Page) => page.getByRole("status").filter({ hasText: "Offline since" }).waitFor()
    const says = async (page: Page, words: string) => {
      await page.getByLabel("Message").fill(words)
      await page.getByLabel("Message").press("Enter")
    }
    const hears = (page: Page, words: string) => page.locator(".said li:not(.unsent)", { hasText: words }).waitFor()
    const said = (page: Page) => page.locator(".said li p").allInnerTexts()
    const sees = async (page: Page, ...people: ReadonlyArray<string>) => {
      for (const who of people) await page.locator(".people").getByText(who, { exact: true }).waitFor()
      await page.locator(`.people li:nth-child(${people.length}):last-child`).waitFor()
    }

    it("lets two tabs talk, shows who is there, and keeps rooms apart", async () => {
      const kitchen = `kitchen${address}`.replace("/", " ").trim()
      const ada = await enter("Ada", kitchen, chat.url, { viewport: { width: 420, height: 760 } })
      await says(ada, "Tea?")
      await hears(ada, "Tea?")
      const bob = await enter("Bob", kitchen, chat.url, { colorScheme: "dark" })
      await hears(bob, "Tea?")
      await sees(ada, "Ada", "Bob")
      await sees(bob, "Ada", "Bob")
      await says(bob, "Please! <b>Strong</b>")
      await hears(ada, "Please! <b>Strong</b>")
      assert.strictEqual(await ada.locator(".said b").count(), 0)

      const eve = await enter("Eve", `garden ${kitchen}`, chat.url)
      await says(eve, "Rain.")
      await hears(eve, "Rain.")
      assert.deepStrictEqual(await said(eve), ["Rain."])
      assert.deepStrictEqual(await said(ada), ["Tea?", "Please! <b>Strong</b>"])

      const wide = await ada.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
      assert.isFalse(wide)
      if (process.env.SCREENSHOTS !== undefined) {
        await ada.screenshot({ path: `${process.env.SCREENSHOTS}/${kitchen}-light.png` })
        await bob.screenshot({ path: `${process.env.SCREENSHOTS}/${kitchen}-dark.png` })
      }
      // The call by which Bob is in the room ends with his tab.
      await bob.close()
      await sees(ada, "Ada")
    })

    it.live("comes back with a server that starts again, and has missed and doubled nothing", () =>
      Effect.gen(function* () {
        const file = newFile()
        const first = yield* serving(roomsOf(file))
        const ada = yield* promise(() => enter("Ada", "kitchen", first.url))
        const bob = yield* promise(() => enter("Bob", "kitchen", first.url))
        yield* promise(() => says(ada, "Before"))
        yield* promise(() => hears(bob, "Before"))
        yield* first.end
        yield* promise(() => isLost(ada))
        yield* promise(() => isLost(bob))
        yield* promise(() => says(ada, "Meanwhile"))
        yield* promise(() => ada.locator(".unsent", { hasText: "Meanwhile" }).waitFor())

        // What is said where the pages cannot hear it.
        const elsewhere = yield* serving(roomsOf(file))
        const carol = { id: "carol", who: "Carol", words: "Is nobody here?" }
        yield* promise(() =>
          visitor(
            elsewhere.url,
            Effect.flatMap(Room.get("kitchen"), (room) => room.say(carol))
          )
        )
        yield* elsewhere.end

        yield* serving(roomsOf(file), Number(new URL(first.url).port))
        yield* promise(() => isConnected(ada))
        yield* promise(() => isConnected(bob))
        yield* promise(() => sees(bob, "Ada", "Bob"))
        yield* promise(() => hears(ada, "Meanwhile"))
        yield* promise(() => says(bob, "After"))
        for (const page of [ada, bob]) {
          yield* promise(() => hears(page, "After"))
          const all = yield* promise(() => said(page))
          assert.deepStrictEqual(all, ["Before", "Is nobody here?", "Meanwhile", "After"])
        }
      })
    )

    it.live("interrupts a call at the server when its tab is closed", () =>
      Effect.gen(function* () {
        const begun = yield* Deferred.make<void>()
        const interrupted = yield* Deferred.make<void>()
        const say = Effect.andThen(Deferred.succeed(begun, undefined), Effect.never).pipe(
          Effect.onInterrupt(() => Deferred.succeed(interrupted, undefined))
        )
        const { url } = yield* serving(slowRooms(say))
        const page = yield* promise(() => enter("Ada", "kitchen", url))
        yield* promise(() => says(page, "Wait"))
        yield* Deferred.await(begun)
        yield* promise(() => page.close())
        yield* Deferred.await(interrupted)
      })
    )
  })
})

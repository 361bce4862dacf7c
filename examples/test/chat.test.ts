import { once } from "node:events"
import { existsSync } from "node:fs"
import { connect } from "node:net"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core"
import { type Started, start } from "./started.ts"

const executable = [process.env.CHROMIUM_PATH, "/usr/bin/chromium", "/usr/bin/chromium-browser"].find(
  (place) => place !== undefined && existsSync(place)
)
if (executable === undefined) {
  console.warn("Skipped: the chat needs Chromium. `apt-get install chromium`, or say where: CHROMIUM_PATH.")
}

describe("the chat example", () => {
  let chat: Started
  beforeAll(async () => {
    chat = await start("chat/main.ts")
  })
  afterAll(() => chat?.end())

  it("refuses pages of other sites and names that are none, and closes what sends no message", async () => {
    const open = (query: string, headers: Record<string, string> = {}) => {
      const address = `${chat.url.replace("http", "ws")}/socket?${query}`
      // Node's own WebSocket takes headers, too.
      return new WebSocket(address, { headers } as any)
    }
    const ended = async (socket: WebSocket) => once(socket, "close").then(([{ code }]) => code)
    assert.strictEqual(await ended(open("room=r&who=Eve", { origin: "http://elsewhere.example" })), 1006)
    assert.strictEqual(await ended(open(`room=r&who=${"x".repeat(31)}`)), 1006)
    const socket = open("room=r&who=Eve")
    await once(socket, "open")
    socket.send("nonsense")
    await ended(socket)
  })

  it("ends when it is told to, also while people are in it", async () => {
    const other = await start("chat/main.ts")
    const socket = new WebSocket(`${other.url.replace("http", "ws")}/socket?room=r&who=Ada`)
    await once(socket, "message")
    const closed = once(socket, "close")
    assert.strictEqual(await other.end(), 0)
    await closed
  })

  it("ends also while a browser holds a connection on which it has asked for nothing yet", async () => {
    const other = await start("chat/main.ts")
    const silent = connect(Number(new URL(other.url).port), "127.0.0.1")
    silent.on("error", () => {})
    await once(silent, "connect")
    const closed = once(silent, "close")
    assert.strictEqual(await other.end(), 0)
    await closed
  })

  describe.skipIf(executable === undefined)("in a browser", () => {
    let browser: Browser
    beforeAll(async () => {
      browser = await chromium.launch({
        executablePath: executable!,
        args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
      })
      // A browser takes its time to start on a busy machine.
    }, 60_000)
    afterAll(() => browser?.close())

    const enter = async (who: string, room: string, options: BrowserContextOptions = {}, at = chat): Promise<Page> => {
      const context = await browser.newContext(options)
      const page = await context.newPage()
      page.setDefaultTimeout(20_000)
      await page.goto(at.url)
      await page.getByLabel("Your name").fill(who)
      await page.getByLabel("Room").fill(room)
      await page.getByRole("button", { name: "Enter" }).click()
      await page.getByRole("button", { name: "Send" }).and(page.locator(":enabled")).waitFor()
      return page
    }
    const say = async (page: Page, words: string) => {
      await page.getByLabel("Message").fill(words)
      await page.getByLabel("Message").press("Enter")
    }
    const hears = (page: Page, words: string) => page.locator("#said li", { hasText: words }).waitFor()
    const sees = (page: Page, people: string) =>
      page.locator("#people", { hasText: new RegExp(`^${people}$`) }).waitFor()

    it("lets two pages talk, shows who is there, and keeps rooms apart", async () => {
      const ada = await enter("Ada", "kitchen", { viewport: { width: 420, height: 700 } })
      await say(ada, "Tea?")
      await hears(ada, "Tea?")
      const bob = await enter("Bob", "kitchen", { colorScheme: "dark" })
      await hears(bob, "Tea?")
      await sees(ada, "Ada, Bob")
      await say(bob, "Please! <b>Strong</b>")
      await hears(ada, "Please! <b>Strong</b>")
      assert.strictEqual(await ada.locator("#said b").count(), 0)

      const eve = await enter("Eve", "garden")
      await say(eve, "Rain.")
      await hears(eve, "Rain.")
      assert.strictEqual(await eve.locator("#said li").count(), 1)
      assert.strictEqual(await ada.locator("#said li").count(), 2)

      const wide = await ada.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
      assert.isFalse(wide)
      if (process.env.SCREENSHOTS !== undefined) {
        await ada.screenshot({ path: `${process.env.SCREENSHOTS}/light.png` })
        await bob.screenshot({ path: `${process.env.SCREENSHOTS}/dark.png` })
      }
      await bob.context().close()
      await sees(ada, "Ada")
    })

    it("says so when the server is gone, and comes back with it", async () => {
      const first = await start("chat/main.ts")
      const ada = await enter("Ada", "kitchen", {}, first)
      await first.end()
      await ada.getByRole("status").filter({ hasText: "The connection is lost" }).waitFor()
      const second = await start("chat/main.ts", { PORT: new URL(first.url).port })
      await ada.getByRole("button", { name: "Send" }).and(ada.locator(":enabled")).waitFor()
      await say(ada, "Back!")
      await hears(ada, "Back!")
      await second.end()
    })
  })
})

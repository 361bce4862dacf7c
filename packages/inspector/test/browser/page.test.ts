import { spawn } from "node:child_process"
import path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorContext, ActorSystem, ClusterView, Home, ObjectRef } from "@troupe/core"
import { Data, Effect, Exit, Latch, Redacted, Scope } from "effect"
import type { Page } from "playwright-core"
import { executable } from "../../../../scripts/chromium.ts"
import { inspect, ownSystem, promise, Room, Single, Tiny, Worker } from "../inspectorSupport.ts"
import { openAt, openPage } from "./browser.ts"

/** The line of the list that says this. */
const line = (page: Page, text: string) => page.locator(".row", { hasText: text })

const see = (page: Page, selector: string, hasText?: string | RegExp) =>
  promise(() =>
    page
      .locator(selector, hasText === undefined ? {} : { hasText })
      .first()
      .waitFor()
  )

const textOf = (page: Page, selector: string) => promise(() => page.locator(selector).first().innerText())

/** A program in a process of its own, with the address of its inspector. */
const ownProcess = Effect.acquireRelease(
  promise(async () => {
    const file = path.join(import.meta.dirname, "../cliProgram.ts")
    const child = spawn(process.execPath, ["--conditions=@troupe/source", file], {
      stdio: ["ignore", "pipe", "inherit"]
    })
    let output = ""
    for await (const chunk of child.stdout) {
      output += chunk
      const address = /^listening at (\S+)$/m.exec(output)?.[1]
      if (address !== undefined) return { address, child, pid: child.pid! }
    }
    throw new Error(`the program ended: ${output}`)
  }),
  ({ child }) => Effect.sync(() => child.kill("SIGKILL"))
)

const tab = (page: Page, name: string) => promise(() => page.getByRole("tab", { name }).click())

/** Runs in the page: neighbours of which one lies on another. */
const overlaps = `[".top", ".figures", ".figure", ".tabs", ".tools", ".columns", ".row", ".cell.errors", ".state"].flatMap((where) =>
  [...document.querySelectorAll(where)].flatMap((parent) => {
    const boxes = [...parent.children].map((child) => [child, child.getBoundingClientRect()])
    const seen = boxes.filter(([child, box]) => box.width * box.height > 0 && getComputedStyle(child).position !== "absolute")
    return seen.slice(1).flatMap(([child, box], i) => {
      const [, before] = seen[i]
      const isOver = box.left < before.right - 1 && box.top < before.bottom - 1 && before.top < box.bottom - 1
      return isOver ? [where + " > " + child.className + ": " + child.textContent] : []
    })
  })
)`

const calm = ({ elsewhere, errors }: { readonly elsewhere: Array<string>; readonly errors: Array<string> }) => {
  assert.deepStrictEqual(errors, [])
  assert.deepStrictEqual(elsewhere, [])
}

describe.skipIf(executable === undefined)("the page", { timeout: 90_000 }, () => {
  it.live("shows what actors are doing as they do it", () =>
    Effect.gen(function* () {
      const gate = Latch.makeUnsafe()
      const worker = yield* Worker.spawn()
      yield* Single.spawn()
      const { misdeeds, page } = yield* openPage(yield* inspect({ title: "A test" }))
      yield* see(page, "h1", "A test")
      yield* see(page, ".connection.live")
      yield* see(page, ".row", "test/Worker")
      yield* see(page, ".row", "test/Single")
      for (let i = 0; i < 5; i++) yield* worker.wait.remote(gate)
      yield* see(page, ".row:has-text('Worker') .cell.waiting .now", "3")
      assert.match(yield* promise(() => line(page, "Worker").locator(".cell.running").innerText()), /2 \/ 2/)
      assert.match(yield* promise(() => line(page, "Worker").locator(".cell.status").innerText()), /running/)
      assert.match(yield* promise(() => line(page, "Single").locator(".cell.status").innerText()), /idle/)
      yield* see(page, "#figures .figure:has-text('Waiting') .value", "3")
      gate.openUnsafe()
      yield* see(page, ".row:has-text('Worker') .cell.waiting .zero", "0")
      yield* Effect.exit(worker.fail("no paper"))
      yield* see(page, ".row:has-text('Worker') .cell.errors .bad", "1")
      yield* see(page, ".row:has-text('Worker') .cell.p50", /ms|µs|s/)
      calm(misdeeds)
    }).pipe(ownSystem)
  )

  it.live("tells of an instance: its permits, its calls and since when, its methods and its last error", () =>
    Effect.gen(function* () {
      const gate = Latch.makeUnsafe()
      const worker = yield* Worker.options({ name: "the first" }).spawn()
      const { misdeeds, page } = yield* openPage(yield* inspect())
      yield* see(page, ".row", "the first")
      yield* Effect.exit(worker.fail("no paper"))
      for (let i = 0; i < 4; i++) yield* worker.wait.remote(gate)
      yield* worker.slow.remote(gate)
      yield* promise(() => line(page, "the first").click())
      yield* see(page, "#detail h2", "test/Worker")
      yield* see(page, "#detail .sub", "“the first”")
      yield* see(page, "#detail .call .method", "test/Worker.wait")
      yield* see(page, "#detail .call.blocked")
      yield* see(page, "#detail tr:has-text('slow')", "1")
      yield* see(page, "#detail .methods tr:has-text('fail') .bad", "1")
      // Instances are counted from their start on, methods are not.
      yield* see(page, "#detail section:has-text('Methods') .note", /^Since a page was opened at \d\d:\d\d:\d\d\.$/)
      yield* see(page, "#detail .error", "no paper")
      assert.strictEqual(yield* promise(() => page.locator("#detail .call").count()), 5)
      assert.match(yield* textOf(page, "#detail .call .since"), /ms|s/)
      // There is nothing to press that would change anything.
      assert.strictEqual(yield* promise(() => page.locator("#detail .danger, #detail .resize").count()), 0)
      yield* promise(() => page.keyboard.press("Escape"))
      yield* promise(() => page.locator("#detail").waitFor({ state: "hidden" }))
      gate.openUnsafe()
      calm(misdeeds)
    }).pipe(ownSystem)
  )

  it.live("refused calls are red: of all actors, of the actor and of the method", () =>
    Effect.gen(function* () {
      const gate = Latch.makeUnsafe()
      const tiny = yield* Tiny.spawn()
      const { misdeeds, page } = yield* openPage(yield* inspect())
      yield* see(page, ".row", "Tiny")
      // A column that has nothing to tell is hidden.
      assert.isFalse(yield* promise(() => page.locator(".columns .cell.refused").isVisible()))
      assert.strictEqual(yield* promise(() => page.locator(".figure", { hasText: "Refused" }).count()), 0)
      for (let i = 0; i < 2; i++) yield* tiny.wait.remote(gate)
      for (let i = 0; i < 3; i++) yield* Effect.flip(tiny.wait(gate))
      yield* see(page, ".row:has-text('Tiny') .cell.refused .bad", "3")
      yield* see(page, ".row:has-text('Tiny') .cell.errors .zero", "0")
      yield* see(page, ".figure:has-text('Refused per second')")
      yield* promise(() => line(page, "Tiny").click())
      yield* see(page, "#detail .fact:has-text('Refused') .bad", "3, since maxPendingCalls was reached")
      yield* see(page, "#detail .caption .bad", "3 refused")
      yield* see(page, "#detail .methods th", "refused")
      yield* see(page, "#detail .methods tr:has-text('wait') .bad", "3")
      // They stay where there is no room for everything.
      yield* promise(() => page.keyboard.press("Escape"))
      yield* promise(() => page.setViewportSize({ width: 420, height: 800 }))
      yield* see(page, ".row:has-text('Tiny') .cell.refused .bad", "3")
      gate.openUnsafe()
      calm(misdeeds)
    }).pipe(ownSystem)
  )

  it.live("an address leads to what it showed, and back goes back", () =>
    Effect.gen(function* () {
      yield* Single.spawn()
      const [{ instance }] = (yield* ActorSystem.snapshot()).instances as [ActorSystem.Instance]
      const { page } = yield* openPage(yield* inspect(), { at: `#/events/instance/${instance}` })
      yield* see(page, "#detail .sub", `instance #${instance}`)
      yield* see(page, "#view-events", "Dead letters")
      yield* tab(page, "Calls")
      yield* see(page, "#view-calls", "No call is in flight")
      assert.include(page.url(), `#/calls/instance/${instance}`)
      yield* promise(() => page.goBack())
      yield* see(page, "#view-events", "Dead letters")
    }).pipe(ownSystem)
  )

  it.live("three thousand residents are under their actor: found by search and filter, few of them in the page", () =>
    Effect.gen(function* () {
      const gate = Latch.makeUnsafe()
      const program = Effect.gen(function* () {
        const rooms = yield* Room
        yield* Effect.forEach(Array.from({ length: 3000 }), (_, i) => rooms.get(`room ${i}`).greet())
        const held = yield* rooms.get("room 2718").wait.remote(gate)
        const { misdeeds, page } = yield* openPage(yield* inspect())
        yield* see(page, ".row .badge", "3,000")
        yield* promise(() => page.locator(".twisty:not(.none)").click())
        // Busy ones come first.
        yield* see(page, ".row.item", "room 2718")
        const rows = yield* promise(() => page.locator(".row").count())
        assert.isBelow(rows, 60)
        assert.strictEqual(yield* promise(() => page.locator("#list").getAttribute("aria-rowcount")), "3001")
        yield* promise(() => page.locator("#order").selectOption("name"))
        yield* promise(() => page.locator("#list").focus())
        yield* promise(() => page.keyboard.press("End"))
        yield* see(page, ".row.current", "room 2999")
        yield* promise(() => page.keyboard.press("Home"))
        yield* see(page, ".row.current", "test/Room")

        yield* promise(() => page.keyboard.press("/"))
        yield* promise(() => page.keyboard.type("1234"))
        yield* see(page, ".row.item", "room 1234")
        assert.strictEqual(yield* promise(() => page.locator(".row.item").count()), 1)
        yield* promise(() => page.keyboard.press("Escape"))
        yield* promise(() => page.locator("#filter").selectOption("busy"))
        yield* promise(() => page.locator(".row.item", { hasText: "room 2999" }).waitFor({ state: "detached" }))
        yield* see(page, ".row.item", "room 2718")
        yield* promise(() => page.locator("#filter").selectOption("dead"))
        yield* see(page, "#nothing", "There are no dead instances right now.")
        gate.openUnsafe()
        yield* held
        calm(misdeeds)
      })
      yield* Effect.provide(program, Room.layer)
    }).pipe(ownSystem)
  )

  it.live("says what it does not show, and a search looks through all instances", () =>
    Effect.gen(function* () {
      const gate = Latch.makeUnsafe()
      const program = Effect.gen(function* () {
        const rooms = yield* Room
        yield* Effect.forEach(Array.from({ length: 60 }), (_, i) => rooms.get(`room ${i}`).greet())
        const held = yield* rooms.get("room 58").wait.remote(gate)
        const { misdeeds, page } = yield* openPage(yield* inspect({ maxInstances: 20 }))
        const said = "The list has the first 20 of 60 instances, those with calls before idle ones"
        yield* see(page, "#partial", said)
        yield* see(page, ".row .badge", "20+")
        yield* promise(() => page.locator(".twisty:not(.none)").click())
        // One that runs is shown before idle ones, which were started earlier.
        yield* see(page, ".row.item", "room 58")
        yield* promise(() => page.locator("#search").fill("room 44"))
        yield* see(page, ".row.item", "room 44")
        yield* see(page, "#partial", "All of 60 instances were searched: 1 match.")
        yield* promise(() => page.locator(".row.item", { hasText: "room 44" }).click())
        yield* see(page, "#detail .sub", "key room 44")
        yield* promise(() => page.keyboard.press("Escape"))
        yield* promise(() => page.locator("#search").fill("room"))
        yield* see(page, "#partial", "All of 60 instances were searched: 60 matches.")
        yield* promise(() => page.locator("#list[aria-rowcount='61']").waitFor())
        yield* promise(() => page.locator("#search").fill(""))
        yield* see(page, "#partial", said)
        gate.openUnsafe()
        yield* held
        calm(misdeeds)
      })
      yield* Effect.provide(program, Room.layer)
    }).pipe(ownSystem)
  )

  it.live("sorts by the column whose name is clicked, and the other way around by another click", () =>
    Effect.gen(function* () {
      yield* Single.spawn()
      const worker = yield* Worker.spawn()
      const { page } = yield* openPage(yield* inspect())
      const first = (text: string) => see(page, ".row[data-line='0']", text)
      const click = (column: string) => promise(() => page.locator(`.columns .cell.${column} button`).click())
      yield* see(page, ".row", "Worker")
      yield* Effect.exit(worker.die("the disk is full"))
      yield* see(page, ".columns .cell.restarts")
      yield* click("name")
      yield* first("test/Single")
      yield* see(page, ".columns .cell.name[aria-sort='ascending']")
      yield* click("name")
      yield* first("test/Worker")
      yield* see(page, ".columns .cell.name[aria-sort='descending']")
      assert.strictEqual(yield* promise(() => page.locator("#order").inputValue()), "name")
      yield* click("restarts")
      yield* first("test/Worker")
      yield* click("restarts")
      yield* first("test/Single")
      yield* promise(() => page.locator("#order").selectOption("errors"))
      yield* first("test/Worker")
    }).pipe(ownSystem)
  )

  it.live("tells of the calls that failed last: their errors with fields and stacks", () =>
    Effect.gen(function* () {
      class Declined extends Data.TaggedError("Declined")<{ readonly card: string; readonly message: string }> {}
      const worker = yield* Worker.options({ name: "till" }).spawn()
      const { misdeeds, page } = yield* openPage(yield* inspect())
      yield* see(page, ".row", "till")
      yield* Effect.exit(worker.run(Effect.fail(new Declined({ card: "card 4711", message: "no money" }))))
      yield* see(page, ".row:has-text('till') .cell.errors .bad", "1")
      yield* promise(() => line(page, "till").click())
      yield* see(page, "#detail .failure .error", "Declined: no money")
      yield* see(page, "#detail .failure .fields", '{"card":"card 4711"}')
      yield* promise(() => page.locator("#detail .failure summary").click())
      yield* see(
        page,
        "#detail .failure pre",
        /Declined: no money[\s\S]*page\.test\.ts[\s\S]*at test\/Worker\.run #\d+/
      )
      // Updates do not close what the reader has opened.
      yield* Effect.exit(worker.fail("no paper"))
      yield* see(page, "#detail .failure .error", "no paper")
      yield* see(page, "#detail .failure[open] .error", "Declined")
      yield* tab(page, "Events")
      yield* see(page, "#view-events .failure .method", "test/Worker.run")
      // Who cancels a call has no error to read about.
      const held = yield* worker.wait.remote(Latch.makeUnsafe())
      held.then(null, () => 0)
      yield* ObjectRef.cancel(held)
      yield* Effect.exit(worker.fail("the end"))
      yield* see(page, "#view-events .failure .error", "the end")
      assert.strictEqual(yield* promise(() => page.locator("#view-events .failure").count()), 3)
      calm(misdeeds)
    }).pipe(ownSystem)
  )

  it.live("one line says what many calls wait for, and the methods that never settled are listed", () =>
    Effect.gen(function* () {
      const gate = Latch.makeUnsafe()
      const single = yield* Single.spawn()
      const worker = yield* Worker.spawn()
      const refs = [yield* single.run.remote(gate.await)]
      for (let i = 0; i < 26; i++) refs.push(yield* single.echo.remote("x"))
      refs.push(yield* worker.run.remote(single.echo("y")))
      const { misdeeds, page } = yield* openPage(yield* inspect(), { at: "#/calls" })
      // The 26 in line, the last of them, which the worker has sent, and the worker's own call.
      yield* see(page, ".causes li", /^28 calls wait behind test\/Single\.run#\d+, running for .*s\. The first/)
      yield* tab(page, "Waits")
      yield* see(page, "#view-waits .causes li", "28 calls wait behind")
      yield* see(page, "svg.waits .node:has-text('Single') .what", "27 in line")
      yield* see(page, "svg.waits .node:has-text('Worker') .what", "1 waiting")
      yield* promise(() => page.locator("#view-waits .causes .link").click())
      yield* see(page, "#detail h2", "test/Single")
      yield* see(page, "#detail .methods tr:has-text('run') td", "1")
      yield* see(page, "#detail .methods tr:has-text('echo') td", "27")
      gate.openUnsafe()
      for (const ref of refs) yield* ref
      calm(misdeeds)
    }).pipe(ownSystem)
  )

  it.live("the timeline paints when there is something new, not with each frame of the screen", () =>
    Effect.gen(function* () {
      const single = yield* Single.spawn()
      const { page } = yield* openPage(yield* inspect({ interval: "1 hour" }))
      yield* see(page, ".connection.live")
      yield* promise(() =>
        page.evaluate(`{
          window.painted = 0
          const { clearRect } = CanvasRenderingContext2D.prototype
          CanvasRenderingContext2D.prototype.clearRect = function (...all) {
            window.painted++
            return clearRect.apply(this, all)
          }
        }`)
      )
      yield* single.echo("x")
      yield* tab(page, "Timeline")
      yield* see(page, "#timeline[aria-label^='1 settled call']")
      const frames =
        "new Promise((done) => { let n = 20; const one = () => n-- ? requestAnimationFrame(one) : done(); one() })"
      yield* promise(() => page.evaluate(frames))
      const before = Number(yield* promise(() => page.evaluate("window.painted")))
      assert.isAtLeast(before, 1)
      yield* promise(() => page.evaluate(frames))
      assert.strictEqual(yield* promise(() => page.evaluate("window.painted")), before)
    }).pipe(ownSystem)
  )

  it.live("the nodes of a cluster are on one page: how each does, and where the instances of each actor are", () =>
    Effect.gen(function* () {
      const gate = Latch.makeUnsafe()
      class Resident extends Actor.Service<Resident>()("test/Resident", {
        shutdownTimeout: 0,
        make: Effect.gen(function* () {
          Home.link(yield* ActorContext.ActorContext, {
            describe: () => ({ kind: "cluster", node: "10.0.0.2:7300", shard: "default:3" })
          })
          return { echo: (text: string) => Effect.succeed(text) }
        })
      }) {}
      const other = Effect.gen(function* () {
        yield* Resident.spawn()
        yield* Resident.spawn()
        return yield* inspect({ control: true })
      })
      const { url } = yield* ownSystem(other)
      const held = yield* (yield* Single.spawn()).run.remote(gate.await)
      const peers = [url, "http://127.0.0.1:1/"]
      const { misdeeds, page } = yield* openPage(yield* inspect({ peers, title: "mine" }))
      yield* see(page, "#tab-nodes")
      yield* promise(() => page.keyboard.press("6"))
      const cells = (name: string) =>
        promise(() => page.locator("#view-nodes tr", { hasText: name }).first().locator("td").allInnerTexts())
      yield* see(page, "#view-nodes h2", "3 nodes")
      assert.deepStrictEqual(yield* cells("mine"), ["1", "1", "0", "0", "0", "–"])
      assert.deepStrictEqual(yield* cells("10.0.0.2:7300"), ["2", "0", "0", "0", "0", "1"])
      assert.match((yield* cells("127.0.0.1:1"))[0]!, /bad port|ECONNREFUSED/)
      assert.deepStrictEqual(yield* cells("Resident"), ["0", "2"])
      yield* promise(() => page.setViewportSize({ width: 420, height: 800 }))
      assert.isAtMost(Number(yield* promise(() => page.evaluate("document.documentElement.scrollWidth"))), 420)
      gate.openUnsafe()
      yield* held
      calm(misdeeds)
    }).pipe(ownSystem)
  )

  it.live("what failed is listed with its cause and its attempts, and run again with a second press", () =>
    Effect.gen(function* () {
      const retried: Array<string> = []
      const work = {
        actor: "test/Desk",
        key: "a",
        method: "wake",
        cause: "Error: no coffee\n    at wake",
        isDead: true
      }
      const cluster: ClusterView.Cluster = {
        node: "10.0.0.2:7300",
        shards: () => [],
        nodes: Effect.succeed([]),
        tell: () => Effect.void,
        stored: Effect.succeed({
          calls: [{ actor: "test/Desk", calls: 3, waiting: 1, oldest: Date.now() - 5000 }],
          reminders: { set: 4, due: 3, failing: 2, abandoned: 1 }
        }),
        failed: () =>
          Effect.succeed([
            { ...work, id: "7", kind: "call", attempts: 1, at: Date.now() - 60_000 },
            { ...work, id: "test%2FDesk/a/b", kind: "reminder", attempts: 3, at: Date.now() - 1000 }
          ]),
        retry: (id) => Effect.sync(() => retried.push(id) > 0),
        drop: () => Effect.succeed(true)
      }
      const inspector = yield* Effect.provideService(inspect({ control: true }), ClusterView.CurrentCluster, cluster)
      const { misdeeds, page } = yield* openPage(inspector)
      yield* see(page, "#tab-failed")
      yield* promise(() => page.keyboard.press("7"))
      yield* see(page, "#view-failed .call", "failed for good · 1 attempt")
      yield* see(page, "#view-failed .call", "abandoned · 3 attempts")
      yield* promise(() => page.setViewportSize({ width: 420, height: 800 }))
      assert.isAtMost(Number(yield* promise(() => page.evaluate("document.documentElement.scrollWidth"))), 420)
      const retry = page.locator("[data-key='retry test%2FDesk/a/b']")
      yield* promise(() => retry.click())
      yield* see(page, ".armed", "Sure?")
      assert.deepStrictEqual(retried, [])
      yield* promise(() => retry.click())
      yield* see(page, "#toast", "It runs again.")
      assert.deepStrictEqual(retried, ["test%2FDesk/a/b"])
      yield* promise(() => page.keyboard.press("6"))
      yield* see(page, "#view-nodes", "4 reminders: 3 due, 2 failing, 1 abandoned")
      calm(misdeeds)
    }).pipe(ownSystem)
  )

  it.live("a keyboard is enough", () =>
    Effect.gen(function* () {
      const program = Effect.gen(function* () {
        const rooms = yield* Room
        yield* Effect.forEach(["attic", "cellar"], (room) => rooms.get(room).greet())
        yield* Single.spawn()
        const { page } = yield* openPage(yield* inspect())
        yield* see(page, ".row", "test/Room")
        const press = (...keys: ReadonlyArray<string>) =>
          Effect.forEach(keys, (key) => promise(() => page.keyboard.press(key)))
        yield* promise(() => page.locator("#order").selectOption("name"))
        yield* promise(() => page.locator("#search").focus())
        yield* press("ArrowDown", "ArrowDown", "ArrowRight", "ArrowDown", "ArrowDown")
        yield* see(page, ".row.current", "cellar")
        assert.strictEqual(
          yield* promise(() => page.locator("#list").getAttribute("aria-activedescendant")),
          yield* promise(() => page.locator(".row.current").getAttribute("id"))
        )
        yield* press("Enter")
        yield* see(page, "#detail .sub", "key cellar")
        yield* press("Escape", "ArrowLeft", "ArrowLeft")
        yield* promise(() => page.locator(".row.item").first().waitFor({ state: "detached" }))
        yield* press("2")
        yield* see(page, "#tab-calls[aria-selected=true]")
        yield* see(page, "#view-calls:focus")
        // A view that is opened by its key has the focus.
        yield* press("1")
        yield* see(page, "#list:focus")
        yield* press("Home", "ArrowDown")
        yield* see(page, ".row.current", "test/Single")
        for (const [key, main] of [
          ["3", "#view-waits"],
          ["4", "#canvas"],
          ["5", "#view-events"]
        ] as const) {
          yield* press(key)
          yield* see(page, `${main}:focus`)
        }
        yield* press("2")
        yield* promise(() => page.locator("#tab-calls").focus())
        yield* press("ArrowRight")
        yield* see(page, "#tab-waits[aria-selected=true]")
      })
      yield* Effect.provide(program, Room.layer)
    }).pipe(ownSystem)
  )

  it.live("who waits for whom is a picture, and cycles of waits are red", () =>
    Effect.gen(function* () {
      const a = yield* Single.options({ name: "left" }).spawn()
      const b = yield* Single.options({ name: "right" }).spawn()
      const both = Latch.makeUnsafe()
      const locked = (inside: Effect.Effect<unknown, unknown>, entered: Latch.Latch) =>
        Effect.andThen(Effect.andThen(entered.open, both.await), Effect.timeout(inside, "5 minutes"))
      const enteredA = Latch.makeUnsafe()
      const enteredB = Latch.makeUnsafe()
      const refs = [
        yield* a.run.remote(locked(b.echo("from a"), enteredA)),
        yield* b.run.remote(locked(a.echo("from b"), enteredB))
      ]
      for (const ref of refs) ref.then(null, () => 0)
      yield* Effect.andThen(enteredA.await, enteredB.await)
      const { misdeeds, page } = yield* openPage(yield* inspect())
      yield* tab(page, "Waits")
      yield* see(page, "#view-waits", "No call is waiting for a call of another actor")
      both.openUnsafe()
      yield* see(page, "#n-waits", "1 cycle")
      yield* see(page, ".alarm", /Single\.run #\d+ → test\/Single\.echo #\d+ in line/)
      assert.strictEqual(yield* promise(() => page.locator("svg.waits .node.cycle").count()), 2)
      assert.strictEqual(yield* promise(() => page.locator("svg.waits .arrow.cycle").count()), 2)
      const color = String(
        yield* promise(() => page.evaluate(`getComputedStyle(document.querySelector(".arrow.cycle path")).stroke`))
      )
      assert.match(color, /rgb\((1[5-9]\d|2\d\d), [0-9]{1,2}, [0-9]{1,2}\)/)
      yield* promise(() => page.locator("svg.waits .node").first().click())
      yield* see(page, "#detail h2", "test/Single")
      calm(misdeeds)
    }).pipe(ownSystem)
  )

  it.live("restarts are told with their reasons, and dead letters", () =>
    Effect.gen(function* () {
      const gate = Latch.makeUnsafe()
      const worker = yield* Worker.options({ name: "unlucky" }).spawn()
      const { page } = yield* openPage(yield* inspect())
      yield* see(page, ".row", "unlucky")
      yield* Effect.exit(worker.die("the disk is full"))
      yield* see(page, ".row:has-text('unlucky') .cell.restarts", "1")
      yield* tab(page, "Events")
      yield* see(page, ".event.restarted", "the disk is full")
      for (let i = 0; i < 3; i++) yield* Effect.map(worker.wait.remote(gate), (ref) => ref.then(null, () => 0))
      yield* Effect.sleep("1 millis")
      yield* Actor.kill(worker)
      yield* see(page, ".event.died", "it was killed")
      yield* see(page, ".event.letter", "test/Worker.wait")
    }).pipe(ownSystem)
  )

  it.live("the timeline draws calls, and tells of the one under the pointer", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const { misdeeds, page } = yield* openPage(yield* inspect())
      yield* see(page, ".connection.live")
      yield* tab(page, "Timeline")
      yield* see(page, "#silent", "No call has settled")
      yield* worker.run(Effect.sleep("700 millis"))
      yield* promise(() => page.locator("#silent").waitFor({ state: "hidden" }))
      yield* see(page, "#timeline[aria-label^='1 settled call, 0 failed, 0 running']")
      // It would move to the left while it is looked for.
      yield* promise(() =>
        page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
      )
      yield* promise(() => page.keyboard.press("p"))
      const box = yield* promise(async () => (await page.locator("#timeline").boundingBox())!)
      const find = async () => {
        for (let x = box.x + box.width - 4; x > box.x + 200; x -= 12) {
          await page.mouse.move(x, box.y + 34)
          if (await page.locator("#tip").isVisible()) return page.locator("#tip").innerText()
        }
        return ""
      }
      assert.match(yield* promise(find), /test\/Worker\.run #\d+ · .*ran \d+/)
      // It stands still, and keys look around in it.
      const press = (key: string) => promise(() => page.keyboard.press(key))
      const picture = () => promise(() => page.evaluate("document.querySelector('#timeline').toDataURL()"))
      yield* press("4")
      yield* press("ArrowRight")
      const before = yield* picture()
      yield* press("ArrowLeft")
      assert.isFalse((yield* picture()) === before)
      yield* press("ArrowRight")
      assert.isTrue((yield* picture()) === before)
      yield* press("+")
      assert.strictEqual(yield* promise(() => page.locator("#span").inputValue()), "3000")
      yield* press("-")
      yield* press("-")
      assert.strictEqual(yield* promise(() => page.locator("#span").inputValue()), "30000")
      assert.deepStrictEqual(yield* promise(() => page.locator("#view-timeline .key").allInnerTexts()), [
        "waiting",
        "running",
        "failed",
        "cancelled"
      ])
      calm(misdeeds)
    }).pipe(ownSystem)
  )

  it.live("a home beyond the process is told with the lag of its event loop", () =>
    Effect.gen(function* () {
      class Remote extends Actor.Service<Remote>()("test/Remote", {
        shutdownTimeout: 0,
        make: Effect.gen(function* () {
          Home.link(yield* ActorContext.ActorContext, {
            describe: () => ({ kind: "worker", thread: 3, lagMillis: 75.2 })
          })
          return { echo: (text: string) => Effect.succeed(text) }
        })
      }) {}
      yield* Remote.spawn()
      const { page } = yield* openPage(yield* inspect())
      yield* see(page, ".row:has-text('Remote') .home", "thread 3")
      yield* see(page, ".row:has-text('Remote') .lag.late", "75 ms")
      yield* promise(() => line(page, "Remote").click())
      yield* see(page, "#detail h3", "Worker thread")
      yield* see(page, "#detail .fact:has-text('Event loop lag')", "75 ms")
    }).pipe(ownSystem)
  )

  it.live("what actors say is text, whatever is in it", () =>
    Effect.gen(function* () {
      const evil = `<img src=x onerror="document.title='taken'">`
      const program = Effect.gen(function* () {
        const room = yield* Room.get(evil)
        yield* room.greet()
        const worker = yield* Worker.options({ name: evil }).spawn()
        yield* Effect.exit(worker.fail(evil))
        const { misdeeds, page } = yield* openPage(yield* inspect({ title: evil }))
        yield* see(page, "h1", evil)
        yield* promise(() => line(page, "Worker").click())
        yield* see(page, "#detail .error", evil)
        yield* promise(() => page.locator(".twisty:not(.none)").click())
        yield* see(page, ".row.item", evil)
        assert.strictEqual(yield* promise(() => page.locator("img:not(.mark)").count()), 0)
        assert.notStrictEqual(yield* promise(() => page.title()), "taken")
        calm(misdeeds)
      })
      yield* Effect.provide(program, Room.layer)
    }).pipe(ownSystem)
  )

  it.live("says in the middle of the list that there is nothing in it, and why", () =>
    Effect.gen(function* () {
      const { misdeeds, page } = yield* openPage(yield* inspect())
      const see = (text: string) =>
        promise(() => page.locator("#nothing p").first().filter({ hasText: text }).waitFor())
      yield* see("No actor has been started yet.")
      yield* Single.spawn()
      yield* promise(() => line(page, "Single").waitFor())
      assert.strictEqual(yield* textOf(page, "#nothing"), "")
      yield* promise(() => page.locator("#search").fill("zzz"))
      yield* see('Nothing matches "zzz".')
      const boxOf = (selector: string) => promise(async () => (await page.locator(selector).first().boundingBox())!)
      const text = yield* boxOf("#nothing p")
      const list = yield* boxOf("#list")
      const middle = ({ height, y }: { readonly height: number; readonly y: number }) => y + height / 2
      assert.closeTo(middle(text), middle(list), 30)
      assert.isBelow(text.y + text.height, list.y + list.height)
      calm(misdeeds)
    }).pipe(ownSystem)
  )

  it.live("its columns stand where their names are, and narrow screens keep the state and the errors", () =>
    Effect.gen(function* () {
      const gate = Latch.makeUnsafe()
      const worker = yield* Worker.options({ name: "first" }).spawn()
      yield* Worker.options({ name: "second" }).spawn()
      yield* Single.spawn()
      yield* Effect.exit(worker.fail("no paper"))
      for (let i = 0; i < 5; i++) yield* worker.wait.remote(gate)
      const { page } = yield* openPage(yield* inspect())
      yield* see(page, ".row:has-text('Worker') .cell.waiting .now", "3")
      const boxOf = (selector: string) => promise(async () => (await page.locator(selector).first().boundingBox())!)
      for (const width of [1280, 1100, 900, 560, 420]) {
        yield* promise(() => page.setViewportSize({ width, height: 800 }))
        for (const name of ["status", "waiting", "errors"]) {
          const head = yield* boxOf(`.columns .cell.${name}`)
          const cell = yield* boxOf(`.row .cell.${name}`)
          assert.closeTo(cell.x, head.x, 1, `${name} at ${width}`)
          assert.isAtMost(head.x + head.width, width, `${name} at ${width}`)
        }
        const number = yield* boxOf(".row .cell.waiting .now")
        const head = yield* boxOf(".columns .cell.waiting")
        assert.isAtMost(number.x + number.width, head.x + 44, `the queue at ${width}`)
      }
      yield* promise(() => page.setViewportSize({ width: 1280, height: 800 }))
      const heads = yield* promise(() =>
        page.locator(".columns .cell:visible").evaluateAll((all) => all.map((one) => one.getBoundingClientRect().y))
      )
      assert.strictEqual(new Set(heads).size, 1, "names of columns are on one line")
      gate.openUnsafe()
    }).pipe(ownSystem)
  )

  it.live("its parts have names for those who hear it", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const { page } = yield* openPage(yield* inspect({ control: true }))
      yield* promise(() => line(page, "Worker").click())
      yield* Effect.exit(worker.fail("no paper"))
      yield* see(page, "#detail .methods")
      for (const name of ["Actors", "Calls", "Waits", "Timeline", "Events"]) {
        yield* tab(page, name)
        const levels = yield* promise(() =>
          page
            .locator("h1:visible, h2:visible, h3:visible")
            .evaluateAll((all) => all.map(({ tagName }) => Number(tagName[1])))
        )
        for (const [i, level] of levels.entries()) {
          assert.isAtMost(level - (levels[i - 1] ?? 0), 1, `${name}: ${levels}`)
        }
      }
      const headers = yield* promise(() => page.locator("th").allTextContents())
      assert.isAbove(headers.length, 10)
      assert.notInclude(headers, "")
      assert.strictEqual(yield* promise(() => page.locator("nav [role=tablist]").count()), 1)
    }).pipe(ownSystem)
  )

  it.live("nothing is cut off at 420 pixels, in the dark", () =>
    Effect.gen(function* () {
      const gate = Latch.makeUnsafe()
      const worker = yield* Worker.options({ name: "a name that is rather long for a small screen" }).spawn()
      for (let i = 0; i < 5; i++) yield* worker.wait.remote(gate)
      const viewport = { width: 420, height: 860 }
      const { misdeeds, page } = yield* openPage(yield* inspect(), { viewport, colorScheme: "dark" })
      yield* see(page, ".row", "test/Worker")
      const fits = (what: string) =>
        Effect.gen(function* () {
          const width = yield* promise(() => page.evaluate("document.documentElement.scrollWidth"))
          assert.isAtMost(Number(width), 420, what)
        })
      for (const name of ["Actors", "Calls", "Waits", "Timeline", "Events"]) {
        yield* tab(page, name)
        yield* see(page, `.view:not([hidden])`)
        yield* fits(name)
        assert.deepStrictEqual(yield* promise(() => page.evaluate(overlaps)), [], name)
      }
      yield* tab(page, "Actors")
      yield* promise(() => line(page, "Worker").click())
      yield* see(page, "#detail .call")
      yield* fits("the panel")
      const ground = yield* promise(() => page.evaluate("getComputedStyle(document.body).backgroundColor"))
      assert.match(String(ground), /rgb\(\d\d?, \d\d?, \d\d?\)/)
      gate.openUnsafe()
      calm(misdeeds)
    }).pipe(ownSystem)
  )

  it.live("it can pause, and says so", () =>
    Effect.gen(function* () {
      const gate = Latch.makeUnsafe()
      const single = yield* Single.spawn()
      const { page } = yield* openPage(yield* inspect())
      yield* see(page, ".connection.live")
      yield* promise(() => page.getByRole("button", { name: "Pause" }).click())
      yield* see(page, ".connection", "paused")
      yield* single.run.remote(gate.await)
      yield* promise(() => page.getByRole("button", { name: "Resume" }).click())
      yield* see(page, ".row:has-text('Single') .cell.running", "1 / 1")
      gate.openUnsafe()
    }).pipe(ownSystem)
  )

  it.live("a connection that is lost is found again", () =>
    Effect.gen(function* () {
      yield* Single.options({ name: "here before" }).spawn()
      const outer = yield* Effect.scope
      const { page, port } = yield* Effect.scoped(
        Effect.gen(function* () {
          const inspector = yield* inspect()
          // The page outlives the server.
          const { page } = yield* Scope.provide(openPage(inspector), outer)
          yield* see(page, ".row", "here before")
          return { page, port: inspector.port }
        })
      )
      yield* see(page, ".connection.lost", "trying again")
      // Nothing looks as if it was of now.
      const banner = /^Connection lost\. What you see is from \d\d:\d\d:\d\d; trying again\.$/
      yield* see(page, "#lost", banner)
      assert.match(yield* promise(() => page.title()), /^Connection lost · .+ · Troupe$/)
      const dim = (what: string) =>
        promise(() => page.evaluate(`getComputedStyle(document.querySelector("${what}")).filter`))
      assert.include(yield* dim("main"), "saturate")
      assert.include(yield* dim(".figures"), "saturate")
      // Nor on a narrow screen, where the panel is over everything.
      yield* promise(() => page.setViewportSize({ width: 420, height: 800 }))
      yield* promise(() => line(page, "Single").click())
      yield* promise(() => page.locator("#lost").click({ trial: true }))
      yield* see(page, "#detail", "The program does not answer")
      yield* promise(() => page.locator("#detail .close").click())
      yield* Single.options({ name: "new" }).spawn()
      yield* inspect({ port })
      yield* see(page, ".connection.live")
      assert.isFalse(yield* promise(() => page.locator("#lost").isVisible()))
      assert.notInclude(yield* promise(() => page.title()), "lost")
      assert.strictEqual(yield* dim("main"), "none")
      yield* promise(() => page.locator(".twisty:not(.none)").click())
      yield* see(page, ".row.item", "new")
    }).pipe(ownSystem)
  )

  it.live("a program that hangs is not taken for a running one", () =>
    Effect.gen(function* () {
      const { address, pid } = yield* ownProcess
      const { page } = yield* openAt(address)
      // Time passes as fast as the test says.
      yield* promise(() => page.clock.install())
      yield* promise(() => page.reload())
      yield* see(page, ".row", "app/Db")
      yield* see(page, ".connection.live")
      process.kill(pid, "SIGSTOP")
      yield* promise(() => page.clock.runFor(20_000))
      yield* see(page, "#lost", "Connection lost. What you see is from")
      process.kill(pid, "SIGCONT")
      yield* see(page, ".connection.live")
    })
  )

  it.live("asks for the token where it does not have it", () =>
    Effect.gen(function* () {
      yield* Single.spawn()
      const { port, token } = yield* inspect({ control: true })
      const { page } = yield* openAt(`http://127.0.0.1:${port}/`)
      const how = "Open the address that the program printed, or paste the token here."
      yield* see(page, "#notice", `This page needs a token. ${how}`)
      assert.strictEqual(yield* promise(() => page.locator(".row").count()), 0)
      const enter = (text: string) =>
        Effect.andThen(
          promise(() => page.locator("#token").fill(text)),
          promise(() => page.getByRole("button", { name: "Open" }).click())
        )
      yield* enter("something-else")
      yield* see(page, "#notice", `This is not the token of this program. It may have been restarted. ${how}`)
      yield* enter(Redacted.value(token!))
      yield* see(page, ".row", "test/Single")
      // It is not on show.
      assert.notInclude(page.url(), Redacted.value(token!))
    }).pipe(ownSystem)
  )

  describe("with control", () => {
    it.live("cancels, resizes and kills, each only when it is meant", () =>
      Effect.gen(function* () {
        const gate = Latch.makeUnsafe()
        const single = yield* Single.options({ name: "target" }).spawn()
        const held = yield* single.run.remote(gate.await)
        held.then(null, () => 0)
        const { misdeeds, page } = yield* openPage(yield* inspect({ control: true }))
        yield* promise(() => line(page, "target").click())
        yield* see(page, "#detail .call", "test/Single.run")
        const button = (name: string) => page.locator("#detail").getByRole("button", { name, exact: true })
        // A reader who only hears the button hears what it is for.
        yield* promise(() => button(`Cancel test/Single.run #${held.id}`).click())
        yield* see(page, "#detail .call button", "Sure?")
        yield* promise(() => button(`Sure? Cancel test/Single.run #${held.id}`).click())
        yield* see(page, "#toast", "is cancelled")
        assert.isTrue(Exit.isFailure(yield* Effect.exit(held)))
        yield* promise(() => button("One permit more").click())
        yield* see(page, "#toast", "Now 2 permits")
        const { instances } = yield* ActorSystem.snapshot()
        assert.strictEqual(instances[0]!.permits.limit, 2)
        yield* promise(() => button(`Kill instance #${instances[0]!.instance}`).click())
        yield* promise(() => button(`Sure? Kill instance #${instances[0]!.instance}`).click())
        yield* see(page, "#toast", "is killed")
        yield* Actor.watch(single)
        yield* see(page, ".row.gone", "target")
        // It has no permits any more, rather than no limit of them.
        yield* see(page, "#detail section:has-text('Why it takes no calls')")
        const permits = page.locator("#detail tr", { hasText: "the actor's own" })
        assert.deepStrictEqual(yield* promise(() => permits.locator("td").allInnerTexts()), ["–", "–", "", "–"])
        calm(misdeeds)
      }).pipe(ownSystem)
    )
  })
})

/**
 * The main idea of each example, under many schedules. The examples that are one file are the files themselves, with a
 * program that is exported rather than run.
 *
 * Left out is what needs the world outside: the sockets of `http-server`, the files and pages of the link checker, worker
 * threads, and the parts of the tour that wait for real timers or ask the compiler.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import path from "node:path"
import { afterAll, assert, describe } from "@effect/vitest"
import * as DurableState from "@troupe/cluster/DurableState"
import { AsyncHandle, Driver } from "@troupe/core"
import { ActorProbe } from "@troupe/testing"
import { it } from "@troupe/testing/vitest"
import { Console, Effect, Exit, Layer, type Scope } from "effect"
import { Account } from "../bank/Account.ts"
import { AccountLive, GIFT } from "../bank/AccountLive.ts"
import { Stock } from "../demo/shop.ts"
import { crawl, emptyReport } from "../links/crawl.ts"
import { LinkChecker } from "../links/LinkChecker.ts"
import { Broken, type Page } from "../links/Page.ts"
import { asking } from "../tour/1-asking.ts"
import { fifty } from "../tour/3-fifty.ts"
import { wavesOfTen } from "../tour/4-waves.ts"
import type { Outcome } from "../tour/Program.ts"
import { Timeline } from "../tour/Timeline.ts"

type Program = Effect.Effect<unknown, unknown, Scope.Scope>

const folder = path.join(import.meta.dirname, ".tmp", `explore-${process.pid}`)
mkdirSync(folder, { recursive: true })
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Imports an example after a change to its source, which has to find what it changes. */
const example = async (name: string, pattern: RegExp, replacement: string): Promise<any> => {
  const source = readFileSync(path.join(import.meta.dirname, `../${name}.ts`), "utf8")
  const changed = source.replace(pattern, replacement)
  assert.notStrictEqual(changed, source, `${name}.ts is not written as this test expects`)
  const file = path.join(folder, `${name}.ts`)
  writeFileSync(file, changed)
  return import(/* @vite-ignore */ file)
}

/** The program of an example that ends by running it. */
const programOf = async (name: string): Promise<Program> =>
  (await example(name, /^await Effect\.runPromise\((.*)\)$/m, "export const exported = $1")).exported

/** What a program prints, by line. */
const printed = (program: Program) =>
  Effect.gen(function* () {
    const lines: Array<string> = []
    const log = (...words: ReadonlyArray<unknown>) => lines.push(words.map(String).join(" "))
    yield* Effect.provideService(program, Console.Console, { ...globalThis.console, log } as Console.Console)
    return lines
  })

const schedules = 100

describe("examples of one file", async () => {
  it.explore(
    "job-queue: every letter has its fate, whatever runs in between",
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* printed(jobQueue), [
        "ada: delivered (attempts: 1)",
        "bob: delivered (attempts: 3)",
        "cleo: dead letter, there is no mailbox cleo (attempts: 1)",
        "dan: dead letter, dan is busy (attempts: 4)"
      ])
    }),
    { schedules }
  )

  it.explore(
    "pipeline: the stages find each other's results",
    Effect.gen(function* () {
      const lines = yield* printed(pipeline)
      assert.deepStrictEqual(lines.slice(0, 4), [
        "/cats: 3 words",
        "/dogs: 3 words",
        "/gone: not found",
        "/fish: 3 words"
      ])
      assert.deepStrictEqual(lines.slice(4), [
        '"cats" is on /cats,/dogs',
        '"like" is on /cats,/dogs,/fish',
        '"nobody" is on /fish'
      ])
    }),
    { schedules }
  )

  it.explore(
    "chat-room: all hear everything, and the rooms are gone in the end",
    Effect.gen(function* () {
      const lines = yield* printed(chatRoom)
      const kitchen = "(the kitchen opens) | Ada: Tea? | Cleo: Please! | Ada: Goodbye!"
      assert.include(lines, `early in the kitchen: ${kitchen}`)
      assert.include(lines, `late in the kitchen:  ${kitchen}`)
      assert.include(lines, "in the garden:        (the garden opens) | Bob: Rain. | Bob: Goodbye!")
      assert.strictEqual(lines.at(-1), "open rooms after a while: none")
    }),
    // A room closes under the listeners' noses only after they have heard it all.
    { schedules }
  )

  it.explore(
    "flaky-worker: two pages per life, three lives",
    Effect.gen(function* () {
      const lines = yield* printed(flakyWorker)
      const count = (part: string) => lines.filter((line) => line.includes(part)).length
      assert.deepStrictEqual([count("printed page"), count("switched on"), count("switched off")], [6, 3, 3])
      assert.strictEqual(lines.at(-1), "the printer died: its restart schedule ended (Error: paper jam)")
    }),
    { schedules }
  )

  it.explore(
    "rate-limited-client: with the actor nothing is refused",
    Effect.gen(function* () {
      const lines = yield* printed(client.withTheActor)
      assert.include(lines, "10 of 10 served")
    }),
    { schedules: 50 }
  )

  it.explore(
    "http-server: increments do not mix",
    Effect.gen(function* () {
      const counter = yield* server.Counter.spawn()
      const counts = yield* Effect.forEach([1, 1, 1, 1], (by) => counter.increment(by) as Effect.Effect<number>, {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(counts.toSorted(), [1, 2, 3, 4])
    }) as Program,
    { schedules }
  )

  it.explore(
    "plain-script: promises of calls",
    Effect.gen(function* () {
      const market = AsyncHandle.make((yield* script.Market.spawn()) as any) as any
      const prices = yield* Effect.promise(() =>
        Promise.all([market.price("apple"), market.price("fig"), market.double(2)])
      )
      assert.deepStrictEqual(prices, [3, 4, 4])
    }) as Program,
    { schedules: 20 }
  )

  const jobQueue = await programOf("job-queue")
  const pipeline = await programOf("pipeline")
  const chatRoom = await programOf("chat-room")
  const flakyWorker = await programOf("flaky-worker")
  const client = await example("rate-limited-client", /^await .*$/m, "export { withTheActor }")
  const server = await example("http-server", /^const runtime[\s\S]*$/m, "export { Counter }")
  const script = await example("plain-script", /^const main[\s\S]*$/m, "export { Market }")
})

/** The order of lanes is that in which calls begin to sleep, and any of them may be preempted before. */
const checked = (run: Effect.Effect<Outcome, unknown, any>): Program =>
  Effect.gen(function* () {
    const { checks } = yield* Effect.provideServiceEffect(run, Timeline, Timeline.make)
    for (const { actual, expected, says } of checks) {
      if (!says.includes("in the order in which")) assert.deepStrictEqual(actual, expected, says)
    }
  }).pipe(Effect.provide(Driver.layer)) as Program

describe("the tour", () => {
  it.explore("1-asking: asked in a row, and asked at once", checked(asking.run), { schedules })
  it.explore("3-fifty: fifty start before the first one ends", checked(fifty.run), { schedules: 50 })
  it.explore("4-waves: five waves of ten", checked(wavesOfTen.run), { schedules: 50 })
})

describe("the bank", () => {
  /** The steps of a transfer, as the workflow takes them. Each is taken twice: an answer may be lost. */
  const transfer = Effect.fnUntraced(function* (id: string, from: string, to: string, amount: number) {
    const [source, target] = [yield* Account.get(from), yield* Account.get(to)]
    const twice = <A, E, R>(step: Effect.Effect<A, E, R>) => Effect.andThen(Effect.exit(step), step)
    yield* twice(source.withdraw(`${id}/withdraw`, amount))
    yield* Effect.tapError(twice(target.deposit(`${id}/deposit`, amount)), () =>
      twice(source.refund(`${id}/refund`, amount))
    )
  })

  it.explore(
    "books each entry once, and loses no money, whoever is asked first",
    Effect.gen(function* () {
      const names = ["Ada", "Bob", "Cleo"] as const
      const transfers = [
        transfer("1", "Ada", "Bob", 700),
        transfer("2", "Bob", "Ada", 1200),
        transfer("3", "Ada", "Cleo", 600),
        transfer("4", "Ada", "Bob", 500)
      ]
      const closing = Effect.flatMap(Account.get("Cleo"), (cleo) => cleo.close())
      yield* Effect.all([...transfers, closing].map(Effect.exit), { concurrency: "unbounded" })
      const balances = yield* Effect.forEach(names, (name) => Effect.flatMap(Account.get(name), (one) => one.balance()))
      for (const balance of balances) assert.isAtLeast(balance, 0)
      assert.strictEqual(
        balances.reduce((sum, balance) => sum + balance, 0),
        3 * GIFT
      )
    }).pipe(Effect.provide(Layer.provide(AccountLive, DurableState.layerMemory))),
    { schedules }
  )
})

describe("the shop of the demo", () => {
  it.explore(
    "sells no more than there is, one customer after the other",
    Effect.gen(function* () {
      const teapots = yield* Stock.get("Teapot")
      const exits = yield* Effect.forEach([150, 150, 150, 50], (count) => Effect.exit(teapots.reserve(count)), {
        concurrency: "unbounded"
      })
      const sold = [150, 150, 150, 50].filter((_, i) => Exit.isSuccess(exits[i]!)).reduce((sum, count) => sum + count)
      const left = exits.filter(Exit.isSuccess).map(({ value }) => value)
      assert.strictEqual(Math.min(...left), 400 - sold)
      assert.isAtMost(sold, 400)
    }).pipe(Effect.provide(Stock.layer)),
    { schedules }
  )
})

describe("the link checker", () => {
  const page = (name: string, ...targets: ReadonlyArray<string>): readonly [string, Page] => {
    const url = new URL(`http://site/${name}`)
    const links = targets.map((target, i) => ({ target, line: i + 1, kind: "page" as const }))
    return [url.href, { url, base: url, links, anchors: new Set(["top-of-page"]) }]
  }
  const site = new Map([page("a", "b", "c", "gone"), page("b", "a", "c"), page("c", "b#top-of-page", "b#nowhere")])

  it.explore(
    "asks for each address once, however many links lead to it, and finds the broken ones",
    Effect.gen(function* () {
      const checker = yield* ActorProbe.make(LinkChecker)
      yield* checker.on("read", (url) => {
        const page = site.get(url.href)
        return page === undefined ? Effect.fail(new Broken({ reason: "not there" })) : Effect.as(Effect.yieldNow, page)
      })
      yield* checker.on("anchor", (page, id) =>
        page.anchors?.has(id) ? Effect.succeed(undefined) : Effect.fail(new Broken({ reason: `no ${id}` }))
      )
      const report = emptyReport()
      const walk = crawl([{ url: new URL("http://site/a") }], { external: false, maxPages: 10 }, report)
      yield* Effect.provide(walk, checker.layer)
      assert.deepStrictEqual([report.pages, report.found, report.done], [3, 7, 7])
      assert.deepStrictEqual(report.broken.map(({ target }) => target).toSorted(), ["b#nowhere", "gone"])
      const reads = checker.calls.filter(({ method }) => method === "read").map(({ args }) => String(args[0]))
      assert.strictEqual(new Set(reads).size, reads.length)
    }),
    // Two links to the same broken page share one ref, and whoever comes first looks at it.
    { schedules: 200 }
  )
})

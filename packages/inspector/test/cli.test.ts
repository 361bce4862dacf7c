import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorSystem } from "@troupe/core"
import * as Cli from "@troupe/inspector/Cli"
import { Cause, Effect, Fiber, Latch, Schedule } from "effect"
import { TestClock } from "effect/testing"
import {
  type Answer,
  hasCodes,
  makeWorld,
  onScreen,
  plain,
  press,
  run,
  type Setting,
  until,
  wire
} from "./cliSupport.ts"
import { randomOf } from "./random.ts"

class Db extends Actor.Service<Db>()("app/Db", {
  shutdownTimeout: 0,
  maxConcurrency: 2,
  restart: Schedule.recurs(5),
  concurrencyGroups: { io: { maxConcurrency: 1, methods: ["load"] } },
  make: Effect.succeed({
    query: (latch: Latch.Latch) => latch.await,
    load: (latch: Latch.Latch) => latch.await,
    fail: () => Effect.fail(new Error("no such row\u001b[31m\u0007")),
    die: () => Effect.die(new Error("lost connection"))
  })
}) {}

class Importer extends Actor.Service<Importer>()("app/Importer", {
  shutdownTimeout: 0,
  make: Effect.succeed({ import: (db: Db["Service"], latch: Latch.Latch) => db.query(latch) })
}) {}

class Tiny extends Actor.Service<Tiny>()("app/Tiny", {
  shutdownTimeout: 0,
  maxConcurrency: 1,
  maxPendingCalls: 1,
  overflow: "fail",
  make: Effect.succeed({ wait: (latch: Latch.Latch) => latch.await })
}) {}

/** Some actors with something to see, and how the server sees them. */
const busy = Effect.gen(function* () {
  const latch = yield* Latch.make()
  const db = yield* Db.options({ name: "main" }).spawn()
  const importer = yield* Importer.spawn()
  yield* Effect.exit(db.fail())
  yield* Effect.exit(db.die())
  yield* importer.import.remote(db, latch)
  for (let i = 0; i < 5; i++) yield* db.query.remote(latch)
  for (let i = 0; i < 2; i++) yield* db.load.remote(latch)
  yield* TestClock.adjust(4200)
  return yield* wire
}).pipe(Effect.provide(ActorSystem.layer))

const answering = (body: unknown) => (): Answer => ({ body })

const failure = (args: ReadonlyArray<string>, answer: (path: string) => Answer, setting?: Setting) =>
  Effect.gen(function* () {
    const world = yield* makeWorld(answer)
    const error = yield* Effect.flip(run(world, args, setting))
    if (!(error instanceof Cli.InspectError)) assert.fail(`not an InspectError: ${error}`)
    return { error, world }
  })

/** What moves a cursor or turns the direction, besides ends of lines. */
const MOVES = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}]/u

const odds = [
  null,
  -1,
  1e308,
  "",
  "\u001b[2J\u202e",
  [],
  {},
  "9".repeat(5000),
  true,
  Array.from({ length: 300 }, () => null)
]

/** The same with one or more of its parts in a state in which none should be; or cut off, as text. */
const mutated = (value: unknown, random: () => number): unknown => {
  const one = <A>(of: ReadonlyArray<A>): A => of[Math.floor(random() * of.length)]!
  const copy = JSON.parse(JSON.stringify({ body: value }))
  for (let n = 1 + Math.floor(random() * 3); n > 0; n--) {
    let at: any = copy
    let key = "body"
    while (random() < 0.85 && typeof at[key] === "object" && at[key] !== null && Object.keys(at[key]).length > 0) {
      at = at[key]
      key = one(Object.keys(at))
    }
    if (random() < 0.2) delete at[key]
    else at[key] = structuredClone(one(odds))
  }
  const json = JSON.stringify(copy.body) ?? ""
  return random() < 0.1 ? json.slice(0, Math.floor(random() * json.length)) : json
}

const text = (world: { readonly printed: ReadonlyArray<string> }) => world.printed.join("")

describe("troupe inspect", () => {
  it.effect("prints the tables once where there is no terminal, without colors", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(answering(yield* busy))
      yield* run(world, ["inspect"])
      assert.isFalse(hasCodes(text(world)))
      const lines = text(world)
        .replaceAll(/#\d+/g, "#N")
        .split("\n")
        .map((line) => line.replace(/^ *\d+ {2}/, "").replaceAll(/ +/g, " "))
      assert.deepStrictEqual(lines, [
        "2 instances, 4 calls running, 5 waiting",
        "",
        "ACTOR STATE RUNNING QUEUE SETTLED ERRORS RESTARTS UP LAST ERROR",
        'app/Db "main" #N running 2/2 4 2 2 1 4.2 s Error: lost connection (4.2 s ago)',
        " io 1/1 1",
        "app/Importer #N running 1/1,000 0 0 0 4.2 s",
        "",
        lines[7],
        lines[8],
        ...lines.slice(9)
      ])
      assert.match(lines[7]!, /^ ?CALL METHOD ACTOR STAGE SINCE BY WAITS FOR$/)
      assert.include(lines.join("\n"), 'query app/Db "main" #N 4. in line 4.2 s')
      assert.include(lines.join("\n"), "import app/Importer #N running 4.2 s")
    })
  )

  it.effect("tells of refused submissions, on narrow terminals too, where there are any", () =>
    Effect.gen(function* () {
      const body = yield* Effect.gen(function* () {
        const latch = yield* Latch.make()
        const tiny = yield* Tiny.spawn()
        yield* tiny.wait.remote(latch)
        for (let i = 0; i < 3; i++) yield* Effect.flip(tiny.wait(latch))
        return yield* wire
      }).pipe(Effect.provide(ActorSystem.layer))
      for (const columns of [60, 120]) {
        const world = yield* makeWorld(answering(body), { columns })
        yield* run(world, ["inspect", "--once"], { isTerminal: true })
        assert.match(plain(text(world)), /REFUSED/)
        // biome-ignore lint/suspicious/noControlCharactersInRegex: it is red
        assert.match(text(world), /\x1b\[31m *3\x1b/)
        assert.include(plain(text(world)), ", 3 refused")
      }
    })
  )

  it.effect("keeps to the width of any terminal, and says first what matters most", () =>
    Effect.gen(function* () {
      const body = yield* busy
      for (const columns of [1, 2, 7, 16, 20, 30, 39, 40, 41, 50, 60, 72, 80, 90, 100, 110, 120, 160, 300]) {
        const world = yield* makeWorld(answering(body), { columns })
        yield* run(world, ["inspect", "--once"], { isTerminal: true })
        for (const line of plain(text(world)).split("\n")) assert.isAtMost(line.length, columns, line)
        const head = plain(text(world))
          .split("\n")
          .find((line) => line.startsWith("ACTOR"))
        if (columns >= 40) assert.match(head ?? "", /ACTOR +(STATE +)?RUNNING +QUEUE/)
        if (columns >= 110) assert.match(head ?? "", /ERRORS +RESTARTS +UP +LAST ERROR$/)
      }
    })
  )

  it.effect("cuts long names in the middle, before the numbers of their instances", () =>
    Effect.gen(function* () {
      const body = yield* Effect.gen(function* () {
        for (const end of ["a", "b"])
          yield* Tiny.options({ name: `a name that is longer than the column ${end}` }).spawn()
        return yield* wire
      }).pipe(Effect.provide(ActorSystem.layer))
      const world = yield* makeWorld(answering(body), { columns: 60 })
      yield* run(world, ["inspect", "--once"], { isTerminal: true })
      const names = plain(text(world))
        .split("\n")
        .flatMap((line) => /^…Tiny "a name.*… ?.*column [ab]" #(\d+) /.exec(line)?.[1] ?? [])
      assert.strictEqual(new Set(names).size, 2, plain(text(world)))
    })
  )

  it.effect("keeps what tells long names apart at 80 columns: the key, its end and the number", () =>
    Effect.gen(function* () {
      class Account extends Actor.Keyed<Account>()("bank/accounts/Account", {
        make: (_key: string) => Effect.succeed({ open: () => Effect.void })
      }) {}
      const keys = ["alice", "customers-of-2026-from-the-north-4711", "customers-of-2026-from-the-north-4712"]
      const body = yield* Effect.gen(function* () {
        const accounts = yield* Account
        for (const key of keys) yield* accounts.get(key).open()
        return yield* wire
      }).pipe(Effect.provide(Account.layer), Effect.provide(ActorSystem.layer))
      const world = yield* makeWorld(answering(body), { columns: 80 })
      yield* run(world, ["inspect", "--once"], { isTerminal: true })
      const shown = plain(text(world))
      assert.match(shown, /^bank\/accounts\/Account\(alice\) #\d+ /m)
      for (const end of ["4711", "4712"]) assert.match(shown, new RegExp(`^…Account\\(cust.*….*${end}\\) #\\d+ `, "m"))
    })
  )

  it.effect("has colors on a terminal, and none with NO_COLOR or on a dumb one", () =>
    Effect.gen(function* () {
      const body = yield* busy
      const colors = (env: Record<string, string>) =>
        Effect.gen(function* () {
          const world = yield* makeWorld(answering(body))
          yield* run(world, ["inspect", "--once"], { isTerminal: true, env })
          return hasCodes(text(world))
        })
      assert.isTrue(yield* colors({ TERM: "xterm" }))
      assert.isFalse(yield* colors({ TERM: "xterm", NO_COLOR: "1" }))
      assert.isFalse(yield* colors({ TERM: "dumb" }))
    })
  )

  it.effect("lets no name or error of a program move the cursor", () =>
    Effect.gen(function* () {
      const body = yield* Effect.gen(function* () {
        const db = yield* Db.options({ name: "evil\u001b[2J\nname" }).spawn()
        yield* Effect.exit(db.fail())
        return yield* wire
      }).pipe(Effect.provide(ActorSystem.layer))
      const world = yield* makeWorld(answering(body))
      yield* run(world, ["inspect"])
      assert.isFalse(hasCodes(text(world)))
      assert.notInclude(text(world), "\u001b")
      assert.notInclude(text(world), "\u0007")
      assert.include(text(world), 'app/Db "evil [2J name" #')
      assert.include(text(world), "no such row [31m")
    })
  )

  it.effect("shows what has no shape or another direction as space, and knows how wide each character is", () =>
    Effect.gen(function* () {
      const body = yield* Effect.gen(function* () {
        yield* Db.options({ name: "\u202egpj.exe\u009b2J\u2066\u200b\ud800" }).spawn()
        yield* Db.options({ name: "東京の役者".repeat(20) }).spawn()
        yield* Db.options({ name: `e${"\u0301".repeat(50)}` }).spawn()
        return yield* wire
      }).pipe(Effect.provide(ActorSystem.layer))
      const world = yield* makeWorld(answering(body))
      yield* run(world, ["inspect"], { isTerminal: false })
      assert.include(text(world), 'app/Db " gpj.exe 2J " #')
      assert.notMatch(text(world), MOVES)
      const narrow = yield* makeWorld(answering(body))
      yield* run(narrow, ["inspect", "list"], { isTerminal: true })
      const tokyo = plain(text(narrow))
        .split("\n")
        .find((line) => line.includes("東京"))!
      const columns = [...tokyo].reduce((sum, character) => sum + (character > "\u2e80" ? 2 : 1), 0)
      assert.isAtMost(columns, 80)
    })
  )

  it.effect("says that there is nothing, where there is nothing", () =>
    Effect.gen(function* () {
      const body = yield* Effect.provide(wire, ActorSystem.layer)
      const world = yield* makeWorld(
        answering({ ...(body as object), instances: [], totals: { instances: 0, dead: 0, calls: 0 } })
      )
      yield* run(world, ["inspect"])
      assert.include(text(world), "No instances.")
      assert.include(text(world), "No unsettled calls.")
    })
  )

  it.effect("prints with --json what the server said", () =>
    Effect.gen(function* () {
      const body = yield* busy
      const world = yield* makeWorld(answering(body))
      yield* run(world, ["inspect", "--json"], { isTerminal: true })
      assert.deepStrictEqual(JSON.parse(text(world)), body)
    })
  )
})

describe("troupe inspect, on a terminal", () => {
  const start = (rows = 24, hasKeys = true) =>
    Effect.gen(function* () {
      const first = yield* busy
      const world = yield* makeWorld(answering(first), { rows })
      const fiber = yield* Effect.forkChild(
        run(world, ["inspect", "http://127.0.0.1:4680"], { isTerminal: true, hasKeys })
      )
      yield* until(() => text(world).includes("\x1b[?1049h"))
      return { fiber, world, first }
    })

  const tick = (world: { readonly asked: ReadonlyArray<unknown> }) =>
    Effect.gen(function* () {
      const before = world.asked.length
      yield* TestClock.adjust(1000)
      yield* until(() => world.asked.length > before)
      for (let i = 0; i < 50; i++) yield* Effect.yieldNow
    })

  /** The snapshot, some time later, with more calls done. */
  const later = (body: any, millis: number, calls: number) => ({
    ...body,
    at: body.at + millis,
    instances: body.instances.map((one: any) => ({
      ...one,
      settled: { ...one.settled, succeeded: one.settled.succeeded + calls }
    }))
  })

  it.effect("is drawn again and again, with rates, until q is pressed; then the terminal is as it was", () =>
    Effect.gen(function* () {
      const { fiber, first, world } = yield* start()
      yield* tick(world)
      world.answer = answering(later(first, 2000, 30))
      yield* tick(world)
      assert.include(onScreen(world).join("\n"), "2 instances, 4 calls running, 5 waiting, 30 calls/s")
      assert.match(onScreen(world).find((line) => line.startsWith("app/Db"))!, /running +2\/2 +4 +15 +32 /)
      yield* press(world, "q")
      yield* Fiber.join(fiber)
      assert.isTrue(text(world).endsWith("\x1b[?25h\x1b[?1049l"))
    })
  )

  it.effect("never draws more lines than there are rows", () =>
    Effect.gen(function* () {
      for (const rows of [1, 2, 5, 8, 12, 16, 40]) {
        const { fiber, world } = yield* start(rows)
        yield* tick(world)
        assert.isAtMost(onScreen(world).length, rows)
        yield* press(world, "q")
        yield* Fiber.join(fiber)
      }
    })
  )

  it.effect("searches for what is typed after /, until Escape, and keeps the search with Enter", () =>
    Effect.gen(function* () {
      const { fiber, first, world } = yield* start()
      const searched = () => world.asked.map(({ path }) => new URLSearchParams(path.split("?")[1]).get("search"))
      const some: any = first
      const found = { ...some, instances: some.instances.slice(0, 1), totals: { instances: 1, dead: 0, calls: 0 } }
      world.answer = (path) => ({ body: path.includes("search=") ? found : first })
      for (const key of ["/", "d", "q", "backspace", "b"]) yield* press(world, key)
      yield* until(() => searched().includes("db"))
      assert.include(onScreen(world)[0]!, "Search: db_")
      yield* press(world, "return")
      yield* until(() => onScreen(world)[0]!.includes("/ searches (db)"))
      yield* tick(world)
      assert.strictEqual(searched().at(-1), "db")
      assert.include(onScreen(world).join("\n"), "1 instance,")
      yield* press(world, "/")
      yield* press(world, "escape")
      yield* until(() => searched().at(-1) === null)
      yield* until(() => onScreen(world).join("\n").includes("2 instances,"))
      yield* press(world, "escape")
      yield* Fiber.join(fiber)
    })
  )

  it.effect("scrolls through more instances than there are rows, and says how many are above and below", () =>
    Effect.gen(function* () {
      const body: any = yield* busy
      const [one] = body.instances
      const instances = Array.from({ length: 30 }, (_, i) => ({ ...one, instance: 100 + i, name: `n${i}`, groups: {} }))
      const { fiber, world } = yield* start(16)
      world.answer = answering({ ...body, instances, totals: { instances: 30, dead: 0, calls: 9 } })
      yield* tick(world)
      const shown = () => onScreen(world).flatMap((line) => /"n(\d+)"/.exec(line)?.[1] ?? [])
      yield* until(() => shown().length > 0)
      const fit = shown().length
      const first = shown()
      assert.include(onScreen(world).join("\n"), `… ${30 - fit} more`)
      yield* press(world, "down")
      yield* until(() =>
        onScreen(world)
          .join()
          .includes(`… 1 above, ${29 - fit} more`)
      )
      assert.deepStrictEqual(shown().slice(0, -1), first.slice(1))
      yield* press(world, "end")
      yield* until(() =>
        onScreen(world)
          .join()
          .includes(`… ${30 - fit} above`)
      )
      assert.strictEqual(shown().length, fit)
      // It does not scroll beyond the end, so that a step back is one.
      yield* press(world, "pagedown")
      yield* press(world, "up")
      yield* until(() =>
        onScreen(world)
          .join()
          .includes(`… ${29 - fit} above, 1 more`)
      )
      yield* press(world, "home")
      yield* until(() =>
        onScreen(world)
          .join()
          .includes(`… ${30 - fit} more`)
      )
      assert.deepStrictEqual(shown(), first)
      yield* press(world, "q")
      yield* Fiber.join(fiber)
    })
  )

  it.effect("sorts by something else when s is pressed", () =>
    Effect.gen(function* () {
      const { fiber, world } = yield* start()
      yield* tick(world)
      const actors = () =>
        onScreen(world)
          .filter((line) => line.startsWith("app/"))
          .map((line) => line.split(" ")[0])
      assert.deepStrictEqual(actors(), ["app/Db", "app/Importer"])
      for (const sort of ["running", "rate", "errors", "name"]) {
        yield* press(world, "s")
        yield* until(() => onScreen(world).join().includes(`by ${sort})`))
      }
      yield* press(world, "escape")
      yield* Fiber.join(fiber)
    })
  )

  it.effect("says when the server no longer answers, keeps the last state, and goes on when it answers again", () =>
    Effect.gen(function* () {
      const { fiber, first, world } = yield* start()
      yield* tick(world)
      world.answer = () => "refused"
      yield* tick(world)
      assert.include(onScreen(world)[0], "http://127.0.0.1:4680 does not answer")
      assert.include(onScreen(world).join("\n"), "app/Db")
      world.answer = answering(later(first, 9000, 900))
      yield* tick(world)
      assert.include(onScreen(world)[0], "q quits")
      // The time between is not known well enough for a rate.
      assert.notInclude(onScreen(world).join("\n"), "calls/s")
      yield* press(world, "q")
      yield* Fiber.join(fiber)
    })
  )

  it.effect("is drawn anew when the size changes", () =>
    Effect.gen(function* () {
      const { fiber, world } = yield* start()
      yield* tick(world)
      world.size = { columns: 40, rows: 10 }
      const { Queue } = yield* Effect.promise(() => import("effect"))
      yield* Queue.offer(world.sizes, world.size)
      yield* until(() => onScreen(world).every((line) => line.length <= 40))
      yield* press(world, "q")
      yield* Fiber.join(fiber)
    })
  )

  it.effect("shows something at once", () =>
    Effect.gen(function* () {
      const { fiber, world } = yield* start()
      yield* until(() => onScreen(world).join("\n").includes("app/Importer"))
      yield* press(world, "q")
      yield* Fiber.join(fiber)
      assert.lengthOf(world.asked, 1)
    })
  )

  it.effect("goes on where the input is a file that ends", () =>
    Effect.gen(function* () {
      const { fiber, world } = yield* start(24, false)
      yield* press(world, "q")
      yield* tick(world)
      yield* tick(world)
      assert.include(onScreen(world)[0], "Ctrl-C quits")
      yield* Fiber.interrupt(fiber)
    })
  )

  it.effect("leaves the terminal as it was when it is interrupted", () =>
    Effect.gen(function* () {
      const { fiber, world } = yield* start()
      yield* Fiber.interrupt(fiber)
      assert.isTrue(text(world).endsWith("\x1b[?25h\x1b[?1049l"))
    })
  )
})

describe("troupe inspect list", () => {
  it.effect("asks for what it is told, and lists it", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(answering(yield* busy))
      const args = ["--actor", "app/Db", "--state", "restarting", "--state", "dead", "--limit", "7", "--sort", "name"]
      yield* run(world, ["inspect", "list", ...args])
      assert.deepStrictEqual(
        world.asked.map(({ path }) => decodeURIComponent(path)),
        ["/api/snapshot?actor=app/Db&limit=7&state=restarting,dead"]
      )
      assert.match(text(world), /^ACTOR .*\napp\/Db "main" #\d+ /)
      assert.notInclude(text(world), "CALL")
    })
  )

  it.effect("calls those idle that could run something and do not, as the page does", () =>
    Effect.gen(function* () {
      const body = yield* Effect.gen(function* () {
        const latch = yield* Latch.make()
        const db = yield* Db.options({ name: "busy" }).spawn()
        for (const name of ["calm", "quiet"]) yield* Db.options({ name }).spawn()
        yield* db.query.remote(latch)
        yield* TestClock.adjust(1)
        return yield* wire
      }).pipe(Effect.provide(ActorSystem.layer))
      const list = (...args: ReadonlyArray<string>) =>
        Effect.gen(function* () {
          const world = yield* makeWorld(answering(body))
          yield* run(world, ["inspect", "list", "--sort", "name", ...args])
          return { asked: world.asked[0]!.path, lines: text(world).trimEnd().split("\n").slice(1) }
        })
      const names = (lines: ReadonlyArray<string>) =>
        lines.flatMap((line) => /"(\w+)" #\d+ +(\w+)/.exec(line)?.slice(1) ?? [])
      const idle = yield* list("--state", "idle")
      // To the server they are running, so it is asked for all of these.
      assert.strictEqual(idle.asked, "/api/snapshot?limit=10000&state=running")
      assert.deepStrictEqual(names(idle.lines), ["calm", "idle", "quiet", "idle"])
      assert.deepStrictEqual(names((yield* list("--state", "running")).lines), ["busy", "running"])
      assert.lengthOf(names((yield* list("--state", "running", "--state", "idle")).lines), 6)
      const one = yield* list("--state", "idle", "--limit", "1")
      assert.strictEqual(one.asked, "/api/snapshot?limit=10000&state=running")
      assert.deepStrictEqual(names(one.lines), ["calm", "idle"])
      assert.include(one.lines.at(-1), "… and 1 more instance: --limit shows them")
      assert.match((yield* list("--state", "idle", "--calls")).lines.join(), /^$/)
    })
  )

  it.effect("says how many it does not show", () =>
    Effect.gen(function* () {
      const body = (yield* busy) as any
      const world = yield* makeWorld(answering({ ...body, totals: { instances: 3204, dead: 0, calls: 10_000 } }))
      yield* run(world, ["inspect"])
      assert.include(text(world), "3,204 instances, 4 calls running, 5 waiting (in 2 of them)\n")
      yield* run(world, ["inspect", "list"])
      assert.include(text(world), "… and 3,202 more instances: --limit shows them")
    })
  )

  it.effect("lists calls with --calls, and either as JSON", () =>
    Effect.gen(function* () {
      const body = (yield* busy) as any
      const world = yield* makeWorld(answering(body))
      yield* run(world, ["inspect", "list", "--calls"])
      assert.match(text(world), /^ *CALL +METHOD/)
      assert.lengthOf(text(world).trimEnd().split("\n"), 1 + body.calls.length)
      for (const [args, expected] of [
        [["--json"], body.instances],
        [["--calls", "--json"], body.calls]
      ] as const) {
        world.printed.length = 0
        yield* run(world, ["inspect", "list", ...args])
        assert.deepStrictEqual(JSON.parse(text(world)), expected)
      }
    })
  )
})

describe("troupe inspect explain", () => {
  const explained = answering({ call: 41, text: "app/Db.query #41: waiting 4.2 s\n  behind \u001b[1mx" })

  it.effect.each([["41"], ["#41"]])("explains call %s", ([call]) =>
    Effect.gen(function* () {
      const world = yield* makeWorld(explained)
      yield* run(world, ["inspect", "explain", call!])
      assert.deepStrictEqual(world.asked, [{ path: "/api/explain/41", authorization: undefined }])
      assert.strictEqual(text(world), "app/Db.query #41: waiting 4.2 s\n  behind  [1mx\n")
    })
  )

  it.effect("gives the same as JSON", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(explained)
      yield* run(world, ["inspect", "explain", "41", "--json"])
      assert.strictEqual(JSON.parse(text(world)).call, 41)
    })
  )

  it.effect("says what the server says of a call that it does not know", () =>
    Effect.gen(function* () {
      const answer = () => ({ status: 404, body: { error: "There is no unsettled call 41." } })
      const { error } = yield* failure(["inspect", "explain", "41"], answer)
      assert.strictEqual(error.message, "There is no unsettled call 41.")
      assert.strictEqual(error.reason, "NotFound")
    })
  )

  it.effect("refuses what is not the number of a call", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(explained)
      const error = yield* Effect.flip(run(world, ["inspect", "explain", "import"]))
      assert.strictEqual(error._tag, "ShowHelp")
      assert.include(JSON.stringify(error), "Expected the number of a call")
      assert.lengthOf(world.asked, 0)
    })
  )
})

describe("troupe inspect timeline", () => {
  const trace = '{"traceEvents":[\n{"ph":"M"},\n{"ph":"M"}\n]}\n'

  it.effect("writes the trace to a file, as it came", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(answering(trace))
      yield* run(world, ["inspect", "timeline", "-o", "out.json", "--seconds", "3"])
      assert.deepStrictEqual(world.asked[0]!.path, "/api/timeline?seconds=3")
      assert.deepStrictEqual([...world.files], [["out.json", trace]])
      assert.include(text(world), "2 events in out.json: open it at https://ui.perfetto.dev")
    })
  )

  it.effect.each([["-o", "-"], ["--json"]])("prints it, and nothing else, with %s %s", (args) =>
    Effect.gen(function* () {
      const world = yield* makeWorld(answering(trace))
      yield* run(world, ["inspect", "timeline", ...args])
      assert.strictEqual(text(world), trace)
      assert.lengthOf([...world.files], 0)
    })
  )

  it.effect("refuses to record for no time, or for hours", () =>
    Effect.gen(function* () {
      for (const seconds of ["0", "-1", "0.5", "61", "x"]) {
        const world = yield* makeWorld(answering(trace))
        const error = yield* Effect.flip(run(world, ["inspect", "timeline", "--seconds", seconds]))
        assert.strictEqual(error._tag, "ShowHelp")
      }
    })
  )
})

describe("the address", () => {
  const ask = (args: ReadonlyArray<string>, env: Record<string, string> = {}) =>
    Effect.gen(function* () {
      const urls: Array<string> = []
      const world = yield* makeWorld(answering({ call: 1, text: "x" }))
      yield* run(world, ["inspect", ...args], { env })
      for (const { path, authorization } of world.asked) urls.push(`${path} ${authorization ?? "no token"}`)
      return urls.join()
    })

  it.effect("may stand anywhere, with the token in it, or apart from it, or in the environment", () =>
    Effect.gen(function* () {
      const address = "http://127.0.0.1:4680/#token=abc"
      const withToken = "/api/explain/1 Bearer abc"
      assert.strictEqual(yield* ask(["explain", "1"]), "/api/explain/1 no token")
      assert.strictEqual(yield* ask([address, "explain", "1"]), withToken)
      assert.strictEqual(yield* ask(["explain", address, "1"]), withToken)
      assert.strictEqual(yield* ask(["explain", "1", address]), withToken)
      assert.strictEqual(yield* ask(["explain", "1", "--url", address]), withToken)
      assert.strictEqual(yield* ask(["localhost:4680", "explain", "1", "--token", "abc"]), withToken)
      assert.strictEqual(yield* ask([address, "explain", "1", "--token", "other"]), "/api/explain/1 Bearer other")
      assert.strictEqual(yield* ask(["explain", "1"], { TROUPE_INSPECTOR_URL: address }), withToken)
      assert.strictEqual(yield* ask(["explain", "1"], { TROUPE_INSPECTOR_TOKEN: "abc" }), withToken)
      assert.strictEqual(yield* ask(["http://host/troupe/", "explain", "1"]), "/troupe/api/explain/1 no token")
    })
  )

  it("is found only where it is no value of a flag, and only of inspect", () => {
    const same = (...args: ReadonlyArray<string>) => assert.deepStrictEqual(Cli.arrange(args), args)
    same("inspect", "--url", "http://a")
    same("inspect", "list", "--actor", "http://a")
    same("inspect", "timeline", "-o", "a.json")
    same("node", "127.0.0.1:80")
    same("inspect", "explain", "41")
    assert.deepStrictEqual(Cli.arrange(["inspect", "[::1]:80", "list"]), ["inspect", "list", "--url", "[::1]:80"])
  })
})

describe("what goes wrong", () => {
  it.effect("nothing listens", () =>
    Effect.gen(function* () {
      const { error } = yield* failure(["inspect", "list"], () => "refused")
      assert.strictEqual(
        error.message,
        "Nothing answers at http://127.0.0.1:4680 (ECONNREFUSED). Is the program running, and does it provide Inspector.layer?"
      )
    })
  )

  it.effect("nothing listens when the live view is to start: the terminal is left alone", () =>
    Effect.gen(function* () {
      const { world } = yield* failure(["inspect"], () => "refused", { isTerminal: true })
      assert.strictEqual(text(world), "")
    })
  )

  it.effect("the token is missing", () =>
    Effect.gen(function* () {
      const { error } = yield* failure(["inspect"], () => ({ status: 401, body: { error: "A token is needed." } }))
      assert.include(error.message, "A token is needed.\nGive the whole address as the program printed it")
    })
  )

  it.effect.each([
    [
      "a web server that is something else",
      { status: 404, body: "<html>" },
      "api/snapshot?limit=10000 gave status 404"
    ],
    ["a page", { body: "<html>" }, "has another format"],
    ["an inspector of another version", { body: { at: 1 } }, "has another format"]
  ] as const)("%s listens", ([, answer, expected]) =>
    Effect.gen(function* () {
      const { error } = yield* failure(["inspect"], () => answer)
      assert.include(error.message, "http://127.0.0.1:4680 answers, but not like an inspector of this version")
      assert.include(error.message, expected)
    })
  )

  it.effect("text of the server moves no cursor, in sentences and in JSON", () =>
    Effect.gen(function* () {
      const evil = "\u001b]0;owned\u0007\u009b2J\u202e"
      const { error } = yield* failure(["inspect"], () => ({ status: 400, body: { error: evil } }))
      assert.strictEqual(error.message, " ]0;owned 2J ")
      const world = yield* makeWorld(answering({ call: 41, text: evil }))
      yield* run(world, ["inspect", "explain", "41", "--json"])
      assert.notMatch(text(world), MOVES)
      assert.deepStrictEqual(JSON.parse(text(world)), { call: 41, text: evil })
    })
  )

  it.effect("a server that never answers is given up with a sentence", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(() => "never")
      const fiber = yield* Effect.forkChild(Effect.flip(run(world, ["inspect"])))
      yield* TestClock.adjust("31 seconds")
      const error = yield* Fiber.join(fiber)
      assert.include(String(error), "http://127.0.0.1:4680 has not answered api/snapshot?limit=10000 within 30 seconds")
    })
  )

  it.effect(
    "odd answers, hundreds of them, are shown or refused with a sentence",
    () =>
      Effect.gen(function* () {
        const seed = Number(process.env.TROUPE_SEED ?? Date.now() % 1_000_000)
        console.info(`Repeat this with TROUPE_SEED=${seed}`)
        const random = randomOf(seed)
        const body = yield* busy
        const commands = [
          ["inspect"],
          ["inspect", "list"],
          ["inspect", "list", "--calls"],
          ["inspect", "--json"],
          ["inspect", "explain", "41"],
          ["inspect", "timeline"]
        ]
        for (let i = 0; i < 300; i++) {
          const odd = mutated(body, random)
          const status = [200, 200, 200, 404, 500][Math.floor(random() * 5)]!
          const world = yield* makeWorld(() => ({ status, body: odd }))
          const args = commands[i % commands.length]!
          const exit = yield* Effect.exit(run(world, args, { isTerminal: i % 2 === 0 && args.length > 1 }))
          if (exit._tag === "Failure") {
            const error = Cause.squash(exit.cause)
            assert.instanceOf(error, Cli.InspectError)
            assert.notMatch(error.message, MOVES)
          }
          assert.notMatch(plain(text(world)), MOVES)
        }
      }),
    60_000
  )

  it.effect.each([["ftp://x"], ["http://"], ["http://a b"]])("%s is no address", ([url]) =>
    Effect.gen(function* () {
      const { error } = yield* failure(["inspect", "list", "--url", url!], () => "refused")
      assert.match(
        error.message,
        new RegExp(`^"${url}" is .*address.* Give it as the program printed it, like http://`)
      )
    })
  )
})

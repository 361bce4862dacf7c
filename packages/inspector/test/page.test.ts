import { assert, describe, it } from "@effect/vitest"
import type { Instance, UnsettledCall } from "@troupe/core/ActorSystem"
import { addressOf, placeAt } from "../page/address.ts"
import { emptyColumns } from "../page/model/columns.ts"
import { linesOf, type Order, orders } from "../page/model/lines.ts"
import { Item, Model } from "../page/model/model.ts"
import { newestFirst } from "../page/model/newest.ts"
import { RecentCalls } from "../page/model/recentCalls.ts"
import { LENGTH, Track } from "../page/model/track.ts"
import { layOut } from "../page/parts/strips.ts"
import { apply, initial } from "../page/state.ts"
import { picture } from "../page/views/graph.ts"
import { duration } from "../src/internal/base/units.ts"
import { causesOf as causesAt } from "../src/internal/live/causes.ts"
import type { Bar, Frame, Row } from "../src/internal/live/frame.ts"
import { Histogram } from "../src/internal/live/histogram.ts"
import { NewsDesk } from "../src/internal/live/news.ts"
import { Rows } from "../src/internal/live/rows.ts"
import { Stats } from "../src/internal/live/stats.ts"
import { waitsOf as waitsAt } from "../src/internal/live/waits.ts"

/** Random numbers that come again with the same seed. It is in the message of what fails. */
const seed = Number(process.env.TROUPE_SEED ?? Date.now() % 1_000_000)
const randomFrom = (seed: number) => {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

const none = { succeeded: 0, failed: 0, died: 0, cancelled: 0, timedOut: 0, unavailable: 0, actorDied: 0 }

const instance = (id: number, more: Partial<Instance> = {}): Instance => ({
  actor: "test/Actor",
  instance: id,
  state: "running",
  since: 0,
  permits: { running: 0, waiting: 0, limit: 2 },
  groups: {},
  pending: 0,
  suspended: 0,
  settled: none,
  refused: 0,
  restarts: 0,
  ...more
})

const call = (id: number, more: Partial<UnsettledCall> = {}): UnsettledCall => ({
  id,
  method: `A${id}.f`,
  actor: `A${id}`,
  instance: id,
  stage: "running",
  since: 0,
  waitingOn: [],
  attempts: 1,
  ...more
})

/** Ten seconds after calls without a time of their own began. */
const waitsOf = (calls: ReadonlyArray<UnsettledCall>) => waitsAt(calls, 10_000)
const causesOf = (calls: ReadonlyArray<UnsettledCall>) => causesAt(calls, 10_000)

const on = (...refs: ReadonlyArray<number>) => refs.map((ref) => ({ ref }))

const row = (id: number, more: Partial<Row> = {}): Row => ({
  id,
  actor: "A",
  state: "running",
  since: id,
  running: 0,
  waiting: 0,
  good: 0,
  bad: 0,
  refused: 0,
  restarts: 0,
  ...more
})

/** The update with this number, of which there are two in a second. */
const frame = (version: number, rows: ReadonlyArray<Row>, more: Partial<Frame> = {}): Frame => ({
  version,
  at: version * 500,
  watchedSince: 500,
  reset: version === 1,
  interval: 500,
  sampled: false,
  rows,
  gone: [],
  methods: [],
  news: [],
  errors: [],
  results: [],
  deadLetters: undefined,
  totals: { instances: rows.length, dead: 0, calls: 0 },
  cycles: 0,
  cost: 1,
  ...more
})

describe("updates", () => {
  it("a client that takes in changes knows as much as one that starts over, however much it missed", () => {
    const random = randomFrom(seed)
    const rows = new Rows()
    let instances: ReadonlyArray<Instance> = []
    const pages = [1, 0.3, 0.05].map((diligence) => ({ diligence, known: new Map<number, Row>(), version: 0 }))
    for (let version = 1; version <= 300; version++) {
      const kept = instances.filter(() => random() > 0.03)
      const changed = kept.map((it) =>
        random() < 0.2 ? { ...it, settled: { ...it.settled, succeeded: it.settled.succeeded + 1 } } : it
      )
      const fresh = random() < 0.4 ? [instance(version)] : []
      instances = [...changed, ...fresh]
      rows.update(instances, version, () => {})
      for (const page of pages) {
        if (random() > page.diligence && version < 300) continue
        const update = rows.since(page.version)
        if (update.reset) page.known.clear()
        for (const id of update.gone) page.known.delete(id)
        for (const row of update.rows) page.known.set(row.id, row)
        page.version = version
      }
    }
    const all = rows.since(0)
    assert.isTrue(all.reset)
    const sorted = (list: Iterable<Row>) => [...list].sort((a, b) => a.id - b.id)
    for (const { diligence, known } of pages) {
      assert.deepStrictEqual(
        sorted(known.values()),
        sorted(all.rows),
        `seed ${seed}, reads ${diligence} of all updates`
      )
    }
  })

  it("rates are calls per second between updates, and fade when there are none", () => {
    const model = new Model()
    for (let version = 1; version <= 30; version++) model.apply(frame(version, [row(1, { good: version * 10 })]))
    assert.closeTo(model.all.rate, 20, 0.1)
    for (let version = 31; version <= 60; version++) model.apply(frame(version, [row(1, { good: 300 })]))
    assert.strictEqual(model.all.rate, 0)
  })
})

describe("submissions that were refused", () => {
  const rows = (refused: number) => [row(1, { actor: "Full", refused }), row(2, { actor: "Fine" })]

  it("have a rate that fades, are no errors, and count as trouble as long as it goes on", () => {
    const model = new Model()
    const failing = () =>
      linesOf(model, { by: "actor", search: "", filter: "failing", order: "errors", open: new Set() }).map(
        ({ group }) => group.actor
      )
    for (let version = 1; version <= 30; version++) model.apply(frame(version, rows(version * 2)))
    assert.closeTo(model.all.refusedRate, 4, 0.1)
    assert.deepInclude(model.all, { refused: 60, bad: 0, badRate: 0 })
    assert.deepStrictEqual(failing(), ["Full"])
    for (let version = 31; version <= 60; version++) model.apply(frame(version, rows(60)))
    assert.deepInclude(model.all, { refused: 60, refusedRate: 0 })
    assert.deepStrictEqual(failing(), [])
  })
})

describe("the list", () => {
  const model = new Model()
  model.apply(
    frame(1, [
      row(1, { actor: "shop/Stock", key: "lamp" }),
      row(2, { actor: "shop/Stock", key: "chair", waiting: 3 }),
      row(3, { actor: "shop/Stock", key: "item 10" }),
      row(4, { actor: "shop/Stock", key: "item 9", bad: 2 }),
      row(5, { actor: "shop/Post", running: 1 }),
      row(6, { actor: "Old", state: "dead", home: { kind: "cluster", node: "b:1", shard: 7 } })
    ])
  )
  const shown = (options: Partial<Parameters<typeof linesOf>[1]>) =>
    linesOf(model, { search: "", by: "actor", filter: "all", order: "name", open: new Set(), ...options }).map(
      (line) => (line.kind === "item" ? `- ${line.item.row.key}` : line.group.actor)
    )

  it("an actor with one instance is one line, residents are under their actor", () => {
    assert.deepStrictEqual(shown({}), ["Old", "shop/Post", "shop/Stock"])
    assert.deepStrictEqual(shown({ open: new Set(["shop/Stock"]) }).slice(2), [
      "shop/Stock",
      "- chair",
      "- item 9",
      "- item 10",
      "- lamp"
    ])
  })

  it("a search opens what it finds, a filter leaves the rest out", () => {
    assert.deepStrictEqual(shown({ search: "stock item" }), ["shop/Stock", "- item 9", "- item 10"])
    assert.deepStrictEqual(shown({ search: "#1" }), ["shop/Stock", "- lamp"])
    assert.deepStrictEqual(shown({ search: "shop" }), ["shop/Post", "shop/Stock"])
    assert.deepStrictEqual(shown({ filter: "waiting", open: new Set(["shop/Stock"]) }), ["shop/Stock", "- chair"])
    assert.deepStrictEqual(shown({ filter: "busy" }), ["shop/Post", "shop/Stock"])
    assert.deepStrictEqual(shown({ filter: "dead" }), ["Old"])
    assert.deepStrictEqual(shown({ search: "nothing" }), [])
    // The state is called what the list calls it.
    assert.deepStrictEqual(shown({ search: "running" }), ["shop/Post"])
    assert.strictEqual(shown({ search: "idle" })[0], "shop/Stock")
  })

  it("can be by where instances live, which a search finds, too", () => {
    assert.deepStrictEqual(shown({ by: "place" }), ["node b:1", "this process"])
    assert.strictEqual(shown({ by: "place", open: new Set(["this process"]) }).length, 7)
    assert.deepStrictEqual(shown({ search: "node b:1" }), ["Old"])
  })

  it("has what a search of the program has found beyond what the page knows, below its actor", () => {
    const found = [row(1, { actor: "shop/Stock", key: "lamp" }), row(90, { actor: "shop/Stock", key: "lamp 90" })]
    const more = [...found, row(91, { actor: "Far", key: "lamp 91" })].map((it) => new Item(it))
    assert.deepStrictEqual(shown({ search: "lamp", found: more }), [
      "Far",
      "- lamp 91",
      "shop/Stock",
      "- lamp",
      "- lamp 90"
    ])
  })

  it("can be in the order of each column, and the other way around", () => {
    const model = new Model()
    const home = { kind: "worker" }
    const method = { errors: 0, cancelled: 0, refused: 0, unsettled: 0, wait50: 0, wait99: 0 }
    model.apply(
      frame(
        1,
        [
          row(1, { actor: "A", running: 1, restarts: 3, bad: 1, home: { ...home, thread: 9 } }),
          row(2, { actor: "B", waiting: 2, refused: 5, bad: 2, home: { ...home, thread: 10 } }),
          row(3, { actor: "C", running: 2, state: "running", home: { ...home, thread: 1 } })
        ],
        {
          methods: [
            { ...method, actor: "A", method: "f", calls: 1, p50: 5, p99: 80, waited: 1, ran: 9 },
            { ...method, actor: "B", method: "f", calls: 1, p50: 9, p99: 20, waited: 9, ran: 1 },
            { ...method, actor: "C", method: "f", calls: 1, p50: 1, p99: 90, waited: 5, ran: 5 }
          ]
        }
      )
    )
    model.apply(frame(2, [row(1, { actor: "A", running: 1, restarts: 3, bad: 1, good: 50, home: { thread: 9 } })]))
    const order = (order: Order, reverse = false) =>
      linesOf(model, { by: "actor", search: "", filter: "all", order, reverse, open: new Set() })
        .map(({ group }) => group.actor)
        .join("")
    assert.deepStrictEqual(
      orders.map((one) => [one, order(one)]),
      [
        ["busiest", "ABC"],
        ["name", "ABC"],
        ["status", "ACB"],
        ["running", "CAB"],
        ["waiting", "BAC"],
        ["rate", "ABC"],
        ["p50", "BAC"],
        ["p99", "CAB"],
        ["split", "BCA"],
        ["errors", "BAC"],
        ["errorRate", "ABC"],
        ["refused", "BAC"],
        ["restarts", "ABC"],
        ["place", "CAB"],
        ["newest", "CBA"]
      ]
    )
    assert.strictEqual(order("p99", true), "BAC")
    assert.strictEqual(order("name", true), "CBA")
  })

  it("can be in other orders", () => {
    assert.strictEqual(shown({ order: "waiting" })[0], "shop/Stock")
    assert.strictEqual(shown({ order: "newest" })[0], "Old")
    assert.strictEqual(shown({ order: "errors", open: new Set(["shop/Stock"]) })[1], "- item 9")
  })
})

describe("columns that have nothing to tell", () => {
  it("are hidden: times before a call has settled, homes, refused calls and restarts where there are none", () => {
    const model = new Model()
    model.apply(frame(1, [row(1)]))
    assert.deepStrictEqual(emptyColumns(model), ["p50", "p99", "split", "refused", "restarts", "place"])
    model.apply(frame(2, [row(1, { refused: 1, restarts: 1 }), row(2, { home: { kind: "worker" } })]))
    assert.deepStrictEqual(emptyColumns(model), ["p50", "p99", "split"])
  })
})

describe("the strips of the timeline", () => {
  const bar = (instance: number, started: number, ended: number | undefined, more: Partial<Bar> = {}): Bar => ({
    seq: started,
    call: started,
    instance,
    actor: `A${instance}`,
    method: `A${instance}.f`,
    submitted: started,
    started,
    ...(ended !== undefined && { ended, outcome: "succeeded" }),
    ...more
  })
  const stripsOf = (settled: ReadonlyArray<Bar>, under: ReadonlyArray<Bar> = [], limit = Infinity) => {
    const recent = new RecentCalls()
    recent.take({ at: 10_000, seq: 1, dropped: 0, settled, under })
    const span = { from: 0, to: 10_000, now: 10_000 }
    return layOut(recent, span, { of: ({ actor }) => ({ label: actor, limit }), above: 0 })
  }
  const lanesOf = (...args: Parameters<typeof stripsOf>) =>
    stripsOf(...args).strips[0]!.lanes.map((lane) => lane.length)

  it("have no more lanes than calls can run at a time, although times of calls are from two clocks", () => {
    // 4000.3 + 0.1 is a little more than the start of the next call, and the running one is dated by another clock.
    const settled = [bar(1, 4000, 4000.3 + 0.1), bar(1, 4000.4, 5000)]
    assert.deepStrictEqual(lanesOf(settled), [2])
    assert.deepStrictEqual(lanesOf(settled, [bar(1, 4998, undefined)]), [2, 1])
    assert.deepStrictEqual(lanesOf(settled, [bar(1, 4998, undefined)], 1), [3])
    // Calls that did run at the same time, before the actor had fewer permits, are next to each other.
    assert.deepStrictEqual(lanesOf([bar(1, 1000, 4000), bar(1, 1100, 4100)], [], 1), [1, 1])
  })

  it("are those that fail and those with the longest calls, and the others are counted", () => {
    const quick = Array.from({ length: 100 }, (_, i) => bar(i, 1000, 1001))
    const failed = bar(500, 2000, 2001, { outcome: "failed" })
    const slow = bar(501, 2000, 8000)
    const running = bar(502, 9000, undefined)
    const { left, strips } = stripsOf([...quick, failed, slow, { ...failed, instance: 503, actor: "A503" }], [running])
    const labels = strips.map(({ label }) => label)
    assert.includeMembers(labels, ["A500", "A501", "A502", "A503"])
    assert.strictEqual(labels.length, 40)
    assert.deepStrictEqual(left, { instances: 64, calls: 64, failed: 0 })
    const most = Array.from({ length: 50 }, (_, i) => bar(i, 1000, 1001, { outcome: "died" }))
    assert.deepStrictEqual(stripsOf(most).left, { instances: 10, calls: 10, failed: 10 })
  })

  it("have the calls that failed or were slow, even when there are too many to keep", () => {
    const stats = new Stats()
    const settle = (call: number, more: object) =>
      stats.settled({
        _tag: "Settled",
        at: 1000,
        call,
        method: "A.f",
        name: "f",
        actor: "A",
        instance: 1,
        outcome: "succeeded",
        waited: 0,
        ran: 1,
        error: undefined,
        ...more
      })
    for (let i = 0; i < 500; i++) settle(i, {})
    settle(500, { outcome: "failed" })
    settle(501, { ran: 900 })
    const kept = stats.barsSince(0).settled.map(({ call }) => call)
    assert.strictEqual(kept.length, 122)
    assert.deepStrictEqual(kept.slice(-2), [500, 501])
    assert.strictEqual(stats.dropped, 380)
  })
})

describe("methods", () => {
  it("are listed even if no call of theirs has settled, with how many are in flight", () => {
    const stats = new Stats()
    stats.unsettled([
      call(1, { actor: "A", method: "A(key).stuck" }),
      call(2, { actor: "A", method: "A.stuck", stage: "waiting" })
    ])
    assert.deepInclude(stats.rowsSince(0)[0], { actor: "A", method: "stuck", calls: 0, unsettled: 2 })
    stats.version = 2
    stats.unsettled([])
    assert.deepInclude(stats.rowsSince(1)[0], { method: "stuck", unsettled: 0 })
    stats.version = 3
    stats.unsettled([])
    assert.deepStrictEqual(stats.rowsSince(2), [])
  })
})

describe("the root of many waits", () => {
  const inLine = (id: number, instance: number) =>
    call(id, { actor: `A${instance}`, method: `A${instance}.g`, instance, stage: "waiting" })

  it("is the one call that all of them wait for in the end, through lines and calls of others", () => {
    const stuck = call(1, { since: 100 })
    const line = Array.from({ length: 26 }, (_, i) => inLine(100 + i, 1))
    // Each of these waits for a call in that line, and has others in line behind it.
    const web = call(2, { waitingOn: on(100) })
    const behindWeb = inLine(200, 2)
    const away = call(3, { waitingOn: on(200) })
    assert.deepStrictEqual(causesOf([stuck, ...line, web, behindWeb, away]), [
      { waiting: 29, call: 1, method: "A1.f", instance: 1, holders: 1, since: 100, waitingSince: 0 }
    ])
  })

  it("is the calls that hold all permits, if any of several has to end", () => {
    const holders = [call(1, { since: 300 }), call(2, { actor: "A1", instance: 1, method: "A1.h", since: 200 })]
    const [cause] = causesOf([...holders, inLine(3, 1), inLine(4, 1), inLine(5, 1)])
    assert.deepInclude(cause, { waiting: 3, call: 2, method: "A1.h", holders: 2, since: 200 })
    // Both of them wait for the same call.
    const same = [...holders.map((one) => ({ ...one, waitingOn: on(9) })), call(9)]
    assert.deepInclude(causesOf([...same, inLine(3, 1)])[0], { waiting: 3, call: 9, holders: 1 })
  })

  it("is told once it has run for a second: before that nobody is stuck", () => {
    const calls = [call(1, { since: 100 }), inLine(2, 1), inLine(3, 1), inLine(4, 1)]
    assert.deepStrictEqual(causesAt(calls, 1099), [])
    assert.strictEqual(causesAt(calls, 1100).length, 1)
  })

  it("is not told of two calls, of a cycle, nor of what the program knows nothing of", () => {
    assert.deepStrictEqual(causesOf([call(1), inLine(2, 1), inLine(3, 1)]), [])
    const ring = [call(1, { waitingOn: on(2) }), call(2, { waitingOn: on(1) })]
    assert.deepStrictEqual(causesOf([...ring, inLine(3, 1), inLine(4, 1), inLine(5, 1)]), [])
    assert.deepStrictEqual(causesOf([inLine(3, 1), inLine(4, 1), inLine(5, 1)]), [])
  })
})

describe("events", () => {
  it("are told by when they happened, those of an unknown time last", () => {
    const events = [{ id: 1 }, { id: 2, at: 400 }, { id: 3, at: 100 }, { id: 4, at: 500 }, { id: 5, at: 400 }]
    assert.deepStrictEqual(
      newestFirst(events).map(({ id }) => id),
      [4, 5, 2, 3, 1]
    )
  })

  const told = (desk: NewsDesk) => desk.since(0).map(({ at, kind, text }) => [kind, text, at])

  it("have no time if they were before the first page was opened, at an unknown time", () => {
    const desk = new NewsDesk()
    const rows = new Rows()
    const look = (version: number, instances: ReadonlyArray<Instance>) =>
      rows.update(instances, version, (before, now, it) =>
        desk.compare(before, now, it, {
          version,
          at: version * 500,
          before: version === 1 ? undefined : version * 500 - 500
        })
      )
    const old = instance(1, { restarts: 2, lastError: { call: "A.f", at: 3, message: "the disk is full" } })
    const dead = instance(2, { state: "dead", death: { why: "it was killed", at: 70 } })
    const hurt = instance(3, { state: "restarting" })
    look(1, [old, dead, hurt])
    assert.deepStrictEqual(told(desk), [
      ["restarted", "2 times before this page was opened", undefined],
      ["died", "it was killed", 70],
      ["restarting", "its home was lost", undefined]
    ])
    // News since the last snapshot has a time, also of an instance that was not there then. Older news has none.
    look(2, [{ ...old, restarts: 3 }, instance(4, { since: 700, restarts: 1 }), instance(5, { since: 3, restarts: 1 })])
    assert.deepStrictEqual(told(desk).slice(3), [
      ["restarted", "the disk is full", 1000],
      ["restarted", "once", 1000],
      ["restarted", "before this page was opened", undefined]
    ])
  })
})

describe("who waits for whom", () => {
  it("counts each waiting call once, and calls in line by themselves", () => {
    const line = Array.from({ length: 26 }, (_, i) =>
      call(100 + i, { actor: "A2", instance: 2, method: "A2.g", stage: "waiting" })
    )
    const { nodes } = waitsOf([call(1, { waitingOn: on(2, 100, 101) }), call(2), ...line])
    assert.deepStrictEqual(
      nodes.map(({ actor, calls, inLine }) => [actor, calls, inLine]),
      [
        ["A1", 1, 0],
        ["A2", 0, 26]
      ]
    )
  })

  it("a ring of five is one cycle", () => {
    const calls = [1, 2, 3, 4, 5].map((id) => call(id, { waitingOn: on((id % 5) + 1) }))
    const { cycles, edges, nodes } = waitsOf(calls)
    assert.deepStrictEqual(cycles, [["A1.f #1", "A2.f #2", "A3.f #3", "A4.f #4", "A5.f #5", "A1.f #1"]])
    assert.isTrue(edges.every(({ kind }) => kind === "cycle"))
    assert.isTrue(nodes.every(({ cycle }) => cycle))
  })

  it("a line behind permits that only such calls hold closes a cycle, one behind a call that can go on does not", () => {
    const held = call(1, { waitingOn: on(2) })
    const inLine = call(2, { method: "A1.g", actor: "A1", instance: 1, stage: "waiting", position: 1 })
    assert.deepStrictEqual(waitsOf([held, inLine]).cycles, [["A1.f #1", "A1.g #2 in line", "A1.f #1"]])
    const free = call(3, { method: "A1.h", actor: "A1", instance: 1 })
    assert.deepStrictEqual(waitsOf([held, inLine, free]).cycles, [])
    // Nor does a line of another group.
    const other = call(2, { ...inLine, group: "io" })
    assert.deepStrictEqual(waitsOf([held, other]).cycles, [])
  })

  it("what waits for a cycle is stuck, without being in it, and what waits for anything else as well is not", () => {
    const calls = [
      call(1, { waitingOn: on(2) }),
      call(2, { waitingOn: on(1) }),
      call(3, { waitingOn: on(1) }),
      call(4, { waitingOn: on(1, 5) }),
      call(5),
      call(6, { waitingOn: on(99) })
    ]
    const { cycles, edges } = waitsOf(calls)
    assert.strictEqual(cycles.length, 1)
    const kinds = new Map(edges.map(({ from, kind, to }) => [`${from}>${to}`, kind]))
    assert.deepStrictEqual(
      kinds,
      new Map([
        ["1>2", "cycle"],
        ["2>1", "cycle"],
        ["3>1", "stuck"],
        ["4>1", "free"],
        ["4>5", "free"]
      ])
    )
  })

  it("is drawn with those that wait to the left of what they wait for, and many of an actor as one", () => {
    const chain = picture(waitsOf([call(1, { waitingOn: on(2, 3) }), call(2, { waitingOn: on(3) }), call(3)]))
    assert.deepStrictEqual(chain.nodes.map(({ actor, x }) => [actor, x]).toSorted(), [
      ["A1", 0],
      ["A2", 1],
      ["A3", 2]
    ])
    const crowd = Array.from({ length: 500 }, (_, i) => {
      return call(i + 10, { actor: "Crowd", method: "Crowd.f", waitingOn: on(1) })
    })
    const { arrows, left, nodes } = picture(waitsOf([call(1), ...crowd]))
    assert.deepStrictEqual(
      nodes.map(({ actor, instances }) => [actor, instances]),
      [
        ["Crowd", 500],
        ["A1", 1]
      ]
    )
    assert.strictEqual(arrows[0]?.calls, 500)
    assert.strictEqual(left, 0)
  })

  it("a picture has an end, whatever there is", () => {
    const random = randomFrom(seed)
    for (let round = 0; round < 50; round++) {
      const size = 1 + Math.floor(random() * 40)
      const calls = Array.from({ length: size }, (_, i) =>
        call(i, {
          waitingOn: on(...Array.from({ length: Math.floor(random() * 3) }, () => Math.floor(random() * size)))
        })
      )
      const { nodes } = picture(waitsOf(calls))
      const places = new Set(nodes.map(({ x, y }) => `${x}/${y}`))
      assert.strictEqual(places.size, nodes.length, `two nodes in one place, seed ${seed}`)
    }
  })
})

describe("numbers", () => {
  it("quantiles are off by less than a tenth, over nine orders of magnitude", () => {
    const random = randomFrom(seed)
    const histogram = new Histogram()
    const values: Array<number> = []
    for (let i = 0; i < 5000; i++) {
      const value = 0.002 * 10 ** (random() * 9)
      values.push(value)
      histogram.record(value)
    }
    values.sort((a, b) => a - b)
    const shares = [0.01, 0.5, 0.9, 0.99]
    histogram.quantiles(shares).forEach((found, i) => {
      const exact = values[Math.ceil(shares[i]! * values.length) - 1]!
      assert.isBelow(Math.abs(found - exact) / exact, 0.1, `seed ${seed}`)
    })
  })

  it("quantiles are of the last two windows, or of all times if there was nothing in these", () => {
    const histogram = new Histogram()
    assert.deepStrictEqual(histogram.quantiles([0.5, 0.99]), [0, 0])
    histogram.record(1000)
    histogram.turn()
    histogram.record(1)
    assert.isAbove(histogram.quantiles([0.99])[0]!, 900)
    histogram.turn()
    assert.isBelow(histogram.quantiles([0.99])[0]!, 2)
    histogram.turn()
    histogram.turn()
    assert.isAbove(histogram.quantiles([0.99])[0]!, 900)
  })

  it("a history repeats what did not change, and forgets what is long ago", () => {
    const track = new Track()
    track.push(1, 5)
    track.push(4, 7)
    assert.deepStrictEqual(track.read(6), [5, 5, 5, 7, 7, 7])
    assert.strictEqual(track.read(10_000).length, LENGTH)
  })

  it("durations are short, in the unit that fits", () => {
    const told = [0, 0.042, 4.21, 421, 4210, 192_000, 8_040_000, 183_600_000].map(duration)
    assert.deepStrictEqual(told, ["0 ms", "42 µs", "4.2 ms", "421 ms", "4.2 s", "3 min 12 s", "2 h 14 min", "2 d 3 h"])
  })
})

describe("the state of the page", () => {
  const answer = (id: number) => ({ at: 0, instance: instance(id), calls: [], total: 0 })

  it("does not show an answer about an instance that the reader has left", () => {
    const state = initial({ tab: "actors", selection: { instance: 1 } })
    const shown = () => state.instance?.instance.instance
    apply(state, { _tag: "Instance", instance: answer(1) })
    assert.strictEqual(shown(), 1)
    apply(state, { _tag: "Place", place: { tab: "actors", selection: { instance: 2 } } })
    assert.isUndefined(shown())
    apply(state, { _tag: "Instance", instance: answer(1) })
    assert.isUndefined(shown())
    apply(state, { _tag: "Instance", instance: answer(2) })
    assert.strictEqual(shown(), 2)
  })

  it("takes events as seen while their view is open", () => {
    const state = initial({ tab: "actors", selection: undefined })
    const news = (seq: number) =>
      [{ seq, actor: "A", instance: 1, label: "A #1", kind: "died", text: "it was killed" }] as const
    apply(state, { _tag: "Frame", frame: frame(1, [row(1)], { news: news(1) }) })
    assert.strictEqual(state.seenEvents, 0)
    apply(state, { _tag: "Place", place: { tab: "events", selection: undefined } })
    assert.strictEqual(state.seenEvents, 1)
    apply(state, { _tag: "Frame", frame: frame(2, [row(1)], { news: news(2) }) })
    assert.strictEqual(state.seenEvents, 2)
    apply(state, { _tag: "Place", place: { tab: "actors", selection: undefined } })
    apply(state, { _tag: "Frame", frame: frame(3, [row(1)], { news: news(3) }) })
    assert.strictEqual(state.seenEvents, 2)
  })

  it("is live with each update, whatever it was before", () => {
    const state = initial({ tab: "actors", selection: undefined })
    apply(state, { _tag: "Connection", connection: { _tag: "lost", why: "the server has closed the connection" } })
    assert.strictEqual(state.connection._tag, "lost")
    apply(state, { _tag: "Frame", frame: frame(1, []) })
    assert.strictEqual(state.connection._tag, "live")
  })
})

describe("the address of the page", () => {
  it.each([
    { tab: "actors", selection: undefined },
    { tab: "calls", selection: { instance: 12 } },
    { tab: "waits", selection: { actor: "app/Account" } }
  ] as const)("leads back to $tab", (place) => {
    assert.deepStrictEqual(placeAt(addressOf(place)), place)
  })

  it("leads to the actors if it is unknown", () => {
    assert.deepStrictEqual(placeAt("#/nowhere/instance/x"), { tab: "actors", selection: undefined })
  })
})

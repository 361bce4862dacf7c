import { setTimeout } from "node:timers/promises"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { listen } from "../observability/collector.ts"
import { traceLines } from "../observability/print.ts"
import { type Started, start } from "./started.ts"

interface Answer {
  readonly status: number
  readonly body: any
  readonly headers: Headers
}

const to = (service: () => Started) => {
  const send = async (path: string, init: RequestInit = {}): Promise<Answer> => {
    const response = await fetch(new URL(path, service().url), init)
    const text = await response.text()
    return { status: response.status, body: text === "" ? undefined : JSON.parse(text), headers: response.headers }
  }
  const post = (path: string, body: unknown, init: RequestInit = {}) =>
    send(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: typeof body === "string" ? body : JSON.stringify(body),
      ...init
    })
  return { get: (path: string) => send(path), post }
}

/** How many calls an actor has that are not settled, as the live view says. */
const underWay = async ({ inspector }: Started, actor: string): Promise<number> => {
  const response = await fetch(new URL("/api/snapshot", inspector))
  const { instances } = (await response.json()) as any
  return instances.filter((one: any) => one.actor === actor).reduce((sum: number, one: any) => sum + one.pending, 0)
}

const until = async (condition: () => Promise<boolean>) => {
  while (!(await condition())) await setTimeout(10)
}

describe("the service example", () => {
  let service: Started
  const { get, post } = to(() => service)

  beforeAll(async () => {
    service = await start("service/main.ts", { COURIER_MILLIS: "20", REQUESTS_PER_SECOND: "10" })
  })
  afterAll(() => service?.end())

  it("keeps a stock for each tenant", async () => {
    assert.deepStrictEqual((await get("/tenants/one/items")).body, [])
    const delivered = await post("/tenants/one/deliveries", { item: "lamp", quantity: 3 })
    assert.deepStrictEqual([delivered.status, delivered.body], [200, { item: "lamp", quantity: 3 }])
    const ordered = await post("/tenants/one/orders", { item: "lamp", quantity: 2 })
    assert.strictEqual(ordered.status, 201)
    assert.deepInclude(ordered.body, { order: 1, item: "lamp", quantity: 2 })
    assert.deepStrictEqual((await get("/tenants/one/items/lamp")).body, { item: "lamp", quantity: 1 })
    assert.deepStrictEqual((await get("/tenants/two/items")).body, [])
  })

  it("never sells the same thing twice", async () => {
    await post("/tenants/busy/deliveries", { item: "ring", quantity: 3 })
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => post("/tenants/busy/orders", { item: "ring", quantity: 1 }))
    )
    assert.deepStrictEqual(answers.map(({ status }) => status).sort(), [201, 201, 201, 409, 409, 409])
    const refused = answers.find(({ status }) => status === 409)!
    assert.deepInclude(refused.body, { type: "/problems/out-of-stock", item: "ring", left: 0 })
  })

  it("answers 400 to what does not fit, and says what and where", async () => {
    const none = await post("/tenants/wrong/orders", { item: "lamp", quantity: 0 })
    assert.deepStrictEqual([none.status, none.headers.get("content-type")], [400, "application/problem+json"])
    assert.deepStrictEqual(none.body.errors[0].path, ["payload", "quantity"])
    assert.deepStrictEqual((await get("/tenants/NOT%20GOOD/items")).body.errors[0].path, ["params", "tenant"])
    assert.strictEqual((await post("/tenants/wrong/orders", "{")).status, 400)
    assert.strictEqual((await post("/tenants/wrong/orders", {})).status, 400)
  })

  it("answers 404 to what is not there", async () => {
    const unknown = await get("/tenants/one/items/moon")
    assert.deepStrictEqual([unknown.status, unknown.body.item], [404, "moon"])
    assert.strictEqual((await post("/tenants/one/orders", { item: "moon", quantity: 1 })).status, 404)
    assert.strictEqual((await get("/nothing")).status, 404)
  })

  it("answers 429 to a tenant who comes too often, and goes on serving the others", async () => {
    const answers = await Promise.all(Array.from({ length: 40 }, () => get("/tenants/often/items")))
    const refused = answers.filter(({ status }) => status === 429)
    assert.isAbove(refused.length, 0)
    assert.strictEqual(answers.filter(({ status }) => status === 200).length, 40 - refused.length)
    assert.isAtLeast(refused[0]!.body.retryAfterMillis, 1)
    assert.strictEqual(refused[0]!.headers.get("retry-after"), "1")
    assert.strictEqual((await get("/tenants/calm/items")).status, 200)
  })

  it("is healthy, and describes itself", async () => {
    assert.strictEqual((await get("/health")).status, 204)
    const { body } = await get("/openapi.json")
    assert.includeMembers(Object.keys(body.paths["/tenants/{tenant}/orders"].post.responses), [
      "201",
      "404",
      "409",
      "429"
    ])
  })

  it("refuses wrong settings at the start", async () => {
    const error = await start("service/main.ts", { REQUESTS_PER_SECOND: "0" }).then(
      () => "it started",
      (error: Error) => error.message
    )
    assert.include(error, "ended with 1")
    assert.include(error, "REQUESTS_PER_SECOND")
  })

  it("lets the orders under way finish when it is told to end, and exports their spans", async () => {
    const collector = await listen()
    const slow = await start("service/main.ts", {
      COURIER_MILLIS: "700",
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url
    })
    try {
      const { post } = to(() => slow)
      for (const tenant of ["one", "two"]) await post(`/tenants/${tenant}/deliveries`, { item: "lamp", quantity: 3 })
      // One runs, one waits in line. A third runs until its client gives up.
      const orders = [1, 2].map((quantity) => post("/tenants/one/orders", { item: "lamp", quantity }))
      const impatient = new AbortController()
      const all = { item: "lamp", quantity: 3 }
      const given = post("/tenants/two/orders", all, { signal: impatient.signal }).catch((error: Error) => error.name)
      await until(async () => (await underWay(slow, "service/Courier")) === 2)
      await until(async () => (await underWay(slow, "service/Warehouse")) === 3)
      impatient.abort()
      assert.strictEqual(await given, "AbortError")
      await until(async () => (await underWay(slow, "service/Courier")) === 1)
      assert.deepStrictEqual((await to(() => slow).get("/tenants/two/items/lamp")).body, all)
      const ended = slow.end()
      const answers = await Promise.all(orders)
      assert.deepStrictEqual(
        answers.map(({ body, status }) => [status, body.order]),
        [
          [201, 1],
          [201, 2]
        ]
      )
      assert.strictEqual(await ended, 0)
      assert.strictEqual(await fetch(slow.url).catch((error: Error) => error.message), "fetch failed")
    } finally {
      await slow.end()
      collector.close()
    }
    const spans = traceLines(collector.spans).map((line) => line.replace(/,.*/, ""))
    const first = spans.indexOf("      service/Courier.send")
    assert.deepStrictEqual(spans.slice(first - 3, first + 1), [
      "  POST",
      "    service/Warehouse(one).enter",
      "    service/Warehouse(one).order",
      "      service/Courier.send"
    ])
  })
})

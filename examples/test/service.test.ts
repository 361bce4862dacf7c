import { setTimeout } from "node:timers/promises"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { listen } from "../observability/collector.ts"
import { traceLines } from "../observability/print.ts"
import { run } from "./run.ts"
import { launch, type Started, start } from "./started.ts"

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
  })

  it("answers with a problem, too, what no endpoint sees", async () => {
    const problem = (answer: Answer) => [
      answer.status,
      answer.headers.get("content-type"),
      answer.headers.get("allow"),
      answer.body.title
    ]
    const problems = "application/problem+json"
    assert.deepStrictEqual(problem(await get("/nothing")), [404, problems, null, "Not Found"])
    const wrongMethod = await post("/tenants/one/items", {})
    assert.deepStrictEqual(problem(wrongMethod), [405, problems, "GET", "Method Not Allowed"])
    const form = await post("/tenants/one/orders", "item=lamp", {
      headers: { "content-type": "application/x-www-form-urlencoded" }
    })
    assert.deepStrictEqual(problem(form), [415, problems, null, "Unsupported Media Type"])
    const large = await post("/tenants/one/orders", { item: "x".repeat(100_000), quantity: 1 })
    assert.deepStrictEqual(problem(large), [413, problems, null, "Payload Too Large"])
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
    assert.deepInclude(body.info, { title: "Warehouses", version: "1.0.0" })
    for (const methods of Object.values<any>(body.paths)) {
      for (const { description } of Object.values<any>(methods)) assert.isString(description)
    }
    assert.includeMembers(Object.keys(body.paths["/tenants/{tenant}/orders"].post.responses), [
      "201",
      "404",
      "409",
      "429"
    ])
  })

  it.each([
    ["PORT", "abc", 'PORT must be a port, a whole number from 0 to 65535, but is "abc".'],
    ["INSPECTOR_PORT", "70000", 'INSPECTOR_PORT must be a port, a whole number from 0 to 65535, but is "70000".'],
    ["REQUESTS_PER_SECOND", "0", 'REQUESTS_PER_SECOND must be a whole number of at least 1, but is "0".']
  ])("refuses a wrong %s at the start, in a sentence", async (name, value, sentence) => {
    const ended = await run("service/main.ts", [], { env: { PORT: "0", INSPECTOR_PORT: "0", [name]: value } })
    assert.deepStrictEqual(ended, { code: 1, stdout: "", stderr: `${sentence}\n` })
  })

  it("says which port is taken, and what to do", async () => {
    const { port } = new URL(service.url)
    const { code, stderr } = await run("service/main.ts", [], { env: { PORT: port, INSPECTOR_PORT: "0" } })
    const hint = "Set PORT to another one, or to 0 for any free one."
    assert.strictEqual(stderr, `Cannot listen at port ${port}: something else listens there. ${hint}\n`)
    assert.strictEqual(code, 1)
  })

  it("starts without the port that it wants for its live view", async () => {
    const { port } = new URL(service.inspector)
    const other = await launch("service/main.ts", {
      env: { PORT: "0", INSPECTOR_PORT: port },
      isUp: (output) => output.includes("Listening on ") && output.includes(`port ${port} is taken`)
    })
    assert.strictEqual(await other.end(), 0)
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
      "    service/Warehouse.enter",
      "    service/Warehouse.order",
      "      service/Courier.send"
    ])
  })
})

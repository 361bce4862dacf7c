import { spawnSync } from "node:child_process"
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import path from "node:path"
import { assert, describe } from "@effect/vitest"
import { it } from "@troupe/testing/vitest"
import { Effect, Ref } from "effect"

const increments = (atomic: boolean) =>
  Effect.gen(function* () {
    const count = yield* Ref.make(0)
    const careless = Effect.gen(function* () {
      const before = yield* Ref.get(count)
      yield* Ref.set(count, before + 1)
    })
    const increment = atomic ? Ref.update(count, (n) => n + 1) : careless
    yield* Effect.all([increment, increment], { concurrency: 2 })
    assert.strictEqual(yield* Ref.get(count), 2)
  })

describe("it.explore", () => {
  it.explore("is a test that runs its program under many schedules", increments(true), { schedules: 200 })
  it.explore.skip("can be left out", increments(false))
  it.explore.skipIf(true)("can be left out under a condition", increments(false))
  it.explore.runIf(false)("can be run under a condition only", increments(false))
  it.explore.skipIf(false)("runs if it is not left out", increments(true), { schedules: 20 })
  it.explore.runIf(true)("runs if the condition holds", increments(true), { schedules: 20 })
  it.explore.fails("can have to fail", increments(false))
  it.explore.each([1, 2, 3])(
    "is a test for each value: %i",
    (by, { task }) => {
      assert.strictEqual(task.name, `is a test for each value: ${by}`)
      return increments(true)
    },
    { schedules: 20 }
  )
  it.explore("takes a timeout in milliseconds, and ends with what it has run by then", increments(true), 20)

  let made = 0
  it.explore(
    "takes a function, which makes the program of each schedule, and options of vitest",
    ({ task }) => {
      assert.strictEqual(task.timeout, 15_500)
      made++
      return increments(true)
    },
    { schedules: 20, timeout: "500 millis", retry: 0 }
  )
  it.effect("has made as many programs", () => Effect.sync(() => assert.isAtLeast(made, 20)))

  it.effect("is next to what @effect/vitest has", () => Effect.sync(() => assert.isFunction(it.live)))

  it("refuses an option that does not exist, where the test is written", () => {
    const options = { schedule: 10 } as object
    assert.throws(
      () => it.explore.skip("of schedules", Effect.void, options),
      TypeError,
      /it\.explore\("of schedules"\): there is no option "schedule"/
    )
  })

  it("refuses a Promise, and options before the program, where the test is written", () => {
    const explore = it.explore.skip as (...given: ReadonlyArray<unknown>) => void
    assert.throws(
      () => explore("async", Promise.resolve()),
      TypeError,
      /\("async"\) takes an Effect.* a Promise\. Wrap it/
    )
    assert.throws(() => explore("swapped", { schedules: 1 }, Effect.void), TypeError, /before its options, .*an object/)
  })

  it("shows a failure in lines that fit a terminal, at the line of the test", () => {
    // Not in the folder of the tests: it is to fail.
    const folder = path.resolve(import.meta.dirname, `../.tmp/vitest-${process.pid}`)
    mkdirSync(folder, { recursive: true })
    try {
      writeFileSync(path.join(folder, "failing.test.ts"), failing)
      writeFileSync(path.join(folder, "vitest.config.ts"), config)
      const vitest = path.join(
        path.dirname(createRequire(import.meta.url).resolve("vitest/package.json")),
        "vitest.mjs"
      )
      const { stderr, stdout } = spawnSync(process.execPath, [vitest, "run", "--no-color"], {
        cwd: folder,
        encoding: "utf8",
        timeout: 60_000
      })
      const output = stdout + stderr
      assert.include(output, "ExploreError: The program failed")
      assert.include(output, "preempted before")
      assert.include(output, 'schedule "1.')
      assert.match(output, /failing\.test\.ts:13/)
      assert.include(output.replace(/\s+/g, " "), "its function must return an Effect, but returned a Promise. Wrap it")
      for (const line of output.split("\n").filter((line) => !line.includes("Caused by")))
        assert.isAtMost(line.length, 120, line)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }, 90_000)
})

const config = `import { defaultServerConditions } from "vite"
import { defineConfig } from "vitest/config"

export default defineConfig({
  ssr: { resolve: { conditions: ["@troupe/source", ...defaultServerConditions] } },
  test: { include: ["*.test.ts"] }
})
`

const failing = `import { it } from "@troupe/testing/vitest"
import { Effect, Ref } from "effect"

const program = Effect.gen(function* () {
  const count = yield* Ref.make(0)
  const increment = Effect.gen(function* () {
    const before = yield* Ref.get(count)
    yield* Ref.set(count, before + 1)
  })
  yield* Effect.all([increment, increment], { concurrency: 2 })
  if ((yield* Ref.get(count)) !== 2) return yield* Effect.die("an update was lost")
})
it.explore("loses an update", program)
it.explore("is asynchronous", async () => {})
`

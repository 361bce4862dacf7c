// Everything that must hold before a change is merged, in the order of its interest. Every part runs, whatever became
// of those before it. Test runners are asked for their counts; any other part counts as one.
import { spawn } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { testDatabase } from "./testDatabase.ts"

interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

interface Run {
  readonly ok: boolean
  readonly output: string
}

const root = path.resolve(import.meta.dirname, "..")
const folder = mkdtempSync(path.join(tmpdir(), "troupe-ci-"))
const report = path.join(folder, "vitest.json")
const database = await testDatabase()
const env = {
  ...process.env,
  DATABASE_URL: database.url,
  CI: "true",
  NO_COLOR: "1",
  FORCE_COLOR: undefined,
  TROUPE_VITEST_REPORT: report
}

/** Of each program in a simulated cluster: 2,000 in all, and the seeded mistakes beside them. `npm run soak` has more. */
const SCHEDULES = "50"

/** How long a part may take. The longest, the tests, takes some minutes. */
const timeout = 900_000

interface How {
  readonly env?: Readonly<Record<string, string>>
}

/** The last lines of what failed, repeated above the counts: a log may be cut between them and where they were printed. */
const failures: Array<string> = []
const LINES = 40

/** Runs a command, showing and keeping what it prints. */
const run = (how: How, ...[command, ...args]: readonly [string, ...Array<string>]): Promise<Run> =>
  new Promise((resolve) => {
    const title = `\n$ ${[command, ...args].join(" ")}\n`
    process.stdout.write(title)
    // A process group, since npm's children have to end with it: a test that spins does not end by itself.
    const child = spawn(command, args, {
      cwd: root,
      env: { ...env, ...how.env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true
    })
    const kill = () => child.pid !== undefined && process.kill(-child.pid, "SIGKILL")
    const timer = setTimeout(() => {
      console.error(`\nstopped: it takes longer than ${timeout / 1000} s`)
      kill()
    }, timeout)
    process.once("exit", kill)
    const chunks: Array<Buffer> = []
    const keep = (chunk: Buffer) => {
      chunks.push(chunk)
      process.stdout.write(chunk)
    }
    child.stdout.on("data", keep)
    child.stderr.on("data", keep)
    child.on("error", (error) => resolve({ ok: false, output: String(error) }))
    child.on("close", (code) => {
      clearTimeout(timer)
      process.removeListener("exit", kill)
      const output = Buffer.concat(chunks).toString()
      if (code !== 0) failures.push(`${title}${output.trimEnd().split("\n").slice(-LINES).join("\n")}`)
      resolve({ ok: code === 0, output })
    })
  })

// Ends the running part, too, by the listener above.
process.once("SIGINT", () => process.exit(130))
process.once("SIGTERM", () => process.exit(143))

const nothing: Counts = { passed: 0, failed: 0, skipped: 0 }
const onePassed: Counts = { ...nothing, passed: 1 }
const oneFailed: Counts = { ...nothing, failed: 1 }

const add = (a: Counts, b: Counts): Counts => ({
  passed: a.passed + b.passed,
  failed: a.failed + b.failed,
  skipped: a.skipped + b.skipped
})

/** The counts of a runner's tests, or one failure where there is none to count: no tests is not a success. */
const atLeastOne = (counts: Counts): Counts => (counts.passed + counts.failed > 0 ? counts : oneFailed)

interface VitestReport {
  readonly testResults: ReadonlyArray<{
    readonly name: string
    readonly status: "passed" | "failed"
    readonly assertionResults: ReadonlyArray<{ readonly status: string }>
  }>
}

/** The tests of one project. A file that fails without a failed test, because it does not load, counts as one. */
const vitestCounts = (project: string): Counts => {
  if (!existsSync(report)) return oneFailed
  const { testResults }: VitestReport = JSON.parse(readFileSync(report, "utf8"))
  const files = testResults.filter((file) => path.relative(root, file.name).startsWith(`${project}${path.sep}`))
  return atLeastOne(
    files.reduce((sum, { assertionResults, status }) => {
      const count = (test: (status: string) => boolean) => assertionResults.filter((one) => test(one.status)).length
      const passed = count((one) => one === "passed")
      const failed = count((one) => one === "failed")
      const skipped = assertionResults.length - passed - failed
      return add(sum, { passed, failed: status === "failed" ? Math.max(failed, 1) : failed, skipped })
    }, nothing)
  )
}

const summary = /^Tests:(.*)total$/m

const typeTestCounts = (output: string): Counts => {
  const line = summary.exec(output)?.[1] ?? ""
  const count = (word: string) => Number(new RegExp(`(\\d+) ${word}`).exec(line)?.[1] ?? 0)
  return atLeastOne({ passed: count("passed"), failed: count("failed"), skipped: count("skipped") + count("todo") })
}

/** A run that failed though none of its tests did (an unhandled error, say) has one failure more. */
const withExit = (run: Run, counts: Counts): Counts => (run.ok || counts.failed > 0 ? counts : add(counts, oneFailed))

type Results = Array<readonly [part: string, counts: Counts]>

/** Runs parts one after the other. Gives their results. */
const inOrder = async (...parts: ReadonlyArray<() => Promise<Results>>): Promise<Results> => {
  const results: Results = []
  for (const part of parts) results.push(...(await part()))
  return results
}

const one =
  (part: string, ...command: readonly [string, ...Array<string>]) =>
  async (): Promise<Results> => {
    const { ok } = await run({}, ...command)
    return [[part, ok ? onePassed : oneFailed]]
  }

/** The README's test command. It stops at the first runner that fails; the type tests are run on their own then. */
const tests = async (): Promise<Results> => {
  const tests = await run({}, "npm", "test")
  const results: Results = ["packages", "examples", "docs"].map((project) => [
    `tests of ${project}`,
    vitestCounts(project)
  ])
  const typeTests = summary.test(tests.output) ? tests : await run({}, "npm", "run", "types")
  results.push(["type tests", withExit(typeTests, typeTestCounts(typeTests.output))])
  if (!tests.ok && results.every(([, counts]) => counts.failed === 0)) results.push(["npm test", oneFailed])
  return results
}

const insides = async (): Promise<Results> => {
  rmSync(report, { force: true })
  const insides = await run({ env: { SOAK_SEQUENCES: "300" } }, "npm", "run", "test:insides")
  return [["core without Effect's insides", withExit(insides, vitestCounts("packages"))]]
}

/** A page starts a thread in a second. What else there is of these tests takes as long again. */
const browser = async (): Promise<Results> => {
  rmSync(report, { force: true })
  const browser = await run({}, "npm", "run", "test:browser", "--", "own", "bundles", "conformance", "crashes")
  return [["threads of a browser", withExit(browser, vitestCounts("packages"))]]
}

/** More schedules than `npm test` has time for, and all of the seeded mistakes. */
const simulated = async (): Promise<Results> => {
  rmSync(report, { force: true })
  const env = { TROUPE_EXPLORE_SCHEDULES: SCHEDULES }
  const simulated = await run({ env }, "npx", "vitest", "run", "--project", "cluster", "simulated-")
  return [["simulated clusters", withExit(simulated, vitestCounts("packages"))]]
}

const results = await inOrder(
  tests,
  insides,
  browser,
  simulated,
  one("lint and format", "npm", "run", "lint"),
  one("type check", "npm", "run", "check"),
  one("build", "npm", "run", "build"),
  one("packed packages", "npm", "run", "check:packed"),
  one("runtimes", "npm", "run", "check:runtimes"),
  one("sizes", "npm", "run", "check:bundle"),
  one("public surface", "npm", "run", "check:api"),
  one("API reference", "npm", "run", "docs:api"),
  one("release, played through", "npm", "run", "release", "--", "--dry-run"),
  one("links of the docs", "npm", "start", "--", "links")
)

rmSync(folder, { recursive: true })
await database.drop()

const show = ({ passed, failed, skipped }: Counts) =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`
for (const failure of failures) console.log(failure)
console.log()
for (const [part, counts] of results) console.log(`${counts.failed > 0 ? "✗" : "✓"} ${part}: ${show(counts)}`)

const total = results.map(([, counts]) => counts).reduce(add, nothing)
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1
console.log(show(total))

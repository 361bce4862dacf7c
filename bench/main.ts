/**
 * The benchmark suite: `npm run bench -- [rows...] [--only names] [--rounds n] [--quick] [--cpu] [--json] [--strict]`.
 * See README.md for what each row means.
 */
import { readFileSync } from "node:fs"
import { cpus } from "node:os"
import { parseArgs } from "node:util"
import { load, names } from "./contenders/index.ts"
import { cpuNow, type Options } from "./harness.ts"
import { missed, printTable, printTargets, type Report } from "./report.ts"
import { actors } from "./rows/actors.ts"
import { around } from "./rows/around.ts"
import { ask } from "./rows/ask.ts"
import { awaits } from "./rows/awaits.ts"
import { cancel } from "./rows/cancel.ts"
import { crowd } from "./rows/crowd.ts"
import { hop } from "./rows/hop.ts"
import { keyed } from "./rows/keyed.ts"
import { mixed } from "./rows/mixed.ts"
import { refs } from "./rows/refs.ts"
import { remote } from "./rows/remote.ts"
import { sleep } from "./rows/sleep.ts"
import { snapshots } from "./rows/snapshots.ts"
import { starts } from "./rows/starts.ts"
import { types } from "./rows/types.ts"
import { waiting } from "./rows/waiting.ts"
import { watch } from "./rows/watch.ts"

const rows: Readonly<Record<string, (options: Options) => Promise<Report>>> = {
  ask,
  mixed,
  refs,
  awaits,
  keyed,
  starts,
  remote,
  crowd,
  hop,
  waiting,
  cancel,
  sleep,
  actors,
  watch,
  snapshots,
  around,
  types
}

const fail = (message: string): never => {
  console.error(message)
  process.exit(2)
}

const readArguments = () => {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        only: { type: "string" },
        rounds: { type: "string" },
        quick: { type: "boolean", default: false },
        cpu: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        strict: { type: "boolean", default: false }
      }
    })
  } catch (error) {
    return fail((error as Error).message)
  }
}

const { values: flags, positionals } = readArguments()

/** Names given by the user, checked against what there is. */
const choose = (what: string, given: ReadonlyArray<string>, all: ReadonlyArray<string>): ReadonlyArray<string> => {
  const unknown = given.filter((name) => !all.includes(name))
  if (unknown.length > 0) fail(`no such ${what}: ${unknown.join(", ")} (there are: ${all.join(", ")})`)
  return given.length > 0 ? given : all
}

const machine = () => {
  const manifest = JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8"))
  const versions = Object.entries<string>(manifest.dependencies).filter(([name]) => !name.startsWith("@troupe/"))
  return {
    cpu: `${cpus()[0]!.model.trim()}, ${cpus().length} cores`,
    node: process.version,
    versions: Object.fromEntries(versions)
  }
}

const print = (text: string) => {
  if (!flags.json) console.log(text)
}

/** One line on the terminal, rewritten as the run goes on; nothing where there is no terminal. */
const progress = (what: string) => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${what}`)
}

const main = async () => {
  const rounds = Number(flags.rounds ?? (flags.quick ? 3 : 7))
  if (!Number.isInteger(rounds) || rounds < 1) fail(`--rounds must be a whole number from 1, got ${flags.rounds}`)
  if (globalThis.gc === undefined) fail("start with --expose-gc (npm run bench does)")

  const chosen = choose("row", positionals, Object.keys(rows))
  const contenders = await Promise.all(choose("contender", flags.only?.split(",") ?? [], names).map(load))
  const { cpu, node, versions } = machine()
  print(
    `${cpu}; Node ${node}; ${Object.entries(versions)
      .map((entry) => entry.join(" "))
      .join(", ")}`
  )
  print(
    `median of ${rounds} rounds, contenders interleaved, every answer verified${flags.cpu ? "; CPU time, not wall time" : ""}\n`
  )

  const reports: Record<string, Report> = {}
  for (const row of chosen) {
    const report = await rows[row]!({
      rounds,
      contenders,
      quick: flags.quick,
      now: flags.cpu ? cpuNow : () => performance.now(),
      progress: (what) => progress(`${row}: ${what}`)
    })
    progress("")
    reports[row] = report
    for (const table of report.tables) print(printTable(table))
  }

  const targets = Object.values(reports).flatMap((report) => report.targets)
  print(printTargets(targets))
  if (flags.json) console.log(JSON.stringify({ cpu, node, versions, rounds, rows: reports }, null, 2))
  if (flags.strict && targets.some(missed)) process.exitCode = 1
}

await main()

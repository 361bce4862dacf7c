/**
 * Breaks core in random places: Stryker makes the mutants, and runs for each the tests of core that reach it.
 * `npm run mutants -- --random` installs what this needs and starts it; see `scripts/mutants.ts`.
 */
import { globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { parseArgs } from "node:util"
import { Stryker } from "@stryker-mutator/core"
import { Instrumenter } from "@stryker-mutator/instrumenter"
import { equivalents } from "../equivalents.ts"
import { keyOf, type Mutant } from "./sample.ts"

interface Result extends Mutant {
  readonly status: string
}

const root = path.resolve(import.meta.dirname, "../../../..")
const internal = path.join(root, "packages/core/src/internal")
const temporary = path.join(root, "packages/testing/.tmp")

const { values: flags } = parseArgs({
  options: {
    random: { type: "boolean" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    count: { type: "string", default: "60" },
    wing: { type: "string", multiple: true, default: [] },
    /** Packages, such as "testing,worker", whose tests are asked about what those of core do not notice. On a quiet machine. */
    others: { type: "string", default: "" }
  }
})
const [seed, count] = [Number(flags.seed), Number(flags.count)]
const wings = flags.wing.flatMap((names) => names.split(","))

// --- the sample ------------------------------------------------------------------------------------------------------

/** The generator "mulberry32": numbers from 0 up to 1 that depend on the seed alone. */
const randomFrom = (seed: number) => (): number => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}

const wingOf = ({ fileName }: Pick<Mutant, "fileName">): string =>
  path.relative(internal, path.resolve(root, fileName)).split(path.sep)[0]!

/** All that Stryker would change in core. */
const allMutants = async (): Promise<ReadonlyArray<Mutant>> => {
  const quiet = { isDebugEnabled: () => false, debug() {}, info() {}, warn() {} }
  const files = globSync("**/*.ts", { cwd: internal })
    .sort()
    .map((file) => path.join(internal, file))
    .filter((fileName) => wings.length === 0 || wings.includes(wingOf({ fileName })))
    .map((name) => ({ name, mutate: true, content: readFileSync(name, "utf8") }))
  const { mutants } = await new Instrumenter(quiet).instrument(files, {
    ignorers: [],
    excludedMutations: [],
    plugins: null
  })
  return mutants
}

/** `count` of them, none twice. */
const sampleOf = (all: ReadonlyArray<Mutant>): ReadonlyArray<Mutant> => {
  const random = randomFrom(seed)
  const rest = [...all]
  return Array.from(
    { length: Math.min(count, all.length) },
    () => rest.splice(Math.floor(random() * rest.length), 1)[0]!
  )
}

// --- the run ---------------------------------------------------------------------------------------------------------

/** Runs the tests of these packages against each mutant. */
const run = async (sample: ReadonlyArray<Mutant>, tested: string): Promise<ReadonlyArray<Result>> => {
  process.env.TROUPE_TESTED = tested
  mkdirSync(temporary, { recursive: true })
  const file = path.join(temporary, `sample-${seed}.json`)
  writeFileSync(file, JSON.stringify(sample.map(keyOf)))
  process.env.TROUPE_SAMPLE = file
  process.chdir(root)
  const results = await new Stryker({
    mutate: [...new Set(sample.map(({ fileName }) => path.relative(root, fileName)))],
    plugins: [
      new URL(import.meta.resolve("@stryker-mutator/vitest-runner")).pathname,
      path.join(import.meta.dirname, "sample.ts")
    ],
    testRunner: "vitest",
    // Some tests ask whether they are on the main thread.
    vitest: { configFile: "packages/testing/mutants/random/vitest.config.ts", related: false, pool: "forks" },
    checkers: ["sample"],
    coverageAnalysis: "perTest",
    concurrency: 1,
    disableTypeChecks: false,
    // It would rewrite `tsconfig.json` by an API that TypeScript 7 does not have. The sandbox needs none.
    tsconfigFile: "none",
    tempDirName: path.relative(root, path.join(temporary, "stryker")),
    ignorePatterns: ["dist", "tarballs", ".tmp"],
    // A machine that does other things, too, is slower than it was in the first run.
    timeoutMS: 60_000,
    dryRunTimeoutMinutes: 30,
    reporters: ["lines"],
    allowConsoleColors: false,
    allowEmpty: true
  }).runMutationTest()
  return results.filter((result: Result) => result.status !== "CompileError")
}

/** Where these tests fail without any change, which a slow machine is enough for, they say nothing. */
const runOthers = (sample: ReadonlyArray<Mutant>): Promise<ReadonlyArray<Result>> =>
  run(sample, flags.others).catch((error) => {
    console.error(`The tests of ${flags.others} could not be asked: ${error.message}`)
    return []
  })

// --- the report ------------------------------------------------------------------------------------------------------

const placeOf = ({ fileName, location: { start } }: Result) =>
  `${path.relative(internal, path.resolve(root, fileName))}:${start.line}:${start.column}`

/** The text that was changed, and the line that it is in. Lines and columns of results begin with one. */
const textOf = ({ fileName, location: { end, start } }: Result) => {
  const lines = readFileSync(path.resolve(root, fileName), "utf8")
    .split("\n")
    .slice(start.line - 1, end.line)
  const line = lines[0]!.trim()
  lines.push(lines.pop()!.slice(0, end.column - 1))
  lines[0] = lines[0]!.slice(start.column - 1)
  return { line, from: lines.join("\n") }
}

const isKnown = (result: Result): boolean => {
  const { from, line } = textOf(result)
  return equivalents.some(
    (known) =>
      result.fileName.endsWith(known.file) &&
      line === known.line &&
      from.startsWith(known.from) &&
      result.replacement === known.to
  )
}

const short = (text: string): string => {
  const line = text.replaceAll(/\s+/g, " ")
  return line.length <= 90 ? line : `${line.slice(0, 89)}…`
}

/** Whether this became of that mutant. Ids differ from run to run, and a mutant counts lines and columns from zero. */
const isOf = ({ location: { end, start }, ...result }: Result, mutant: Mutant): boolean => {
  const fromZero = ({ column, line }: Result["location"]["start"]) => ({ line: line - 1, column: column - 1 })
  return keyOf({ ...result, location: { start: fromZero(start), end: fromZero(end) } }) === keyOf(mutant)
}

const isSurvivor = ({ status }: Result): boolean => status === "Survived" || status === "NoCoverage"

const show = (result: Result): void => {
  const { from } = textOf(result)
  const verdict = result.status === "NoCoverage" ? "UNREACHED" : "SURVIVES "
  console.log(`${verdict}  ${placeOf(result)}  ${result.mutatorName}`)
  console.log(`           - ${short(from)}\n           + ${short(result.replacement)}`)
}

/** A table: by wing, how many changes the tests of core notice, and how many with those of the other packages. */
const report = (results: ReadonlyArray<Result>, survivors: ReadonlyArray<Result>): void => {
  const percent = (part: number, whole: number) => `${part} (${whole === 0 ? "-" : Math.round((part / whole) * 100)} %)`
  const line = (name: string, of: ReadonlyArray<Result>) => {
    const counted = of.filter((result) => !isSurvivor(result) || !isKnown(result))
    const byCore = counted.filter((result) => !isSurvivor(result)).length
    const byAny = counted.filter((result) => !survivors.includes(result)).length
    const same = of.length - counted.length
    const cells = [name.padEnd(10), counted.length, percent(byCore, counted.length), percent(byAny, counted.length)]
    console.log([...cells, same > 0 ? `and ${same} that change nothing` : ""].join("\t"))
  }
  console.log("\nwing      \tmutants\tby core\twith others")
  for (const [wing, of] of Object.entries(Object.groupBy(results, wingOf)).sort()) line(wing, of!)
  line("all", results)
}

const all = await allMutants()
const sample = sampleOf(all)
console.log(`seed ${seed}: ${sample.length} of ${all.length} mutants`)
const results = await run(sample, "core")
const missed = results.filter((result) => isSurvivor(result) && !isKnown(result))
const again = sample.filter((mutant) => missed.some((result) => isOf(result, mutant)))
const others = flags.others === "" || again.length === 0 ? [] : await runOthers(again)
const noticed = again.filter((mutant) => others.some((other) => isOf(other, mutant) && !isSurvivor(other)))
const survivors = missed.filter((result) => !noticed.some((mutant) => isOf(result, mutant)))
survivors.forEach(show)
report(results, survivors)
process.exitCode = survivors.length === 0 ? 0 : 1

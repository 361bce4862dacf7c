/**
 * Breaks core in many ways, one at a time, and shows that tests notice: `npm run mutants`, or `npm run mutants -- restart`
 * for those with "restart" in their names.
 *
 * Each mutant is a copy of core's source with one text replaced, in a temporary folder. The tests that run against it are
 * those under the explorer, and where a mutant names one, a test of core. A mutant that nobody notices is an error, and so
 * are tests that fail for the copy without any change.
 *
 *     npm run mutants -- --random [--seed 7] [--count 60] [--wing call,refs]
 *
 * breaks it in places that nobody chose: see `packages/testing/mutants/random`.
 */
import { spawn, spawnSync } from "node:child_process"
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import os from "node:os"
import path from "node:path"
import { type Mutant, mutants } from "../packages/testing/mutants/mutants.ts"
import { installOwn } from "./ownDependencies.ts"

const root = path.resolve(import.meta.dirname, "..")
const core = path.join(root, "packages/core")
const vitest = path.join(path.dirname(createRequire(import.meta.url).resolve("vitest/package.json")), "vitest.mjs")
const config = path.join(root, "packages/testing/mutants/vitest.config.ts")
/** A mutant may make a test hang. Then it has been noticed, too. */
const PATIENCE = 120_000

// Inside of the repository, so that the copies find `effect`.
mkdirSync(path.join(root, "packages/testing/.tmp"), { recursive: true })
const temporary = mkdtempSync(path.join(root, "packages/testing/.tmp/mutants-"))

const makeCopy = (index: number, mutant: Mutant | undefined): string => {
  const folder = path.join(temporary, String(index))
  cpSync(path.join(core, "src"), folder, { recursive: true })
  if (mutant === undefined) return folder
  const file = path.join(folder, "internal", mutant.file)
  const source = readFileSync(file, "utf8")
  const count = source.split(mutant.from).length - 1
  if (count !== 1) throw new Error(`"${mutant.name}": its text occurs ${count} times in ${mutant.file}, not once`)
  writeFileSync(
    file,
    source.replace(mutant.from, () => mutant.to)
  )
  return folder
}

interface Result {
  readonly passed: boolean
  /** The test that noticed, or all that was printed if there is none. */
  readonly first: string
}

const runTests = (folder: string, args: ReadonlyArray<string>): Promise<Result> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [vitest, "run", "--config", config, "--no-color", ...args], {
      cwd: core,
      env: { ...process.env, TROUPE_MUTANT: folder },
      stdio: ["ignore", "pipe", "pipe"]
    })
    let output = ""
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (output += data))
    const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE)
    child.on("close", (code) => {
      clearTimeout(timer)
      const failed = /^\s*FAIL\s+(.*)$/m.exec(output)?.[1]
      resolve({ passed: code === 0, first: failed ?? (code === null ? "did not end" : output) })
    })
  })

const explored = ["test/explore"]

const judge = async (index: number, mutant: Mutant | undefined): Promise<Result> => {
  const folder = makeCopy(index, mutant)
  const result = await runTests(folder, explored)
  if (!result.passed || mutant?.test === undefined) return result
  const [file, name] = mutant.test
  return runTests(folder, [file, "-t", name])
}

const short = (text: string): string => (text.length <= 100 ? text : `${text.slice(0, 99)}…`)

const main = async (part: string): Promise<number> => {
  const chosen = mutants.filter(({ name }) => name.includes(part))
  if (chosen.length === 0) throw new Error(`no mutant has "${part}" in its name`)
  const sound = await judge(0, undefined)
  if (!sound.passed) {
    console.error(`The tests fail without any change:\n${sound.first}`)
    return 1
  }
  let survivors = 0
  const queue = [...chosen.entries()]
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [index, mutant] = next
      const { first, passed } = await judge(index + 1, mutant)
      if (passed) survivors++
      console.log(passed ? `SURVIVES  ${mutant.name}` : `noticed   ${mutant.name}\n          ${short(first)}`)
    }
  }
  await Promise.all(Array.from({ length: Math.min(2, os.availableParallelism()) }, worker))
  console.log(`\n${chosen.length - survivors} of ${chosen.length} mutants noticed`)
  return survivors === 0 ? 0 : 1
}

const random = async (args: ReadonlyArray<string>): Promise<number> => {
  const folder = path.join(root, "packages/testing/mutants/random")
  await installOwn(folder)
  return spawnSync(process.execPath, [path.join(folder, "main.ts"), ...args], { stdio: "inherit" }).status ?? 1
}

const args = process.argv.slice(2)
try {
  process.exitCode = args.includes("--random") ? await random(args) : await main(args[0] ?? "")
} finally {
  rmSync(temporary, { recursive: true, force: true })
}

/**
 * Breaks core in many ways, one at a time, and shows that tests notice: `npm run mutants`, or `npm run mutants -- restart`
 * for those with "restart" in their names.
 *
 * Each mutant is a copy of core's source with one text replaced, in a temporary folder. The tests that run against it are
 * those under the explorer, and where a mutant names one, a test of core. A mutant that nobody notices is an error, and so
 * are tests that fail for the copy without any change.
 *
 *     npm run mutants -- cluster [part of a name]
 *
 * breaks the cluster, and shows within how many schedules a program in a simulated cluster notices.
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
import { type ClusterMutant, mutants as clusterMutants } from "../packages/testing/mutants/cluster/mutants.ts"
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

const makeCopy = (index: number, mutant: Omit<Mutant, "test"> | undefined, broken = core): string => {
  const folder = path.join(temporary, String(index))
  cpSync(path.join(broken, "src"), folder, { recursive: true })
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

// --- the cluster -----------------------------------------------------------------------------------------------------

/** A mutant that is not noticed within so many schedules survives. */
const SCHEDULES = 200
/** How many schedules of a program must pass without any change. */
const SOUND = 20

const explorer = path.join(root, "packages/testing/mutants/cluster/main.ts")

type How = Pick<ClusterMutant, "program" | "faults">

interface Explored {
  readonly schedules?: number
  readonly why: string
}

const explore = (folder: string, { faults, program }: How, schedules: number): Explored => {
  const args = ["--conditions=@troupe/source", explorer, folder, program, JSON.stringify(faults), String(schedules)]
  const { status, stderr, stdout } = spawnSync(process.execPath, args, { encoding: "utf8" })
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout.trim().split("\n").at(-1)!)
}

const nameOf = ({ faults, program }: How): string => `${program} with ${JSON.stringify(faults)}`

const mainOfCluster = (part: string): number => {
  const chosen = clusterMutants.filter(({ name }) => name.includes(part))
  const source = path.join(root, "packages/cluster")
  const sound = makeCopy(0, undefined, source)
  for (const how of new Map(chosen.map((how) => [nameOf(how), how])).values()) {
    const { schedules, why } = explore(sound, how, SOUND)
    if (schedules === undefined) continue
    console.error(`${nameOf(how)} fails without any change: ${why}`)
    return 1
  }
  let survivors = 0
  for (const [index, mutant] of chosen.entries()) {
    const { schedules, why } = explore(makeCopy(index + 1, mutant, source), mutant, SCHEDULES)
    if (schedules === undefined) survivors++
    console.log(
      schedules === undefined
        ? `SURVIVES  ${mutant.name}\n          ${SCHEDULES} schedules of ${nameOf(mutant)}`
        : `noticed   ${mutant.name}\n          schedule ${schedules} of ${nameOf(mutant)}: ${short(why)}`
    )
  }
  console.log(`\n${chosen.length - survivors} of ${chosen.length} mutants of the cluster noticed`)
  return survivors === 0 ? 0 : 1
}

const random = async (args: ReadonlyArray<string>): Promise<number> => {
  const folder = path.join(root, "packages/testing/mutants/random")
  await installOwn(folder)
  return spawnSync(process.execPath, [path.join(folder, "main.ts"), ...args], { stdio: "inherit" }).status ?? 1
}

const args = process.argv.slice(2)
try {
  if (args.includes("--random")) process.exitCode = await random(args)
  else process.exitCode = args[0] === "cluster" ? mainOfCluster(args[1] ?? "") : await main(args[0] ?? "")
} finally {
  rmSync(temporary, { recursive: true, force: true })
}

/**
 * What a bundle of a program grows by: minified and gzipped, without `effect`, which such a program has anyway.
 *
 *     npm run check:bundle                 # fails when a limit is exceeded
 *     npm run check:bundle -- --files      # also says which files the bytes are from
 *
 * It also makes sure that whoever imports a contract gets none of its implementation.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import path from "node:path"
import { gzipSync } from "node:zlib"
import { build as esbuild, type Metafile } from "esbuild"
import { publicPackages, root } from "./packages.ts"
import { build } from "./packTarball.ts"

interface Bundle {
  readonly text: string
  readonly gzipped: number
  readonly inputs: Metafile["outputs"][string]["inputs"]
}

/** Bundles a file as a person would for a browser. Packages are taken from their `dist`. */
const bundle = async (folder: string, name: string, code: string): Promise<Bundle> => {
  const file = path.join(folder, name)
  writeFileSync(file, code)
  const { metafile, outputFiles } = await esbuild({
    entryPoints: [file],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    external: ["effect", "effect/*"],
    write: false,
    metafile: true,
    logLevel: "silent"
  })
  const [output] = Object.values(metafile.outputs)
  const text = outputFiles[0]?.text ?? ""
  return { text, gzipped: gzipSync(text, { level: 9 }).length, inputs: output?.inputs ?? {} }
}

// --- contracts -------------------------------------------------------------------------------------------------------

const secret = "only the implementation knows this"

const contractFrom = (actor: string) => `
import ${actor}
import { Schema } from "effect"

export class Counter extends Actor.Service()("app/Counter", {
  methods: { increment: Actor.method({ args: [Schema.Int], success: Schema.Int }) }
}) {}
`
const implementation = `
import { Effect } from "effect"
import { Counter } from "./Counter.js"

export const CounterLive = Counter.toLayer(
  Effect.sync(() => Counter.of({ increment: (by) => Effect.as(Effect.log(${JSON.stringify(secret)}), by + 1) }))
)
`
const caller = `
import { Effect } from "effect"
import { Counter } from "./Counter.js"

export const program = Effect.gen(function* () {
  const counter = yield* Counter
  return yield* counter.increment(1)
})
`

/** A client that imports the contract must not contain the implementation, and a server must, or this tests nothing. */
const contractProblems = async (folder: string): Promise<ReadonlyArray<string>> => {
  writeFileSync(path.join(folder, "Counter.js"), contractFrom(`{ Actor } from "@troupe/core"`))
  writeFileSync(path.join(folder, "CounterLive.js"), implementation)
  const client = await bundle(folder, "client.js", caller)
  const server = await bundle(folder, "server.js", `${caller}\nexport { CounterLive } from "./CounterLive.js"`)
  return [
    ...(client.text.includes(secret) ? ["a client that imports a contract contains its implementation"] : []),
    ...(server.text.includes(secret) ? [] : ["a server does not contain the implementation of its actor"])
  ]
}

// --- limits ----------------------------------------------------------------------------------------------------------

/**
 * The most that each may be, in bytes: what it is, and a little room. Lower them when the code gets smaller, and raise
 * them for a reason that is worth it. A program has what it imports, so the second row is what most people get.
 */
const limits: ReadonlyArray<readonly [what: string, limit: number, code: string]> = [
  ["all of core", 40_300, `export * from "@troupe/core"`],
  ["Actor.Service", 24_200, `export { Service } from "@troupe/core/Actor"`],
  ["Actor.Keyed", 25_500, `export { Keyed } from "@troupe/core/Actor"`],
  // What a caller in another process or thread has: the class brings `toLayer`, and with it all that runs an instance.
  ["a contract", 26_800, contractFrom(`{ Actor } from "@troupe/core"`)],
  ["a contract, from its module", 24_400, contractFrom(`* as Actor from "@troupe/core/Actor"`)],
  ["Task.make", 21_500, `export { make } from "@troupe/core/Task"`],
  ["ObjectRef.get", 9_900, `export { get } from "@troupe/core/ObjectRef"`],
  ["ActorError", 2_300, `export { ActorError } from "@troupe/core/ActorError"`]
]

const kB = (bytes: number) => `${(bytes / 1000).toFixed(1).padStart(5)} kB`

const files = ({ inputs }: Bundle): string =>
  Object.entries(inputs)
    .map(([file, { bytesInOutput }]) => [path.relative("packages/core/dist", file), bytesInOutput] as const)
    .filter(([, bytes]) => bytes > 0)
    .sort(([, a], [, b]) => b - a)
    .map(([file, bytes]) => `    ${kB(bytes)}  ${file}`)
    .join("\n")

// --- the report ------------------------------------------------------------------------------------------------------

const temporary = path.join(root, "docs/.tmp")
mkdirSync(temporary, { recursive: true })
const folder = mkdtempSync(path.join(temporary, "bundle-"))
const showFiles = process.argv.includes("--files")

try {
  for (const one of publicPackages(["core"])) await build(one)
  const problems = [...(await contractProblems(folder))]
  for (const [what, limit, code] of limits) {
    const result = await bundle(folder, `${what.replaceAll(/\W/g, "-")}.js`, code)
    console.log(`${kB(result.gzipped)} gzipped, ${kB(result.text.length)} minified, limit ${kB(limit)}  ${what}`)
    if (showFiles) console.log(files(result))
    if (result.gzipped > limit) problems.push(`${what} is larger than its limit of ${kB(limit)}`)
  }
  if (problems.length > 0) throw new Error(problems.join("\n"))
  console.log("a client that imports a contract has none of its implementation")
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true })
}

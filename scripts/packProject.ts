// An empty project outside the workspace that has the packed packages installed, and what a person would do there
// first: the README's example, in JavaScript and in TypeScript.
import { execFileSync } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import path from "node:path"
import { build as bundle, transform } from "esbuild"
import type { Block } from "../docs/test/blocks.ts"
import { expectedOutput } from "../docs/test/blocks.ts"
import { bundleBanner } from "./bundleBanner.ts"
import type { Package } from "./packages.ts"
import { lockedVersions, run, type Tarball } from "./packTarball.ts"

/** A program that is put into the project, with what it is to print. */
export interface Example {
  readonly name: string
  readonly code: string
  readonly runs: boolean
  readonly prints: ReadonlyArray<string>
  /** The oldest Node that the package is for: the numbers of its version. */
  readonly since: ReadonlyArray<number>
}

const numbers = (version: string): ReadonlyArray<number> => (version.match(/\d+/g) ?? []).map(Number)

export const exampleOf = (name: string, block: Block, engines = ""): Example => ({
  name,
  code: `${block.code}\n`,
  runs: block.kind === "run",
  prints: expectedOutput(block),
  since: numbers(engines)
})

/** A Node to run things on. */
export interface Node {
  readonly path: string
  readonly version: ReadonlyArray<number>
}

export const nodeAt = (path: string): Node => ({ path, version: numbers(execFileSync(path, ["--version"]).toString()) })

const isFor = ({ since }: Example, { version }: Node): boolean => {
  const at = since.findIndex((number, i) => number !== version[i])
  return at < 0 || (since[at] ?? 0) < (version[at] ?? 0)
}

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`

const write = (folder: string, file: string, text: string) => {
  mkdirSync(path.dirname(path.join(folder, file)), { recursive: true })
  writeFileSync(path.join(folder, file), text)
}

/** What a project has to have besides a package: its peers, those that are optional included. */
const peersOf = (packages: ReadonlyArray<Package>): ReadonlyArray<string> => [
  ...new Set(packages.flatMap(({ manifest }) => Object.keys(manifest.peerDependencies ?? {})))
]

/** Installs tarballs and their peers, in the versions of our lock file, from npm's cache where it has them. */
export const install = async (
  folder: string,
  packages: ReadonlyArray<Package>,
  tarballs: ReadonlyArray<Tarball>
): Promise<void> => {
  const versions = lockedVersions()
  const ours = Object.fromEntries(tarballs.map(({ name, file }) => [name, `file:${file}`]))
  const peers = peersOf(packages).filter((name) => !(name in ours))
  const wanted = [...peers, "@types/node"].map((name) => [name, versions[name] ?? "*"] as const)
  const dependencies: Record<string, string> = { ...Object.fromEntries(wanted), ...ours }
  const others = Object.entries(versions).filter(([name]) => !(name in dependencies))
  // Ours depend on each other: those have to come from the tarballs, too.
  const overrides = { ...Object.fromEntries(others), ...Object.fromEntries(Object.keys(ours).map((n) => [n, `$${n}`])) }
  write(
    folder,
    "package.json",
    json({ name: "a-strangers-project", private: true, type: "module", dependencies, overrides })
  )
  const flags = ["--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
  await run(folder, "npm", "install", ...flags)
}

// --- JavaScript ------------------------------------------------------------------------------------------------------

const escape = (text: string) => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&")

const sameOutput = (printed: string, expected: ReadonlyArray<string>): boolean => {
  if (expected.length === 0) return true
  const lines = expected.map((line) => line.split("…").map(escape).join(".*"))
  return new RegExp(`^${lines.join("\\s*\\n")}\\s*$`).test(printed)
}

let turn: Promise<unknown> = Promise.resolve()

/** Runs examples one after the other, whoever asks: one may listen on a port, which is the same on every Node. */
const inTurn = (folder: string, node: string, file: string): Promise<string> => {
  const printed = turn.then(() => run(folder, node, file))
  turn = printed.catch(() => {})
  return printed
}

const check = async (folder: string, node: string, file: string, example: Example): Promise<void> => {
  if (!example.runs) return
  const printed = await inTurn(folder, node, file)
  if (!sameOutput(printed, example.prints)) {
    throw new Error(`${example.name} prints\n${printed}instead of\n${example.prints.join("\n")}`)
  }
}

/** Runs the examples as plain JavaScript, on several Nodes. */
export const asJavaScript = async (
  folder: string,
  examples: ReadonlyArray<Example>,
  nodes: ReadonlyArray<Node>
): Promise<void> => {
  for (const example of examples) {
    const file = `js/${example.name}.js`
    const { code } = await transform(example.code, { loader: "ts", target: "es2022" })
    write(folder, file, code)
    const able = nodes.filter((node) => isFor(example, node))
    await Promise.all(able.map(({ path }) => check(folder, path, file, example)))
  }
}

/** Loads every public module, and is refused every other one. */
export const opensOnly = async (
  folder: string,
  node: string,
  open: ReadonlyArray<string>,
  closed: ReadonlyArray<string>
): Promise<void> => {
  const code = `
for (const name of ${JSON.stringify(open)}) {
  if (Object.keys(await import(name)).length === 0) throw new Error(name + " exports nothing")
}
for (const name of ${JSON.stringify(closed)}) {
  const code = await import(name).then(() => "it loads", (error) => error.code)
  if (code !== "ERR_PACKAGE_PATH_NOT_EXPORTED" && code !== "ERR_MODULE_NOT_FOUND") {
    throw new Error(name + " should be closed: " + code)
  }
}
`
  write(folder, "js/modules.js", code)
  await run(folder, node, "js/modules.js")
}

/** Runs the commands that come with the packages, as npm has installed them. */
export const commandsRun = async (folder: string, packages: ReadonlyArray<Package>): Promise<ReadonlyArray<string>> => {
  const names = packages.flatMap(({ manifest }) => Object.keys(manifest.bin ?? {}))
  await Promise.all(names.map((name) => run(folder, path.join("node_modules", ".bin", name), "--help")))
  return names
}

// --- TypeScript ------------------------------------------------------------------------------------------------------

const require = createRequire(import.meta.url)

/** A TypeScript among the dependencies of this repository. */
export interface Compiler {
  readonly version: string
  readonly path: string
}

/** The compiler of a dependency. Its files differ: up to version 6 it is JavaScript, from 7 on a native program. */
export const compiler = (dependency: string): Compiler => {
  const manifest = require.resolve(`${dependency}/package.json`)
  return { version: require(manifest).version, path: path.join(path.dirname(manifest), "bin/tsc") }
}

/** The two ways in which TypeScript finds packages that our users have. */
export type Resolution = "nodenext" | "bundler"

const compilerOptions = (resolution: Resolution, skipLibCheck: boolean) => ({
  target: "es2022",
  lib: ["es2024", "dom", "dom.iterable"],
  types: ["node"],
  module: resolution === "nodenext" ? "nodenext" : "esnext",
  moduleResolution: resolution,
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck,
  outDir: "out",
  rootDir: "."
})

/**
 * Compiles the examples, and imports of all public modules, with one compiler and one way to find packages, then runs
 * what came out. With `declarations` it also checks all declarations, ours and those that they use, which takes three
 * times as long.
 */
export const asTypeScript = async (
  folder: string,
  node: string,
  { path: tsc, version }: Compiler,
  resolution: Resolution,
  declarations: boolean,
  examples: ReadonlyArray<Example>,
  open: ReadonlyArray<string>,
  closed: ReadonlyArray<string>
): Promise<void> => {
  const project = path.join(folder, `ts-${resolution}-${version}`)
  write(
    project,
    "tsconfig.json",
    json({ compilerOptions: compilerOptions(resolution, !declarations), include: ["*.ts"] })
  )
  for (const { code, name } of examples) write(project, `${name}.ts`, code)
  write(project, "open.ts", `${open.map((name) => `import type {} from "${name}"`).join("\n")}\nexport {}\n`)
  // The comment makes it an error if the compiler does not refuse the import.
  const refused = closed.map((name) => `// @ts-expect-error\nimport type {} from "${name}"`)
  write(project, "closed.ts", `${refused.join("\n")}\nexport {}\n`)
  await run(project, node, tsc, "--pretty", "false")
  for (const example of examples) {
    const compiled = path.join("out", `${example.name}.js`)
    if (resolution === "nodenext") await check(project, node, compiled, example)
    else await checkBundled(project, node, compiled, example)
  }
}

/** A bundler puts everything into one file, `effect` included, which then runs anywhere. */
const checkBundled = async (project: string, node: string, compiled: string, example: Example): Promise<void> => {
  if (!example.runs) return
  const outfile = path.join(project, "bundled", `${example.name}.mjs`)
  const entryPoints = [path.join(project, compiled)]
  await bundle({
    entryPoints,
    outfile,
    bundle: true,
    minify: true,
    format: "esm",
    platform: "node",
    banner: { js: bundleBanner },
    logLevel: "silent"
  })
  await check(project, node, outfile, example)
}

// Builds packages, packs them as npm would publish them, and looks at what came out.
import { execFile } from "node:child_process"
import { existsSync, globSync, readFileSync, rmSync } from "node:fs"
import path from "node:path"
import { promisify } from "node:util"
import { publint } from "publint"
import { formatMessage } from "publint/utils"
import { type Package, publicModules, readJson, root } from "./packages.ts"

const exec = promisify(execFile)

/** Runs a program and gives what it prints. An error has that, too: many programs explain themselves on stdout. */
export const run = async (cwd: string, command: string, ...args: ReadonlyArray<string>): Promise<string> => {
  try {
    const { stdout } = await exec(command, args, { cwd, maxBuffer: 2 ** 26, timeout: 240_000 })
    return stdout
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { readonly stdout?: string; readonly stderr?: string }
    throw new Error(`${command} ${args.join(" ")}\n${stdout}${stderr}`.trimEnd(), { cause: error })
  }
}

/** Compiles a package to its `dist`, from nothing: a file whose source is gone must not be published. */
export const build = async (one: Package): Promise<void> => {
  rmSync(path.join(one.folder, "dist"), { recursive: true, force: true })
  await run(one.folder, "npm", "run", "--silent", "build")
}

/** What npm would publish. */
export interface Tarball {
  readonly name: string
  /** The path of the `.tgz`. */
  readonly file: string
  /** Its size in bytes, packed. */
  readonly size: number
  /** The paths in it, as they will be below `node_modules/<name>`. */
  readonly contents: ReadonlyArray<string>
}

/** Packs a built package into a folder. */
export const pack = async (one: Package, destination: string): Promise<Tarball> => {
  const output = await run(one.folder, "npm", "pack", "--json", "--silent", "--pack-destination", destination)
  const [report] = JSON.parse(output)
  return {
    name: one.manifest.name,
    file: path.join(destination, report.filename),
    size: report.size,
    contents: report.files.map((file: { readonly path: string }) => file.path)
  }
}

/** A declaration map leads to a source in the same package, or "go to definition" ends nowhere. */
const deadMaps = (one: Package, { contents }: Tarball): ReadonlyArray<string> =>
  contents
    .filter((file) => file.endsWith(".map"))
    .filter((file) => {
      const { sources }: { readonly sources: ReadonlyArray<string> } = readJson(path.join(one.folder, file))
      return !sources.every((source) => contents.includes(path.posix.join(path.posix.dirname(file), source)))
    })
    .map((file) => `${file} leads to a source that is not in the package`)

/** Paths of this machine have no business in a package. */
const namesOfMachine = (one: Package, { contents }: Tarball): ReadonlyArray<string> =>
  contents
    .filter((file) => readFileSync(path.join(one.folder, file), "utf8").includes(root))
    .map((file) => `${file} contains a path of this machine`)

const missingFiles = (one: Package, { contents }: Tarball): ReadonlyArray<string> => {
  // Each of these, if the package has it; the first two in any case.
  const optional = ["AGENTS.md", "CHANGELOG.md"].filter((file) => existsSync(path.join(one.folder, file)))
  const compiled = publicModules(one).flatMap((name) =>
    [".js", ".d.ts", ".d.ts.map"].map((end) => `dist/${name}${end}`)
  )
  return ["README.md", "LICENSE", ...optional, ...compiled]
    .filter((file) => !contents.includes(file))
    .map((file) => `${file} is not in the package`)
}

/** npm adds some files by itself. A test, a log or a build's own notes should not be among them. */
const strangers = ({ manifest: { files = [] } }: Package, { contents }: Tarball): ReadonlyArray<string> => {
  const wanted = ["package.json", "LICENSE", ...files]
  return contents
    .filter(
      (file) =>
        !wanted.some((name) => file === name || file.startsWith(`${name}/`)) || /\.(test|tsbuildinfo|log)\b/.test(file)
    )
    .map((file) => `${file} should not be in the package`)
}

/** A module that the README does not name is one that nobody finds. */
const unnamedModules = (one: Package): ReadonlyArray<string> => {
  const file = path.join(one.folder, "README.md")
  const text = existsSync(file) ? readFileSync(file, "utf8") : ""
  return publicModules(one)
    .filter((module) => !text.includes(`\`${module}\``) && !text.includes(`/${module}\``))
    .map((module) => `README.md does not name the module ${module}`)
}

const manifestProblems = (one: Package): ReadonlyArray<string> => {
  const manifest = readJson(path.join(one.folder, "package.json"))
  const expected: Record<string, unknown> = {
    type: "module",
    license: "MIT",
    sideEffects: false,
    "exports../internal/*": null
  }
  const actual: Record<string, unknown> = { ...manifest, "exports../internal/*": manifest.exports?.["./internal/*"] }
  return Object.keys(expected)
    .filter((key) => actual[key] !== expected[key])
    .map((key) => `package.json: ${key} is ${JSON.stringify(actual[key])}, not ${JSON.stringify(expected[key])}`)
}

const lint = async (tarball: Tarball): Promise<ReadonlyArray<string>> => {
  const bytes = readFileSync(tarball.file)
  const content = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer
  const { messages, pkg } = await publint({ pack: { tarball: content }, strict: true })
  return messages.map((message) => `publint: ${formatMessage(message, pkg, { color: false }) ?? message.code}`)
}

/** All that is wrong with a tarball. */
export const problemsOf = async (one: Package, tarball: Tarball): Promise<ReadonlyArray<string>> =>
  [
    ...manifestProblems(one),
    ...unnamedModules(one),
    ...missingFiles(one, tarball),
    ...strangers(one, tarball),
    ...deadMaps(one, tarball),
    ...namesOfMachine(one, tarball),
    ...(await lint(tarball))
  ].map((problem) => `${one.manifest.name}: ${problem}`)

/** The versions that this repository's lock file has, so that a project installs the same, and from npm's cache. */
export const lockedVersions = (): Readonly<Record<string, string>> => {
  const { packages } = readJson(path.join(root, "package-lock.json"))
  const entries = Object.entries<{ readonly version?: string; readonly name?: string; readonly link?: boolean }>(
    packages
  )
  return Object.fromEntries(
    entries.flatMap(([key, { version, name, link }]) =>
      /^node_modules\/(@[^/]+\/)?[^/]+$/.test(key) && !link && version !== undefined && name === undefined
        ? [[key.slice("node_modules/".length), version]]
        : []
    )
  )
}

/** The barrel of a package and the modules behind it, as they are imported. */
export const specifiers = ({ manifest: { name }, modules }: Package): ReadonlyArray<string> => [
  name,
  ...modules.map((module) => `${name}/${module}`)
]

/** The modules of a package that nobody may import. */
export const closedSpecifiers = ({ folder, manifest: { name } }: Package): ReadonlyArray<string> => {
  const internal = globSync("internal/*.ts", { cwd: path.join(folder, "src") })
  return internal.slice(0, 2).flatMap((file) => {
    const module = file.slice(0, -".ts".length)
    return [`${name}/${module}`, `${name}/dist/${module}.js`, `${name}/src/${file}`]
  })
}

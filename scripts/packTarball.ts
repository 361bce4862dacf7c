// Builds packages, packs them as npm would publish them, and looks at what came out.
import { execFile } from "node:child_process"
import { cpSync, existsSync, globSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import path from "node:path"
import { promisify } from "node:util"
import { publint } from "publint"
import { formatMessage } from "publint/utils"
import { parseMarkdown } from "../examples/links/markdown.ts"
import { type Address, isRelative, type Place, packedReadme, withAddress } from "./packAddress.ts"
import { type Manifest, type Package, publicModules, readJson, root } from "./packages.ts"

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
  /** The folder that was packed. */
  readonly folder: string
  /** The path of the `.tgz`. */
  readonly file: string
  /** Its size in bytes, packed. */
  readonly size: number
  /** The paths in it, as they will be below `node_modules/<name>`. */
  readonly contents: ReadonlyArray<string>
}

/** Copies what is to be packed, and writes into the copy what depends on where the repository is. */
const stage = (one: Package, folder: string, address: Address | undefined): void => {
  const directory = `packages/${one.id}`
  const place: Place | undefined = address && { address, directory, version: one.manifest.version }
  for (const name of ["package.json", "LICENSE", ...(one.manifest.files ?? [])]) {
    const from = path.join(one.folder, name)
    if (existsSync(from)) cpSync(from, path.join(folder, name), { recursive: true })
  }
  for (const file of globSync("*.md", { cwd: folder }).map((name) => path.join(folder, name))) {
    writeFileSync(file, packedReadme(readFileSync(file, "utf8"), directory, place))
  }
  if (place === undefined) return
  const manifest = path.join(folder, "package.json")
  writeFileSync(manifest, `${JSON.stringify(withAddress(readJson(manifest), place), null, 2)}\n`)
}

/** Packs a built package into a folder, with the address of the repository where it has one. */
export const pack = async (one: Package, destination: string, address?: Address): Promise<Tarball> => {
  const folder = path.join(destination, "staged", one.id)
  stage(one, folder, address)
  const output = await run(folder, "npm", "pack", "--json", "--silent", "--pack-destination", destination)
  const [report] = JSON.parse(output)
  return {
    name: one.manifest.name,
    folder,
    file: path.join(destination, report.filename),
    size: report.size,
    contents: report.files.map((file: { readonly path: string }) => file.path)
  }
}

/** A declaration map leads to a source in the same package, or "go to definition" ends nowhere. */
const deadMaps = ({ contents, folder }: Tarball): ReadonlyArray<string> =>
  contents
    .filter((file) => file.endsWith(".map"))
    .filter((file) => {
      const { sources }: { readonly sources: ReadonlyArray<string> } = readJson(path.join(folder, file))
      return !sources.every((source) => contents.includes(path.posix.join(path.posix.dirname(file), source)))
    })
    .map((file) => `${file} leads to a source that is not in the package`)

/** Paths of this machine have no business in a package. */
const namesOfMachine = ({ contents, folder }: Tarball): ReadonlyArray<string> =>
  contents
    .filter((file) => readFileSync(path.join(folder, file), "utf8").includes(root))
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

/** Links that lead nowhere from a package: to what is not in it. */
const deadLinks = ({ contents, folder }: Tarball): ReadonlyArray<string> =>
  contents
    .filter((file) => /^[^/]+\.md$/.test(file))
    .flatMap((file) => {
      const targets = parseMarkdown(readFileSync(path.join(folder, file), "utf8")).links.map(({ target }) => target)
      return targets
        .filter((target) => isRelative(target) && !contents.includes(path.posix.normalize(target.split("#")[0] ?? "")))
        .map((target) => `${file} links to ${target}, which is not in the package`)
    })

const manifestProblems = (manifest: any): ReadonlyArray<string> => {
  const expected: Record<string, unknown> = {
    type: "module",
    license: "MIT",
    author: "The Troupe authors",
    sideEffects: false,
    "exports../internal/*": null,
    "publishConfig.provenance": true
  }
  const actual: Record<string, unknown> = {
    ...manifest,
    "exports../internal/*": manifest.exports?.["./internal/*"],
    "publishConfig.provenance": manifest.publishConfig?.provenance
  }
  return Object.keys(expected)
    .filter((key) => actual[key] !== expected[key])
    .map((key) => `package.json: ${key} is ${JSON.stringify(actual[key])}, not ${JSON.stringify(expected[key])}`)
}

/**
 * The peers of a package's dependencies that it neither has nor asks for. npm finds those that happen to be installed
 * further up; stricter installers refuse. `find` gives the `package.json` of a dependency.
 */
export const unmetPeers = (manifest: Manifest, find: (name: string) => Manifest): ReadonlyArray<string> => {
  const { dependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} } = manifest
  const isMet = (peer: string) =>
    peer in dependencies || (peer in peerDependencies && peerDependenciesMeta[peer]?.optional !== true)
  return Object.keys(dependencies).flatMap((name) => {
    const { peerDependencies: peers = {}, peerDependenciesMeta: meta = {} } = find(name)
    return Object.keys(peers)
      .filter((peer) => meta[peer]?.optional !== true && !isMet(peer))
      .map((peer) => `package.json: ${name} has the peer ${peer}, which is neither a dependency nor a peer here`)
  })
}

/** The `package.json` of something installed, our own packages included. */
const installed = (name: string): Manifest => readJson(path.join(root, "node_modules", name, "package.json"))

const lint = async (tarball: Tarball): Promise<ReadonlyArray<string>> => {
  const bytes = readFileSync(tarball.file)
  const content = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer
  const { messages, pkg } = await publint({ pack: { tarball: content }, strict: true })
  return messages.map((message) => `publint: ${formatMessage(message, pkg, { color: false }) ?? message.code}`)
}

/** All that is wrong with a tarball. */
export const problemsOf = async (one: Package, tarball: Tarball): Promise<ReadonlyArray<string>> =>
  [
    ...manifestProblems(readJson(path.join(tarball.folder, "package.json"))),
    ...unmetPeers(one.manifest, installed),
    ...unnamedModules(one),
    ...missingFiles(one, tarball),
    ...strangers(one, tarball),
    ...deadMaps(tarball),
    ...deadLinks(tarball),
    ...namesOfMachine(tarball),
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
  const internal = globSync("internal/**/*.ts", { cwd: path.join(folder, "src") })
  return internal.slice(0, 2).flatMap((file) => {
    const module = file.slice(0, -".ts".length)
    return [`${name}/${module}`, `${name}/dist/${module}.js`, `${name}/src/${file}`]
  })
}

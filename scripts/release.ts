/**
 * Releases all packages, with one version.
 *
 *     npm run release -- --dry-run    # what the next release would be; changes nothing, needs no network
 *     npm run release                 # writes the versions and the change logs; commit and tag them
 *     npm run release -- --publish    # publishes what is committed, from CI, where npm can say where it comes from
 *
 * Versions come from the files in `.changeset`, and where the packages come from is the remote `origin` of this clone:
 * see `packAddress.ts`.
 */
import { execFileSync, spawnSync } from "node:child_process"
import { cpSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import path from "node:path"
import { type Address, addressOf, packedReadme, withAddress } from "./packAddress.ts"
import { type Manifest, type Package, publicPackages, readJson, root } from "./packages.ts"
import { build, pack, problemsOf, run, type Tarball } from "./packTarball.ts"

const usage = "usage: npm run release [-- --dry-run | --publish]"
const [mode = "--version", ...rest] = process.argv.slice(2)
if (rest.length > 0 || !["--version", "--dry-run", "--publish"].includes(mode)) {
  console.error(usage)
  process.exit(2)
}

const changesets = path.join(
  path.dirname(createRequire(import.meta.url).resolve("@changesets/cli/package.json")),
  "bin.js"
)

/** The changes to come, but for the folder's own README. */
const pending = (folder: string) =>
  globSync(".changeset/*.md", { cwd: folder }).filter((file) => !/README\.md$/.test(file))

/** Turns the files in `.changeset` into versions and change logs. The sources of core have their version, too. */
const writeVersions = async (folder: string) => {
  await run(folder, process.execPath, changesets, "version")
  const core = path.join(folder, "packages/core")
  const { version }: Manifest = readJson(path.join(core, "package.json"))
  const file = path.join(core, "src/internal/base/version.ts")
  writeFileSync(file, readFileSync(file, "utf8").replace(/(?<=version = )".*"/, JSON.stringify(version)))
}

const git = (...args: ReadonlyArray<string>) => execFileSync("git", args, { cwd: root }).toString().trim()

/** Where this clone comes from, or a sentence that says why that is not known. */
const origin = (): Address | string => {
  // git ends with an error where there is no such remote: then there is none.
  const { stdout } = spawnSync("git", ["remote", "get-url", "origin"], { cwd: root })
  return addressOf(stdout?.toString().trim())
}

/** The same package at another place: with the versions that were written there. */
const packageIn = (folder: string, one: Package): Package => {
  const place = path.join(folder, "packages", one.id)
  return { ...one, folder: place, manifest: readJson(path.join(place, "package.json")) }
}

const rangeOf = (manifest: Manifest, name: string) => manifest.dependencies?.[name] ?? manifest.peerDependencies?.[name]

/** What does not fit together in a release, tarballs aside. */
const misfits = (packages: ReadonlyArray<Package>): ReadonlyArray<string> => {
  const [first] = packages
  const version = first?.manifest.version ?? ""
  return packages.flatMap(({ folder, manifest }) => {
    const changeLog = path.join(folder, "CHANGELOG.md")
    const log = existsSync(changeLog) ? readFileSync(changeLog, "utf8") : ""
    const ranges = packages.flatMap((other) => {
      const range = rangeOf(manifest, other.manifest.name)
      return range === undefined || range === `^${version}` || range === version
        ? []
        : [`${manifest.name} takes ${other.manifest.name} ${range}, not ^${version}`]
    })
    return [
      ...(manifest.version === version ? [] : [`${manifest.name} is at ${manifest.version}, not ${version}`]),
      ...(new RegExp(`^## ${version.replaceAll(".", "\\.")}$`, "m").test(log)
        ? []
        : [`${manifest.name}: the change log says nothing of ${version}`]),
      ...ranges
    ]
  })
}

/** Packs what is to be published. Fails where anything is wrong with it. */
const check = async (packages: ReadonlyArray<Package>, address?: Address): Promise<ReadonlyArray<Tarball>> => {
  const tarballs = await Promise.all(packages.map((one) => pack(one, temporary, address)))
  const problems = await Promise.all(packages.map((one, i) => problemsOf(one, tarballs[i]!)))
  const all = [...misfits(packages), ...problems.flat()]
  if (all.length > 0) throw new Error(all.join("\n"))
  return tarballs
}

const show = (packages: ReadonlyArray<Package>, tarballs: ReadonlyArray<Tarball>) => {
  packages.forEach(({ manifest }, i) => {
    const { contents, size } = tarballs[i]!
    console.log(`${manifest.name} ${manifest.version}: ${contents.length} files, ${Math.ceil(size / 1000)} kB`)
  })
}

/** The part of a change log that is about the newest version. */
const newest = ({ folder }: Package): string =>
  readFileSync(path.join(folder, "CHANGELOG.md"), "utf8")
    .split(/^(?=## )/m)[1]
    ?.trim() ?? ""

/** What a release writes into a package, with a link of its README. */
const showAddress = (one: Package, address: Address) => {
  const place = { address, directory: `packages/${one.id}`, version: one.manifest.version }
  const { bugs, homepage, repository } = withAddress(one.manifest, place)
  const readme = readFileSync(path.join(one.folder, "README.md"), "utf8")
  const [, link = ""] = /^- (\[[^\]]+\]\(\.\.[^)]*\))/m.exec(readme) ?? []
  console.log(`  repository  ${repository.url}, directory ${repository.directory}
  homepage    ${homepage}
  bugs        ${bugs.url}
  README.md   ${link}
  becomes     ${packedReadme(link, place.directory, place)}`)
}

const temporary = mkdtempSync(path.join(tmpdir(), "troupe-release-"))

/** Plays the release in a copy. */
const dryRun = async (packages: ReadonlyArray<Package>) => {
  const copy = path.join(temporary, "copy")
  const skipped = /[\\/](node_modules|test|\.[^\\/]*)$/
  for (const name of ["package.json", "package-lock.json", ".changeset", "packages"]) {
    const from = path.join(root, name)
    cpSync(from, path.join(copy, name), { recursive: true, filter: (file) => file === from || !skipped.test(file) })
  }
  symlinkSync(path.join(root, "node_modules"), path.join(copy, "node_modules"), "dir")
  const changes = pending(copy).length
  if (changes > 0) await writeVersions(copy)
  const there = packages.map((one) => packageIn(copy, one))
  const address = origin()
  const known = typeof address !== "string"
  show(there, await check(there, known ? address : undefined))
  console.log(
    changes === 0 ? "\nno changes to come: this version would be published as it is" : `\n${newest(there[0]!)}`
  )
  const example = "git@github.com:owner/repository.git"
  console.log(
    known
      ? `\nfrom the remote "origin", package.json and README.md of ${there[0]?.manifest.name} get:`
      : `\n--publish would refuse: ${address}\nif it were ${example}, ${there[0]?.manifest.name} would get:`
  )
  showAddress(there[0]!, known ? address : (addressOf(example) as Address))
}

const assertClean = () => {
  if (git("status", "--porcelain") !== "") throw new Error("there are changes that are not committed")
}

const version = async (packages: ReadonlyArray<Package>) => {
  assertClean()
  if (pending(root).length === 0) throw new Error("there is nothing to release: no files in .changeset")
  await writeVersions(root)
  // The lock file has the versions of our own packages, too.
  await run(root, "npm", "install", "--package-lock-only", "--prefer-offline", "--no-audit", "--no-fund")
  const here = packages.map((one) => packageIn(root, one))
  show(here, await check(here))
  const next = here[0]?.manifest.version
  console.log(`\nLook at it, commit it and tag it: git add -A && git commit -m "Release ${next}" && git tag v${next}`)
}

const publish = async (packages: ReadonlyArray<Package>) => {
  assertClean()
  if (pending(root).length > 0) throw new Error("there are changes to come in .changeset: first run npm run release")
  const address = origin()
  if (typeof address === "string") throw new Error(address)
  const tag = `v${packages[0]?.manifest.version}`
  if (!git("tag", "--points-at", "HEAD").split("\n").includes(tag)) {
    throw new Error(`this commit has no tag ${tag}, which is where the links of the READMEs lead`)
  }
  const tarballs = await check(packages, address)
  for (const { file, name } of tarballs) {
    await run(temporary, "npm", "publish", file, "--access", "public", "--provenance")
    console.log(`published ${name}`)
  }
}

try {
  const packages = publicPackages()
  for (const one of packages) await build(one)
  await (mode === "--dry-run" ? dryRun(packages) : mode === "--publish" ? publish(packages) : version(packages))
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
} finally {
  rmSync(temporary, { recursive: true })
}

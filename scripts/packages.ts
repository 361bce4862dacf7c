// The packages of this repository, as the scripts that build, check and publish them see them.
import { existsSync, globSync, readFileSync } from "node:fs"
import path from "node:path"

/** The top folder of the repository. */
export const root = path.resolve(import.meta.dirname, "..")

/** The parts of a `package.json` that our scripts look at. */
export interface Manifest {
  readonly name: string
  readonly version: string
  readonly private?: boolean
  readonly bin?: Readonly<Record<string, string>>
  readonly files?: ReadonlyArray<string>
  readonly engines?: { readonly node?: string }
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
}

/** A package that people install. */
export interface Package {
  /** The name of its folder, `core`. */
  readonly id: string
  readonly folder: string
  readonly manifest: Manifest
  /** The names of the modules behind its barrel: `Actor`, `ObjectRef`. */
  readonly modules: ReadonlyArray<string>
  /** Public modules beside the barrel, which need more than the package itself does. */
  readonly extras: ReadonlyArray<string>
}

export const readJson = (file: string): any => JSON.parse(readFileSync(file, "utf8"))

/** Whether a module is in the barrel of its package. One that needs more than the package does says that it is not. */
export const isInBarrel = (file: string): boolean =>
  /^[A-Z]/.test(path.basename(file)) &&
  !/^\/\*\*(?:(?!\*\/)[\s\S])*is not in the barrel/.test(readFileSync(file, "utf8"))

const read = (folder: string): Package => {
  // Only the files at the top are public; the rest of a package lives in `internal/`.
  const names = globSync("*.ts", { cwd: path.join(folder, "src") })
    .map((file) => path.basename(file, ".ts"))
    .filter((name) => name !== "index")
    .sort()
  const isBehind = (name: string) => isInBarrel(path.join(folder, "src", `${name}.ts`))
  return {
    id: path.basename(folder),
    folder,
    manifest: readJson(path.join(folder, "package.json")),
    modules: names.filter(isBehind),
    extras: names.filter((name) => !isBehind(name))
  }
}

/** All public modules of a package. */
export const publicModules = ({ extras, modules }: Package): ReadonlyArray<string> => [...modules, ...extras]

/** Whether `one` needs `other` to be built before it. */
const needs = (one: Package, other: Package): boolean =>
  [one.manifest.dependencies, one.manifest.peerDependencies].some((names) => other.manifest.name in (names ?? {}))

/** Those that others need come first. */
const inOrder = (packages: ReadonlyArray<Package>): ReadonlyArray<Package> => {
  const sorted: Array<Package> = []
  const add = (one: Package) => {
    if (sorted.includes(one)) return
    for (const other of packages) if (other !== one && needs(one, other)) add(other)
    sorted.push(one)
  }
  packages.forEach(add)
  return sorted
}

/**
 * All packages that have something to publish: a barrel, and no `private`. Those that others need come first. With
 * names of folders, only these, and those that they need.
 */
export const publicPackages = (ids: ReadonlyArray<string> = []): ReadonlyArray<Package> => {
  const folders = globSync(path.join(root, "packages/*")).filter((folder) =>
    existsSync(path.join(folder, "src/index.ts"))
  )
  const all = inOrder(
    folders
      .sort()
      .map(read)
      .filter(({ manifest }) => manifest.private !== true)
  )
  const unknown = ids.filter((id) => !all.some((one) => one.id === id))
  if (unknown.length > 0) {
    throw new Error(
      `no package ${unknown.join(", ")} with a src/index.ts: there are ${all.map(({ id }) => id).join(", ")}`
    )
  }
  if (ids.length === 0) return all
  const wanted = new Set(ids)
  // From the back, since what a package needs stands before it.
  for (const one of [...all].reverse()) {
    if (wanted.has(one.id)) for (const other of all) if (needs(one, other)) wanted.add(other.id)
  }
  return all.filter(({ id }) => wanted.has(id))
}

/**
 * Uses the packages as a stranger will: builds and packs them, looks at the tarballs, installs them into an empty
 * project outside this workspace, and runs the README's first examples there: in JavaScript, and in TypeScript 5.9, 6
 * and 7 with both ways in which it finds packages.
 *
 *     npm run check:packed              # all packages that have a src/index.ts
 *     npm run check:packed -- core      # these, and what they need
 *     npm run check:packed -- --keep    # leaves the project, to look at
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { blocksOf } from "../docs/test/blocks.ts"
import { type Package, publicPackages, root } from "./packages.ts"
import {
  asJavaScript,
  asTypeScript,
  commandsRun,
  compiler,
  type Example,
  exampleOf,
  install,
  nodeAt,
  opensOnly
} from "./packProject.ts"
import { build, closedSpecifiers, pack, problemsOf, specifiers } from "./packTarball.ts"

const keep = process.argv.includes("--keep")
const packages = publicPackages(process.argv.slice(2).filter((word) => !word.startsWith("--")))
const names = packages.map(({ manifest }) => manifest.name)

// The Node of the dependencies, and the one that npm runs on, which is the stranger's own.
const nodes = [...new Set([process.execPath, process.env.npm_node_execpath ?? process.execPath])].map(nodeAt)

const started = Date.now()
const say = (text: string) => console.log(`${((Date.now() - started) / 1000).toFixed(1).padStart(5)} s  ${text}`)

/** The first example of a README that runs, or else the first that compiles. */
const firstExample = (name: string, file: string, engines?: string): ReadonlyArray<Example> => {
  if (!existsSync(file)) return []
  const blocks = blocksOf(path.relative(root, file), readFileSync(file, "utf8"))
  const first = blocks.find(({ kind }) => kind === "run") ?? blocks.find(({ kind }) => kind === "no-run")
  return first === undefined ? [] : [exampleOf(name, first, engines)]
}

const examplesOf = ({ folder, id, manifest }: Package) =>
  firstExample(id, path.join(folder, "README.md"), manifest.engines?.node)

const folder = mkdtempSync(path.join(tmpdir(), "troupe-packed-"))
try {
  for (const one of packages) await build(one)
  say(`built ${names.join(", ")}`)

  const tarballs = await Promise.all(packages.map((one) => pack(one, folder)))
  const problems = (await Promise.all(tarballs.map((tarball, i) => problemsOf(packages[i]!, tarball)))).flat()
  if (problems.length > 0) throw new Error(problems.join("\n"))
  for (const { contents, name, size } of tarballs)
    say(`packed ${name}: ${contents.length} files, ${Math.ceil(size / 1000)} kB`)

  const project = path.join(folder, "project")
  const examples = [...firstExample("readme", path.join(root, "README.md")), ...packages.flatMap(examplesOf)]
  const open = packages.flatMap(specifiers)
  const closed = packages.flatMap(closedSpecifiers)
  if (examples.length === 0 || closed.length === 0) throw new Error("there is nothing to try")
  await install(project, packages, tarballs)
  say("installed into an empty project")

  await asJavaScript(project, examples, nodes)
  await opensOnly(project, process.execPath, open, closed)
  const versions = nodes.map(({ version }) => version.join(".")).join(" and ")
  say(
    `JavaScript on Node ${versions}: ${examples.length} examples run, public modules load, ${closed.length} others do not`
  )
  const commands = await commandsRun(project, packages)
  if (commands.length > 0) say(`commands run: ${commands.join(", ")}`)

  for (const dependency of ["typescript-5", "typescript-6", "typescript"]) {
    const version = compiler(dependency)
    const each = (["nodenext", "bundler"] as const).map((resolution) => {
      // What the oldest and the newest accept, the one between accepts as well; and files are the same either way.
      const declarations = resolution === "nodenext" && dependency !== "typescript-6"
      return asTypeScript(project, process.execPath, version, resolution, declarations, examples, open, closed)
    })
    await Promise.all(each)
    say(`TypeScript ${version.version}: ${examples.length} examples compile and run, as nodenext and as bundler`)
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
} finally {
  if (keep) console.log(folder)
  else rmSync(folder, { recursive: true })
}

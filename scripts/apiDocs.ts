/**
 * Makes the API reference from the doc comments, with the guides, as a static site in `docs/api/site`: `npm run docs:api`.
 * It needs no server, and its search works from a file, too: open `docs/api/site/index.html`.
 *
 * TypeDoc needs a TypeScript with a JavaScript API, under the name `typescript`. So it has a folder and a lock file of
 * its own, `docs/api`, which this installs when it is not there.
 */
import { existsSync, globSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import path from "node:path"
import { publicModules, publicPackages, readJson, root } from "./packages.ts"
import { run } from "./packTarball.ts"

const folder = path.join(root, "docs/api")
const site = path.join(folder, "site")

/** npm leaves this file behind; it is as old as the installation. */
const installed = (): boolean => {
  const hidden = path.join(folder, "node_modules/.package-lock.json")
  if (!existsSync(hidden)) return false
  const wanted = Object.entries<{ readonly integrity?: string }>(
    readJson(path.join(folder, "package-lock.json")).packages
  )
  const present = readJson(hidden).packages
  return wanted.every(([name, { integrity }]) => name === "" || present[name]?.integrity === integrity)
}

if (!installed()) {
  console.log("installing TypeDoc into docs/api")
  await run(folder, "npm", "ci", "--prefer-offline", "--no-audit", "--no-fund")
}

const packages = publicPackages()
const entryPoints = packages.flatMap((one) =>
  publicModules(one).map((module) => path.join(one.folder, "src", `${module}.ts`))
)

// Written rather than kept, since which packages there are is not TypeDoc's to know.
const tsconfig = path.join(folder, ".tsconfig.json")
const compilerOptions = { rootDir: "../..", types: ["node"], noEmit: true }
writeFileSync(tsconfig, JSON.stringify({ extends: "../../tsconfig.base.json", compilerOptions, files: entryPoints }))

const options = {
  name: "Troupe",
  entryPoints,
  tsconfig,
  out: site,
  basePath: root,
  readme: path.join(root, "README.md"),
  projectDocuments: globSync("*.md", { cwd: path.join(root, "docs") })
    .sort()
    .map((file) => path.join(root, "docs", file)),
  customCss: path.join(folder, "style.css"),
  plugin: [path.join(folder, "names.mjs")],
  // There is no address of the sources to link to yet.
  disableSources: true,
  // Errors of types are for the type check to report, and this is another version of TypeScript.
  skipErrorChecking: true,
  excludeExternals: true,
  excludeInternal: true,
  excludePrivate: true,
  hideGenerator: true,
  githubPages: false,
  searchInComments: true,
  searchInDocuments: true,
  sort: ["source-order"],
  navigation: { includeCategories: false, includeGroups: false, includeFolders: true, compactFolders: true },
  categorizeByGroup: false,
  validation: { notExported: false, invalidLink: true, notDocumented: false },
  treatValidationWarningsAsErrors: true
}
const config = path.join(folder, ".typedoc.json")
writeFileSync(config, JSON.stringify(options))
/**
 * TypeDoc copies what the guides link to and what is no page, under `media`. Browsers save Markdown rather than show it,
 * so it becomes text, and the README, which is the first page, leads there.
 */
const showMedia = () => {
  const isReadme = (file: string) =>
    readFileSync(path.join(site, "media", file), "utf8") === readFileSync(path.join(root, "README.md"), "utf8")
  const media = globSync("*.{md,ts}", { cwd: path.join(site, "media") }).map(
    (file) => [file, isReadme(file) ? "index.html" : `media/${file}.txt`] as const
  )
  for (const [file, shown] of media) {
    const from = path.join(site, "media", file)
    if (shown === "index.html") rmSync(from)
    else renameSync(from, path.join(site, shown))
  }
  const shown = new Map(media)
  for (const page of globSync("**/*.html", { cwd: site })) {
    const html = readFileSync(path.join(site, page), "utf8")
    const changed = html.replaceAll(/(href="(?:\.\.\/)*)media\/([^"#]+)/g, (whole, start: string, file: string) => {
      const to = shown.get(file)
      return to === undefined ? whole : `${start}${to}`
    })
    if (changed !== html) writeFileSync(path.join(site, page), changed)
  }
}

try {
  const typedoc = path.join(folder, "node_modules/typedoc/bin/typedoc")
  console.log((await run(root, process.execPath, typedoc, "--options", config)).trimEnd())
  showMedia()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
} finally {
  for (const file of [tsconfig, config]) rmSync(file, { force: true })
}

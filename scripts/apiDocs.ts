/**
 * Makes the API reference from the doc comments, with the guides, as a static site in `docs/api/site`: `npm run docs:api`.
 * It needs no server, and its search works from a file, too: open `docs/api/site/index.html`.
 *
 * TypeDoc needs a TypeScript with a JavaScript API, under the name `typescript`. So it has a folder and a lock file of
 * its own, `docs/api`, which this installs when it is not there.
 */
import { globSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import path from "node:path"
import { parseMarkdown } from "../examples/links/markdown.ts"
import { installOwn } from "./ownDependencies.ts"
import { isRelative } from "./packAddress.ts"
import { publicModules, publicPackages, readJson, root } from "./packages.ts"
import { run } from "./packTarball.ts"

const folder = path.join(root, "docs/api")
const site = path.join(folder, "site")

await installOwn(folder)

const packages = publicPackages()
const entryPoints = packages.flatMap((one) =>
  publicModules(one).map((module) => path.join(one.folder, "src", `${module}.ts`))
)

// --- pages -----------------------------------------------------------------------------------------------------------

const textOf = (file: string): string => readFileSync(path.join(root, file), "utf8")

const isDocument = (file: string) => file.endsWith(".md")

/** The files that a document, or a part of it, links to: in its order, as seen from the top of the repository. */
const linkedFrom = (file: string, part = textOf(file)): ReadonlyArray<string> =>
  parseMarkdown(part)
    .links.filter(({ kind, target }) => kind === "page" && isRelative(target))
    .map(({ target }) => path.join(path.dirname(file), target.split("#")[0] ?? ""))
    .filter((target) => statSync(path.join(root, target)).isFile())

/** All that the documents lead to, themselves included. The README is the first page of the site, and no document. */
const reachable = (from: ReadonlyArray<string>): ReadonlyArray<string> => {
  const found = new Set(from)
  // What is added while this goes on is visited, too.
  for (const file of found) if (isDocument(file)) for (const target of linkedFrom(file)) found.add(target)
  return [...found].filter((file) => file !== "README.md")
}

const decisionsIndex = "docs/decisions/README.md"
const decisions = globSync("docs/decisions/0*.md", { cwd: root }).sort()

/** In the order of the README, which is that of reading. Guides that it does not list come last. */
const toRead = [
  ...new Set([
    ...linkedFrom("README.md", textOf("README.md").split(/^## Documentation$/m)[1]).filter(isDocument),
    ...globSync("docs/*.md", { cwd: root }).sort()
  ])
]
const place = (id: string) => linkedFrom("README.md").indexOf(`packages/${id}/README.md`)
const inOrder = [...packages].sort((a, b) => place(a.id) - place(b.id))

const files = reachable(["README.md", ...toRead, ...decisions, ...packages.map(({ id }) => `packages/${id}/README.md`)])

const contents = {
  root,
  guides: toRead.map((file) => (file === decisionsIndex ? [file, decisions] : file)),
  packages: inOrder.map(({ folder, id, manifest }) => ({
    name: manifest.name,
    readme: `packages/${id}/README.md`,
    keywords: readJson(path.join(folder, "package.json")).keywords
  })),
  sources: files.filter((file) => !isDocument(file))
}

// --- TypeDoc ---------------------------------------------------------------------------------------------------------

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
  projectDocuments: files.filter(isDocument).map((file) => path.join(root, file)),
  customCss: path.join(folder, "style.css"),
  plugin: [path.join(folder, "plugin.mjs")],
  theme: "troupe",
  router: "troupe",
  troupe: contents,
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
  categorizeByGroup: false,
  validation: { notExported: false, invalidLink: true, notDocumented: false },
  treatValidationWarningsAsErrors: true
}
const config = path.join(folder, ".typedoc.json")
writeFileSync(config, JSON.stringify(options))

/**
 * What is no page is copied to `media`. The README, which is the first page, is among it where others link to it, and
 * leads there. Nothing else that people read may be left, since browsers save such files rather than show them.
 */
const leadHome = () => {
  const media = globSync("*", { cwd: path.join(site, "media") })
  const copies = media.filter((file) => readFileSync(path.join(site, "media", file), "utf8") === textOf("README.md"))
  const stray = media.filter((file) => !copies.includes(file) && !/\.(png|svg|jpe?g|gif|webp)$/.test(file))
  if (stray.length > 0) throw new Error(`links lead to files that are no pages: ${stray.join(", ")}`)
  for (const page of globSync("**/*.html", { cwd: site })) {
    const html = readFileSync(path.join(site, page), "utf8")
    const changed = html.replaceAll(/(href="(?:\.\.\/)*)media\/([^"#]+)/g, (whole, start: string, file: string) =>
      copies.includes(file) ? `${start}index.html` : whole
    )
    if (changed !== html) writeFileSync(path.join(site, page), changed)
  }
  for (const file of copies) rmSync(path.join(site, "media", file))
}

try {
  const typedoc = path.join(folder, "node_modules/typedoc/bin/typedoc")
  console.log((await run(root, process.execPath, typedoc, "--options", config)).trimEnd())
  leadHome()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
} finally {
  for (const file of [tsconfig, config]) rmSync(file, { force: true })
}

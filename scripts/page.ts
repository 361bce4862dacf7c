// Builds the inspector's page ahead, into a module that the package ships: users need no build step, and the page needs
// no network. With `--check` nothing is written, and a module that is out of date is an error.
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { build } from "esbuild"

const root = path.resolve(import.meta.dirname, "..")
const source = path.join(root, "packages/inspector/page")
const target = path.join(root, "packages/inspector/src/internal/server/pageFiles.ts")
const check = process.argv.includes("--check")

/** What a browser of two years ago understands. */
const browsers = ["chrome123", "firefox124", "safari17.4"]

const bundle = async (file: string): Promise<string> => {
  const { outputFiles } = await build({
    entryPoints: [path.join(source, file)],
    // Paths of files are in what is made, unless they are seen from here.
    absWorkingDir: source,
    bundle: true,
    minify: true,
    charset: "utf8",
    format: "esm",
    legalComments: "none",
    target: browsers,
    write: false
  })
  return outputFiles[0]!.text.trimEnd()
}

const read = (file: string): string => readFileSync(path.join(source, file), "utf8").trim()

const files = {
  "/": ["text/html; charset=utf-8", read("index.html").replaceAll(/\n\s*/g, "\n")],
  "/app.js": ["text/javascript; charset=utf-8", await bundle("main.ts")],
  "/style.css": ["text/css; charset=utf-8", await bundle("style.css")],
  "/icon.svg": ["image/svg+xml", read("icon.svg")]
} as const

const entries = Object.entries(files).map(([url, [contentType, body]]) => {
  const name = JSON.stringify(url)
  return `  ${name}: {\n    contentType: ${JSON.stringify(contentType)},\n    body: ${JSON.stringify(body)}\n  }`
})

const expected = `// Made by scripts/page.ts from packages/inspector/page: change that, then \`npm run page\`.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is code as text
interface PageFile {
  readonly contentType: string
  readonly body: string
}

/** The files of the page, by their paths. */
// biome-ignore format: made by a tool
export const pageFiles: Readonly<Record<string, PageFile>> = {
${entries.join(",\n")}
}
`

const shown = path.relative(root, target)
if (existsSync(target) && readFileSync(target, "utf8") === expected) {
  if (!check) console.log(`${shown} is up to date`)
} else if (check) {
  console.error(`${shown} is out of date: npm run page`)
  process.exitCode = 1
} else {
  writeFileSync(target, expected)
  const sizes = Object.entries(files).map(([url, [, body]]) => `${url} ${(body.length / 1024).toFixed(1)} kB`)
  console.log(`wrote ${shown}: ${sizes.join(", ")}`)
}

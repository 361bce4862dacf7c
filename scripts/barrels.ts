// Writes `packages/*/src/index.ts`: one namespace per public module, under the first sentence of the module's own note.
// With `--check` nothing is written, and a barrel that is out of date is an error.
import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { isInBarrel } from "./packages.ts"

const root = path.resolve(import.meta.dirname, "..")
const check = process.argv.includes("--check")
const header = "// Made by scripts/barrels.ts: change the modules, then `npm run format`."

/** The first sentence of the comment that opens a module, as lines. */
const firstSentence = (source: string): ReadonlyArray<string> => {
  const note = /^\/\*\*([\s\S]*?)\*\//.exec(source)?.[1] ?? ""
  const text = note.replaceAll(/^[ \t]*\*[ \t]?/gm, "").trim()
  const paragraph = text.split(/\n\s*\n|\n@/, 1)[0] ?? ""
  const sentence = /^[\s\S]*?[.!?](?=\s|$)/.exec(paragraph)?.[0] ?? paragraph
  return sentence === "" ? [] : sentence.split("\n")
}

const entry = (folder: string, file: string): string => {
  const name = path.basename(file, ".ts")
  const lines = firstSentence(readFileSync(path.join(folder, file), "utf8"))
  if (lines.length === 0) throw new Error(`${file} must open with a comment that says what the module is`)
  return ["/**", ...lines.map((line) => ` * ${line}`), " */", `export * as ${name} from "./${name}.ts"`].join("\n")
}

for (const folder of globSync(path.join(root, "packages/*/src"))) {
  // Only the modules at the top are public; the rest of a package lives in `internal/`.
  const files = globSync("[A-Z]*.ts", { cwd: folder })
    .filter((file) => isInBarrel(path.join(folder, file)))
    .sort()
  const index = path.join(folder, "index.ts")
  const expected = `${[header, ...files.map((file) => entry(folder, file))].join("\n\n")}\n`
  if (files.length === 0 || (existsSync(index) && readFileSync(index, "utf8") === expected)) continue
  if (check) {
    console.error(`${path.relative(root, index)} is out of date: npm run format`)
    process.exitCode = 1
  } else {
    writeFileSync(index, expected)
    console.log(`wrote ${path.relative(root, index)}`)
  }
}

/**
 * Ties each promise of `docs/semantics.md` to the tests that are named after its number.
 *
 *     node scripts/semantics.ts    # writes the links below the promises
 *
 * That the links are right, and that no promise is without a test, is a test itself: `docs/test/semantics.test.ts`.
 */
import { globSync, readFileSync, writeFileSync } from "node:fs"
import path from "node:path"

const root = path.resolve(import.meta.dirname, "..")

export const document = path.join(root, "docs/semantics.md")

/** The files that have a test, or a group of tests, whose name begins with a number of a promise: by number. */
export const testsByNumber = (): ReadonlyMap<string, ReadonlyArray<string>> => {
  const found = new Map<string, Array<string>>()
  const patterns = ["packages/*/test/**/*.test.ts", "packages/*/test/**/*.tst.ts", "docs/test/*.test.ts"]
  const files = globSync(patterns, { cwd: root, exclude: ["**/node_modules"] }).sort()
  // What core promises comes first, where another package keeps the same promise in its own home.
  for (const file of files.sort(
    (a, b) => Number(b.startsWith("packages/core/")) - Number(a.startsWith("packages/core/"))
  )) {
    const text = readFileSync(path.join(root, file), "utf8")
    for (const [, number = ""] of text.matchAll(/\b(?:it|test|describe)\b[\w.]*\(\s*["'`](\d+\.\d+)\b/g)) {
      const files = found.get(number) ?? []
      if (!files.includes(file)) found.set(number, [...files, file])
    }
  }
  return found
}

/** The numbers of the promises, as the document has them. */
export const promises = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(/^\*\*(\d+\.\d+)\*\*/gm)].map(([, number = ""]) => number)

/** How a test is called in a link: its path below the tests of core, or the package and the path. */
const label = (file: string): string =>
  file
    .replace(/\.(test|tst)\.ts$/, "")
    .replace(/^packages\/core\/test\//, "")
    .replace(/^packages\/([^/]+)\/test\//, "$1: ")

const links = (files: ReadonlyArray<string>): string => files.map((file) => `[${label(file)}](../${file})`).join(", ")

/** The line of links that ends a paragraph. Nothing else looks like it. */
const line = /\n<sub>Tests: .*<\/sub>$/

/** The document with a line of links below each promise that has tests. */
export const withLinks = (text: string, tests: ReadonlyMap<string, ReadonlyArray<string>>): string =>
  text
    .split("\n\n")
    .map((paragraph) => {
      const number = /^\*\*(\d+\.\d+)\*\*/.exec(paragraph)?.[1]
      if (number === undefined) return paragraph
      const end = paragraph.endsWith("\n") ? "\n" : ""
      const bare = paragraph.trimEnd().replace(line, "")
      const files = tests.get(number) ?? []
      return `${bare}${files.length === 0 ? "" : `\n<sub>Tests: ${links(files)}</sub>`}${end}`
    })
    .join("\n\n")

if (import.meta.main) {
  const before = readFileSync(document, "utf8")
  const after = withLinks(before, testsByNumber())
  if (after !== before) {
    writeFileSync(document, after)
    console.log("wrote docs/semantics.md")
  }
}

/**
 * The TypeScript blocks of documents, and what is asked of each.
 *
 * A block is marked by the word after `ts` on its fence: none means that it compiles and runs, `no-run` that it
 * compiles, `fails` that it does not compile. Where a block has comments like `// => 42`, they are all that it prints,
 * in order. A block that fails says why with comments like `// error: not assignable`: the compiler's messages contain
 * each of them.
 */
export interface Block {
  readonly file: string
  /** The line of the opening fence, counted from 1. */
  readonly line: number
  readonly code: string
  readonly kind: "run" | "no-run" | "fails"
}

const kindOf = (words: string, place: string): Block["kind"] => {
  const word = words.trim()
  if (word === "") return "run"
  if (word === "no-run" || word === "fails") return word
  throw new Error(`${place}: a ts block is marked "no-run", "fails" or not at all, but not ${JSON.stringify(word)}`)
}

/** The blocks of one text: of a Markdown file, or of the doc comments of a source file. */
export const blocksOf = (file: string, text: string): ReadonlyArray<Block> => {
  const blocks: Array<Block> = []
  const lines = text.split(/\r?\n/)
  const star = file.endsWith(".md") ? "" : " *\\* ?"
  const opening = new RegExp(`^(${star}\\s*)(\`{3,})(\\S*)(.*)$`)
  for (let start = 0; start < lines.length; start++) {
    const match = opening.exec(lines[start] ?? "")
    if (match === null) continue
    const [, margin = "", fence = "", language, words = ""] = match
    // A line inside may be shorter than the margin: an empty line of a comment is ` *`.
    const unindent = (line: string) => line.slice(Math.min(margin.length, line.search(/[^\s*]|$/)))
    const length = lines.slice(start + 1).findIndex((line) => unindent(line).startsWith(fence))
    if (length < 0) throw new Error(`${file}:${start + 1}: the block has no end`)
    if (language === "ts" || language === "typescript") {
      const code = lines.slice(start + 1, start + 1 + length).map(unindent)
      const line = start + 1
      blocks.push({ file, line, code: code.join("\n"), kind: kindOf(words, `${file}:${line}`) })
    }
    start += length + 1
  }
  return blocks
}

const comments = (code: string, mark: string): ReadonlyArray<string> =>
  [...code.matchAll(new RegExp(`// ${mark} ?(.*)$`, "gm"))].map((match) => (match[1] ?? "").trim())

/** The lines that a block says it prints. It may print anything when it says nothing. */
export const expectedOutput = (block: Block): ReadonlyArray<string> => comments(block.code, "=>")

/** The parts of compiler messages that a failing block promises. */
export const expectedErrors = (block: Block): ReadonlyArray<string> => comments(block.code, "error:")

import { afterAll, assert, describe, it } from "@effect/vitest"
import { type Block, blocksOf } from "./blocks.ts"
import { makeChecker } from "./check.ts"

const text = `
Text with \`ts\` in it.

\`\`\`ts
console.log(1 + 1) // => 2
console.log([1, 2].map(String), process.version) // => [ '1', '2' ] v24…
\`\`\`

- an item
  \`\`\`ts no-run
  if (true) {
    process.exit(1)
  }
  \`\`\`

\`\`\`sh
npm start
\`\`\`

\`\`\`ts fails
const x: string = 1 // error: Type 'number' is not assignable to type 'string'
\`\`\`
`

const source = `
/**
 * Text.
 *
 * @example
 * \`\`\`ts
 * import { Effect } from "effect"
 *
 * console.log(await Effect.runPromise(Effect.succeed(4))) // => 4
 * \`\`\`
 */
export const four = 4
`

const bad = (line: number, code: string, kind: Block["kind"] = "run"): Block => ({ file: "bad.md", line, code, kind })

const good = [...blocksOf("docs/good.md", text), ...blocksOf("packages/core/src/Good.ts", source)]
const wrongType = bad(10, "const x: string = 1")
const wrongOutput = bad(20, "console.log(1) // => 2")
const extraOutput = bad(30, "console.log(1) // => 1\nconsole.log(2)")
const throws = bad(40, `throw new Error("no")`)
const compiles = bad(50, "const x = 1", "fails")
const noReason = bad(70, "const x: string = 1", "fails")
const otherError = bad(60, "const x: string = 1 // error: no such text", "fails")

const checker = await makeChecker([
  ...good,
  wrongType,
  wrongOutput,
  extraOutput,
  throws,
  compiles,
  otherError,
  noReason
])
afterAll(checker.close)

const refuses = (name: string, block: Block, ...parts: ReadonlyArray<string>) =>
  it(name, async () => {
    const problem = (await checker.problem(block)) ?? ""
    for (const part of parts) assert.include(problem, part)
  })

describe("blocksOf", () => {
  it("finds blocks in Markdown and in doc comments, with their lines", () => {
    assert.deepStrictEqual(
      good.map(({ file, line, kind }) => [file, line, kind]),
      [
        ["docs/good.md", 4, "run"],
        ["docs/good.md", 10, "no-run"],
        ["docs/good.md", 20, "fails"],
        ["packages/core/src/Good.ts", 6, "run"]
      ]
    )
    assert.strictEqual(good[1]?.code, "if (true) {\n  process.exit(1)\n}")
    assert.include(good[3]?.code, `"effect"\n\nconsole.log`)
  })

  it("refuses a marker it does not know and a block without end", () => {
    assert.throws(() => blocksOf("a.md", "```ts norun\n```"), "a.md:1")
    assert.throws(() => blocksOf("a.md", "\n```ts\n"), "a.md:2: the block has no end")
  })
})

describe("the checker", () => {
  it("accepts what compiles, runs and prints as it says", async () => {
    for (const block of good) assert.isUndefined(await checker.problem(block))
  })
  refuses("refuses a block that does not compile, naming its line", wrongType, "bad.md.10.ts(11,7)", "TS2322")
  refuses("refuses a block that prints something else", wrongOutput, "instead of")
  refuses("refuses a block that prints more than it says", extraOutput, "instead of")
  refuses("refuses a block that throws", throws, "fails when it runs", "Error: no")
  refuses("refuses a block that should fail and compiles", compiles, "compiles, but is marked as one that fails")
  refuses("refuses a block that fails for another reason", otherError, "no such text", "TS2322")
  refuses("refuses a block that does not say why it fails", noReason, "does not say why")
})

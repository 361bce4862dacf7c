import { globSync, readFileSync } from "node:fs"
import path from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { blocksOf } from "./blocks.ts"
import { makeChecker } from "./check.ts"

const root = path.resolve(import.meta.dirname, "../..")
const patterns = ["*.md", "docs/**/*.md", "packages/*/*.md", "packages/*/src/**/*.ts"]
const files = globSync(patterns, { cwd: root, exclude: ["**/node_modules", "docs/.tmp"] }).sort()

const blocks = files.flatMap((file) => blocksOf(file, readFileSync(path.join(root, file), "utf8")))
const checker = await makeChecker(blocks)
afterAll(checker.close)

describe("every ts block of the documentation does what it says", () => {
  it.concurrent.each(blocks.map((block) => [`${block.file}:${block.line}`, block] as const))("%s", async (_, block) => {
    const problem = await checker.problem(block)
    if (problem !== undefined) assert.fail(problem)
  })
})

import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { mutants } from "../mutants/mutants.ts"

describe("the mutants of core", () => {
  it.each(mutants.map((mutant) => [mutant.name, mutant] as const))("can still be made: %s", (_, { file, from }) => {
    const text = readFileSync(new URL(`../../core/src/internal/${file}`, import.meta.url), "utf8")
    assert.lengthOf(text.split(from), 2, "its text occurs exactly once")
  })
})

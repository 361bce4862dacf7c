import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { mutants as clusterMutants } from "../mutants/cluster/mutants.ts"
import { mutants } from "../mutants/mutants.ts"

describe.each([
  ["core", mutants],
  ["cluster", clusterMutants]
] as const)("the mutants of %s", (name, all) => {
  it.each(all.map((mutant) => [mutant.name, mutant] as const))("can still be made: %s", (_, { file, from }) => {
    const text = readFileSync(new URL(`../../${name}/src/internal/${file}`, import.meta.url), "utf8")
    assert.lengthOf(text.split(from), 2, "its text occurs exactly once")
  })
})

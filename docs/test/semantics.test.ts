import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { document, promises, testsByNumber, withLinks } from "../../scripts/semantics.ts"

const text = readFileSync(document, "utf8")
const tests = testsByNumber()

describe("every promise of the semantics", () => {
  it.each(promises(text).map((number) => [number]))("%s has a test that is named after it", (number) => {
    assert.isTrue(tests.has(number), `no test in packages/*/test is called "${number} ..."`)
  })

  it("has one number of its own", () => {
    const numbers = promises(text)
    assert.deepStrictEqual(
      numbers.filter((number, i) => numbers.indexOf(number) !== i),
      []
    )
  })

  it("is followed by links to its tests", () => {
    assert.strictEqual(text, withLinks(text, tests), "out of date: npx node scripts/semantics.ts writes the links")
  })

  it("is there where a test is named after one", () => {
    const numbers = promises(text)
    assert.deepStrictEqual(
      [...tests.keys()].filter((number) => !numbers.includes(number)),
      []
    )
  })
})

import { readFileSync } from "node:fs"
import path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { catalogued, sentences, tags } from "./messages.ts"

const known = new Set(catalogued(readFileSync(path.resolve(import.meta.dirname, "../messages.md"), "utf8")))
const said = sentences()

describe("docs/messages.md", () => {
  it("has every sentence that the packages say", () => {
    const missing = [...said].filter(([text]) => !known.has(text)).map(([text, place]) => `${place}: ${text}`)
    assert.deepStrictEqual(missing, [], "say in docs/messages.md why it appears and what to do")
  })

  it("has the tag of every error", () => {
    assert.deepStrictEqual(
      [...tags()].filter(([tag]) => !known.has(tag)),
      []
    )
  })

  it("has no sentence that is gone", () => {
    const gone = [...known].filter((text) => / /.test(text) && !said.has(text))
    assert.deepStrictEqual(gone, [], "the sources have changed: change docs/messages.md with them")
  })
})

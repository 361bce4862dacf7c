import { assert, describe, it } from "@effect/vitest"
import { diagnostics, hover, tsc } from "./hover.ts"

const source = `import { Effect } from "effect"
export const length = (s: string) => s.length
export const effect = Effect.succeed(length("four"))
`

describe("the hover helper", () => {
  it("shows what an editor shows", () => {
    assert.strictEqual(hover(source, "const length"), "const length: (s: string) => number")
    assert.strictEqual(hover(source, "const effect"), "const effect: Effect.Effect<number, never, never>")
  })

  it("reports errors with their line", () => {
    assert.deepStrictEqual(diagnostics(source), [])
    assert.deepStrictEqual(diagnostics(`${source}length.x`), [
      { line: 4, code: 2339, message: "Property 'x' does not exist on type '(s: string) => number'." }
    ])
  })

  it("asks TypeScript 7", async () => {
    assert.strictEqual(await tsc(source), "")
    assert.include(await tsc("const x: string = 1"), "fixture.ts(1,7): error TS2322")
  })
})

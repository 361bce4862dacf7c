import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { build } from "esbuild"

/** The text of a program, as a person would bundle it for a browser. */
const bundled = async (name: string): Promise<string> => {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`fixtures/bundle/${name}.ts`, import.meta.url))],
    bundle: true,
    minify: true,
    format: "esm",
    conditions: ["@troupe/source"],
    external: ["effect", "effect/*"],
    write: false,
    logLevel: "silent"
  })
  return outputFiles[0]!.text
}

const secret = "only the implementation knows this"

describe("a bundle", () => {
  it("of a client that imports a contract has none of its implementation", async () => {
    assert.notInclude(await bundled("client"), secret)
  })

  it("of a contract apart has nothing that runs actors", async () => {
    const text = await bundled("CounterApart")
    assert.include(text, "app/Counter")
    for (const part of ["deadlock", "maxPendingCalls", "shutdownTimeout"]) assert.notInclude(text, part)
  })

  it("of a server has the implementation of its actor", async () => {
    assert.include(await bundled("server"), secret)
  })
})

import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { build } from "esbuild"

/** A page, as people bundle it. Effect's modules stay outside. */
const bundled = async (page: string, conditions: ReadonlyArray<string> = []): Promise<string> => {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`fixtures/${page}.ts`, import.meta.url))],
    bundle: true,
    format: "esm",
    conditions: ["@troupe/source", ...conditions],
    external: ["effect", "effect/*"],
    write: false,
    logLevel: "silent"
  })
  return outputFiles[0]!.text
}

/** What the server says, and nothing else. */
const OF_SERVER = "limits.slowAfter"

describe("the bundle of a page", () => {
  it.each(["page", "pageOfIndex"])("has the client, and nothing of the server: %s", async (page) => {
    const text = await bundled(page)
    assert.include(text, "unavailableAfter")
    assert.notInclude(text, OF_SERVER)
  })

  it("has no search for deadlocks where no actor runs", async () => {
    assert.notInclude(await bundled("page"), "internal/call/deadlock.ts")
  })

  it("says what to do where it is to serve", async () => {
    const { serve } = await import("../src/internal/server/inPages.ts")
    assert.throws(serve, /RemoteHome\.serve: this is a bundle for browsers, which has no server in it/)
  })

  it("has the server where it is one for workers that are servers", async () => {
    assert.include(await bundled("pageOfIndex", ["workerd", "worker", "browser"]), OF_SERVER)
  })
})

import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import path from "node:path"
import { pathToFileURL } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { build } from "esbuild"
import { afterAll, beforeAll, vi } from "vitest"

const root = path.resolve(import.meta.dirname, "../..")

/** The files that the guide shows, by the comment in their first line. */
const files = async (): Promise<ReadonlyMap<string, string>> => {
  const guide = await readFile(path.join(root, "docs/nextjs.md"), "utf8")
  const blocks = [...guide.matchAll(/```tsx?\n\/\/ (\S+)\n(.*?)```/gs)]
  return new Map(blocks.map(([, name, code]) => [name!, code!]))
}

// All of Effect is bundled, several times.
describe("the guide for Next.js", { timeout: 120_000 }, () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(path.join(import.meta.dirname, "nextjs-"))
    vi.stubEnv("NODE_ENV", "production")
  })
  afterAll(async () => {
    await (globalThis as any).actors.dispose()
    vi.unstubAllEnvs()
    await rm(folder, { recursive: true })
  })

  let builds = 0
  /** Builds one entry with copies of all that it imports, as Next.js does for each of its layers, and loads it. */
  const load = async (entry: string): Promise<any> => {
    const outfile = path.join(folder, `out/${++builds}.mjs`)
    await build({
      entryPoints: [path.join(folder, entry)],
      outfile,
      bundle: true,
      format: "esm",
      platform: "node",
      jsx: "automatic",
      conditions: ["@troupe/source"],
      // Node loads it for all builds.
      external: ["react", "react/*"]
    })
    return import(/* @vite-ignore */ pathToFileURL(outfile).href)
  }
  const write = async (name: string, text: string) => {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true })
    await writeFile(path.join(folder, name), text)
  }
  const shown = async (page: any): Promise<number> => (await page.default()).props.children[1]
  const posted = async (route: any): Promise<number> => (await route.POST()).json()

  it("has one instance for pages and route handlers, whose modules are copies", async () => {
    for (const [name, text] of await files()) await write(name, text)
    const [page, route] = [await load("app/page.tsx"), await load("app/api/visits/route.ts")]
    assert.strictEqual(await shown(page), 1)
    assert.strictEqual(await posted(route), 2)
    assert.strictEqual(await shown(page), 3)
  })

  it("hands the state over to the instance of a class that was loaded anew, in development", async () => {
    vi.stubEnv("NODE_ENV", "development")
    const page = await load("app/page.tsx")
    const text = (await files()).get("app/actors.ts")!
    await write("app/actors.ts", text.replace("++count", "(count += 100)"))
    const route = await load("app/api/visits/route.ts")
    assert.strictEqual(await posted(route), 103)
    assert.strictEqual(await shown(page), 203)
  })
})

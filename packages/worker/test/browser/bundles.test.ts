/** The recipes of docs/bundlers.md for browsers: what comes out imports nothing of Node, and runs. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import path from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { build as esbuild } from "esbuild"
import { defaultClientConditions, build as vite } from "vite"
import { executable } from "../../../../scripts/chromium.ts"
import { open } from "./pages.ts"

const app = path.join(import.meta.dirname, "app")

const withEsbuild = (outdir: string) =>
  esbuild({
    entryPoints: [path.join(app, "main.js"), path.join(app, "adder.worker.js")],
    outdir,
    bundle: true,
    splitting: true,
    format: "esm",
    conditions: ["@troupe/source"],
    logLevel: "error"
  })

const withVite = (outDir: string) =>
  vite({
    root: app,
    configFile: path.join(app, "vite.config.js"),
    logLevel: "error",
    resolve: { conditions: ["@troupe/source", ...defaultClientConditions] },
    build: { outDir, rollupOptions: { input: path.join(app, "main.js"), output: { entryFileNames: "main.js" } } }
  })

describe.skipIf(executable === undefined)("a program with threads, bundled for browsers", () => {
  const bundled = (bundler: string, build: (folder: string) => Promise<unknown>) =>
    it(`by ${bundler} imports no module of Node, and runs`, async () => {
      const folder = await mkdtemp(path.join(tmpdir(), "troupe-bundle-"))
      afterAll(() => rm(folder, { recursive: true }))
      await build(folder)
      const files = await readdir(folder, { recursive: true, withFileTypes: true })
      for (const file of files.filter((file) => file.isFile())) {
        const text = await readFile(path.join(file.parentPath, file.name), "utf8")
        // Core asks Node for one by its name, where there is a Node.
        assert.notMatch(text, /(from|import|import\(|require\()\s*["'`]node:/, file.name)
        assert.notInclude(text, 'worker_threads"', file.name)
      }
      const page = await open(
        (pathname) => readFile(path.join(folder, pathname === "/main.mjs" ? "main.js" : pathname), "utf8"),
        "plain"
      )
      await page.waitForFunction("globalThis.answer !== undefined")
      assert.strictEqual(await page.evaluate("answer"), 42)
    }, 60_000)

  bundled("esbuild", withEsbuild)
  bundled("Vite", withVite)
})

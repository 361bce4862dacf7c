/**
 * What the tests of worker threads share.
 */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { afterAll } from "@effect/vitest"
import { build } from "esbuild"

/** How many threads a test of random losses loses. */
export const KILLS = 200

/** How an error says that the thread ended itself with a code. */
export const exited = (code: number): string => `exited with code ${code}`

/**
 * Bundles a worker file of the fixtures, as one does for production. Its threads start in a fraction of the time that the
 * sources take, and need no condition to find them.
 */
export const bundle = async (name: string): Promise<URL> => {
  const folder = await mkdtemp(join(tmpdir(), "troupe-worker-"))
  afterAll(() => rm(folder, { recursive: true }))
  const outfile = join(folder, `${name}.mjs`)
  await build({
    entryPoints: [fileURLToPath(new URL(`fixtures/${name}.ts`, import.meta.url))],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    conditions: ["@troupe/source"],
    minify: true,
    logLevel: "error"
  })
  return pathToFileURL(outfile)
}

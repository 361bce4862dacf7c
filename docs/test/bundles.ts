/**
 * Bundles of programs: each starts in a quarter of the time that it takes to load Effect's and our modules one by one.
 */
import { appendFile } from "node:fs/promises"
import path from "node:path"
import { build } from "esbuild"
import { bundleBanner } from "../../scripts/bundleBanner.ts"

/** The bundle of a program, in the folder of bundles. */
export const bundleOf = (outdir: string, file: string): string =>
  path.join(outdir, path.basename(file).replace(/\.ts$/, ".mjs"))

/** Bundles all of the files at once, in an ES module each, and in some that they share. */
export const bundle = async (files: ReadonlyArray<string>, outdir: string): Promise<void> => {
  await build({
    entryPoints: [...files],
    outdir,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    conditions: ["@troupe/source"],
    outExtension: { ".js": ".mjs" },
    banner: { js: bundleBanner },
    // Errors and logs tell the names of classes.
    keepNames: true,
    sourcemap: "external",
    sourcesContent: false,
    logLevel: "silent"
  })
  // Only programs name their maps, for stack traces: those of shared modules take longer to read than the modules.
  await Promise.all(
    files
      .map((file) => bundleOf(outdir, file))
      .map((file) => appendFile(file, `//# sourceMappingURL=${path.basename(file)}.map\n`))
  )
}

import { build } from "esbuild"

await build({
  entryPoints: ["main.js", "hasher.worker.js"],
  outdir: "dist/esbuild",
  bundle: true,
  splitting: true,
  platform: "node",
  format: "esm"
})

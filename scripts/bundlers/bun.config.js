await Bun.build({
  entrypoints: ["main.js", "hasher.worker.js"],
  outdir: "dist/bun",
  target: "node",
  format: "esm"
})

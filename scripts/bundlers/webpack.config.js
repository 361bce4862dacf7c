import path from "node:path"

export default {
  mode: "production",
  target: "node20",
  entry: "./main.js",
  module: { parser: { javascript: { worker: ["Worker from node:worker_threads", "..."] } } },
  optimization: { minimize: false },
  experiments: { outputModule: true },
  output: { path: path.resolve("dist/webpack"), module: true, chunkFormat: "module" }
}

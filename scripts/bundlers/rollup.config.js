import threads from "./threads.js"

export default {
  input: "main.js",
  // What is installed where the program runs.
  external: /^(node:|effect\b|@troupe\/)/,
  plugins: [threads()],
  output: { dir: "dist/rollup", format: "es" }
}

import { defineConfig, mergeConfig } from "vitest/config"
import root from "../../vitest.config.ts"
import { project } from "../../vitest.shared.ts"

const inFolder = (file: string): string => new URL(`test/insides/${file}`, import.meta.url).pathname

// What compiles runs nothing, and the contract with Effect is about the insides. Processes that tests start, and bundles
// that they make, have the Effect that is installed.
const exclude = [
  "test/types/**",
  "test/effect-internals.test.ts",
  ...["1-kept", "bundle", "let-go"].map((name) => `test/${name}.test.ts`),
  // Calls that are nested 100,000 deep take as long as the rest.
  ...(process.env.CI ? ["test/*-depth.test.ts"] : [])
]

const options = {
  resolve: { alias: [{ find: /^.*\/effectNames\.ts$/, replacement: inFolder("names.ts") }] },
  test: { root: import.meta.dirname, setupFiles: [inFolder("skipped.ts")] }
}

/** The suite once more, with an Effect of which we know nothing but what it promises. */
export default defineConfig({
  test: {
    reporters: root.test?.reporters,
    projects: [mergeConfig(project("core without insides", { exclude }), options)]
  }
})

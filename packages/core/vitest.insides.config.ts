import { mergeConfig } from "vitest/config"
import root from "../../vitest.config.ts"
import { project } from "../../vitest.shared.ts"

const inFolder = (file: string): string => new URL(`test/insides/${file}`, import.meta.url).pathname

/** The suite once more, with an Effect of which we know nothing but what it promises. */
export default mergeConfig(project("core without insides"), {
  resolve: { alias: [{ find: /^.*\/effectNames\.ts$/, replacement: inFolder("names.ts") }] },
  test: {
    root: import.meta.dirname,
    reporters: root.test?.reporters,
    setupFiles: [inFolder("skipped.ts")],
    // What compiles runs nothing, and the contract with Effect is about the insides.
    exclude: ["test/types/**", "test/effect-internals.test.ts"]
  }
})

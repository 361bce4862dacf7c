import { defineConfig, mergeConfig } from "vitest/config"
import root from "../../vitest.config.ts"
import { project } from "../../vitest.shared.ts"

/** The tests of threads once more, in the pages of a browser. */
export default defineConfig({
  test: {
    reporters: root.test?.reporters,
    projects: [
      mergeConfig(project("worker in a browser", { include: ["test/browser/**/*.test.ts"] }), {
        test: { root: import.meta.dirname }
      })
    ]
  }
})

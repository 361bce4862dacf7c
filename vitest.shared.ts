import { fileURLToPath } from "node:url"
import { defaultServerConditions } from "vite"
import { defineProject } from "vitest/config"

/** Processes and threads that tests start find their modules compiled: starting one takes half the time. */
const env = { NODE_COMPILE_CACHE: fileURLToPath(new URL("node_modules/.cache/node", import.meta.url)) }

interface Options {
  readonly include?: Array<string>
  readonly exclude?: Array<string>
  readonly testTimeout?: number
}

/**
 * The settings of one test project.
 *
 * Vitest projects do not inherit the root's `resolve` settings, so every project is made here. The condition makes
 * tests import the workspace's sources: no build is needed before a test run, and stack traces name our lines.
 */
export const project = (name: string, test: Options = {}) =>
  defineProject({
    ssr: { resolve: { conditions: ["@troupe/source", ...defaultServerConditions] } },
    // Many tests wait for processes and threads of their own: one worker, which two cores get by default, leaves one idle.
    // A test that hangs is found by this; one that compiles something, or starts a thread, has time on a busy machine.
    test: {
      name,
      include: ["test/**/*.test.ts"],
      testTimeout: 30_000,
      maxWorkers: "100%",
      env,
      ...test
    }
  })

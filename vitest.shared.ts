import { fileURLToPath } from "node:url"
import { defaultServerConditions } from "vite"
import { defineProject } from "vitest/config"

/** Processes and threads that tests start find their modules compiled: starting one takes half the time. */
const env = { NODE_COMPILE_CACHE: fileURLToPath(new URL("node_modules/.cache/node", import.meta.url)) }

/** The files whose tests load modules anew, or count what all of their process does or is told. Each has its own process. */
export const alone = ["2-requests", "11-metrics", "12-copies", "effect-internals", "model", "unobserved"].map(
  (name) => `test/${name}.test.ts`
)

interface Options {
  readonly include?: Array<string>
  readonly exclude?: Array<string>
  readonly testTimeout?: number
  /** Whether each file has a process of its own. */
  readonly isolate?: boolean
}

/**
 * The settings of one test project.
 *
 * Vitest projects do not inherit the root's `resolve` settings, so every project is made here. The condition makes
 * tests import the workspace's sources: no build is needed before a test run, and stack traces name our lines.
 *
 * The files of a project share their processes, one for each core: loading Effect and our modules takes a second, which
 * is longer than the tests of most files. So they see what other files leave behind; what cannot bear it is `alone`.
 */
export const project = (name: string, test: Options = {}) =>
  defineProject({
    ssr: { resolve: { conditions: ["@troupe/source", ...defaultServerConditions] } },
    // Many tests wait for processes and threads of their own: one worker, which two cores get by default, leaves one idle.
    // A test that hangs is found by this; one that compiles something, or starts a thread, has time on a busy machine.
    test: {
      name,
      include: ["test/**/*.test.ts"],
      exclude: alone,
      testTimeout: 30_000,
      maxWorkers: "100%",
      isolate: false,
      env,
      ...test
    }
  })

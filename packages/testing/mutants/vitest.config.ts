/**
 * Runs the tests of core against a copy of its source: `TROUPE_MUTANT` is the folder of the copy.
 */
import path from "node:path"
import { defaultServerConditions } from "vite"
import { defineConfig } from "vitest/config"

const copy = process.env.TROUPE_MUTANT
if (copy === undefined) throw new Error("TROUPE_MUTANT must be the folder of a copy of packages/core/src")

const core = path.resolve(import.meta.dirname, "../../core")

export default defineConfig({
  root: core,
  resolve: {
    alias: [
      { find: /^@troupe\/core$/, replacement: path.join(copy, "index.ts") },
      { find: /^@troupe\/core\/(.+)$/, replacement: path.join(copy, "$1.ts") },
      { find: /^(\.\.\/)+src\/(.+)$/, replacement: path.join(copy, "$2") }
    ]
  },
  ssr: { resolve: { conditions: ["@troupe/source", ...defaultServerConditions] } },
  test: { include: ["test/**/*.test.ts"], testTimeout: 10_000, bail: 1 }
})

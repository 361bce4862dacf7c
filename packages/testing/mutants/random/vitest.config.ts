/** Runs the tests of some packages in the copy of the repository that this file is in: Stryker's sandbox. */
import path from "node:path"
import { defaultServerConditions } from "vite"
import { defineConfig } from "vitest/config"

const packages = path.resolve(import.meta.dirname, "../../..")

// The sandbox shares `node_modules` with the repository, whose links lead to the sources that are not mutated.
const source = (name: string) => [
  { find: new RegExp(`^@troupe/${name}$`), replacement: path.join(packages, name, "src/index.ts") },
  { find: new RegExp(`^@troupe/${name}/(.+)$`), replacement: path.join(packages, name, "src/$1.ts") }
]

const tested = (process.env.TROUPE_TESTED ?? "core").split(",")

export default defineConfig({
  root: packages,
  resolve: { alias: ["core", "testing", "worker", "cluster", "inspector"].flatMap(source) },
  ssr: { resolve: { conditions: ["@troupe/source", ...defaultServerConditions] } },

  test: {
    include: tested.map((name) => `${name}/test/**/*.test.ts`),
    // What an editor shows, and what the text of a source says, does not depend on what runs.
    exclude: ["*/test/types/**", "core/test/effect-internals.test.ts"],
    testTimeout: 60_000
  }
})

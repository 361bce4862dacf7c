/** Runs the tests of core in the copy of the repository that this file is in: Stryker's sandbox. */
import path from "node:path"
import { defaultServerConditions } from "vite"
import { defineConfig } from "vitest/config"

const packages = path.resolve(import.meta.dirname, "../../..")

// The sandbox shares `node_modules` with the repository, whose links lead to the sources that are not mutated.
const source = (name: string) => [
  { find: new RegExp(`^@troupe/${name}$`), replacement: path.join(packages, name, "src/index.ts") },
  { find: new RegExp(`^@troupe/${name}/(.+)$`), replacement: path.join(packages, name, "src/$1.ts") }
]

export default defineConfig({
  root: path.join(packages, "core"),
  resolve: { alias: [...source("core"), ...source("testing")] },
  ssr: { resolve: { conditions: ["@troupe/source", ...defaultServerConditions] } },
  // What an editor shows does not depend on what runs.
  test: { include: ["test/**/*.test.ts"], exclude: ["test/types/**"], testTimeout: 30_000 }
})

import { defineConfig } from "vitest/config"
import projects from "./vitest.workspace.ts"

// `.ci/run` counts tests from a report; a person at a terminal does not want the file.
const report = process.env.TROUPE_VITEST_REPORT

export default defineConfig({
  test: {
    projects,
    reporters: report ? ["default", ["json", { outputFile: report }]] : ["default"]
  }
})

import { defineConfig } from "vitest/config"
import projects from "./vitest.workspace.ts"

// `.ci/run` counts tests from a report; a person at a terminal does not want the file.
const report = process.env.TROUPE_VITEST_REPORT

export default defineConfig({
  test: {
    projects,
    // Many tests wait for processes and threads of their own: one worker, which two cores get by default, leaves one idle.
    maxWorkers: "100%",
    reporters: report ? ["default", ["json", { outputFile: report }]] : ["default"]
  }
})

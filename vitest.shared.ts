import { defaultServerConditions } from "vite"
import { defineProject } from "vitest/config"

/**
 * The settings of one test project.
 *
 * Vitest projects do not inherit the root's `resolve` settings, so every project is made here. The condition makes
 * tests import the workspace's sources: no build is needed before a test run, and stack traces name our lines.
 */
export const project = (name: string, test: { readonly include?: Array<string>; readonly testTimeout?: number } = {}) =>
  defineProject({
    ssr: { resolve: { conditions: ["@troupe/source", ...defaultServerConditions] } },
    test: { name, include: ["test/**/*.test.ts"], ...test }
  })

#!/usr/bin/env node
// Installed, it runs `dist`. In the repository, where `dist` may be missing or old, it runs the sources.
import { existsSync } from "node:fs"
import * as module from "node:module"
import { fileURLToPath } from "node:url"

const source = new URL("../src/internal/main.ts", import.meta.url)
const installed = /[\\/]node_modules[\\/]/.test(fileURLToPath(import.meta.url))

if (installed || !existsSync(source)) {
  await import("../dist/internal/main.js")
} else if (module.registerHooks === undefined || !process.features.typescript) {
  console.error(
    "troupe: to run from its sources it needs Node 22.18 or newer. `npx troupe` takes the repository's own."
  )
  process.exitCode = 1
} else {
  // The same as `node --conditions=@troupe/source`: all packages of the repository are taken from their sources.
  const condition = "@troupe/source"
  module.registerHooks({
    resolve: (specifier, context, next) =>
      next(specifier, { ...context, conditions: [condition, ...(context.conditions ?? [])] })
  })
  await import(source.href)
}

import { execFile } from "node:child_process"
import { createRequire } from "node:module"
import path from "node:path"

// By its own path, not as `tsc` of the PATH: TypeScript 6, installed for its JavaScript API, has a `tsc` too.
const compiler = path.join(path.dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc")

/** Runs TypeScript 7's compiler on a project and gives what it prints: the empty string where all is well. */
export const tsc = (project: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const args = [compiler, "--pretty", "false", "--project", project]
    execFile(process.execPath, args, { cwd: project, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      // A failure without a word on stdout is the compiler's own, not one of the code.
      if (error !== null && stdout === "") reject(new Error(`tsc failed: ${stderr}`, { cause: error }))
      else resolve(stdout)
    })
  })

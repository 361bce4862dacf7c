/** Runs an example as a user would, in a process of its own, where nobody watches (`CI` is set). */
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"

export interface Output {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export const run = (
  file: string,
  args: ReadonlyArray<string> = [],
  options: { readonly cwd?: string; readonly env?: Record<string, string> } = {}
): Promise<Output> =>
  new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      ["--conditions=@troupe/source", fileURLToPath(new URL(`../${file}`, import.meta.url)), ...args],
      { cwd: options.cwd, env: { ...process.env, CI: "true", ...options.env } },
      (error, stdout, stderr) => {
        if (error !== null && typeof error.code !== "number") return reject(error)
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
      }
    )
  })

/** No two runs take equally long. */
export const withoutDurations = (text: string): string => text.replace(/\d+\.\d s/g, "N.N s")

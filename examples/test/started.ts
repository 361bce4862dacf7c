/** A server among the examples, started as a user would start it, in a process of its own. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { afterAll } from "@effect/vitest"

export interface Started {
  /** Where it listens. */
  readonly url: string
  /** Where its live view is, if it has one. */
  readonly inspector: string
  readonly pid: number
  readonly output: () => string
  /** Asks it to end. Settles with its exit code, or with the signal that ended it. */
  readonly end: () => Promise<number | NodeJS.Signals>
}

const running = new Set<ChildProcess>()

// Whatever a failing test leaves behind.
afterAll(() => {
  for (const child of running) child.kill("SIGKILL")
})

/** Starts it on free ports, and waits until it has said where it listens. */
export const start = async (file: string, env: Record<string, string> = {}): Promise<Started> => {
  const child = spawn(
    process.execPath,
    ["--conditions=@troupe/source", fileURLToPath(new URL(`../${file}`, import.meta.url))],
    { env: { ...process.env, PORT: "0", INSPECTOR_PORT: "0", ...env } }
  )
  running.add(child)
  let output = ""
  const exited = once(child, "exit").then(([code, signal]): number | NodeJS.Signals => {
    running.delete(child)
    return code ?? signal
  })
  const address = (before: string) => new RegExp(`${before}(http://127\\.0\\.0\\.1:\\d+)`).exec(output)?.[1]
  const listening = new Promise<void>((resolve) => {
    const read = (chunk: Buffer) => {
      output += chunk.toString()
      if (address("Listening on ") !== undefined && address("Inspector: open ") !== undefined) resolve()
    }
    child.stdout.on("data", read)
    child.stderr.on("data", read)
  })
  await Promise.race([
    listening,
    exited.then((code) => Promise.reject(new Error(`${file} ended with ${code} before it listened:\n${output}`)))
  ])
  return {
    url: address("Listening on ")!,
    inspector: address("Inspector: open ")!,
    pid: child.pid!,
    output: () => output,
    end: () => {
      child.kill("SIGTERM")
      return exited
    }
  }
}

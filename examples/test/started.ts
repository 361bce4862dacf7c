/** A server among the examples, started as a user would start it, in a process of its own. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { afterAll } from "@effect/vitest"

export interface Launched {
  readonly pid: number
  readonly output: () => string
  /** Asks it to end. Settles with its exit code, or with the signal that ended it. */
  readonly end: (signal?: NodeJS.Signals) => Promise<number | NodeJS.Signals>
}

export interface Started extends Launched {
  /** Where it listens. */
  readonly url: string
  /** Where its live view is, if it has one. */
  readonly inspector: string
}

const running = new Set<ChildProcess>()

// Whatever a failing test leaves behind.
afterAll(() => {
  for (const child of running) child.kill("SIGKILL")
})

interface LaunchOptions {
  readonly args?: ReadonlyArray<string>
  readonly env?: Record<string, string>
  /** Whether it has printed that it is up. */
  readonly isUp: (output: string) => boolean
}

/** Starts it, and waits until it is up. */
export const launch = async (file: string, { args = [], env, isUp }: LaunchOptions): Promise<Launched> => {
  const script = fileURLToPath(new URL(`../${file}`, import.meta.url))
  const child = spawn(process.execPath, ["--conditions=@troupe/source", script, ...args], {
    env: { ...process.env, ...env }
  })
  running.add(child)
  let output = ""
  const closed = once(child, "close").then(([code, signal]): number | NodeJS.Signals => {
    running.delete(child)
    return code ?? signal
  })
  const up = new Promise<void>((resolve) => {
    const read = (chunk: Buffer) => {
      output += chunk.toString()
      if (isUp(output)) resolve()
    }
    child.stdout.on("data", read)
    child.stderr.on("data", read)
  })
  await Promise.race([
    up,
    closed.then((code) => Promise.reject(new Error(`${file} ended with ${code} before it was up:\n${output}`)))
  ])
  return {
    pid: child.pid!,
    output: () => output,
    end: (signal = "SIGTERM") => {
      child.kill(signal)
      return closed
    }
  }
}

/** Starts a server on free ports, and waits until it has said where it listens. */
export const start = async (file: string, env: Record<string, string> = {}): Promise<Started> => {
  const address = (output: string, before: string) =>
    new RegExp(`${before}(http://127\\.0\\.0\\.1:\\d+)`).exec(output)?.[1]
  const urlOf = (output: string) => address(output, "Listening on ")
  const inspectorOf = (output: string) => address(output, "Inspector: open ")
  const launched = await launch(file, {
    env: { PORT: "0", INSPECTOR_PORT: "0", ...env },
    isUp: (output) => urlOf(output) !== undefined && inspectorOf(output) !== undefined
  })
  return { ...launched, url: urlOf(launched.output())!, inspector: inspectorOf(launched.output())! }
}

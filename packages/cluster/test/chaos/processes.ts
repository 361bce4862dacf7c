/**
 * Nodes as processes: starting, killing, freezing and cutting them off.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { createServer } from "node:net"
import { fileURLToPath } from "node:url"
import type { NodeSettings } from "./node.ts"

const script = fileURLToPath(new URL("./node.ts", import.meta.url))
/** A machine with two busy cores takes a while to load the modules of three nodes. */
const START_LIMIT = 60_000
const EXIT_LIMIT = 30_000

export class NodeProcess {
  readonly name: string
  readonly settings: NodeSettings
  /** What it wrote, for whoever has to find out why it failed. */
  output = ""
  private child: ChildProcess | undefined = undefined

  constructor(name: string, settings: NodeSettings) {
    this.name = name
    this.settings = settings
  }

  get isUp(): boolean {
    return this.child !== undefined
  }

  /** Starts the process, and returns when the node is built. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, ["--conditions=@troupe/source", script, JSON.stringify(this.settings)], {
      stdio: ["ignore", "pipe", "pipe", "ipc"]
    })
    this.child = child
    const keep = (chunk: Buffer) => {
      this.output = (this.output + chunk.toString()).slice(-20_000)
    }
    child.stdout!.on("data", keep)
    child.stderr!.on("data", keep)
    const ready = once(child, "message")
    const exited = once(child, "exit").then(([code, signal]) => {
      throw new Error(`${this.name} ended with ${code ?? signal} before it was ready:\n${this.output}`)
    })
    await within(START_LIMIT, `${this.name} did not start:\n${this.output}`, Promise.race([ready, exited]))
  }

  /** Sends a signal that ends the process, and returns when it has. */
  async end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const { child } = this
    if (child === undefined) return
    this.child = undefined
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, "exit")
    child.kill(signal)
    await within(EXIT_LIMIT, `${this.name} did not end on ${signal}:\n${this.output}`, exited)
  }

  freeze(): void {
    this.child?.kill("SIGSTOP")
  }

  thaw(): void {
    this.child?.kill("SIGCONT")
  }

  /** Breaks its connections with these ports. */
  cut(ports: ReadonlyArray<number>): void {
    this.child?.send({ cut: ports })
  }

  /** For the end of a run, however it came about. A frozen process dies, too. */
  destroy(): void {
    this.child?.kill("SIGKILL")
  }
}

const within = async <A>(millis: number, message: string, promise: Promise<A>): Promise<A> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(message)), millis)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Ports that are free now. */
export const freePorts = async (count: number): Promise<ReadonlyArray<number>> => {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"))
  await Promise.all(servers.map((server) => once(server, "listening")))
  const ports = servers.map((server) => (server.address() as { readonly port: number }).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

/**
 * What can happen to a cluster. Each fault is over when it returns: all nodes are up again, and the load went on all the
 * time.
 */
import type { Database } from "./database.ts"
import type { NodeProcess } from "./processes.ts"
import type { Random } from "./random.ts"

export interface World {
  readonly nodes: ReadonlyArray<NodeProcess>
  readonly database: Database
  /** How long a lost node is missed, in milliseconds. */
  readonly failover: number
  readonly random: Random
  readonly log: (line: string) => void
}

/** Load before and after each fault, in milliseconds. */
const CALM = 300

const pause = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis))

const faults = {
  /** A node dies without a word, and comes back a moment later. */
  kill: async ({ nodes, random }: World) => {
    const node = random.pick(nodes)
    await node.end("SIGKILL")
    await pause(random.below(500))
    await node.start()
  },
  /** All nodes die at once. */
  killAll: async ({ nodes }: World) => {
    await Promise.all(nodes.map((node) => node.end("SIGKILL")))
    await Promise.all(nodes.map((node) => node.start()))
  },
  /** One node is asked to leave, and comes back. */
  restart: async ({ nodes, random }: World) => {
    const node = random.pick(nodes)
    await node.end("SIGTERM")
    await node.start()
  },
  /** All nodes are asked to leave, one after the other. */
  rollingRestart: async ({ nodes }: World) => {
    for (const node of nodes) {
      await node.end("SIGTERM")
      await node.start()
      await pause(CALM)
    }
  },
  /** A node stands still for so long that others take over, and goes on as if nothing had happened. */
  freeze: async ({ failover, nodes, random }: World) => {
    const node = random.pick(nodes)
    node.freeze()
    await pause(failover + 1000)
    node.thaw()
  },
  /** A node stands still for a moment. */
  hiccup: async ({ failover, nodes, random }: World) => {
    const node = random.pick(nodes)
    node.freeze()
    await pause(random.below(failover / 2))
    node.thaw()
  },
  /** All connections among nodes and clients break. */
  cut: async ({ nodes }: World) => {
    const ports = nodes.map(({ settings }) => settings.port)
    for (const node of nodes) node.cut(ports)
    await pause(CALM)
  },
  /** The database is away for a while. */
  database: async ({ database, random }: World) => {
    await database.stop()
    await pause(500 + random.below(1500))
    await database.start()
  }
} satisfies Record<string, (world: World) => Promise<void>>

export type Name = keyof typeof faults

export const names = Object.keys(faults) as ReadonlyArray<Name>

export const inflict = async (name: Name, world: World): Promise<void> => {
  await pause(CALM)
  await faults[name](world)
  await pause(CALM)
}

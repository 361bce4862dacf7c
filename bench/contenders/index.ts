/** Every contender by name, in the order of the tables. Loaded on demand: a child process loads the one it measures. */
import type { Contender } from "./contender.ts"

const contenders: Readonly<Record<string, () => Promise<Contender>>> = {
  raw: async () => (await import("./raw.ts")).raw,
  "by hand": async () => (await import("./byHand.ts")).byHand,
  queue: async () => (await import("./queue.ts")).queue,
  nact: async () => (await import("./nact.ts")).nact,
  xstate: async () => (await import("./xstate.ts")).xstate,
  "p-limit": async () => (await import("./pLimit.ts")).pLimitContender,
  "p-queue": async () => (await import("./pQueue.ts")).pQueue,
  fastq: async () => (await import("./fastq.ts")).fastqContender,
  entity: async () => (await import("./entity.ts")).entity,
  troupe: async () => (await import("./troupe.ts")).troupe
}

export const names: ReadonlyArray<string> = Object.keys(contenders)

export const load = (name: string): Promise<Contender> => contenders[name]!()

/**
 * Worker threads: `npm run bench:threads`. The same work by hand over `postMessage`, with comlink, with piscina and with
 * `WorkerHome`, in turns in one run; medians, every answer verified. See the end of this file for the targets.
 */
import { mkdtempSync, readdirSync, rmSync } from "node:fs"
import { availableParallelism, tmpdir } from "node:os"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { Worker } from "node:worker_threads"
import { type Actor, AsyncHandle } from "@troupe/core"
import { WorkerHome } from "@troupe/worker"
import { transfer, wrap } from "comlink"
// @ts-expect-error: it has no types
import endpoint from "comlink/dist/esm/node-adapter.mjs"
import { Effect, Exit, Scope } from "effect"
import { build } from "esbuild"
import { Piscina } from "piscina"
import { Adder } from "./Adder.ts"
import {
  byHand,
  type Contender,
  effects,
  IN_FLIGHT,
  inFlight,
  inTurns as inRounds,
  type Lane,
  print,
  sequential,
  timed,
  transfers
} from "./measure.ts"
import { digest } from "./work.ts"

const file = (name: string) => new URL(`${name}.worker.ts`, import.meta.url)

const readyWorker = (url: URL): Promise<Worker> => {
  const worker = new Worker(url)
  return new Promise((resolve, reject) => {
    worker.once("message", () => resolve(worker))
    worker.once("error", reject)
  })
}

const raw = async (): Promise<Contender> => {
  const worker = await readyWorker(file("raw"))
  const { call, take } = byHand((message, moved) => worker.postMessage(message, moved))
  worker.on("message", take)
  return {
    name: "postMessage by hand",
    add: (a, b) => call("add", [a, b]),
    burn: (milliseconds) => call("burn", [milliseconds]),
    digest: (file) => call("digest", [file]),
    echo: (bytes) => call("echo", [bytes], [bytes.buffer as ArrayBuffer]),
    copy: (bytes) => call("copy", [bytes]),
    close: () => worker.terminate()
  }
}

const comlink = async (): Promise<Contender> => {
  const worker = await readyWorker(file("comlink"))
  const proxy: any = wrap(endpoint(worker))
  return {
    name: "comlink",
    add: (a, b) => proxy.add(a, b),
    burn: (milliseconds) => proxy.burn(milliseconds),
    digest: (file) => proxy.digest(file),
    echo: (bytes) => proxy.echo(transfer(bytes, [bytes.buffer as ArrayBuffer])),
    copy: (bytes) => proxy.copy(bytes),
    close: () => worker.terminate()
  }
}

const piscina = (threads: number) => async (): Promise<Contender> => {
  const pool = new Piscina({
    filename: file("piscina").href,
    minThreads: threads,
    maxThreads: threads,
    concurrentTasksPerWorker: 1000
  })
  await pool.run(["add", 1, 1])
  return {
    name: "piscina",
    add: (a, b) => pool.run(["add", a, b]),
    burn: (milliseconds) => pool.run(["burn", milliseconds]),
    digest: (file) => pool.run(["digest", file]),
    echo: (bytes) => pool.run(["echo", bytes], { transferList: [bytes.buffer as ArrayBuffer] }),
    copy: (bytes) => pool.run(["copy", bytes]),
    close: () => pool.close({ force: true })
  }
}

const inScope = async <A>(effect: Effect.Effect<A, unknown, Scope.Scope>) => {
  const scope = Scope.makeUnsafe()
  const value = await Effect.runPromise(Scope.provide(effect, scope))
  return { value, close: () => Effect.runPromise(Scope.close(scope, Exit.void)) }
}

const troupe = async (url: URL = file("troupe")): Promise<Contender & { readonly handle: Actor.Handle<any> }> => {
  const { close, value } = await inScope(WorkerHome.spawn(Adder, { url }))
  const handle = AsyncHandle.make(value)
  return {
    name: "Troupe, refs",
    handle: value,
    add: handle.add,
    burn: handle.burn,
    digest: handle.digest,
    echo: (bytes) => handle.echo(WorkerHome.transfer(bytes)),
    copy: handle.copy,
    close
  }
}

// --- measuring -------------------------------------------------------------------------------------------------------

const quick = process.argv.includes("--quick")
const ROUNDS = quick ? 1 : 7
const inTurns = (lanes: ReadonlyArray<Lane>, rounds = ROUNDS) => inRounds(lanes, rounds)

const calls = async () => {
  const inTroupe = await troupe()
  const all = [await raw(), await comlink(), await piscina(1)(), inTroupe]
  const lanes = (row: (contender: Contender) => () => Promise<number>) =>
    all.map((contender) => ({ name: contender.name, run: row(contender) }))
  const asEffects = effects(inTroupe)
  const ask = { name: "Troupe, yield*", run: asEffects.sequential }
  const asks = { name: "Troupe, yield*", run: asEffects.inFlight }
  print(
    "One call after the other",
    "us a call",
    await inTurns([...lanes(({ add }) => sequential(add)), ask]),
    "postMessage by hand"
  )
  print("1000 in flight", "us a call", await inTurns([...lanes(({ add }) => inFlight(add)), asks]), "comlink", 2)
  for (const [how, way] of [
    ["moved", "echo"],
    ["copied", "copy"]
  ] as const) {
    const results = await inTurns(lanes((contender) => transfers(contender[way])))
    print(`1 MB there and back, ${how}`, "us", results, "postMessage by hand")
  }
  for (const { close } of all) await close()
}

/** A thread is started, and the clock runs for its first thousand calls. */
const firstCalls = async () => {
  const first = (name: string, open: () => Promise<Contender>): Lane => ({
    name,
    run: async () => {
      const { add, close } = await open()
      const spent = await timed(IN_FLIGHT, IN_FLIGHT * 3, async () => {
        const answers = await Promise.all(Array.from({ length: IN_FLIGHT }, () => add(1, 2)))
        return answers.reduce((sum, answer) => sum + answer, 0)
      })
      await close()
      return spent
    }
  })
  const results = await inTurns([
    first("postMessage by hand", raw),
    first("comlink", comlink),
    first("piscina", piscina(1)),
    first("Troupe", () => troupe())
  ])
  print("The first 1000 calls of a thread, all in flight", "us a call", results, "postMessage by hand")
}

// --- both cores ------------------------------------------------------------------------------------------------------

const BURN_MILLIS = 5
const BURNS = 100

const cpuBound = async () => {
  const threads = Math.min(2, availableParallelism())
  const members = await Promise.all(Array.from({ length: threads }, () => troupe()))
  const raws = await Promise.all(Array.from({ length: threads }, raw))
  const pool = await piscina(threads)()
  const spread = (burn: (index: number) => PromiseLike<number>) => async () => {
    const start = performance.now()
    await Promise.all(Array.from({ length: BURNS }, (_, index) => burn(index)))
    return (BURNS * BURN_MILLIS) / threads / (performance.now() - start)
  }
  const results = await inTurns(
    [
      { name: "postMessage by hand", run: spread((index) => raws[index % threads]!.burn(BURN_MILLIS)) },
      { name: "piscina", run: spread(() => pool.burn(BURN_MILLIS)) },
      { name: "Troupe", run: spread((index) => members[index % threads]!.burn(BURN_MILLIS)) }
    ],
    5
  )
  print(`CPU-bound calls of ${BURN_MILLIS} ms on ${threads} threads`, "of ideal", results, "postMessage by hand", 3)
  for (const { close } of [...members, ...raws, pool]) await close()
}

// --- a folder --------------------------------------------------------------------------------------------------------

const hashing = async () => {
  const folder = fileURLToPath(new URL("../../node_modules/effect/src", import.meta.url))
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
  const expected = files.map(digest).join()
  const threads = Math.min(2, availableParallelism())
  const several = (open: () => Promise<Contender>) => Promise.all(Array.from({ length: threads }, open))
  const raws = await several(raw)
  const comlinks = await several(comlink)
  const pool = await piscina(threads)()
  const members = await several(() => troupe())
  const lane = (name: string, hash: (file: string, index: number) => PromiseLike<string>): Lane => ({
    name,
    run: async () => {
      const start = performance.now()
      const digests = await Promise.all(files.map(hash))
      const spent = performance.now() - start
      if (digests.join() !== expected) throw new Error(`${name}: wrong digests`)
      return spent
    }
  })
  const spread = (all: ReadonlyArray<Contender>) => (file: string, index: number) => all[index % threads]!.digest(file)
  const results = await inTurns([
    lane("in this thread", async (file) => digest(file)),
    lane("postMessage by hand", spread(raws)),
    lane("comlink", spread(comlinks)),
    lane("piscina", pool.digest),
    lane("Troupe", spread(members))
  ])
  print(`SHA-256 of ${files.length} files on ${threads} threads`, "ms", results, "piscina")
  for (const { close } of [...raws, ...comlinks, pool, ...members]) await close()
}

// --- from cold -------------------------------------------------------------------------------------------------------

const cold = async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "troupe-bench-"))
  const bundle = async (name: string) => {
    const outfile = path.join(folder, `${name}.mjs`)
    const entryPoints = [file(name).pathname]
    await build({
      entryPoints,
      outfile,
      bundle: true,
      minify: true,
      platform: "node",
      format: "esm",
      conditions: ["@troupe/source"]
    })
    return new URL(`file://${outfile}`)
  }
  const bundled = await bundle("troupe")
  const bare = await bundle("raw")
  const start = (name: string, open: () => Promise<{ readonly close: () => Promise<unknown> }>): Lane => ({
    name,
    run: async () => {
      const before = performance.now()
      const { close } = await open()
      const spent = performance.now() - before
      await close()
      return spent
    }
  })
  const results = await inTurns([
    start("a bare Worker, bundled", async () => {
      const worker = await readyWorker(bare)
      return { close: () => worker.terminate() }
    }),
    start("Troupe, bundled", () => troupe(bundled)),
    start("Troupe, from its sources", () => troupe())
  ])
  print("Ready from cold", "ms", results, "a bare Worker, bundled")
  rmSync(folder, { recursive: true })
}

console.log(`Node ${process.version}, ${availableParallelism()} cores; medians of ${ROUNDS} rounds`)
await calls()
await firstCalls()
await cpuBound()
await hashing()
await cold()
console.log(`
Wanted: one after the other at most 2.5 of postMessage and below comlink; 1000 in flight at most 0.33 of comlink and of
piscina; 1 MB at most 1.3 of postMessage moved and 1.1 copied; the first 1000 at most 1.5 of postMessage; CPU-bound at least 0.9 of ideal; ready at most 3 of a bare Worker.`)
process.exit()

/**
 * Where the threads of a home come from: the file that is given, or a function of the user.
 */
import { platform } from "#platform"
import type { AnyWorker, WorkerOptions } from "../../WorkerHome.ts"

/** Workers that are some thread's already. A Worker serves one owner, and would never greet a second one. */
const taken = new WeakSet<object>()

export const spawner = (actor: string, { spawn, url, workerOptions }: WorkerOptions): (() => AnyWorker) => {
  if (typeof spawn === "function") return () => checked(spawn())
  if (spawn !== undefined)
    throw new TypeError(`${actor}: spawn must be a function that makes a Worker, but is ${kindOf(spawn)}`)
  if (url === undefined) {
    throw new TypeError(`${actor}: WorkerHome needs "url", the file of the thread, or "spawn", which makes its Worker`)
  }
  return () => platform.makeWorker(url, workerOptions)
}

const checked = (made: unknown): AnyWorker => {
  const worker: any = made
  if (!platform.isWorker(worker)) throw new TypeError(`spawn must give ${platform.workers}, but gave ${kindOf(worker)}`)
  if (taken.has(worker)) throw new TypeError("spawn must make a new Worker each time, but gave one that is in use")
  taken.add(worker)
  return worker
}

const kindOf = (value: any): string => {
  if (value === undefined || value === null) return `${value}`
  if (typeof value.then === "function") return "a promise"
  if (typeof value.postMessage === "function") return "a Worker of another kind, as browsers have it"
  return typeof value === "object" ? "an object" : `a ${typeof value}`
}

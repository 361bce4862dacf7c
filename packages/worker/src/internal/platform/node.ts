/**
 * Threads of Node: `worker_threads`.
 */
import { availableParallelism } from "node:os"
import { type MessagePort, parentPort, receiveMessageOnPort, Worker, type WorkerOptions } from "node:worker_threads"
import type { Platform } from "./platform.ts"

const methods = ["postMessage", "on", "once", "ref", "unref", "terminate"] as const

export const platform: Platform = {
  listen: (port, on) => {
    ;(port as MessagePort).on("message", on.message)
    ;(port as MessagePort).on("messageerror", on.garbled)
  },
  receive: (port) => receiveMessageOnPort(port as MessagePort),

  parallelism: availableParallelism,
  workers: "a Worker of node:worker_threads",
  isWorker: (made) => methods.every((name) => typeof made?.[name] === "function"),
  makeWorker: (url, options) => {
    const file = typeof url === "string" && url.startsWith("file:") ? new URL(url) : url
    return new Worker(file, options as WorkerOptions)
  },
  own: (made, on) => {
    const worker = made as Worker
    worker.on("error", on.error)
    worker.once("exit", on.exit)
    return {
      id: worker.threadId,
      start: (message, port) => worker.postMessage(message, [port as MessagePort]),
      keepAlive: (keep) => (keep ? worker.ref() : worker.unref()),
      terminate: () => void worker.terminate()
    }
  },

  isThread: () => parentPort !== null,
  onStart: (begin) => {
    const port = parentPort!
    const listen = (message: unknown) => {
      if (!begin(message)) return
      // From here on everything comes by a port of ours. This one would keep the thread alive.
      port.off("message", listen)
      port.unref()
    }
    port.on("message", listen)
  },
  exit: () => process.exit(),
  // Node ends the thread, and tells its owner the error.
  onUncaught: () => {},
  onExit: (work) => void process.once("exit", work)
}

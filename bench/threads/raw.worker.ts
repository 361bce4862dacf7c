import { parentPort } from "node:worker_threads"
import { add, burn, copy, digest } from "./work.ts"

const methods: Record<string, (...args: Array<any>) => unknown> = { add, burn, copy, digest }
const port = parentPort!
port.on("message", ([id, method, ...args]: [number, string, ...Array<any>]) => {
  if (method === "echo") port.postMessage([id, args[0]], [args[0].buffer])
  else port.postMessage([id, methods[method]!(...args)])
})
port.postMessage("ready")

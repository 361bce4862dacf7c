import { parentPort } from "node:worker_threads"
import { add, burn } from "./work.ts"

const port = parentPort!
port.on("message", ([id, method, ...args]: [number, string, ...Array<any>]) => {
  if (method === "echo") port.postMessage([id, args[0]], [args[0].buffer])
  else port.postMessage([id, method === "add" ? add(args[0], args[1]) : burn(args[0])])
})
port.postMessage("ready")

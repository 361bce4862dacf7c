import { parentPort } from "node:worker_threads"
import { expose, transfer } from "comlink"
// @ts-expect-error: it has no types
import endpoint from "comlink/dist/esm/node-adapter.mjs"
import { add, burn, copy, digest } from "./work.ts"

expose({ add, burn, copy, digest, echo: (bytes: Uint8Array) => transfer(bytes, [bytes.buffer]) }, endpoint(parentPort))
parentPort!.postMessage("ready")

/**
 * The last line of a thread's file: waits for the owner, and serves it.
 */

import { show } from "@troupe/core/Home"
import * as Layer from "effect/Layer"
import { platform } from "#platform"
import type { Contract } from "../values/contract.ts"
import type { Greeting, Start } from "../wire/protocol.ts"
import { Server } from "./server.ts"

let serving: string | undefined

/** Serves an actor from this thread. `tasks` are the texts of the tasks that it runs, if it does. */
export const serve = (contract: Contract, layer: Layer.Layer<any, any>, tasks: Greeting["tasks"] = {}): void => {
  if (typeof contract?.methods !== "object")
    throw new TypeError(`WorkerHome.serve takes the class of a contract and its Layer, but got ${show(contract)}`)
  if (!Layer.isLayer(layer))
    throw new TypeError(
      `${contract.key}: WorkerHome.serve needs the Layer of its implementation, like what toLayer gives, but got ${show(layer)}`
    )
  if (!platform.isThread()) {
    throw new TypeError(`${contract.key}: WorkerHome.serve belongs in the file of a worker thread, and this is none`)
  }
  if (serving !== undefined) {
    throw new TypeError(`${contract.key}: a thread serves one actor, and this one serves ${serving} already`)
  }
  serving = contract.key
  platform.onStart((start: Start | undefined) => {
    // The program that made the Worker may send it messages of its own.
    if (start?.troupe !== true) return false
    void new Server(contract, layer, tasks, start).run()
    return true
  })
}

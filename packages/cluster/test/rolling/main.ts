/**
 * Runs a node where this is the program of a process: with the options of its first argument, until it is told to end.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { ClusterHome } from "@troupe/cluster"
import { Effect, Layer } from "effect"

export const serve = (actors: Layer.Layer<any, any, any>): void => {
  const options = process.argv[2]
  if (process.send === undefined || options?.startsWith("{") !== true) return
  const up = Layer.effectDiscard(Effect.sync(() => process.send!("up")))
  const node = up.pipe(Layer.provide(actors), Layer.provide(ClusterHome.layerNode(JSON.parse(options))))
  NodeRuntime.runMain(Layer.launch(node) as Effect.Effect<never>)
}

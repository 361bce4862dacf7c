/**
 * The same shop as a picture: writes a trace of all calls that Perfetto opens.
 *
 *     npx node --conditions=@troupe/source examples/observability/timeline.ts shop.json
 *
 * Then open https://ui.perfetto.dev and drop the file there; it stays on your machine.
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { Timeline } from "@troupe/inspector"
import { Effect, Layer } from "effect"
import { orders, shop } from "./shop.ts"

const [file = "shop.json"] = process.argv.slice(2)

await orders.pipe(
  Effect.provide(shop),
  Effect.provide(Timeline.layer({ file }).pipe(Layer.provide(NodeFileSystem.layer))),
  Effect.runPromise
)

/**
 * A lively shop, with the inspector: `npm run demo` prints the address of the page.
 *
 *     npx node --conditions=@troupe/source examples/demo/main.ts
 *     npx node --conditions=@troupe/source examples/demo/main.ts --port 0 --crowd 3000 --control
 *
 * `--crowd` adds so many customers, `--control` allows the page to cancel, kill, stop and resize. Ctrl-C ends it.
 */
import { parseArgs } from "node:util"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Inspector } from "@troupe/inspector"
import { WorkerHome } from "@troupe/worker"
import { Console, Effect, Layer, References } from "effect"
import { Audit, Basket, Catalog, Checkout, Customer, Ledger, Payments, Post, Stock } from "./shop.ts"
import { Thumbnails } from "./Thumbnails.ts"
import { visitors } from "./visitors.ts"

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "4680" },
    crowd: { type: "string", default: "0" },
    control: { type: "boolean", default: false }
  }
})

const shop = Checkout.layer.pipe(
  Layer.provideMerge(Layer.mergeAll(Payments.layer, Post.layer, Stock.layer, Basket.layer)),
  Layer.merge(Layer.mergeAll(Catalog.layer, Ledger.layer, Audit.layer, Customer.layer)),
  Layer.merge(
    WorkerHome.layer(Thumbnails, { url: new URL("./thumbnails.worker.ts", import.meta.url), maxConcurrency: 4 })
  )
)

const program = Effect.gen(function* () {
  yield* visitors({ crowd: Number(values.crowd) })
  const { url } = yield* Inspector.Inspector
  yield* Console.log(`The shop is open. Look at it: ${url}   (Ctrl-C closes it)`)
  yield* Effect.never
})

program.pipe(
  Effect.scoped,
  Effect.provide([
    shop,
    Inspector.layer({ port: Number(values.port), control: values.control, title: "A lively shop" })
  ]),
  // Defects and refused cards are part of the show.
  Effect.provideService(References.MinimumLogLevel, "Error"),
  NodeRuntime.runMain
)

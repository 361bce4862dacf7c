/**
 * A lively shop with the live view: `npm run demo` prints the address of the page.
 *
 *     npx node --conditions=@troupe/source examples/demo/main.ts
 *     npx node --conditions=@troupe/source examples/demo/main.ts --port 0 --crowd 3000 --control
 * `--crowd` adds that many customers, `--control` lets the page cancel, kill, stop and resize. Ctrl-C ends it.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Inspector } from "@troupe/inspector"
import { WorkerHome } from "@troupe/worker"
import { Console, Effect, References } from "effect"
import { Command, Flag } from "effect/cli"
import { runCommand, wholeNumber } from "../cli.ts"
import { runServer } from "../server.ts"
import { shop } from "./shop.ts"
import { Thumbnails } from "./Thumbnails.ts"
import { visitors } from "./visitors.ts"

const flags = {
  port: wholeNumber("port", { least: 0, most: 65_535 }).pipe(
    Flag.withDescription("Where the live view listens (default: 4680; 0 takes any free port)"),
    Flag.withDefault(4680)
  ),
  crowd: wholeNumber("crowd", { least: 0, most: 100_000 }).pipe(
    Flag.withDescription("How many more customers there are, most of them with nothing to do (default: 0)"),
    Flag.withDefault(0)
  ),
  control: Flag.Boolean("control").pipe(
    Flag.withDescription("Allow the page to cancel calls, and to kill, stop and resize actors"),
    Flag.withDefault(false)
  )
}

const demo = Command.make("npm run demo --", flags, ({ control, crowd, port }) =>
  Effect.gen(function* () {
    yield* visitors({ crowd })
    const { url } = yield* Inspector.Inspector
    yield* Console.log(`The shop is open. Look at it: ${url}   (Ctrl-C closes it)`)
    yield* Effect.onInterrupt(Effect.never, () => Console.log("closing the shop ..."))
  }).pipe(
    Effect.scoped,
    Effect.provide([
      shop,
      WorkerHome.layer(Thumbnails, { url: new URL("./thumbnails.worker.ts", import.meta.url), maxConcurrency: 4 }),
      Inspector.layer({ port, control, title: "A lively shop" })
    ]),
    // Defects and refused cards are part of the show.
    Effect.provideService(References.MinimumLogLevel, "Error")
  )
).pipe(Command.withDescription("A web shop that is never quiet, and a live view of its actors"))

runServer(runCommand(demo).pipe(Effect.provide(NodeServices.layer)))

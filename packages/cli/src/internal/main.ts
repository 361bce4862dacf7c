/**
 * The process of `troupe`.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import { run } from "./command.ts"
import { ExitWith } from "./exitWith.ts"

// The reader of our output may leave before its end, as `head` does. Without a listener Node would print a stack trace.
process.stdout.on("error", () => process.exit(0))

run(process.argv.slice(2)).pipe(
  // The help and the reason have been printed. 2 is the shell's convention for wrong usage.
  Effect.catchTag("ShowHelp", ({ errors }) =>
    errors.length > 0 ? Effect.fail(new ExitWith({ code: 2 })) : Effect.void
  ),
  Effect.provide(Layer.merge(NodeServices.layer, FetchHttpClient.layer)),
  NodeRuntime.runMain
)

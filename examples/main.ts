/** `npm start`: the tour. `npm start -- links <folder or URL>`: the link checker. `npm start -- duplicates <folder>`. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, Layer } from "effect"
import { Argument, Command } from "effect/cli"
import { runCommand } from "./cli.ts"
import { duplicates } from "./duplicates/command.ts"
import { links } from "./links/command.ts"
import { Screen } from "./Screen.ts"
import { tour, tourLength } from "./tour/main.ts"

const tourCommand = Command.make(
  "tour",
  {
    program: Argument.Int("program").pipe(
      Argument.withDescription(`Only this program, from 1 to ${tourLength}`),
      Argument.filter(
        (n) => n >= 1 && n <= tourLength,
        () => `a number from 1 to ${tourLength}`
      ),
      Argument.withDefault(undefined)
    )
  },
  ({ program }) => tour(program)
).pipe(Command.withDescription("Watch five programs show what actors do (also without a command)"))

const main = Command.make("npm start --", {}, () => tour(undefined)).pipe(
  Command.withDescription("Troupe: Ray's async actors as Effect services. These are its examples."),
  Command.withSubcommands([tourCommand, links, duplicates]),
  runCommand,
  Effect.provide(Layer.provideMerge(Screen.layer, NodeServices.layer))
)

NodeRuntime.runMain(main)

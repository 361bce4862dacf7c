/** Shared by the examples that are commands. */
import { Config, Effect, Option } from "effect"
import { CliConfig, CliError, Command, Flag, GlobalFlag } from "effect/cli"
import { ExitWith } from "./ExitWith.ts"

/** Runs a command with the arguments of this process. If it cannot parse them, it prints the reason and the help. */
export const runCommand = <Name extends string, Input, Context, E, R>(
  command: Command.Command<Name, Input, Context, E, R>
) =>
  Command.run(command, { version: "0.0.0" }).pipe(
    // The reason and the help have been printed; 2 is the conventional exit code for invalid usage.
    Effect.catchIf(isShowHelp, ({ errors }) =>
      errors.length > 0 ? Effect.fail(new ExitWith({ code: 2 })) : Effect.void
    ),
    Effect.provide(CliConfig.layer({ builtIns: [GlobalFlag.Help] }))
  )

const isShowHelp = (error: unknown): error is CliError.ShowHelp =>
  CliError.isCliError(error) && error._tag === "ShowHelp"

/** A flag that takes a whole number. `Flag.Int` would say of "abc" that it expected "a string representing a number". */
export const wholeNumber = (name: string, { least, most }: { readonly least: number; readonly most: number }) =>
  Flag.String(name).pipe(
    Flag.withMetavar("number"),
    Flag.filterMap(
      (text) => {
        const number = text.trim() === "" ? Number.NaN : Number(text)
        return Number.isInteger(number) && number >= least && number <= most ? Option.some(number) : Option.none()
      },
      () => `Expected a whole number from ${least} to ${most}`
    )
  )

/** The user's working directory: npm runs scripts in the root of the repository, and says where it was called from. */
export const workingFolder = Effect.gen(function* () {
  const calledByNpm = (yield* Config.String("npm_lifecycle_event").pipe(Config.withDefault(""))) === "start"
  return yield* (calledByNpm ? Config.String("INIT_CWD") : Config.succeed(process.cwd())).pipe(
    Config.withDefault(process.cwd())
  )
}).pipe(Effect.orDie)

/**
 * The command `inspect` and its subcommands.
 */
import * as Config from "effect/Config"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import { InspectError } from "../../InspectError.ts"
import { safe, safeJson } from "../base/shown.ts"
import { plural } from "../base/units.ts"
import { type Client, DEFAULT_ADDRESS, type Filter, makeClient, parseAddress } from "./client.ts"
import { live, screen } from "./live.ts"

import { callLines, coreStates, inStates, instanceLines, SORTS, STATES, type StateName, summaryLine } from "./views.ts"

// --- flags of all subcommands ----------------------------------------------------------------------------------------

const shared = {
  url: Flag.String("url").pipe(
    Flag.withMetavar("address"),
    Flag.withDescription(
      `The address that the program printed (default: ${DEFAULT_ADDRESS}); also accepted anywhere without --url`
    ),
    Flag.withFallbackConfig(Config.String("TROUPE_INSPECTOR_URL")),
    Flag.withDefault(DEFAULT_ADDRESS)
  ),
  token: Flag.String("token").pipe(
    Flag.withDescription("The token, if it is not part of the address"),
    Flag.withFallbackConfig(Config.String("TROUPE_INSPECTOR_TOKEN")),
    Flag.optional
  ),
  json: Flag.Boolean("json").pipe(
    Flag.withDescription("Print the answer of the server as JSON, once"),
    Flag.withDefault(false)
  )
}

/** The default of `--limit`. */
const MOST = 10_000

const filters = {
  actor: Flag.String("actor").pipe(Flag.withDescription("Only instances of this actor"), Flag.optional),
  name: Flag.String("name").pipe(Flag.withDescription("Only the instance with this name"), Flag.optional),
  instance: Flag.Int("instance").pipe(Flag.withDescription("Only the instance with this number"), Flag.optional),
  limit: Flag.Int("limit").pipe(
    Flag.withDescription(`The most instances, and the most calls, to show (default: ${MOST})`),
    Flag.filter(
      (limit) => limit >= 1,
      () => "Expected a number of at least 1"
    ),
    Flag.withDefault(MOST)
  )
}

const sort = Flag.Literals("sort", SORTS).pipe(
  Flag.withDescription("What to sort by (default: queue)"),
  Flag.withDefault("queue" as const)
)

interface Filtered {
  readonly actor: Option.Option<string>
  readonly name: Option.Option<string>
  readonly instance: Option.Option<number>
  readonly limit: number
}

const filterOf = ({ actor, instance, limit, name }: Filtered): Filter => ({
  actor: Option.getOrUndefined(actor),
  name: Option.getOrUndefined(name),
  instance: Option.getOrUndefined(instance),
  limit
})

const top = Command.make("inspect", {
  ...filters,
  sort,
  interval: Flag.Finite("interval").pipe(
    Flag.withDescription("Seconds between updates (default: 1)"),
    Flag.filter(
      (seconds) => seconds >= 0.1 && seconds <= 3600,
      () => "Expected a number from 0.1 to 3600"
    ),
    Flag.withDefault(1)
  ),
  once: Flag.Boolean("once").pipe(
    Flag.withDescription("Print the tables once, as without a terminal"),
    Flag.withDefault(false)
  )
}).pipe(Command.withSharedFlags(shared))

const connect = Effect.fnUntraced(function* ({ token, url }: Pick<Effect.Success<typeof top>, "token" | "url">) {
  const address = yield* Effect.fromResult(parseAddress(url, Option.getOrUndefined(token)))
  return yield* makeClient(address)
})

const printJson = Effect.fnUntraced(function* (value: unknown) {
  const { print } = yield* screen
  yield* print([safeJson(JSON.stringify(value, null, 2))])
})

/** How many calls are printed without a terminal: `list --calls` prints all. */
const FEW_CALLS = 20

const overview = top.pipe(
  Command.withDescription("See what the actors of a running program are doing: a table, kept up to date"),
  Command.withHandler(
    Effect.fnUntraced(function* ({ interval, json, once, sort, ...flags }) {
      const client = yield* connect(flags)
      const snapshot = yield* client.snapshot(filterOf(flags))
      if (json) return yield* printJson(snapshot)
      const { live: isLive, print, style, width } = yield* screen
      if (isLive && !once) {
        const next = (search: string) => client.snapshot({ ...filterOf(flags), search })
        return yield* live({
          address: client.address,
          first: snapshot,
          next,
          interval: Duration.seconds(interval),
          sort,
          style
        })
      }
      const view = { snapshot, previous: undefined, sort, style, width: yield* width }
      yield* print([summaryLine(view), "", ...instanceLines(view), "", ...callLines(view, FEW_CALLS)])
    })
  )
)

// --- list ------------------------------------------------------------------------------------------------------------

/** To the server, idle instances are running ones. If only one of the two is wanted, we ask for both and choose. */
const listed = (client: Client, filter: Filter, states: ReadonlyArray<StateName>) => {
  const snapshot = (limit: number | undefined) => client.snapshot({ ...filter, limit, state: coreStates(states) })
  if (states.includes("idle") === states.includes("running")) return snapshot(filter.limit)
  return Effect.map(snapshot(MOST), (all) => inStates(all, states, filter.limit ?? MOST))
}

const list = Command.make(
  "list",
  {
    ...filters,
    sort,
    state: Flag.Literals("state", STATES).pipe(
      Flag.withDescription("Only instances in this state; may be given more than once"),
      Flag.atLeast(0)
    ),
    calls: Flag.Boolean("calls").pipe(
      Flag.withDescription("List unsettled calls instead of instances"),
      Flag.withDefault(false)
    )
  },
  Effect.fnUntraced(function* ({ calls, sort, state, ...flags }) {
    const common = yield* top
    const client = yield* connect(common)
    const snapshot = yield* listed(client, filterOf(flags), state)
    if (common.json) return yield* printJson(calls ? snapshot.calls : snapshot.instances)
    const { print, style, width } = yield* screen
    const view = { snapshot, previous: undefined, sort, style, width: yield* width }
    yield* print(calls ? callLines(view) : instanceLines(view))
  })
).pipe(Command.withDescription("List instances, or their calls"))

// --- explain ---------------------------------------------------------------------------------------------------------

const explain = Command.make(
  "explain",
  {
    call: Argument.String("call").pipe(
      Argument.withDescription("The number of the call, as the tables show it"),
      Argument.filterMap(
        (text) => (/^#?\d+$/.test(text) ? Option.some(Number(text.replace("#", ""))) : Option.none()),
        () => "Expected the number of a call"
      )
    )
  },
  Effect.fnUntraced(function* ({ call }) {
    const common = yield* top
    const client = yield* connect(common)
    const explanation = yield* client.explain(call)
    if (common.json) return yield* printJson(explanation)
    const { print } = yield* screen
    yield* print([safe(explanation.text)])
  })
).pipe(Command.withDescription("Say what a call waits for, and since when"))

// --- timeline --------------------------------------------------------------------------------------------------------

const timeline = Command.make(
  "timeline",
  {
    output: Flag.String("output").pipe(
      Flag.withAlias("o"),
      Flag.withMetavar("file"),
      Flag.withDescription("Where to write the trace; - for standard output (default: troupe-timeline.json)"),
      Flag.withDefault("troupe-timeline.json")
    ),
    seconds: Flag.Int("seconds").pipe(
      Flag.withDescription("How long to record (default: 5)"),
      Flag.filter(
        (seconds) => seconds >= 1 && seconds <= 60,
        () => "Expected a whole number from 1 to 60"
      ),
      Flag.withDefault(5)
    )
  },
  Effect.fnUntraced(function* ({ output, seconds }) {
    const common = yield* top
    const client = yield* connect(common)
    const { print } = yield* screen
    // With --json, scripts read the trace from standard output.
    const toOutput = output === "-" || common.json
    if (!toOutput) yield* print([`Recording for ${seconds} s ...`])
    const { events, text } = yield* client.timeline(seconds)
    if (toOutput) return yield* print([safeJson(text.trimEnd())])
    const fs = yield* FileSystem.FileSystem
    yield* fs
      .writeFileString(output, text)
      .pipe(
        Effect.mapError(
          ({ message }) =>
            new InspectError({ reason: "NotWritten", message: `${output} cannot be written: ${message}` })
        )
      )
    yield* print([`${plural(events, "event")} in ${output}: open it at https://ui.perfetto.dev`])
  })
).pipe(Command.withDescription("Record what the actors do for a few seconds, as a trace for Perfetto"))

export const inspect = overview.pipe(
  Command.withSubcommands([list, explain, timeline]),
  Command.withExamples([
    { command: "troupe inspect http://127.0.0.1:4680", description: "A table, kept up to date" },
    { command: "troupe inspect list --actor app/Db --json", description: "For scripts" },
    { command: "troupe inspect explain 41", description: "Why call 41 takes so long" },
    { command: "troupe inspect timeline -o trace.json --seconds 10", description: "A trace of ten seconds" }
  ])
)

// --- addresses anywhere ----------------------------------------------------------------------------------------------

const ADDRESS = /^([a-z][a-z\d+.-]*:\/\/|(localhost|\d+(\.\d+){3}|\[[\da-f:.]+\]|[\w-]+(\.[\w-]+)+):\d+([/#]|$))/i
const TAKES_VALUE = new Set(["--url", "--token", "--actor", "--name", "--output", "-o"])

/**
 * People write `troupe inspect <address> list` and `troupe inspect list <address>`: an argument that looks like an address
 * is one, unless it is the value of a flag. The parser would accept nothing before the name of a subcommand.
 */
export const arrange = (args: ReadonlyArray<string>): ReadonlyArray<string> => {
  if (args[0] !== "inspect") return args
  const index = args.findIndex((arg, i) => ADDRESS.test(arg) && !TAKES_VALUE.has(args[i - 1] ?? ""))
  return index < 0 ? args : [...args.slice(0, index), ...args.slice(index + 1), "--url", args[index]!]
}

/** The command `inspect` as its users meet it, with a terminal and a server that a test is in charge of. */
import { ActorSystem } from "@troupe/core"
import * as Cli from "@troupe/inspector/Cli"
import { ConfigProvider, Effect, FileSystem, Layer, Option, Path, Queue, Schema, Stdio, Terminal } from "effect"
import { Command } from "effect/cli"
import { HttpClient, HttpClientError, HttpClientResponse } from "effect/http"
import { ChildProcessSpawner } from "effect/process"

/** How a server answers: with a status and a body, not at all since nothing listens (`refused`), or never. */
export type Answer = { readonly status?: number; readonly body: unknown } | "refused" | "never"

export interface Asked {
  readonly path: string
  readonly authorization: string | undefined
}

export interface World {
  /** Everything that was printed, in order. */
  readonly printed: Array<string>
  readonly asked: Array<Asked>
  readonly files: Map<string, string>
  readonly keys: Queue.Queue<Terminal.UserInput>
  readonly sizes: Queue.Queue<Terminal.Size>
  size: Terminal.Size
  answer: (path: string) => Answer
}

export interface Setting {
  readonly isTerminal?: boolean
  /** Whether the input is a terminal, too. */
  readonly hasKeys?: boolean
  readonly env?: Record<string, string>
  readonly columns?: number
  readonly rows?: number
}

export const makeWorld = (answer: World["answer"], { columns = 80, rows = 24 }: Setting = {}): Effect.Effect<World> =>
  Effect.gen(function* () {
    return {
      printed: [],
      asked: [],
      files: new Map(),
      keys: yield* Queue.make<Terminal.UserInput>(),
      sizes: yield* Queue.make<Terminal.Size>(),
      size: { columns, rows },
      answer
    }
  })

export const press = (world: World, key: string) =>
  Queue.offer(world.keys, {
    input: key.length === 1 ? Option.some(key) : Option.none(),
    key: { name: key, ctrl: false, meta: false, shift: false }
  })

/** Waits until something is on the screen, or is not, without waiting for a time. */
export const until = (condition: () => boolean): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (let turn = 0; turn < 10_000; turn++) {
      if (condition()) return
      yield* Effect.yieldNow
    }
    throw new Error("it never came to that")
  })

const terminal = (world: World) =>
  Layer.succeed(
    Terminal.Terminal,
    Terminal.make({
      columns: Effect.sync(() => world.size.columns),
      rows: Effect.sync(() => world.size.rows),
      size: Effect.succeed(world.sizes) as any,
      readInput: Effect.succeed(world.keys) as any,
      readLine: Effect.die("unused"),
      display: (text) => Effect.sync(() => void world.printed.push(text))
    })
  )

const files = (world: World) =>
  FileSystem.layerNoop({
    writeFileString: (file, text) => Effect.sync(() => void world.files.set(file, text))
  })

const server = (world: World) =>
  Layer.succeed(
    HttpClient.HttpClient,
    HttpClient.make((request, url) => {
      const path = url.pathname + url.search
      world.asked.push({ path, authorization: request.headers.authorization })
      const answer = world.answer(path)
      if (answer === "never") return Effect.never
      if (answer === "refused") {
        const cause = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" })
        const reason = new HttpClientError.TransportError({ request, cause: new TypeError("fetch failed", { cause }) })
        return Effect.fail(new HttpClientError.HttpClientError({ reason }))
      }
      const text = typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body)
      return Effect.succeed(HttpClientResponse.fromWeb(request, new Response(text, { status: answer.status ?? 200 })))
    })
  )

/** Runs `troupe <args>`. What it says of errors is in the error. */
export const run = (
  world: World,
  args: ReadonlyArray<string>,
  { isTerminal = false, hasKeys = true, env = {} }: Setting = {}
) =>
  Command.runWith(Command.withSubcommands(Command.make("troupe"), [Cli.inspect]), {
    version: "0.0.0",
    renderErrors: false
  })(Cli.arrange(args)).pipe(
    Effect.provide([
      terminal(world),
      files(world),
      server(world),
      Path.layer,
      Stdio.layerTest({
        stdoutIsTerminal: Effect.succeed(isTerminal),
        stdinIsTerminal: Effect.succeed(isTerminal && hasKeys)
      }),
      Layer.succeed(
        ChildProcessSpawner.ChildProcessSpawner,
        ChildProcessSpawner.make(() => Effect.die("unused"))
      ),
      ConfigProvider.layer(ConfigProvider.fromEnvRecord(env))
    ])
  )

/** The snapshot of the present system, as it comes over the wire. */
export const wire: Effect.Effect<unknown> = Effect.flatMap(ActorSystem.snapshot(), (snapshot) =>
  Effect.orDie(Schema.encodeUnknownEffect(ActorSystem.Snapshot)(snapshot))
)

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
const CODES = /\x1b\[[0-9;?]*[a-zA-Z]/g

export const plain = (text: string): string => text.replaceAll(CODES, "")

export const hasCodes = (text: string): boolean => text !== plain(text)

/** The lines of the screen after everything has been printed. */
export const onScreen = (world: World): ReadonlyArray<string> => {
  const frames = world.printed.join("").split("\x1b[H")
  return plain(frames.at(-1)!)
    .split("\n")
    .map((line) => line.trimEnd())
}

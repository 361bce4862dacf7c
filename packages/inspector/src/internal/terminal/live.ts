/**
 * The live screen of a terminal.
 */
import type * as ActorSystem from "@troupe/core/ActorSystem"
import * as Config from "effect/Config"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import * as Stdio from "effect/Stdio"
import * as Terminal from "effect/Terminal"
import type { InspectError } from "./client.ts"
import { type Style, styleOf } from "./text.ts"
import { SORTS, type Sort, screenLines } from "./views.ts"

/** The terminal that we write to, or what stands in for it. */
export interface Screen {
  /** Whether it can be redrawn. */
  readonly live: boolean
  readonly style: Style
  /** The columns of the terminal. Without one, lines may be of any length. */
  readonly width: Effect.Effect<number>
  readonly print: (lines: ReadonlyArray<string>) => Effect.Effect<void>
}

/** An environment variable; empty where it is not set. */
const variable = (name: string) => Effect.orElseSucceed(Config.String(name), () => "")

export const screen: Effect.Effect<Screen, never, Terminal.Terminal | Stdio.Stdio> = Effect.gen(function* () {
  const terminal = yield* Terminal.Terminal
  const stdio = yield* Stdio.Stdio
  const isTerminal = (yield* stdio.stdoutIsTerminal) && (yield* variable("TERM")) !== "dumb"
  return {
    live: isTerminal,
    // See https://no-color.org: any value counts but the empty one.
    style: styleOf(isTerminal && (yield* variable("NO_COLOR")) === ""),
    width: isTerminal ? Effect.map(terminal.columns, (columns) => columns || 80) : Effect.succeed(Infinity),
    // The reader of our output may have left, as `head` does. Then we are done.
    print: (lines) => Effect.catch(terminal.display(lines.map((line) => `${line}\n`).join("")), () => Effect.interrupt)
  }
})

const ENTER = "\x1b[?1049h\x1b[?25l"
const LEAVE = "\x1b[?25h\x1b[?1049l"

export interface LiveOptions {
  readonly address: string
  readonly first: ActorSystem.Snapshot
  readonly next: Effect.Effect<ActorSystem.Snapshot, InspectError>
  readonly interval: Duration.Duration
  readonly sort: Sort
  readonly style: Style
}

/**
 * Shows what `next` returns, again and again, until `q`, Escape or Ctrl-C. `s` changes the order. While the server does
 * not answer, it shows the last state, says so, and keeps asking.
 */
export const live = (options: LiveOptions): Effect.Effect<void, never, Terminal.Terminal | Stdio.Stdio> =>
  Effect.gen(function* () {
    const terminal = yield* Terminal.Terminal
    // Only a terminal has keys: the end of input from a file must not end the view.
    const hasKeys = yield* Effect.flatMap(Stdio.Stdio, ({ stdinIsTerminal }) => stdinIsTerminal)
    const { address, interval, style } = options
    let { sort } = options
    let snapshot = options.first
    let previous: ActorSystem.Snapshot | undefined
    let lost = false

    const write = (text: string) => Effect.catch(terminal.display(text), () => Effect.interrupt)
    const draw = Effect.gen(function* () {
      const width = (yield* terminal.columns) || 80
      const rows = (yield* terminal.rows) || 24
      const head = lost
        ? { text: `${address} does not answer; this is the state ${ago(snapshot)}:`, paint: style.red }
        : { text: `${address}   ${hasKeys ? `q quits, s sorts (by ${sort})` : "Ctrl-C quits"}` }
      // The last line stays free: filling it would scroll some terminals.
      const lines = screenLines({ snapshot, previous, sort, width, style }, head, rows - 1)
      yield* write(`\x1b[H${lines.map((line) => `${line}\x1b[K\n`).join("")}\x1b[J`)
    })

    const ask = Effect.matchEffect(options.next, {
      onFailure: () =>
        Effect.sync(() => {
          lost = true
        }),
      onSuccess: (next) =>
        Effect.sync(() => {
          // After a gap, rates would be wrong: it is unknown when its calls settled.
          previous = lost ? undefined : snapshot
          snapshot = next
          lost = false
        })
    })
    const poll = Effect.andThen(ask, draw).pipe(Effect.repeat(Schedule.spaced(interval)))

    const resized = Effect.gen(function* () {
      const sizes = yield* terminal.size
      while (true) {
        yield* Queue.take(sizes)
        yield* draw
      }
    })
    const keys = Effect.gen(function* () {
      const input = yield* terminal.readInput
      while (true) {
        const { input: character, key } = yield* Queue.take(input)
        const name = Option.getOrElse(character, () => key.name)
        if (name === "q" || (key.ctrl && key.name === "c") || key.name === "escape") return
        if (name !== "s") continue
        sort = SORTS[(SORTS.indexOf(sort) + 1) % SORTS.length]!
        yield* draw
      }
    })
    // The queue ends when there is no more input, and so do we.
    const quit = hasKeys ? Effect.catch(keys, () => Effect.void) : Effect.never
    const work = Effect.all([poll, Effect.catch(resized, () => Effect.never)], { concurrency: 2, discard: true })
    yield* Effect.acquireUseRelease(
      write(ENTER),
      () => Effect.raceFirst(quit, Effect.andThen(draw, Effect.delay(work, interval))),
      () => write(LEAVE)
    )
  }).pipe(Effect.scoped)

const ago = ({ at }: ActorSystem.Snapshot): string => `at ${new Date(at).toLocaleTimeString()}`

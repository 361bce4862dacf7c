/**
 * What the examples need of a terminal: printing lines, and redrawing a few of them while work goes on.
 * If the output is not a terminal, or `CI` is set, nothing is ever redrawn.
 */
import { Config, Context, Effect, Layer, Schedule, Stdio, Terminal } from "effect"

export class Screen extends Context.Service<
  Screen,
  {
    /** Whether lines may be redrawn. */
    readonly live: boolean
    readonly size: Effect.Effect<Terminal.Size>
    readonly style: Style
    readonly print: (...lines: ReadonlyArray<string>) => Effect.Effect<void>
    /** Redraws the lines of `frame` while `work` runs. At the end, the last frame is kept or erased. */
    readonly animate: (
      frame: Effect.Effect<ReadonlyArray<string>>,
      inTheEnd: "keep" | "erase"
    ) => <A, E, R>(work: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  }
>()("examples/Screen") {
  static readonly layer = Layer.effect(Screen)(Effect.suspend(() => make))
}

export interface Style {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly red: (text: string) => string
  readonly green: (text: string) => string
  readonly cyan: (text: string) => string
}

/** An environment variable, or "" if it is not set. */
const variable = (name: string) => Effect.orElseSucceed(Config.String(name), () => "")

const make = Effect.gen(function* () {
  const terminal = yield* Terminal.Terminal
  const stdio = yield* Stdio.Stdio
  const isTerminal = yield* stdio.stdoutIsTerminal
  const isDumb = (yield* variable("TERM")) === "dumb"
  const live = isTerminal && !isDumb && (yield* variable("CI")) === ""
  const colors = isTerminal && !isDumb && (yield* variable("NO_COLOR")) === ""

  // The reader of our output may be gone, as with `head`. Then there is nothing left to do: writing fails, and without
  // a listener Node would end the process with a stack trace before we could.
  const ignore = () => {}
  yield* Effect.acquireRelease(
    Effect.sync(() => process.stdout.on("error", ignore)),
    () => Effect.sync(() => process.stdout.off("error", ignore))
  )
  const write = (text: string) => Effect.catch(terminal.display(text), () => Effect.interrupt)
  const size = Effect.all({ columns: terminal.columns, rows: terminal.rows }).pipe(
    Effect.map(({ columns, rows }) => ({ columns: Math.min(columns || 80, 100), rows: rows || 24 }))
  )

  const animate: Screen["Service"]["animate"] = (frame, inTheEnd) => (work) => {
    if (!live) return work
    let drawn = 0
    /** Goes back to the first line of the last frame and draws over it, in one write, so that nothing flickers. */
    const draw = (which: "what fits" | "all" | "nothing") =>
      Effect.gen(function* () {
        const { rows } = yield* size
        const lines = yield* frame
        // Lines that have left the screen cannot be drawn over: until the end, show only what fits.
        const visible = which === "all" ? lines : which === "nothing" ? [] : lines.slice(-(rows - 1))
        const back = drawn === 0 ? "" : `\x1b[${drawn}A`
        drawn = visible.length
        yield* write(`${back}${visible.map((line) => `\r${line}\x1b[K\n`).join("")}\x1b[J`)
      }).pipe(Effect.uninterruptible)
    const redraw = Effect.repeat(draw("what fits"), Schedule.spaced("50 millis"))
    return Effect.acquireUseRelease(
      write("\x1b[?25l"),
      () =>
        Effect.onExit(Effect.raceFirst(work, Effect.andThen(redraw, Effect.never)), () =>
          draw(inTheEnd === "keep" ? "all" : "nothing")
        ),
      () => write("\x1b[?25h")
    )
  }

  return Screen.of({
    live,
    size,
    style: styles(colors),
    print: (...lines) => write(lines.map((line) => `${line}\n`).join("")),
    animate
  })
})

const styles = (colors: boolean): Style => {
  const paint = (code: number) => (text: string) => (colors && text !== "" ? `\x1b[${code}m${text}\x1b[0m` : text)
  return { bold: paint(1), dim: paint(2), red: paint(31), green: paint(32), cyan: paint(36) }
}

/** Breaks text into lines of at most `width` characters. */
export const wrap = (text: string, width: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let line = ""
  for (const word of text.split(/\s+/)) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else {
      line = line === "" ? word : `${line} ${word}`
    }
  }
  return [...lines, line]
}

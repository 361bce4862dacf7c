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
import type { InspectError } from "../../InspectError.ts"
import { oneLine } from "../base/shown.ts"
import type { Cell } from "./table.ts"
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

/** In characters. */
const LONGEST_SEARCH = 200

const ENTER = "\x1b[?1049h\x1b[?25l"
const LEAVE = "\x1b[?25h\x1b[?1049l"

export interface LiveOptions {
  readonly address: string
  readonly first: ActorSystem.Snapshot
  /** The present state of the instances with these words in their names. */
  readonly next: (search: string) => Effect.Effect<ActorSystem.Snapshot, InspectError>
  readonly interval: Duration.Duration
  readonly sort: Sort
  readonly style: Style
}

/**
 * Shows what `next` returns, again and again, until `q`, Escape or Ctrl-C. `s` changes the order, `/` searches, and the
 * arrows scroll. While the server does not answer, it shows the last state, says so, and keeps asking.
 */
export const live = (options: LiveOptions): Effect.Effect<void, never, Terminal.Terminal | Stdio.Stdio> =>
  Effect.gen(function* () {
    const terminal = yield* Terminal.Terminal
    // Only a terminal has keys: the end of input from a file must not end the view.
    const hasKeys = yield* Effect.flatMap(Stdio.Stdio, ({ stdinIsTerminal }) => stdinIsTerminal)
    const view = new LiveView(terminal, options, hasKeys)
    const poll = Effect.andThen(view.ask, view.draw).pipe(Effect.repeat(Schedule.spaced(options.interval)))
    // The queue ends when there is no more input, and so do we.
    const quit = hasKeys ? Effect.catch(view.keys, () => Effect.void) : Effect.never
    const work = Effect.all([poll, Effect.catch(view.resized, () => Effect.never)], { concurrency: 2, discard: true })
    yield* Effect.acquireUseRelease(
      view.write(ENTER),
      () => Effect.raceFirst(quit, Effect.andThen(view.draw, Effect.delay(work, options.interval))),
      () => view.write(LEAVE)
    )
  }).pipe(Effect.scoped)

/** What is on the screen, and what changes it. */
class LiveView {
  private snapshot: ActorSystem.Snapshot
  /** The one before, unless the server did not answer in between. */
  private previous: ActorSystem.Snapshot | undefined
  private isLost = false
  private sort: Sort
  private search = ""
  /** The search that the state is the answer to. */
  private shown = ""
  private isTyping = false
  /** The first line of the table that is shown. */
  private from = 0
  private rows = 24
  private readonly terminal: Terminal.Terminal
  private readonly options: LiveOptions
  private readonly hasKeys: boolean

  constructor(terminal: Terminal.Terminal, options: LiveOptions, hasKeys: boolean) {
    this.terminal = terminal
    this.options = options
    this.hasKeys = hasKeys
    this.snapshot = options.first
    this.sort = options.sort
  }

  write(text: string): Effect.Effect<void> {
    return Effect.catch(this.terminal.display(text), () => Effect.interrupt)
  }

  get draw(): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const width = (yield* this.terminal.columns) || 80
      this.rows = (yield* this.terminal.rows) || 24
      const { previous, snapshot, sort } = this
      const view = { snapshot, previous, sort, width, style: this.options.style }
      // The last line stays free: filling it would scroll some terminals.
      const { from, lines } = screenLines(view, this.head, this.rows - 1, this.from)
      this.from = from
      yield* this.write(`\x1b[H${lines.map((line) => `${line}\x1b[K\n`).join("")}\x1b[J`)
    })
  }

  private get head(): Cell {
    const { address, style } = this.options
    if (this.isLost) {
      return { text: `${address} does not answer; this is the state ${ago(this.snapshot)}:`, paint: style.red }
    }
    if (this.isTyping) return { text: `Search: ${oneLine(this.search)}_   Enter keeps it, Escape ends it` }
    if (!this.hasKeys) return { text: `${address}   Ctrl-C quits` }
    const found = this.search === "" ? "/ searches" : `/ searches (${oneLine(this.search)})`
    return { text: `${address}   q quits, s sorts (by ${this.sort}), ${found}` }
  }

  get ask(): Effect.Effect<void> {
    return Effect.suspend(() => this.askFor(this.search))
  }

  private askFor(search: string): Effect.Effect<void> {
    return Effect.match(this.options.next(search), {
      onFailure: () => {
        this.isLost = true
      },
      onSuccess: (next) => {
        // The answer to an earlier search.
        if (search !== this.search) return
        // After a gap, rates would be wrong: it is unknown when its calls settled.
        this.previous = this.isLost || search !== this.shown ? undefined : this.snapshot
        this.shown = search
        this.snapshot = next
        this.isLost = false
      }
    })
  }

  get resized() {
    return Effect.gen({ self: this }, function* () {
      const sizes = yield* this.terminal.size
      while (true) {
        yield* Queue.take(sizes)
        yield* this.draw
      }
    })
  }

  /** Ends with the key that quits. */
  get keys() {
    return Effect.gen({ self: this }, function* () {
      const input = yield* this.terminal.readInput
      while (true) {
        const { input: character, key } = yield* Queue.take(input)
        if (key.ctrl && key.name === "c") return
        if (this.isTyping) {
          yield* this.type(
            key.name,
            Option.getOrElse(character, () => "")
          )
          continue
        }
        const name = Option.getOrElse(character, () => key.name)
        if (name === "q" || key.name === "escape") return
        if (name === "s") this.sort = SORTS[(SORTS.indexOf(this.sort) + 1) % SORTS.length]!
        else if (name === "/") this.isTyping = true
        else if (!this.scroll(key.name)) continue
        yield* this.draw
      }
    })
  }

  /** Whether this key scrolls. */
  private scroll(key: string): boolean {
    const page = Math.max(1, Math.floor(this.rows / 2))
    const steps: Record<string, number> = { up: -1, down: 1, pageup: -page, pagedown: page, home: -Infinity, end: 1e9 }
    const step = steps[key]
    if (step === undefined) return false
    this.from = Math.max(0, this.from + step)
    return true
  }

  /** Each change is searched for at once. */
  private type(key: string, character: string): Effect.Effect<unknown> {
    const before = this.search
    if (key === "return" || key === "enter") this.isTyping = false
    else if (key === "escape") [this.isTyping, this.search] = [false, ""]
    else if (key === "backspace") this.search = [...this.search].slice(0, -1).join("")
    else if (!/\p{Cc}/u.test(character) && this.search.length < LONGEST_SEARCH) this.search += character
    if (this.search === before) return this.draw
    this.from = 0
    // Keys are read on while the server answers.
    return Effect.andThen(this.draw, Effect.forkChild(Effect.andThen(this.ask, this.draw)))
  }
}

const ago = ({ at }: ActorSystem.Snapshot): string => `at ${new Date(at).toLocaleTimeString()}`

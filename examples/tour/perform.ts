/** Runs one program of the tour on the screen. */
import { Cause, Clock, Effect, Fiber, FileSystem, Path, Schedule } from "effect"
import { Screen, wrap } from "../Screen.ts"
import { drawLanes, logLines } from "./draw.ts"
import { type Check, check, type Outcome, type Program } from "./Program.ts"
import { Timeline } from "./Timeline.ts"

/** Shows the program and its timeline, and returns its checks. */
export const perform = Effect.fnUntraced(function* (program: Program, heading: string) {
  const screen = yield* Screen
  const timeline = yield* Timeline.make
  yield* introduce(program, heading)
  const outcome = yield* abandonable(program.run).pipe(
    Effect.provideService(Timeline, timeline),
    screen.live ? screen.animate(frame(program, timeline, screen), "keep") : logged(timeline),
    Effect.catchCause((cause) => Effect.succeed(failed(cause)))
  )
  yield* screen.print("", ...(outcome.notes ?? []), ...outcome.checks.map(describe(screen.style)), "")
  return outcome.checks
})

/**
 * A stopped actor finishes the calls that it has accepted. On Ctrl-C the user does not want to wait for that, so the
 * program winds down in the background, and the process ends.
 */
const abandonable = <A, E, R>(program: Effect.Effect<A, E, R>) =>
  Effect.flatMap(Effect.forkDetach(program), (fiber) =>
    Effect.onInterrupt(Fiber.join(fiber), () => Effect.sync(() => fiber.interruptUnsafe()))
  )

const introduce = Effect.fnUntraced(function* (program: Program, heading: string) {
  const screen = yield* Screen
  const path = yield* Path.Path
  const { columns } = yield* screen.size
  const { style } = screen
  const file = yield* Effect.orDie(path.fromFileUrl(new URL(program.file)))
  const source = yield* Effect.orDie(Effect.flatMap(FileSystem.FileSystem, (fs) => fs.readFileString(file)))
  const width = Math.min(columns, 80) - 2
  const title = `── ${heading} ── ${program.title} `
  yield* screen.print(
    style.bold(title.padEnd(width, "─")),
    style.dim(`  examples/tour/${path.basename(file)}`),
    "",
    ...wrap(program.about, width - 2).map((line) => `  ${line}`),
    "",
    ...shownRegion(source).map((line) => style.dim(`  │ ${line}`)),
    ""
  )
})

/** The lines between `#region show` and `#endregion`, without their common indentation. */
const shownRegion = (source: string): ReadonlyArray<string> => {
  const lines = source.split("\n")
  const isMark = (mark: string) => (line: string) => line.trim() === `// ${mark}`
  const shown = lines.slice(lines.findIndex(isMark("#region show")) + 1, lines.findIndex(isMark("#endregion")))
  const indent = Math.min(...shown.filter((line) => line.trim() !== "").map((line) => line.search(/\S/)))
  return shown.map((line) => line.slice(indent))
}

const frame = (program: Program, timeline: Timeline["Service"], { size, style }: Screen["Service"]) =>
  Effect.gen(function* () {
    return drawLanes({
      events: yield* timeline.events,
      lanes: program.lanes,
      span: program.seconds * 1000,
      now: yield* Clock.currentTimeMillis,
      size: yield* size,
      style
    })
  })

/** Events closer than this belong to one moment and share a line of the log. */
const moment = 60

/** Prints what happens, moment by moment, if lines cannot be redrawn. */
const logged =
  (timeline: Timeline["Service"]) =>
  <A, E, R>(work: Effect.Effect<A, E, R>) => {
    let printed = 0
    const flush = (last: boolean) =>
      Effect.gen(function* () {
        const screen = yield* Screen
        const events = yield* timeline.events
        const now = yield* Clock.currentTimeMillis
        const fresh = events.slice(printed)
        if (fresh.length === 0 || (!last && now - fresh.at(-1)!.at < moment)) return
        printed = events.length
        yield* screen.print(...logLines(fresh, events[0]!.at))
      }).pipe(Effect.uninterruptible)
    const follow = Effect.repeat(flush(false), Schedule.spaced("20 millis"))
    return Effect.onExit(Effect.raceFirst(work, Effect.andThen(follow, Effect.never)), () => flush(true))
  }

const failed = (cause: Cause.Cause<unknown>): Outcome => ({
  checks: [check("the program runs to its end", Cause.pretty(cause), "success")]
})

const describe =
  (style: Screen["Service"]["style"]) =>
  ({ says, passed, actual, expected }: Check): string =>
    passed
      ? `  ${style.green("✓")} check: ${says}`
      : `  ${style.red("✗")} check: ${says}\n      expected ${show(expected)}\n      but got  ${show(actual)}`

const show = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value))

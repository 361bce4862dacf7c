/** What a person at a terminal sees: a terminal made of an array of lines, which understands what we write to it. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Driver } from "@troupe/core"
import { ConfigProvider, Effect, Layer, Stdio, Terminal } from "effect"
import { Screen } from "../Screen.ts"
import { fifty } from "../tour/3-fifty.ts"
import { wavesOfTen } from "../tour/4-waves.ts"
import { drawLanes } from "../tour/draw.ts"
import type { Program } from "../tour/Program.ts"
import { perform } from "../tour/perform.ts"

const fakeTerminal = (options: { readonly rows: number; readonly env?: Record<string, string> }) => {
  const lines: Array<string> = [""]
  let row = 0
  let top = 0
  let redrawn = 0
  const write = (text: string) => {
    for (const [token, up] of text.replaceAll("\x1b[", "␛").matchAll(/␛(\d+)A|␛\??\d*[a-zA-Z]|\r|\n|[^␛\r\n]+/g)) {
      if (up !== undefined) {
        row -= Number(up)
        redrawn++
        assert.isAtLeast(row, top, "draws over lines that are still on the screen")
      } else if (token === "\r") lines[row] = ""
      else if (token === "\n") lines[++row] ??= ""
      else if (token === "␛J") lines.length = row + 1
      else if (!token.startsWith("␛")) lines[row] += token
      top = Math.max(top, row - options.rows + 1)
    }
  }
  const terminal = Terminal.make({
    columns: Effect.succeed(80),
    rows: Effect.succeed(options.rows),
    size: Effect.die("not used"),
    readInput: Effect.die("not used"),
    readLine: Effect.die("not used"),
    display: (text) => Effect.sync(() => write(text))
  })
  const layer = Screen.layer.pipe(
    Layer.provide(Layer.succeed(Terminal.Terminal)(terminal)),
    Layer.provide(Stdio.layerTest({ stdoutIsTerminal: Effect.succeed(true) })),
    Layer.provide(ConfigProvider.layer(ConfigProvider.fromUnknown({ NO_COLOR: "1", ...options.env })))
  )
  return { layer, text: () => lines.join("\n"), redrawn: () => redrawn }
}

const show = (program: Program, layer: Layer.Layer<Screen>) =>
  perform(program, "").pipe(Effect.provide(Layer.mergeAll(layer, Driver.layer, NodeServices.layer)))

describe("on a terminal", () => {
  it.live("the timeline is drawn again and again, in place, and its last frame stays", () =>
    Effect.gen(function* () {
      const terminal = fakeTerminal({ rows: 24 })
      yield* show(wavesOfTen, terminal.layer)
      assert.isAbove(terminal.redrawn(), 10)
      // Calls 1, 18 and 35 share a line: they are in the first, the second and the fourth wave.
      assert.lengthOf(terminal.text().match(/^ {3}1 ━+ +18 ·+━+ +35 ·+━+ *$/gm)!, 1)
      assert.match(terminal.text(), /^ {2}50 calls ended in \d\.\d s\n\n {2}✓ check: 5 waves of/m)
    })
  )

  it.live("a timeline higher than the screen shows its end, and all of it when it is done", () =>
    Effect.gen(function* () {
      const terminal = fakeTerminal({ rows: 10 })
      yield* show(fifty, terminal.layer)
      assert.match(terminal.text(), /^ {3}1 ━+ +18 ━+ +35 ━+ *$/m)
      assert.match(terminal.text(), /^ {2}50 calls ended in /m)
    })
  )

  it.live("nothing is redrawn where CI is set", () =>
    Effect.gen(function* () {
      const terminal = fakeTerminal({ rows: 24, env: { CI: "true" } })
      yield* show(fifty, terminal.layer)
      assert.strictEqual(terminal.redrawn(), 0)
      assert.match(terminal.text(), /^ {3}0\.0 s {2}start {4}1-50$/m)
    })
  )
})

it("lanes share lines only when there are more of them than lines", () => {
  const style = { bold: String, dim: String, red: String, green: String, cyan: String }
  const draw = (rows: number) =>
    drawLanes({
      events: [
        { type: "start", lane: "1", at: 0 },
        { type: "failure", lane: "1", at: 500 },
        { type: "start", lane: "2", at: 500 }
      ],
      lanes: ["1", "2", "3"],
      span: 1000,
      now: 750,
      size: { columns: 60, rows },
      style
    })
  assert.deepStrictEqual(draw(24), [
    "  1 ━━━━━━━━━━━━━━━━━━━━                       0.5 s",
    "  2 ····················━━━━━━━━━━             0.3 s",
    "  3 ······························                  ",
    "  0.8 s   1 running   1 ended   1 not started"
  ])
  assert.deepStrictEqual(draw(4), [
    "  1 ━━━━━━━━━━            3 ···············     ",
    "  2 ··········━━━━━     ",
    "  0.8 s   1 running   1 ended   1 not started"
  ])
})

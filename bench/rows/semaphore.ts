/** Why Troupe has a line of its own: what a fiber that waits for Effect's `Semaphore` costs, by how many wait. */
import { Effect, Latch, Semaphore } from "effect"
import { type Probe, startChild } from "../child.ts"
import type { Options } from "../harness.ts"
import type { Line, Table } from "../report.ts"

const LINES = [12_500, 25_000, 50_000, 100_000]

/** How many leave the line while the clock runs. Draining the longest line to its end would take minutes. */
const LEAVING = 250

interface Cost {
  /** Microseconds for each fiber that joins the line. */
  readonly join: number
  /** Microseconds for each fiber that leaves the line at its full length. */
  readonly leave: number
}

export const semaphoreTable = async ({ quick, progress }: Options): Promise<Table> => {
  const lines: Array<Line> = []
  for (const n of quick ? LINES.slice(0, 2) : LINES) {
    progress(`semaphore: ${n} waiters`)
    const child = startChild<number, Cost>("semaphore", "by hand")
    const { join, leave } = await child.ask(n)
    child.stop()
    // On average a fiber leaves when half of the line is still there.
    lines.push({ name: n.toLocaleString("en-US"), cells: [join, leave, (n * (join + leave / 2)) / 1e6] })
  }
  return {
    title: "semaphore: fibers that wait for Effect's own Semaphore, 1 permit",
    columns: ["waiters", "us to join", "us to leave", "whole line, about s"],
    lines,
    notes: ["one round; both costs of one fiber grow with the line, so the cost of a whole line is quadratic"]
  }
}

/** In a child process, which is stopped before the line has drained. */
export const probe: Probe<number, Cost> = (_, n) => Effect.runPromise(costs(n))

const costs = Effect.fnUntraced(function* (n: number) {
  const semaphore = yield* Semaphore.make(1)
  const gate = yield* Latch.make()
  const enoughLeft = yield* Latch.make()
  let left = 0
  const waiter = semaphore.withPermit(
    gate.whenOpen(
      Effect.suspend(() => {
        left++
        return left === LEAVING ? enoughLeft.open : Effect.void
      })
    )
  )

  const start = performance.now()
  for (let i = 0; i < n; i++) yield* Effect.forkDetach(waiter)
  yield* Effect.yieldNow
  const joined = performance.now()
  yield* gate.open
  yield* enoughLeft.await
  const end = performance.now()
  return { join: ((joined - start) * 1000) / n, leave: ((end - joined) * 1000) / LEAVING }
})

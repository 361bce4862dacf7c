/**
 * What may happen to an actor in a sequence of the model test, as plain records: easy to make at random, to shrink, and
 * to read.
 */
import * as fc from "fast-check"

export type Group = "main" | "io"

export const groups: ReadonlyArray<Group> = ["main", "io"]

export interface Config {
  readonly limits: Readonly<Record<Group, number>>
  readonly maxPendingCalls: number
  readonly overflow: "fail" | "suspend"
  readonly onDefect: "resume" | "restart" | "stop"
  readonly maxRestarts: number
  readonly restartDelay: number
  readonly maxTaskRetries: number
  readonly retry: boolean
}

/** One call, and how its method behaves. */
export interface Submission {
  readonly ask: boolean
  readonly group: Group
  /** Before it ends: nothing, as long as it likes, or until it is told. */
  readonly wait: "nothing" | "gate" | number
  /** How its first attempts end. Those after `badAttempts` succeed. */
  readonly outcome: "ok" | "fail" | "die"
  readonly badAttempts: number
  /** How long it takes to end when it is interrupted. */
  readonly slowEnd: number
  /** Which refs it takes as arguments: indices into those that there are. */
  readonly args: ReadonlyArray<number>
  readonly timeout: number | undefined
}

/** `at` is an index into the calls that there are. */
export type Command =
  | { readonly type: "submit"; readonly calls: ReadonlyArray<Submission> }
  | { readonly type: "open"; readonly at: number }
  | { readonly type: "cancel"; readonly at: number }
  | { readonly type: "look"; readonly at: number }
  | { readonly type: "tick"; readonly millis: number }
  | { readonly type: "resize"; readonly group: Group; readonly limit: number }
  | { readonly type: "stop" }
  | { readonly type: "kill" }

const millis = (max: number) => fc.integer({ min: 10, max })

const config: fc.Arbitrary<Config> = fc.record({
  limits: fc.record({ main: fc.integer({ min: 1, max: 4 }), io: fc.integer({ min: 1, max: 2 }) }),
  maxPendingCalls: fc.constantFrom(Infinity, Infinity, Infinity, 1, 2, 4, 8),
  overflow: fc.constantFrom("fail", "suspend"),
  onDefect: fc.constantFrom("resume", "restart", "restart", "restart", "restart", "stop"),
  maxRestarts: fc.constantFrom(3, 1, 0, 9),
  restartDelay: millis(200),
  maxTaskRetries: fc.integer({ min: 0, max: 3 }),
  retry: fc.boolean()
})

const submission: fc.Arbitrary<Submission> = fc.record({
  ask: fc.boolean(),
  group: fc.constantFrom("main", "main", "io"),
  wait: fc.oneof(
    fc.constant("nothing" as const),
    { weight: 3, arbitrary: fc.constant("gate" as const) },
    { weight: 3, arbitrary: millis(400) }
  ),
  outcome: fc.constantFrom("ok", "ok", "ok", "fail", "die"),
  badAttempts: fc.constantFrom(1, 2, 99),
  slowEnd: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, millis(90)),
  args: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.array(fc.nat(20), { minLength: 1, maxLength: 2 })),
  timeout: fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, millis(400))
})

const at = fc.nat(30)
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 80,
    arbitrary: fc.record({ type: fc.constant("submit"), calls: fc.array(submission, { minLength: 1, maxLength: 4 }) })
  },
  { weight: 48, arbitrary: fc.record({ type: fc.constant("open"), at }) },
  { weight: 32, arbitrary: fc.record({ type: fc.constant("cancel"), at }) },
  { weight: 8, arbitrary: fc.record({ type: fc.constant("look"), at }) },
  { weight: 48, arbitrary: fc.record({ type: fc.constant("tick"), millis: millis(250) }) },
  {
    weight: 16,
    arbitrary: fc.record({
      type: fc.constant("resize"),
      group: fc.constantFrom("main", "io"),
      limit: fc.integer({ min: 1, max: 5 })
    })
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("stop") }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("kill") }) }
)

export const sequence: fc.Arbitrary<[Config, Array<Command>]> = fc.tuple(
  config,
  fc.array(command, { minLength: 1, maxLength: 40, size: "max" })
)

// --- for people ------------------------------------------------------------------------------------------------------

export const showConfig = (config: Config): string => {
  const { limits, maxPendingCalls, maxRestarts, maxTaskRetries, onDefect, overflow, restartDelay, retry } = config
  return [
    `maxConcurrency ${limits.main}`,
    `io: ${limits.io}`,
    ...(maxPendingCalls === Infinity ? [] : [`maxPendingCalls ${maxPendingCalls} (${overflow})`]),
    onDefect === "restart" ? `restart after ${restartDelay} ms, at most ${maxRestarts} times` : `onDefect ${onDefect}`,
    `maxTaskRetries ${maxTaskRetries}${retry ? ", retry typed failures" : ""}`
  ].join(", ")
}

export const showSubmission = (id: number, args: ReadonlyArray<number>, call: Submission): string => {
  const waits =
    call.wait === "nothing" ? "" : call.wait === "gate" ? "waits for its gate, then " : `sleeps ${call.wait} ms, then `
  const bad = call.badAttempts === 99 ? "s" : `s ${call.badAttempts}x`
  return [
    `${call.ask ? "ask" : "remote"} #${id} (${[call.group, ...args.map((arg) => `#${arg}`)].join(", ")}): ${waits}`,
    call.outcome === "ok" ? "succeeds" : `${call.outcome}${bad}`,
    call.slowEnd === 0 ? "" : `, takes ${call.slowEnd} ms to be interrupted`,
    call.timeout === undefined ? "" : `, timeout ${call.timeout} ms`
  ].join("")
}

import { setTimeout as sleep } from "node:timers/promises"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Metric } from "effect"
import { TestClock } from "effect/testing"
import * as fc from "fast-check"
import { type Command, type Config, sequence, showConfig, showSubmission } from "./model/commands.ts"
import { Fibers, Machine } from "./model/machine.ts"
import { Model, OpenOrder, type Step } from "./model/model.ts"

const sequences = Number(process.env.SOAK_SEQUENCES ?? 1000)
// CI judges a change, and runs the same sequences each time. `npm run soak` looks for news.
// A failure prints it, and with it runs alone.
const path = process.env.TROUPE_PATH
const seed = Number(process.env.TROUPE_SEED ?? (process.env.CI ? 1 : Date.now() % 2 ** 31))

interface Planned {
  readonly step: Step
  readonly expected: ReadonlyArray<string>
}

/** Everything is let go, and given time: all that was accepted settles. */
const patience = (calls: number): ReadonlyArray<Command> => [
  ...Array.from({ length: calls }, (_, at): Command => ({ type: "open", at })),
  { type: "tick", millis: 1_000_000 }
]

/** Time enough for finalizers, and too short for timers and sleeps that somebody forgot to stop. */
const end: ReadonlyArray<Command> = [{ type: "kill" }, { type: "tick", millis: 100 }]

/** Runs the model, and gives the steps with what should be seen after each. Nothing, if the order is open. */
const plan = (config: Config, commands: ReadonlyArray<Command>): ReadonlyArray<Planned> | undefined => {
  const model = new Model(config)
  const planned: Array<Planned> = []
  const apply = (command: Command) => {
    planned.push({ step: model.apply(command), expected: model.snapshot() })
  }
  try {
    commands.forEach(apply)
    // Half of the sequences end in the middle of things.
    if (commands.length % 2 === 0) {
      patience(model.count).forEach(apply)
      const { expected } = planned.at(-1)!
      assert.match(expected[0]!, /^0 pending/, `the model gets stuck:\n${expected.join("\n")}`)
    }
    end.forEach(apply)
  } catch (error) {
    if (error instanceof OpenOrder) return undefined
    throw error
  }
  return planned
}

/** Runs the steps on a real actor. Gives what is wrong, and after how many steps. */
const run = Effect.fnUntraced(function* (config: Config, planned: ReadonlyArray<Planned>, fibers: Fibers) {
  const machine = new Machine(config)
  yield* machine.start
  for (const [index, { expected, step }] of planned.entries()) {
    yield* machine.apply(step)
    const wrong = [...difference(expected, machine.snapshot()), ...machine.violations]
    if (wrong.length > 0) return { steps: index + 1, wrong }
  }
  const wrong = machine.leaks(fibers)
  return wrong.length === 0 ? undefined : { steps: planned.length, wrong }
})

const difference = (expected: ReadonlyArray<string>, seen: ReadonlyArray<string>): Array<string> =>
  expected.flatMap((line, index) => (line === seen[index] ? [] : [`expected  ${line}`, `but saw   ${seen[index]}`]))

/** Shrinking goes on for so long, in milliseconds. Then what it has come to is small enough. */
const SHRINKING = 20_000
/** What takes longer hangs. A soak may share its machine. */
const PATIENCE = sequences > 1000 ? 60_000 : 5000
let failedAt: number | undefined

const check = async ([config, commands]: [Config, ReadonlyArray<Command>]): Promise<void> => {
  const planned = plan(config, commands)
  fc.pre(planned !== undefined)
  if (failedAt !== undefined && performance.now() - failedAt > SHRINKING) return
  const fibers = new Fibers()
  const program = run(config, planned, fibers).pipe(
    Effect.scoped,
    Effect.provideService(Metric.FiberRuntimeMetrics, fibers),
    Effect.provide(TestClock.layer())
  )
  const hangs = { steps: planned.length, wrong: ["it does not come to an end"] }
  const failed = await Promise.race([Effect.runPromise(program), sleep(PATIENCE, hangs, { ref: false })])
  if (failed === undefined) return
  failedAt ??= performance.now()
  const story = planned.slice(0, failed.steps).flatMap(({ step }) => show(step))
  throw new Error([showConfig(config), ...story.map((line, i) => `${i + 1}. ${line}`), ...failed.wrong].join("\n"))
}

const show = (step: Step): Array<string> => {
  switch (step.type) {
    case "submit":
      return step.calls.map(({ args, id, spec }) => showSubmission(id, args, spec))
    case "tick":
      return [`${step.millis} ms go by`]
    case "resize":
      return [`resize ${step.group} to ${step.limit}`]
    case "open":
    case "cancel":
    case "look":
      return [`${step.type} #${step.id}`]
    case "stop":
    case "kill":
      return [step.type]
    case "nothing":
      return []
  }
}

describe("a model of one actor", () => {
  it(
    `1.7 2.1 5 6 the actor does what its model says, over ${sequences} random sequences of commands`,
    async () => {
      console.info(
        `Repeat this with TROUPE_SEED=${seed} SOAK_SEQUENCES=${sequences}, and one sequence of it with TROUPE_PATH`
      )
      const result = await fc.check(fc.asyncProperty(sequence, check), {
        seed,
        numRuns: sequences,
        maxSkipsPerRun: 10,
        ...(path === undefined ? {} : { path })
      })
      if (!result.failed) return
      const { counterexamplePath, errorInstance, numRuns, numShrinks } = result
      const error = errorInstance instanceof Error ? errorInstance.message : String(errorInstance)
      assert.fail(
        `Sequence ${numRuns} of TROUPE_SEED=${seed}, path ${counterexamplePath}, after ${numShrinks} shrinks:\n${error}`
      )
    },
    60_000 + sequences * 100
  )
})

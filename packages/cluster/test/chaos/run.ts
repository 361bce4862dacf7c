/**
 * A chaos run: some nodes and a client as one load, faults in an order that a seed decides, and a check of what happened.
 */
import * as ClusterHome from "@troupe/cluster/ClusterHome"
import * as DurableState from "@troupe/cluster/DurableState"
import { ActorError } from "@troupe/core"
import { Cause, Effect, Exit, Fiber, Layer, ManagedRuntime } from "effect"
import * as databases from "./database.ts"
import * as faults from "./faults.ts"
import { check, type Entry, type Kind, type Operation, type Outcome, type Violation } from "./history.ts"
import { Ledger } from "./Ledger.ts"
import { freePorts, NodeProcess } from "./processes.ts"
import { type Random, random } from "./random.ts"

export interface Options {
  readonly seed: number
  /** The faults, in order. */
  readonly plan: ReadonlyArray<faults.Name>
  readonly nodes?: number
  readonly keys?: number
  readonly workers?: number
  /** How long a lost node may be missed, in milliseconds. */
  readonly failover?: number
  /** A Postgres server that scratch databases may be made on. */
  readonly url?: string | undefined
  readonly log: (line: string) => void
}

export interface Report {
  readonly database: string
  readonly operations: ReadonlyArray<Operation>
  readonly violations: ReadonlyArray<Violation>
  /** The longest time that a call took, by the fault that was going on when it was submitted, in milliseconds. */
  readonly slowest: ReadonlyMap<string, number>
}

/** No promise depends on clocks, so each node has its own, wrong by up to this, in milliseconds. */
const MAX_SKEW = 600_000
/** How long everything may take to settle when the faults are over. */
const SETTLE_LIMIT = "60 seconds"
/** After so many operations the load leaves a key: damage is not written over then, and the logs stay short. */
const MAX_OPERATIONS_PER_KEY = 40

export const run = async (options: Options): Promise<Report> => {
  const { failover = 3000, log, nodes: count = 3 } = options
  const database = await databases.open(options.url)
  log(`seed ${options.seed}, ${count} nodes, storage is ${database.name}`)
  const ports = await freePorts(count)
  const dice = random(options.seed)
  const nodes = ports.map((port, i) => {
    const skew = dice.below(2 * MAX_SKEW) - MAX_SKEW
    return new NodeProcess(`node ${i + 1}`, { port, storage: database.storage, failover, skew })
  })
  const destroy = () => nodes.forEach((node) => void node.destroy())
  process.on("exit", destroy)
  const runtime = ManagedRuntime.make(
    ClusterHome.client(Ledger).pipe(
      Layer.provideMerge(ClusterHome.layerClient({ storage: database.storage, failover }))
    )
  )
  try {
    await Promise.all(nodes.map((node) => node.start()))
    const world = { nodes, database, failover, random: dice, log }
    return await runtime.runPromise(drive(world, database.name, options))
  } finally {
    await runtime.dispose()
    destroy()
    process.off("exit", destroy)
    await database.drop()
  }
}

const drive = (world: faults.World, database: string, { keys = 6, plan, seed, workers = 8 }: Options) =>
  Effect.gen(function* () {
    const load = new Load(random(seed + 1), keys)
    const working = yield* Effect.forEach(Array.from({ length: workers }), (_, i) =>
      Effect.forkChild(load.work(`client ${i + 1}`))
    )
    yield* load.firstAnswer
    world.log(`first answer after ${Math.round(load.elapsed())} ms`)
    for (const name of plan) {
      load.phase = name
      const since = load.elapsed()
      yield* Effect.promise(() => faults.inflict(name, world))
      world.log(`${name}: over after ${Math.round(load.elapsed() - since)} ms, ${load.operations.length} calls so far`)
    }
    load.phase = "calm"
    load.stop()
    yield* Effect.ignore(Effect.timeout(Effect.forEach(working, Fiber.await), SETTLE_LIMIT))
    const logs = new Map<string, ReadonlyArray<Entry>>()
    for (const key of load.keys) logs.set(key, yield* readLog(key))
    const violations = [...check(load.operations, logs), ...(yield* attached(load.operations))]
    return { database, operations: load.operations, violations, slowest: load.slowest }
  })

/** Reads a log as it is in storage, however long it takes a node to have the key. */
const readLog = (key: string) => Effect.flatMap(Ledger.get(key), (ledger) => Effect.retry(ledger.read(), { times: 10 }))

/** Durable calls can be picked up again by their ids, and have the result that they had. */
const attached = (operations: ReadonlyArray<Operation>) =>
  Effect.gen(function* () {
    const durable = operations.filter(({ kind, outcome }) => kind === "durable" && outcome?._tag === "Done")
    const violations: Array<Violation> = []
    for (const { id, key, outcome } of durable.slice(-20)) {
      const exit = yield* ClusterHome.attach(Ledger, key, id, { method: "append" }).pipe(Effect.flatten, Effect.exit)
      const same = Exit.isSuccess(exit) && outcome?._tag === "Done" && exit.value === outcome.position
      if (!same) violations.push({ rule: "a durable call can be picked up by its id", what: `${id}: ${String(exit)}` })
    }
    return violations
  })

/** The clients: they call until they are told to stop, and write down what they see. */
class Load {
  readonly operations: Array<Operation> = []
  readonly slowest = new Map<string, number>()
  readonly keys: Array<string> = []
  phase = "start"
  private readonly random: Random
  private readonly width: number
  private readonly start = performance.now()
  private readonly counts = new Map<string, number>()
  private stopped = false
  private answered = Promise.withResolvers<void>()

  constructor(random: Random, keys: number) {
    this.random = random
    this.width = keys
    for (let i = 0; i < keys; i++) this.keys.push(`key ${i + 1}`)
  }

  /** When the first call has succeeded, or has failed in a way that nothing should. */
  get firstAnswer() {
    return Effect.promise(() => this.answered.promise)
  }

  elapsed(): number {
    return performance.now() - this.start
  }

  stop(): void {
    this.stopped = true
  }

  work(client: string): Effect.Effect<void, never, Ledger> {
    return Effect.whileLoop({
      while: () => !this.stopped,
      body: () => Effect.andThen(this.batch(client), Effect.sleep(this.random.below(20))),
      step: () => {}
    })
  }

  /** One to five calls to one key, submitted one after the other without waiting. */
  private batch(client: string): Effect.Effect<void, never, Ledger> {
    return Effect.gen({ self: this }, function* () {
      const key = this.pickKey()
      const kind: Kind = this.random.below(3) === 0 ? "atMostOnce" : "durable"
      const ledger = yield* Ledger.get(key)
      const submit = (id: string) =>
        kind === "durable" ? ClusterHome.withId(ledger.append.remote(id), id) : ledger.touch.remote(id)
      const calls = []
      for (let left = this.random.below(5) + 1; left > 0; left--) {
        const operation = this.note(client, key, kind)
        const exit = yield* Effect.exit(submit(operation.id))
        if (Exit.isSuccess(exit)) calls.push({ operation, ref: exit.value })
        else this.settle(operation, exit)
      }
      for (const { operation, ref } of calls) {
        yield* Effect.map(Effect.exit(ref), (exit) => this.settle(operation, exit))
      }
    })
  }

  private pickKey(): string {
    const index = this.keys.length - this.width + this.random.below(this.width)
    const key = this.keys[index]!
    if ((this.counts.get(key) ?? 0) < MAX_OPERATIONS_PER_KEY) return key
    const fresh = `key ${this.keys.length + 1}`
    this.keys.push(fresh)
    return fresh
  }

  private note(client: string, key: string, kind: Kind): Operation {
    const sequence = this.operations.length
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1)
    const { phase } = this
    const operation: Operation = {
      id: `op${sequence}`,
      key,
      kind,
      client,
      sequence,
      phase,
      submittedAt: this.elapsed()
    }
    this.operations.push(operation)
    return operation
  }

  private settle(operation: Operation, exit: Exit.Exit<unknown, unknown>): void {
    operation.settledAt = this.elapsed()
    operation.outcome = outcomeOf(exit)
    const { phase } = operation
    const took = operation.settledAt - operation.submittedAt
    if (took > (this.slowest.get(phase) ?? 0)) this.slowest.set(phase, took)
    if (Exit.isSuccess(exit)) this.answered.resolve()
  }
}

const outcomeOf = (exit: Exit.Exit<unknown, unknown>): Outcome => {
  if (Exit.isSuccess(exit)) return { _tag: "Done", position: exit.value as number }
  const fail = exit.cause.reasons.find(Cause.isFailReason)?.error
  const error = fail === undefined ? Cause.pretty(exit.cause) : String(fail)
  if (ActorError.isActorError(fail)) return { _tag: "Failed", mayHaveRun: fail.mayHaveRun, byMethod: false, error }
  const byMethod = fail instanceof DurableState.DurableStateError
  return { _tag: "Failed", mayHaveRun: byMethod ? fail.mayHaveSaved : true, byMethod, error }
}

/**
 * How a node leaves: it hands its keys over first, and closes its socket when the others know.
 *
 * Effect's engine unregisters a node only after its socket is closed. A call that is sent before its caller hears of that
 * meets a broken connection, and the caller cannot tell that it did not run. So we unregister the node first, and show
 * the node what the others see: a node without keys. Then it gives its keys up one by one, as when another node joins.
 * Calls that run may finish, and calls that arrive meanwhile are refused, which is a safe answer.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import { type Runner, RunnerStorage, type ShardId, Sharding } from "../engine.ts"
import { Shutdown } from "./shutdown.ts"

/** How this node leaves. */
export interface Departure {
  /** Hands the keys of the node over. Every Layer that callers depend on waits for it before it closes. */
  readonly handOver: Effect.Effect<void>
  readonly shutdown: Shutdown
}

export const Departure: Context.Reference<Departure> = Context.Reference<Departure>("troupe/cluster/Departure", {
  defaultValue: () => ({ handOver: Effect.void, shutdown: new Shutdown(Infinity) })
})

export interface DepartureOptions {
  /** Those that the node may have. */
  readonly shards: ReadonlyArray<ShardId.ShardId>
  readonly shutdown: Shutdown
  /** How often the other processes read which nodes there are, in milliseconds. */
  readonly assignmentRefresh: number
}

const POLL = "20 millis"
/** For processes that read late, in milliseconds. */
const GRACE = 300

type Runners = Array<readonly [runner: Runner.Runner, healthy: boolean]>

/** The register of nodes as a node sees it that may leave. */
export class Register {
  /** Whether it hands its keys over to others. */
  private leaving = false
  /** Whether it has closed without handing over: there was no other node. */
  private closing = false
  private self: Runner.Runner | undefined
  private machineId: any
  private readonly arrival = Latch.makeUnsafe()
  /** Waits until the others can see this node. */
  readonly registered: Effect.Effect<void> = this.arrival.await

  readonly layer: Layer.Layer<RunnerStorage.RunnerStorage, never, RunnerStorage.RunnerStorage> = Layer.effect(
    RunnerStorage.RunnerStorage
  )(Effect.map(RunnerStorage.RunnerStorage, (storage) => this.wrap(storage)))

  private wrap(storage: RunnerStorage.RunnerStorage["Service"]): RunnerStorage.RunnerStorage["Service"] {
    return {
      ...storage,
      register: (runner, healthy) =>
        Effect.suspend(() => {
          this.self = runner
          if (this.leaving) return Effect.succeed(this.machineId)
          return Effect.tap(storage.register(runner, healthy), (machineId) =>
            Effect.sync(() => {
              this.machineId = machineId
              this.arrival.openUnsafe()
            })
          )
        }),
      getRunners: Effect.map(storage.getRunners, (runners) =>
        this.self !== undefined && (this.leaving || this.closing) ? this.withoutKeys(this.self, runners) : runners
      ),
      unregister: (address) =>
        Effect.suspend(() => {
          this.closing = !this.leaving
          return storage.unregister(address)
        }),
      setRunnerHealth: (address, healthy) =>
        Effect.suspend(() =>
          this.leaving && this.self !== undefined && Equal.equals(this.self.address, address)
            ? Effect.void
            : storage.setRunnerHealth(address, healthy)
        )
    }
  }

  /** The node must find itself, or it would register again. It is listed as unhealthy, so it has no keys. */
  private withoutKeys(self: Runner.Runner, runners: Runners): Runners {
    const others = runners.filter(([runner]) => !this.isSelf(runner))
    // The engine of the last node is closing, and takes no keys. It would warn that there are no healthy nodes.
    const last = this.closing && !others.some(([, healthy]) => healthy)
    return [...others, [self, last]]
  }

  private isSelf(runner: Runner.Runner): boolean {
    return this.self !== undefined && Equal.equals(this.self.address, runner.address)
  }

  /** Hands the keys over: once, however many Layers ask for it. */
  readonly departure = (options: DepartureOptions) =>
    Effect.gen({ self: this }, function* () {
      const sharding = yield* Sharding.Sharding
      const storage = yield* RunnerStorage.RunnerStorage
      const { assignmentRefresh, shards, shutdown } = options
      const empty = Effect.sync(() => !shards.some((shard) => sharding.hasShardId(shard)))
      const tell = Effect.gen({ self: this }, function* () {
        const runners = yield* storage.getRunners
        const { self } = this
        // There is no node to take over.
        if (self === undefined || !runners.some(([runner, healthy]) => healthy && !this.isSelf(runner))) return
        this.leaving = true
        yield* storage.unregister(self.address)
      })
      const handOver = Effect.gen({ self: this }, function* () {
        yield* shutdown.brief(Effect.ignore(tell))
        if (!this.leaving) return
        const emptied = Effect.repeat(Effect.delay(empty, POLL), { until: (done) => done })
        const heardOf = Effect.sleep(2 * assignmentRefresh + GRACE)
        yield* Effect.all([Effect.timeoutOption(emptied, shutdown.left), heardOf], { concurrency: 2 })
      })
      return { handOver: yield* Effect.cached(Effect.ignore(handOver)), shutdown }
    })
}

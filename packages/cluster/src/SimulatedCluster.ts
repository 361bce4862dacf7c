/**
 * A cluster in a test: whole nodes in one process, and the faults that real ones have, in virtual time.
 *
 * The nodes are those of `ClusterHome.layerNode`, with the real engine and the real storage code over SQLite in memory.
 * Simulated is what is around them: event loops, clocks and random numbers, the network, and how the storage answers. A
 * schedule of `Explore` decides how late messages and statements are, and where faults strike. A schedule that fails is
 * shortened and replayed like any other, and its report tells node by node what happened.
 *
 * What it does not try: real sockets, TLS and the handshake; what only Postgres does; nodes of different versions; the
 * order of fibers within a process, which is that of Effect (explore your actors in one process for that). Promises of
 * the world outside, like `fetch`, are not part of it: give actors a service in their place.
 *
 * This module is not in the barrel, since it needs `@troupe/testing`: import it from `@troupe/cluster/SimulatedCluster`.
 *
 * **Example** (an increment that survives a node)
 *
 * ```ts
 * import { ClusterHome, Delivery } from "@troupe/cluster"
 * import * as SimulatedCluster from "@troupe/cluster/SimulatedCluster"
 * import { Actor } from "@troupe/core"
 * import { Explore } from "@troupe/testing"
 * import { Effect, Schema } from "effect"
 *
 * class Mail extends Actor.Keyed<Mail>()("app/Mail", {
 *   key: Schema.String,
 *   methods: { send: Delivery.durable(Actor.method({ args: [Schema.String] })) }
 * }) {}
 *
 * const program = Effect.gen(function* () {
 *   const sent: Array<string> = []
 *   const MailLive = Mail.toLayer(() =>
 *     Effect.succeed(Mail.of({ send: (text: string) => Effect.sync(() => void sent.push(text)) }))
 *   )
 *   const cluster = yield* SimulatedCluster.make({
 *     actors: ClusterHome.layer(Mail, MailLive),
 *     client: ClusterHome.client(Mail),
 *     faults: { kills: 1 }
 *   })
 *   yield* cluster.run(Effect.flatMap(Mail.get("ada"), (mail) => mail.send("hello")))
 *   if (!sent.includes("hello")) yield* Effect.die("the mail was lost")
 * })
 *
 * const report = await Effect.runPromise(Explore.check(program, { schedules: 5 }))
 * console.log(report.schedules) // => 5
 * ```
 *
 * @since 0.1.0
 */
import { checkOptions, show } from "@troupe/core/Home"
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type * as SqlClient from "effect/sql/SqlClient"
import type { Cluster, NodeOptions } from "./ClusterHome.ts"
import { finiteMillis } from "./internal/base/durations.ts"
import * as internal from "./internal/simulation/cluster.ts"

/**
 * How many faults of each kind the explorer may place: where a message arrives at a node, before a node asks the storage
 * and once something is stored for it, and where a method has waited. It also chooses how long each lasts: for a part of `failover`, or longer than that. None by default.
 *
 * @category options
 * @since 0.1.0
 */
export interface Faults {
  /** A node ends at once, like on SIGKILL, and starts again later. */
  readonly kills?: number | undefined
  /** A node stops for a while, like between SIGSTOP and SIGCONT. */
  readonly freezes?: number | undefined
  /** A node is cut off from all other processes, but not from the storage. */
  readonly partitions?: number | undefined
  /** The storage does not answer. */
  readonly outages?: number | undefined
  /** Each statement takes 20 or 400 milliseconds longer, for the time of a failover. */
  readonly slowdowns?: number | undefined
  /** A node leaves, like on SIGTERM, and does not come back. */
  readonly leaves?: number | undefined
  /** The clock of a node jumps by -5, 5 or 60 seconds. */
  readonly skews?: number | undefined
  /** A statement fails: it is not done, or it is done and the answer is lost. */
  readonly errors?: number | undefined
}

/**
 * Options of {@link make}.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options<Hosted, Called> {
  /** How many nodes to start with. Default 3. */
  readonly nodes?: number | undefined
  /** What each node hosts: one or more Layers of `ClusterHome.layer`. It is built once for each node. */
  readonly actors: Layer.Layer<Hosted, any, Cluster | SqlClient.SqlClient>
  /** What the client calls: one or more Layers of `ClusterHome.client`. */
  readonly client: Layer.Layer<Called, any, Cluster | SqlClient.SqlClient>
  readonly faults?: Faults | undefined
  /** Options of nodes and client. If nothing is said here, they have 12 shards, and a failover of 2 seconds. */
  readonly options?: Omit<NodeOptions, "storage" | "host" | "port" | "advertise" | "tls" | "secret"> | undefined
  /** After how much virtual time the program counts as never ending. Default 2 minutes. */
  readonly limit?: Duration.Input | undefined
}

/**
 * Something that has happened in a simulated cluster.
 *
 * @category models
 * @since 0.1.0
 */
export interface Event {
  /** When, in milliseconds of virtual time since the cluster was made. */
  readonly at: number
  /** To whom: `node 0`, `client`, `network` or `storage`. */
  readonly who: string
  /** In words, as in the report of a failure: `is killed`, `app/Account(7).deposit starts`. */
  readonly what: string
}

/**
 * The node in which an effect ran was killed, or has left. What the effect did before may have had its effect.
 *
 * @category errors
 * @since 0.1.0
 */
export class NodeGone extends Data.TaggedError("NodeGone")<{ readonly node: number }> {
  override get message(): string {
    return `node ${this.node} was killed or has left while an effect ran in it`
  }
}

/**
 * A cluster that is simulated. Nodes are counted from 0.
 *
 * The effects are for the program that is explored; what they do to nodes is done when they succeed, unless they say
 * otherwise.
 *
 * @category models
 * @since 0.1.0
 */
export interface SimulatedCluster<Hosted, Called> {
  /** Runs an effect in the client, a process that no fault strikes, with the handles of `client`. */
  readonly run: <A, E>(effect: Effect.Effect<A, E, Called | Cluster | SqlClient.SqlClient>) => Effect.Effect<A, E>
  /** Runs an effect in a node, once it is up, and fails with {@link NodeGone} when the node ends meanwhile. */
  readonly on: <A, E>(
    node: number,
    effect: Effect.Effect<A, E, Hosted | Cluster | SqlClient.SqlClient>
  ) => Effect.Effect<A, E | NodeGone>
  /** Ends a node at once, like SIGKILL: nothing is closed, its connections break, its transaction is rolled back. */
  readonly kill: (node: number) => Effect.Effect<void>
  /** Starts a node again that was killed or has left, and waits until it is up. */
  readonly restart: (node: number) => Effect.Effect<void>
  /** Stops a node where it is, like SIGSTOP. */
  readonly freeze: (node: number) => Effect.Effect<void>
  /** Lets a frozen node go on, like SIGCONT. */
  readonly thaw: (node: number) => Effect.Effect<void>
  /**
   * Cuts the network: processes of different parts do not reach each other. Nodes that are in none are together, with the
   * client. All processes reach the storage. What is sent across arrives when the network is whole again, unless a side
   * has given the connection up.
   */
  readonly partition: (...parts: ReadonlyArray<ReadonlyArray<number>>) => Effect.Effect<void>
  /** Makes the network whole again. */
  readonly heal: Effect.Effect<void>
  /** Makes each statement take so much longer, for a while. */
  readonly slowStorage: (by: Duration.Input, during: Duration.Input) => Effect.Effect<void>
  /** From now on the storage does not answer. */
  readonly loseStorage: Effect.Effect<void>
  /** The storage answers again. */
  readonly restoreStorage: Effect.Effect<void>
  /** Moves the clock of a node, in milliseconds: ahead, or back if it is negative. Its timers do not notice. */
  readonly skewClock: (node: number, millis: number) => Effect.Effect<void>
  /** Lets a node leave, like SIGTERM, and waits until it has left. */
  readonly leave: (node: number) => Effect.Effect<void>
  /** Adds a node, and succeeds with its number when it is up. */
  readonly join: Effect.Effect<number>
  /** Ends all faults, those of the explorer, too: whoever is frozen goes on, and nodes that are gone start again. */
  readonly calm: Effect.Effect<void>
  /**
   * Ends all faults, and waits until all calls have ended that the client has made or that are stored. Dies with an error
   * that names them if that takes longer than `within`. Default 60 seconds.
   */
  readonly settled: (within?: Duration.Input) => Effect.Effect<void>
  /** What has happened so far, with the errors that processes have logged. The same schedule has the same history. */
  readonly history: ReadonlyArray<Event>
}

const SUBJECT = "SimulatedCluster.make"
const NONE = { kills: 0, freezes: 0, partitions: 0, outages: 0, slowdowns: 0, leaves: 0, skews: 0, errors: 0 }
/** Short, since nodes that wait for one are asked to do things all the time. */
const FAILOVER = 2000
/** Enough for three nodes and more: a node that ends hands each of them over. */
const SHARDS = 12

const integer = (option: string, value: number, least: number): number => {
  if (Number.isInteger(value) && value >= least) return value
  throw new RangeError(`${SUBJECT}: ${option} must be an integer of at least ${least}, but is ${show(value)}`)
}

const budgetOf = (faults: Faults): typeof NONE => {
  checkOptions(`${SUBJECT} (faults)`, faults, NONE as any)
  const counts = Object.entries(NONE).map(([kind, none]) => {
    const count = faults[kind as keyof Faults] ?? none
    return [kind, integer(`faults.${kind}`, count, 0)]
  })
  return Object.fromEntries(counts)
}

const settingsOf = (options: Options<any, any>): internal.Settings => {
  checkOptions(SUBJECT, options, { nodes: true, actors: true, client: true, faults: true, options: true, limit: true })
  return {
    nodes: integer("nodes", options.nodes ?? 3, 1),
    actors: options.actors,
    client: options.client,
    options: { shards: SHARDS, failover: FAILOVER, ...options.options },
    failover: finiteMillis(`${SUBJECT}: options.failover`, options.options?.failover ?? FAILOVER, 1),
    budget: budgetOf(options.faults ?? {}),
    limit: finiteMillis(`${SUBJECT}: limit`, options.limit ?? "2 minutes", 1)
  }
}

/**
 * Starts nodes and a client, and waits until they are up. They end with the Scope, all at once. It needs a schedule: run
 * the program with `Explore.check` or `it.explore`, with a higher `maxSteps` if it goes on for many minutes.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <Hosted, Called>(
  options: Options<Hosted, Called>
): Effect.Effect<SimulatedCluster<Hosted, Called>, never, Scope.Scope> =>
  Effect.map(
    Effect.suspend(() => internal.make(settingsOf(options))),
    (simulation) => {
      const millis = (what: string, value: Duration.Input) => finiteMillis(`SimulatedCluster.${what}`, value, 0)
      const does = (what: () => unknown) => Effect.asVoid(Effect.sync(what))
      return {
        run: (effect) => simulation.run(effect),
        on: (node, effect) => simulation.on<any, any>(node, effect, () => new NodeGone({ node })),
        kill: (node) => does(() => simulation.kill(node)),
        restart: (node) => Effect.suspend(() => simulation.restart(node).steady),
        freeze: (node) => does(() => simulation.freeze(node)),
        thaw: (node) => does(() => simulation.thaw(node)),
        partition: (...parts) => does(() => simulation.partition(parts)),
        heal: does(() => simulation.heal()),
        slowStorage: (by, during) =>
          does(() => simulation.slow(millis("slowStorage", by), millis("slowStorage", during))),
        loseStorage: does(() => simulation.lose()),
        restoreStorage: does(() => simulation.restore()),
        skewClock: (node, by) => does(() => simulation.skew(node, by)),
        leave: (node) => Effect.suspend(() => simulation.leave(node).steady),
        join: Effect.suspend(() => {
          const [index, member] = simulation.join()
          return Effect.as(member.steady, index)
        }),
        calm: does(() => simulation.calm()),
        settled: (within = "60 seconds") => Effect.suspend(() => simulation.settled(millis("settled", within))),
        history: simulation.world.events
      }
    }
  )

/**
 * The processes of a cluster: a node on its own, a node among others, a client.
 */
import * as NodeCrypto from "@effect/platform-node-shared/NodeCrypto"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import type { Cluster, ClusterOptions, LocalOptions, NodeOptions } from "../../ClusterHome.ts"
import type { ClusterStartError } from "../../ClusterStartError.ts"
import { wholly } from "../base/contained.ts"
import { Warnings } from "../base/warnings.ts"
import { CurrentGuard } from "../calls/attempt.ts"
import * as attempts from "../calls/attempts.ts"
import {
  MessageStorage,
  RpcSerialization,
  RpcServer,
  RunnerAddress,
  RunnerHealth,
  RunnerServer,
  RunnerStorage,
  Runners,
  ShardId,
  Sharding,
  ShardingConfig,
  Snowflake
} from "../engine.ts"
import { type Address, nameOf } from "../net/address.ts"
import * as netClient from "../net/client.ts"
import * as connections from "../net/connection.ts"
import * as listening from "../net/listening.ts"
import { Network } from "../net/network.ts"
import { Peers } from "../net/peers.ts"
import * as fileLock from "../sql/fileLock.ts"
import * as storage from "../sql/storage.ts"
import * as tables from "../sql/tables.ts"
import * as acquainted from "./acquainted.ts"
import * as awaited from "./awaited.ts"
import * as claims from "./claims.ts"
import * as contracts from "./contracts.ts"
import { Departure, Register } from "./departure.ts"
import * as door from "./door.ts"
import * as joining from "./joining.ts"
import * as locks from "./locks.ts"
import * as members from "./members.ts"
import * as messageStorage from "./messages.ts"
import { CurrentGroups, type NodeGroups, placesOf } from "./nodeGroups.ts"
import * as retention from "./retention.ts"
import * as runners from "./runners.ts"
import * as settings from "./settings.ts"
import { GRACE, Shutdown } from "./shutdown.ts"

type Node = Layer.Layer<Cluster | SqlClient.SqlClient, ClusterStartError>

/** How often storage is polled for calls and results that no message announced, in milliseconds. */
const MESSAGE_POLL = 2000
const REPLY_POLL = 200
/** How many calls are read from the storage at a time. A call that is made during a backlog waits for so many. */
const READ_BATCH = 256
/** How often a call whose keys are on the way from one node to another looks for them. */
const SEND_RETRY = 50
/** A node that has not registered an actor within this time does not host it. */
const REGISTRATION_TIMEOUT = "15 seconds"
/** How often a node is probed before it counts as lost. */
const PROBES = 2

type Config = Partial<ShardingConfig.ShardingConfig["Service"]>

const common = ({ groups, maxInstances }: Pick<settings.NodeSettings, "groups" | "maxInstances">): Config => ({
  availableShardGroups: placesOf(groups.all),
  assignedShardGroups: groups.own,
  // Values stay as they are between actors of one node. Copying them takes as long as the rest of a call.
  simulateRemoteSerialization: false,
  maxResidentEntities: maxInstances === Infinity ? "unbounded" : maxInstances,
  entityRegistrationTimeout: REGISTRATION_TIMEOUT,
  unprocessedMessageBatchSize: READ_BATCH,
  // An actor that is ending may still call others: the node goes on as a caller until all have ended.
  preemptiveShutdown: false,
  sendRetryInterval: SEND_RETRY
})

/** Entities that end with their node have what is left of its time, so it is looked at when they do. */
const layerConfig = (config: Config, shutdown: Shutdown): Layer.Layer<ShardingConfig.ShardingConfig> =>
  Layer.effect(ShardingConfig.ShardingConfig)(
    Effect.map(ShardingConfig.ShardingConfig, (defaults) =>
      Object.defineProperty({ ...defaults }, "entityTerminationTimeout", { get: () => shutdown.left })
    )
  ).pipe(Layer.provide(ShardingConfig.layer(config)))

// --- one process -----------------------------------------------------------------------------------------------------

export const layerLocal = (options: LocalOptions): Node =>
  Layer.unwrap(
    Effect.map(settings.local(options), (local) => {
      const shutdown = new Shutdown(local.drainTimeout)
      const engine = Sharding.layer.pipe(
        Layer.provideMerge(Runners.layerNoop),
        Layer.provide([RunnerStorage.layerMemory, RunnerHealth.layerNoop])
      )
      const node = engine.pipe(
        withStorage(local.retention, settings.UNAVAILABLE_AFTER),
        Layer.provide(layerConfig({ ...common(local), shardsPerGroup: settings.DEFAULT_SHARDS }, shutdown)),
        Layer.provideMerge(Layer.succeed(CurrentGroups)(local.groups)),
        Layer.provideMerge(Layer.succeed(Departure)({ handOver: Effect.void, shutdown })),
        Layer.provideMerge(storage.sqlite(options.file)),
        Layer.provide(fileLock.layer(options.file))
      )
      return shutdown.bounded(node, GRACE.engine, () => ENGINE)
    })
  )

/** What a node still waits for when its actors have ended. */
const ENGINE = "its engine and its storage to close"

// --- one of many -----------------------------------------------------------------------------------------------------

export const layerNode = (options: NodeOptions): Node =>
  Layer.unwrap(Effect.map(settings.node(options), (node) => layerOf(node, new Shutdown(node.drainTimeout))))

/** A node that ends within `shutdown`. */
export const layerOf = (node: settings.NodeSettings, shutdown: Shutdown): Node => {
  const peers = new Peers()
  const register = new Register()
  const listen = Layer.unwrap(Effect.map(Network, (network) => network.listen(node.listen, node)))
  const socket = storage.failing(`its socket ${nameOf(node.listen)}`, listen, (error) =>
    listening.why(error, node.listen, listening.SOCKET)
  )
  const engine = RunnerServer.layer.pipe(
    Layer.provide(door.layer),
    Layer.provideMerge(Sharding.layer),
    Layer.provideMerge(runners.layer(peers)),
    Layer.provide([netClient.layer(node, peers), RpcServer.layerProtocolSocketServer, layerHealth(node)]),
    Layer.provide(socket),
    Layer.provide(joining.layerBefore(node.advertise, node))
  )
  const config: Config = {
    ...common(node),
    ...timing(node),
    runnerAddress: Option.some(RunnerAddress.make(node.advertise.host, node.advertise.port)),
    runnerListenAddress: Option.some(RunnerAddress.make(node.listen.host, node.listen.port))
  }
  const departure = Layer.effect(Departure)(
    register.departure({
      shards: shardsOf(node.groups.own, node.shards),
      shutdown,
      assignmentRefresh: node.failover.assignmentRefresh
    })
  )
  const whole = departure.pipe(
    Layer.provide([joining.layerAfter(node.advertise, node, register), contracts.layerSweep]),
    Layer.provideMerge(engine),
    withStorage(node.retention, node.unavailableAfter),
    Layer.provide(register.layer),
    withRunners(layerConfig(config, shutdown), node, peers, node.advertise, node.groups),
    Layer.provideMerge(Layer.succeed(CurrentGroups)(node.groups))
  )
  return shutdown.bounded(whole, GRACE.engine, () => ENGINE)
}

export const layerClient = (options: ClusterOptions): Node =>
  Layer.unwrap(
    Effect.map(settings.client(options), (client) => {
      const peers = new Peers()
      const engine = acquainted
        .layer(Sharding.layer)
        .pipe(
          Layer.provideMerge(runners.layer(peers)),
          Layer.provide([netClient.layer(client, peers), RunnerHealth.layerNoop])
        )
      const config: Config = { sendRetryInterval: SEND_RETRY, ...timing(client), runnerAddress: Option.none() }
      return engine.pipe(
        Layer.provideMerge(messages(client.unavailableAfter)),
        withRunners(ShardingConfig.layer(config), client, peers)
      )
    })
  )

/** The shards of some groups. */
const shardsOf = (groups: ReadonlyArray<string>, shards: number): ReadonlyArray<ShardId.ShardId> =>
  groups.flatMap((group) => Array.from({ length: shards }, (_, index) => ShardId.make(group, index + 1)))

const timing = ({ failover, shards }: settings.Shared): Config => ({
  shardsPerGroup: shards,
  shardLockExpiration: failover.lockExpiration,
  shardLockRefreshInterval: failover.lockRefresh,
  refreshAssignmentsInterval: failover.assignmentRefresh,
  runnerHealthCheckInterval: failover.healthCheck,
  entityMessagePollInterval: MESSAGE_POLL,
  entityReplyPollInterval: REPLY_POLL
})

const messages = (patience: number) => messageStorage.layer(patience).pipe(Layer.provide(NodeCrypto.layerDigest))

/**
 * A frame may have any size: both sides have proved to be of the cluster, and what one sends the other had in memory. The
 * engine goes on with a connection after a frame that is too large, and can read nothing on it any more.
 */
const serialization = Layer.effect(RpcSerialization.RpcSerialization)(
  Effect.map(RpcSerialization.RpcSerialization, (binary) => ({
    ...binary,
    codecFor: wholly(binary.codecFor) as typeof binary.codecFor
  }))
).pipe(Layer.provide(RpcSerialization.layerSchemaBinary({ maxFrameSize: "unbounded" })))

/** What nodes and clients of a cluster of processes have in common. */
const withRunners =
  (
    config: Layer.Layer<ShardingConfig.ShardingConfig>,
    { shards, storage: shared, unavailableAfter }: settings.Shared,
    peers: Peers,
    self?: Address,
    groups?: NodeGroups
  ) =>
  <A, E>(
    engine: Layer.Layer<
      A | Sharding.Sharding,
      E,
      | RunnerStorage.RunnerStorage
      | RpcSerialization.RpcSerialization
      | ShardingConfig.ShardingConfig
      | SqlClient.SqlClient
    >
  ) =>
    Layer.merge(members.layer(shardsOf(groups?.own ?? [], shards), self), locks.layerCurrent).pipe(
      Layer.provideMerge(engine),
      Layer.provide(locks.layer),
      Layer.provide(storage.failing("its storage", tables.runners as Layer.Layer<RunnerStorage.RunnerStorage>)),
      Layer.provide([config, serialization]),
      Layer.provideMerge(
        Layer.succeedContext(Context.make(CurrentGuard, { unavailableAfter, trouble: () => peers.trouble() }))
      ),
      Layer.provideMerge(contracts.layer(peers, self)),
      Layer.provideMerge(storage.layer(shared))
    )

/** Adds the storage of messages, and what keeps it bounded. */
const withStorage =
  (retained: number, patience: number) =>
  <A, E, R>(engine: Layer.Layer<A | Sharding.Sharding, E, R | MessageStorage.MessageStorage>) => {
    const keep = Layer.effectDiscard(
      Effect.gen(function* () {
        const sharding = yield* Sharding.Sharding
        yield* sharding.registerSingleton("troupe/retention", retention.keep(Duration.millis(retained)))
      })
    )
    return keep.pipe(
      Layer.provideMerge(engine),
      Layer.provideMerge(layerRead),
      Layer.provideMerge(messages(patience)),
      Layer.provideMerge(Layer.effectContext(retention.layerActors))
    )
  }

/** The storage of messages as a node reads it. */
const layerRead = Layer.effect(MessageStorage.MessageStorage)(
  Effect.gen(function* () {
    const stored = yield* MessageStorage.MessageStorage
    const read = awaited.first(stored)
    const sql = (yield* SqlClient.SqlClient).withoutTransforms()
    const storage: typeof read = {
      ...read,
      resetShards: (shards) => {
        const acquired = [...shards]
        if (acquired.length === 0) return Effect.void
        return Effect.catch(attempts.takeBack(sql, acquired.map(String)), () => read.resetShards(acquired))
      }
    }
    const hosted = yield* contracts.CurrentContracts
    const own = hosted === undefined ? storage : door.onlyHosted(storage, hosted, yield* Snowflake.Generator)
    const locked = yield* locks.CurrentLocks
    const self = Option.getOrUndefined((yield* ShardingConfig.ShardingConfig).runnerAddress)
    const confirmed = locked === undefined || self === undefined ? own : locks.reading(own, locked, self)
    return claims.recovered(confirmed, stored.resetShards)
  })
).pipe(Layer.provide(Snowflake.layerGenerator))

/** How the engine learns which nodes are there. */
const layerHealth = (options: connections.ConnectionOptions): Layer.Layer<RunnerHealth.RunnerHealth> =>
  Layer.effect(RunnerHealth.RunnerHealth)(
    Effect.map(Network, (network) => {
      const warnings = new Warnings()
      const warn = (address: Address, error: unknown): Effect.Effect<void> =>
        connections.isRefusal(error)
          ? warnings.warn(
              nameOf(address),
              `The node at ${nameOf(address)} gets no keys: it refuses connections of this node. ${connections.whyOf(error)}`
            )
          : Effect.void
      return {
        isAlive: (address) =>
          network.probe(address, options).pipe(
            Effect.retry({ times: PROBES - 1 }),
            Effect.tapError((error) => warn(address, error)),
            Effect.isSuccess
          )
      }
    })
  )

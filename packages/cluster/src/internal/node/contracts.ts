/**
 * The contracts of this node, and those of the others, so that a call is refused before it is sent to a node with a version
 * of the contract that does not understand it.
 *
 * What a node hosts does not change while a connection to it is open: behind it is one process. So a contract is read once
 * for each connection. Where the storage does not answer, calls are sent unchecked, and the node refuses what it cannot
 * read.
 */
import type { ActorError } from "@troupe/core/ActorError"
import * as ContractShape from "@troupe/core/ContractShape"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import { RunnerStorage } from "../engine.ts"
import { type Address, nameOf } from "../net/address.ts"
import type { Peer, Peers } from "../net/peers.ts"
import { ContractTable, type Hosted } from "../sql/contractTable.ts"
import { AreThere } from "../sql/tables.ts"
import { mismatched, unavailable } from "../wire/failure.ts"
import type { ContractMethod } from "../wire/wire.ts"

/** After that, a node hosts what it has told. The engine does not wait longer for an actor either. */
const COMPLETE_AFTER = "15 seconds"
/** What was read of a node without an open connection to it holds for so long: calls look for it again and again. */
const READ_AGAIN = "200 millis"
/** How many nodes, and questions, are remembered: in weeks a cluster has many more. They are asked again. */
const MOST_KNOWN = 1000
/** A storage that takes longer is in trouble. */
const READ_TIMEOUT = "2 seconds"

type Read<A> = Effect.Effect<A | undefined>

interface Known {
  readonly hosted: Hosted
  /** The connection that it was read for. */
  readonly opened: number
  readonly verdicts: Map<ContractMethod, ActorError | undefined>
}

/** A call that waits until it is known what its node hosts, if it has a node yet. */
interface Waiting {
  readonly address: Address | undefined
  readonly method: ContractMethod
  readonly resume: (refusal: Effect.Effect<ActorError | undefined>) => void
}

export class Contracts {
  private readonly table: ContractTable
  private readonly peers: Peers
  /** The address of this node, if it is one. */
  private readonly self: string | undefined
  private readonly mine = new Map<string, ContractShape.ContractShape>()
  /** What this node hosts without our doing: plain entities of an application, which have no contract. */
  private readonly entities = new Set<string>()
  private complete = false
  /** Released whenever more is known of what this node hosts. */
  private readonly news = Latch.makeUnsafe(false)
  private readonly known = new Map<string, Known>()
  private readonly reads = new Map<string, Read<any>>()
  /** In the order in which they were made. */
  private readonly waiting: Array<Waiting> = []
  private working = false
  private readonly context: Context.Context<never>

  constructor(table: ContractTable, peers: Peers, self: string | undefined, context: Context.Context<never>) {
    this.table = table
    this.peers = peers
    this.self = self
    this.context = context
  }

  // --- of this node ----------------------------------------------------------------------------------------------------

  /** Tells what this node hosts, before it does. Says so if other nodes have a version that this one cannot replace. */
  readonly publish = (shape: ContractShape.ContractShape): Effect.Effect<void> =>
    Effect.gen({ self: this }, function* () {
      this.mine.set(shape.actor, shape)
      yield* this.news.release
      if (this.self === undefined) return
      const others = yield* Effect.ignore(this.table.put(this.self, shape)).pipe(
        Effect.andThen(this.read(`of ${shape.actor}`, this.table.ofActor(shape.actor)))
      )
      for (const [node, other] of others ?? []) {
        const changes = ContractShape.compare([other], [shape])
        if (node === this.self || ContractShape.orderOf(changes) !== "never") continue
        const words = changes.filter(({ order }) => order !== "any").map(ContractShape.describe)
        yield* Effect.logWarning(
          `${shape.actor} on this node does not roll out beside the version on ${node}: calls between them are refused. ${words.join(" ")}`
        )
        return
      }
    })

  /** The engine has an entity, of an actor or not. */
  readonly registered = (entity: string): Effect.Effect<void> => {
    this.entities.add(entity)
    return Effect.asVoid(this.news.release)
  }

  /** Whether this node can run a method, or has the actor. What it is still about to host is not known yet. */
  hosts(actor: string, method: string | undefined): boolean {
    const shape = this.mine.get(actor)
    if (shape === undefined) return !this.complete || this.entities.has(actor)
    return method === undefined || method.startsWith("~") || Object.hasOwn(shape.methods, method)
  }

  /** Waits until this node hosts an actor, or will not. */
  settled(actor: string): Effect.Effect<void> {
    return Effect.suspend(() =>
      this.mine.has(actor) || this.entities.has(actor) || this.complete
        ? Effect.void
        : Effect.andThen(this.news.await, this.settled(actor))
    )
  }

  /** What this node has told is gone with it, and with what was there before it. */
  readonly start = Effect.gen({ self: this }, function* () {
    if (!(yield* AreThere)) yield* Effect.ignore(this.table.create)
    const { self } = this
    if (self === undefined) return
    const clear = Effect.ignore(Effect.timeout(this.table.clear(self), READ_TIMEOUT))
    yield* Effect.acquireRelease(clear, () => clear)
    yield* Effect.forkScoped(Effect.delay(this.end(self), COMPLETE_AFTER))
  })

  /** All has been told. It is told again, since another node may have swept it away before it knew of this one. */
  private end(self: string): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.complete = true
      const all = Effect.forEach([...this.mine.values()], (shape) => this.table.put(self, shape), { discard: true })
      return Effect.andThen(this.news.release, Effect.ignore(Effect.andThen(all, this.table.complete(self))))
    })
  }

  /** Forgets what nodes have told that are not there any more, and had no time to take it back. */
  readonly sweep = Effect.gen({ self: this }, function* () {
    const storage = yield* RunnerStorage.RunnerStorage
    const runners = yield* storage.getRunners
    yield* this.table.keep(runners.map(([{ address }]) => nameOf(address)))
  })

  // --- of others -------------------------------------------------------------------------------------------------------

  /** Why a node cannot take a call, if that is known already: `"unknown"` if it has to be read first, or waits its turn. */
  refusalNow(address: Address | undefined, method: ContractMethod): ActorError | undefined | "unknown" {
    // Durable calls of a key run in the order in which they are stored, through whichever node they go.
    if (this.working && method.durable) return "unknown"
    if (address === undefined) return undefined
    const known = this.known.get(nameOf(address))
    if (known === undefined || !isCurrent(known, this.peers.at(address))) return "unknown"
    if (!known.hosted.shapes.has(method.actor)) return "unknown"
    const refusal = verdictOf(known, nameOf(address), method)
    return refusal !== undefined && method.durable ? "unknown" : refusal
  }

  /** Why a node cannot take a call, if it cannot. Calls go on in the order in which they came here. */
  refusal(address: Address | undefined, method: ContractMethod): Effect.Effect<ActorError | undefined> {
    return Effect.callback((resume) => {
      const waiting: Waiting = { address, method, resume }
      this.waiting.push(waiting)
      if (!this.working) {
        this.working = true
        Effect.runForkWith(this.context)(this.work)
      }
      return Effect.sync(() => {
        const index = this.waiting.indexOf(waiting)
        if (index >= 0) this.waiting.splice(index, 1)
      })
    })
  }

  private readonly work = Effect.gen({ self: this }, function* () {
    while (this.waiting.length > 0) {
      const first = this.waiting[0]!
      // Whatever comes of it is the call's: others wait behind it.
      const refusal = yield* Effect.exit(this.judged(first.address, first.method))
      // It may have been given up meanwhile.
      if (this.waiting[0] === first) {
        this.waiting.shift()
        first.resume(refusal)
      }
      // Those that went on are on their way before others that come now.
      if (this.waiting.length === 0) yield* Effect.yieldNow
    }
    this.working = false
  })

  private judged(address: Address | undefined, method: ContractMethod): Effect.Effect<ActorError | undefined> {
    return Effect.gen({ self: this }, function* () {
      if (address === undefined) return undefined
      const node = nameOf(address)
      const known = yield* this.ask(node, this.peers.at(address))
      if (known === undefined || verdictOf(known, node, method) === undefined) return undefined
      // What was read a moment ago may be of a process that has been replaced since.
      this.reads.delete(`at ${node}`)
      const now = yield* this.ask(node, this.peers.at(address))
      const refusal = now && verdictOf(now, node, method)
      if (refusal === undefined || has(now!.hosted, method)) return refusal
      return yield* this.lacking(node, method, now!.hosted.shapes.has(method.actor) ? refusal : undefined)
    })
  }

  /** Why a node that lacks a method cannot take a call of it, which other nodes may have. */
  private lacking(node: string, method: ContractMethod, refusal: ActorError | undefined) {
    const read = this.read(`of ${method.actor}`, this.table.ofActor(method.actor))
    return Effect.map(read, (shapes): ActorError | undefined => {
      const { nodeGroup } = method.shape()
      const others = [...(shapes ?? [])]
      const elsewhere = others
        .filter(([, shape]) => shape.nodeGroup === nodeGroup && Object.hasOwn(shape.methods, method.name))
        .map(([other]) => other)
      // A durable call waits for a node that has what this one lacks, if there is any.
      if (elsewhere.length > 0 && method.durable) return undefined
      if (refusal !== undefined) return refusal
      // Nodes of another group never take over its keys.
      const strayed = elsewhere.length === 0 && others.find(([, shape]) => shape.nodeGroup !== nodeGroup)
      if (!strayed) return notHosted(node, method, elsewhere)
      return judge({ shapes: new Map([[method.actor, strayed[1]]]), complete: true }, strayed[0], method)
    })
  }

  private ask(node: string, { open, opened }: Peer): Effect.Effect<Known | undefined> {
    const connection = open ? opened : -1
    if (this.known.get(node)?.opened !== connection) this.reads.delete(`at ${node}`)
    return Effect.map(this.read(`at ${node}`, this.table.of(node)), (hosted) => {
      if (hosted === undefined) return undefined
      const known: Known = { hosted, opened: connection, verdicts: new Map() }
      if (this.known.size >= MOST_KNOWN) this.known.clear()
      this.known.set(node, known)
      return known
    })
  }

  /** Reads once for all that ask at the same time. */
  private read<A>(what: string, query: Effect.Effect<A, unknown>): Read<A> {
    return Effect.suspend(() => {
      const reading = this.reads.get(what)
      if (reading !== undefined) return reading
      return Effect.flatMap(
        Effect.cachedWithTTL(
          Effect.orElseSucceed(Effect.timeout(query, READ_TIMEOUT), () => undefined),
          READ_AGAIN
        ),
        (cached) => {
          const present = this.reads.get(what)
          if (present !== undefined) return present
          if (this.reads.size >= MOST_KNOWN) this.reads.clear()
          this.reads.set(what, cached)
          return cached
        }
      )
    })
  }
}

const has = ({ shapes }: Hosted, { actor, name }: ContractMethod): boolean =>
  Object.hasOwn(shapes.get(actor)?.methods ?? {}, name)

const isCurrent = ({ opened }: Known, peer: Peer): boolean => peer.open && peer.opened === opened

const verdictOf = (known: Known, node: string, method: ContractMethod): ActorError | undefined => {
  if (known.verdicts.has(method)) return known.verdicts.get(method)
  const verdict = judge(known.hosted, node, method)
  known.verdicts.set(method, verdict)
  return verdict
}

const judge = ({ complete, shapes }: Hosted, node: string, method: ContractMethod): ActorError | undefined => {
  const subject = { actor: method.actor, method: method.name }
  const shape = shapes.get(method.actor)
  if (shape === undefined) return complete ? notHosted(node, method, []) : undefined
  const mismatch = ContractShape.mismatch(method.shape(), shape, method.name)
  return mismatch && mismatched(subject, `the node at ${node}`, mismatch)
}

/** How many of the nodes that have an actor are named. */
const MOST_NAMED = 3

const notHosted = (node: string, { actor, name }: ContractMethod, elsewhere: ReadonlyArray<string>): ActorError => {
  const others = elsewhere.slice(0, MOST_NAMED).join(", ")
  const remedy =
    elsewhere.length === 0
      ? "provide ClusterHome.layer of this actor on all nodes, or give it a nodeGroup"
      : `nodes that do, such as ${others}, have other keys. Provide ClusterHome.layer of this actor on all nodes, or give it a nodeGroup`
  return unavailable(
    { actor, method: name },
    `the node at ${node}, which should have it, does not host it: ${remedy}`,
    {
      mayHaveRun: false
    }
  )
}

/** The contracts that this process knows of, if it is part of a cluster of processes. */
export const CurrentContracts: Context.Reference<Contracts | undefined> = Context.Reference<Contracts | undefined>(
  "troupe/cluster/Contracts",
  { defaultValue: () => undefined }
)

export const layer = (peers: Peers, self?: Address): Layer.Layer<never, never, SqlClient.SqlClient> =>
  Layer.effect(CurrentContracts)(
    Effect.gen(function* () {
      const contracts = new Contracts(
        new ContractTable(yield* SqlClient.SqlClient),
        peers,
        self && nameOf(self),
        yield* Effect.context<never>()
      )
      yield* contracts.start
      return contracts
    })
  )

/** A node that has started sweeps once: nodes that die are followed by others. */
export const layerSweep: Layer.Layer<never, never, RunnerStorage.RunnerStorage> = Layer.effectDiscard(
  Effect.gen(function* () {
    const contracts = yield* CurrentContracts
    if (contracts !== undefined) yield* Effect.forkScoped(Effect.delay(Effect.ignore(contracts.sweep), COMPLETE_AFTER))
  })
)

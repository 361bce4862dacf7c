/**
 * A cluster in a test: whole nodes in one process, over a simulated network and storage.
 */
import { Exploration } from "@troupe/testing/Exploration"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { NodeOptions } from "../../ClusterHome.ts"
import { Network } from "../net/network.ts"
import { layerClient, layerNode } from "../node/node.ts"
import * as tables from "../sql/tables.ts"
import { type Budget, Faults, type Kind } from "./faults.ts"
import { Member } from "./member.ts"
import { Net } from "./network.ts"
import { Process } from "./process.ts"
import { Storage } from "./storage.ts"
import { World } from "./world.ts"

export interface Settings {
  readonly nodes: number
  readonly actors: Layer.Layer<any, any, any>
  readonly client: Layer.Layer<any, any, any>
  readonly options: Omit<NodeOptions, "storage" | "host" | "port" | "advertise">
  readonly budget: Budget
  /** In milliseconds. */
  readonly failover: number
  /** In milliseconds. */
  readonly limit: number
}

type Build = (process: Process) => Layer.Layer<any, any, any>

const FIRST_PORT = 1
/** How often it is looked whether all calls have ended, in milliseconds. */
const LOOK = 100
/** When a node is started again that has not come up, in milliseconds. */
const RESTART_PAUSE = 1000
/** How many calls an error names. */
const MAX_SHOWN = 5

export class Simulation {
  readonly world: World
  private readonly settings: Settings
  private readonly net: Net
  private readonly storage: Storage
  private readonly faults: Faults
  private client: Member | undefined = undefined
  private readonly nodes: Array<Member> = []
  /** All that there were. */
  private readonly processes: Array<Process> = []
  private hasBegun = false

  constructor(world: World, settings: Settings) {
    this.world = world
    this.settings = settings
    this.net = new Net(world)
    this.storage = new Storage(world)
    this.faults = new Faults(world, settings.budget, settings.failover, (...fault) => this.strike(...fault))
  }

  /** Starts the nodes, and a client once they are up: it knows them from the start. From then on faults may strike. */
  readonly start = Effect.gen({ self: this }, function* () {
    this.world.after(this.settings.limit, () => this.tooLong())
    for (let index = 0; index < this.settings.nodes; index++) this.startNode(index)
    for (const node of this.nodes) yield* this.up(node)
    this.client = this.startClient()
    yield* this.up(this.client)
    this.net.delays = this.storage.delays = this.faults.delays
    this.net.moment = this.storage.moment = (process, place) => {
      if (process !== this.client?.process) this.faults.moment(process, place)
    }
    this.storage.fate = this.faults.fate
    this.faults.begin()
    this.hasBegun = true
  })

  /** Nothing happens any more: the test is over. */
  readonly end = Effect.sync(() => {
    this.world.end()
    for (const process of this.processes) process.die()
    this.storage.close()
  })

  /** A program that never ends would go on for as long as there are timers. */
  private tooLong(): never {
    const { limit } = this.settings
    throw new Error(
      `SimulatedCluster: the program has not ended after ${limit} ms of virtual time (limit). ${this.open() ?? ""}`
    )
  }

  private up(member: Member): Effect.Effect<void> {
    return Effect.andThen(
      member.steady,
      Effect.suspend(() =>
        member.state === "up" ? Effect.void : Effect.die(new Error(`SimulatedCluster: ${this.last(member)}`))
      )
    )
  }

  private last({ name }: Member): string {
    const { what } = this.world.events.findLast(({ who }) => who === name)!
    return `${name} ${what}`
  }

  // --- processes -----------------------------------------------------------------------------------------------------

  private startNode(index: number): Member {
    const { actors, options } = this.settings
    const port = FIRST_PORT + index
    const member = this.make(`node ${index}`, false, (process) =>
      Layer.provideMerge(actors, layerNode({ ...options, port, storage: this.storage.of(process) }))
    )
    this.nodes[index] = member
    member.process.wakes = () => this.faults.moment(member.process, "wakes")
    // Whoever looks after nodes starts one again that has not come up. At the beginning there are no faults: it is a mistake.
    if (this.hasBegun) member.onFailure = () => this.world.after(RESTART_PAUSE, () => this.restart(index))
    return member
  }

  private startClient(): Member {
    const { client, options } = this.settings
    const { drainTimeout, maxInstances, retention, ...shared } = options
    return this.make("client", true, (process) =>
      Layer.provideMerge(client, layerClient({ ...shared, storage: this.storage.of(process) }))
    )
  }

  private make(name: string, isClient: boolean, build: Build): Member {
    const process = new Process(this.world, name)
    this.processes.push(process)
    const member = new Member(process)
    member.listen(isClient)
    // Processes of the beginning find the tables that the database comes with, others look for them.
    const services = Context.make(Network, this.net.of(process))
    member.start(Context.add(services, tables.AreThere, !this.hasBegun), build(process))
    return member
  }

  private node(index: number): Member {
    const member = this.nodes[index]
    if (member !== undefined) return member
    throw new RangeError(`SimulatedCluster: there is no node ${index}. There are ${this.nodes.length}, from 0`)
  }

  run<A, E>(effect: Effect.Effect<A, E, any>): Effect.Effect<A, E> {
    return this.client!.run(effect, () => new Error("the cluster is gone") as E)
  }

  on<A, E>(index: number, effect: Effect.Effect<A, E, any>, gone: () => E): Effect.Effect<A, E> {
    return Effect.suspend(() => {
      const member = this.node(index)
      return Effect.andThen(member.steady, member.run(effect, gone))
    })
  }

  // --- faults --------------------------------------------------------------------------------------------------------

  private strike(kind: Kind, process: Process, extent: number): void {
    const index = this.nodes.findIndex((member) => member.process === process)
    if (index < 0) return
    const later = (task: () => void) => this.world.after(extent, task)
    switch (kind) {
      case "kills":
        this.kill(index)
        later(() => this.restart(index))
        break
      case "freezes":
        this.freeze(index)
        later(() => this.goOn(process))
        break
      case "partitions":
        this.partition([[index]])
        later(() => this.heal())
        break
      case "outages":
        this.lose()
        later(() => this.restore())
        break
      case "slowdowns":
        this.slow(extent, this.settings.failover)
        break
      case "leaves":
        this.leave(index)
        break
      case "skews":
        this.skew(index, extent)
    }
  }

  kill(index: number): void {
    const { isDead, name, process } = this.node(index)
    if (isDead) return
    this.world.note(name, "is killed")
    process.die()
  }

  /** Starts a node again that has died or left, at its address. */
  restart(index: number): Member {
    const member = this.node(index)
    if (!member.isDead) return member
    this.world.note(member.name, "starts again")
    return this.startNode(index)
  }

  freeze(index: number): void {
    const { name, process } = this.node(index)
    if (process.state !== "running") return
    this.world.note(name, "freezes")
    process.freeze()
  }

  thaw(index: number): void {
    this.goOn(this.node(index).process)
  }

  private goOn(process: Process): void {
    if (process.state !== "frozen") return
    this.world.note(process.name, "goes on")
    process.thaw()
  }

  /** Cuts the network into these parts and the rest, which has the client. */
  partition(parts: ReadonlyArray<ReadonlyArray<number>>): void {
    const processes = parts.map((part) => part.map((index) => this.node(index).process))
    const names = parts.map((part) => `node ${part.join(", ")}`)
    this.world.note("network", `is cut between ${[...names, "the rest"].join(" and ")}`)
    this.net.cut(processes)
  }

  heal(): void {
    if (!this.net.isPartitioned) return
    this.world.note("network", "is whole again")
    this.net.heal()
  }

  lose(): void {
    this.world.note("storage", "does not answer")
    this.storage.isAway = true
  }

  restore(): void {
    if (!this.storage.isAway) return
    this.world.note("storage", "answers again")
    this.storage.isAway = false
  }

  slow(by: number, during: number): void {
    this.world.note("storage", `takes ${by} ms longer, for ${during} ms`)
    this.storage.slowBy = by
    this.storage.slowUntil = this.world.now + during
  }

  skew(index: number, millis: number): void {
    const { name, process } = this.node(index)
    this.world.note(name, `has a clock that jumps by ${millis} ms`)
    process.skew += millis
  }

  /** Ends a node as SIGTERM does. */
  leave(index: number): Member {
    const member = this.node(index)
    member.leave()
    return member
  }

  join(): readonly [number, Member] {
    const index = this.nodes.length
    this.world.note(`node ${index}`, "joins")
    return [index, this.startNode(index)]
  }

  /** Ends all faults. */
  calm(): void {
    this.faults.end()
    this.net.delays = this.storage.delays = 0
    this.storage.slowUntil = 0
    this.heal()
    this.restore()
    for (const [index, { process, state }] of this.nodes.entries()) {
      this.goOn(process)
      // One that leaves starts again once it has left.
      if (state === "leaving") process.onDeath.push(() => this.world.after(0, () => this.restart(index)))
      else this.restart(index)
    }
  }

  // --- checks --------------------------------------------------------------------------------------------------------

  /** What has not ended yet, in words, if anything has not. */
  private open(): string | undefined {
    const calls = [...(this.client?.unsettled.values() ?? [])]
    if (calls.length > 0) return `${some(calls)} of the client ${calls.length === 1 ? "has" : "have"} not settled`
    const { unfinished } = this.storage
    if (unfinished === undefined) return "a transaction is under way"
    if (unfinished.length > 0)
      return `${some(unfinished)} ${unfinished.length === 1 ? "is" : "are"} stored and not done`
  }

  /** Waits until all calls have ended that the client has made, or that are stored. Dies if that takes too long. */
  settled(within: number): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      this.calm()
      const until = this.world.now + within
      // What was made or stored just now is on its way.
      yield* this.pause(LOOK)
      for (let open = this.open(); open !== undefined; open = this.open()) {
        if (this.world.now >= until) {
          return yield* Effect.die(
            new Error(`SimulatedCluster: ${within} ms after all faults have ended (settled), ${open}`)
          )
        }
        yield* this.pause(LOOK)
      }
    })
  }

  /** Lets time pass for the program that is explored. */
  private pause(millis: number): Effect.Effect<void> {
    const { exploration } = this.world
    return Effect.callback((resume) => void exploration.at(exploration.now() + millis, () => resume(Effect.void)))
  }
}

const some = (calls: ReadonlyArray<string>): string =>
  calls.length <= MAX_SHOWN
    ? calls.join(", ")
    : `${calls.slice(0, MAX_SHOWN).join(", ")} and ${calls.length - MAX_SHOWN} more`

/** Makes a simulation in the schedule under which the program is explored. */
export const make = (settings: Settings): Effect.Effect<Simulation, never, Scope.Scope> =>
  Effect.gen(function* () {
    const exploration = yield* Exploration
    if (exploration === undefined) {
      return yield* Effect.die(
        new Error("SimulatedCluster.make needs a schedule: run the program with Explore.check or it.explore")
      )
    }
    const simulation = new Simulation(new World(exploration), settings)
    yield* Effect.addFinalizer(() => simulation.end)
    yield* simulation.start
    return simulation
  })

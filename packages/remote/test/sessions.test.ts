/**
 * A client's calls while connections come, leave and are lost at any moment. `TROUPE_SEED=...` repeats a run.
 */
import { assert, it } from "@effect/vitest"
import { Actor, ContractShape } from "@troupe/core"
import { Clock, Effect, Schema, type Scope } from "effect"
import { TestClock } from "effect/testing"
import { type Random, random } from "../../cluster/test/chaos/random.ts"
import { wireOf } from "../src/internal/client/client.ts"
import { Connection } from "../src/internal/client/connection.ts"
import type { Exit, Outgoing, Place } from "../src/internal/client/link.ts"
import { isCall, Session } from "../src/internal/client/session.ts"
import { Waiting } from "../src/internal/client/waiting.ts"
import { CONTRACT, type Hello, LEAVING, request } from "../src/internal/wire/hello.ts"
import type { Wire } from "../src/internal/wire/wire.ts"

const ROUNDS = 1000
const STEPS = 80
const PATIENCE = 1000

const seed = Number(process.env.TROUPE_SEED ?? Math.floor(Math.random() * 2 ** 31))

const methods = {
  call: Actor.method({}),
  stream: Actor.method({ success: Schema.String, stream: true }),
  subscription: Actor.subscription({ item: Schema.String })
}
class Tea extends Actor.Service<Tea>()("test/Tea", { methods }) {}
class Milk extends Actor.Service<Milk>()("test/Milk", { methods }) {}

const WIRES = [wireOf(Tea), wireOf(Milk)]
const SUCCESS: Exit = { _tag: "Success", value: null }
const FAILURE: Exit = { _tag: "Failure", cause: [] }

/** A call, a stream or a reader, and what has become of it. */
class Sent implements Outgoing {
  readonly place: Place
  readonly request
  readonly number: number
  end: "ended" | "refused" | "lost" | "not begun" | "withdrawn" | undefined = undefined
  isWritten = false
  isInterrupted = false
  /** Others may have overtaken it: it went to a server that left, and was lost before the call was written. */
  isLate = false
  private readonly world: World

  constructor(world: World, number: number, wire: Wire, name: string) {
    this.world = world
    this.number = number
    this.place = { link: world.connection, wire, method: wire.methods.get(name)!, key: undefined }
    this.request = { tag: `${wire.actor}.${name}`, payload: `${number}`, headers: [] }
  }

  items(): void {
    assert.isUndefined(this.end, "items come before the end")
  }
  ended(): void {
    this.tell("ended")
  }
  refused(): void {
    this.tell("refused")
  }
  lost(_: string, begun: boolean): void {
    this.tell(begun ? "lost" : "not begun")
  }
  withdrawn(): void {
    assert.isTrue(this.isInterrupted, "only what was interrupted is withdrawn")
    this.tell("withdrawn")
  }

  private tell(end: NonNullable<Sent["end"]>): void {
    assert.isUndefined(this.end, `${this.number} is told one end`)
    this.end = end
    if (end !== "ended" && end !== "lost") assert.isFalse(this.isWritten, `${this.number} is ${end}`)
    // Its caller goes on at once.
    if (this.world.dice.below(4) === 0) this.world.send()
  }
}

/** A connection as its server knows it. */
class Server {
  readonly session = new Session()
  /** What it has yet to answer. */
  readonly open = new Map<number, Sent>()
  readonly asked = new Map<number, string>()
  readonly interrupted = new Set<Sent>()
  readonly hello: Hello
  hasLeft = false
  /** Whether anything arrives any more. */
  isDeaf = false

  constructor(dice: Random) {
    const greeting = ({ shape }: Wire) => ({
      contract: dice.below(2) === 0 ? ContractShape.hash(shape()) : "another",
      exposed: dice.below(10) === 0 ? ["stream"] : Object.keys(methods)
    })
    this.hello = {
      actors: Object.fromEntries(WIRES.map((wire) => [wire.actor, greeting(wire)])),
      limits: { calls: 1 + dice.below(4), messageBytes: dice.pick([300, 100_000]) }
    }
  }

  get hasRoom(): boolean {
    return [...this.open.values()].filter(isCall).length < this.hello.limits!.calls!
  }
}

class World {
  readonly dice: Random
  readonly connection: Connection
  readonly all: Array<Sent> = []
  /** Those that are not lost. */
  readonly servers: Array<Server> = []
  /** The greatest number of each kind that was written. */
  private wrong: unknown = undefined
  private readonly latest = new Map<string, number>()

  constructor(
    dice: Random,
    clock: Clock.Clock,
    context: Effect.Success<ReturnType<typeof Effect.context<Scope.Scope>>>
  ) {
    this.dice = dice
    this.connection = new Connection("http://tea", new Waiting(PATIENCE, clock, context))
  }

  get current(): Server | undefined {
    return this.servers.find(({ hasLeft }) => !hasLeft)
  }

  send(): void {
    const name = this.dice.pick(["call", "call", "call", "stream", "subscription"])
    const sent = new Sent(this, this.all.length, this.dice.pick(WIRES), name)
    this.all.push(sent)
    this.connection.send(sent)
  }

  // --- servers ---------------------------------------------------------------------------------------------------------

  opens(): void {
    if (this.current !== undefined) return
    const server = new Server(this.dice)
    this.servers.push(server)
    server.session.open((text) => !server.isDeaf && this.receive(server, text), [])
    this.connection.opened(server.session, this.dice.below(8) === 0 ? { ...server.hello, actors: {} } : server.hello)
  }

  /** What is wrong with it, is told by `check`: nobody hears it here. */
  private receive(server: Server, text: string): boolean {
    try {
      this.reads(server, text)
    } catch (error) {
      this.wrong ??= error
    }
    return true
  }

  private reads(server: Server, text: string): void {
    for (const line of text.trim().split("\n")) {
      const message = JSON.parse(line)
      if (message._tag === "Interrupt") server.interrupted.add(server.open.get(message.requestId)!)
      else if (message.tag === CONTRACT) server.asked.set(message.id, message.payload.actor)
      else if (message._tag === "Request") this.takes(server, message.id, this.all[message.payload]!)
    }
  }

  private takes(server: Server, id: number, sent: Sent): void {
    assert.isFalse(sent.isWritten, `${sent.number} is written once`)
    sent.isWritten = true
    // It was on its way when the server left, and is interrupted with the next line.
    if (server.hasLeft && sent.place.method.isSubscription && sent.end === "lost") return
    assert.isUndefined(sent.end, `${sent.number} has an end, and is not written`)
    assert.isTrue(!isCall(sent) || server.hasRoom, "a server has no more calls than it takes")
    server.open.set(id, sent)
    if (sent.isLate) return
    const { tag } = sent.request
    assert.isAbove(sent.number, this.latest.get(tag) ?? -1, "calls start in order")
    this.latest.set(tag, sent.number)
  }

  answers(server: Server): void {
    const ids = [...server.open.keys(), ...server.asked.keys()]
    if (ids.length === 0) return
    const requestId = this.dice.pick(ids)
    const actor = server.asked.get(requestId)
    const exit = this.dice.pick([SUCCESS, FAILURE])
    const isChunk = actor === undefined && !isCall(server.open.get(requestId)!) && this.dice.below(2) === 0
    if (isChunk)
      return this.connection.take(server.session, { _tag: "Chunk", requestId: requestId as any, values: [null] })
    server.asked.delete(requestId)
    server.open.delete(requestId)
    const shape = WIRES.find((wire) => wire.actor === actor)?.shape()
    const answer = shape !== undefined && exit === SUCCESS ? { _tag: "Success" as const, value: shape } : exit
    this.connection.take(server.session, { _tag: "Exit", requestId: requestId as any, exit: answer })
  }

  leaves(server: Server): void {
    server.hasLeft = true
    this.connection.take(server.session, request("", LEAVING, {}))
    // Those that read go to the next one.
    for (const [id, sent] of server.open) if (sent.place.method.isSubscription) server.open.delete(id)
    // Nobody connects within the turn.
    server.session.flush()
  }

  loses(server: Server): void {
    if (server.hasLeft) for (const [, sent] of server.session.calls()) (sent as Sent).isLate = !(sent as Sent).isWritten
    this.servers.splice(this.servers.indexOf(server), 1)
    this.connection.lost(server.session, "it is lost")
  }

  // --- a step ----------------------------------------------------------------------------------------------------------

  step(): void {
    const { connection, dice } = this
    const sent = this.all.length > 0 ? this.all[Math.max(0, this.all.length - 1 - dice.below(20))] : undefined
    const server = this.servers.length > 0 ? dice.pick(this.servers) : undefined
    switch (dice.below(16)) {
      case 0:
        return this.opens()
      case 1:
        return server && dice.below(2) === 0 ? this.leaves(server) : undefined
      case 2:
        return server && dice.below(2) === 0 ? this.loses(server) : undefined
      case 3:
        if (server && dice.below(3) === 0) server.isDeaf = true
        return
      case 4:
        return sent && connection.more(sent)
      case 5:
      case 6:
        if (sent === undefined || sent.end !== undefined) return
        sent.isInterrupted = true
        return connection.interrupt(sent)
      case 7:
      case 8:
      case 9:
      case 10:
        return server && !server.isDeaf ? this.answers(server) : undefined
      default:
        for (let i = dice.below(4); i >= 0; i--) this.send()
    }
  }

  /** What holds once all has been written. */
  check(): void {
    if (this.wrong !== undefined) throw this.wrong
    for (const { hasLeft, interrupted, isDeaf, open, session } of this.servers) {
      if (isDeaf) continue
      if (hasLeft) assert.strictEqual(session.done.isOpen(), open.size === 0, "it ends with its last call")
      for (const sent of open.values())
        if (sent.isInterrupted) assert.isTrue(interrupted.has(sent), "the server knows what was interrupted")
    }
    const server = this.current
    if (server === undefined || server.isDeaf) return
    const asked = [...server.asked.values()]
    const onWay = new Set<Outgoing>(
      this.servers.filter(({ isDeaf }) => isDeaf).flatMap(({ session }) => session.calls().map(([, sent]) => sent))
    )
    for (const sent of this.all) {
      if (sent.isWritten || sent.end !== undefined || asked.includes(sent.place.wire.actor)) continue
      // Its connection is about to be lost.
      if (onWay.has(sent)) continue
      assert.isTrue(isCall(sent) && !server.hasRoom, `${sent.number} waits for nothing`)
    }
  }
}

const turn = Effect.promise(() => Promise.resolve())

it.effect(
  `each call is told one end, and goes once and in order, while connections come and go (seed ${seed})`,
  () =>
    Effect.gen(function* () {
      const dice = random(seed)
      const clock = yield* Clock.Clock
      for (let round = 0; round < ROUNDS; round++)
        yield* Effect.gen(function* () {
          const world = new World(dice, clock, yield* Effect.context<Scope.Scope>())
          for (let step = 0; step < STEPS; step++) {
            world.step()
            if (dice.below(60) === 0) yield* TestClock.adjust(PATIENCE / 2)
            if (dice.below(2) === 0) continue
            yield* turn
            for (const server of [...world.servers]) if (server.session.done.isOpen()) world.loses(server)
            yield* turn
            world.check()
          }
          world.connection.close("this client has ended")
          world.servers.length = 0
          world.check()
          for (const { end, number } of world.all) assert.isDefined(end, `${number} is told its end`)
        }).pipe(Effect.scoped)
    }),
  60_000
)

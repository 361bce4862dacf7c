/**
 * The network of a simulated cluster: connections that deliver what is sent in order, and late, or not at all.
 *
 * Only the bytes are real: sockets begin where the engine writes its frames, above TCP and the handshake.
 */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import * as SocketServer from "effect/socket/SocketServer"
import { type Address, nameOf } from "../net/address.ts"
import type { Network, Opening } from "../net/network.ts"
import type { Place } from "./faults.ts"
import type { Process } from "./process.ts"
import type { World } from "./world.ts"

/** How long a message takes, in milliseconds: usually, and when something is wrong. */
const LATENCY = 0.5
const SLOW = [3, 40, 400]
/** From when on it is told. */
const LONG = 40
/** How long it takes to give up on a node that does not answer. See `connection.ts` and `handshake.ts`. */
const OPEN_TIMEOUT = 5000
const PROBE_TIMEOUT = 2000

type Chunk = Uint8Array | string
type Chunks = readonly [Chunk, ...Array<Chunk>]
type Pulled = Effect.Effect<Chunks, Socket.SocketError>

const openError = (message: string, kind: "Unknown" | "Timeout" = "Unknown") =>
  new Socket.SocketError({ reason: new Socket.SocketOpenError({ kind, cause: new Error(message) }) })
const refusedBy = (address: Address) => openError(`${nameOf(address)}: ECONNREFUSED`)
const broken = () => new Socket.SocketError({ reason: new Socket.SocketReadError({ cause: new Error("ECONNRESET") }) })
const closed = () => new Socket.SocketError({ reason: new Socket.SocketCloseError({ code: 1000 }) })

/** One end of a connection, in a process. */
class End {
  readonly process: Process
  /** The way to the other end. */
  way: Way
  onClose: () => void = () => {}
  private readonly chunks: Array<Chunk> = []
  private error: Socket.SocketError | undefined
  private waiter: ((pulled: Pulled) => void) | undefined

  constructor(process: Process, way: Way) {
    this.process = process
    this.way = way
  }

  get isOpen(): boolean {
    return this.error === undefined
  }

  receive(chunk: Chunk): void {
    if (this.error !== undefined) return
    this.chunks.push(chunk)
    this.hand()
  }

  /** The connection is over at this end, when what has come is read. */
  close(error: Socket.SocketError): void {
    if (this.error !== undefined) return
    this.error = error
    this.onClose()
    this.hand()
  }

  readonly pull: Pulled = Effect.callback((resume) => {
    this.waiter = resume
    this.hand()
    return Effect.sync(() => {
      this.waiter = undefined
    })
  })

  private hand(): void {
    const { waiter } = this
    if (waiter === undefined || (this.chunks.length === 0 && this.error === undefined)) return
    this.waiter = undefined
    waiter(
      this.chunks.length > 0
        ? Effect.succeed(this.chunks.splice(0) as unknown as Chunks)
        : Effect.fail(this.error as Socket.SocketError)
    )
  }

  readonly reader: Socket.Reader = {
    pull: this.pull,
    upgrade: () => Effect.die(new Error("simulated sockets have no TLS"))
  }
}

/** One direction between two processes. What is sent arrives in order. */
class Way {
  readonly from: Process
  readonly to: Process
  private readonly net: Net
  /** The name of what is chosen for each message. */
  readonly late: string
  private readonly queue: Array<{ readonly at: number; readonly arrive: () => void }> = []
  private last = 0

  constructor(net: Net, from: Process, to: Process) {
    this.net = net
    this.from = from
    this.to = to
    this.late = `late_${from.name}_${to.name}`
  }

  /** Has something done in the process at the other side. */
  send(arrive: () => void): void {
    const { world } = this.net
    this.last = Math.max(this.last, world.now + this.net.latency(this))
    this.queue.push({ at: this.last, arrive })
    world.after(this.last - world.now, () => this.deliver())
  }

  /** What cannot be delivered stays until the network is whole again. */
  deliver(): void {
    if (this.net.isCut(this.from, this.to)) return void this.net.held.add(this)
    while (this.queue.length > 0 && this.queue[0]!.at <= this.net.world.now) {
      const { arrive } = this.queue.shift()!
      this.net.moment(this.to, "asks")
      this.to.scheduleTask(arrive)
      // A fault may strike at that moment.
      if (this.net.isCut(this.from, this.to)) return void this.net.held.add(this)
    }
  }
}

interface Listener {
  readonly process: Process
  accept: (end: End) => void
}

export class Net {
  readonly world: World
  /** Told when something arrives at a process: a fault may strike there. */
  moment: (process: Process, place: Place) => void = () => {}
  /** How likely a message is late. */
  delays = 0
  /** The ways on which something waits for the network to be whole again. */
  readonly held = new Set<Way>()
  private readonly listeners = new Map<string, Listener>()
  private readonly ends = new Set<End>()
  /** Which part of the network a process is in, if it is cut into parts. */
  private parts = new Map<Process, number>()

  constructor(world: World) {
    this.world = world
  }

  isCut(from: Process, to: Process): boolean {
    return this.parts.size > 0 && this.parts.get(from) !== this.parts.get(to)
  }

  get isPartitioned(): boolean {
    return this.parts.size > 0
  }

  cut(parts: ReadonlyArray<ReadonlyArray<Process>>): void {
    this.parts = new Map(parts.flatMap((part, index) => part.map((process) => [process, index] as const)))
  }

  heal(): void {
    this.parts.clear()
    const held = [...this.held]
    this.held.clear()
    for (const way of held) way.deliver()
  }

  latency({ from, late, to }: Way): number {
    const chosen = this.world.exploration.choose(late, SLOW.length + 1, this.delays)
    const latency = SLOW[chosen - 1] ?? LATENCY
    if (latency >= LONG) this.world.narrate("network", `takes ${latency} ms from ${from.name} to ${to.name}`)
    return latency
  }

  /** A process is gone: the others hear of it as of a reset connection, and nobody listens there any more. */
  private lost(process: Process): void {
    for (const [name, listener] of this.listeners) if (listener.process === process) this.listeners.delete(name)
    for (const end of this.ends) if (end.process === process) this.reset(end)
  }

  /** Closes an end of a connection, and the other one as soon as it hears of it. */
  private drop(end: End, error: () => Socket.SocketError): void {
    if (!this.ends.delete(end)) return
    const other = this.others.get(end)
    if (other !== undefined) end.way.send(() => this.hear(other, error))
    end.close(error())
  }

  /** The same for an end in a process that is gone. */
  private reset(end: End): void {
    this.ends.delete(end)
    const other = this.others.get(end)
    if (other !== undefined) end.way.send(() => this.hear(other, broken))
  }

  private hear(end: End, error: () => Socket.SocketError): void {
    end.close(error())
    this.ends.delete(end)
  }

  private readonly others = new WeakMap<End, End>()

  /** Comes to whoever listens there. Nothing is answered where nobody is, or where the network is cut. */
  private reach(
    from: Process,
    address: Address,
    met: (listener: Listener, there: Way, back: Way) => void,
    refused: () => void
  ): void {
    const listener = this.listeners.get(nameOf(address))
    // What does not listen refuses at once, as a machine does whose process is gone.
    if (listener === undefined) return void from.after(LATENCY, refused)
    const there = new Way(this, from, listener.process)
    const back = new Way(this, listener.process, from)
    there.send(() => met(listener, there, back))
  }

  /** Asks for a connection. */
  private connect(from: Process, address: Address, answer: (end: End | undefined) => void): void {
    const met = (listener: Listener, there: Way, back: Way) => {
      const near = new End(from, there)
      const far = new End(listener.process, back)
      this.others.set(near, far).set(far, near)
      this.ends.add(near).add(far)
      back.send(() => answer(near))
      listener.accept(far)
    }
    this.reach(from, address, met, () => answer(undefined))
  }

  /** Whether a process answers there. The engine in it hears nothing of that, as behind the handshake. */
  private probe(from: Process, address: Address): Effect.Effect<void, Socket.SocketError> {
    return Effect.callback((resume) => {
      const answered = () => resume(Effect.void)
      const refused = () => resume(Effect.fail(refusedBy(address)))
      this.reach(from, address, (_, __, back) => back.send(answered), refused)
    })
  }

  /** The network as a process sees it. */
  of(process: Process): Network {
    process.onDeath.push(() => this.lost(process))
    return {
      dial: (address, _, opening) => this.dial(process, address, opening),
      listen: (address) => Layer.effect(SocketServer.SocketServer)(this.listen(process, address)),
      probe: (address) => Effect.timeout(this.probe(process, address), PROBE_TIMEOUT)
    }
  }

  private open(process: Process, address: Address): Effect.Effect<End, Socket.SocketError, Scope.Scope> {
    const opened = Effect.callback<End, Socket.SocketError>((resume) => {
      let left = false
      this.connect(process, address, (end) => {
        if (end !== undefined && left) this.drop(end, closed)
        else resume(end === undefined ? Effect.fail(refusedBy(address)) : Effect.succeed(end))
      })
      return Effect.sync(() => {
        left = true
      })
    })
    const late = () => Effect.fail(openError(`${nameOf(address)} does not answer`, "Timeout"))
    return Effect.acquireRelease(
      Effect.timeoutOrElse(opened, { duration: OPEN_TIMEOUT, orElse: late }),
      (end) => Effect.sync(() => this.drop(end, closed)),
      { interruptible: true }
    )
  }

  private dial(process: Process, address: Address, opening: Opening): Effect.Effect<Socket.Socket> {
    return Effect.sync(() => {
      let current: End | undefined
      const latch = Latch.makeUnsafe()
      const reader = Effect.gen({ self: this }, function* () {
        const end = yield* Effect.tapError(this.open(process, address), (error) =>
          Effect.sync(() => opening.failed(error))
        )
        opening.opened()
        end.onClose = () => {
          current = undefined
          latch.closeUnsafe()
          opening.closed()
        }
        current = end
        latch.openUnsafe()
        return end.reader
      })
      const write = (chunk: Chunk | Socket.CloseEvent) =>
        Effect.andThen(
          latch.await,
          Effect.sync(() => current && this.write(current, chunk))
        )
      return Socket.make({ reader, writer: Effect.succeed(writerOf(write)) })
    })
  }

  private write(end: End, chunk: Chunk | Socket.CloseEvent): void {
    if (Socket.isCloseEvent(chunk)) return this.drop(end, closed)
    const other = this.others.get(end)
    if (other !== undefined && end.isOpen) end.way.send(() => other.receive(chunk))
  }

  private readonly listen = Effect.fnUntraced(function* (this: Net, process: Process, address: Address) {
    const name = nameOf(address)
    const waiting: Array<End> = []
    const listener: Listener = { process, accept: (end) => void waiting.push(end) }
    yield* Effect.acquireRelease(
      Effect.sync(() => this.listeners.set(name, listener)),
      () => Effect.sync(() => this.listeners.get(name) === listener && this.listeners.delete(name))
    )
    const run = <R, E, A>(handler: (socket: Socket.Socket) => Effect.Effect<A, E, R>) =>
      Effect.gen({ self: this }, function* () {
        const scope = yield* Scope.Scope
        const context = yield* Effect.context<R>()
        listener.accept = (end) => {
          const handled = Effect.ensuring(
            Effect.ignoreCause(handler(this.socketOf(end))),
            Effect.sync(() => this.drop(end, closed))
          )
          Effect.runForkWith(context)(Effect.forkIn(handled, scope))
        }
        for (const end of waiting.splice(0)) listener.accept(end)
        return yield* Effect.never
      }).pipe(Effect.scoped)
    return SocketServer.SocketServer.of({ address: undefined as any, run: run as any })
  })

  private socketOf(end: End): Socket.Socket {
    const write = (chunk: Chunk | Socket.CloseEvent) => Effect.sync(() => this.write(end, chunk))
    return Socket.make({ reader: Effect.succeed(end.reader), writer: Effect.succeed(writerOf(write)) })
  }
}

const writerOf = (write: (chunk: Chunk | Socket.CloseEvent) => Effect.Effect<void>): Socket.Writer => ({
  write,
  writeAll: (chunks) => Effect.forEach(chunks, write, { discard: true })
})

/**
 * The inside of a thread: builds the implementation, and does what the owner says.
 */
import { type MessagePort, parentPort } from "node:worker_threads"
import * as Actor from "@troupe/core/Actor"
import * as ActorError from "@troupe/core/ActorError"
import * as Home from "@troupe/core/Home"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Pull from "effect/Pull"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import * as causes from "../values/causes.ts"
import { codecOf } from "../values/codec.ts"
import { type Contract, type Way, waysOf } from "../values/contract.ts"
import { cannotCross } from "../values/issues.ts"
import { moved, movedBy } from "../values/transfer.ts"
import { From, type Greeting, type Message, type Start, To, Word } from "../wire/protocol.ts"
import * as spans from "../wire/spans.ts"
import { Wire } from "../wire/wire.ts"

let serving: string | undefined

/** Serves an actor from this thread, and what it makes of that: the tasks of these names. */
export const serve = (contract: Contract, layer: Layer.Layer<any, any>, tasks: Greeting["tasks"] = {}): void => {
  if (parentPort === null) {
    throw new TypeError(`${contract.key}: WorkerHome.serve belongs in the file of a worker thread, and this is none`)
  }
  if (serving !== undefined) {
    throw new TypeError(`${contract.key}: a thread serves one actor, and this one serves ${serving} already`)
  }
  serving = contract.key
  const port = parentPort
  const begin = (start: Start) => {
    // Whoever made the Worker may say something to it as well.
    if (start?.troupe !== true) return
    // From here on everything comes by a port of our own; this one would keep the thread alive.
    port.off("message", begin)
    port.unref()
    void new Server(contract, layer, tasks, start.port, start.shared).run()
  }
  port.on("message", begin)
}

/** How often a thread looks how late its timers are, in milliseconds. */
const LAG_EVERY = 250

class Server {
  private readonly contract: Contract
  private readonly layer: Layer.Layer<any, any>
  private readonly tasks: Greeting["tasks"]
  private readonly shared: Int32Array
  private readonly wire: Wire
  private readonly ways: ReadonlyArray<Way>
  private readonly scope = Scope.makeUnsafe()
  private service: any
  /** What calls say, and the instances that they mean. */
  private readonly instances = new Map<number, Instance>()
  private readonly calls = new Map<number, Home.Accepted>()
  /** Calls that are told to end by a message that is still to be dealt with. */
  private readonly revoked = new Set<number>()
  private interrupts = 0
  /** Calls that were told to end. */
  private readonly told = new Set<number>()
  private readonly streams = new Map<number, Streaming>()
  private readonly tracer: Tracer.Tracer
  /** What the batch of messages that is being collected tells about spans. */
  private reports: Array<spans.Report> | undefined = undefined
  /** The batches that the owner has not read yet, and the number of the first. */
  private readonly unread: Array<ReadonlyArray<Message>> = []
  private firstUnread = 0
  private readonly meter = new LagMeter()

  constructor(
    contract: Contract,
    layer: Layer.Layer<any, any>,
    tasks: Greeting["tasks"],
    port: MessagePort,
    shared: Int32Array
  ) {
    this.contract = contract
    this.layer = layer
    this.tasks = tasks
    this.shared = shared
    this.ways = waysOf(contract)
    this.tracer = spans.telling((report) => this.tell(report))
    const wakeOwner = () => {
      Atomics.add(shared, Word.Posted, 1)
      Atomics.notify(shared, Word.Posted)
    }
    process.once("exit", () => {
      Atomics.store(shared, Word.Dead, 1)
      wakeOwner()
    })
    this.wire = new Wire(port, {
      message: (message) => this.take(message),
      refused: (message, error) => this.refused(message, error),
      garbled: (error) => {
        // Nobody knows which calls were in it, so it is the end of all.
        Atomics.store(shared, Word.Garbled, 1)
        throw error
      },
      posted: (batch) => {
        this.reports = undefined
        this.keep(batch)
        wakeOwner()
      },
      // A fault of ours. It ends the thread, but only after the other messages of the batch.
      failed: (error) =>
        queueMicrotask(() => {
          throw error
        })
    })
  }

  async run(): Promise<void> {
    const exit = await Effect.runPromiseExit(Layer.buildWithScope(this.layer, this.scope))
    if (exit._tag === "Failure") {
      this.wire.post([From.Failed, causes.pack(exit.cause, causes.anyError)])
      return
    }
    this.service = Context.get(exit.value, Context.Service(this.contract.key) as any)
    if (Actor.isHandle(this.service)) {
      this.instances.set(0, new Instance(this.contract.key, this.service, undefined))
      this.watch(0)
    }
    this.wire.post([From.Ready, this.greeting()])
  }

  private greeting(): Greeting {
    return { serves: Home.contractText(this.contract), tasks: this.tasks, terms: Home.terms(this.service) }
  }

  private take(message: Message): void {
    switch (message[0]) {
      case To.Call:
        return this.call(message)
      case To.Interrupt:
        return this.interrupt(message[1])
      case To.Stream:
        return this.stream(message)
      case To.Pull:
        return this.pull(message[1])
      case To.Open:
        return this.open(message)
      case To.Close:
        return this.close(message[1])
      case To.Ping:
        return this.wire.post([From.Pong, message[1], this.meter.read()])
      case To.Stop:
        return void this.stop()
      case To.Unreadable:
        this.repeat(message[1])
    }
  }

  // --- what the owner cannot read ------------------------------------------------------------------------------------

  /** Keeps a batch until the owner has read it. */
  private keep(batch: ReadonlyArray<Message>): void {
    const read = Atomics.load(this.shared, Word.Read) - this.firstUnread
    // This one may have been read by now, too: it is counted when the next one goes out.
    if (read > 0) this.firstUnread += this.unread.splice(0, read).length
    this.unread.push(batch)
  }

  /** The messages of a batch go out again, each by itself. One that was by itself already never arrives. */
  private repeat(number: number): void {
    const batch = this.unread[number - this.firstUnread]!
    this.wire.flush()
    if (batch.length === 1) this.refused(batch[0]!, new RangeError("it is nested too deeply to be read"))
    else for (const message of batch) this.wire.postAlone(message)
    this.wire.post([From.Repeated, number])
  }

  // --- calls ---------------------------------------------------------------------------------------------------------

  private call([, id, number, index, packed, span]: Message): void {
    if (!this.takeUp(id)) return
    const way = this.ways[index]!
    const instance = this.instances.get(number)
    // It never came up, and the other side knows why.
    if (instance === undefined) return this.answer(way, id, Exit.interrupt(), false)
    const args = this.unpack(way, id, packed)
    if (args === undefined) return
    Atomics.store(this.shared, Word.Started, id | 0)
    let settled = false
    const call = Home.submit(instance.handle, way.name, args, this.contextOf(span), (exit, restarted) => {
      settled = true
      this.calls.delete(id)
      // First of all, so that whoever hears of the end of its call finds no instance that is dead.
      const death = deathOf(instance, exit)
      if (death !== undefined) this.died(number, instance, death)
      this.answer(way, id, exit, restarted)
    })
    if (!settled) this.calls.set(id, call)
    if (!instance.watched) this.watch(number)
  }

  /** Whether a call is to run here: its owner may have given it to another thread, or have told it to end. */
  private takeUp(id: number): boolean {
    Atomics.store(this.shared, Word.Taken, id | 0)
    if (Atomics.load(this.shared, Word.Lost) !== 0) return false
    const interrupts = Atomics.load(this.shared, Word.Interrupts)
    if (interrupts !== this.interrupts) this.lookAhead(interrupts)
    if (!this.revoked.has(id)) return true
    this.wire.post([From.NotBegun, id])
    return false
  }

  /** While this thread computed, calls that came meanwhile may have been told to end. They must not compute as well. */
  private lookAhead(interrupts: number): void {
    this.interrupts = interrupts
    for (const batch of this.wire.lookAhead())
      for (const [kind, id] of batch) if (kind === To.Interrupt) this.revoked.add(id)
  }

  private unpack(way: Way, id: number, packed: unknown): ReadonlyArray<unknown> | undefined {
    try {
      return way.args.unpack(packed)
    } catch (error) {
      this.refuse(id, "an argument", error, false)
      return undefined
    }
  }

  /** Something of a call cannot cross. */
  private refuse(id: number, what: string, error: unknown, mayHaveRun: boolean): void {
    this.wire.post([From.Refused, id, cannotCross(what, error), mayHaveRun])
  }

  private answer(way: Way, id: number, exit: Exit.Exit<any, any>, restarted: boolean): void {
    const told = this.told.delete(id)
    if (exit._tag === "Success") return this.succeed(way, id, exit.value)
    // Why it was told to end is known on the other side.
    const cause = told && causes.isCancelled(exit.cause) ? Cause.interrupt() : exit.cause
    this.wire.post([From.Failure, id, causes.pack(cause, way.error), restarted])
  }

  private succeed(way: Way, id: number, value: unknown): void {
    let packed: unknown
    try {
      packed = way.success.pack(value)
    } catch (error) {
      return this.refuse(id, "the result", error, true)
    }
    this.wire.post([From.Success, id, packed], moved(value))
  }

  private interrupt(id: number): void {
    this.revoked.delete(id)
    const call = this.calls.get(id)
    if (call === undefined) return this.streams.get(id)?.end()
    this.told.add(id)
    Home.interrupt(call)
  }

  private stream([, id, number, index, packed, span]: Message): void {
    if (!this.takeUp(id)) return
    const way = this.ways[index]!
    const instance = this.instances.get(number)
    if (instance === undefined) return this.answer(way, id, Exit.interrupt(), false)
    const args = this.unpack(way, id, packed)
    if (args === undefined) return
    const streaming = new Streaming(Home.stream(instance.handle, way.name, args), this.contextOf(span), {
      items: (items) => this.items(way, id, items),
      end: (exit) => {
        // If it is not there any more, it was refused, and that was its end.
        if (this.streams.delete(id)) this.answer(nothing(way), id, exit, false)
      }
    })
    this.streams.set(id, streaming)
    if (!instance.watched) this.watch(number)
  }

  private pull(id: number): void {
    Atomics.store(this.shared, Word.Started, id | 0)
    this.streams.get(id)?.demand()
  }

  private items(way: Way, id: number, items: ReadonlyArray<unknown>): void {
    let packed: unknown
    try {
      packed = items.map(way.success.pack)
    } catch (error) {
      this.endStream(id)
      return this.refuse(id, "an item", error, true)
    }
    this.wire.post([From.Items, id, packed], movedBy(items))
  }

  /** A message cannot be cloned, or not be read by the owner. */
  private refused([kind, subject, why]: Message, error: unknown): void {
    const cause = () => causes.pack(Cause.die(new TypeError(cannotCross("the cause", error))), causes.anyError)
    switch (kind) {
      case From.Success:
      case From.Items:
      case From.Failure:
        this.endStream(subject)
        return this.refuse(subject, whatOf(kind), error, true)
      case From.Died:
        return this.wire.post([From.Died, subject, why, cause(), true])
      case From.Ready:
      case From.Failed:
        return this.wire.post([From.Failed, cause()])
      case From.Spans:
        this.reports = undefined
    }
  }

  private endStream(id: number): void {
    const stream = this.streams.get(id)
    this.streams.delete(id)
    stream?.end()
  }

  private contextOf(span: spans.Packed | undefined): Context.Context<never> {
    // Of calls whose caller is in no span.
    if (span === undefined) return Context.empty()
    return Context.empty().pipe(
      Context.add(Tracer.Tracer, this.tracer),
      Context.add(Tracer.ParentSpan, spans.unpack(span))
    ) as Context.Context<never>
  }

  private tell(report: spans.Report): void {
    if (this.reports === undefined) {
      // Goes out with the batch, before the answers that come after it.
      this.reports = []
      this.wire.post([From.Spans, this.reports])
    }
    this.reports.push(report)
  }

  // --- instances -----------------------------------------------------------------------------------------------------

  private open([, number, packed]: Message): void {
    try {
      const key = codecOf(this.contract.keySchema ?? Schema.Unknown).unpack(packed)
      const handle = this.service.get(key)
      this.instances.set(number, new Instance(String(handle), handle, { key }))
    } catch (error) {
      const reasons = causes.pack(Cause.die(error), causes.anyError)
      this.wire.post([From.Died, number, "its key does not fit the contract", reasons, false])
    }
  }

  /** Tells when an instance ends that nobody told to end. */
  private watch(number: number): void {
    const instance = this.instances.get(number)!
    const tell = Effect.map(Actor.watch(instance.handle), (death) => {
      instance.watched = false
      this.died(number, instance, death)
    })
    // It fails at once where none is up: that one ended on the spot, and its calls have told so.
    const fiber = Effect.runFork(Effect.exit(tell))
    instance.watched = fiber.pollUnsafe() === undefined
  }

  private died(number: number, instance: Instance, death: ActorError.ActorDied): void {
    if (instance.dead || this.instances.get(number) !== instance || Home.endedIdle(death)) return
    const { cause, why } = death
    instance.dead = true
    const reasons = cause === undefined ? [] : causes.pack(Cause.die(cause), causes.anyError)
    this.wire.post([From.Died, number, why, reasons, true])
  }

  private close(number: number): void {
    const end = Effect.onExit(this.endOf(this.instances.get(number)), () =>
      Effect.sync(() => this.wire.post([From.Closed, number]))
    )
    this.instances.delete(number)
    Effect.runFork(end)
  }

  private endOf(instance: Instance | undefined): Effect.Effect<void> {
    if (instance === undefined) return Effect.void
    return instance.keyed === undefined ? Scope.close(this.scope, Exit.void) : this.service.stop(instance.keyed.key)
  }

  private async stop(): Promise<void> {
    await Effect.runPromiseExit(Scope.close(this.scope, Exit.void))
    this.wire.flush()
    process.exit()
  }
}

/** An instance, as the other side speaks of it. */
class Instance {
  readonly label: string
  readonly handle: Actor.AnyHandle
  readonly keyed: { readonly key: unknown } | undefined
  /** Whether somebody waits for its end. */
  watched = false
  /** Whether its end has been told. */
  dead = false

  constructor(label: string, handle: Actor.AnyHandle, keyed: { readonly key: unknown } | undefined) {
    this.label = label
    this.handle = handle
    this.keyed = keyed
  }
}

/** The death of an instance that ended a call. */
const deathOf = ({ label }: Instance, exit: Exit.Exit<unknown, unknown>): ActorError.ActorDied | undefined => {
  if (exit._tag === "Success") return undefined
  const failure = exit.cause.reasons.find(Cause.isFailReason)?.error
  const reason = ActorError.isActorError(failure) ? failure.reason : undefined
  return reason?._tag === "ActorDied" && reason.actor === label ? reason : undefined
}

const whatOf = (kind: number): string =>
  kind === From.Success ? "the result" : kind === From.Items ? "an item" : "the error"

/** The end of a stream has no value. */
const nothing = (way: Way): Way => ({ ...way, success: codecOf(Schema.Void) })

/** A stream that goes on only when it is asked to. */
class Streaming {
  private wake: (() => void) | undefined = undefined
  private demanded = false
  private readonly fiber: Fiber.Fiber<void, unknown>

  constructor(
    stream: Stream.Stream<unknown, unknown>,
    context: Context.Context<never>,
    on: {
      readonly items: (items: ReadonlyArray<unknown>) => void
      readonly end: (exit: Exit.Exit<void, unknown>) => void
    }
  ) {
    const next = Effect.callback<void>((resume) => {
      if (this.demanded) {
        this.demanded = false
        return resume(Effect.void)
      }
      this.wake = () => resume(Effect.void)
    })
    const work = Effect.gen(function* () {
      // Nothing runs before the first pull.
      yield* next
      const pull = yield* Stream.toPull(stream)
      while (true) {
        const exit = yield* Effect.exit(pull)
        if (exit._tag === "Success") on.items(exit.value)
        else if (Pull.isDoneCause(exit.cause)) return
        else return yield* Effect.failCause(exit.cause as Cause.Cause<unknown>)
        yield* next
      }
    })
    this.fiber = Effect.runForkWith(context)(Effect.scoped(work))
    this.fiber.addObserver(on.end)
  }

  demand(): void {
    const { wake } = this
    this.wake = undefined
    if (wake === undefined) this.demanded = true
    else wake()
  }

  end(): void {
    this.fiber.interruptUnsafe()
  }
}

/** How late timers are: the longest delay since somebody last asked. */
class LagMeter {
  private longest = 0
  private due = performance.now() + LAG_EVERY

  constructor() {
    setInterval(() => {
      this.longest = Math.max(this.longest, performance.now() - this.due)
      this.due = performance.now() + LAG_EVERY
    }, LAG_EVERY).unref()
  }

  read(): number {
    const { longest } = this
    this.longest = 0
    return Math.round(longest * 10) / 10
  }
}

/**
 * The inside of a thread: builds the implementation, and does what the owner says.
 */
import { type MessagePort, parentPort } from "node:worker_threads"
import * as Actor from "@troupe/core/Actor"
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
import * as causes from "./causes.ts"
import { codecOf } from "./codec.ts"
import { type Contract, type Way, waysOf } from "./contract.ts"
import { uncloneable } from "./outgoing.ts"
import { From, type Message, type Start, To, Word } from "./protocol.ts"
import * as spans from "./spans.ts"
import { movedBy } from "./transfer.ts"
import { Wire } from "./wire.ts"

/** Serves an actor from this thread. */
export const serve = (contract: Contract, layer: Layer.Layer<any, any>): void => {
  if (parentPort === null) {
    throw new TypeError(`${contract.key}: WorkerHome.serve belongs in the file of a worker thread, and this is none`)
  }
  const port = parentPort
  port.once("message", (start: Start) => {
    // From here on everything comes by a port of our own; this one would keep the thread alive.
    port.unref()
    void new Server(contract, layer, start.port, start.shared).run()
  })
}

/** How often a thread looks how late its timers are, in milliseconds. */
const LAG_EVERY = 250

class Server {
  private readonly contract: Contract
  private readonly layer: Layer.Layer<any, any>
  private readonly shared: Int32Array
  private readonly wire: Wire
  private readonly ways: ReadonlyArray<Way>
  private readonly scope = Scope.makeUnsafe()
  /** The context of calls whose caller is in no span. */
  private context: Context.Context<never> = Context.empty()
  private service: any
  /** What calls say, and the handles that they mean. */
  private readonly handles = new Map<number, object>()
  private readonly keys = new Map<number, unknown>()
  private readonly calls = new Map<number, Home.Accepted>()
  private readonly streams = new Map<number, Streaming>()
  private readonly tracer: Tracer.Tracer
  private reports: Array<spans.Report> = []
  private readonly meter = new LagMeter()

  constructor(contract: Contract, layer: Layer.Layer<any, any>, port: MessagePort, shared: Int32Array) {
    this.contract = contract
    this.layer = layer
    this.shared = shared
    this.ways = waysOf(contract)
    this.tracer = spans.telling((report) => this.tell(report))
    process.once("exit", () => {
      Atomics.store(shared, Word.Dead, 1)
      Atomics.add(shared, Word.Posted, 1)
      Atomics.notify(shared, Word.Posted)
    })
    this.wire = new Wire(port, {
      message: (message) => this.take(message),
      refused: (message, error) => this.refused(message, error),
      posted: () => {
        Atomics.add(shared, Word.Posted, 1)
        Atomics.notify(shared, Word.Posted)
      }
    })
  }

  async run(): Promise<void> {
    const exit = await Effect.runPromiseExit(Layer.buildWithScope(this.layer, this.scope))
    if (exit._tag === "Failure") {
      this.wire.post([From.Failed, causes.pack(exit.cause, causes.anyError)])
      return
    }
    this.service = Context.get(exit.value, Context.Service(this.contract.key) as any)
    if (Actor.isHandle(this.service)) this.serveOne()
    this.wire.post([From.Ready, { actors: { [this.contract.key]: Home.terms(this.service) } }])
  }

  private serveOne(): void {
    this.handles.set(0, this.service)
    Effect.runFork(
      Effect.map(Actor.watch(this.service), ({ cause, why }) => {
        const reasons = cause === undefined ? [] : causes.pack(Cause.die(cause), causes.anyError)
        this.wire.post([From.Died, why, reasons])
      })
    )
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
        return this.streams.get(message[1])?.demand()
      case To.Open:
        return this.open(message)
      case To.Close:
        return this.close(message[1])
      case To.Ping:
        return this.wire.post([From.Pong, message[1], this.meter.read()])
      case To.Stop:
        void this.stop()
    }
  }

  // --- calls ---------------------------------------------------------------------------------------------------------

  private call([, id, instance, index, packed, span]: Message): void {
    const way = this.ways[index]!
    Atomics.store(this.shared, Word.Started, id | 0)
    let settled = false
    const call = this.attempt(way, id, () =>
      Home.submit(
        this.handles.get(instance)!,
        way.name,
        way.args.unpack(packed),
        this.contextOf(span),
        (exit, restarted) => {
          settled = true
          this.calls.delete(id)
          this.answer(way, id, exit, restarted)
        }
      )
    )
    if (call !== undefined && !settled) this.calls.set(id, call)
  }

  /** What goes wrong on the way to a method is a defect of its call. */
  private attempt<A>(way: Way, id: number, work: () => A): A | undefined {
    try {
      return work()
    } catch (defect) {
      this.answer(way, id, Exit.die(defect), false)
      return undefined
    }
  }

  private answer(way: Way, id: number, exit: Exit.Exit<any, any>, restarted: boolean): void {
    if (exit._tag === "Failure") {
      this.wire.post([From.Failure, id, causes.pack(exit.cause, way.error), restarted])
      return
    }
    const { value } = exit
    const packed = packing(() => way.success.pack(value))
    if ("defect" in packed) this.answer(way, id, Exit.die(packed.defect), false)
    else this.wire.post([From.Success, id, packed.value], movedBy([value]))
  }

  private interrupt(id: number): void {
    const call = this.calls.get(id)
    if (call !== undefined) Home.interrupt(call)
    else this.streams.get(id)?.end()
  }

  private stream([, id, instance, index, packed, span]: Message): void {
    const way = this.ways[index]!
    this.attempt(way, id, () => {
      const stream = Home.stream(this.handles.get(instance)!, way.name, way.args.unpack(packed))
      const streaming = new Streaming(stream, this.contextOf(span), (items) => {
        if (Exit.isExit(items)) {
          this.streams.delete(id)
          this.answer({ ...way, success: codecOf(Schema.Void) }, id, items, false)
        } else this.items(way, id, items)
      })
      this.streams.set(id, streaming)
    })
  }

  private items(way: Way, id: number, items: ReadonlyArray<unknown>): void {
    const packed = packing(() => items.map(way.success.pack))
    if ("value" in packed) this.wire.post([From.Items, id, packed.value], movedBy(items))
    else this.streams.get(id)?.fail(packed.defect)
  }

  /** An answer that cannot be cloned is a failure of its call. */
  private refused([kind, id]: Message, error: unknown): void {
    if (kind !== From.Success && kind !== From.Failure && kind !== From.Items) return
    const way = this.ways[0]!
    const failure = uncloneable(this.contract.key, { ...way, name: "" }, "the result", error, true)
    this.answer(way, id, Exit.fail(failure), false)
    this.streams.get(id)?.end()
  }

  private contextOf(span: spans.Packed | undefined): Context.Context<never> {
    if (span === undefined) return this.context
    return this.context.pipe(
      Context.add(Tracer.Tracer, this.tracer),
      Context.add(Tracer.ParentSpan, spans.unpack(span))
    ) as Context.Context<never>
  }

  private tell(report: spans.Report): void {
    if (this.reports.push(report) > 1) return
    queueMicrotask(() => {
      this.wire.post([From.Spans, this.reports])
      this.reports = []
    })
  }

  // --- instances -----------------------------------------------------------------------------------------------------

  private open([, instance, key]: Message): void {
    const unpacked = codecOf(this.contract.keySchema ?? Schema.Unknown).unpack(key)
    this.keys.set(instance, unpacked)
    this.handles.set(instance, this.service.get(unpacked))
  }

  private close(instance: number): void {
    const end: Effect.Effect<void> = this.keys.has(instance)
      ? this.service.stop(this.keys.get(instance))
      : Scope.close(this.scope, Exit.void)
    this.keys.delete(instance)
    Effect.runFork(Effect.onExit(end, () => Effect.sync(() => this.wire.post([From.Closed, instance]))))
  }

  private async stop(): Promise<void> {
    await Effect.runPromiseExit(Scope.close(this.scope, Exit.void))
    this.wire.flush()
    process.exit()
  }
}

const packing = <A>(pack: () => A): { readonly value: A } | { readonly defect: unknown } => {
  try {
    return { value: pack() }
  } catch (defect) {
    return { defect }
  }
}

/** A stream that goes on only when it is asked to. */
class Streaming {
  private wake: (() => void) | undefined = undefined
  private demanded = false
  private readonly fiber: Fiber.Fiber<void, unknown>

  constructor(
    stream: Stream.Stream<unknown, unknown>,
    context: Context.Context<never>,
    tell: (result: ReadonlyArray<unknown> | Exit.Exit<void, unknown>) => void
  ) {
    const next = Effect.callback<void>((resume) => {
      if (this.demanded) {
        this.demanded = false
        return resume(Effect.void)
      }
      this.wake = () => resume(Effect.void)
    })
    const work = Effect.scoped(
      Effect.gen(function* () {
        const pull = yield* Stream.toPull(stream)
        while (true) {
          yield* next
          const exit = yield* Effect.exit(pull)
          if (exit._tag === "Success") tell(exit.value)
          else if (Pull.isDoneCause(exit.cause)) return
          else return yield* Effect.failCause(exit.cause as Cause.Cause<unknown>)
        }
      })
    )
    this.fiber = Effect.runForkWith(context)(work)
    this.fiber.addObserver((exit) => tell(exit))
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

  fail(_defect: unknown): void {
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

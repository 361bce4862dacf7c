/**
 * The inside of a thread: builds the implementation, and does what the owner says.
 */

import * as Actor from "@troupe/core/Actor"
import * as Home from "@troupe/core/Home"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { platform } from "#platform"
import type { Port } from "../platform/platform.ts"
import * as causes from "../values/causes.ts"
import { type Contract, type MethodCodec, methodCodecs } from "../values/contract.ts"
import { cannotCross } from "../values/issues.ts"
import { contractText } from "../values/signature.ts"
import { Word } from "../wire/memory.ts"
import {
  type Begin,
  type CallId,
  From,
  type FromThread,
  type Greeting,
  type Start,
  To,
  type ToThread
} from "../wire/protocol.ts"
import { Wire } from "../wire/wire.ts"
import { Answers } from "./answers.ts"
import { Calls } from "./calls.ts"
import { Instances } from "./instances.ts"
import { Intake, isLate, TURN_MILLIS } from "./intake.ts"
import { LagMeter } from "./lagMeter.ts"
import { SpanReports } from "./spanReports.ts"
import { Streams } from "./streams.ts"
import { UnreadBatches } from "./unreadBatches.ts"

export class Server {
  private readonly contract: Contract
  private readonly layer: Layer.Layer<any, any>
  private readonly tasks: Greeting["tasks"]
  private readonly shared: Int32Array
  private readonly wire: Wire<ToThread, FromThread>
  private readonly methods: ReadonlyArray<MethodCodec>
  private readonly scope = Scope.makeUnsafe()
  private readonly intake: Intake
  private readonly answers: Answers
  private readonly instances: Instances
  private readonly calls: Calls
  private readonly streams: Streams
  private readonly spans: SpanReports
  private readonly unread: UnreadBatches
  private readonly meter = new LagMeter()

  constructor(contract: Contract, layer: Layer.Layer<any, any>, tasks: Greeting["tasks"], { port, shared }: Start) {
    this.contract = contract
    this.layer = layer
    this.tasks = tasks
    this.shared = shared
    this.methods = methodCodecs(contract)
    const wire = this.wireOver(port)
    this.wire = wire
    this.answers = new Answers(wire)
    this.intake = new Intake(wire, shared)
    this.instances = new Instances(wire, this.scope, contract.keySchema)
    this.calls = new Calls(shared, this.answers, this.instances)
    this.streams = new Streams(shared, this.answers)
    this.spans = new SpanReports(wire)
    this.unread = new UnreadBatches(shared)
    platform.onUncaught((error) => this.sayEnded(causes.packAny(Cause.die(error))))
    platform.onExit(() => {
      Atomics.store(shared, Word.Dead, 1)
      this.wakeOwner()
    })
  }

  private wireOver(port: Port): Wire<ToThread, FromThread> {
    return new Wire(port, {
      message: (message) => this.take(message),
      turns:
        platform.receive === undefined
          ? { milliseconds: TURN_MILLIS, isLate, foresee: (batch) => this.intake.foresee(batch) }
          : undefined,
      refused: (message, error) => this.refused(message, error),
      garbled: (error) => {
        // It cannot be known which calls were in it, so it is the end of all.
        Atomics.store(this.shared, Word.Garbled, 1)
        throw error
      },
      posted: (batch) => {
        this.spans.reset()
        this.unread.keep(batch)
        this.wakeOwner()
      },
      // A bug of this package. It ends the thread, but only after the other messages of the batch.
      failed: (error) =>
        queueMicrotask(() => {
          throw error
        })
    })
  }

  private wakeOwner(): void {
    Atomics.add(this.shared, Word.Posted, 1)
    Atomics.notify(this.shared, Word.Posted)
  }

  async run(): Promise<void> {
    const exit = await Effect.runPromiseExit(Layer.buildWithScope(this.layer, this.scope))
    if (exit._tag === "Failure") return this.wire.post([From.Failed, causes.packAny(exit.cause)])
    const service: any = Context.get(exit.value, Context.Service(this.contract.key) as any)
    if (Actor.isHandle(service)) this.instances.openSingle(this.contract.key, service)
    else this.instances.openKeys(service)
    const greeting = { serves: contractText(this.contract), tasks: this.tasks, terms: Home.terms(service) }
    this.wire.post([From.Ready, greeting])
  }

  private async stop(): Promise<void> {
    await Effect.runPromiseExit(Scope.close(this.scope, Exit.void))
    this.wire.flush()
    platform.exit(() => this.sayEnded(undefined))
  }

  private sayEnded(reasons: causes.PackedReasons | undefined): void {
    this.wire.post([From.Ended, reasons])
    this.wire.flush()
  }

  private take(message: ToThread): void {
    switch (message[0]) {
      case To.Call:
      case To.Stream:
        return this.begin(message)
      case To.Interrupt:
        return this.interrupt(message[1])
      case To.Pull:
        return this.streams.pull(message[1])
      case To.Open:
        return this.instances.open(message[1], message[2])
      case To.Close:
        return this.instances.close(message[1])
      case To.Ping:
        return this.wire.post([From.Pong, this.meter.read()])
      case To.Stop:
        return void this.stop()
      case To.Unreadable:
        return this.repeat(message[1])
      case To.Sent:
        return
      case To.Read:
        return void Atomics.store(this.shared, Word.Read, message[1])
      default:
        message satisfies never
    }
  }

  private begin([kind, id, number, index, packed, span, baggage]: Begin): void {
    if (!this.intake.takeUp(id)) return
    const method = this.methods[index]!
    const instance = this.instances.get(number)
    // It could not be opened, and the owner knows why.
    if (instance === undefined) return this.answers.fail(method, id, Cause.interrupt(), false)
    const args = this.answers.unpackArgs(method, id, packed)
    if (args === undefined) return
    const context = this.answers.unpackBaggage(id, this.spans.contextIn(span), baggage)
    if (context === undefined) return
    const started = kind === To.Call ? this.calls : this.streams
    started.start({ id, instance, method, args, context, left: baggage && Home.timeLeftIn(baggage) })
    this.instances.watch(instance)
  }

  private interrupt(id: CallId): void {
    this.intake.interrupted(id)
    this.calls.interrupt(id)
    this.streams.interrupt(id)
  }

  /** The owner cannot read a batch. Its messages go out again, each by itself, unless it was by itself already. */
  private repeat(number: number): void {
    const batch = this.unread.get(number)
    this.wire.flush()
    if (batch.length === 1) this.refused(batch[0]!, new RangeError("it is nested too deeply to be read"))
    else for (const message of batch) this.wire.postAlone(message)
    this.wire.post([From.Repeated, number])
  }

  /** A message cannot be cloned, or the owner cannot read it. Messages without values of users always cross. */
  private refused(message: FromThread, error: unknown): void {
    switch (message[0]) {
      case From.Success:
        return this.refuseAnswer(message[1], "the result", error)
      case From.Items:
        return this.refuseAnswer(message[1], "an item", error)
      case From.Failure:
        return this.refuseAnswer(message[1], "the error", error)
      case From.Died:
        return this.wire.post([From.Died, message[1], message[2], refusedCause(error), true])
      case From.Ready:
      case From.Failed:
        return this.wire.post([From.Failed, refusedCause(error)])
      case From.Ended:
        return this.wire.post([From.Ended, refusedCause(error)])
      case From.Spans:
        return this.spans.reset()
      case From.Refused:
      case From.NotBegun:
      case From.Closed:
      case From.Pong:
      case From.Repeated:
        return
      default:
        message satisfies never
    }
  }

  private refuseAnswer(id: CallId, what: string, error: unknown): void {
    this.streams.drop(id)
    this.answers.refuse(id, what, error, true)
  }
}

/** The cause of a death, or of a failed build, that cannot cross. */
const refusedCause = (error: unknown): causes.PackedReasons =>
  causes.packAny(Cause.die(new TypeError(cannotCross("the cause", error))))

/**
 * The instances that live in this thread, by the numbers under which the owner knows them.
 */
import * as Actor from "@troupe/core/Actor"
import type * as ActorError from "@troupe/core/ActorError"
import * as Home from "@troupe/core/Home"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import { packAny } from "../values/causes.ts"
import { codecOf } from "../values/codec.ts"
import { From, type FromThread, type InstanceId, type ToThread } from "../wire/protocol.ts"
import type { Wire } from "../wire/wire.ts"

export interface Instance {
  readonly id: InstanceId
  readonly label: string
  readonly handle: Actor.AnyHandle
  /** Ends it, finalizers included. */
  readonly end: Effect.Effect<void>
  /** Whether a fiber waits for its end. */
  watched: boolean
  /** Whether the owner has been told of its end. */
  dead: boolean
}

/** The service of a keyed actor. */
interface Keys {
  get(key: unknown): Actor.AnyHandle
  stop(key: unknown): Effect.Effect<void>
}

export class Instances {
  private readonly wire: Wire<ToThread, FromThread>
  /** The Scope of the implementation. */
  private readonly scope: Scope.Closeable
  private readonly keySchema: Schema.Top
  private readonly instances = new Map<InstanceId, Instance>()
  private keys: Keys | undefined = undefined

  constructor(wire: Wire<ToThread, FromThread>, scope: Scope.Closeable, keySchema: Schema.Top = Schema.Unknown) {
    this.wire = wire
    this.scope = scope
    this.keySchema = keySchema
  }

  get(id: InstanceId): Instance | undefined {
    return this.instances.get(id)
  }

  /** The one instance of an actor that is not keyed. */
  openSingle(label: string, handle: Actor.AnyHandle): void {
    this.watch(this.add(0, label, handle, Scope.close(this.scope, Exit.void)))
  }

  /** The actor is keyed: its instances are opened one by one. */
  openKeys(keys: Keys): void {
    this.keys = keys
  }

  open(id: InstanceId, packed: unknown): void {
    const keys = this.keys!
    try {
      const key = codecOf(this.keySchema).unpack(packed)
      const handle = keys.get(key)
      this.add(
        id,
        String(handle),
        handle,
        Effect.suspend(() => keys.stop(key))
      )
    } catch (error) {
      const reasons = packAny(Cause.die(error))
      this.wire.post([From.Died, id, "its key does not fit the contract", reasons, false])
    }
  }

  private add(id: InstanceId, label: string, handle: Actor.AnyHandle, end: Effect.Effect<void>): Instance {
    const instance = { id, label, handle, end, watched: false, dead: false }
    this.instances.set(id, instance)
    return instance
  }

  /** Has the owner told when an instance ends by itself. */
  watch(instance: Instance): void {
    if (instance.watched) return
    const tell = Effect.map(Actor.watch(instance.handle), (death) => {
      instance.watched = false
      this.died(instance, death)
    })
    // It fails at once if the instance is not up: it ended on the spot, and the ends of its calls have told so.
    const fiber = Effect.runFork(Effect.exit(tell))
    instance.watched = fiber.pollUnsafe() === undefined
  }

  died(instance: Instance, death: ActorError.ActorDied): void {
    if (instance.dead || this.instances.get(instance.id) !== instance || Home.endedIdle(death)) return
    const { cause, why } = death
    instance.dead = true
    const reasons = cause === undefined ? undefined : packAny(Cause.die(cause))
    this.wire.post([From.Died, instance.id, why, reasons, true])
  }

  close(id: InstanceId): void {
    const instance = this.instances.get(id)
    this.instances.delete(id)
    const closed = Effect.sync(() => this.wire.post([From.Closed, id]))
    Effect.runFork(Effect.onExit(instance?.end ?? Effect.void, () => closed))
  }
}

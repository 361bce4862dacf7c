/**
 * Keyed actors: one instance per key, made by the first call and ended when it has been idle for long enough.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { NodeInspectSymbol } from "effect/Inspectable"
import * as Layer from "effect/Layer"
import * as MutableHashMap from "effect/MutableHashMap"
import * as Option from "effect/Option"
import * as asyncContext from "../base/asyncContext.ts"
import { checkId } from "../base/ids.ts"
import { Idle, IdleList } from "../base/list.ts"
import { Minutely } from "../base/minutely.ts"
import * as options from "../base/options.ts"
import { attempt, errorText, keyText, plural } from "../base/show.ts"
import { elapsedIn } from "../base/time.ts"
import { isClient } from "../call/carried.ts"
import * as deadlock from "../call/deadlock.ts"
import { defines } from "../call/older.ts"
import * as handles from "../handle/handle.ts"
import { Cell } from "../instance/cell.ts"
import { IDLE, type InstanceOwner } from "../instance/life.ts"
import { close, end, shutdownAll } from "../instance/shutdown.ts"
import { Address } from "./address.ts"
import {
  type ContractClass,
  checkMake,
  findsKeys,
  lacks,
  needsLayer,
  ofContract,
  WAYS,
  withKeys,
  withMiddleware
} from "./contracts.ts"
import { type Definition, define, override } from "./definition.ts"
import { own } from "./owners.ts"

const DEFAULT_IDLE_TIME_TO_LIVE = Duration.minutes(1)
/** Effect's own cluster entities have the same bound. */
const DEFAULT_MAX_INSTANCES = 10_000

interface Limits {
  /** How long an instance may be idle, in milliseconds. */
  readonly timeToLive: number
  readonly maxInstances: number
}

/** The options that only keyed actors have, checked. */
const limits = ({ id, input: { idleTimeToLive, maxInstances } }: Definition): Limits => ({
  timeToLive: Duration.toMillis(options.duration(id, "idleTimeToLive", idleTimeToLive ?? DEFAULT_IDLE_TIME_TO_LIVE)),
  maxInstances: options.limit(id, "maxInstances", maxInstances ?? DEFAULT_MAX_INSTANCES)
})

/** The instances of one keyed actor, in one Scope. */
class Instances implements InstanceOwner<Cell> {
  private readonly cells = MutableHashMap.empty<unknown, Cell>()
  /** Each instance remembers the address that brought it up. */
  private readonly addresses = new Map<Cell, Address>()
  private readonly idling = new IdleList<Cell>()
  /** How many are up, those not counted that are ending. */
  private up = 0
  declare private readonly early: Minutely<void>
  private sweeper: Fiber.Fiber<void> | undefined = undefined
  private closed = false

  private readonly asyncContext = asyncContext.capture()
  declare private readonly definition: Definition
  declare private readonly context: Context.Context<never>
  declare private readonly limits: Limits

  constructor(definition: Definition, context: Context.Context<never>) {
    this.definition = definition
    this.context = context
    this.limits = limits(definition)
    this.early = new Minutely(context, (count) => Effect.logWarning(endedEarly(definition.id, count, this.limits)))
  }

  get areClients(): boolean {
    return isClient(this.context)
  }

  /** The handle for a key. While its instance is up that is always the same one. */
  get(key: unknown): object {
    // A key that cannot be looked up is refused by the calls.
    const present = attempt(() => this.peek(key))
    const address = present && this.addresses.get(present)
    return (address ?? new Address(this, this.definition, key)).handle
  }

  /** The instance for a key, about to get a call through an address. */
  obtain(key: unknown, address: Address): Cell {
    const present = this.peek(key)
    if (present !== undefined && present.death === undefined) {
      this.wake(present)
      return present
    }
    // The one before may be ending still: two instances of one key never live at the same time.
    return this.bringUp(key, address, present?.life.ended(true))
  }

  /** An instance that is up is about to get a call. */
  wake(cell: Cell): void {
    this.idling.drop(cell.idle)
  }

  /** The instance for a key, if one is up. */
  peek(key: unknown): Cell | undefined {
    try {
      return Option.getOrUndefined(MutableHashMap.get(this.cells, key))
    } catch (cause) {
      throw new TypeError(
        `${this.definition.id}(${keyText(key)}): this key cannot be hashed and compared: ${errorText(cause)}. Use a string, or plain data.`,
        { cause }
      )
    }
  }

  private bringUp(key: unknown, address: Address, after: Effect.Effect<void> | undefined): Cell {
    const { id, options } = this.definition
    const make = this.definition.construct([key])
    // An instance is not of the request that came first.
    const cell = asyncContext.run(
      this.asyncContext,
      () => new Cell(`${id}(${keyText(key)})`, make, options, this.context, { id, key })
    )
    if (this.closed) {
      close(cell)
      return cell
    }
    if (this.up >= this.limits.maxInstances) this.makeRoom()
    this.up++
    this.addresses.set(cell, address)
    address.resident = cell
    MutableHashMap.set(this.cells, key, cell)
    cell.life.bootLater(after, this)
    return cell
  }

  idle(cell: Cell): void {
    if (this.closed) return
    // More instances than allowed were made while all were busy.
    if (this.up > this.limits.maxInstances) return this.evict(cell, 0)
    cell.idle ??= new Idle(cell)
    this.idling.add(cell.idle, this.now())
    this.sweeper ??= asyncContext.run(this.asyncContext, () => Effect.runForkWith(this.context)(this.sweep()))
  }

  handleOf(cell: Cell): object {
    return this.addresses.get(cell)?.handle ?? this.get(cell.key)
  }

  ending(cell: Cell): void {
    this.up--
    this.idling.drop(cell.idle)
  }

  gone(cell: Cell): void {
    const { key } = cell
    const address = this.addresses.get(cell)
    if (address?.resident === cell) address.resident = undefined
    this.addresses.delete(cell)
    // A key may refuse to be hashed or compared any more. What is left of it then, its next call replaces.
    attempt(() => this.peek(key) === cell && MutableHashMap.remove(this.cells, key))
  }

  /** Ends the instance that has been idle longest, if one is. */
  private makeRoom(): void {
    const { head: first } = this.idling
    if (first !== undefined) this.evict(first.of, this.now() - first.since)
  }

  /** Ends an instance for want of room, and before its time unless it has been idle for long enough. */
  private evict(cell: Cell, idleFor: number): void {
    if (idleFor < this.limits.timeToLive) this.early.note()
    cell.life.stop(IDLE)
  }

  /** Sleeps until the time of the one that has been idle longest is over. Ends when none is idle. */
  private sweep(): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      // The first turn comes later: what is idle now may get its next call on this very stack.
      yield* Effect.yieldNow
      for (let oldest = this.idling.head; oldest !== undefined; oldest = this.idling.head) {
        const left = oldest.since + this.limits.timeToLive - this.now()
        if (left <= 0) oldest.of.life.stop(IDLE)
        // A test clock counts in fractions: what is left of one is no time at all, and the sweep would never end.
        else yield* Effect.sleep(Math.ceil(left))
      }
      this.sweeper = undefined
    })
  }

  private now(): number {
    return elapsedIn(this.context)
  }

  /** The keys whose instances are up. */
  residents(): Array<unknown> {
    return [...this.addresses.keys()].filter((cell) => cell.death === undefined).map(({ key }) => key)
  }

  /** Ends the instance of a key, if there is one, once its calls have finished. */
  stop(key: unknown): Effect.Effect<void> {
    return Effect.suspend(() => {
      const cell = this.peek(key)
      if (cell === undefined) return Effect.void
      return end(cell, (cell) => cell.life.stop("it was stopped"), Effect.void)
    })
  }

  close(): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.closed = true
      this.early.stop()
      this.sweeper?.interruptUnsafe()
      return shutdownAll([...this.addresses.keys()])
    })
  }
}

const endedEarly = (id: string, count: number, { maxInstances, timeToLive }: Limits): string => {
  const time = Duration.format(Duration.millis(timeToLive))
  return `${id}: ${plural(count, "instance")} ended before being idle for ${time} (idleTimeToLive), since ${plural(maxInstances, "instance")} ${maxInstances === 1 ? "is" : "are"} up (maxInstances) and others are wanted. What they kept in memory is gone: raise maxInstances, or keep that elsewhere`
}

/** `Actor.Keyed<Self>()`. */
export const service = (id: string, input: any): any => {
  checkId("Actor.Keyed", id)
  deadlock.install()
  const { make, methods, ...given } = input ?? {}
  const isContract = methods !== undefined
  const key = findsKeys(
    needsLayer((Context.Service as any)()(id), (name) =>
      isContract ? `what ${name}.toLayer(...) gives` : `${name}.layer`
    )
  )
  lacks(
    key,
    isContract ? WAYS : ["layerArgs", "spawn"],
    "starts an instance for each key that is called. get(key) gives its handle"
  )
  defines(id, key)
  if (isContract) return joinable(withKeys(ofContract(key, methods, input.middleware), input.key))
  if (typeof make !== "function") throw new TypeError(`${id}: a keyed actor needs "make", a function of the key`)
  return addWays(key, define(id, key, make, undefined, given, options.ofKeyed))
}

/** A contract that knows how to be joined with an implementation. */
const joinable = (key: ContractClass) =>
  Object.assign(key, { toLayer: (make: any, given?: any) => join(key, make, given) })

/** `Actor.toLayer`, for a contract with keys. */
export const join = (key: ContractClass, make: any, given: any = {}): Layer.Layer<any> => {
  checkMake(key, make, true)
  return toLayer(define(key.key, key, make, key.methods, withMiddleware(key, given), options.ofKeyed))
}

const addWays = (target: any, definition: Definition): any => {
  limits(definition)
  let layer: unknown
  return Object.defineProperties(target, {
    layer: { get: () => (layer ??= toLayer(definition)), configurable: true },
    options: { value: (overrides: object) => addWays({}, override(definition, overrides)) }
  })
}

const toLayer = (definition: Definition): Layer.Layer<any> => {
  limits(definition)
  const open = Effect.withFiber((fiber) => {
    const instances = new Instances(definition, fiber.context)
    const describe = (): string => `${definition.id}(${plural(instances.residents().length, "key")})`
    const service = {
      get: (key: unknown) => instances.get(key),
      keys: Effect.sync(() => instances.residents()),
      stop: (key: unknown) => instances.stop(key)
    }
    Object.setPrototypeOf(
      service,
      handles.refusing(
        {},
        (name) => `${definition.id} has an instance per key, and ${name} is a method of one: get(key).${name}(...)`
      )
    )
    Object.defineProperties(service, {
      [handles.DefinitionKey]: { value: definition },
      [NodeInspectSymbol]: { value: describe },
      toString: { value: describe }
    })
    return Effect.as(
      Effect.addFinalizer(() => instances.close()),
      service
    )
  })
  return Layer.effect(definition.key)(own(definition.key, open))
}

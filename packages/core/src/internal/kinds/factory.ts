/**
 * Turns definitions into the classes that users extend, and brings up instances.
 */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { ActorNameTaken } from "../../ActorError.ts"
import { joinScope } from "../base/effectInternals.ts"
import { noEffect } from "../base/evaluable.ts"
import { checkId } from "../base/ids.ts"
import { ofActors } from "../base/options.ts"
import * as deadlock from "../call/deadlock.ts"
import { defines } from "../call/older.ts"
import * as handles from "../handle/handle.ts"
import { Cell } from "../instance/cell.ts"
import { type NameHolder, registryIn } from "../instance/registry.ts"
import { shutdown } from "../instance/shutdown.ts"
import {
  type ContractClass,
  checkMake,
  contractOf,
  lacks,
  needsLayer,
  ofContract,
  WAYS,
  withMiddleware
} from "./contracts.ts"
import { type Definition, define, type Make, override, shapeOf } from "./definition.ts"
import { own } from "./owners.ts"

/** `Actor.Service<Self>()`. */
export const service = (id: string, input: any): any => {
  checkId("Actor.Service", id)
  deadlock.install()
  const { make, methods, ...options } = input ?? {}
  const isContract = methods !== undefined
  const takesArguments = typeof make === "function" && make.length > 0
  const key = needsLayer((Context.Service as any)()(id), (name) =>
    isContract ? `what ${name}.toLayer(...) gives` : takesArguments ? `${name}.layerArgs(...)` : `${name}.layer`
  )
  defines(id, key)
  if (isContract) return joinable(ofContract(key, methods, options.middleware))
  if (!Effect.isEffect(make) && typeof make !== "function") {
    const got = make === undefined ? "has neither" : `"make" is ${noEffect(make)}`
    throw new TypeError(
      `${id}: an actor needs "make", an Effect or a function, or "methods" for a contract, but ${got}`
    )
  }
  return addWays(key, define(id, key, make, undefined, options, ofActors))
}

/** A contract that knows how to be joined with an implementation. */
const joinable = (key: ContractClass) => {
  lacks(key, WAYS, "is a contract. toLayer(make) gives a Layer, and toFactory(make) has the other ways")
  return Object.assign(key, {
    toFactory: (make: Make, options?: any) => join(key, make, options),
    toLayer: (make: Make, options?: any) => join(key, make, options).layer
  })
}

const join = (key: ContractClass, make: Make, options: any = {}): Ways => {
  checkMake(key, make, false)
  return new Ways(define(key.key, key, make, key.methods, withMiddleware(key, options), ofActors))
}

/** `Actor.toFactory`. */
export const toFactory = (actor: unknown, make: Make, options?: any): unknown =>
  join(contractOf("Actor.toFactory", actor), make, options)

/** The ways to bring up instances. People take them apart, so each is a function that needs no `this`. */
class Ways {
  readonly #definition: Definition
  #layer: unknown

  constructor(definition: Definition) {
    this.#definition = definition
  }

  // One Layer object per definition, so that Effect builds it once per program.
  get layer(): unknown {
    this.#layer ??= this.layerArgs()
    return this.#layer
  }

  readonly layerArgs = (...args: ReadonlyArray<unknown>) => {
    const { key } = this.#definition
    return Layer.effect(key)(own(key, start(this.#definition, args)))
  }

  readonly spawn = (...args: ReadonlyArray<unknown>) => start(this.#definition, args)

  readonly options = (overrides: object) => new Ways(override(this.#definition, overrides))
}

/** Adds the ways to bring up instances to a class. */
const addWays = (target: any, definition: Definition): any => {
  const ways = new Ways(definition)
  return Object.defineProperties(target, {
    layer: { get: () => ways.layer, configurable: true },
    layerArgs: { value: ways.layerArgs },
    spawn: { value: ways.spawn },
    options: { value: ways.options }
  })
}

/** Runs an effect interruptibly inside a start, which is uninterruptible otherwise. */
type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** Starts an instance in the current Scope. Only the constructor can be interrupted: no step is left half done. */
const start = (definition: Definition, args: ReadonlyArray<unknown>): Effect.Effect<object, any, Scope.Scope> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.withFiber((fiber) => {
      // Before anything is begun that would be left half done.
      if (Context.getOrUndefined(fiber.context, Scope.Scope) === undefined)
        throw new TypeError(
          `${definition.id}: an instance ends with a Scope, and there is none here: Effect.scoped makes one`
        )
      const { name } = definition.options
      if (name !== undefined) return startNamed(definition, name, args, fiber.context, restore)
      return bringUp(definition, makeCell(definition, args, fiber.context), fiber.context, restore)
    })
  )

const makeCell = (definition: Definition, args: ReadonlyArray<unknown>, context: Context.Context<never>): Cell =>
  new Cell(definition.id, definition.construct(args), definition.options, context)

/** Runs the constructor, and ties the instance to the current Scope. */
const bringUp = (
  definition: Definition,
  cell: Cell,
  context: Context.Context<never>,
  restore: Restore
): Effect.Effect<object, any, Scope.Scope> => {
  const boot = cell.life.boot((implementation) => {
    const { Handle, members } = shapeOf(definition, implementation)
    return handles.addMembers(new Handle(cell), members)
  }, restore)
  return Effect.tap(boot, () => tie(cell, Context.getUnsafe(context, Scope.Scope)))
}

/** Ends an instance with a Scope, which lets go of it when it is gone before. */
const tie = (cell: Cell, scope: Scope.Scope): Effect.Effect<void> => {
  const { life } = cell
  if (life.isGone) return Effect.void
  const finalizer = () => shutdown(scope, cell)
  life.tie = scope
  if (joinScope(scope, cell, finalizer)) return Effect.void
  life.tie = life.ownTie = Scope.forkUnsafe(scope)
  return Scope.addFinalizerExit(life.ownTie, finalizer)
}

/** Holds the name while the instance is made, so that of many who want it at once exactly one makes it. */
const startNamed = (
  definition: Definition,
  name: string,
  args: ReadonlyArray<unknown>,
  context: Context.Context<never>,
  restore: Restore
): Effect.Effect<object, any, Scope.Scope> => {
  const { id, options } = definition
  const { names } = registryIn<Cell>(context)
  const holder = names.get(name)
  if (holder === undefined) {
    const cell = makeCell(definition, args, context)
    const holder: NameHolder<Cell> = { actor: id, cell, handle: undefined, decided: Deferred.makeUnsafe() }
    names.set(name, holder)
    return Effect.onExit(bringUp(definition, cell, context, restore), (exit) => {
      if (exit._tag === "Success") holder.handle = exit.value
      return Deferred.done(holder.decided, Exit.void)
    })
  }
  if (!options.getIfExists || holder.actor !== id) {
    return Effect.fail(new ActorNameTaken({ actor: id, name, holder: holder.actor }))
  }
  if (holder.handle !== undefined && holder.cell.death === undefined) return Effect.succeed(holder.handle)
  // It is being made, or it is ending: look again when that is over.
  const decided = Effect.suspend(() => (holder.cell.death === undefined ? Deferred.await(holder.decided) : Effect.void))
  return Effect.andThen(
    restore(Effect.andThen(holder.cell.life.over, decided)),
    Effect.suspend(() => startNamed(definition, name, args, context, restore))
  )
}

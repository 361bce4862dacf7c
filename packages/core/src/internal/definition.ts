/**
 * Turns a definition into the class that users extend.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { Cell, type Implementation } from "./cell.ts"
import * as handles from "./handle.ts"
import * as life from "./life.ts"
import type { MethodSpec } from "./method.ts"
import * as options from "./options.ts"

type Make = Effect.Effect<Implementation, any> | ((...args: ReadonlyArray<any>) => Effect.Effect<Implementation, any>)

type Contract = Record<string, { readonly args: ReadonlyArray<any>; readonly success: any }>

/** What all instances of an actor with the same options share. */
interface Definition {
  readonly id: string
  readonly key: Context.Service<any, any>
  readonly make: Make
  readonly contract: Contract | undefined
  readonly input: any
  readonly options: options.InstanceOptions
  /** Made from the first instance: before it, nobody knows the methods. */
  shape: Shape | undefined
}

interface Shape {
  readonly methods: ReadonlyArray<MethodSpec>
  readonly prototype: object
}

/** `Actor.Service<Self>()`. */
export const make = (id: string, input: any): any => {
  if (typeof id !== "string" || id === "")
    throw new TypeError(`Actor.Service needs a non-empty id, but got ${String(id)}`)
  const { make, methods, ...rest } = input ?? {}
  const Service = (Context.Service as any)()(id)
  if (methods !== undefined) return Object.assign(Service, contractStatics(id, Service, methods))
  if (make === undefined) throw new TypeError(`${id}: an actor needs "make", or "methods" for a contract`)
  return defineFactory(Service, define(id, Service, make, undefined, rest))
}

const define = (
  id: string,
  key: Context.Service<any, any>,
  make: Make,
  contract: Contract | undefined,
  input: any
): Definition => ({ id, key, make, contract, input, options: options.normalize(id, input), shape: undefined })

const contractStatics = (id: string, key: Context.Service<any, any>, methods: Contract) => {
  handles.checkNames(id, Object.keys(methods))
  const toFactory = (make: Make, input: any = {}) => defineFactory({}, define(id, key, make, methods, input))
  return {
    methods,
    of: (implementation: Implementation) => implementation,
    toFactory,
    toLayer: (make: Make, input?: any) => toFactory(make, input).layer
  }
}

/** Adds `layer`, `layerWith`, `spawn` and `options` to `target`. */
const defineFactory = (target: any, definition: Definition): any => {
  const spawn = (...args: ReadonlyArray<unknown>) => start(definition, args)
  const layerWith = (...args: ReadonlyArray<unknown>) => Layer.effect(definition.key)(start(definition, args))
  let layer: unknown
  return Object.defineProperties(target, {
    // One Layer object per definition, so that Effect builds it once per program.
    layer: { get: () => (layer ??= layerWith()), enumerable: true, configurable: true },
    layerWith: { value: layerWith, enumerable: true, configurable: true },
    spawn: { value: spawn, enumerable: true, configurable: true },
    options: {
      value: (overrides: any) =>
        defineFactory(
          {},
          define(definition.id, definition.key, definition.make, definition.contract, {
            ...definition.input,
            ...withoutUndefined(overrides)
          })
        ),
      enumerable: true,
      configurable: true
    }
  })
}

/** An option that is `undefined` is one that was not given. */
const withoutUndefined = (overrides: object): object =>
  Object.fromEntries(Object.entries(overrides).filter(([, value]) => value !== undefined))

/** Starts an instance in the current Scope. */
const start = (definition: Definition, args: ReadonlyArray<unknown>): Effect.Effect<object, any, Scope.Scope> =>
  Effect.withFiber((fiber) => {
    const context = fiber.context as Context.Context<Scope.Scope>
    const { make } = definition
    const construct = Effect.isEffect(make) ? make : Effect.suspend(() => make(...args))
    const cell = new Cell(definition.id, construct, definition.options, context)
    return Effect.flatMap(cell.boot(), () => {
      const { methods, prototype } = (definition.shape ??= makeShape(definition, cell.implementation!))
      const handle = handles.make(cell, methods, prototype)
      return Effect.as(Scope.addFinalizer(Context.get(context, Scope.Scope), life.shutdown(cell)), handle)
    })
  })

const makeShape = (definition: Definition, implementation: Implementation): Shape => {
  const { contract, id } = definition
  const names = contract === undefined ? handles.methodNames(implementation) : Object.keys(contract)
  handles.checkNames(id, names)
  checkMethods(definition, names, implementation)
  return {
    methods: names.map((name) => describe(definition, name)),
    prototype: handles.makePrototype(id, names)
  }
}

/** Methods that options or the contract speak of have to exist. */
const checkMethods = ({ contract, id, options }: Definition, names: Array<string>, implementation: Implementation) => {
  const mentioned = [
    ...Object.keys(contract ?? {}),
    ...Object.keys(options.methodOptions),
    ...Object.values(options.concurrencyGroups ?? {}).flatMap(({ methods }) => methods)
  ]
  for (const name of mentioned) {
    if (names.includes(name) && typeof implementation[name] === "function") continue
    throw new TypeError(
      `${id}: its options or contract name a method "${name}" that it does not have, it has ${names.join(", ")}`
    )
  }
}

const describe = ({ contract, id, options }: Definition, name: string): MethodSpec => {
  const own = options.methodOptions[name]
  const group = Object.entries(options.concurrencyGroups ?? {}).find(([, { methods }]) => methods.includes(name))?.[0]
  return {
    actor: id,
    name,
    label: own?.name ?? `${id}.${name}`,
    group: own?.concurrencyGroup ?? group,
    maxTaskRetries: own?.maxTaskRetries ?? options.maxTaskRetries,
    retry: own?.retry ?? options.retry,
    timeout: own?.timeout === undefined ? undefined : durationOf(id, name, own.timeout),
    contract: options.validate ? contract?.[name] : undefined
  }
}

const durationOf = (id: string, name: string, value: any) => options.duration(`${id}.${name}`, "timeout", value)

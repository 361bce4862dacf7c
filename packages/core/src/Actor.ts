/**
 * An actor is a service that queues its calls and runs them in order, as many at a time as you allow. Each call has a
 * ref that can be awaited, passed on or cancelled.
 *
 * Picture a clerk behind a desk. Callers hand in slips ({@link Method | calls}); the clerk works on up to
 * `maxConcurrency` of them at a time, and the rest wait in line. `counter.increment(1)` hands in a slip and waits for
 * the answer; `counter.increment.remote(1)` hands it in and takes a ticket, an `ObjectRef`, for the answer.
 *
 * An actor is defined like a `Context.Service` and provided by a `Layer`. Use one to own state that many fibers share,
 * to limit how hard a resource is used, or to decouple work from its callers. Do not use one for a pure function or for
 * state that a `Ref` guards well enough: a call costs more than either.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Schedule from "effect/Schedule"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { ActorContext } from "./ActorContext.ts"
import type { ActorDied, ActorError, ActorNameTaken } from "./ActorError.ts"
import type { Any, Errors, Provides, Services } from "./ActorMiddleware.ts"
import type { Broadcast, Subscription } from "./Broadcast.ts"
import type { Driver } from "./Driver.ts"
import { secondCall } from "./internal/base/ids.ts"
import { method as contractMethod, subscription as contractSubscription } from "./internal/call/contractMethod.ts"
import * as handles from "./internal/handle/handle.ts"
import * as operations from "./internal/handle/operations.ts"
import * as factory from "./internal/kinds/factory.ts"
import * as joining from "./internal/kinds/joining.ts"
import * as keyed from "./internal/kinds/keyed.ts"
import type { ObjectRef } from "./ObjectRef.ts"

// --- what callers see ------------------------------------------------------------------------------------------------

/**
 * A method as callers see it.
 *
 * Call it to ask: the Effect submits one call each time it runs, and waits for the result. Interrupting the wait
 * cancels the call. Use `remote` to submit without waiting. Any argument may be an `ObjectRef` of that argument: the
 * call then waits for the value, and fails if the ref fails.
 *
 * @category models
 * @since 0.1.0
 */
export interface Method<in out Args extends ReadonlyArray<any>, out A, out E = never> extends AskOf<Args, A, E> {
  /**
   * Submits a call and succeeds at once with its ref. The submission itself fails only when the instance already has
   * `maxPendingCalls` unsettled calls.
   */
  remote<T>(...args: NamedArgs<Args, T>): Effect.Effect<ObjectRef<A, E | ActorError | RefErrors<T>>, ActorError>
  /** The same method with other options for its calls. */
  options(options: CallOptions<never, E>): Method<Args, A, E>
}

// A function type, and no signature of the interface: editors show the documentation of the user's own method then, and go
// to it alone.
type AskOf<Args extends ReadonlyArray<any>, A, E> = <T>(
  ...args: NamedArgs<Args, T>
) => Effect.Effect<A, E | ActorError | RefErrors<T>>

/**
 * A {@link Method} of an actor that has concurrency groups.
 *
 * @category models
 * @since 0.1.0
 */
export interface GroupedMethod<in out Args extends ReadonlyArray<any>, out A, out E, in out Group extends string>
  extends Method<Args, A, E> {
  /** The same method with other options for its calls. */
  options(options: CallOptions<Group, E>): GroupedMethod<Args, A, E, Group>
}

/**
 * Any {@link Method}, of an actor with concurrency groups or without.
 *
 * @category models
 * @since 0.1.0
 */
export type AnyMethod = Method<any, any, any> | GroupedMethod<any, any, any, any>

/**
 * A method that returns a Stream. The stream is pulled on demand and holds one permit from its first pull to its end.
 *
 * It is a call like any other: `Actor.stop` waits for it, and a closing Scope waits for it up to `shutdownTimeout`.
 * The consumer of an endless stream has to end it; otherwise kill the instance.
 *
 * @category models
 * @since 0.1.0
 */
export interface StreamMethod<in out Args extends ReadonlyArray<any>, out A, out E = never>
  extends StreamOf<Args, A, E> {}

type StreamOf<Args extends ReadonlyArray<any>, A, E> = <T>(
  ...args: NamedArgs<Args, T>
) => Stream.Stream<A, E | ActorError | RefErrors<T>>

/**
 * What callers hold: the methods of one instance. All handles of an instance are the same object.
 *
 * @category models
 * @since 0.1.0
 */
export type Handle<M, Group extends string = never> = {
  readonly [K in keyof M]: M[K] extends (
    ...args: infer Args extends AnyArgs
  ) => Effect.Effect<infer A, infer E, infer R>
    ? IsKnown<R> extends true
      ? [Group] extends [never]
        ? Method<Args, A, E>
        : GroupedMethod<Args, A, E, Group>
      : never
    : M[K] extends (...args: infer Args extends AnyArgs) => infer Result
      ? (() => Result) extends () => Stream.Stream<infer A, infer E, any>
        ? M[K] extends Broadcast<infer Item, infer Refusal>
          ? Subscription<Item, Refusal>
          : StreamMethod<Args, A, E>
        : never
      : never
}

// What a program has most of is types of methods, so the conditions say what is quick to check. The compiler compares a
// tuple with all members of `Array`, as in `[Result] extends [Stream]`, but a function only by what it returns. And it
// makes an interface anew for each type that it compares with it, but no union.
type AnyArgs = readonly [] | ReadonlyArray<any>

// `false` for `unknown`, which methods require while their contract is a type parameter: there are none then, as far as the
// compiler can tell.
type IsKnown<R> = unknown extends R ? (0 extends 1 & R ? true : false) : true

/**
 * Any {@link Handle}.
 *
 * @category models
 * @since 0.1.0
 */
export interface AnyHandle
  extends Readonly<Record<string, AnyMethod | StreamMethod<any, any, any> | Subscription<any, any>>> {}

/**
 * The arguments of a call: each is a value, or an `ObjectRef` of it.
 *
 * @category models
 * @since 0.1.0
 */
export type RefArgs<Args extends ReadonlyArray<any>> = { readonly [K in keyof Args]: Args[K] | ObjectRef<Args[K], any> }

/**
 * The same, in the form from which the compiler infers `T`, the arguments of one call. Editors show it with the
 * parameter names of the method, where they would show `args_0` for `T`.
 *
 * @category models
 * @since 0.1.0
 */
export type NamedArgs<Args extends ReadonlyArray<any>, T> = T extends never ? T : RefArgs<Args>

/**
 * The errors of the refs among arguments.
 *
 * @category models
 * @since 0.1.0
 */
export type RefErrors<T> = T extends ReadonlyArray<any> ? { [K in keyof T]: RefError<T[K]> }[number] : never

type RefError<T> = T extends ObjectRef<any, infer E> ? (0 extends 1 & T ? never : E) : never

// --- options ---------------------------------------------------------------------------------------------------------

/**
 * Options of an instance. All of them can be given in the definition of the actor, and again with `options({...})`.
 *
 * @category options
 * @since 0.1.0
 */
export interface InstanceOptions {
  /**
   * How many calls may run at a time, from start to settle: an integer of at least 1, or `Infinity`. Default 1000, as
   * for Ray's async actors. With 1, calls never interleave.
   */
  readonly maxConcurrency?: number | undefined
  /** How many calls may be accepted and not yet settled, running ones included. Default `Infinity`. */
  readonly maxPendingCalls?: number | undefined
  /**
   * What happens to a submission beyond `maxPendingCalls`. `"fail"`, the default: it fails with an `ActorError` of
   * reason `PendingCallsLimitExceeded`. `"suspend"`: the submitting fiber waits for room, interruptibly and in order.
   */
  readonly overflow?: "fail" | "suspend" | undefined
  /** How long accepted calls may go on after the Scope of the instance closes, before it is killed. Default 5 s. */
  readonly shutdownTimeout?: Duration.Input | undefined
  /**
   * What a defect in a method does besides failing its call. `"resume"`, the default: nothing. `"restart"`, the default
   * when `restart` is given: the instance is rebuilt. `"stop"`: the instance dies at once, as with `Actor.kill`, and
   * its running and waiting calls fail.
   */
  readonly onDefect?: "resume" | "restart" | "stop" | undefined
  /**
   * Paces and bounds restarts over the life of the instance. It is stepped with the cause before each restart; when it
   * ends, the instance dies. Default with `onDefect: "restart"`: five restarts, 100 ms before the first, then doubling.
   */
  readonly restart?: Schedule.Schedule<any, Cause.Cause<unknown>> | undefined
  /** How often a call may run again after a restart, and after typed failures that `retry` accepts. Default 0. */
  readonly maxTaskRetries?: number | undefined
  /** After which typed failures the call runs again, up to `maxTaskRetries` times. Default `false`: after none. */
  readonly retry?: boolean | ((error: any) => boolean) | undefined
  /** Whether arguments and results are checked against the contract, if there is one. Default `false`. */
  readonly validate?: boolean | undefined
}

/**
 * Options that only `options({...})` takes, since they belong to one instance rather than to all.
 *
 * @category options
 * @since 0.1.0
 */
export type NameOptions =
  | {
      /** A name under which `ActorSystem.get` finds the instance. Unique among the living of an `ActorSystem`. */
      readonly name?: string | undefined
      /** Needs a `name`. */
      readonly getIfExists?: false | undefined
    }
  | {
      /** A name under which `ActorSystem.get` finds the instance. Unique among the living of an `ActorSystem`. */
      readonly name: string
      /**
       * If an instance of this actor already has the name, use it. It still belongs to the Scope that started it.
       * Default `false`: fail with `ActorNameTaken`.
       */
      readonly getIfExists?: boolean | undefined
    }

/**
 * Options of the calls of one method. They can be given per actor, under `methodOptions`, and per call, as
 * {@link CallOptions}.
 *
 * @category options
 * @since 0.1.0
 */
export interface MethodOptions<Group extends string = never, E = any> {
  /** Runs the call in this concurrency group. */
  readonly concurrencyGroup?: Group | undefined
  /** Overrides the option of the instance. */
  readonly maxTaskRetries?: number | undefined
  /** Overrides the option of the instance. */
  readonly retry?: boolean | ((error: E) => boolean) | undefined
  /**
   * How long a call may take from submission to settling, including the wait for room and in line. After that it is
   * cancelled and fails with an `ActorError` of reason `TimedOut`.
   */
  readonly timeout?: Duration.Input | undefined
  /** The name of its calls in errors, spans and the inspector. Default: `actor.method`. */
  readonly name?: string | undefined
}

/**
 * Options of calls: what `handle.method.options({...})` takes.
 *
 * @category options
 * @since 0.1.0
 */
export interface CallOptions<Group extends string = never, E = any> extends MethodOptions<Group, E> {
  /**
   * Cancels the call when it fires, as `ObjectRef.cancel` does: before the call starts, while it waits and while it runs.
   * A call whose signal has fired already never starts. Nothing stays with the signal once the call has settled.
   */
  readonly signal?: AbortSignalLike | undefined
}

/**
 * What is needed of an `AbortSignal`, which not every platform declares.
 *
 * @category models
 * @since 0.1.0
 */
export interface AbortSignalLike {
  readonly aborted: boolean
  addEventListener(type: "abort", listener: () => void): void
  removeEventListener(type: "abort", listener: () => void): void
}

/**
 * Options of an actor: those of its instances, and those of its methods.
 *
 * @category options
 * @since 0.1.0
 */
export interface ActorOptions<M, Group extends string, Errors = MethodErrors<M>> extends InstanceOptions {
  /** Sets of methods that have their own permits and their own line. A full group never delays another. */
  readonly concurrencyGroups?:
    | {
        readonly [K in Group]: {
          readonly maxConcurrency: number
          readonly methods: ReadonlyArray<Extract<keyof NoInfer<M>, string>>
        }
      }
    | undefined
  /** Options for the calls of single methods. */
  readonly methodOptions?:
    | { readonly [K in keyof NoInfer<M>]?: MethodOptions<NoInfer<Group>, Errors[K & keyof Errors]> | undefined }
    | undefined
}

/**
 * The errors of methods, by their names.
 *
 * It is `any` for methods whose types the compiler has yet to infer.
 *
 * @category options
 * @since 0.1.0
 */
export type MethodErrors<M> = { readonly [K in keyof M]: MethodError<M[K]> }

type MethodError<Method> = 0 extends 1 & Method
  ? any
  : Method extends (...args: any) => infer Result
    ? Result extends Effect.Effect<any, infer E, any>
      ? E
      : Result extends Stream.Stream<any, infer E, any>
        ? E
        : never
    : never

/**
 * Options of an actor that is defined by a contract.
 *
 * @category options
 * @since 0.1.0
 */
export type ContractOptions<C extends AnyContract, Group extends string> = ActorOptions<MethodsOf<C, never>, Group>

// --- the type rule for blocking --------------------------------------------------------------------------------------

/**
 * What the compiler reports for an actor that would block. At run time the error is `ActorError.BlockingGetError`.
 *
 * @category capabilities
 * @since 0.1.0
 */
export interface BlockingGet<Where> {
  readonly "an actor method may not block on get or wait - yield* the ObjectRef instead": Where
}

/**
 * What the compiler reports for a method that does not return an Effect or a Stream.
 *
 * @category capabilities
 * @since 0.1.0
 */
export interface NotAnEffect<Where> {
  readonly "an actor method must return an Effect or a Stream - wrap a Promise with Effect.promise, a generator with Effect.fnUntraced": Where
}

/**
 * What the compiler reports for a member that is not a method.
 *
 * @category capabilities
 * @since 0.1.0
 */
export interface NotAMethod<Where> {
  readonly "the constructor of an actor must give methods only - keep state in variables that they close over, or in private fields": Where
}

/**
 * What the compiler reports for a method whose name a handle cannot have.
 *
 * @category capabilities
 * @since 0.1.0
 */
export interface ReservedName<Where, Remedy = "choose another name"> {
  readonly "no method of an actor may be called then, constructor or a symbol - choose another name": [Where, Remedy]
}

/**
 * What the compiler reports for an implementation with methods that its contract does not have.
 *
 * @category capabilities
 * @since 0.1.0
 */
export interface NotInContract<Where> {
  readonly "the contract has no such method - add it to the contract, or keep it out of the implementation": Where
}

/**
 * What the methods of an implementation require.
 *
 * @category capabilities
 * @since 0.1.0
 */
export type MethodServices<M> = {
  [K in keyof M]: M[K] extends (...args: any) => infer Result ? ServicesOf<Result> : never
}[keyof M]

// `any` says nothing about services.
type ServicesOf<Result> = 0 extends 1 & Result
  ? never
  : Result extends Effect.Effect<any, any, infer R>
    ? R
    : Result extends Stream.Stream<any, any, infer R>
      ? R
      : never

// `any` says nothing about blocking.
type Blocks<R> = 0 extends 1 & R ? false : [Extract<R, Driver>] extends [never] ? false : true

// `await` would take a handle with a `then` for a promise, and every object has a constructor.
type Reserved = "then" | "constructor" | symbol

type FaultOf<Name, Method> = Name extends Reserved
  ? "name"
  : 0 extends 1 & Method
    ? never
    : Method extends (...args: any) => infer Result
      ? [Result] extends [Effect.Effect<any, any, any> | Stream.Stream<any, any, any>]
        ? Blocks<ServicesOf<Result>> extends true
          ? "blocks"
          : never
        : "result"
      : "data"

type Faults<M> = { [K in keyof M]: FaultOf<K, M[K]> }

interface Refusals<Where> {
  readonly name: ReservedName<Where>
  readonly data: NotAMethod<Where>
  readonly result: NotAnEffect<Where>
  readonly blocks: BlockingGet<Where>
}

type FirstFault<F> = "name" extends F ? "name" : "data" extends F ? "data" : "result" extends F ? "result" : "blocks"

type Refusal<F, Fault extends keyof Refusals<any>> = Refusals<
  { [K in keyof F]: Fault extends F[K] ? K : never }[keyof F]
>[Fault]

/**
 * `unknown` for an implementation whose methods return Effects or Streams and do not block. Otherwise a type that names
 * the offending member.
 *
 * @category capabilities
 * @since 0.1.0
 */
export type Validate<M, R> = string extends keyof M
  ? // Nothing is known about the methods yet: the compiler is still inferring them.
    unknown
  : [Driver] extends [R | ServicesOfAll<M>]
    ? Fault<M, R>
    : [Reserved & keyof M] extends [never]
      ? unknown
      : Fault<M, R>

// Looks at all methods at once. `unknown` if one of them is at fault: only then they are looked at one by one, which takes
// ten times as long.
type ServicesOfAll<M> = [M[keyof M]] extends [(...args: any) => Effect.Effect<any, any, infer R>]
  ? R
  : [M[keyof M]] extends [(...args: any) => Effect.Effect<any, any, infer R> | Stream.Stream<any, any, infer R>]
    ? R
    : unknown

type Fault<M, R> = [Faults<M>[keyof M]] extends [never]
  ? Blocks<R> extends true
    ? BlockingGet<"make">
    : unknown
  : Refusal<Faults<M>, FirstFault<Faults<M>[keyof M]>>

/**
 * `Class` for a contract whose method names a handle can have. Otherwise a type that names the offending method.
 *
 * @category contracts
 * @since 0.1.0
 */
export type ValidateNames<C, Class> = [Extract<keyof C, Reserved>] extends [never]
  ? Class
  : ReservedName<Extract<keyof C, Reserved>>

/**
 * Like {@link Validate}, for an implementation of a contract: it may have no further methods.
 *
 * @category contracts
 * @since 0.1.0
 */
export type ValidateContract<M, R, C> = string extends keyof M
  ? unknown
  : [Exclude<keyof M, keyof C>] extends [never]
    ? Validate<M, R>
    : NotInContract<Exclude<keyof M, keyof C>>

// --- actors ----------------------------------------------------------------------------------------------------------

/**
 * Any object of methods: a literal, an instance of a class, or a value whose type is an interface. The constraint is
 * loose, since {@link Validate} explains better what is wrong with an object.
 *
 * @category models
 * @since 0.1.0
 */
export type AnyImplementation = Record<string, any>

/**
 * The type of `layer` when the constructor takes arguments: the compiler then shows what to use instead.
 *
 * @category models
 * @since 0.1.0
 */
export interface LayerNeedsArguments<Remedy = "use layerArgs(...) instead of layer"> {
  readonly "the constructor takes arguments": Remedy
}

type Inside = Scope.Scope | ActorContext

/**
 * The ways to start instances.
 *
 * @category models
 * @since 0.1.0
 */
export interface Factory<Self, Args extends ReadonlyArray<any>, M, Group extends string, E, R> {
  /**
   * Starts one instance and provides it as a service. The Layer requires what the constructor and the methods require.
   * For a constructor that takes arguments, use `layerArgs`.
   */
  readonly layer: [] extends Args ? Layer.Layer<Self, E, Exclude<R | MethodServices<M>, Inside>> : LayerNeedsArguments
  /** The same Layer for a constructor that takes arguments. */
  layerArgs(...args: Args): Layer.Layer<Self, E, Exclude<R | MethodServices<M>, Inside>>
  /** Starts a new instance in the current Scope and succeeds with its handle. */
  spawn(...args: Args): Effect.Effect<Handle<M, Group>, E, Exclude<R | MethodServices<M>, Inside> | Scope.Scope>
  /** The same actor with other options, for the instances that are started through the result. */
  options(
    options: InstanceOptions & { readonly name?: undefined; readonly getIfExists?: false | undefined }
  ): Factory<Self, Args, M, Group, E, R>
  options(options: InstanceOptions & NameOptions): Factory<Self, Args, M, Group, E | ActorNameTaken, R>
}

/**
 * An actor that is defined in one place, with its constructor.
 *
 * @category models
 * @since 0.1.0
 */
export interface Class<Self, Id extends string, Args extends ReadonlyArray<any>, M, Group extends string, E, R>
  extends Context.ServiceClass<Self, Id, Handle<M, Group>>,
    Factory<Self, Args, M, Group, E, R> {}

type Make<Args extends ReadonlyArray<any>, M, E, R> =
  | Effect.Effect<M, E, R>
  | ((...args: Args) => Effect.Effect<M, E, R>)

// --- contracts -------------------------------------------------------------------------------------------------------

/**
 * A method as a contract describes it. It exists at run time, so that homes outside this process can encode its calls.
 *
 * @category contracts
 * @since 0.1.0
 */
export interface ContractMethod<
  Args extends ReadonlyArray<any>,
  Success extends Schema.Top,
  Error extends Schema.Top,
  IsStream extends boolean
> extends AnyContractMethod {
  readonly args: ReadonlyArray<Schema.Top>
  readonly success: Success
  readonly error: Error
  readonly stream: IsStream
  readonly "~args": Args
}

/**
 * A subscription as a contract describes it.
 *
 * @category contracts
 * @since 0.1.0
 */
export interface ContractSubscription<Item extends Schema.Top, Error extends Schema.Top = typeof Schema.Never>
  extends AnyContractMethod {
  /** How its items are written. */
  readonly success: Item
  /** How the errors of middleware are written, which refuses readers. */
  readonly error: Error
  readonly subscription: true
}

/**
 * Any {@link ContractMethod}, or {@link ContractSubscription}.
 *
 * @category contracts
 * @since 0.1.0
 */
export interface AnyContractMethod {
  // Nothing else: the compiler would infer the types of a method from here rather than from its own schemas.
  readonly "~troupe/ContractMethod": true
}

/**
 * A contract: methods by name.
 *
 * @category contracts
 * @since 0.1.0
 */
export type AnyContract = Record<string, AnyContractMethod>

/**
 * The methods that an implementation of a contract must have.
 *
 * @category contracts
 * @since 0.1.0
 */
export type MethodsOf<C extends AnyContract, R = any> = { readonly [K in keyof C]: MethodOf<C[K], R> }

/** Says nothing of the methods, but lets editors follow their names from a contract to its implementation. */
type NamesOf<C> = { readonly [K in keyof C]: unknown }

type MethodOf<M, R> =
  M extends ContractSubscription<infer Item, infer Error>
    ? Broadcast<Item["Type"], Error["Type"]>
    : M extends ContractMethod<infer Args, infer Success, infer Error, infer IsStream>
      ? (
          ...args: Args
        ) => IsStream extends true
          ? Stream.Stream<Success["Type"], Error["Type"], R>
          : Effect.Effect<Success["Type"], Error["Type"], R>
      : never

/**
 * A contract: what callers know of an actor, wherever it runs. {@link toLayer} joins it with an implementation.
 *
 * @category contracts
 * @since 0.1.0
 */
export interface Contracted<Self, Id extends string, C extends AnyContract>
  extends Context.ServiceClass<Self, Id, Handle<MethodsOf<C, never>>> {
  /** The contract: schemas by method, for homes that need them. */
  readonly methods: C
  /** Checks that an object implements the contract, and returns it as it is. */
  of<const M extends MethodsOf<C>>(methods: M & NamesOf<C> & NoInfer<ValidateContract<M, never, C>>): M
}

/**
 * An actor that is defined by a contract. `toLayer` joins it with an implementation, which may be in another module.
 *
 * @category contracts
 * @since 0.1.0
 */
export interface ContractClass<Self, Id extends string, C extends AnyContract> extends Contracted<Self, Id, C> {
  /** Joins the contract with an implementation in this process. */
  toLayer<M extends MethodsOf<C>, E = never, R = never, Group extends string = never>(
    make: Effect.Effect<M, E, R> & NoInfer<ValidateContract<M, R, C>>,
    options?: ContractOptions<C, Group>
  ): Layer.Layer<Self, E, ContractServices<C, R | MethodServices<M>>>
  /** Joins the contract with an implementation, and gives all the ways to start instances. */
  toFactory<
    M extends MethodsOf<C>,
    E = never,
    R = never,
    Args extends ReadonlyArray<any> = [],
    Group extends string = never
  >(
    make: Make<Args, M, E, R> & NoInfer<ValidateContract<M, R, C>>,
    options?: ContractOptions<C, Group>
  ): Factory<Self, Args, MethodsOf<C, Exclude<MethodServices<M>, Inside | Provided<C>>>, Group, E, R | Needed<C>>
}

// Those of a tuple with optional elements are found one by one, which takes longer.
type ArgsOf<Schemas extends ReadonlyArray<Schema.Top>> = number extends Schemas["length"]
  ? TypesOf<Schemas>
  : "optional" extends Schemas[number]["~type.optionality"]
    ? Schema.Tuple.Type<Schemas>
    : TypesOf<Schemas>

type TypesOf<Schemas extends ReadonlyArray<Schema.Top>> = { readonly [K in keyof Schemas]: Schemas[K]["Type"] }

/**
 * Describes a method of a contract.
 *
 * `args` are the schemas of its positional arguments: the last ones may be `Schema.optional(...)`. With `payload` it takes one object with these fields instead.
 * Every part is optional: by default a method takes no arguments, succeeds with `void` and does not fail. With
 * `stream: true` it returns a Stream of `success`. `since` is the version of your program that it came with: errors and
 * `npx troupe contracts` tell it.
 *
 * @category contracts
 * @since 0.1.0
 */
export const method: {
  <
    const Args extends ReadonlyArray<Schema.Top> = [],
    Success extends Schema.Top = typeof Schema.Void,
    Error extends Schema.Top = typeof Schema.Never,
    const IsStream extends boolean = false
  >(options?: {
    readonly args?: Args | undefined
    readonly payload?: undefined
    readonly success?: Success | undefined
    readonly error?: Error | undefined
    readonly stream?: IsStream | undefined
    readonly since?: string | undefined
  }): ContractMethod<ArgsOf<Args>, Success, Error, IsStream>
  <
    const Fields extends Schema.Struct.Fields,
    Success extends Schema.Top = typeof Schema.Void,
    Error extends Schema.Top = typeof Schema.Never,
    const IsStream extends boolean = false
  >(options: {
    readonly payload: Fields
    readonly args?: undefined
    readonly success?: Success | undefined
    readonly error?: Error | undefined
    readonly stream?: IsStream | undefined
    readonly since?: string | undefined
  }): ContractMethod<[payload: Schema.Struct<Fields>["Type"]], Success, Error, IsStream>
} = contractMethod as any

/**
 * Describes what a contract lets callers read: the implementation gives out what `Broadcast.make` gives under this name, and
 * callers read it as a Stream, without a call. `item` is the schema of the items, `since` the version of your program that
 * it came with.
 *
 * **Example** (A contract with a subscription)
 *
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { Actor, Broadcast } from "@troupe/core"
 *
 * class Room extends Actor.Service<Room>()("app/Room", {
 *   methods: {
 *     post: Actor.method({ args: [Schema.String] }),
 *     messages: Actor.subscription({ item: Schema.String })
 *   }
 * }) {}
 *
 * const RoomLive = Room.toLayer(
 *   Effect.gen(function*() {
 *     const messages = yield* Broadcast.make<string>()
 *     return Room.of({ messages, post: (text) => messages.publish(text) })
 *   }),
 *   { maxConcurrency: 1 }
 * )
 * ```
 *
 * @category contracts
 * @since 0.1.0
 */
export const subscription: <Item extends Schema.Top>(options: {
  readonly item: Item
  readonly since?: string | undefined
}) => ContractSubscription<Item> = contractSubscription as any

// --- middleware ------------------------------------------------------------------------------------------------------

/**
 * Methods as callers and Layers see them: with the errors of the middleware that runs around them, and without what it
 * provides.
 *
 * @category middleware
 * @since 0.1.0
 */
export type Guarded<M, All extends ReadonlyArray<Any>> = All extends readonly []
  ? M
  : { readonly [K in keyof M]: GuardedMethod<M[K], All> }

type GuardedMethod<Method, All extends ReadonlyArray<Any>> =
  Method extends Broadcast<infer Item, any>
    ? Broadcast<Item, Errors<All>>
    : Method extends (...args: infer Args) => infer Result
      ? [Result] extends [Effect.Effect<infer A, infer E, infer R>]
        ? (...args: Args) => Effect.Effect<A, E | Errors<All>, Exclude<R, Provides<All>>>
        : [Result] extends [Stream.Stream<infer A, infer E, infer R>]
          ? (...args: Args) => Stream.Stream<A, E | Errors<All>, Exclude<R, Provides<All>>>
          : Method
      : Method

/**
 * A contract, with the errors of the middleware that runs around its methods.
 *
 * @category middleware
 * @since 0.1.0
 */
export type GuardedContract<C extends AnyContract, All extends ReadonlyArray<Any>> = All extends readonly []
  ? C
  : {
      readonly [K in keyof C]: (C[K] extends ContractMethod<infer Args, infer Success, infer Error, infer IsStream>
        ? ContractMethod<Args, Success, Schema.Schema<Error["Type"] | Errors<All>>, IsStream>
        : C[K] extends ContractSubscription<infer Item, any>
          ? ContractSubscription<Item, Schema.Schema<Errors<All>>>
          : C[K]) & { readonly "~middleware": All }
    }

type MiddlewareOf<C> = C[keyof C] extends { readonly "~middleware": infer All extends ReadonlyArray<Any> } ? All : []

type Provided<C> = Provides<MiddlewareOf<C>>
type Needed<C> = Services<MiddlewareOf<C>>

/**
 * What a Layer requires that joins a contract with an implementation which requires `R`.
 *
 * @category middleware
 * @since 0.1.0
 */
export type ContractServices<C, R> = Exclude<R, Inside | Provided<C>> | Needed<C>

/**
 * What callers of an actor require that lives elsewhere: the middleware of its contract that runs where the calls are made.
 *
 * @category middleware
 * @since 0.1.0
 */
export type CallerServices<C> = Extract<MiddlewareOf<C>[number], { readonly at: "caller" }>["~self"]

// --- definition ------------------------------------------------------------------------------------------------------

/**
 * Defines an actor.
 *
 * With `make`, an Effect or a function of constructor arguments, the actor and its implementation are one class, with
 * layers ready to use. With `methods`, a contract, the class has no implementation: any module can import it, also in a
 * process where the actor does not run, and `toLayer` joins it with an implementation.
 *
 * The constructor runs at every start and restart, in a Scope that closes when the instance ends or restarts.
 *
 * **Example** (An actor in one place)
 *
 * ```ts
 * import { Effect, Ref } from "effect"
 * import { Actor } from "@troupe/core"
 *
 * class Counter extends Actor.Service<Counter>()("app/Counter", {
 *   maxConcurrency: 10,
 *   make: Effect.gen(function*() {
 *     const count = yield* Ref.make(0)
 *     return { increment: (by: number) => Ref.updateAndGet(count, (n) => n + by) }
 *   })
 * }) {}
 *
 * const program = Effect.gen(function*() {
 *   const counter = yield* Counter
 *   const ref = yield* counter.increment.remote(1)
 *   return yield* counter.increment(ref)
 * })
 *
 * console.log(await Effect.runPromise(Effect.provide(program, Counter.layer))) // => 2
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const Service: <Self>() => {
  // The order matters: the compiler explains a mistake by the last overload, which is the one that most callers use.
  <const Id extends string, const C extends AnyContract, const All extends ReadonlyArray<Any> = []>(
    id: Id,
    options: { readonly methods: C; readonly make?: undefined; readonly middleware?: All | undefined }
  ): ValidateNames<C, ContractClass<Self, Id, GuardedContract<C, All>>>
  <
    const Id extends string,
    M extends AnyImplementation,
    E = never,
    R = never,
    Args extends ReadonlyArray<any> = [],
    Group extends string = never,
    Errors = MethodErrors<M>,
    const All extends ReadonlyArray<Any> = []
  >(
    id: Id,
    options: {
      readonly make: Make<Args, M, E, R>
      readonly methods?: undefined
      readonly middleware?: All | undefined
    } & ActorOptions<M, Group, Errors> &
      NoInfer<Validate<M, R>>
  ): Class<Self, Id, Args, Guarded<M, All>, Group, E, R | Services<All>>
} = (...first: ReadonlyArray<unknown>) => secondCall("Actor.Service", first, factory.service) as any

// --- keyed actors ----------------------------------------------------------------------------------------------------

/**
 * Options of keyed actors.
 *
 * @category keyed
 * @since 0.1.0
 */
export interface KeyedOptions {
  /** How long an instance may be idle before it ends. The next call for its key starts a new one. Default 1 minute. */
  readonly idleTimeToLive?: Duration.Input | undefined
  /**
   * How many instances may be up at a time. For one more, the instance that has been idle longest ends; while all are
   * busy, there may be more. Default 10,000.
   */
  readonly maxInstances?: number | undefined
}

/**
 * What callers of a keyed actor hold.
 *
 * @category keyed
 * @since 0.1.0
 */
export interface KeyedHandle<in K, M, Group extends string = never> {
  /** The handle for a key. It stays valid for ever, whether an instance is up or not. */
  get(key: K): Handle<M, Group>
  /** The keys whose instances are up. */
  readonly keys: Effect.Effect<ReadonlyArray<any>>
  /** Stops the instance of a key, if one is up: its accepted calls finish first. */
  stop(key: K): Effect.Effect<void>
}

/**
 * A keyed actor that is defined in one place, with its constructor.
 *
 * @category keyed
 * @since 0.1.0
 */
export interface KeyedClass<Self, Id extends string, K, M, Group extends string, R>
  extends Context.ServiceClass<Self, Id, KeyedHandle<K, M, Group>> {
  /** Provides the actor as a service. Calls start instances as needed; all of them end with the Layer. */
  readonly layer: Layer.Layer<Self, never, Exclude<R | MethodServices<M>, Inside>>
  /** The same actor with other options. */
  options(options: InstanceOptions & KeyedOptions): {
    readonly layer: Layer.Layer<Self, never, Exclude<R | MethodServices<M>, Inside>>
  }
  /** The handle for a key of the actor in context. */
  get(key: K): Effect.Effect<Handle<M, Group>, never, Self>
}

/**
 * The contract of a keyed actor. {@link toLayer} joins it with an implementation.
 *
 * @category keyed
 * @since 0.1.0
 */
export interface KeyedContracted<Self, Id extends string, K, C extends AnyContract>
  extends Context.ServiceClass<Self, Id, KeyedHandle<K, MethodsOf<C, never>>> {
  /** The contract: schemas by method, for homes that need them. */
  readonly methods: C
  /** The schema of the keys, for homes that need it. */
  readonly keySchema: Schema.Top
  /** Checks that an object implements the contract, and returns it as it is. */
  of<const M extends MethodsOf<C>>(methods: M & NamesOf<C> & NoInfer<ValidateContract<M, never, C>>): M
  // Nobody can call this one. It makes the class a service; since it takes nothing, the compiler explains mistakes by the other.
  of(this: never): KeyedHandle<K, MethodsOf<C, never>>
  /** The handle for a key of the actor in context. */
  get(key: K): Effect.Effect<Handle<MethodsOf<C, never>>, never, Self>
}

/**
 * A keyed actor that is defined by a contract.
 *
 * @category keyed
 * @since 0.1.0
 */
export interface KeyedContractClass<Self, Id extends string, K, C extends AnyContract>
  extends KeyedContracted<Self, Id, K, C> {
  /** Joins the contract with an implementation in this process. */
  toLayer<M extends MethodsOf<C>, E = never, R = never, Group extends string = never>(
    make: ((key: K) => Effect.Effect<M, E, R>) & NoInfer<ValidateContract<M, R, C>>,
    options?: ContractOptions<C, Group> & KeyedOptions
  ): Layer.Layer<Self, never, ContractServices<C, R | MethodServices<M>>>
}

/**
 * Defines an actor that has one instance per key.
 *
 * The first call for a key starts its instance; concurrent first calls start exactly one. An instance that has had no
 * calls for `idleTimeToLive` ends, finalizers included, and the next call starts a new one. A call that arrives while
 * an instance ends waits for the next one. When a constructor fails, the calls that wait for it fail with `ActorDied`,
 * which carries the cause, and the next call tries again.
 *
 * **Example** (An account per owner)
 *
 * ```ts
 * import { Effect, Ref } from "effect"
 * import { Actor } from "@troupe/core"
 *
 * class Account extends Actor.Keyed<Account>()("app/Account", {
 *   make: (owner: string) => Effect.map(Ref.make(0), (balance) => ({
 *     deposit: (amount: number) => Ref.updateAndGet(balance, (n) => n + amount),
 *     owner: () => Effect.succeed(owner)
 *   }))
 * }) {}
 *
 * const program = Effect.gen(function*() {
 *   const alice = yield* Account.get("alice")
 *   yield* alice.deposit(10)
 *   const bob = yield* Account.get("bob")
 *   return [yield* alice.deposit(5), yield* bob.deposit(1)]
 * })
 *
 * console.log(await Effect.runPromise(Effect.provide(program, Account.layer))) // => [ 15, 1 ]
 * ```
 *
 * @category keyed
 * @since 0.1.0
 */
export const Keyed: <Self>() => {
  <
    const Id extends string,
    K extends Schema.Top,
    const C extends AnyContract,
    const All extends ReadonlyArray<Any> = []
  >(
    id: Id,
    options: {
      readonly key: K
      readonly methods: C
      readonly make?: undefined
      readonly middleware?: All | undefined
    }
  ): ValidateNames<C, KeyedContractClass<Self, Id, K["Type"], GuardedContract<C, All>>>
  <
    const Id extends string,
    K,
    M extends AnyImplementation,
    E = never,
    R = never,
    Group extends string = never,
    Errors = MethodErrors<M>,
    const All extends ReadonlyArray<Any> = []
  >(
    id: Id,
    options: {
      readonly make: (key: K) => Effect.Effect<M, E, R>
      readonly methods?: undefined
      readonly middleware?: All | undefined
    } & ActorOptions<M, Group, Errors> &
      KeyedOptions &
      NoInfer<Validate<M, R>>
  ): KeyedClass<Self, Id, K, Guarded<M, All>, Group, R | Services<All>>
} = (...first: ReadonlyArray<unknown>) => secondCall("Actor.Keyed", first, keyed.service) as any

// --- joining contracts -----------------------------------------------------------------------------------------------

/**
 * Joins a contract with an implementation in this process, as the `toLayer` of a contract does that was made with
 * {@link Service} or {@link Keyed}. Those of the `Contract` module have none, since it would bring the runtime along.
 *
 * **Example** (A contract that pages can import, and the server joins)
 *
 * ```ts
 * import { Actor, Contract } from "@troupe/core"
 * import { Effect, Schema } from "effect"
 *
 * class Greeter extends Contract.Service<Greeter>()("app/Greeter", {
 *   methods: { greet: Contract.method({ args: [Schema.String], success: Schema.String }) }
 * }) {}
 *
 * const GreeterLive = Actor.toLayer(Greeter, Effect.succeed(Greeter.of({ greet: (name) => Effect.succeed(`Hello ${name}`) })))
 *
 * const program = Effect.flatMap(Greeter, (greeter) => greeter.greet("Ada"))
 *
 * console.log(await Effect.runPromise(Effect.provide(program, GreeterLive))) // => Hello Ada
 * ```
 *
 * @category contracts
 * @since 0.1.0
 */
export const toLayer: {
  <Self, K, C extends AnyContract, M extends MethodsOf<C>, E = never, R = never, Group extends string = never>(
    actor: KeyedContracted<Self, any, K, C>,
    make: ((key: K) => Effect.Effect<M, E, R>) & NoInfer<ValidateContract<M, R, C>>,
    options?: ContractOptions<C, Group> & KeyedOptions
  ): Layer.Layer<Self, never, ContractServices<C, R | MethodServices<M>>>
  <Self, C extends AnyContract, M extends MethodsOf<C>, E = never, R = never, Group extends string = never>(
    actor: Contracted<Self, any, C>,
    make: Effect.Effect<M, E, R> & NoInfer<ValidateContract<M, R, C>>,
    options?: ContractOptions<C, Group>
  ): Layer.Layer<Self, E, ContractServices<C, R | MethodServices<M>>>
} = joining.toLayer as any

/**
 * Joins a contract with an implementation, and gives all the ways to start instances. See {@link toLayer}.
 *
 * @category contracts
 * @since 0.1.0
 */
export const toFactory: <
  Self,
  C extends AnyContract,
  M extends MethodsOf<C>,
  E = never,
  R = never,
  Args extends ReadonlyArray<any> = [],
  Group extends string = never
>(
  actor: Contracted<Self, any, C>,
  make: Make<Args, M, E, R> & NoInfer<ValidateContract<M, R, C>>,
  options?: ContractOptions<C, Group>
) => Factory<Self, Args, MethodsOf<C, Exclude<MethodServices<M>, Inside | Provided<C>>>, Group, E, R | Needed<C>> =
  joining.toFactory as any

// --- operations ------------------------------------------------------------------------------------------------------

/**
 * Stops an instance: it refuses new calls, the calls that it has accepted finish, then its finalizers run. Succeeds
 * when the instance is gone, at once if it already is. Inside the instance itself it does not wait: it would wait for
 * itself.
 *
 * @category life and death
 * @since 0.1.0
 */
export const stop: (handle: AnyHandle) => Effect.Effect<void> = operations.stop

/**
 * Kills an instance: its running calls are interrupted, its waiting calls fail, then its finalizers run. Succeeds when
 * the instance is gone, at once if it already is.
 *
 * @category life and death
 * @since 0.1.0
 */
export const kill: (handle: AnyHandle) => Effect.Effect<void> = operations.kill

/**
 * Ends the instance that runs this method. Other running calls finish; waiting calls fail. The calling method stops
 * here, and its call fails with `ActorDied`. Compiles only inside actors.
 *
 * @category life and death
 * @since 0.1.0
 */
export const exit: Effect.Effect<never, never, ActorContext> = operations.exit

/**
 * The handle of the instance that runs this method, to pass to other actors that call back or watch it. Compiles only
 * inside actors, and dies while the constructor is still running. Ray calls it `current_actor`.
 *
 * **Gotchas**
 *
 * An actor that is defined with `make` cannot refer to its own class in its methods: the compiler would need the type
 * of the class to infer that same type. Use a contract. And an actor that asks itself needs a second permit.
 *
 * @category life and death
 * @since 0.1.0
 */
export const self: {
  <Self, K, M, Group extends string>(
    actor: Context.Key<Self, KeyedHandle<K, M, Group>>
  ): Effect.Effect<Handle<M, Group>, never, ActorContext>
  <Self, H extends AnyHandle>(actor: Context.Key<Self, H>): Effect.Effect<H, never, ActorContext>
} = operations.self as any

/**
 * Waits until the instance is gone, and succeeds with the `ActorDied` that says why.
 *
 * @category life and death
 * @since 0.1.0
 */
export const watch: (handle: AnyHandle) => Effect.Effect<ActorDied> = operations.watch

/**
 * Changes the number of permits of a live instance. A higher limit starts waiting calls; a lower one lets running calls
 * finish. Throws a `RangeError` unless the number is an integer of at least 1, or `Infinity`.
 *
 * @category concurrency
 * @since 0.1.0
 */
export const resize: (
  handle: AnyHandle,
  maxConcurrency: number,
  options?: { readonly concurrencyGroup?: string | undefined }
) => Effect.Effect<void> = operations.resize

/**
 * Tells whether a value is the handle of an instance.
 *
 * @category guards
 * @since 0.1.0
 */
export const isHandle: (u: unknown) => u is AnyHandle = handles.isHandle as any

/**
 * Contracts as data: for programs whose versions change while they run.
 *
 * The shape of a contract says what crosses between its callers and its instances: the names of the methods, and how
 * their arguments, results and errors are written. It is plain JSON, so a build can keep the shapes of the version that is
 * deployed, and {@link compare} tells which changes since then can roll: whether nodes and callers of both versions
 * understand each other, and in which order to replace them. `npx troupe contracts` does that from a shell, and the nodes
 * and clients of a cluster do it whenever they meet.
 *
 * **Example** (A change that rolls, and one that does not)
 *
 * ```ts
 * import { Schema } from "effect"
 * import * as Contract from "@troupe/core/Contract"
 * import * as ContractShape from "@troupe/core/ContractShape"
 *
 * const version = (item: Schema.Struct.Fields) =>
 *   class Shop extends Contract.Service<Shop>()("app/Shop", {
 *     methods: { order: Contract.method({ payload: item, success: Schema.Int }) }
 *   }) {}
 *
 * const older = ContractShape.of(version({ name: Schema.String }))
 * const orderTo = (item: Schema.Struct.Fields) =>
 *   ContractShape.orderOf(ContractShape.compare([older], [ContractShape.of(version(item))]))
 *
 * console.log(orderTo({ name: Schema.String, gift: Schema.optionalKey(Schema.Boolean) })) // => any
 * console.log(orderTo({ name: Schema.Int })) // => never
 * ```
 *
 * @since 0.1.0
 */
import type { AnyContract } from "./Actor.ts"
import * as rolling from "./internal/kinds/rolling.ts"
import * as shape from "./internal/kinds/shape.ts"

/**
 * How a value is written. Two values of the same part are written in the same way, whatever class they have.
 *
 * @category models
 * @since 0.1.0
 */
export type Part = { readonly checks?: ReadonlyArray<Check> | undefined } & (
  | {
      readonly kind:
        | "any"
        | "string"
        | "number"
        | "boolean"
        | "bigint"
        | "symbol"
        | "null"
        | "undefined"
        | "void"
        | "never"
    }
  /** A bigint is written as its digits. */
  | { readonly kind: "literal"; readonly value: string | number | boolean; readonly bigint?: true | undefined }
  /** An array, or a tuple. `rest` are its items after the `elements`, and those that close it. */
  | { readonly kind: "list"; readonly elements: ReadonlyArray<Field>; readonly rest: ReadonlyArray<Part> }
  /** An object. `rest` are the keys and values of records. */
  | {
      readonly kind: "struct"
      readonly fields: Readonly<Record<string, Field>>
      readonly rest: ReadonlyArray<readonly [key: Part, value: Part]>
    }
  | { readonly kind: "union"; readonly of: ReadonlyArray<Part> }
  /** What is known by name: `Date`, or `Option` of something. */
  | { readonly kind: "named"; readonly name: string; readonly of: ReadonlyArray<Part> }
  /** What is transformed, and what that is written as. */
  | { readonly kind: "coded"; readonly as: Part; readonly wire: Part }
  /** What stands so many levels further up. */
  | { readonly kind: "same"; readonly up: number }
)

/**
 * A part that may be missing.
 *
 * @category models
 * @since 0.1.0
 */
export interface Field {
  readonly part: Part
  readonly optional?: true | undefined
}

/**
 * What else must hold of a value. Of a check of your own only the name is known.
 *
 * @category models
 * @since 0.1.0
 */
export interface Check {
  readonly name: string
  readonly with?: unknown
}

/**
 * A method, as it crosses.
 *
 * @category models
 * @since 0.1.0
 */
export interface MethodShape {
  readonly args: ReadonlyArray<Field>
  readonly success: Part
  readonly error: Part
  readonly stream: boolean
  /** Set for a subscription: `success` are the items that its readers get. */
  readonly subscription?: true | undefined
  /** Whether its calls are stored, which `Delivery.durable` of `@troupe/cluster` says. */
  readonly durable: boolean
  /** The version that it came with, if its contract says so. */
  readonly since?: string | undefined
}

/**
 * A contract, as its calls cross.
 *
 * @category models
 * @since 0.1.0
 */
export interface ContractShape {
  /** The id of the actor. */
  readonly actor: string
  /** The group of nodes of `@troupe/cluster` that its class names, if it is not `"default"`. */
  readonly nodeGroup?: string | undefined
  /** How keys are written, if the actor is keyed. */
  readonly key?: Part | undefined
  readonly methods: Readonly<Record<string, MethodShape>>
}

/**
 * The shape of a contract: of a class that was made with `methods`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const of: (actor: { readonly key: string; readonly methods: AnyContract }) => ContractShape =
  shape.shapeOf as any

/**
 * Sixteen digits that are the same for the same shape. They tell versions apart, and are no proof of anything.
 *
 * @category getters
 * @since 0.1.0
 */
export const hash: (shape: ContractShape) => string = shape.hashOf

/**
 * In which order the programs of a system may be replaced. "Nodes" serve calls, and "callers" make them: all nodes first,
 * or all callers first. A program that does both counts as both; when it is replaced, some of its calls to instances of
 * the other version are refused meanwhile, unless the order is `"any"`.
 *
 * @category models
 * @since 0.1.0
 */
export type Order = "any" | "nodesFirst" | "callersFirst" | "never"

/**
 * One change between two versions of a contract.
 *
 * @category models
 * @since 0.1.0
 */
export interface Change {
  readonly actor: string
  /** Empty for a change of the whole actor. */
  readonly method: string
  /** Where it is: `args[0].amount`, `success.items[]`, `error(NotFound).id`. Empty for a whole method. */
  readonly field: string
  readonly order: Order
  /** What was there, or `undefined`. */
  readonly older: string | undefined
  /** What is there now, or `undefined`. */
  readonly newer: string | undefined
  /** What becomes of calls between the versions. */
  readonly why: string
}

/**
 * The changes between two versions of a program that matter to calls between them. What both read in the same way, such
 * as a new optional field, is none.
 *
 * @category comparing
 * @since 0.1.0
 */
export const compare: (
  older: ReadonlyArray<ContractShape>,
  newer: ReadonlyArray<ContractShape>
) => ReadonlyArray<Change> = rolling.compare

/**
 * The order that suits all of these changes. It is `"never"` if there is none: when one of them does not roll, or when two
 * of them need different orders and belong into two releases.
 *
 * @category comparing
 * @since 0.1.0
 */
export const orderOf: (changes: ReadonlyArray<Change>) => Order = rolling.orderOf

/**
 * A change in words: the actor, the method, the field and both versions, and what becomes of calls.
 *
 * @category comparing
 * @since 0.1.0
 */
export const describe: (change: Change) => string = rolling.describe

/**
 * Why a caller cannot call a method of a node.
 *
 * @category models
 * @since 0.1.0
 */
export interface Mismatch {
  /** Where it is: `args[0].amount`. Empty for a whole method. */
  readonly field: string
  /** What the caller has there, or `undefined`. */
  readonly here: string | undefined
  /** What the node has there, or `undefined`. */
  readonly there: string | undefined
}

/**
 * Why a caller with one version of a contract cannot call this method of a node with another version, or `undefined` if it
 * can. For authors of homes.
 *
 * @category comparing
 * @since 0.1.0
 */
export const mismatch = (caller: ContractShape, node: ContractShape, method: string): Mismatch | undefined =>
  rolling.wholeMismatch(caller, node) ?? rolling.mismatch(caller.methods[method]!, node.methods[method])

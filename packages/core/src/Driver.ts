/**
 * `Driver` is the permission to block.
 *
 * `ObjectRef.get` and `ObjectRef.wait` block their caller until refs are ready. At the edge of a program that is fine;
 * in an actor it invites deadlock, which is why Ray forbids a blocking get inside async actors. Here the compiler
 * forbids it: blocking operations require `Driver`, which no actor method, constructor or task may require.
 *
 * Provide {@link layer} once, where the program starts. Never provide it inside an actor: that only moves the error
 * from compile time to run time.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import { explainMissing } from "./internal/base/effectInternals.ts"
import { permission } from "./internal/refs/permission.ts"

declare const DriverBrand: unique symbol

/**
 * The permission to block, which belongs to the edge of a program.
 *
 * @category capabilities
 * @since 0.1.0
 */
export class Driver extends explainMissing(
  Context.Service<Driver, { readonly [DriverBrand]: "may block" }>()("troupe/Driver"),
  () =>
    "Driver is not provided here, and operations that block need it, like ObjectRef.get: provide Driver.layer where the program starts, or yield* the ref"
) {}

/**
 * Grants the permission to block. Use it where the program starts, and nowhere else.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Driver> = Layer.succeed(Driver)(permission as Driver["Service"])

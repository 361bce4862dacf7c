/**
 * The methods of an instance in a thread, as its constructor on this side gives them.
 */
import * as Home from "@troupe/core/Home"
import type { MethodCodec } from "../values/contract.ts"
import { OutgoingCall } from "./outgoingCall.ts"
import { outgoingStream } from "./outgoingStream.ts"
import type { Place } from "./place.ts"

export const methodsOf = (place: Place, methods: ReadonlyArray<MethodCodec>) =>
  Object.fromEntries(methods.map((method) => [method.name, functionOf(place, method)]))

const functionOf = (place: Place, method: MethodCodec) => {
  if (method.isSubscription) {
    return Home.subscription((options, notice, reader) => outgoingStream(place, method, [options, notice], reader))
  }
  return method.stream
    ? (...args: ReadonlyArray<unknown>) => outgoingStream(place, method, args)
    : (...args: ReadonlyArray<unknown>) => new OutgoingCall(place, method, args)
}

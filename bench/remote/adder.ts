/**
 * The same method twice, for the server and the client: of an actor, and of an rpc by hand.
 */
import { Actor } from "@troupe/core"
import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"

export class Adder extends Actor.Service<Adder>()("bench/Adder", {
  methods: { add: Actor.method({ args: [Schema.Int], success: Schema.Int }) }
}) {}

export const ByHand = RpcGroup.make(Rpc.make("add", { payload: { by: Schema.Int }, success: Schema.Int }))

/** Where each is served. */
export const paths = { actor: "/actors", rpc: "/rpc" } as const

/**
 * What a node lets in: calls that it can run. The engine of a node dies of a call of a method that it does not know.
 *
 * A caller knows what its node hosts, unless it has read that a moment too early. So such a call is answered, and not run.
 * A durable one stays in the storage until a node that has the method takes the key.
 */
import { ActorError } from "@troupe/core/ActorError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { type Message, type MessageStorage, Reply, Rpc, Sharding, Snowflake } from "../engine.ts"
import { mismatched } from "../wire/failure.ts"
import { type Contracts, CurrentContracts } from "./contracts.ts"

type Storage = MessageStorage.MessageStorage["Service"]

/** Leaves the calls alone that this node cannot run. The engine reads them again when another node has their keys. */
export const onlyHosted = (storage: Storage, contracts: Contracts): Storage => ({
  ...storage,
  unprocessedMessages: (shardIds, options) =>
    Effect.map(storage.unprocessedMessages(shardIds, options), (messages) =>
      messages.filter((message) => message._tag !== "IncomingRequest" || isHosted(contracts, message))
    )
})

/** The engine as other processes reach it. */
export const layer: Layer.Layer<Sharding.Sharding, never, Sharding.Sharding> = Layer.effect(Sharding.Sharding)(
  Effect.gen(function* () {
    const sharding = yield* Sharding.Sharding
    const contracts = yield* CurrentContracts
    const ids = yield* Snowflake.Generator
    if (contracts === undefined) return sharding
    return {
      ...sharding,
      send: (message) =>
        message._tag === "IncomingRequest" && !isHosted(contracts, message)
          ? Effect.ignore(message.respond(refusal(message, ids)))
          : sharding.send(message)
    }
  })
).pipe(Layer.provide(Snowflake.layerGenerator))

const isHosted = (contracts: Contracts, { envelope }: Message.IncomingRequest<any>): boolean =>
  contracts.hosts(envelope.address.entityType, String(envelope.tag))

/** Any method: it fails as all of them may. */
const unknown = Rpc.make("~unknown", { error: Schema.Union([ActorError, Schema.Never]) })

const refusal = ({ envelope }: Message.IncomingRequest<any>, ids: Snowflake.Snowflake.Generator) => {
  const { address, requestId, tag } = envelope
  const error = mismatched({ actor: address.entityType, method: String(tag) }, "its node", {
    field: "",
    here: "known",
    there: undefined
  })
  return new Reply.ReplyWithContext<any>({
    reply: new Reply.WithExit<any>({ requestId, id: ids.nextUnsafe(), exit: Exit.fail(error) as any }),
    rpc: unknown as any,
    context: Context.empty() as any
  })
}

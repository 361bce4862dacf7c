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
import * as Stream from "effect/Stream"
import { type Message, type MessageStorage, Reply, Rpc, Sharding, Snowflake } from "../engine.ts"
import { mismatched } from "../wire/failure.ts"
import { type Contracts, CurrentContracts } from "./contracts.ts"

type Storage = MessageStorage.MessageStorage["Service"]

/**
 * Leaves the calls alone that this node cannot run. The engine reads them again when another node has their keys. One that
 * is cancelled meanwhile ends here, since no instance will hear of it.
 */
export const onlyHosted = (storage: Storage, contracts: Contracts, ids: Snowflake.Snowflake.Generator): Storage => ({
  ...storage,
  unprocessedMessages: (shardIds, options) =>
    Effect.gen(function* () {
      const messages = yield* storage.unprocessedMessages(shardIds, options)
      const hosted = messages.filter((message) => isHosted(contracts, message))
      if (hosted.length === messages.length) return messages
      for (const message of messages) {
        const { envelope } = message
        if (envelope._tag !== "Interrupt" || isHosted(contracts, message)) continue
        const reply = { id: ids.nextUnsafe(), requestId: envelope.requestId }
        yield* Effect.catchTag(
          storage.saveReply(Reply.ReplyWithContext.interrupt(reply)),
          "MalformedMessage",
          Effect.die
        )
      }
      return hosted
    })
})

/** The engine as other processes reach it. */
export const layer: Layer.Layer<Sharding.Sharding, never, Sharding.Sharding> = Layer.effect(Sharding.Sharding)(
  Effect.gen(function* () {
    const sharding = yield* Sharding.Sharding
    const contracts = yield* CurrentContracts
    const ids = yield* Snowflake.Generator
    if (contracts === undefined) return sharding
    const registrations = Stream.runForEach(sharding.getRegistrationEvents, (event) =>
      event._tag === "EntityRegistered" ? contracts.registered(event.entity.type) : Effect.void
    )
    yield* Effect.forkScoped(registrations, { startImmediately: true })
    return {
      ...sharding,
      send: (message) => {
        if (message._tag !== "IncomingRequest") return sharding.send(message)
        // A node that has just started is about to host the actor, perhaps in a version without the method.
        return Effect.flatMap(contracts.settled(message.envelope.address.entityType), () =>
          isHosted(contracts, message) ? sharding.send(message) : Effect.ignore(message.respond(refusal(message, ids)))
        )
      }
    }
  })
).pipe(Layer.provide(Snowflake.layerGenerator))

/** What tells of a call, such as that it is cancelled, does not have its method. */
const isHosted = (contracts: Contracts, { envelope }: Message.Incoming<any>): boolean =>
  contracts.hosts(envelope.address.entityType, envelope._tag === "Request" ? String(envelope.tag) : undefined)

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

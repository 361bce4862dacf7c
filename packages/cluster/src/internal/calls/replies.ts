/**
 * Durable calls as the storage knows them.
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { escape } from "../base/keyText.ts"
import {
  type ClusterError,
  EntityAddress,
  EntityId,
  EntityType,
  Envelope,
  Message,
  MessageStorage,
  Reply,
  Sharding,
  type Snowflake
} from "../engine.ts"
import type { Wire, WireMethod } from "../wire/wire.ts"

export interface Stored {
  /** The request of a durable call, if there is one with this id. */
  find(
    entityId: string,
    method: WireMethod,
    id: string
  ): Effect.Effect<Option.Option<Snowflake.Snowflake>, ClusterError.PersistenceError>
  /** Waits for the result of a request. A storage that does not answer is asked again. */
  result(method: WireMethod, requestId: Snowflake.Snowflake): Effect.Effect<any, any>
  /** Ends a durable call wherever it is. */
  cancel(entityId: string, method: WireMethod, id: string): Effect.Effect<void>
}

/** How often storage is asked for a result, at first and later. */
const polling = Schedule.min([Schedule.exponential("20 millis"), Schedule.spaced("200 millis")])

/** The durable calls of an actor. */
export const stored = (wire: Wire): Effect.Effect<Stored, never, Sharding.Sharding | MessageStorage.MessageStorage> =>
  Effect.gen(function* () {
    const sharding = yield* Sharding.Sharding
    const storage = yield* MessageStorage.MessageStorage
    const addressOf = (entityId: string) => {
      const id = EntityId.make(entityId)
      const shardId = sharding.getShardId(id, wire.entity.getShardGroup(id))
      return EntityAddress.make({ entityType: EntityType.make(wire.actor), entityId: id, shardId })
    }
    const find: Stored["find"] = (entityId, method, id) =>
      storage.requestIdForPrimaryKey({ address: addressOf(entityId), tag: method.name, id: escape(id) })
    return {
      find,
      result: ({ rpc }, requestId) => awaitExit(storage, rpc, requestId),
      cancel: (entityId, method, id) =>
        Effect.gen(function* () {
          const found = yield* find(entityId, method, id)
          if (found._tag === "None") return
          const address = addressOf(entityId)
          const envelope = new Envelope.Interrupt({ id: yield* sharding.getSnowflake, address, requestId: found.value })
          yield* sharding.sendOutgoing(new Message.OutgoingEnvelope({ envelope, rpc: method.rpc }), false)
        }).pipe(Effect.timeout("1 second"), Effect.ignore)
    }
  })

const awaitExit = (
  storage: MessageStorage.MessageStorage["Service"],
  rpc: WireMethod["rpc"],
  requestId: Snowflake.Snowflake
): Effect.Effect<any, any> => {
  const decode = Schema.decodeUnknownEffect(Reply.Reply(rpc, Schema.toCodecJson as any) as any)
  const look = Effect.gen(function* () {
    const replies = yield* storage.repliesForUnfiltered([requestId])
    const last = replies.find((reply) => reply._tag === "WithExit")
    return last === undefined ? undefined : ((yield* decode(last)) as { readonly exit: Exit.Exit<any, any> })
  }).pipe(Effect.catchTag("PersistenceError", () => Effect.undefined))
  return look.pipe(
    Effect.repeat({ schedule: polling, until: (reply) => reply !== undefined }),
    Effect.flatMap((reply) => (reply as unknown as { readonly exit: Exit.Exit<any, any> }).exit)
  ) as Effect.Effect<any, any>
}

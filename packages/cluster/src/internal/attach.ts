/**
 * Picking up a durable call by its id, from any process.
 */
import type { ActorError } from "@troupe/core/ActorError"
import * as ObjectRef from "@troupe/core/ObjectRef"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { addressOf, makeCancel } from "./caller.ts"
import { MessageStorage, Reply, Sharding, type Snowflake } from "./engine.ts"
import { cancelled, subjectOf, translate, unavailable } from "./failure.ts"
import { type Contracted, of, type Wire, type WireMethod } from "./wire.ts"

/** How often storage is asked for the result, at first and later. */
const polling = Schedule.min([Schedule.exponential("20 millis"), Schedule.spaced("200 millis")])

export const attach = (
  actor: Contracted,
  key: unknown,
  id: string,
  options?: { readonly method?: string | undefined }
): Effect.Effect<
  ObjectRef.ObjectRef<any, any>,
  Cause.NoSuchElementError | ActorError,
  Sharding.Sharding | MessageStorage.MessageStorage
> =>
  Effect.gen(function* () {
    const wire = of(actor)
    const entityId = wire.encodeKey(key)
    const { method, requestId } = yield* find(wire, entityId, id, options?.method)
    const storage = yield* MessageStorage.MessageStorage
    const cancel = yield* makeCancel(wire)
    const subject = subjectOf(`${wire.actor}(${String(key)})`, method)
    const result = Effect.onInterrupt(
      Effect.catchCause(awaitReply(storage, method, requestId), (cause) => translate(subject, cause, cancelled)),
      () => cancel(entityId, method, id)
    )
    return yield* ObjectRef.fromEffect(result)
  })

const find = (wire: Wire, entityId: string, id: string, name: string | undefined) =>
  Effect.gen(function* () {
    const sharding = yield* Sharding.Sharding
    const storage = yield* MessageStorage.MessageStorage
    const address = addressOf(wire, sharding, entityId)
    const durable = wire.methods.filter(
      (method) => method.terms.delivery === "durable" && (name === undefined || method.name === name)
    )
    for (const method of durable) {
      const found = yield* storage.requestIdForPrimaryKey({ address, tag: method.name, id }).pipe(
        Effect.mapError((cause) =>
          unavailable(subjectOf(wire.actor, method), "the storage of the cluster does not answer", {
            mayHaveRun: false,
            cause
          })
        )
      )
      if (found._tag === "Some") return { method, requestId: found.value }
    }
    const where = name === undefined ? `one of the durable methods of ${wire.actor}` : `${wire.actor}.${name}`
    return yield* Effect.fail(
      new Cause.NoSuchElementError(
        `ClusterHome.attach: no call of ${where} for "${entityId}" has the id "${id}". It was never made, or it finished longer ago than the retention.`
      )
    )
  })

/** Waits until the storage has the result of a call. A storage that does not answer is asked again. */
const awaitReply = (
  storage: MessageStorage.MessageStorage["Service"],
  { rpc }: WireMethod,
  requestId: Snowflake.Snowflake
): Effect.Effect<any, any> => {
  const decode = Schema.decodeUnknownEffect(Reply.Reply(rpc, Schema.toCodecJson as any) as any)
  const look = Effect.gen(function* () {
    const replies = yield* storage.repliesForUnfiltered([requestId])
    const last = replies.find((reply) => reply._tag === "WithExit")
    return last === undefined ? undefined : ((yield* decode(last)) as Reply.WithExit<any>)
  }).pipe(Effect.catchTag("PersistenceError", () => Effect.undefined))
  return look.pipe(
    Effect.repeat({ schedule: polling, until: (reply) => reply !== undefined }),
    Effect.flatMap((reply) => (reply as unknown as { readonly exit: Exit.Exit<any, any> }).exit)
  ) as Effect.Effect<any, any>
}

/**
 * Picking up a durable call by its id, from any process.
 */
import type { ActorError } from "@troupe/core/ActorError"
import * as Home from "@troupe/core/Home"
import * as ObjectRef from "@troupe/core/ObjectRef"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type { MessageStorage, Sharding } from "../engine.ts"
import { cancelled, subjectOf, translate, unavailable, undecodable } from "../wire/failure.ts"
import { type Contracted, of, type Wire } from "../wire/wire.ts"
import { type Stored, stored } from "./replies.ts"

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
    const written = wire.writeKey(key)
    if (written._tag === "Failure") {
      const subject = { actor: `${wire.actor}(${Home.keyText(key)})`, method: options?.method ?? "attach" }
      return yield* Effect.fail(undecodable(subject, written.failure, false))
    }
    const entityId = written.success
    const calls = yield* stored(wire)
    const { method, requestId } = yield* find(wire, calls, entityId, id, options?.method)
    const subject = subjectOf(`${wire.actor}(${Home.keyText(key)})`, method)
    const result = Effect.onInterrupt(
      Effect.catchCause(calls.result(method, requestId), (cause) => translate(subject, cause, cancelled)),
      () => calls.cancel(entityId, method, id)
    )
    return yield* ObjectRef.fromEffect(result)
  })

const find = (wire: Wire, calls: Stored, entityId: string, id: string, name: string | undefined) =>
  Effect.gen(function* () {
    const durable = wire.methods.filter(
      (method) => method.delivery.kind === "durable" && (name === undefined || method.name === name)
    )
    for (const method of durable) {
      const found = yield* Effect.mapError(calls.find(entityId, method, id), (cause) =>
        unavailable(subjectOf(wire.actor, method), "the storage of the cluster does not answer", {
          mayHaveRun: false,
          cause
        })
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

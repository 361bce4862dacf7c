/**
 * Hands requests to nodes as Effect does, but never the same volatile request twice.
 *
 * When the connection to a node is lost, Effect sends what was on its way again, and the method may run twice. Here, a
 * request that may have reached the node fails instead, with `ActorUnavailable`; a contract may ask for it to be sent
 * again, and then the caller does so. Requests that cannot have been sent keep looking for a node.
 */
import type { ActorError } from "@troupe/core/ActorError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import { codecOf, issueOf } from "../base/writable.ts"
import { CurrentAttempt } from "../calls/attempt.ts"
import {
  ClusterSchema,
  type Message,
  type MessageStorage,
  Reply,
  type RunnerAddress,
  Runners,
  type ShardingConfig,
  Snowflake
} from "../engine.ts"
import type { Peer, Peers } from "../net/peers.ts"
import { unavailable, undecodable } from "../wire/failure.ts"
import { CalledMethod } from "../wire/wire.ts"
import { CurrentContracts } from "./contracts.ts"

type Needs = Runners.RpcClientProtocol | MessageStorage.MessageStorage | ShardingConfig.ShardingConfig

export const layer = (peers: Peers): Layer.Layer<Runners.Runners, never, Needs> =>
  Layer.effect(Runners.Runners)(
    Effect.gen(function* () {
      const runners = yield* Runners.makeRpc
      const ids = yield* Snowflake.Generator
      const contracts = yield* CurrentContracts
      const send = (options: Parameters<typeof runners.send>[0]) =>
        Effect.catchDefect(runners.send(options), (defect) => {
          const { message } = options
          if (message._tag !== "OutgoingRequest") return Effect.die(defect)
          return Effect.flatMap(unwritten(message), (issue) =>
            issue === undefined
              ? Effect.die(defect)
              : message.respond(replyOf(message, ids, unwritable(message, issue)))
          )
        })
      const sendOnce = (options: Parameters<typeof runners.send>[0]) => {
        const { address, message } = options
        if (!isVolatile(message)) return send(options)
        const peer = peers.at(address)
        const before = { ...peer }
        note(message, true)
        return Effect.catch(send(options), (error) => {
          // A node that does not have the actor has not run the call either.
          if (error._tag !== "RunnerUnavailable" || !wasOpen(before, peer)) {
            note(message, false)
            return Effect.fail(error)
          }
          return message.respond(replyOf(message, ids, lost(message)))
        })
      }
      /** Sends a message to a node whose contract understands it. */
      const checked = <E>(
        address: RunnerAddress.RunnerAddress | undefined,
        message: Message.Outgoing<any>,
        send: Effect.Effect<void, E>
      ): Effect.Effect<void, E> => {
        const method = message._tag === "OutgoingRequest" ? Context.get(message.annotations, CalledMethod) : undefined
        if (contracts === undefined || method === undefined) return send
        const answer = (refusal: ActorError | undefined) =>
          refusal === undefined
            ? send
            : (message as Message.OutgoingRequest<any>).respond(replyOf(message as any, ids, refusal))
        const refusal = contracts.refusalNow(address, method)
        return refusal === "unknown" ? Effect.flatMap(contracts.refusal(address, method), answer) : answer(refusal)
      }
      return Runners.Runners.of({
        ...runners,
        sendLocal: (options) => {
          note(options.message, true)
          return Effect.onError(runners.sendLocal(options), () => Effect.sync(() => note(options.message, false)))
        },
        // The connection may be lost before the contract is known: nothing has been sent then.
        send: (options) =>
          checked(
            options.address,
            options.message,
            Effect.suspend(() => sendOnce(options as any))
          ),
        notify: (options) => checked(Option.getOrUndefined(options.address), options.message, runners.notify(options))
      })
    })
  ).pipe(Layer.provide(Snowflake.layerGenerator))

const isVolatile = (message: Message.Outgoing<any>): message is Message.OutgoingRequest<any> =>
  message._tag === "OutgoingRequest" &&
  !Context.get(message.annotations, ClusterSchema.Persisted) &&
  attemptOf(message) !== undefined

const attemptOf = (message: Message.OutgoingRequest<any>) =>
  Context.get(message.context as Context.Context<never>, CurrentAttempt)

const note = (message: Message.Outgoing<any>, delivered: boolean): void => {
  if (message._tag !== "OutgoingRequest") return
  attemptOf(message)?.mark(delivered)
}

/** Whether there was a connection at any time since `before`: only then can anything have been sent. */
const wasOpen = (before: Peer, now: Peer): boolean => before.open || now.opened !== before.opened

const subjectOf = ({ envelope: { address, tag } }: Message.OutgoingRequest<any>) => ({
  actor: `${address.entityType}(${address.entityId})`,
  method: String(tag)
})

const lost = (message: Message.OutgoingRequest<any>): ActorError =>
  unavailable(subjectOf(message), "the connection to its node was lost", { mayHaveRun: true })

/** Nothing was sent of it. */
const unwritable = (message: Message.OutgoingRequest<any>, issue: string): ActorError =>
  undecodable(subjectOf(message), issue, false)

/** Which of the arguments could not be written, and why: one that throws when it is read has the engine die of that. */
const unwritten = ({ envelope, rpc }: Message.OutgoingRequest<any>): Effect.Effect<string | undefined> => {
  const { elements = [] } = (rpc as any).payloadSchema as { readonly elements?: ReadonlyArray<Schema.Top> }
  const args = envelope.payload as ReadonlyArray<unknown>
  const issues = elements.map((schema, i) => issueOf(`args[${i}]`, codecOf(schema), args[i]))
  return Effect.map(Effect.all(issues), (all) => all.find((issue) => issue !== undefined))
}

const replyOf = (message: Message.OutgoingRequest<any>, ids: Snowflake.Snowflake.Generator, error: ActorError) =>
  new Reply.WithExit<any>({
    requestId: message.envelope.requestId,
    id: ids.nextUnsafe(),
    exit: Exit.fail(error) as any
  })

/** What a node reads of the storage: the calls that it can run. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Stream } from "effect"
import { Sharding, Snowflake } from "effect/cluster"
import { Contracts, CurrentContracts } from "../src/internal/node/contracts.ts"
import { layer as door, onlyHosted } from "../src/internal/node/door.ts"

const message = (envelope: object): any => ({ envelope })
const address = (entityType: string) => ({ entityType })

/** A storage with these messages, and the replies that are saved in it. */
const storageOf = (messages: ReadonlyArray<unknown>) => {
  const replies: Array<any> = []
  const storage: any = {
    unprocessedMessages: () => Effect.succeed(messages),
    saveReply: ({ reply }: any) => Effect.sync(() => void replies.push(reply))
  }
  return { replies, storage }
}

/** A node that hosts the method `run` of the actor `here`. */
const contracts: any = {
  hosts: (actor: string, method?: string) => actor === "here" && (method === undefined || method === "run")
}

describe("a node", () => {
  it.effect("10.11 leaves stored calls alone that it cannot run, and ends those that are cancelled meanwhile", () =>
    Effect.gen(function* () {
      const runs = message({ _tag: "Request", address: address("here"), tag: "run", requestId: 1n })
      const cancels = message({ _tag: "Interrupt", address: address("here"), requestId: 1n })
      const { replies, storage } = storageOf([
        message({ _tag: "Request", address: address("elsewhere"), tag: "run", requestId: 2n }),
        message({ _tag: "Request", address: address("elsewhere"), tag: "run", requestId: 3n }),
        message({ _tag: "Request", address: address("here"), tag: "newer", requestId: 4n }),
        runs,
        message({ _tag: "Interrupt", address: address("elsewhere"), requestId: 2n }),
        cancels
      ])
      const read = onlyHosted(storage, contracts, yield* Snowflake.makeGenerator)
      assert.deepStrictEqual(yield* read.unprocessedMessages([]), [runs, cancels])
      assert.deepStrictEqual(
        replies.map(({ exit, requestId }) => [
          requestId,
          exit._tag,
          exit.cause.reasons.map((reason: any) => reason._tag)
        ]),
        [[2n, "Failure", ["Interrupt"]]]
      )
    })
  )

  it.effect("10.11 that has just started lets no call in before it is known whether its version has the method", () =>
    Effect.gen(function* () {
      const sent: Array<string> = []
      const refused: Array<string> = []
      const sharding: any = {
        getRegistrationEvents: Stream.empty,
        send: ({ envelope }: any) => Effect.sync(() => void sent.push(envelope.tag))
      }
      const table: any = { ofActor: () => Effect.succeed(new Map()), put: () => Effect.void }
      const starting = new Contracts(table, {} as any, undefined, Context.empty())
      const inside = Layer.mergeAll(
        Layer.succeed(Sharding.Sharding)(sharding),
        Layer.succeed(CurrentContracts)(starting)
      )
      const { send } = Context.get(yield* Layer.build(Layer.provide(door, inside)), Sharding.Sharding)
      const call = (tag: string): any => ({
        _tag: "IncomingRequest",
        envelope: { _tag: "Request", address: address("here"), tag, requestId: 1n },
        respond: () => Effect.sync(() => void refused.push(tag))
      })
      const calls = yield* Effect.forkChild(
        Effect.forEach(["run", "newer", "run"], (tag) => send(call(tag)), { concurrency: "unbounded" })
      )
      yield* Effect.yieldNow
      assert.deepStrictEqual([sent, refused], [[], []])
      yield* starting.publish({ actor: "here", methods: { run: {} } } as any)
      yield* Fiber.join(calls)
      assert.deepStrictEqual([sent, refused], [["run", "run"], ["newer"]])
    })
  )
})

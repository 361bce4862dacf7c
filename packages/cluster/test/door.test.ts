/** What a node reads of the storage: the calls that it can run. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Snowflake } from "effect/cluster"
import { onlyHosted } from "../src/internal/node/door.ts"

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
})

import { Duplex } from "node:stream"
import * as NodeSocket from "@effect/platform-node-shared/NodeSocket"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { together } from "../src/internal/net/frames.ts"

describe("frames", () => {
  it.live("of one turn leave together and in their order, and those of the next turn after them", () =>
    Effect.gen(function* () {
      const sent: Array<ReadonlyArray<string>> = []
      const connection = new Duplex({
        read() {},
        write: (chunk, _encoding, done) => {
          sent.push([String(chunk)])
          done()
        },
        writev: (chunks, done) => {
          sent.push(chunks.map(({ chunk }) => String(chunk)))
          done()
        }
      })
      const socket = together(yield* NodeSocket.fromDuplex(Effect.succeed(connection)), () => connection)
      yield* socket.reader
      const { write } = yield* socket.writer
      yield* Effect.forEach(["a", "b", "c"], (frame) => write(frame))
      assert.deepStrictEqual(sent, [])
      yield* Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))
      yield* write("d")
      yield* Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))
      assert.deepStrictEqual(sent, [["a", "b", "c"], ["d"]])
    }).pipe(Effect.scoped)
  )
})

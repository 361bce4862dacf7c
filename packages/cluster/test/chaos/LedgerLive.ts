import * as DurableState from "@troupe/cluster/DurableState"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { Entry, Ledger } from "./Ledger.ts"

export const LedgerLive: Layer.Layer<Ledger, never, DurableState.DurableStateStorage> = Ledger.toLayer(() =>
  Effect.gen(function* () {
    const log = yield* DurableState.make(Schema.Array(Entry), { initial: [] })
    const writer = `${process.pid}-${crypto.randomUUID().slice(0, 8)}`
    const add = (entries: ReadonlyArray<typeof Entry.Type>, op: string) =>
      [entries.length, [...entries, { op, writer }]] as const
    // Dying does most harm right after a change was saved, when its caller does not know yet, and freezing right before.
    const slowly = <A, E>(change: Effect.Effect<A, E>) =>
      Effect.andThen(Effect.sleep("10 millis"), Effect.tap(change, Effect.sleep("10 millis")))
    return Ledger.of({
      append: (op) => slowly(log.modifyOnce({ result: Schema.Int, remember: 1000 }, (entries) => add(entries, op))),
      touch: (op) => slowly(log.modify((entries) => add(entries, op))),
      read: () => log.refresh
    })
  })
)

/**
 * `troupe failed`: durable calls and reminders that failed, from the storage of a cluster.
 */
import * as Console from "effect/Console"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { NodeCommandError } from "../../ClusterStartError.ts"
import * as DurableCalls from "../../DurableCalls.ts"
import * as Reminders from "../../Reminders.ts"
import * as storages from "../sql/storage.ts"
import { drop as dropEither, idOf, retry as retryEither } from "../view/failedWork.ts"
import * as nodeConfig from "./config.ts"

const storage = Flag.String("storage").pipe(
  Flag.withDescription("That of the cluster: a SQLite file, or postgres://... (TROUPE_STORAGE)"),
  Flag.optional
)
const listFlags = {
  storage,
  actor: Flag.String("actor").pipe(Flag.withDescription("Only those of this actor"), Flag.optional),
  limit: Flag.Int("limit").pipe(Flag.withDescription("How many of each at most"), Flag.withDefault(100)),
  json: Flag.Boolean("json").pipe(Flag.withDescription("As JSON, for scripts"), Flag.withDefault(false))
}
const ids = Argument.String("id").pipe(
  Argument.withDescription("Which ones: ids as they are listed"),
  Argument.variadic({ min: 1 })
)

interface Input {
  readonly storage: Option.Option<string>
}

interface ListInput extends Input {
  readonly actor: Option.Option<string>
  readonly limit: number
  readonly json: boolean
}

interface ChangeInput extends Input {
  readonly id: ReadonlyArray<string>
}

const within =
  <A, E>({ storage }: Input) =>
  (work: Effect.Effect<A, E, any>): Effect.Effect<A, NodeCommandError> =>
    Effect.gen(function* () {
      const given = Option.map(storage, nodeConfig.storageOf)
      const options = yield* nodeConfig.options(Option.isSome(given) ? { storage: given.value } : {})
      const live = Layer.provideMerge(Reminders.layer, storages.layer(options.storage))
      return yield* Effect.provide(work, live) as Effect.Effect<A, E>
    }).pipe(Effect.mapError((error: any) => new NodeCommandError({ why: String(error?.message ?? error) })))

// --- listing ---------------------------------------------------------------------------------------------------------

const list = (input: ListInput) =>
  within(input)(
    Effect.gen(function* () {
      const options = { actor: Option.getOrUndefined(input.actor), limit: input.limit }
      const calls = (yield* DurableCalls.failed(options)).map((call) => ({ ...call, kind: "call" as const }))
      const reminders = (yield* Reminders.failing(options)).map((reminder) => ({
        ...reminder,
        kind: "reminder" as const,
        id: idOf(reminder)
      }))
      const all = [...calls, ...reminders]
      if (input.json) return yield* Console.log(JSON.stringify(all, undefined, 2))
      if (all.length === 0) return yield* Console.log("No durable call and no reminder has failed.")
      yield* Console.log([...calls.map(callText), ...reminders.map(reminderText)].join("\n\n"))
    })
  )

const callText = ({ actor, at, attempts, cause, id, key, method }: DurableCalls.FailedCall): string =>
  [
    id,
    `  ${key === actor ? actor : `${actor}(${key})`}.${method}, a durable call`,
    `  tried ${times(attempts)}, failed last at ${DateTime.formatIso(at)}`,
    `  ${indented(cause)}`
  ].join("\n")

const reminderText = ({ actor, attempts, cause, due, id, isAbandoned, key, method }: Reminders.FailingReminder) => {
  const next = isAbandoned ? "abandoned" : "tried again"
  return [
    id,
    `  ${actor}(${key}).${method}, a reminder due at ${DateTime.formatIso(due)}`,
    attempts === 0 ? "  waits for its next time" : `  failed ${times(attempts)}, ${next}`,
    `  ${indented(cause)}`
  ].join("\n")
}

const times = (n: number): string => (n === 1 ? "once" : `${n} times`)
const indented = (text: string): string => text.replaceAll("\n", "\n  ")

// --- changing --------------------------------------------------------------------------------------------------------

type Change = (id: string) => Effect.Effect<boolean, unknown, any>

const changed = (change: Change, done: string) => (input: ChangeInput) =>
  within<void, unknown>(input)(
    Effect.gen(function* () {
      const missing: Array<string> = []
      for (const id of input.id) {
        if (yield* change(id)) yield* Console.log(`${id} ${done}`)
        else missing.push(id)
      }
      if (missing.length === 0) return
      return yield* Effect.fail(
        new Error(`Nothing that failed, and is not under way, has the id ${missing.join(", ")}`)
      )
    })
  )

const retry = Command.make("retry", { storage, id: ids }, changed(retryEither, "runs again")).pipe(
  Command.withDescription("Have some of them run again")
)
const drop = Command.make("drop", { storage, id: ids }, changed(dropEither, "is gone")).pipe(
  Command.withDescription("Delete some of them")
)

export const command = Command.make("failed", listFlags, list).pipe(
  Command.withDescription("List durable calls and reminders that failed, from the storage of a cluster"),
  Command.withSubcommands([retry, drop])
)

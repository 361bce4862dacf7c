// biome-ignore-all lint/suspicious/noTemplateCurlyInString: they are parts of sources
/**
 * Ways to break the cluster, each a small change of one file, and the program in a simulated cluster that notices:
 * `npm run mutants -- cluster`.
 */
import type { Faults } from "@troupe/cluster/SimulatedCluster"
import type { Mutant } from "../mutants.ts"

/** The programs in `packages/cluster/test/simulated`. */
export type Program = "ledger" | "answers" | "places" | "reminders" | "moves" | "orders"

export interface ClusterMutant extends Omit<Mutant, "test"> {
  readonly program: Program
  readonly faults: Faults
}

/** `file` is in `packages/cluster/src/internal`. */
export const mutants: ReadonlyArray<ClusterMutant> = [
  {
    name: "writes state without a fence",
    file: "state/sql.ts",
    from: " AND epoch = ${epoch} AND version = ${version}",
    to: "",
    program: "ledger",
    faults: { freezes: 1 }
  },
  {
    name: "believes that it has every key that it asks for",
    file: "node/locks.ts",
    from: "item.shards.filter((shard) => held.includes(shard))",
    to: "(held, [...item.shards])",
    program: "moves",
    faults: { freezes: 1 }
  },
  {
    name: "answers before the result is stored",
    file: "node/messages.ts",
    from: "this.results.do({\n              reply,",
    to: "((item: Result) => Effect.asVoid(Effect.forkDetach(this.results.do(item))))({\n              reply,",
    program: "answers",
    faults: { kills: 1 }
  },
  {
    name: "purges results at once",
    file: "node/retention.ts",
    from: "now - Duration.toMillis(retention)",
    to: "now",
    program: "answers",
    faults: {}
  },
  {
    name: "leaves and forgets to hand over",
    file: "node/departure.ts",
    from: "        yield* shutdown.brief(Effect.ignore(tell))\n",
    to: "",
    program: "ledger",
    faults: { leaves: 1 }
  },
  {
    name: "closes before others have heard that it leaves",
    file: "node/departure.ts",
    from: "const heardOf = Effect.sleep(2 * assignmentRefresh + GRACE)",
    to: "const heardOf = Effect.void",
    program: "ledger",
    faults: { leaves: 1 }
  },
  {
    name: "takes a reminder as done whose node ends",
    file: "reminders/firing.ts",
    from: 'if (isStopped(cause)) return { _tag: "Again", notBefore: 0, attempts: reminder.attempts - 1 }',
    to: 'if (isStopped(cause)) return { _tag: "Done" } as Outcome',
    program: "reminders",
    faults: { leaves: 1 }
  },
  {
    name: "leases reminders for ever",
    file: "reminders/firing.ts",
    from: "until = now + options.lease",
    to: "until = now + options.lease * 1000",
    program: "reminders",
    faults: { kills: 1 }
  },
  {
    name: "settles a reminder before it has fired",
    file: "reminders/firing.ts",
    from: "return Effect.onExit(Effect.provideService(call(this.callee, reminder), CurrentWork, this.work), (exit) =>",
    to: "return Effect.onExit(Effect.andThen(settle(this.storage, reminder, this.owner, Exit.void, this.options), Effect.provideService(call(this.callee, reminder), CurrentWork, this.work)), (exit) =>",
    program: "reminders",
    faults: { kills: 1 }
  },
  {
    name: "lets two nodes lease the same reminder",
    file: "reminders/sql.ts",
    from: " AND leased_until <= ${now} AND failed",
    to: " AND failed",
    program: "reminders",
    faults: {}
  },
  {
    name: "does not give up the claims of a read that failed",
    file: "node/claims.ts",
    from: "const read = doubting(Effect.flatMap(storage.unprocessedMessages(shards, options), withoutEnding))",
    to: "const read = Effect.flatMap(storage.unprocessedMessages(shards, options), withoutEnding)",
    program: "ledger",
    faults: { errors: 3 }
  },
  {
    name: "sends a volatile call again that may have run",
    file: "calls/method.ts",
    from: "return (...args) => volatile(remote, args)\n    case",
    to: "return (...args) => again(remote, () => volatile(remote, args), isUnavailable)\n    case",
    program: "ledger",
    faults: { kills: 3 }
  },
  {
    name: "fails a durable call whose node has lost the key",
    file: "home/host.ts",
    from: "if (!sharding.hasShardId(shardId)) return abandon",
    to: "if (!sharding.hasShardId(shardId)) return Effect.fail(error)",
    program: "ledger",
    faults: { freezes: 1 }
  },
  {
    name: "lets calls of a key overtake each other on their way to the storage",
    file: "node/groups.ts",
    from: "          if (this.kind.ordered) held.add(key)\n",
    to: "",
    program: "orders",
    faults: { slowdowns: 1 }
  }
]
